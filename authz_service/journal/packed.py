"""
Closed segments in compressed form: gzip files of many members, each of whole lines.

Any gzip tool reads them. Each member tells in its extra field how long it is and how much it
holds, as bgzip's do, so that a single line is read without what stands before it, and nothing
beside the file has to be kept in step with it.
"""

from __future__ import annotations

import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from authz_service.journal.places import sync_folder

_HELD = 256 * 1024
"""Bytes that a member holds, up to the end of a line."""
# The fastest: half the time of zlib's usual one, and a fifteenth of the size instead of a
# nineteenth, since most of a line is what stood in others.
_LEVEL = 1

# ID, deflate, an extra field; no time, so that the same content is the same file; any system.
_MAGIC = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff"
_EXTRA = struct.Struct("<H2sHIIQ")
_TRAILER = struct.Struct("<II")
_HEAD = len(_MAGIC) + _EXTRA.size
_FIELD = b"AZ"
_FIELDS = _EXTRA.size - 2, _FIELD, _EXTRA.size - 6


class PackedInvalid(OSError):
    """The file is not one that ``pack`` has made."""

    def __init__(self, what: str) -> None:
        super().__init__(0, what)


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member stands in the file, and what it holds."""

    place: int
    size: int
    begin: int
    held: int


class PackedFile:
    """
    Reads a compressed segment by the bytes of the segment; see ``segments.Content``.

    Args:
        descriptor: the open file; ``close`` closes it.

    Raises:
        PackedInvalid: the file does not begin like one.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._stored = os.fstat(descriptor).st_size
        self._members: list[_Member] | None = None
        self._last: tuple[int, bytes] = (-1, b"")
        _size, _held, self.size = self._head(0)

    def read(self, offset: int, length: int) -> bytes:
        """
        Give at most *length* bytes from *offset* on.

        Raises:
            PackedInvalid: a member that holds them is not what ``pack`` has made.
        """
        members = self._table()
        parts: list[bytes] = []
        number = max(bisect_right(members, offset, key=lambda one: one.begin) - 1, 0)
        while length > 0 and number < len(members):
            held = self._unpacked(number)
            part = held[offset - members[number].begin :][:length]
            parts.append(part)
            offset += len(part)
            length -= len(part)
            number += 1
        return b"".join(parts)

    def start(self, length: int) -> bytes:
        """Give at most the first *length* bytes, without the work for the rest."""
        size, _held, _total = self._head(0)
        stored = os.pread(self._descriptor, min(size - _HEAD, length + 1024), _HEAD)
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, length)
        except zlib.error as error:
            raise PackedInvalid("cannot be unpacked") from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _head(self, place: int) -> tuple[int, int, int]:
        """Give the sizes that a member tells: its own, of what it holds, and the segment's."""
        head = os.pread(self._descriptor, _HEAD, place)
        if len(head) != _HEAD or not head.startswith(_MAGIC):
            raise PackedInvalid(f"no member begins at byte {place}")
        *fields, size, held, total = _EXTRA.unpack(head[len(_MAGIC) :])
        if tuple(fields) != _FIELDS or not _HEAD < size <= self._stored - place:
            raise PackedInvalid(f"no member begins at byte {place}")
        return size, held, total

    def _table(self) -> list[_Member]:
        if self._members is None:
            members: list[_Member] = []
            place = begin = 0
            while place < self._stored:
                size, held, total = self._head(place)
                if total != self.size:
                    raise PackedInvalid(f"the member at byte {place} is of another file")
                members.append(_Member(place, size, begin, held))
                place += size
                begin += held
            if begin != self.size:
                raise PackedInvalid(f"its members hold {begin} bytes, not {self.size}")
            self._members = members
        return self._members

    def _unpacked(self, number: int) -> bytes:
        known, held = self._last
        if known != number:
            held = self._unpack(self._table()[number])
            self._last = (number, held)
        return held

    def _unpack(self, member: _Member) -> bytes:
        stored = os.pread(self._descriptor, member.size - _HEAD, member.place + _HEAD)
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            held = unpacker.decompress(stored, member.held + 1)
        except zlib.error as error:
            raise PackedInvalid(f"the member at byte {member.place} cannot be unpacked") from error
        if (
            len(held) != member.held
            or not unpacker.eof
            or unpacker.unused_data != _TRAILER.pack(zlib.crc32(held), len(held))
        ):
            raise PackedInvalid(f"the member at byte {member.place} is damaged")
        return held


def pack(source: Path, target: Path) -> None:
    """
    Put the compressed form of a closed segment in its place; whenever it is cut off, do it again.

    The original goes only when the compressed form is on the disk, whole, under its name.

    Args:
        source: the segment.
        target: the name of its compressed form; what stands there is replaced.

    Raises:
        OSError: it cannot be read or written; the original stays.
        PackedInvalid: what was written does not hold the same; the original stays.
    """
    part = part_of(target)
    compress(source, part)
    take_place(source, part, target)


def part_of(target: Path) -> Path:
    """Give where the compressed form is written that will have the name *target*."""
    return target.with_name(f"{target.name}.part")


def compress(source: Path, part: Path) -> None:
    """
    Write the compressed form of a closed segment to the disk, and read it back.

    Raises:
        OSError: it cannot be read or written; there is no *part* then.
        PackedInvalid: what was written does not hold the same; likewise.
    """
    try:
        _write(source, part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def take_place(source: Path, part: Path, target: Path) -> None:
    """
    Put what ``compress`` has written in the place of the segment, if that is still there.

    Raises:
        OSError: it cannot be; the original stays, or has gone already.
    """
    try:
        if source.exists():
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(target.parent)
    source.unlink(missing_ok=True)
    sync_folder(target.parent)


def _write(source: Path, part: Path) -> None:
    """Write the members, and read them back."""
    digest = sha256()
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as written:
        total = os.fstat(read.fileno()).st_size
        for held in _pieces(read.fileno()):
            digest.update(held)
            written.write(_member(held, total))
        if not total:
            written.write(_member(b"", 0))
        written.flush()
        os.fsync(written.fileno())
    if _digest(part) != digest.hexdigest():
        raise PackedInvalid("what was written does not hold the same")


def _pieces(descriptor: int) -> Iterator[bytes]:
    """Give the content in pieces of whole lines; a line that is longer is a piece by itself."""
    rest = b""
    while data := os.read(descriptor, _HELD):
        rest += data
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _member(held: bytes, total: int) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(held) + packer.flush()
    size = _HEAD + len(packed) + _TRAILER.size
    extra = _EXTRA.pack(*_FIELDS, size, len(held), total)
    return _MAGIC + extra + packed + _TRAILER.pack(zlib.crc32(held), len(held))


def _digest(part: Path) -> str:
    """Give the digest of what a compressed file holds."""
    digest = sha256()
    packed = PackedFile(os.open(part, os.O_RDONLY | os.O_CLOEXEC))
    try:
        offset = 0
        while data := packed.read(offset, _HELD):
            digest.update(data)
            offset += len(data)
    finally:
        packed.close()
    return digest.hexdigest()
