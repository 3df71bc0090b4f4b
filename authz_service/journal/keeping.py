"""
What a log needs by and by: closed segments compressed, heads signed, old segments removed.

One process of those that write a log does it at a time, whichever comes first; each step can be
cut off anywhere, and the next round takes it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from authz_service.domain.errors import InvalidInput
from authz_service.journal import heads
from authz_service.journal.keys import Key, put
from authz_service.journal.lines import Clock, horizon
from authz_service.journal.links import Header
from authz_service.journal.packed import PackedInvalid, compress, pack, part_of, take_place
from authz_service.journal.places import Lock, locked, sync_folder
from authz_service.journal.segments import Chain, chains, end_of, header_of, opened
from authz_service.journal.shared import SHARED, finish
from authz_service.journal.writing import Writer

_LOCK = "keeping"
# Beside the other, since it is held for as long as compressing takes.
_PACKING = "packing"
_NEVER = "~"
"""Sorts behind every instant."""


def _compressed_here(source: Path, part: Path, _held: Lock) -> bool:
    compress(source, part)
    return True


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What came of a round.

    Attributes:
        heads: the signed heads as they were written, or None where another process was at it.
        flaws: what is not as it should be, free of paths; empty if all is well.
    """

    heads: bytes | None = None
    flaws: tuple[str, ...] = ()


class Keeper:
    """
    Looks after one log.

    Args:
        log: the log's folder.
        key: the log's key.
        days: how long records of each class are kept at least; 0 for ever, and where absent.
        clock: tells the present instant.
        compresses: writes the compressed form of a segment of a worker's chain, told where to and
            the lock that is held meanwhile; tells whether it is done.
    """

    def __init__(
        self,
        log: Path,
        key: Key,
        days: Mapping[str, int],
        clock: Clock,
        compresses: Callable[[Path, Path, Lock], bool] = _compressed_here,
    ) -> None:
        self._log = log
        self._key = key
        self._days = days
        self._clock = clock
        self._compresses = compresses

    def pack(self) -> None:
        """
        Compress the segments that are closed, unless another process is at it.

        That may take long: nobody waits for it, and heads are signed meanwhile.

        Raises:
            OSError: one cannot be; those before it are.
        """
        with locked(self._log, _PACKING, wait=False) as had:
            if had:
                for chain in chains(self._log):
                    if chain.name == SHARED:
                        self._pack_shared(chain)
                    elif not self._pack_own(chain, had):
                        return

    def renew(self) -> None:
        """
        Begin a new segment in old chains that nobody holds, so that what is old can go.

        Raises:
            OSError: one cannot be had.
        """
        with locked(self._log, _LOCK, wait=False) as had:
            if had:
                self._renew()

    def keep(self) -> Kept:
        """
        Sign heads, and remove what is old, unless another process looks after the log.

        Raises:
            OSError: something cannot be read or written; the heads that were signed before stay.
        """
        with locked(self._log, _LOCK, wait=False) as had:
            return self._sign() if had else Kept()

    def sign(self) -> Kept:
        """
        Sign heads now, after whoever else looks after the log, and as ``keep``.

        Raises:
            OSError: see ``keep``.
        """
        with locked(self._log, _LOCK):
            return self._sign()

    def horizon(self, kind: str) -> str | None:
        """Give the instant from which on records of a class are kept; None if all are."""
        return horizon(self._clock(), self._days.get(kind, 0))

    def _pack_own(self, chain: Chain, held: Lock) -> bool:
        """Compress a chain that somebody holds for life; tell whether that came to its end."""
        # Whoever holds it never goes back to a segment that it has closed.
        for plain, packed in self._closed(chain):
            part = part_of(packed)
            if not self._compresses(plain, part, held):
                return False
            with locked(self._log, _LOCK, wait=False) as had:
                if not had:
                    # A back-up is being made, say. The next round does it again.
                    part.unlink(missing_ok=True)
                    return False
                take_place(plain, part, packed)
        return True

    def _pack_shared(self, chain: Chain) -> None:
        """Compress a chain whose next writer may go back to what was closed, if it is not held."""
        with locked(self._log, _LOCK, wait=False) as had:
            if had:
                with locked(self._log, chain.name, wait=False) as held:
                    if held:
                        for plain, packed in self._closed(chain):
                            pack(plain, packed)

    def _closed(self, chain: Chain) -> Iterator[tuple[Path, Path]]:
        """Give the segments that are still to be compressed, with the names that they get."""
        for number in chain.numbers(self._log)[:-1]:
            plain = chain.plain(self._log, number)
            if plain.exists():
                yield plain, chain.packed(self._log, number)

    def _renew(self) -> None:
        for chain in chains(self._log):
            horizon = self.horizon(chain.kind)
            if horizon is None or _began(self._log, chain) >= horizon:
                continue
            with locked(self._log, chain.name, wait=False) as had:
                if had:
                    writer = Writer(self._log, chain, self._key.machine, 0, self._clock, finish)
                    writer.resume()
                    finish(writer.begin())

    def _sign(self) -> Kept:
        try:
            known, _digest = heads.latest(self._log, self._key.public)
            firsts = {chain: self._first(chain, known) for chain in chains(self._log)}
            # No writer may leave out meanwhile what is being signed.
            with locked(self._log, heads.LOCK):
                gathered = heads.gather(self._log, self._key, self._clock, firsts)
                content = gathered.heads.signed(self._key)
                put(self._log / heads.FILE, content)
        except InvalidInput as error:
            # They are the proof of something: they are not written over.
            return Kept(flaws=(f"its {error}",))
        for head in gathered.heads.heads:
            self._remove(head)
        return Kept(content, gathered.flaws)

    def _first(self, chain: Chain, known: heads.Heads | None) -> int:
        """Give the first segment of a chain that is to be kept."""
        head = None if known is None else known.of(chain)
        first = 1 if head is None else head.first
        horizon = self.horizon(chain.kind)
        if horizon is None:
            return first
        # The last one is written to.
        for number in chain.numbers(self._log)[:-1]:
            old = number == first and _latest(self._log, chain, number) < horizon
            if old and _header(self._log, chain, number + 1) is not None:
                first = number + 1
        return first

    def _remove(self, head: heads.Head) -> None:
        """Remove what the signed head says is not kept any more."""
        removed = False
        for number in head.chain.numbers(self._log):
            if number < head.first:
                head.chain.plain(self._log, number).unlink(missing_ok=True)
                packed = head.chain.packed(self._log, number)
                packed.unlink(missing_ok=True)
                # Of one that was cut off while it was compressed.
                part_of(packed).unlink(missing_ok=True)
                removed = True
        if removed:
            sync_folder(head.chain.folder(self._log))


def _began(log: Path, chain: Chain) -> str:
    """Give when the last segment of a chain began, in the form of the log."""
    for number in reversed(chain.numbers(log)):
        header = _header(log, chain, number)
        if header is not None:
            return header.began
    return _NEVER


def _header(log: Path, chain: Chain, number: int) -> Header | None:
    """Give the first line of a segment; None if there is none that can be read."""
    try:
        with opened(log, chain, number) as content:
            return header_of(content)
    except (FileNotFoundError, PackedInvalid):
        return None


def _latest(log: Path, chain: Chain, number: int) -> str:
    """Give the last instant that a segment tells of; nothing in it is younger."""
    try:
        with opened(log, chain, number) as content:
            header, end = header_of(content), end_of(content)
    except PackedInvalid:
        # Whoever verifies finds it; what cannot be read is not removed.
        return _NEVER
    return _NEVER if header is None else max(header.began, end.moment or "")
