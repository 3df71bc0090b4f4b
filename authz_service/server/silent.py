"""
Hangs up on callers who stopped in the middle of what they were sending.

granian bounds how long the head of a request may take, and not how long its body may. A thread
waits for each, so whoever begins many bodies and finishes none would have them all.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")
# In Linux' `struct tcp_info`: milliseconds since data was last sent, and was last received.
_LAST_SENT, _LAST_RECEIVED = 44, 52


def hang_up_on_the_silent(port: int, seconds: float) -> int:
    """
    End every connection to *port* on which nothing has come or gone for *seconds*.

    That ends those as well whose answer takes as long. Nothing is done but on Linux.

    Returns:
        how many there were.
    """
    ended = 0
    for one in _connections(port):
        with one, suppress(OSError):
            if _silent_for(one) > seconds:
                one.shutdown(socket.SHUT_RDWR)
                ended += 1
    return ended


def _connections(port: int) -> Iterator[socket.socket]:
    """Give a copy of each connection that somebody has opened to this process."""
    if not _DESCRIPTORS.is_dir():
        return
    for entry in _DESCRIPTORS.iterdir():
        with suppress(OSError):
            one = socket.socket(fileno=os.dup(int(entry.name)))
            if one.family in (socket.AF_INET, socket.AF_INET6) and one.getsockname()[1] == port:
                yield one
            else:
                one.close()


def _silent_for(one: socket.socket) -> float:
    one.getpeername()  # which a socket that only listens has not
    told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_RECEIVED + 4)
    since = (struct.unpack_from("I", told, place)[0] for place in (_LAST_SENT, _LAST_RECEIVED))
    return float(min(since)) / 1000
