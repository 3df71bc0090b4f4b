"""
What oso has answered, kept by what was observed; and every way through it.

``diagram`` keeps answers by what came out of probes, ``engine`` asks each rule over its tree, and
keeps decisions by what is seen at one ``glance``; ``combining`` makes one decision of what the
rules said and knows what it rests on. ``possible`` says which facts can be together,
``situations`` finds facts under which probes come out as wanted (a ``searching``), and
``exploring`` drives every way that is possible through oso. ``evidence`` reads back what a record
tells, from which ``replaying`` decides again.

IMPORTANT: the combination is code and not Polar. Any forbid denies; no permit denies;
an error in any rule denies with ``policy-error``, wherever the rule stands.
"""
