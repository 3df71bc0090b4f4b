"""
The only room that knows oso: Polar files in, decisions out.

``vocabulary`` says what a rule may read, and ``kinds`` of what kinds that is. ``text`` gives the
text of a file, ``syntax`` reads the accepted subset of Polar rule by rule, ``types`` finds what
cannot be meant, ``together`` looks at what rules say of each other, ``reasons`` reads what they
say to people. ``bundle`` makes one immutable policy of it all, and ``sandbox`` does so in a child
process first, since a policy text can kill the process that compiles it; ``current`` holds the
result. ``host`` is the guarded border between Python and Polar with its table of comparisons,
``runner`` runs one rule behind it, ``engine`` asks all rules and combines their answers.
``suite`` runs the tests that stand beside the policies: ``tables`` reads them member by member,
``world`` and ``signing_in`` what they describe, ``cases`` what they ask.

IMPORTANT: the combination is code and not Polar. Any forbid denies; no permit denies;
an error in any rule denies with ``policy-error``, wherever the rule stands.
"""
