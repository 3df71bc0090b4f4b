"""
Where the index is: a file of SQLite beside the database, or tables in PostgreSQL's database.

Both give transactions to read in and to write in. A writer is alone and waits for its turn for a
bounded time. Both make the index where it is missing, and their errors hold no data.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Table, event, func, insert, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from authz_service.domain.errors import StoreUnavailable
from authz_service.store.backend import Backend
from authz_service.store.index.schema import FORM, metadata, state
from authz_service.store.sqlite import SqliteFile

_BESIDE = f"-log-index-{FORM}"
"""What the index's file is called, after the name of the database's file."""

_MAKING = 0x6C6F675F696478
_FILLING = 0x6C6F675F696479
"""The advisory locks of who makes the index and who fills it: ``log_idx`` and the next."""

_CACHE_KIB = 65_536
"""How much of the file a connection keeps in memory; with less, filling reads pages again."""

_PAUSE = 0.002
"""Seconds between two tries to get a lock."""

_LONGEST_WAIT = 5.0
"""Seconds that PostgreSQL is let wait; it ends statements that take much longer."""

_BUSY = "the index of the decision log is being filled by others"
_LOCK_NOT_AVAILABLE = "55P03"
_NO_SUCH_TABLE = "42P01"

Row = Sequence[Any]


class Busy(StoreUnavailable):
    """Others went on writing."""


class Place(Protocol):
    """One index, wherever it is. Safe for threads and processes. Raises ``StoreUnavailable``."""

    @property
    def keeps_lines(self) -> bool:
        """Whether it keeps lines, since not all who ask can read the files."""

    def read(self) -> AbstractContextManager[Connection]:
        """Begin a transaction whose statements all see one state."""

    def write(self, wait: float) -> AbstractContextManager[Connection]:
        """
        Begin a transaction as the only writer.

        Raises:
            Busy: others went on writing for *wait* seconds, or for as long as can be waited.
        """

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, each with a value for every column of the table, in order."""

    def remove(self) -> bool:
        """Take the whole index away, even a damaged one, if it is ours alone; tell whether."""

    def close(self) -> None:
        """Close the connections that are the index's own."""


class IndexFile:
    """
    An index in a file of its own; see ``Place``.

    Attributes:
        path: the file.
    """

    keeps_lines = False

    def __init__(self, database: Path, busy_timeout: float) -> None:
        """
        Get ready; nothing is made yet.

        Args:
            database: the file of the database that it stands beside.
            busy_timeout: how many seconds a statement waits for others.
        """
        self.path = database.with_name(database.name + _BESIDE)
        self._busy_timeout = busy_timeout
        self._file = SqliteFile(self.path, busy_timeout)
        event.listen(self._file.engine, "connect", _enlarge)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction whose statements all see one state."""
        with _translated(self._file):
            if not self.path.exists():
                with self._turn(self._busy_timeout):
                    self._make()
            with self._file.read() as connection:
                yield connection

    @contextmanager
    def write(self, wait: float) -> Iterator[Connection]:
        """Begin a transaction as the only writer; see ``Place``."""
        with _translated(self._file), self._turn(wait):
            self._make()
            with self._file.write() as connection:
                yield connection

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, each with a value for every column of the table, in order."""
        if rows:
            places = ", ".join("?" * len(table.columns))
            # The name is ours. SQLAlchemy's own way takes several times as long.
            statement = f"INSERT INTO {table.name} VALUES ({places})"  # noqa: S608
            connection.exec_driver_sql(statement, [tuple(row) for row in rows])

    def remove(self) -> bool:
        """Take the whole index away, even a damaged one."""
        with _translated(self._file), self._turn(self._busy_timeout):
            _unlink(self.path)
        return True

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._file.engine.dispose()

    def _make(self) -> None:
        """Make the file if it is missing; only whoever has the turn may."""
        if self.path.exists():
            return
        # What a file that was deleted left beside it would be taken for a part of the new one.
        _unlink(self.path)
        aside = SqliteFile(self.path.with_name(f"{self.path.name}.new"), self._busy_timeout)
        _unlink(aside.path)
        aside.prepare()
        with aside.write() as connection:
            _create(connection)
        # Its last connection leaves nothing beside the file.
        aside.engine.dispose()
        aside.path.rename(self.path)

    @contextmanager
    def _turn(self, wait: float) -> Iterator[None]:
        """
        Keep all others from writing, making and removing.

        A lock of its own beside SQLite's: those who wait for that one sleep ever longer, and it
        goes away with the file.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        end = time.monotonic() + wait
        lock = os.open(f"{self.path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= end:
                        raise Busy(_BUSY) from None
                    time.sleep(_PAUSE)
            yield
        finally:
            os.close(lock)


class IndexTables:
    """An index in PostgreSQL's database, for all machines; see ``Place``."""

    keeps_lines = True

    def __init__(self, server: Backend) -> None:
        """Get ready to use the connections of *server*; nothing is reached yet."""
        self._server = server
        self._made = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction whose statements all see one state."""
        with self._there(), self._server.read() as connection:
            yield connection

    @contextmanager
    def write(self, wait: float) -> Iterator[Connection]:
        """Begin a transaction as the only writer; see ``Place``."""
        with self._there(), self._server.engine.connect() as connection, connection.begin():
            # Not the lock of the store's writers, who must not wait for this.
            patience = f"{max(1, round(min(wait, _LONGEST_WAIT) * 1000))}ms"
            local = True
            connection.execute(select(func.set_config("lock_timeout", patience, local)))
            try:
                connection.execute(select(func.pg_advisory_xact_lock(_FILLING)))
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                    raise Busy(_BUSY) from None
                raise
            yield connection

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, each with a value for every column of the table, in order."""
        if rows:
            # psycopg's own, which SQLAlchemy hands through; its table's name is ours.
            cursor: Any = connection.connection.cursor()
            with cursor, cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)

    def remove(self) -> bool:
        """Leave it: it holds the logs of other machines as well."""
        return False

    def close(self) -> None:
        """Leave the connections to whose they are."""

    @contextmanager
    def _there(self) -> Iterator[None]:
        """Make the tables before they are used for the first time."""
        with _translated(self._server):
            if not self._made:
                with self._server.engine.connect() as connection, connection.begin():
                    connection.execute(select(func.pg_advisory_xact_lock(_MAKING)))
                    _create(connection)
                self._made = True
            try:
                yield
            except DBAPIError as error:
                # Somebody took them away, which is allowed.
                if getattr(error.orig, "sqlstate", None) == _NO_SUCH_TABLE:
                    self._made = False
                raise


def _create(connection: Connection) -> None:
    """Make all tables that are missing."""
    metadata.create_all(connection)
    if connection.execute(select(state.c.id)).first() is None:
        connection.execute(insert(state).values(id=1, era=uuid.uuid4().hex, blocks=0, terms=0))


def _enlarge(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}").close()
    # All that it holds is in the log as well.
    connection.execute("PRAGMA secure_delete=OFF").close()


def _unlink(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


@contextmanager
def _translated(backend: Backend) -> Iterator[None]:
    """Turn SQLAlchemy's errors, and the file system's, into ours."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        original = error.orig if isinstance(error, DBAPIError) else None
        cause = backend.cause(original or error) or type(original or error).__name__
        raise StoreUnavailable(
            f"the index of the decision log did not answer: {cause};"
            " `authz audit index --rebuild` makes it anew"
        ) from None
