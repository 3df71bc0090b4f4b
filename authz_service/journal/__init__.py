"""
The decision log: one JSON line a record, on disk before the answer leaves.

``lines`` turns a record into its line, in the form of ``schemas/decision_record.json``;
``file`` appends lines to a file that several processes may share. ``reading`` looks for records
in that file from its end, in bounded steps; ``matching`` says which are wanted, ``form`` which
lines are records at all.
"""
