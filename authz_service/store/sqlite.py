"""
A database in a file of SQLite: how it comes to be, is opened, is written, is copied.

A read is one deferred transaction, so that all its statements see one state. A write takes
the write lock when it begins (``BEGIN IMMEDIATE``): what it reads cannot be changed by another
writer before it commits, and it can wait for the lock, which a transaction that began as a
reader cannot.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from authz_service.domain.errors import InvalidInput
from authz_service.store.held.file import FilePulse
from authz_service.store.schema import store_revision
from authz_service.usecases.ports import Told

_BEGIN = "authz_begin"
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    # What is deleted is overwritten; sorting leaves no copies in other files.
    "secure_delete=ON",
    "temp_store=MEMORY",
)


class SqliteFile:
    """
    One file, for any number of threads and processes of one machine.

    Attributes:
        path: the file, absolute.
        engine: opens the file, never makes it.
        upgrades_itself: yes. The file belongs to this service alone, its tables change in one
            transaction, and who starts a newer version on it means to go on with that.
        errors: what its driver raises.
        clock: none but the machine's.
        wording: statements with parameters by name.
    """

    upgrades_itself = True
    errors = (sqlite3.Error, OSError)
    clock = None
    wording: Dialect = SQLiteDialect_pysqlite(paramstyle="named")

    def __init__(self, path: Path, busy_timeout: float) -> None:
        """
        Get ready to open the file; nothing is read or made yet.

        Args:
            path: the file.
            busy_timeout: how many seconds a write waits for another one to finish.
        """
        self.path = path.absolute()
        self._patience = busy_timeout
        # With mode=rw a missing file is an error. A new one, empty and readable for
        # everybody, would be worse than none.
        opened = URL.create(
            "sqlite+pysqlite",
            database=f"file:{_escaped(self.path)}",
            query={"uri": "true", "mode": "rw"},
        )
        self.engine: Engine = create_engine(
            opened,
            connect_args={"timeout": busy_timeout},
            # As many connections as threads use at once: never a queue of its own.
            pool_size=0,
            # SQLAlchemy prints parameters into its errors, and CPFs are parameters.
            hide_parameters=True,
        )
        event.listen(self.engine, "connect", _set_up)
        event.listen(self.engine, "begin", _begin)
        event.listen(self.engine, "connect", self._remember)
        event.listen(self.engine, "checkout", self._same_file)

    def is_there(self) -> bool:
        """Tell whether there is a file."""
        return self.path.exists()

    def prepare(self) -> None:
        """
        Make the folder and an empty database that nobody but its owner can read.

        The database is made aside and appears whole. Two processes that switch one file to WAL
        at the same time get SQLITE_BUSY, and to open and close a file that SQLite has open in
        another thread would drop SQLite's locks on it.

        Raises:
            OSError, sqlite3.Error: it cannot be made there.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.exists():
            return
        with suppress(FileExistsError), _appearing(self.path) as made:
            _set_up(made, None)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction whose statements all see one state; never waits for a writer."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction as the only writer, which sees all that was committed."""
        with self.engine.connect() as connection:
            connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
            with connection.begin():
                yield connection

    # One writer for the whole file, whatever is written.
    reshape = add = write

    def ask(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[object]]:
        """Run one reading statement past SQLAlchemy, in a transaction of its own."""
        with closing(self.engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()

    def pulse(self, stale_seconds: float | None) -> FilePulse:
        """
        Make what feels whether anything was committed to the file.

        Raises:
            InvalidInput: it is to lag, which would gain nothing.
        """
        if stale_seconds is not None:
            raise InvalidInput("freshness", "must be strict with SQLite, where it costs nothing")
        return FilePulse(self.path, self._open)

    def _open(self) -> sqlite3.Connection:
        there = f"file:{_escaped(self.path)}?mode=rw"
        return sqlite3.connect(
            there, uri=True, timeout=self._patience, isolation_level=None, check_same_thread=False
        )

    def announce(self, connection: Connection, revision: int) -> None:
        """Do nothing: who asks the file hears at once."""

    def ailment(self) -> str | None:
        """Tell of a missing file: a connection that holds it open would go on in it."""
        return None if self.path.is_file() else "the database file is missing"

    def cause(self, error: BaseException) -> str | None:
        """Give SQLite's name of an error, such as SQLITE_BUSY."""
        return getattr(error, "sqlite_errorname", None)

    def forget(self) -> None:
        """
        Take out of the files what was deleted, as far as others let it happen.

        What is deleted is overwritten in its table, but an earlier version of this service did
        not do so, and the log beside the file (-wal) still has it. Best effort, since the
        deletion itself is done: a reader or writer that goes on for longer than a write would
        wait leaves old pages behind, until the next time or until the log is begun anew.
        """
        with suppress(sqlite3.Error, SQLAlchemyError), closing(self.engine.raw_connection()) as raw:
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                raw.cursor().execute(statement).fetchall()

    def copy(self, to: Path, told: Told) -> None:
        """
        Copy the database by SQLite's own back-up: one state, while others read and write.

        *told* hears of it as the last thing before the copy is there, by the revision in it.

        Raises:
            InvalidInput: *to* exists already.
            OSError, sqlite3.Error: it cannot be read, or not be written there.
        """
        # To read only would leave files beside a database that nobody else has open.
        there = f"file:{_escaped(self.path)}?mode=rw"
        if os.path.lexists(to):
            raise InvalidInput("file", "exists already")
        try:
            with _appearing(to) as copy, closing(sqlite3.connect(there, uri=True)) as original:
                # All pages at once: in steps, every write of others would begin it anew.
                original.backup(copy)
                [[revision]] = copy.execute(str(select(store_revision.c.value))).fetchall()
                told(revision)
        except FileExistsError:
            raise InvalidInput("file", "exists already") from None

    def _remember(self, _connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = self._identity()

    def _same_file(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        """
        Drop a connection whose file is no longer the one at the path.

        A file that was deleted, or replaced by a back-up, lives on for those who hold it
        open; decisions would go on from a state that nobody can change any more.
        """
        if record.info["file"] != self._identity():
            raise DisconnectionError("the file is another one")

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _escaped(path: Path) -> str:
    """Give the path for a ``file:`` URI, in which three characters have another meaning."""
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


@contextmanager
def _appearing(path: Path) -> Iterator[sqlite3.Connection]:
    """
    Give an empty database that appears at *path* when it is done, and is its owner's alone.

    Raises:
        FileExistsError: there is something by now.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.new-")
    # Closed before SQLite opens the file: closing it later would drop SQLite's locks on it.
    os.close(handle)
    aside = Path(name)
    try:
        with closing(sqlite3.connect(aside)) as connection:
            yield connection
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        # A link, unlike a rename, never replaces what another process has put there.
        path.hardlink_to(aside)
    finally:
        aside.unlink()


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    """Give a new connection the settings that all have."""
    # Python's driver begins transactions when it sees fit; here they begin when we say so.
    connection.isolation_level = None
    # SQLite gives the files beside the database (-wal, -shm) the database's mode.
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
