"""
The only room that knows oso: Polar files in, decisions out.

``vocabulary`` says what a rule may read, and ``kinds`` of what kinds that is. ``bundle`` makes
one immutable policy of files, a ``compiled`` one, which is all that the rest of the service
holds of this room. The rooms within: ``reading`` finds what is wrong in a text, ``border`` is
oso behind its guard, ``diagrams`` keep what oso has answered and explore the rest, ``judging``
lets a candidate pass or not, ``suites`` are the tests beside the policies, ``nearness`` finds
what would turn a denial, ``showing`` makes tables, and ``live`` holds what is in force and
watches for edits.
"""
