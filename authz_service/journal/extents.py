"""How far each segment of a chain counts: what is torn behind it, the next one's header tells."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from authz_service.journal.links import Header
from authz_service.journal.packed import PackedInvalid
from authz_service.journal.segments import Chain, header_of, opened


@dataclass(frozen=True, slots=True)
class Extent:
    """
    One segment.

    Attributes:
        number: its number.
        size: its bytes, before compression.
        header: its first line, or None if it has none.
        whole: how many bytes count, from its beginning on; 0 where none does.
        flaw: why it cannot be read, or None.
    """

    number: int
    size: int
    header: Header | None
    whole: int
    flaw: str | None = None


Known = MutableMapping[tuple[Chain, int], tuple[int, Header | None]]
"""What was read of closed segments, which do not change."""


def extents(log: Path, chain: Chain, known: Known | None = None, since: int = 1) -> list[Extent]:
    """
    Give the segments of a chain, in order; one that goes away meanwhile is left out.

    Args:
        log: the log's folder.
        chain: which chain.
        known: what was read of closed segments before; it is added to.
        since: the number of the first that is looked at.

    Raises:
        OSError: one cannot be read.
    """
    found: list[Extent] = []
    numbers = [one for one in chain.numbers(log) if one >= since]
    for number in numbers:
        size, header, flaw = 0, None, None
        seen = None if known is None else known.get((chain, number))
        try:
            size, header = seen or _look(log, chain, number)
        except FileNotFoundError:
            continue
        except PackedInvalid as error:
            flaw = error.strerror
        if known is not None and flaw is None and number != numbers[-1]:
            known[chain, number] = (size, header)
        if header is not None and header.torn is not None:
            found = _torn(found, header.torn.size)
        found.append(Extent(number, size, header, size, flaw))
    return found


def _look(log: Path, chain: Chain, number: int) -> tuple[int, Header | None]:
    with opened(log, chain, number) as content:
        return content.size, header_of(content)


def _torn(before: list[Extent], torn: int) -> list[Extent]:
    """Take from the segments before one what it says is torn behind the last line that counts."""
    kept: list[Extent] = []
    for one in reversed(before):
        behind = min(one.size, torn)
        torn -= behind
        whole = one.size - behind if behind else one.whole
        kept.append(Extent(one.number, one.size, one.header, whole, one.flaw))
    return kept[::-1]
