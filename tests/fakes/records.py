"""The port ``Records`` on the list that a fake log keeps, without any index."""

from __future__ import annotations

import json
from datetime import datetime

from authz_service.domain.errors import LogUnavailable
from authz_service.journal.lines import line
from authz_service.usecases.records import Found, Line, Searched, Sought, surrogates_in
from authz_service.usecases.stores import Page
from tests.fakes.log import ListLog


class ListRecords:
    """
    Reads what ``log`` keeps; a place in it is the number of a record.

    ``since`` is the moment from which on records may be missing, as an answer tells it;
    ``unreadable`` how many lines of the log are no records.
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

    def search(
        self, sought: Sought, after: str | None, limit: int, *, oldest_first: bool = False
    ) -> Searched:
        """Give at most *limit* records that follow the place *after*."""
        lines = self._lines()
        order = range(len(lines)) if oldest_first else range(len(lines))[::-1]
        places = [place for place in order if fits(sought, lines[place])]
        if after is not None:
            begin = int(after)
            places = [one for one in places if (one > begin if oldest_first else one < begin)]
        found = tuple(lines[place] for place in places[:limit])
        more = str(places[limit - 1]) if len(places) > limit else None
        return Searched(Page(found, more), self.unreadable, self.since)

    def _lines(self) -> list[Line]:
        if self._log.broken:
            raise LogUnavailable("the decision log cannot be read")
        return [json.loads(line(record)) for record in self._log.records]


def fits(sought: Sought, record: Line) -> bool:
    """Tell whether a record is one of those that are sought, by looking at the record itself."""
    decision = record["kind"] == "decision"
    told = record["question"] if decision else record["details"]
    pairs = (
        (sought.kind, record["kind"]),
        (sought.client, record["caller"]["name"]),
        (sought.action, told["action"] if decision else record["act"]),
        (None if sought.company is None else sought.company.value, told.get("company")),
        (sought.process, told["process"] if decision else None),
        (sought.allowed, record["decision"] if decision else None),
        (sought.policy, record.get("policy_digest")),
    )
    moment = datetime.fromisoformat(record["moment"])
    return (
        all(wanted is None or wanted == there for wanted, there in pairs)
        and (sought.reason is None or sought.reason in record.get("reasons", ()))
        and (sought.person is None or sought.person in surrogates_in(record))
        and (sought.since is None or sought.since <= moment)
        and (sought.until is None or moment < sought.until)
    )
