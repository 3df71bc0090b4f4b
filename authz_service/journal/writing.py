"""
One chain of one class, as its writer has it: the segment in use and the hash that comes next.

What has been written is never written over nor cut. Where a write stops in the middle, by a
full disk say, the next one begins a new segment, whose first line tells what stands behind the
last line that counts; so what was refused never counts as answered. One thing goes before that:
what signed heads tell of counts, or nobody could tell a refusal from records that were removed.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from authz_service.journal import heads
from authz_service.journal.lines import Clock, instant
from authz_service.journal.links import ORIGIN, Header, Torn, chained
from authz_service.journal.places import locked, make_folder, sync_folder
from authz_service.journal.segments import Chain, end_of, header_of, opened

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o600  # it tells who asked what, if not about whom
_DAY = 86_400
_new = tuple.__new__


class Open:
    """
    A segment's file while it is written to.

    Args:
        file: its name.
        flags: beside ``_FLAGS``.
    """

    def __init__(self, file: Path, flags: int = 0) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = file.parent if flags & os.O_EXCL else None
        self._descriptor = os.open(file, _FLAGS | flags, _MODE)
        self._closed = False

    def append(self, payload: bytes) -> int:
        """
        Write *payload*, all of it; give how many bytes.

        Raises:
            OSError: it was not written, or not all of it.
        """
        size = len(payload)
        written = os.write(self._descriptor, payload)
        while written < size:
            written += os.write(self._descriptor, payload[written:])
        return size

    def size(self) -> int:
        """Give how long the file is."""
        return os.fstat(self._descriptor).st_size

    def check(self) -> None:
        """
        See that the file in use still has its name; else nobody will find what is in it.

        Raises:
            FileNotFoundError: somebody has removed it.
        """
        if not os.fstat(self._descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "a file in use was removed")

    def sync(self) -> None:
        """
        Have what was written survive a power cut, and the file's name too.

        Raises:
            OSError: it may not.
        """
        with self._lock:
            if self._closed:
                return
            os.fdatasync(self._descriptor)
            if self._folder is not None:
                sync_folder(self._folder)
                self._folder = None

    def close(self) -> None:
        """Close the file; who wants it on the disk has synced it."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._descriptor)


class Spot(NamedTuple):
    """
    Where a chain has come to.

    Attributes:
        number: the segment of the last line that counts, 0 before the first.
        size: where that line ends.
        digest: its hash.
    """

    number: int = 0
    size: int = 0
    digest: bytes = ORIGIN


class Writer:
    """
    Writes one chain; the caller sees to it that nobody else does, in this process or another.

    Args:
        log: the log's folder.
        chain: which chain.
        machine: on which machine.
        limit: bytes from which on a new segment begins; it also begins on a new day, UTC.
        clock: tells the present instant.
        closing: takes the file of a segment that is full; it may raise ``OSError``.
    """

    opens: type[Open] = Open
    """What segments are written through."""

    def __init__(
        self,
        log: Path,
        chain: Chain,
        machine: str,
        limit: int,
        clock: Clock,
        closing: Callable[[Open], None],
    ) -> None:
        self._log = log
        self._closing = closing
        self._machine = machine
        self._limit = limit
        self._clock = clock
        self._segment: Open | None = None
        self._until = 0.0
        self.chain = chain
        self.spot = Spot()
        self.began = ""

    def resume(self) -> None:
        """
        Find where the chain has come to on the disk.

        Raises:
            OSError: it cannot be read.
        """
        self.let_go()
        self.spot = found(self._log, self.chain)

    def go_on(self) -> None:
        """
        Write to the segment that is there, if nothing torn ends it; others may have written.

        Raises:
            OSError: it cannot be read.
        """
        newest = self.chain.numbers(self._log)[-1:]
        segment = self._segment if newest == [self.spot.number] else None
        if segment is not None and segment.size() == self.spot.size:
            return
        self.resume()
        file = self.chain.plain(self._log, self.spot.number)
        if newest != [self.spot.number] or not file.exists():
            return
        with opened(self._log, self.chain, self.spot.number) as content:
            header = header_of(content)
            torn = content.size != self.spot.size
        if header is not None and not torn:
            self._segment = self.opens(file)
            self._until = _midnight(datetime.fromisoformat(header.began).timestamp())

    def write(self, bodies: Sequence[bytes]) -> Open:
        """
        Write lines, all or none that counts; give the file that they went to.

        Args:
            bodies: records without their closing brace.

        Raises:
            OSError: none counts.
        """
        segment = self._segment
        number, size, digest = self.spot
        if segment is None or size >= self._limit or self._clock() >= self._until:
            segment = self.begin()
            number, size, digest = self.spot
        payload, digest = chained(digest, bodies)
        # Whatever cuts this off, what stands in the file then is not known: a new segment.
        self._segment = None
        try:
            written = segment.append(payload)
        except OSError:
            if segment.size() == size:
                # Nothing came through, so nothing is in the way.
                self._segment = segment
            else:
                self._closing(segment)
            raise
        self.spot = _new(Spot, (number, size + written, digest))
        self._segment = segment
        return segment

    def begin(self) -> Open:
        """
        Begin a new segment.

        Raises:
            OSError: it cannot be had; the one before is not written to any more even so, since
                others may have seen it closed.
        """
        full, self._segment = self._segment, None
        if full is not None:
            self._closing(full)
        make_folder(self.chain.folder(self._log))
        if self._torn() is None:
            return self._begun(None)
        with locked(self._log, heads.LOCK):
            self.spot = self._signed()
            return self._begun(self._torn())

    def _begun(self, torn: Torn | None) -> Open:
        spot, now = self.spot, self._clock()
        number = max([spot.number, *self.chain.numbers(self._log)]) + 1
        header = Header(
            self.chain.kind,
            self.chain.name,
            number,
            instant(datetime.fromtimestamp(now, UTC)),
            self._machine,
            spot.digest,
            torn,
        )
        payload, digest = chained(spot.digest, [header.body()])
        segment = self.opens(self.chain.plain(self._log, number), os.O_EXCL)
        try:
            segment.append(payload)
        except OSError:
            segment.close()
            # No line ever stood in it, so no reader misses it.
            self.chain.plain(self._log, number).unlink(missing_ok=True)
            raise
        self._segment = segment
        self.began = header.began
        self._until = _midnight(now)
        self.spot = Spot(number, len(payload), digest)
        return segment

    def go_back(self, spot: Spot) -> None:
        """Have what was written behind *spot* count no more."""
        self.let_go()
        self.spot = spot

    def let_go(self) -> None:
        """Close the file in use; the next write begins a new segment."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    @property
    def segment(self) -> Open | None:
        """The file in use."""
        return self._segment

    def _signed(self) -> Spot:
        """Give where the chain has come to, which is never before its last signed head."""
        head = heads.last_of(self._log, self.chain)
        if head is None:
            return self.spot
        signed = Spot(head.number, head.size, head.digest.encode("ascii"))
        ahead = signed[:2] > self.spot[:2] and heads.stands(self._log, head)
        # Signing had it on the disk.
        return signed if ahead else self.spot

    def _torn(self) -> Torn | None:
        """Look at what stands behind the last line that counts, in whichever files."""
        size, digest = 0, sha256()
        for number in self.chain.numbers(self._log):
            if number < self.spot.number:
                continue
            with opened(self._log, self.chain, number) as content:
                begin = self.spot.size if number == self.spot.number else 0
                behind = content.read(begin, content.size - begin)
            size += len(behind)
            digest.update(behind)
        return Torn(size, digest.hexdigest()) if size else None


def found(log: Path, chain: Chain) -> Spot:
    """
    Give where a chain has come to on the disk.

    Raises:
        OSError: it cannot be read.
    """
    for number in reversed(chain.numbers(log)):
        with opened(log, chain, number) as content:
            end = end_of(content, checked=True)
        if end.digest is not None:
            return Spot(number, end.size, end.digest)
    return Spot()


def _midnight(moment: float) -> float:
    """Give the beginning of the next day, UTC."""
    return (moment // _DAY + 1) * _DAY
