"""What was done to a line that does not follow from the one before, as far as that can be told."""

from __future__ import annotations

from collections.abc import Sequence

from authz_service.journal.links import holds, linked, parted

CHANGED = "was changed, or what stood before it was removed"


def diagnosis(lines: Sequence[bytes], at: int, previous: bytes) -> str:
    """
    Say what is wrong with a line.

    Args:
        lines: those of its segment.
        at: which it is, from 0 on; not the first.
        previous: the hash of the line before.
    """
    line = lines[at]
    after = lines[at + 1] if at + 1 < len(lines) else b""
    parts = parted(line)
    if parts is None:
        return "was changed: it does not end in a hash"
    body, named = parts
    double = next((number for number, one in enumerate(lines[:at]) if one == line), None)
    if double is not None:
        return f"was put in: it stands in line {double + 1} already"
    for number, one in enumerate(lines):
        other = parted(one)
        if other is None or linked(other[1], body) != named:
            continue
        if number < at:
            return f"was written behind line {number + 1}: what stands between was put in"
        return f"stands in another order: it was written behind what is line {number + 1} now"
    if holds(previous, after):
        return "was put in: the next line follows from the one before it"
    if holds(linked(previous, body), after):
        return "was changed: its hash"
    return CHANGED
