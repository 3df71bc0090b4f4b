"""
The store: what is known of persons, companies, processes and callers, on SQLAlchemy Core.

This is the only room that knows SQL. ``SqlStore`` opens a database and holds one small
class for each port of a store in ``usecases/ports.py`` and ``usecases/stores.py``; ``schema``
has the tables, ``versions`` the way from one version of them to the next, ``sqlite`` and
``postgres`` all that is special about either. ``held`` answers out of memory what was not changed
since, ``clock`` holds the machine's clock against the database's.

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

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from authz_service.store.catalogue import SqlCatalogue
from authz_service.store.clients import SqlClients
from authz_service.store.clock import CheckedClock, Gauge
from authz_service.store.database import Database
from authz_service.store.delegations import SqlDelegations
from authz_service.store.directory import SqlDirectory
from authz_service.store.facts import SqlFacts
from authz_service.store.foreign import SqlForeignCompanies
from authz_service.store.held.held import Counted, Held
from authz_service.store.intake import SqlIntake
from authz_service.store.privacy import SqlPersonalData
from authz_service.store.registry import SqlRegistry
from authz_service.store.sign_ins import SqlSignIns
from authz_service.store.surrogates import SqlSurrogates
from authz_service.store.versions import NEEDED
from authz_service.usecases.ports import Clock, FactSource, Surrogates, Told
from authz_service.usecases.stores import ClientStore

__all__ = ["SqlStore"]


def _now() -> datetime:
    """Give the present instant."""
    return datetime.now(UTC)


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
        intake: what another system has, taken over.
        foreign: foreign companies and who represents them.
        directory: long lists in parts.
    """

    def __init__(self, url: str, *, busy_timeout: float = 5.0, clock: Clock = _now) -> None:
        """
        Get ready; nothing is opened before the first call.

        Args:
            url: ``sqlite:///`` and the path of a file, relative to the working directory
                unless the path begins with a slash of its own; a percent sign or question
                mark in it is escaped, as in any URL. Or ``postgresql://``, the server and the
                name of a database, with parameters of libpq such as ``?sslmode=verify-full``.
            busy_timeout: how many seconds a write waits for another one to finish.
            clock: tells when a revision was made.

        Raises:
            InvalidInput: *url* names no database of either kind.
        """
        self.database = Database(url, busy_timeout, clock)
        self.facts: FactSource = SqlFacts(self.database)
        self.surrogates: Surrogates = SqlSurrogates(self.database)
        self.registry = SqlRegistry(self.database)
        self.sign_ins = SqlSignIns(self.database)
        self.personal_data = SqlPersonalData(self.database)
        self.delegations = SqlDelegations(self.database)
        self.catalogue = SqlCatalogue(self.database)
        self.clients: ClientStore = SqlClients(self.database)
        self.intake = SqlIntake(self.database)
        self.foreign = SqlForeignCompanies(self.database)
        self.directory = SqlDirectory(self.database)

    def hold(
        self,
        most: int,
        stale_seconds: float | None = None,
        counted: Counted = lambda *_: None,
    ) -> Held:
        """
        Make what answers out of memory, for all threads of a process.

        Args:
            most: how many questions are held at most, 1 or more.
            stale_seconds: how long it may take until a write is seen that another process
                announced in vain; None not at all, which is asked of the database each time.
            counted: hears now and then for how many questions the facts were held, and were not.

        Raises:
            InvalidInput: the database is a file, which is always asked.
        """
        return Held(self.database, self.database.backend.pulse(stale_seconds), most, counted)

    def checked(self, clock: Clock, tolerance: timedelta, gauge: Gauge) -> CheckedClock:
        """
        Make a clock that is held against the database's; see ``CheckedClock``.

        Args:
            clock: the machine's.
            tolerance: how far off it may be.
            gauge: hears by how many seconds it is off, at each check.
        """
        return CheckedClock(clock, self.database, tolerance, gauge)

    def create(self) -> None:
        """
        Make a database that is missing or empty; on PostgreSQL it may be empty, not missing.

        Safe in several processes at once. A file of an earlier version is upgraded, a database
        of PostgreSQL is refused then; one of a later version is taken, see ``versions``.

        Raises:
            StoreUnavailable: it cannot be made, or is older and not a file.
        """
        self.database.create()

    def version(self) -> tuple[str | None, str]:
        """
        Give the database's version, None if it is empty or not there, and the one that is needed.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        return self.database.version(), NEEDED

    def upgrade(self) -> None:
        """
        Bring the database to the version that is needed, with all that is in it.

        Raises:
            StoreUnavailable: the database did not answer, or is not this service's.
        """
        self.database.upgrade()

    def lost(self, to: str) -> Mapping[str, int]:
        """
        Count what ``downgrade`` would lose: rows by table, and values by column of other tables.

        Raises:
            InvalidInput: *to* is no earlier version that this service knows.
            Conflict: the database has a version that this service does not know.
            StoreUnavailable: the database did not answer.
        """
        return self.database.lost(to)

    def downgrade(self, to: str, told: Told) -> None:
        """
        Bring the database back to an earlier version, without what that one does not know.

        *told* hears of it as the last thing before it counts, by the revision, which stays.

        Raises:
            InvalidInput: *to* is no earlier version that this service knows.
            Conflict: the database has a version that this service does not know.
            StoreUnavailable: the database did not answer.
        """
        self.database.downgrade(to, told)

    def backup(self, to: Path, told: Told) -> None:
        """
        Copy a file of SQLite to another, which only its owner can read, while others write.

        The copy holds one state of the store. It is put in the file's place to restore it.
        *told* hears of it as the last thing before the copy is there, by the revision in it.

        Raises:
            InvalidInput: *to* exists, or the database is of PostgreSQL, whose ``pg_dump`` does it.
            StoreUnavailable: it cannot be read, or not be written there.
        """
        self.database.backup(to, told)

    def ping(self) -> str | None:
        """Give what is wrong with the database in one sentence, or None if nothing is."""
        return self.database.ping()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self.database.close()
