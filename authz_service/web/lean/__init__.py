"""
Decisions without Flask: what a program waits for at every start of a process is answered here.

An ``Operation`` is one of them: ``Front`` answers it directly, and Flask serves the same object as
a view, so that routes, the published contract and tests know one implementation. ``reading`` and
``form`` read the bodies that nearly everybody sends; whatever they are not sure of is read
by marshmallow's schemas, which alone say what is wrong.
"""
