"""
The policy in force, and how an edit of the folder takes its place.

``content`` is what the folder holds, ``current`` holds the policy in force, ``watching`` looks
for edits, ``last_good`` keeps what a restart can fall back on, ``archive`` all that was ever in
force, ``statuses`` what each worker says of itself; ``disk`` is how files are written in one
piece, ``texts`` how policies stand in them.
"""
