"""The port ``Records`` on the list that a fake log keeps."""

from __future__ import annotations

import json

from authz_service.domain.errors import LogUnavailable
from authz_service.journal.lines import line
from authz_service.journal.matching import Filter
from authz_service.usecases.records import Found, Line, Searched, Sought
from authz_service.usecases.stores import Page
from tests.fakes.log import ListLog


class ListRecords:
    """
    Reads what ``log`` keeps; a place in it is a number of records.

    ``since`` is what a search for an id that finds nothing tells; ``unreadable`` how many lines
    each part has met that are no records.
    """

    def __init__(self, log: ListLog) -> None:
        self._log = log
        self.since: str | None = None
        self.unreadable = 0

    def find(self, record_id: str) -> Found:
        """Look for a record by its id."""
        for record in self._lines():
            if record["id"] == record_id:
                return Found(record)
        return Found(since=self.since)

    def search(self, sought: Sought, after: str | None, limit: int) -> Searched:
        """Give at most *limit* records of before the place *after*, the newest first."""
        lines, wanted = self._lines(), Filter(sought)
        found = []
        for place in reversed(range(len(lines) if after is None else int(after))):
            if wanted.fits(lines[place]):
                found.append(lines[place])
            if len(found) == limit and place:
                return Searched(Page(tuple(found), str(place)), self.unreadable)
        return Searched(Page(tuple(found)), self.unreadable)

    def _lines(self) -> list[Line]:
        if self._log.broken:
            raise LogUnavailable("the decision log cannot be read")
        return [json.loads(line(record)) for record in self._log.records]
