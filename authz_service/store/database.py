"""
The database: its transactions, its revision, its errors, whatever kind of database it is.

What is different between the kinds is behind ``Backend``, and only the URL tells which it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import (
    ClauseElement,
    Connection,
    Engine,
    Table,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError

from authz_service.domain.errors import InvalidInput, StoreUnavailable
from authz_service.store import versions
from authz_service.store.backend import Backend, Row
from authz_service.store.changes import ANYTHING, Touched, note
from authz_service.store.postgres import PostgresServer
from authz_service.store.schema import metadata, store_revision
from authz_service.store.sqlite import SqliteFile
from authz_service.store.translating import cause, tell, telling, translated, unavailable
from authz_service.usecases.ports import Clock, Told

Made = TypeVar("Made")


class Database:
    """
    One database, for any number of threads and processes.

    Attributes:
        backend: what is special about this kind of database.
    """

    def __init__(self, url: str, busy_timeout: float, clock: Clock) -> None:
        """
        Get ready; nothing is read or made yet.

        Args:
            url: names the database; see ``SqlStore``.
            busy_timeout: how many seconds a write waits for another one to finish.
            clock: tells when a revision was made.

        Raises:
            InvalidInput: *url* names no database of a kind that is known.
        """
        self.backend = _backend(url, busy_timeout)
        self._clock = clock

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's pool of connections to it."""
        return self.backend.engine

    def create(self) -> None:
        """
        Make all that is missing in a database that is missing or empty.

        Safe in several processes at once. An older database is upgraded if that is ours to do.

        Raises:
            StoreUnavailable: it cannot be made, or is older and not ours to upgrade.
        """
        self._prepare()
        version = self.version()
        if version is not None and not versions.is_older(version):
            return
        with translated(self.backend), self.backend.reshape() as connection:
            # Another process may have been faster.
            version = versions.version_of(connection)
            if version is None:
                versions.make(connection)
            elif versions.is_older(version) and self.backend.upgrades_itself:
                versions.upgrade(connection)
            versions.require(versions.version_of(connection))

    def version(self) -> str | None:
        """
        Give the version of the database, None if it is empty or not there yet.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        if not self.backend.is_there():
            return None
        with self.read() as connection:
            return versions.version_of(connection)

    def upgrade(self) -> None:
        """
        Bring the database to the version that is needed; one that is newer stays as it is.

        Raises:
            StoreUnavailable: the database did not answer, or is not this service's.
        """
        self._prepare()
        with translated(self.backend), self.backend.reshape() as connection:
            version = versions.version_of(connection)
            if version is None:
                versions.make(connection)
            elif versions.is_older(version):
                versions.upgrade(connection)

    def lost(self, to: str) -> Mapping[str, int]:
        """
        Count what ``downgrade`` to version *to* would lose: see ``SqlStore.lost``.

        Raises:
            InvalidInput: *to* is no earlier version that this service knows.
            Conflict: the database has a version that this service does not know.
            StoreUnavailable: the database did not answer.
        """
        there = versions.require_way_back(self.version(), to)
        with self.read() as connection:
            return versions.lost(connection, there, to)

    def downgrade(self, to: str, told: Told) -> None:
        """
        Bring the database back to version *to*, without what that one does not know.

        *told* hears of it as the last thing before it counts, by the revision, which stays.

        Raises:
            InvalidInput: *to* is no earlier version that this service knows.
            Conflict: the database has a version that this service does not know.
            StoreUnavailable: the database did not answer.
        """
        there = versions.require_way_back(self.version(), to)
        with telling(), translated(self.backend), self.backend.reshape() as connection:
            # Another process may have been faster.
            if versions.version_of(connection) == there:
                versions.downgrade(connection, to)
                # The number stays, but what is held in memory may have been lost.
                connection.execute(update(store_revision).values(value=store_revision.c.value))
                self.backend.announce(connection, revision_of(connection))
                tell(told, revision_of(connection))

    def backup(self, to: Path, told: Told) -> None:
        """
        Copy the database to a new file that only its owner can read, while others write.

        *told* hears of it as the last thing before the copy is there, by the revision in it.

        Raises:
            InvalidInput: the file exists, or the database is not copied in this way.
            StoreUnavailable: it cannot be read, or not be written there.
        """
        try:
            self.backend.copy(to, told)
        except (OSError, sqlite3.Error) as error:
            named = cause(error, self.backend)
            raise StoreUnavailable(f"the database cannot be copied: {named}") from None

    def _prepare(self) -> None:
        try:
            self.backend.prepare()
        except (OSError, sqlite3.Error) as error:
            named = cause(error, self.backend)
            raise StoreUnavailable(f"the database file cannot be made: {named}") from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """
        Begin a transaction that sees one state of the store; never waits for a writer.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        with translated(self.backend), self.backend.read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """
        Begin a transaction as the only writer; it commits at the end, or does nothing.

        For what no decision depends on, and for what may turn out to need no writing;
        everything else is written by ``revise``.

        Raises:
            Conflict: what is written contradicts what is stored.
            StoreUnavailable: the database did not answer, or another writer went on too long.
        """
        with telling(), translated(self.backend), self.backend.write() as connection:
            yield connection

    @contextmanager
    def add(self) -> Iterator[Connection]:
        """
        Begin a transaction that only adds rows that no fact is made of; see ``Backend.add``.

        Raises:
            Conflict: somebody else has just added such a row.
            StoreUnavailable: the database did not answer, or another writer went on too long.
        """
        with translated(self.backend), self.backend.add() as connection:
            yield connection

    @contextmanager
    def revise(self, told: Told, touched: Touched = ANYTHING) -> Iterator[tuple[Connection, int]]:
        """
        Do as ``write``, and also give the new revision, which counts once it commits.

        *touched* says what it changes. *told* hears of it when all else is done; what it
        raises passes through unchanged.
        """
        with self.write() as connection:
            revision = self.count(connection, touched)
            yield connection, revision
            tell(told, revision)

    def count(self, connection: Connection, touched: Touched = ANYTHING) -> int:
        """Count one more revision, which changes *touched*; it counts once this commits."""
        connection.execute(update(store_revision).values(value=store_revision.c.value + 1))
        revision = revision_of(connection)
        note(connection, revision, self._clock(), touched)
        self.backend.announce(connection, revision)
        return revision

    def text_of(self, statement: ClauseElement) -> str:
        """Give a statement as text for ``ask``, its parameters by their names."""
        return str(statement.compile(dialect=self.backend.wording))

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, object],
        use: Callable[[Sequence[Row]], Made],
    ) -> Made:
        """
        Run one reading statement past SQLAlchemy, and give what *use* makes of its rows.

        They are out of one state, and as the driver gives them.

        Raises:
            StoreUnavailable: the database did not answer, or holds what *use* cannot read.
        """
        with translated(self.backend):
            try:
                rows = self.backend.ask(sql, parameters)
            except self.backend.errors as error:
                raise self.unavailable(error) from None
            return use(rows)

    def unavailable(self, error: Exception) -> StoreUnavailable:
        """Give our error for one of the driver's, by name alone."""
        return unavailable(error, self.backend)

    def forget(self) -> None:
        """Take out of the files what was deleted, as far as that is possible and ours to do."""
        self.backend.forget()

    def ping(self) -> str | None:
        """Give what is wrong with the database in one sentence, or None if nothing is."""
        ailment = self.backend.ailment()
        if ailment is not None:
            return ailment
        try:
            with self.read() as connection:
                versions.require(versions.version_of(connection))
                revision_of(connection)
                # The revision alone can be read from a file that is damaged everywhere else.
                for table in metadata.sorted_tables:
                    connection.execute(select(table).limit(1)).all()
        except StoreUnavailable as error:
            return str(error)
        return None

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.backend.close()


def revision_of(connection: Connection) -> int:
    """Give the revision of the state that *connection* sees."""
    return int(connection.execute(select(store_revision.c.value)).scalar_one())


def put(
    connection: Connection, table: Table, key: Mapping[str, object], values: Mapping[str, object]
) -> None:
    """
    Replace *values* in the row that *key* names, or add the row if there is none.

    Portable because a write is alone: between the two statements nobody adds the same row.
    """
    same = [table.c[name] == value for name, value in key.items()]
    if connection.execute(update(table).where(*same).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(**key, **values))


def _backend(url: str, busy_timeout: float) -> Backend:
    message = "must be `sqlite:///` and the path of a file, or `postgresql://` and a database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The URL itself may hold a password, and SQLAlchemy quotes it.
        raise InvalidInput("database_url", message) from None
    match parsed.drivername:
        case "postgresql" | "postgresql+psycopg" if parsed.database:
            return PostgresServer(parsed, busy_timeout)
        # In memory each connection would have a database of its own.
        case "sqlite" | "sqlite+pysqlite" if parsed.database not in (None, "", ":memory:"):
            if parsed.query or parsed.database.startswith("file:"):
                message = "must be `sqlite:///` and the path of a file, without further parameters"
                raise InvalidInput("database_url", message)
            return SqliteFile(Path(parsed.database), busy_timeout)
    raise InvalidInput("database_url", message)
