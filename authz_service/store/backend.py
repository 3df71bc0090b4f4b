"""
What is different from database to database; ``sqlite`` and ``postgres`` are the two there are.

``database`` knows no other difference. What both share stands there: translating errors, counting
revisions, telling the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Dialect, Engine

from authz_service.store.held.pulse import Pulse
from authz_service.usecases.ports import Told

Row = Sequence[object]
"""A row as the driver gives it."""


class Backend(Protocol):
    """One database, reached in its own way. Safe for threads."""

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's pool of connections to it."""

    @property
    def upgrades_itself(self) -> bool:
        """Whether a service that starts may bring an older database to its own version."""

    @property
    def wording(self) -> Dialect:
        """How a statement is written for ``ask``: each parameter by its name."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What ``ask`` and the pulse raise where the database does not answer."""

    @property
    def clock(self) -> str | None:
        """The statement that gives the instant by the database's own clock, if it has one."""

    def is_there(self) -> bool:
        """Tell whether there is anything to ask; a server is always asked."""

    def prepare(self) -> None:
        """
        Make what has to be there before there can be tables.

        Raises:
            OSError, sqlite3.Error: it cannot be made.
        """

    def read(self) -> AbstractContextManager[Connection]:
        """Begin a transaction whose statements all see one state; never waits for a writer."""

    def write(self) -> AbstractContextManager[Connection]:
        """Begin a transaction as the only writer, which sees all that was committed."""

    def add(self) -> AbstractContextManager[Connection]:
        """
        Begin a transaction that only adds rows that no fact is made of.

        It waits for no writer where the database lets it; whoever adds the same row at the same
        moment gets an ``IntegrityError``.
        """

    def ask(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        """
        Run one reading statement past SQLAlchemy, in a transaction of its own: it sees one state.

        Raises:
            sqlite3.Error, psycopg.Error, SQLAlchemyError: the database did not answer.
        """

    def close(self) -> None:
        """Close every connection that is not in use."""

    def pulse(self, stale_seconds: float | None) -> Pulse:
        """
        Make what feels whether anything was committed.

        Args:
            stale_seconds: how long it may take to feel it; None not at all.

        Raises:
            InvalidInput: this database's pulse never lags.
        """

    def announce(self, connection: Connection, revision: int) -> None:
        """Let those who listen hear of a revision, once the transaction is committed."""

    def reshape(self) -> AbstractContextManager[Connection]:
        """Begin a transaction as the only one that changes tables; they may not be there yet."""

    def ailment(self) -> str | None:
        """Give what is wrong with it in one sentence, if that shows before asking it."""

    def cause(self, error: BaseException) -> str | None:
        """Give the database's own name of an error of its driver, which holds no data."""

    def forget(self) -> None:
        """Take out of the files what was deleted, as far as that is possible and ours to do."""

    def copy(self, to: Path, told: Told) -> None:
        """
        Copy the database to a new file while others write; see ``Database.backup``.

        Raises:
            InvalidInput: the file exists, or this database is not copied in this way.
            OSError, sqlite3.Error: it cannot be read, or not be written there.
        """
