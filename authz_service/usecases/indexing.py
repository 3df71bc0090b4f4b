"""
Fills the index of the decision log from its files, and finds records by it.

The files are the log, the index only knows where to look. How far each segment has been read is
kept in the index beside what was read, so whatever is killed when, nothing is missing there and
nothing is there twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain as chained
from itertools import groupby
from typing import NamedTuple

from authz_service.domain.errors import Conflict
from authz_service.usecases.log_index import (
    Asked,
    Entry,
    Hit,
    Key,
    Located,
    LogIndex,
    Name,
    Position,
    tie_of,
)
from authz_service.usecases.records import Found, Line, Lines, Searched, Segment, Sought
from authz_service.usecases.stores import Page

Progress = Callable[[int, int], None]
"""Hears how many bytes of the log have been read, and how many there are."""

_SEARCHING = 4_096
"""Lines that are read at once while somebody waits for an answer, or others for their turn."""

_FILLING = 65_536
"""Lines that are read at once otherwise: the more, the less is written twice."""

_LOOK = 64
"""Lines that are read between two looks at the clock."""

_KEEPING = 0.5
"""Seconds that go into the index at each interval."""

_FOREVER = 1e9

_ID = re.compile("[0-9a-f]{32}")

_TORN = b',"torn":'
"""In the header of a segment: the end of the one before is no whole line."""


class _Read(NamedTuple):
    """
    A line of a chain.

    Ordered by its moment, then by its chain; of one chain only one is compared at a time.

    Attributes:
        moment: of the record, in microseconds; of what is none, that of the one before it.
        order: the number of the chain.
        segment: where it stands.
        offset: from which byte on.
        end: where the next line begins.
        line: the line.
        entry: what it is known by, None if it is no record.
    """

    moment: int
    order: int
    segment: Name
    offset: int
    end: int
    line: bytes
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Indexer:
    """
    Fills the index. Safe for threads and processes, which take turns.

    Attributes:
        lines: the log.
        index: what is filled.
        entry: gives what a line is known by, None if it is no record.
        clock: seconds that only go on.
    """

    lines: Lines
    index: LogIndex
    entry: Callable[[bytes], Entry | None]
    clock: Callable[[], float] = time.monotonic
    # From where to where a segment had half a line at its end.
    _half: dict[Name, tuple[int, int]] = field(default_factory=dict, init=False, repr=False)

    def catch_up(self, seconds: float) -> str | None:
        """
        Bring everything into the index that is in the log now, as far as that goes in time.

        Args:
            seconds: for how long to read, and to wait for others who do.

        Returns:
            the moment from which on records may be missing, or None where none is.
        """
        return self._read_on(self.clock() + seconds, _SEARCHING, None)

    def keep_up(self) -> None:
        """
        Bring everything into the index that is new in the log, and take out what it has lost.

        For the service to call at an interval, so that searches find little to be read. It ends
        after half a second, since decisions wait for the same processors; what is left is for
        the next time, or for a search.
        """
        self._read_on(self.clock() + _KEEPING, _SEARCHING, None)
        listed = {Name.of(one) for one in self.lines.segments()}
        newest: dict[Name, int] = {}
        for one in listed:
            of = one._replace(number=0)
            newest[of] = max(newest.get(of, 0), one.number)
        # Only what is older than a segment that is there was taken away for its age; the logs of
        # other machines are not there at all.
        gone = [
            one
            for one in self.index.positions()
            if one not in listed and one.number < newest.get(one._replace(number=0), 0)
        ]
        if gone:
            self.index.forget(gone)

    def fill(self, progress: Progress) -> None:
        """Bring everything into the index that is in the log now, and tell how far it is."""
        self._read_on(_FOREVER, _FILLING, progress)

    def rebuild(self, progress: Progress) -> None:
        """Make the index anew from the log, of all machines whose log is here."""
        self.index.begin_anew({one.machine for one in self.lines.segments()})
        self.fill(progress)

    def _read_on(self, end: float, size: int, progress: Progress | None) -> str | None:
        segments = self.lines.segments()
        upcoming = next(self._unread(segments, self.index.positions()), None)
        while upcoming is not None and self.clock() < end:
            with self.index.filling(max(0.0, end - self.clock())) as filling:
                if filling is None:
                    continue
                positions = dict(filling.positions())
                found, upcoming = self._take(segments, positions, size, end)
                filling.add(found, positions)
            if progress is not None:
                known = (positions.get(Name.of(one), Position()).offset for one in segments)
                progress(sum(known), sum(one.size for one in segments))
        return None if upcoming is None else Key(upcoming.moment, 0).instant

    def _take(
        self, segments: Sequence[Segment], positions: dict[Name, Position], size: int, end: float
    ) -> tuple[list[Located], _Read | None]:
        """Read some lines, move *positions* on; give the records, and the line that follows."""
        found: list[Located] = []
        for count, one in enumerate(self._unread(segments, positions.copy())):
            if count == size or (count and count % _LOOK == 0 and self.clock() >= end):
                return found, one
            unreadable = positions.get(one.segment, Position()).unreadable
            if one.entry is not None:
                found.append(Located(one.entry, one.segment, one.offset, one.line))
            elif one.offset or _TORN in one.line:
                # At the beginning stands the segment's header, and what it tells of the one before.
                unreadable += 1
            positions[one.segment] = Position(one.end, unreadable)
        return found, None

    def _unread(
        self, segments: Sequence[Segment], positions: Mapping[Name, Position]
    ) -> Iterator[_Read]:
        """Give what follows after *positions*, of all chains together in the order of moments."""
        several = []
        # Machine, kind and chain: a name up to its number.
        by_chain = groupby(sorted(segments, key=Name.of), key=lambda one: Name.of(one)[:3])
        for order, (_chain, of_one) in enumerate(by_chain):
            parts = [self._of(one, positions, order) for one in of_one]
            several.append(chained.from_iterable(parts))
        return merge(*several)

    def _of(
        self, segment: Segment, positions: Mapping[Name, Position], order: int
    ) -> Iterator[_Read]:
        """Give what follows of one segment."""
        name = Name.of(segment)
        end = positions.get(name, Position()).offset
        if end >= segment.size or self._half.get(name) == (end, segment.size):
            return
        moment = 0
        for offset, line in self.lines.lines(segment, end):
            if offset >= segment.size:
                # Came since; the next search is for it.
                return
            end = offset + len(line) + 1
            entry = self.entry(line)
            moment = moment if entry is None else entry.key.moment
            yield _Read(moment, order, name, offset, end, line, entry)
        if end < segment.size:
            # Not to be opened, nor waited for, until it grows.
            self._half[name] = (end, segment.size)


@dataclass(frozen=True, slots=True)
class IndexedRecords:
    """
    The port ``Records`` on the log's files and their index.

    Attributes:
        lines: the log.
        index: tells where to look.
        indexer: fills it.
        record: reads a line, None if it is no record.
        patience: for how many seconds a search reads what is new before it answers without.
    """

    lines: Lines
    index: LogIndex
    indexer: Indexer
    record: Callable[[bytes], Line | None]
    patience: float = 1.0

    def find(self, record_id: str) -> Found:
        """Look for a record by its id."""
        if _ID.fullmatch(record_id) is None:
            # No record has such a name, whatever is still to be read.
            return Found()
        record = self._find(record_id)
        if record is not None:
            return Found(record)
        since = self.indexer.catch_up(self.patience)
        record = self._find(record_id)
        return Found(record, None if record is not None else since)

    def search(
        self, sought: Sought, after: str | None, limit: int, *, oldest_first: bool = False
    ) -> Searched:
        """
        Give records in the order of their moments; see the port.

        Raises:
            Conflict: the list has no such place.
        """
        place = None if after is None else _key(after)
        since = self.indexer.catch_up(self.patience)
        asked = Asked.of(sought, place, limit + 1, oldest_first=oldest_first)
        hits = self.index.search(asked)
        unreadable = sum(one.unreadable for one in self.index.positions().values())
        shown = hits[:limit]
        more = f"{shown[-1].key.moment}.{shown[-1].key.tie}" if len(hits) > limit else None
        records = tuple(one for one in self._records(shown) if one is not None)
        return Searched(Page(records, more), unreadable, since)

    def _find(self, record_id: str) -> Line | None:
        for record in self._records(self.index.find(tie_of(record_id))):
            if record is not None and record["id"] == record_id:
                return record
        return None

    def _records(self, hits: Sequence[Hit]) -> Iterator[Line | None]:
        """Give the records of *hits*; None for one that the log has lost."""
        segments: Mapping[Name, Segment] = {}
        if any(hit.line is None for hit in hits):
            segments = {Name.of(one): one for one in self.lines.segments()}
        for hit in hits:
            line = hit.line
            if line is None and hit.segment in segments:
                line = self.lines.read(segments[hit.segment], hit.offset, hit.length)
            record = None if line is None else self.record(line)
            # Another line may stand there by now, which is for `authz audit verify` to tell.
            yield record if record is not None and tie_of(record["id"]) == hit.key.tie else None


def _key(place: str) -> Key:
    moment, _, tie = place.partition(".")
    if not (_is_number(moment) and _is_number(tie)):
        raise Conflict("the list has no such place, begin it anew")
    return Key(int(moment), int(tie))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18
