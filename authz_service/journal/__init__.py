"""
The decision log: append-only files of JSON lines, chained by hashes, written before answers leave.

Writing: ``lines`` and ``rendering`` turn a record into its line, in the form of
``schemas/decision_record.json``; ``links`` chains lines; ``writing`` writes one chain, ``owned``
for a worker and ``shared`` for the command line; ``journal`` puts them together. ``places`` says
who writes what, ``keeping`` looks after the files: ``packed`` when closed, removed when old, and
their ``heads`` signed with the ``keys``.

Reading: ``segments`` and ``extents`` say which files there are and how far they count; ``chains``
gives their lines; ``verifying``, ``walking`` and ``diagnosis`` find what was tampered with;
``form`` says which lines are records at all.
"""
