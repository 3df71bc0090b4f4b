"""The port ``LogIndex`` on SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from authz_service.store.database import Database
from authz_service.store.index import finding
from authz_service.store.index.filling import Known, SqlFilling, read_positions
from authz_service.store.index.places import Busy, IndexFile, IndexTables, Place
from authz_service.store.sqlite import SqliteFile
from authz_service.usecases.log_index import Asked, Filling, Hit, Name, Position

_PATIENCE = 60.0
"""Seconds that whoever takes something out waits for whoever fills the index."""


class SqlLogIndex:
    """
    The index of the decision log, beside a database or in it. Safe for threads and processes.

    Args:
        database: the store's.
        busy_timeout: how many seconds a statement waits for others.
    """

    def __init__(self, database: Database, busy_timeout: float = 5.0) -> None:
        backend = database.backend
        self.place: Place = (
            IndexFile(backend.path, busy_timeout)
            if isinstance(backend, SqliteFile)
            else IndexTables(backend)
        )
        self._known = Known()

    @contextmanager
    def filling(self, wait: float) -> Iterator[Filling | None]:
        """Begin to write; see the port."""
        with ExitStack() as turn:
            try:
                connection = turn.enter_context(self.place.write(wait))
            except Busy:
                yield None
                return
            # Only whoever has the turn learns. What is not committed is not known.
            known, self._known = self._known, Known()
            yield SqlFilling(self.place, connection, known)
        self._known = known

    def positions(self) -> Mapping[Name, Position]:
        """Give how far each segment that was ever read has been read."""
        with self.place.read() as connection:
            return read_positions(connection)

    def search(self, asked: Asked) -> Sequence[Hit]:
        """Give records in the order of their keys."""
        with self.place.read() as connection:
            return finding.search(connection, asked)

    def find(self, tie: int) -> Sequence[Hit]:
        """Give the records whose ids end so."""
        with self.place.read() as connection:
            return finding.find(connection, tie)

    def forget(self, segments: Collection[Name]) -> None:
        """Take out all of these segments, as if they had never been read."""
        with self.place.write(_PATIENCE) as connection:
            SqlFilling(self.place, connection, self._known).forget(segments)

    def begin_anew(self, machines: Iterable[str]) -> None:
        """Take out all that comes from the logs of these machines, or more, even if damaged."""
        if not self.place.remove():
            machines = set(machines)
            self.forget([one for one in self.positions() if one.machine in machines])

    def close(self) -> None:
        """Close the connections that are the index's own."""
        self.place.close()
