"""A log in memory and its index, put together as ``bootstrap`` does on the real log."""

from __future__ import annotations

from authz_service.journal.entries import entry_of, record_of
from authz_service.store import SqlStore
from authz_service.store.index import SqlLogIndex
from authz_service.usecases.indexing import IndexedRecords, Indexer
from authz_service.usecases.records import Line, Sought
from tests.fakes.lines import MemoryLines


class Indexed:
    """
    Searches what ``log`` holds by an index in the database of *sql*.

    A search waits for as long as it takes, so that a slow machine changes no outcome.
    """

    def __init__(self, sql: SqlStore, log: MemoryLines | None = None) -> None:
        self._sql = sql
        self.log = MemoryLines() if log is None else log
        self.index = SqlLogIndex(sql.database)
        self.indexer = Indexer(self.log, self.index, entry_of)
        self.records = IndexedRecords(self.log, self.index, self.indexer, record_of, patience=60.0)

    @property
    def keeps_lines(self) -> bool:
        """Whether the index keeps the lines themselves."""
        return self.index.place.keeps_lines

    def beside(self) -> Indexer:
        """Give what another process would fill the index with."""
        return Indexer(self.log, SqlLogIndex(self._sql.database), entry_of)

    def written(self) -> list[Line]:
        """Give all records of the log, the newest first, without the index."""
        return self.log.records()

    def whole(
        self, sought: Sought, limit: int, *, after: str | None = None, oldest_first: bool = False
    ) -> list[Line]:
        """Search from page to page until there is none."""
        found: list[Line] = []
        while True:
            part = self.records.search(sought, after, limit, oldest_first=oldest_first)
            assert part.since is None
            found += part.page.items
            after = part.page.next
            if after is None:
                return found

    def close(self) -> None:
        """Close what is the index's own."""
        self.index.close()
