"""
How a line of the log is chained to the one before, and the line that begins a segment.

The last member of each line is ``hash``: the SHA-256, in hexadecimal, of the hash of the line
before followed by this line up to that member. So no line can be changed, taken out, put in or
moved without the hashes of all that follow; and those end in heads that are signed elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from authz_service.journal.lines import SCHEMA_VERSION

ORIGIN = b"0" * 64
"""What stands for the hash of the line before the first."""

_MEMBER = b',"hash":"'
_END = b'"}'
_TAIL = len(_MEMBER) + len(ORIGIN) + len(_END)


def linked(previous: bytes, body: bytes) -> bytes:
    """Give the hash of a line, from the one before and its own bytes before ``hash``."""
    return sha256(previous + body).hexdigest().encode()


def chained(previous: bytes, bodies: Iterable[bytes]) -> tuple[bytes, bytes]:
    """
    Give the lines of several bodies, with their line feeds, and the hash of the last.

    Args:
        previous: the hash of the line before them.
        bodies: JSON objects without their closing brace.
    """
    parts: list[bytes] = []
    for body in bodies:
        previous = sha256(previous + body).hexdigest().encode()
        parts += (body, _MEMBER, previous, b'"}\n')
    return b"".join(parts), previous


def parted(line: bytes) -> tuple[bytes, bytes] | None:
    """Give what a line's hash is made of and the hash that it names, None if it names none."""
    if line[-_TAIL : -_TAIL + len(_MEMBER)] != _MEMBER or line[-len(_END) :] != _END:
        return None
    return line[:-_TAIL], line[-_TAIL + len(_MEMBER) : -len(_END)]


def holds(previous: bytes, line: bytes) -> bytes | None:
    """Give a line's hash if it follows from *previous*, else None."""
    parts = parted(line)
    if parts is None or linked(previous, parts[0]) != parts[1]:
        return None
    return parts[1]


@dataclass(frozen=True, slots=True)
class Torn:
    """
    What the writer of a segment found behind the last line of the one before.

    It was never answered for: a write was cut off, by a full disk or with the power.

    Attributes:
        size: how many bytes.
        digest: their SHA-256, in hexadecimal.
    """

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Header:
    """
    The first line of a segment.

    Attributes:
        kind: which records are in it, ``decision`` or ``act``.
        chain: the name of the chain.
        number: which segment of the chain it is, from 1 on.
        began: the instant, UTC, in the form of the log.
        machine: on which machine.
        previous: the hash of the last line of the segment before.
        torn: what stood behind that line, or None.
    """

    kind: str
    chain: str
    number: int
    began: str
    machine: str
    previous: bytes
    torn: Torn | None = None

    def body(self) -> bytes:
        """Give the line without its closing brace."""
        members: dict[str, object] = {
            "schema": SCHEMA_VERSION,
            "kind": "segment",
            "class": self.kind,
            "chain": self.chain,
            "number": self.number,
            "began": self.began,
            "machine": self.machine,
            "previous": self.previous.decode("ascii"),
        }
        if self.torn is not None:
            members |= {"torn": self.torn.size, "torn_sha256": self.torn.digest}
        return json.dumps(members, separators=(",", ":")).encode("ascii")[:-1]

    @classmethod
    def of(cls, line: bytes) -> Header | None:
        """Read a line; None if it is none that ``body`` makes."""
        parts = parted(line)
        try:
            found = json.loads(line)
            torn = Torn(found["torn"], found["torn_sha256"]) if "torn" in found else None
            header = cls(
                found["class"],
                found["chain"],
                found["number"],
                found["began"],
                found["machine"],
                found["previous"].encode("ascii"),
                torn,
            )
            made = header.body()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        # Byte by byte, so that a reader of another make reads what this one has.
        return header if parts is not None and parts[0] == made else None
