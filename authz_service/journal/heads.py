"""
The heads of the chains, signed: what makes a chain that was written anew, whole, be noticed.

``heads.json`` is one line of JSON whose last member is the signature of what stands before it.
It says for each chain how far it had come and with which hash; which segment is the first that
is kept, and the hash before that one, so that what retention removed is not missed and nothing
else is. Each names the digest of the one before. Whoever keeps a copy elsewhere can tell later
whether the log still holds what it held then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from authz_service.domain.errors import InvalidInput
from authz_service.journal.extents import extents
from authz_service.journal.keys import PUBLIC, Key, PublicKey
from authz_service.journal.lines import SCHEMA_VERSION, Clock, instant
from authz_service.journal.links import ORIGIN, parted
from authz_service.journal.packed import PackedFile, PackedInvalid
from authz_service.journal.segments import (
    Chain,
    PlainFile,
    chains,
    end_of,
    header_of,
    opened,
)

FILE = "heads.json"
LOCK = "heads"
"""Held while heads are signed, and while a writer leaves out what was refused."""
_SIGNATURE = b',"signature":"'
_SIGNED = 128 + len(b'"}\n')


@dataclass(frozen=True, slots=True)
class Head:
    """
    How far one chain had come.

    Attributes:
        chain: which.
        first: the number of the first segment that is kept.
        before: the hash before that segment.
        number: the segment that had come last.
        size: up to which byte of it, before compression.
        digest: the hash of the line that ends there.
        moment: the instant of that line, in the form of the log.
    """

    chain: Chain
    first: int
    before: str
    number: int
    size: int
    digest: str
    moment: str

    def members(self) -> dict[str, object]:
        """Give it as the file has it."""
        return {
            "class": self.chain.kind,
            "chain": self.chain.name,
            "first": self.first,
            "before": self.before,
            "number": self.number,
            "bytes": self.size,
            "hash": self.digest,
            "moment": self.moment,
        }


@dataclass(frozen=True, slots=True)
class Heads:
    """
    How far all chains of a log had come.

    Attributes:
        machine: whose log it is.
        sequence: the how manieth file of heads, from 1 on.
        moment: when, in the form of the log.
        previous: the digest of the file before, or 64 zeros.
        heads: one for each chain.
    """

    machine: str
    sequence: int
    moment: str
    previous: str
    heads: tuple[Head, ...]

    def of(self, chain: Chain) -> Head | None:
        """Give the head of a chain, if it has one."""
        return next((one for one in self.heads if one.chain == chain), None)

    def body(self) -> bytes:
        """Give what is signed."""
        members = {
            "schema": SCHEMA_VERSION,
            "kind": "heads",
            "machine": self.machine,
            "sequence": self.sequence,
            "moment": self.moment,
            "previous": self.previous,
            "chains": [one.members() for one in self.heads],
        }
        return json.dumps(members, separators=(",", ":")).encode("ascii")[:-1]

    def signed(self, key: Key) -> bytes:
        """Give the file."""
        body = self.body()
        return body + _SIGNATURE + key.sign(body).hex().encode("ascii") + b'"}\n'


def read(content: bytes, key: PublicKey, name: str = FILE) -> Heads:
    """
    Read a file of heads.

    Args:
        content: what stands in it.
        key: what checks its signature.
        name: the file's name, for what is raised.

    Raises:
        InvalidInput: it is none, or not signed with the key.
    """
    end = len(content) - _SIGNED - len(_SIGNATURE)
    body, mark, rest = content[:end], content[end : end + len(_SIGNATURE)], content[-_SIGNED:]
    try:
        signature = bytes.fromhex(rest[:-3].decode("ascii"))
        # In lower case only, or a changed letter would go unnoticed.
        whole = rest == signature.hex().encode("ascii") + b'"}\n'
        if end < 0 or mark != _SIGNATURE or not whole:
            raise InvalidInput(name, "is not in the form of heads")
        if not key.verifies(signature, body):
            raise InvalidInput(name, "is not signed with this key")
        found = json.loads(body + b"}")
        return Heads(
            machine=found["machine"],
            sequence=found["sequence"],
            moment=found["moment"],
            previous=found["previous"],
            heads=tuple(
                Head(
                    Chain(one["class"], one["chain"]),
                    one["first"],
                    one["before"],
                    one["number"],
                    one["bytes"],
                    one["hash"],
                    one["moment"],
                )
                for one in found["chains"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(name, "is not in the form of heads") from error


@dataclass(frozen=True, slots=True)
class Gathered:
    """
    What came of looking at the ends of the chains.

    Attributes:
        heads: the heads.
        flaws: chains that no longer hold what their last head says; that head is kept.
    """

    heads: Heads
    flaws: tuple[str, ...] = ()


def latest(log: Path, key: PublicKey) -> tuple[Heads | None, str]:
    """
    Give the log's last heads, if there are any, and the digest of their file.

    Raises:
        InvalidInput: they are not signed with the key.
        OSError: they cannot be read.
    """
    try:
        content = (log / FILE).read_bytes()
    except FileNotFoundError:
        return None, ORIGIN.decode("ascii")
    return read(content, key), sha256(content).hexdigest()


def gather(log: Path, key: Key, clock: Clock, firsts: Mapping[Chain, int]) -> Gathered:
    """
    Look how far every chain has come, and have that on the disk.

    A head never goes back: where a chain no longer holds the line that its last head names,
    that head stays, and so does the proof.

    Args:
        log: the log's folder.
        key: the log's key.
        clock: tells the present instant.
        firsts: from which segment on chains are to be kept, where retention moves that on.

    Raises:
        InvalidInput: the last heads are not signed with the key.
        OSError: something cannot be read.
    """
    before, digest = latest(log, key.public)
    known = {} if before is None else {one.chain: one for one in before.heads}
    heads, flaws = [], []
    for chain in sorted({*chains(log), *known}):
        last = known.get(chain)
        if last is not None and not stands(log, last):
            heads.append(last)
            flaws.append(f"{chain}: is not what its last head says")
            continue
        head = _head(log, chain, last, firsts.get(chain))
        if head is not None:
            heads.append(head)
    moment = instant(datetime.fromtimestamp(clock(), UTC))
    sequence = 1 if before is None else before.sequence + 1
    return Gathered(Heads(key.machine, sequence, moment, digest, tuple(heads)), tuple(flaws))


def _head(log: Path, chain: Chain, last: Head | None, first: int | None) -> Head | None:
    """Look how far one chain has come; None if it has no line."""
    for number in reversed(chain.numbers(log)):
        with opened(log, chain, number) as content:
            end = end_of(content)
            if end.digest is None:
                continue
            if isinstance(content, PlainFile):
                # Heads must not tell of what a power cut takes away.
                content.sync()
        # Not what is there: a missing segment must not pass for a removed one.
        kept, before = (1, ORIGIN.decode("ascii")) if last is None else (last.first, last.before)
        if first is not None and first != kept:
            kept, before = first, _before(log, chain, first)
        digest = end.digest.decode("ascii", "replace")
        return Head(chain, kept, before, number, end.size, digest, end.moment or "")
    return last


def _before(log: Path, chain: Chain, number: int) -> str:
    with opened(log, chain, number) as content:
        header = header_of(content)
    if header is None:
        raise OSError(0, f"{chain}: segment {number} has no header")
    return header.previous.decode("ascii")


def last_of(log: Path, chain: Chain) -> Head | None:
    """
    Give the last head of a chain; None without one that is signed with the log's key.

    Raises:
        OSError: it cannot be read.
    """
    try:
        found, _digest = latest(log, PublicKey.read(log / PUBLIC))
    except (FileNotFoundError, InvalidInput):
        # Nor does anybody sign anew over such heads.
        return None
    return None if found is None else found.of(chain)


def stands(log: Path, head: Head) -> bool:
    """Tell whether the line that a head names is still there, and counts."""
    there = extents(log, head.chain, since=head.number)
    # A segment put in behind it may tell that it was torn.
    if not there or there[0].number != head.number or there[0].whole < head.size:
        return False
    try:
        with opened(log, head.chain, head.number) as content:
            return ends_with(content, head)
    except (FileNotFoundError, PackedInvalid):
        return False


def ends_with(content: PlainFile | PackedFile, head: Head) -> bool:
    """Tell whether a line with the head's hash ends where the head says."""
    length = len(b',"hash":"') + len(ORIGIN) + len(b'"}\n')
    end = content.read(head.size - length, length) if head.size >= length else b""
    parts = parted(end[:-1])
    return end[-1:] == b"\n" and parts is not None and parts[1] == head.digest.encode("ascii")
