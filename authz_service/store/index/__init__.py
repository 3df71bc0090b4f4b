"""
The index of the decision log: which records there are, by what can be asked for.

It can be made again from the log's files at any time, so nothing is lost with it, it has no
migrations and belongs to no back-up. On SQLite it is a file of its own beside the database:
its commits would wake every cache of the store, and its size would be copied with each back-up.
On PostgreSQL it is tables beside the store's, with the lines themselves, so that every replica
answers for the logs of all machines.

Records stand in blocks of some thousand, sealed once and ordered by moment within; a block keeps
for each term, such as one company, which of its records have it: a set of bits. So a search for
several terms reads a few bytes a block and term, however rare or common each is, and only the
records that it gives. What is too new for a block waits in ``tail``.

``schema`` has the tables, ``places`` what is different between the databases, ``bits`` the sets,
``filling`` writes and ``finding`` searches.
"""

from __future__ import annotations

from authz_service.store.index.log_index import SqlLogIndex

__all__ = ["SqlLogIndex"]
