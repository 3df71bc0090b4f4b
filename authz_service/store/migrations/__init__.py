"""
The way from each version of the database to the next, and back, for Alembic.

Rules for one more of them:

- It only adds: tables, nullable columns, indexes. The release before goes on beside it for the
  time of an upgrade, and may have to come back. What is no longer needed goes a release later.
- It says all that it makes by itself, and takes nothing from ``schema``, which moves on.
  ``tests/store/test_migrations.py`` holds the two to each other, on both databases.
- The way back loses nothing that the version before knew.
- It is one transaction together with the others that are missing. On PostgreSQL that keeps
  others from a table for as long as it lasts: fill large tables in a release of its own.

Its name counts on: ``v0003_what_it_brings.py``, revision ``0003``, the number to be added to
``versions.VERSIONS``.
"""
