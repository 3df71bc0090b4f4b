"""
Sets of the records of one block: which of them have a term. Pure.

A record is known by its position in the block. A small set is written as its positions, two
bytes each; a large one as one bit for each position of the block. The length tells which it is.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterator, Sequence

BLOCK = 4096
"""Records in a block."""

_DENSE = BLOCK // 8
_SWAPPED = sys.byteorder == "big"


def packed(positions: Sequence[int]) -> bytes:
    """Write a set, given in ascending order and not empty."""
    if len(positions) * 2 < _DENSE:
        return numbers_packed("H", positions)
    dense = bytearray(_DENSE)
    for position in positions:
        dense[position >> 3] |= 1 << (position & 7)
    return bytes(dense)


def common(sets: Collection[bytes], low: int, high: int) -> int:
    """
    Give which positions are in all of *sets*, as a number with one bit for each.

    Args:
        sets: as they are written; none for every position.
        low: the first position that is wanted.
        high: the first one after that is not.
    """
    found = (1 << high) - (1 << low) if high > low else 0
    # The small ones first: often nothing is left for the others.
    for one in sorted(sets, key=len):
        if not found:
            break
        found &= _number(one)
    return found


def ascending(found: int) -> Iterator[int]:
    """Give the positions of a set, the first one first."""
    while found:
        lowest = found & -found
        yield lowest.bit_length() - 1
        found ^= lowest


def descending(found: int) -> Iterator[int]:
    """Give the positions of a set, the last one first."""
    while found:
        position = found.bit_length() - 1
        yield position
        found ^= 1 << position


def numbers_packed(size: str, numbers: Sequence[int]) -> bytes:
    """Write numbers, each in the bytes that ``array`` has for *size*, the lowest byte first."""
    written = array(size, numbers)
    if _SWAPPED:
        written.byteswap()
    return written.tobytes()


def numbers_in(size: str, data: bytes) -> array[int]:
    """Read what ``numbers_packed`` wrote."""
    read = array(size, data)
    if _SWAPPED:
        read.byteswap()
    return read


def _number(data: bytes) -> int:
    if len(data) < _DENSE:
        dense = bytearray(_DENSE)
        for position in numbers_in("H", data):
            dense[position >> 3] |= 1 << (position & 7)
        data = bytes(dense)
    return int.from_bytes(data, "little")
