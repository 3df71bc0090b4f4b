"""
Random names, 32 hexadecimal digits each, for decisions and for requests.

The system is asked for chance by the handful, since to ask takes longer than to make a name of it.
"""

from __future__ import annotations

import os

_AT_ONCE = 128
_BYTES = 16
_DIGITS = 2 * _BYTES
_SET, _UNSET = 1 << 4 * _DIGITS - 1, 1 << 4 * _DIGITS - 2

_ready: list[str] = []
# A child must not give the names that its parent gives.
os.register_at_fork(after_in_child=_ready.clear)


def new_name() -> str:
    """Give a name that nobody else gives; any number of threads may ask at once."""
    while True:
        try:
            return _ready.pop()
        except IndexError:
            chance = os.urandom(_BYTES * _AT_ONCE).hex()
            _ready.extend(chance[i : i + _DIGITS] for i in range(0, len(chance), _DIGITS))


def new_names(count: int) -> list[str]:
    """
    Give names for decisions of one moment, in their order.

    The end is what tells them apart, so it is what goes on from one to the next.
    """
    name = new_name()
    if count == 1:  # mutant: only faster
        return [name]
    # One bit is set and the next is not, so that each has all its digits, however many there are.
    first = (int(name, 16) | _SET) & ~_UNSET
    return [f"{first + more:x}" for more in range(count)]
