"""
The store: what is known of persons, companies, processes and callers, on SQLAlchemy Core.

This is the only room that knows SQL. ``SqlStore`` opens a database and holds one small
class for each port of ``usecases/ports.py``; ``schema`` has the tables, ``database`` and
``file`` all that is special about SQLite.

Four promises hold throughout, and ``tests/store`` asks for them:

- One truth: a read is one transaction and sees one state, whose number is the revision.
  A write begins by taking the write lock, so no two of them lose each other's change.
- All or nothing: a call either wrote everything, and gives the revision that it made, or
  raised and wrote nothing. The act is told to the log within the transaction, as its last
  step, so what cannot be recorded is not done. Only surrogates have no revision, since no
  decision depends on them.
- Exactness: identifiers are text and compared byte for byte, instants come back to the
  microsecond, and a superseded or ended row stays, with its end, until the person is
  erased; then nothing of it stays, not even in the file.
- Silence: errors are ``StoreUnavailable`` or ``Conflict`` and carry no data, because
  SQLAlchemy's messages quote parameters and parameters are CPFs. The database file is
  its owner's alone.
"""

from __future__ import annotations

from authz_service.store.catalogue import SqlCatalogue
from authz_service.store.clients import SqlClients
from authz_service.store.database import Database
from authz_service.store.delegations import SqlDelegations
from authz_service.store.facts import SqlFacts
from authz_service.store.privacy import SqlPersonalData
from authz_service.store.registry import SqlRegistry
from authz_service.store.sign_ins import SqlSignIns
from authz_service.store.surrogates import SqlSurrogates

__all__ = ["SqlStore"]


class SqlStore:
    """
    One database with everything that is kept in it. Safe for threads.

    Attributes:
        database: the file, its connections and transactions.
        facts: gathers what bears on questions.
        surrogates: the names of persons in the decision log.
        registry: persons, standings and bonds.
        sign_ins: sign-ins at GOV.BR, and what follows from one.
        personal_data: all of a person, to be shown or forgotten.
        delegations: delegations and their histories.
        catalogue: the processes.
        clients: calling programs and their keys.
    """

    def __init__(self, url: str, *, busy_timeout: float = 5.0) -> None:
        """
        Get ready; nothing is opened before the first call.

        Args:
            url: ``sqlite:///`` and the path of a file, relative to the working directory
                unless the path begins with a slash of its own; a percent sign or question
                mark in it is escaped, as in any URL.
            busy_timeout: how many seconds a write waits for another one to finish.

        Raises:
            InvalidInput: *url* names no file of SQLite.
        """
        self.database = Database(url, busy_timeout)
        self.facts = SqlFacts(self.database)
        self.surrogates = SqlSurrogates(self.database)
        self.registry = SqlRegistry(self.database)
        self.sign_ins = SqlSignIns(self.database)
        self.personal_data = SqlPersonalData(self.database)
        self.delegations = SqlDelegations(self.database)
        self.catalogue = SqlCatalogue(self.database)
        self.clients = SqlClients(self.database)

    def create(self) -> None:
        """
        Make folder, file, tables and columns, those that are missing.

        Safe in several processes at once, and on the database of an earlier version.

        Raises:
            StoreUnavailable: one of them cannot be made.
        """
        self.database.create()

    def ping(self) -> str | None:
        """Give what is wrong with the database in one sentence, or None if nothing is."""
        return self.database.ping()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self.database.close()
