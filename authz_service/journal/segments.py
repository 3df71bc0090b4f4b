"""
The files of the log: which there are, and what stands in them, compressed or not.

The folder has one folder for each class of records, in it one for each chain, in it the
segments: ``decision/0/00000001.jsonl``, compressed ``decision/0/00000001.jsonl.gz``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, islice, takewhile
from pathlib import Path
from typing import Protocol

from authz_service.journal.links import Header, holds, parted
from authz_service.journal.packed import PackedFile

CLASSES = ("decision", "act")
_CHAIN = re.compile(r"[0-9a-z]{1,32}(?:-[0-9]{1,6})?")
_SEGMENT = re.compile(r"([0-9]{8,18})\.jsonl(\.gz)?")
_BLOCK = 1024 * 1024
# No line of ours is longer; in front of a longer one, a reader sees no line.
_LINE = 4 * 1024 * 1024
_GAPS = 64
"""How many segments are looked for that a listing may have missed."""
_CHECKED = 8 * 1024 * 1024
"""Bytes before the end of a chain that whoever goes on with it looks at."""


class Content(Protocol):
    """What stands in a segment, by its bytes before compression."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Give at most *length* bytes from *offset* on."""

    def start(self, length: int) -> bytes:
        """Give at most the first *length* bytes."""

    def close(self) -> None:
        """Close the file."""


class PlainFile:
    """A segment as it was written; see ``Content``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Give at most *length* bytes from *offset* on."""
        return os.pread(self._descriptor, length, offset)

    def start(self, length: int) -> bytes:
        """Give at most the first *length* bytes."""
        return self.read(0, length)

    def sync(self) -> None:
        """Have it on the disk, whoever wrote it."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True, order=True)
class Chain:
    """
    One chain of one class.

    Attributes:
        kind: ``decision`` or ``act``.
        name: the chain's.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    def folder(self, log: Path) -> Path:
        """Give where its segments are."""
        return log / self.kind / self.name

    def plain(self, log: Path, number: int) -> Path:
        """Give the name of a segment as it is written."""
        return self.folder(log) / f"{number:08}.jsonl"

    def packed(self, log: Path, number: int) -> Path:
        """Give the name of a closed segment."""
        return self.folder(log) / f"{number:08}.jsonl.gz"

    def numbers(self, log: Path) -> list[int]:
        """Give the numbers of the segments that are there, in order."""
        try:
            names = [one.name for one in self.folder(log).iterdir()]
        except FileNotFoundError:
            return []
        found = {int(match[1]) for match in map(_SEGMENT.fullmatch, names) if match}
        if found:
            # A segment that changes its form while the folder is listed may not be in the list.
            first, last = min(found), max(found)
            gaps = islice((one for one in range(first, last) if one not in found), _GAPS)
            found |= {one for one in list(gaps) if self._is(log, one)}
            found |= set(takewhile(partial(self._is, log), range(first - 1, 0, -1)))
            found |= set(takewhile(partial(self._is, log), count(last + 1)))
        return sorted(found)

    def _is(self, log: Path, number: int) -> bool:
        """Tell whether a segment is there; the plain form goes when the other has come."""
        return self.plain(log, number).exists() or self.packed(log, number).exists()


def is_chain(name: str) -> bool:
    """Tell whether a text can be a chain's name."""
    return _CHAIN.fullmatch(name) is not None


def chains(log: Path) -> list[Chain]:
    """Give the chains that have a folder, in order."""
    found = []
    for kind in CLASSES:
        try:
            names = [one.name for one in (log / kind).iterdir()]
        except FileNotFoundError:
            continue
        found += [Chain(kind, name) for name in names if is_chain(name)]
    return sorted(found)


@contextmanager
def opened(log: Path, chain: Chain, number: int) -> Iterator[PlainFile | PackedFile]:
    """
    Open a segment in whichever form it is there.

    Raises:
        FileNotFoundError: it is not there.
        PackedInvalid: it is compressed, and damaged.
        OSError: it cannot be read.
    """
    content = open_content(log, chain, number)
    try:
        yield content
    finally:
        content.close()


def open_content(log: Path, chain: Chain, number: int) -> PlainFile | PackedFile:
    """Open a segment, as ``opened`` does, for a caller that closes it."""
    flags = os.O_RDONLY | os.O_CLOEXEC
    try:
        return PlainFile(os.open(chain.plain(log, number), flags))
    except FileNotFoundError:
        descriptor = os.open(chain.packed(log, number), flags)
    try:
        return PackedFile(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def whole_lines(content: Content, offset: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Give the lines between two bytes that end in a line feed, with where they begin."""
    begin, rest = offset, b""
    while offset < end:
        data = content.read(offset, min(_BLOCK, end - offset))
        if not data:
            return
        offset += len(data)
        lines = (rest + data).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield begin, line
            begin += len(line) + 1


def header_of(content: Content) -> Header | None:
    """Give the first line of a segment, or None if it has none."""
    line, feed, _rest = content.start(4096).partition(b"\n")
    return Header.of(line) if feed else None


@dataclass(frozen=True, slots=True)
class End:
    """
    How far a segment is whole.

    Attributes:
        size: where its last whole line ends; 0 if there is none.
        digest: the hash of that line, or None if there is none.
        moment: the instant of that line, in the form of the log, or None likewise.
    """

    size: int
    digest: bytes | None = None
    moment: str | None = None


_MOMENT = re.compile(rb'"(?:moment|began)":"([^"]{27})"')


def end_of(content: Content, *, checked: bool = False) -> End:
    """
    Give how far a segment is whole.

    Args:
        content: the segment.
        checked: look whether the lines before the end are chained: a power cut may have left
            anything behind what had been synced. Else the last line with a line feed counts.
    """
    window = _CHECKED if checked else _LINE
    begin = max(0, content.size - window)
    lines = whole_lines(content, begin, content.size)
    if begin:
        # The first piece may be the rest of a line.
        next(lines, None)
    last: tuple[int, bytes] | None = None
    digest: bytes | None = None
    for at, line in lines:
        parts = parted(line)
        if parts is None or (checked and digest is not None and holds(digest, line) is None):
            break
        digest, last = parts[1], (at, line)
    if last is None:
        return End(0)
    match = _MOMENT.search(last[1])
    moment = None if match is None else match[1].decode("ascii", "replace")
    return End(last[0] + len(last[1]) + 1, digest, moment)
