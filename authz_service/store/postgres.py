"""
A database of PostgreSQL: how it is reached, read and written, and how long anything may take.

A read is one ``REPEATABLE READ READ ONLY`` transaction, so that all its statements see one
state; it takes no lock that a writer waits for. A write is ``READ COMMITTED`` and begins by
locking the one row of ``store_revision``, so it is alone, and each of its later statements sees
what the writers before it have committed.

A server that does not answer is given up after a bounded time. The server itself ends a
statement that waits or works for too long. But it may be gone, stopped or unreachable, so the
client does not wait for ever either. A connection that died while nobody used it is noticed
when it is taken out of the pool, and replaced.

What is held in memory is read past the pool and SQLAlchemy, a statement at a time: one way to the
server and back, where a transaction takes four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    NullPool,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import SQLAlchemyError

from authz_service.domain.errors import InvalidInput, StoreUnavailable
from authz_service.store.held.server import CHANNEL, ServerPulse, ServerSilent
from authz_service.store.schema import store_revision
from authz_service.usecases.ports import Told

_POOL = 8
"""
Connections that stay open; twice as many more are opened when they are needed.

A server has up to 32 threads, of which 16 at once may change something. Not all of them need one:
decisions on what is held and reads for it go past the pool.
"""

_LONGEST_PAUSE = 15_000
"""
How many milliseconds may pass between two statements of a transaction.

A process that hangs amid a write, or a machine that is gone, would keep all others from writing.
"""

_RESHAPING = 0x617574687A
"""The advisory lock of who makes or changes tables: ``authz`` in ASCII."""


class _Patient(psycopg.Connection[Any]):
    """
    A connection that waits for the server for a bounded time, and is closed after that.

    Attributes:
        patience: how many seconds; None without end.
    """

    patience: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """
        Wait as psycopg does.

        Raises:
            psycopg.OperationalError: the server did not answer in time.
        """
        limit = self.patience if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - it has no other name
            # What the server may still send belongs to a question that nobody asks any more.
            self.close()
            raise ServerSilent from None


# What libpq and the server say of a connection that does not come about.
_NO_WAY_IN = (
    "Connection refused",
    "connection timeout expired",
    "could not translate host name",
    "failed to resolve host",
    "No route to host",
    "No such file or directory",
    "no pg_hba.conf entry",
    "password authentication failed",
    "does not exist",
    "too many clients",
    "server is in hot standby mode",
    "certificate verify failed",
)


class PostgresServer:
    """
    One database of a server, for any number of threads, processes and machines.

    Attributes:
        engine: a pool of connections, checked when they are taken.
        upgrades_itself: no. Others use the database, perhaps another version of this service;
            who upgrades it makes a back-up first and chooses the moment.
        errors: what its driver raises.
        clock: gives the instant at which the server gets to it.
        wording: statements with parameters by name.
    """

    upgrades_itself = False
    errors = (psycopg.Error, SQLAlchemyError)
    clock = "SELECT clock_timestamp()"
    wording: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy's

    def __init__(self, url: URL, busy_timeout: float) -> None:
        """
        Get ready to connect; nothing is reached yet.

        Args:
            url: names server and database; the driver's name in it does not matter.
            busy_timeout: how many seconds a write waits for another one to finish; a statement
                may take twice as long, and an answer three times.
        """
        self._url = url.set(drivername="postgresql+psycopg")
        self._lock_timeout = max(1, round(busy_timeout * 1000))
        self._patience = 3 * busy_timeout
        self._idle: list[psycopg.Connection[Any]] = []
        self._plain = self._connecting(
            statement_timeout=2 * self._lock_timeout, patience=self._patience, poolclass=NullPool
        )
        self.engine: Engine = self._connecting(
            statement_timeout=2 * self._lock_timeout,
            patience=self._patience,
            # A write may read beside itself, so every thread may need a second connection.
            pool_size=_POOL,
            max_overflow=2 * _POOL,
            pool_timeout=busy_timeout,
            pool_pre_ping=True,
            # What is not used much ends idle, and what is used is fresh.
            pool_use_lifo=True,
        )

    def ask(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[object]]:
        """Run one reading statement past SQLAlchemy, in a transaction of its own."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._ask(self.connect(), sql, parameters)
        try:
            return self._ask(connection, sql, parameters)
        except psycopg.OperationalError as error:
            if isinstance(error, ServerSilent) or not connection.closed:
                raise
        # It died while nobody used it, and those beside it most likely as well.
        self._close_idle()
        return self._ask(self.connect(), sql, parameters)

    def _ask(
        self, connection: psycopg.Connection[Any], sql: str, parameters: Mapping[str, object]
    ) -> Sequence[Sequence[object]]:
        try:
            with connection.cursor(binary=True) as cursor:
                rows = cursor.execute(sql, parameters).fetchall()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return rows

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection past the pool, on which every statement commits by itself."""
        pooled = self._plain.raw_connection()
        connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
        pooled.detach()
        connection.autocommit = True
        return connection

    def _close_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()
        self._close_idle()

    def pulse(self, stale_seconds: float | None) -> ServerPulse:
        """Make what feels whether anything was committed to the database."""
        # Shorter than for reads: it is asked one at a time, so all wait for whoever waits.
        return ServerPulse(self.connect, self._patience / 3, stale_seconds)

    def announce(self, connection: Connection, revision: int) -> None:
        """Let those who listen hear of a revision, once the transaction is committed."""
        connection.execute(select(func.pg_notify(CHANNEL, str(revision))))

    def _connecting(
        self,
        statement_timeout: int,
        patience: float | None,
        **options: Any,
    ) -> Engine:
        """Give an engine; *statement_timeout* counts milliseconds, 0 without end."""
        # Whole seconds, and below 2 libpq takes 2. What the URL says comes first.
        named = {"connect_timeout": str(max(2, self._lock_timeout // 1000))}
        named["application_name"] = "authz"
        # A standby lags behind what was written elsewhere, and would decide by it.
        named["target_session_attrs"] = "primary"
        engine = create_engine(
            self._url.update_query_dict(named | dict(self._url.query)),
            # SQLAlchemy prints parameters into its errors, and CPFs are parameters.
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            **options,
        )

        def _connect(_dialect: object, _record: object, args: Any, named: Any) -> _Patient:
            made = _Patient.connect(*args, **named)
            made.patience = patience
            return made

        def _set_up(connection: _Patient, _record: object) -> None:
            limits = {
                "lock_timeout": self._lock_timeout,
                "statement_timeout": statement_timeout,
                "idle_in_transaction_session_timeout": _LONGEST_PAUSE,
            }
            for name, milliseconds in limits.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, str(milliseconds)))
            connection.commit()

        event.listen(engine, "do_connect", _connect)
        event.listen(engine, "connect", _set_up)
        return engine

    def is_there(self) -> bool:
        """Say yes: only the server knows."""
        return True

    def prepare(self) -> None:
        """Make nothing: the database is made by who runs the server."""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction whose statements all see one state; never waits for a writer."""
        with self.engine.connect() as connection:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction as the only writer, which sees all that was committed."""
        with self.engine.connect() as connection, connection.begin():
            connection.execute(select(store_revision.c.id).with_for_update()).one()
            yield connection

    @contextmanager
    def add(self) -> Iterator[Connection]:
        """Begin a transaction that only adds rows, beside the writer if there is one."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reshape(self) -> Iterator[Connection]:
        """
        Begin a transaction as the only one that changes tables; they may not be there yet.

        What it does to large tables may take its time, so only its waiting is bounded: who
        waits for a table keeps all others from it who come later.
        """
        engine = self._connecting(statement_timeout=0, patience=None, poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            connection.execute(select(func.pg_advisory_xact_lock(_RESHAPING)))
            if connection.exec_driver_sql("SHOW server_encoding").scalar_one() != "UTF8":
                raise StoreUnavailable("the database must be one whose encoding is UTF8")
            yield connection

    def ailment(self) -> str | None:
        """Tell nothing: whether the server is well, only the server knows."""
        return None

    def cause(self, error: BaseException) -> str | None:
        """
        Give an error's SQLSTATE, such as 55P03, or what keeps the client from connecting.

        Only phrases that are known are repeated: a whole message names hosts and roles.
        """
        said = str(error)
        found = next((phrase for phrase in _NO_WAY_IN if phrase in said), None)
        return getattr(error, "sqlstate", None) or found

    def forget(self) -> None:
        """
        Do nothing: nobody can read deleted rows, and the server clears their space by itself.

        VACUUM FULL would rewrite the files now, but it stops every decision meanwhile. The
        server's files, its write-ahead log and its back-ups are its administrators' matter.
        """

    def copy(self, to: Path, told: Told) -> None:  # noqa: ARG002 - the interface's
        """
        Refuse: ``pg_dump`` copies a database of PostgreSQL.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput(
            "database_url", "names PostgreSQL, whose back-ups are made with `pg_dump -Fc`"
        )
