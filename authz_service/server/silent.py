"""
Hangs up on callers who stopped in the middle of what they were sending, or never come to its end.

granian bounds how long the head of a request may take, and not how long its body may. A thread
waits for each, so whoever begins many bodies and finishes none would have them all; and neither
does a byte now and then make a body.
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

    And every one that has heard nothing for twice as long, whatever it goes on sending: where a
    head takes *seconds* at most, and so does the silence between two requests, its request has
    been coming for *seconds* at least. That ends those as well whose answer takes as long.
    Nothing is done but on Linux.

    Returns:
        how many there were.
    """
    ended = 0
    for one in _connections(port):
        with one, suppress(OSError):
            sent, received = _since(one)
            if min(sent, received) > seconds or sent > 2 * seconds:
                one.shutdown(socket.SHUT_RDWR)
                ended += 1
    return ended


def _connections(port: int) -> Iterator[socket.socket]:
    """Give a copy of each connection that somebody has opened to this process."""
    if not _DESCRIPTORS.is_dir():
        return
    for entry in _DESCRIPTORS.iterdir():
        # It may have been closed meanwhile.
        with suppress(OSError):
            copy = os.dup(int(entry.name))
            try:
                one = socket.socket(fileno=copy)
            except OSError:
                # A file, a pipe or the like: nobody but us has this copy.
                os.close(copy)
                continue
            if _is_to(one, port):
                yield one
            else:
                one.close()


def _is_to(one: socket.socket, port: int) -> bool:
    try:
        return one.family in (socket.AF_INET, socket.AF_INET6) and one.getsockname()[1] == port
    except OSError:
        return False


def _since(one: socket.socket) -> tuple[float, float]:
    """Give for how many seconds nothing has been sent on a connection, and nothing received."""
    one.getpeername()  # which a socket that only listens has not
    told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_RECEIVED + 4)
    sent, received = (
        struct.unpack_from("I", told, place)[0] for place in (_LAST_SENT, _LAST_RECEIVED)
    )
    return sent / 1000, received / 1000
