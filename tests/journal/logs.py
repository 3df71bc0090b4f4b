"""Logs for the tests of the decision log: written, read back, and verified."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from authz_service.journal import keys
from authz_service.journal.journal import Journal, Options
from authz_service.journal.keeping import Keeper
from authz_service.journal.keys import PublicKey
from authz_service.journal.links import ORIGIN, chained, parted
from authz_service.journal.shared import SHARED
from authz_service.journal.verifying import FOR_EVER, Report, Retention, verify
from tests.fakes.clock import NOON
from tests.journal.test_lines import ACT, DECISION

DAY = 86_400.0
NOW = NOON.timestamp()


class Hands:
    """A clock that stands where it was put."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        """Give the instant."""
        return self.now


def never(_count: int) -> None:
    """Be told of lost records, where none may be lost."""
    raise AssertionError("records were lost")


@contextmanager
def journal(
    log: Path, place: str = "0", options: Options | None = None, clock: Hands | None = None
) -> Iterator[Journal]:
    """Give a journal, and close it afterwards; what it has not compressed by then is."""
    made = Journal(log, place, options or Options(), never, clock or Hands())
    try:
        yield made
    finally:
        made.close()
        if place != SHARED:
            Keeper(log, keys.own(log), {}, clock or Hands()).pack()


def decisions(*revisions: int) -> list[Any]:
    """Give decisions that are told apart by the store's revision."""
    return [DECISION._replace(store_revision=one) for one in revisions]


def acts(*revisions: int) -> list[Any]:
    """Give acts that are told apart likewise."""
    return [replace(ACT, store_revision=one) for one in revisions]


def stored(log: Path, chain: str = "decision/0") -> list[bytes]:
    """Give the content of each segment of a chain, unpacked; none of one that goes just then."""
    packed = {one.name[:8]: one for one in (log / chain).glob("*.jsonl.gz")}
    plain = {one.name[:8]: one for one in (log / chain).glob("*.jsonl")}
    found = []
    for _number, one in sorted((packed | plain).items()):
        with suppress(FileNotFoundError):
            content = one.read_bytes()
            found.append(gzip.decompress(content) if one.suffix == ".gz" else content)
    return found


def revisions(log: Path, chain: str = "decision/0") -> list[int]:
    """Give the revisions of the records in a chain, torn lines left out."""
    lines = [line for content in stored(log, chain) for line in content.split(b"\n")]
    found = [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]
    return [one["store_revision"] for one in found if one["kind"] != "segment"]


def signed(log: Path, clock: Hands | None = None) -> bytes:
    """Sign heads now, and give them."""
    kept = Keeper(log, keys.own(log), {}, clock or Hands()).sign()
    assert () == kept.flaws
    assert kept.heads is not None
    return kept.heads


def verified(log: Path, exported: Path | None = None, retention: Retention = FOR_EVER) -> Report:
    """Verify a log with its own public key."""
    return verify(log, PublicKey.read(log / keys.PUBLIC), exported, retention=retention)


def findings(log: Path, exported: Path | None = None) -> list[str]:
    """Give what is wrong with a log."""
    return [str(one) for one in verified(log, exported).findings]


def until(there: Callable[[], bool]) -> None:
    """Wait for something, for a bounded time."""
    began = time.monotonic()
    while not there():
        assert time.monotonic() - began < 20
        time.sleep(0.002)


def rechained(lines: Iterable[bytes], previous: bytes = ORIGIN) -> bytes:
    """Give lines with hashes computed anew, as a forger would."""
    bodies = [parts[0] for parts in map(parted, lines) if parts is not None]
    return chained(previous, bodies)[0]
