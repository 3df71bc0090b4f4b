"""
The index of the decision log: the port, and what goes through it.

An index knows for each record when it was made, where it stands, and its *terms*: everything
that can be asked for, each a field and a value. What an index says is never shown; it only
leads to the lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from authz_service.usecases.records import Segment, Sought

Term = str
"""
A field of ``Sought``, a colon, and a value that it may have; a record has several of some.

One text and no pair: an index is filled with a hundred million of them.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIE = 12


class Key(NamedTuple):
    """
    The place of a record in the list of all, which nothing moves: not even a new index.

    Attributes:
        moment: microseconds since 1970.
        tie: the last 48 bits of its id, for records of one moment.
    """

    moment: int
    tie: int

    @classmethod
    def of(cls, moment: datetime, tie: int = 0) -> Key:
        """Give the place of a moment."""
        return cls((moment - _EPOCH) // _MICROSECOND, tie)

    @property
    def instant(self) -> str:
        """The moment as the log writes it."""
        moment = _EPOCH + self.moment * _MICROSECOND
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def tie_of(record_id: str) -> int:
    """Give what of an id is in its key; *record_id* is 32 hexadecimal digits."""
    return int(record_id[-_TIE:], 16)


class Entry(NamedTuple):
    """
    What a line of the log is known by.

    Attributes:
        key: its place in the list.
        terms: what it is found by; none twice.
    """

    key: Key
    terms: tuple[Term, ...]


class Name(NamedTuple):
    """Which segment of which chain of which machine's log."""

    machine: str
    kind: str
    chain: str
    number: int

    @classmethod
    def of(cls, segment: Segment) -> Name:
        """Give the name of a segment."""
        return cls(segment.machine, segment.kind, segment.chain, segment.number)


class Located(NamedTuple):
    """
    A record for the index.

    Attributes:
        entry: what it is known by.
        segment: where it stands.
        offset: from which uncompressed byte of the segment on.
        line: the line itself, without a line feed.
    """

    entry: Entry
    segment: Name
    offset: int
    line: bytes


class Position(NamedTuple):
    """
    How far a segment has been read.

    Attributes:
        offset: all before this uncompressed byte is in the index.
        unreadable: how many lines of it are no records.
    """

    offset: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """
    A record that was found.

    Attributes:
        key: its place in the list.
        segment: where it stands.
        offset: from which uncompressed byte of the segment on.
        length: how many bytes it has, without the line feed.
        line: the line itself, if the index keeps lines.
    """

    key: Key
    segment: Name
    offset: int
    length: int
    line: bytes | None


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What is wanted of the index.

    Attributes:
        terms: every record that is wanted has all of them.
        low: the first key that is wanted, or None.
        high: the first one after that is not, or None.
        limit: how many at most, 1 or more.
        oldest_first: in which order.
    """

    terms: tuple[Term, ...]
    low: Key | None
    high: Key | None
    limit: int
    oldest_first: bool = False

    @classmethod
    def of(
        cls, sought: Sought, after: Key | None, limit: int, *, oldest_first: bool = False
    ) -> Asked:
        """Give what leads to the records that are *sought*, beyond the one at *after*."""
        low = None if sought.since is None else Key.of(sought.since)
        high = None if sought.until is None else Key.of(sought.until)
        if after is not None and oldest_first:
            beyond = Key(after.moment, after.tie + 1)
            low = beyond if low is None else max(low, beyond)
        elif after is not None:
            high = after if high is None else min(high, after)
        return cls(_terms(sought), low, high, limit, oldest_first)


def _terms(sought: Sought) -> tuple[Term, ...]:
    values = {
        "kind": sought.kind,
        "company": None if sought.company is None else sought.company.value,
        "process": sought.process,
        "allowed": None if sought.allowed is None else flag(sought.allowed),
        "reason": sought.reason,
        "action": sought.action,
        "client": sought.client,
        "policy": sought.policy,
        "person": sought.person,
    }
    return tuple(f"{field}:{value}" for field, value in values.items() if value is not None)


def flag(allowed: bool) -> str:  # noqa: FBT001 - a value, no option
    """Give the value of the term ``allowed``."""
    return "true" if allowed else "false"


class Filling(Protocol):
    """One writer's time with the index; nobody else writes meanwhile."""

    def positions(self) -> Mapping[Name, Position]:
        """Give how far each segment that was ever read has been read."""

    def add(self, records: Sequence[Located], positions: Mapping[Name, Position]) -> None:
        """Add records, and say how far that brings the segments."""


class LogIndex(Protocol):
    """
    Keeps what the log's records are known by. Raises ``StoreUnavailable``.

    It makes itself where it is missing, and is empty then.
    """

    def filling(self, wait: float) -> AbstractContextManager[Filling | None]:
        """
        Begin to write; what was added counts when the context ends, and else nothing of it.

        Gives None where others went on writing for *wait* seconds, or for as long as can be waited.
        """

    def positions(self) -> Mapping[Name, Position]:
        """Give how far each segment that was ever read has been read."""

    def search(self, asked: Asked) -> Sequence[Hit]:
        """Give records in the order of their keys."""

    def find(self, tie: int) -> Sequence[Hit]:
        """Give the records whose ids end so."""

    def forget(self, segments: Collection[Name]) -> None:
        """Take out all of these segments, as if they had never been read."""

    def begin_anew(self, machines: Iterable[str]) -> None:
        """Take out all that comes from the logs of these machines, or more, even if damaged."""
