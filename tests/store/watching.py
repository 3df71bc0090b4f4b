"""What SQLite itself tells of the statements that a store runs: how many, and what they read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import event

from authz_service.store import SqlStore


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What was run.

    Attributes:
        statements: their texts, in the order in which they began.
        tables: those of which any column was read.
    """

    statements: list[str] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)


@contextmanager
def _on_each(store: SqlStore, begin: Callable[[sqlite3.Connection], None]) -> Iterator[None]:
    """Do *begin* with every connection to the file that is taken meanwhile."""

    def _take(connection: sqlite3.Connection, *_more: object) -> None:
        begin(connection)

    def _give_back(connection: sqlite3.Connection, *_more: object) -> None:
        connection.set_trace_callback(None)
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 1)

    engine = store.database.engine
    event.listen(engine, "checkout", _take)
    event.listen(engine, "checkin", _give_back)
    try:
        yield
    finally:
        event.remove(engine, "checkout", _take)
        event.remove(engine, "checkin", _give_back)


@contextmanager
def watched(store: SqlStore) -> Iterator[Seen]:
    """Give what SQLite runs for *store*, a store on a file, until the end of the block."""
    seen = Seen()

    def _allow(action: int, table: str | None, *_more: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table is not None:
            seen.tables.add(table)
        return sqlite3.SQLITE_OK

    def _begin(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(seen.statements.append)
        # It is asked when a statement is made ready; to set it makes SQLite do so anew.
        connection.set_authorizer(_allow)

    with _on_each(store, _begin):
        yield seen


@contextmanager
def amid(store: SqlStore, at: int, act: Callable[[], object]) -> Iterator[Callable[[], int]]:
    """
    Do *act* once while *store*, a store on a file, is in the middle of a statement.

    Args:
        store: the store, whose next statement is interrupted; *act* is on another.
        at: before which of SQLite's own instructions, from 1 on; 0 for never.
        act: what is done.

    Yields:
        What tells how many instructions there were.
    """
    count = 0

    def _step() -> None:
        nonlocal count
        count += 1
        if count == at:
            act()

    with _on_each(store, lambda connection: connection.set_progress_handler(_step, 1)):
        yield lambda: count
