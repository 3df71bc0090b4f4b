"""
Which lines of the decision log are wanted: a quick look at the bytes, then a look at the record.

The first look spares lines that cannot be wanted from being parsed, which takes a hundred times
as long; it never decides that a line is wanted.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from authz_service.journal.lines import instant
from authz_service.usecases.records import Line, Sought, surrogates_in

_MOMENT = re.compile(rb'"moment":\s*"([^"]{27})"')
# What JSON writes as it is: a search for anything else opens every line.
_PLAIN = re.compile(r"[0-9A-Za-z._:-]+")
_ALLOWED = {True: re.compile(rb'"decision":\s*true'), False: re.compile(rb'"decision":\s*false')}
# Processes write at the same time, and clocks are set: how far moments may stand out of order.
_DISORDER = timedelta(hours=1)
_FIRST = datetime.min.replace(tzinfo=UTC) + _DISORDER


def moment_of(data: bytes) -> str | None:
    """Give the moment of the first record in *data*, or None if there is none."""
    match = _MOMENT.search(data)
    return None if match is None else match[1].decode("ascii", "replace")


class Filter:
    """
    What is wanted, as bytes for the first look and as members for the second.

    Args:
        sought: what is wanted.
    """

    def __init__(self, sought: Sought) -> None:
        self._sought = sought
        self._since = None if sought.since is None else instant(sought.since).encode()
        self._until = None if sought.until is None else instant(sought.until).encode()
        self._past = None
        if sought.since is not None and sought.since > _FIRST:
            self._past = instant(sought.since - _DISORDER).encode()
        self._company = None if sought.company is None else sought.company.value
        names = (sought.process, sought.reason, sought.action, sought.client)
        texts = (self._company, sought.person, sought.kind, *names)
        self._needles = [one.encode() for one in texts if one and _PLAIN.fullmatch(one)]

    def may_fit(self, line: bytes) -> bool:
        """Tell whether a line is worth parsing."""
        sought = self._sought
        if not all(needle in line for needle in self._needles):
            return False
        if sought.allowed is not None and not _ALLOWED[sought.allowed].search(line):
            return False
        moment = _MOMENT.search(line)
        return moment is None or self._in_time(moment[1])

    def _in_time(self, moment: bytes) -> bool:
        begun = self._since is None or moment >= self._since
        return begun and (self._until is None or moment < self._until)

    def is_past(self, line: bytes) -> bool:
        """Tell whether a line is of before everything that is wanted."""
        if self._past is None:
            return False
        moment = _MOMENT.search(line)
        return moment is not None and moment[1] < self._past

    def fits(self, record: Line) -> bool:
        """Tell whether a record is wanted."""
        sought = self._sought
        decision = record["kind"] == "decision"
        told = record["question"] if decision else record["details"]
        pairs = (
            (sought.kind, record["kind"]),
            (sought.client, record["caller"]["name"]),
            (sought.action, told["action"] if decision else record["act"]),
            (self._company, told.get("company")),
            (sought.process, told["process"] if decision else None),
            (sought.allowed, record["decision"] if decision else None),
        )
        return (
            all(wanted is None or wanted == there for wanted, there in pairs)
            and (sought.reason is None or sought.reason in record.get("reasons", ()))
            and (sought.person is None or sought.person in surrogates_in(record))
            and self._in_time(record["moment"].encode())
        )
