"""One chain of the log, line by line, from the first segment that is kept to its last head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from authz_service.journal.diagnosis import diagnosis
from authz_service.journal.extents import Extent, extents
from authz_service.journal.heads import Head, Heads
from authz_service.journal.links import ORIGIN, Header, linked, parted
from authz_service.journal.packed import PackedFile, PackedInvalid
from authz_service.journal.segments import Chain, Content, PlainFile, opened, whole_lines

_BLOCK = 1024 * 1024

Through = Callable[[Sequence[Extent]], Iterable[Extent]]
"""Goes through segments, and may show how far it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    The first thing that is wrong with a chain, or with a file of heads.

    Attributes:
        file: which file, from the log's folder on.
        what: what is wrong.
        line: which line, from 1 on, or None if it is the file.
        byte: where that begins, before compression, or None likewise.
    """

    file: str
    what: str
    line: int | None = None
    byte: int | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f", line {self.line}, byte {self.byte}"
        return f"{self.file}{place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Signed:
    """
    Heads that a log is held to.

    Attributes:
        name: their file, as it is told.
        heads: what stands in it.
    """

    name: str
    heads: Heads


@dataclass(slots=True)
class Walked:
    """
    What came of going along a chain.

    Attributes:
        chain: which.
        finding: the first thing that is wrong, or None.
        notes: what else there is to know.
        segments: how many were read.
        records: how many records are whole, up to the finding.
        covered: how many of them each file of heads covers, by its name.
        began: when its first segment began, in the form of the log, or None if that was not read.
    """

    chain: Chain
    finding: Finding | None = None
    notes: list[str] = field(default_factory=list)
    segments: int = 0
    records: int = 0
    covered: dict[str, int] = field(default_factory=dict)
    began: str | None = None


class Wrong(Exception):
    """The chain's first finding; what follows it is not looked at."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class Walk:
    """
    Goes along a chain.

    Args:
        log: the log's folder.
        chain: which chain.
        signed: heads to hold it to; the first that knows the chain says what is kept of it.
        through: goes through its segments.
        horizon: the instant from which on its records are kept; None if all are.
    """

    def __init__(
        self,
        log: Path,
        chain: Chain,
        signed: Sequence[Signed],
        through: Through,
        horizon: str | None,
    ) -> None:
        self._log = log
        self._chain = chain
        self._through = through
        self._horizon = horizon
        found = [(one.name, one.heads.of(chain)) for one in signed]
        self._heads = [(name, head) for name, head in found if head is not None]
        kept = self._heads[0][1] if self._heads else None
        self._first = 1 if kept is None else kept.first
        self._previous = ORIGIN if kept is None else kept.before.encode("ascii")
        self._file = str(chain)
        self._walked = Walked(chain)

    def go(self) -> Walked:
        """
        Go along it.

        Raises:
            OSError: something is there and cannot be read.
        """
        walked = self._walked
        try:
            self._go()
        except Wrong as wrong:
            walked.finding = wrong.finding
        except FileNotFoundError:
            walked.finding = Finding(self._file, "is missing")
        except PackedInvalid as invalid:
            walked.finding = Finding(self._file, str(invalid.strerror))
        if walked.finding is None:
            walked.finding = self._removed()
        return walked

    def _removed(self) -> Finding | None:
        """Hold what was removed since heads were signed to how long records are kept."""
        finding = None
        for name, head in self._heads:
            gone = head.number < self._first
            what = f"all that it covers of {self._chain} was removed"
            if not gone:
                what = f"segments of {self._chain} until {self._first - 1} were removed since"
            if self._horizon is None and head.first < self._first:
                finding = Finding(name, f"{what}, and records of its class are kept for ever")
            elif gone and self._horizon is not None and head.moment >= self._horizon:
                finding = Finding(name, f"{what}, and some are younger than what may be")
            elif gone:
                self._walked.notes.append(f"{name}: {what}")
        return finding

    def _go(self) -> None:
        found = extents(self._log, self._chain)
        self._early(found)
        found = [one for one in found if one.number >= self._first]
        there = [one.number for one in found]
        newest = max([*there, *(head.number for _name, head in self._heads), self._first - 1])
        for place, one in enumerate(self._through(found)):
            self._there(self._first + place, one.number)
            self._file = self._name(one)
            self._torn(found[:place], one)
            self._segment(one, last=one.number == newest)
        self._there(self._first + len(found), newest + 1)

    def _early(self, found: Sequence[Extent]) -> None:
        early = [one.number for one in found if one.number < self._first]
        if early:
            until = f"{self._chain}: segments until {early[-1]}"
            self._walked.notes.append(f"{until} are still there, and may be removed")

    def _there(self, expected: int, number: int) -> None:
        if number != expected:
            raise Wrong(Finding(f"{self._chain}/{expected:08}.jsonl", "is missing"))

    def _name(self, one: Extent) -> str:
        plain = self._chain.plain(self._log, one.number)
        packed = self._chain.packed(self._log, one.number)
        file = plain if plain.exists() or not packed.exists() else packed
        return str(file.relative_to(self._log))

    def _torn(self, before: Sequence[Extent], one: Extent) -> None:
        """Hold what stands behind the last line that counts to what the next header tells."""
        if one.header is None or one.header.torn is None or not one.whole:
            return
        left, parts = one.header.torn.size, []
        for other in reversed(before):
            behind = min(left, other.size)
            left -= behind
            if behind:
                parts.append((other.number, other.size - behind, behind))
        digest = sha256()
        for number, begin, behind in reversed(parts):
            with opened(self._log, self._chain, number) as content:
                for data in _blocks(content, begin, begin + behind):
                    digest.update(data)
        if left or digest.hexdigest() != one.header.torn.digest:
            what = "tells of torn bytes before it that are not there, or were changed"
            raise Wrong(Finding(self._file, what, 1, 0))

    def _segment(self, one: Extent, *, last: bool) -> None:
        self._walked.segments += 1
        if one.flaw is not None:
            raise Wrong(Finding(self._file, one.flaw))
        with opened(self._log, self._chain, one.number) as content:
            self._twice(one, content)
            due = [(name, head) for name, head in self._heads if head.number == one.number]
            end, line = self._lines(one, content, due)
            if end < one.whole and not last:
                what = "what follows was changed or cut off: it is no line, and no header tells it"
                raise Wrong(Finding(self._file, what, line + 1, end))
            if end < one.size:
                rest = "torn, or being written" if last else "torn, and were never answered"
                note = f"{self._file}: the last {one.size - end} bytes are {rest}"
                self._walked.notes.append(note)
            for name, head in due:
                if name not in self._walked.covered:
                    raise Wrong(self._beyond(end, line, name, head))

    def _twice(self, one: Extent, content: PlainFile | PackedFile) -> None:
        """Where compressing was cut off a segment is there in both forms; they hold the same."""
        packed = self._chain.packed(self._log, one.number)
        if isinstance(content, PackedFile) or not packed.exists():
            return
        with packed.open("rb") as file:
            other = PackedFile(file.fileno())
            same = other.size == content.size and all(
                a == b
                for a, b in zip(
                    _blocks(other, 0, other.size), _blocks(content, 0, other.size), strict=True
                )
            )
        if not same:
            name = str(packed.relative_to(self._log))
            raise Wrong(Finding(name, "is another than the same segment uncompressed"))

    def _lines(
        self, one: Extent, content: Content, due: Sequence[tuple[str, Head]]
    ) -> tuple[int, int]:
        """Go along the lines that count; give where they end, and how many they are."""
        heads = {head.size: head for _name, head in due}
        end = number = 0
        for begin, line in whole_lines(content, 0, one.whole):
            number += 1
            if number == 1:
                self._header(one, line)
            parts = parted(line)
            if parts is None or linked(self._previous, parts[0]) != parts[1]:
                raise Wrong(self._unlinked(content, one, number, begin))
            self._previous = parts[1]
            self._walked.records += number > 1
            end = begin + len(line) + 1
            if end in heads:
                self._meet(due, number, begin, end, parts[1])
        return end, number

    def _header(self, one: Extent, line: bytes) -> None:
        """Hold the first line of a segment to where the segment stands."""
        header = Header.of(line)
        what = None
        if header is None:
            what = "the header was changed, or removed"
        elif (header.kind, header.chain, header.number) != (
            self._chain.kind,
            self._chain.name,
            one.number,
        ):
            what = f"is segment {header.number} of {header.kind}/{header.chain}"
        elif header.previous != self._previous:
            what = "does not follow from what stands before: that, or its header, was changed"
        if what is not None:
            raise Wrong(Finding(self._file, what, 1, 0))
        if header is not None and self._walked.began is None:
            self._walked.began = header.began

    def _unlinked(self, content: Content, one: Extent, number: int, begin: int) -> Finding:
        if number == 1:
            return Finding(self._file, "the header was changed", 1, 0)
        lines = [line for _begin, line in whole_lines(content, 0, one.whole)]
        return Finding(self._file, diagnosis(lines, number - 1, self._previous), number, begin)

    def _meet(
        self, due: Sequence[tuple[str, Head]], number: int, begin: int, end: int, digest: bytes
    ) -> None:
        """Hold a line to the heads that end with it."""
        for name, head in due:
            if head.size != end:
                continue
            if head.digest.encode("ascii") != digest:
                what = f"is not what {name} says: the chain was written anew, here or before"
                raise Wrong(Finding(self._file, what, number, begin))
            self._walked.covered[name] = self._walked.records

    def _beyond(self, end: int, number: int, name: str, head: Head) -> Finding:
        """Tell of a head that no line ends at that counts; signing takes and keeps none such."""
        if head.size > end:
            what = f"ends here, and {name} says that it went on until byte {head.size}"
        else:
            what = f"no line ends at byte {head.size}, as {name} says: it was written anew"
        return Finding(self._file, what, number, end)


def _blocks(content: Content, begin: int, end: int) -> Iterator[bytes]:
    while begin < end:
        data = content.read(begin, min(_BLOCK, end - begin))
        if not data:
            return
        yield data
        begin += len(data)
