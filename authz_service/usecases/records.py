"""What the decision log can be asked: the port, and what goes through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from authz_service.domain.identifiers import CompanyId
from authz_service.usecases.stores import Page

Line = Mapping[str, Any]
"""A record of the decision log, in the form of ``schemas/decision_record.json``."""


@dataclass(frozen=True, slots=True)
class Sought:
    """
    Which records of the decision log are wanted; None is any.

    Attributes:
        since: those of this instant and later ones.
        until: those of before this instant.
        kind: ``decision`` or ``act``.
        company: decisions about this company, and acts that name it.
        process: decisions about the process of this id.
        allowed: decisions with this outcome.
        reason: decisions with this reason, whether it was shown or not.
        action: decisions about this action, and acts of this name.
        client: those of this client.
        policy: decisions by the policy of this digest.
        person: those in which this surrogate stands.
    """

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    company: CompanyId | None = None
    process: str | None = None
    allowed: bool | None = None
    reason: str | None = None
    action: str | None = None
    client: str | None = None
    policy: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """
    What came of looking for one record.

    Attributes:
        record: the record, or None.
        since: the moment from which on records may be missing, because what was written last
            is not all known to the index yet; None where none is.
    """

    record: Line | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Searched:
    """
    A part of the decision log.

    Attributes:
        page: records. It may hold less than was asked for though there is a next one, where the
            log has lost lines that the index knows.
        unreadable: lines of the log that are no records, torn ones say.
        since: the moment from which on records may be missing; see ``Found``.
    """

    page: Page[Line]
    unreadable: int = 0
    since: str | None = None


class Records(Protocol):
    """Gives what stands in the decision log. Raises ``LogUnavailable``."""

    def find(self, record_id: str) -> Found:
        """Look for a record by its id, in a bounded time."""

    def search(
        self, sought: Sought, after: str | None, limit: int, *, oldest_first: bool = False
    ) -> Searched:
        """
        Give records in the order of their moments, at most *limit* after the place *after*.

        What was in the log when the search began is found, unless the answer's ``since`` says
        otherwise; what is written meanwhile moves no place.

        Raises:
            Conflict: the list has no such place.
        """


@dataclass(frozen=True, slots=True)
class Segment:
    """
    One file of one chain of the log.

    Attributes:
        kind: ``decision`` or ``act``.
        chain: the chain's name.
        number: counts the chain's segments from 1 on.
        size: its bytes that count, before it was compressed. At the end of the last segment of a
            chain there may be half a line among them.
        closed: whether nothing is written to it any more.
        machine: whose log it belongs to.
    """

    kind: str
    chain: str
    number: int
    size: int
    closed: bool
    machine: str


class Lines(Protocol):
    """
    Gives the lines of the log as they were written. Raises ``LogUnavailable``.

    The first line of a segment is its header, all others are records, or should be.
    """

    def segments(self) -> list[Segment]:
        """Give the segments that there are."""

    def lines(self, segment: Segment, offset: int = 0) -> Iterator[tuple[int, bytes]]:
        """
        Give the whole lines of a segment, without line feeds, with where each begins.

        *offset* is where a line begins; the lines before it are left out.
        """

    def read(self, segment: Segment, offset: int, length: int) -> bytes:
        """Give the bytes of one line."""


def surrogates_in(record: Line) -> tuple[str, ...]:
    """Give the texts of a record that may be surrogates: who acts and who receives, or details."""
    if record["kind"] == "decision":
        question = record["question"]
        found = [question["actor"], question["recipient"]]
    else:
        found = list(_flat(record["details"].values()))
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str)))


def _flat(values: Iterable[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value
