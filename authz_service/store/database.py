"""
The database itself: its file, its transactions, its revision, and its errors.

Only this module and ``file`` know that the database is SQLite. A read is one deferred
transaction, so that all its statements see one state. A write takes the write lock when it begins
(``BEGIN IMMEDIATE``): what it reads cannot be changed by another writer before it
commits, and it can wait for the lock, which a transaction that began as a reader cannot.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    SQLAlchemyError,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateColumn

from authz_service.domain.errors import (
    Conflict,
    InvalidInput,
    StoreUnavailable,
)
from authz_service.store.file import escaped, file_of, put_in_place, set_up
from authz_service.store.schema import metadata, store_revision
from authz_service.usecases.ports import Told

_BEGIN = "authz_begin"


class _NotTold(Exception):
    """Carries what a ``Told`` raised past ``_translated``, which would take it for ours."""

    def __init__(self, raised: Exception) -> None:
        super().__init__()
        self.raised = raised


class Database:
    """
    One SQLite file, for any number of threads and processes.

    Attributes:
        path: the file, absolute.
        engine: SQLAlchemy's pool of connections to it; opens the file, never makes it.
    """

    def __init__(self, url: str, busy_timeout: float) -> None:
        """
        Get ready to open the file; nothing is read or made yet.

        Args:
            url: ``sqlite:///`` and the path of a file.
            busy_timeout: how many seconds a write waits for another one to finish.

        Raises:
            InvalidInput: *url* names no file of SQLite.
        """
        self.path = file_of(url)
        # With mode=rw a missing file is an error. A new one, empty and readable for
        # everybody, would be worse than none.
        opened = URL.create(
            "sqlite+pysqlite",
            database=f"file:{escaped(self.path)}",
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
        event.listen(self.engine, "connect", set_up)
        event.listen(self.engine, "begin", _begin)
        event.listen(self.engine, "connect", self._remember)
        event.listen(self.engine, "checkout", self._same_file)

    def create(self) -> None:
        """
        Make folder, file, tables and columns, those that are missing.

        Safe in several processes at once. A column that an earlier version did not have is
        null in the rows that are there.

        Raises:
            StoreUnavailable: one of them cannot be made.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.exists():
                put_in_place(self.path)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"the database file cannot be made: {_cause(error)}") from None
        with self.write() as connection:
            metadata.create_all(connection)
            _add_columns(connection)
            if connection.execute(select(store_revision.c.id)).first() is None:
                connection.execute(insert(store_revision).values(id=1, value=0))

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

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """
        Begin a transaction that sees one state of the store; never waits for a writer.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        with _translated(), self.engine.connect() as connection, connection.begin():
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
        try:
            with _translated(), self.engine.connect() as connection:
                connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
                with connection.begin():
                    yield connection
        except _NotTold as failure:
            raise failure.raised from failure.raised.__cause__

    @contextmanager
    def revise(self, told: Told) -> Iterator[tuple[Connection, int]]:
        """
        Do as ``write``, and also give the new revision, which counts once it commits.

        *told* hears of it when all else is done; what it raises passes through unchanged.
        """
        with self.write() as connection:
            revision = new_revision(connection)
            yield connection, revision
            tell(told, revision)

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

    def ping(self) -> str | None:
        """Give what is wrong with the database in one sentence, or None if nothing is."""
        if not self.path.is_file():
            return "the database file is missing"
        try:
            with self.read() as connection:
                revision_of(connection)
                # The revision alone can be read from a file that is damaged everywhere else.
                for table in metadata.sorted_tables:
                    connection.execute(select(table).limit(1)).all()
        except StoreUnavailable as error:
            return str(error)
        return None

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()


def revision_of(connection: Connection) -> int:
    """Give the revision of the state that *connection* sees."""
    return int(connection.execute(select(store_revision.c.value)).scalar_one())


def new_revision(connection: Connection) -> int:
    """Count one more revision and give it; it counts once *connection* commits."""
    connection.execute(update(store_revision).values(value=store_revision.c.value + 1))
    return revision_of(connection)


def tell(told: Told, revision: int) -> None:
    """Tell of *revision*; what *told* raises comes out of ``Database.write`` unchanged."""
    try:
        told(revision)
    except Exception as error:  # noqa: BLE001 - whatever it is, `write` raises it again
        raise _NotTold(error) from None


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


def _add_columns(connection: Connection) -> None:
    """Add the columns that tables of an earlier version lack; they have to be nullable."""
    found = inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                described = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {described}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLAlchemy's errors into ours, without a cause that could bring data into a log."""
    try:
        yield
    except IntegrityError:
        raise Conflict("what is to be written contradicts what is stored") from None
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"the database did not answer: {_cause(error)}") from None
    except (InvalidInput, LookupError, ValueError):
        # Not the caller's fault: no value of a stored row was read from the request.
        raise StoreUnavailable("the database holds a row that cannot be read") from None


def _cause(error: Exception) -> str:
    """Name the kind of error; only a name, because a message may quote what was stored."""
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    original = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(original, "sqlite_errorname", type(error).__name__))
