"""The sockets that a service listens on: opened once, handed on, and closed to new callers."""

from __future__ import annotations

import ctypes
import errno
import select
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

BACKLOG = 1024
"""How many may have connected and not been taken in; the system's ``somaxconn`` bounds it too."""
UNREAD_SECONDS = 30
"""How long a caller may leave unread what was sent to it; then the system ends the connection."""

_SO_ATTACH_FILTER = 26
# A program for the kernel's packet filter (socket(7), "Linux Socket Filter"), one instruction a
# line: drop a segment that asks for a new connection, and let every other pass.
_NOBODY_NEW = (
    (0x30, 0, 0, 13),  # take the byte of TCP's flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK of it
    (0x15, 0, 1, 0x02),  # is it SYN alone?
    (0x06, 0, 0, 0),  # then drop the segment
    (0x06, 0, 0, 0xFFFFFFFF),  # otherwise keep all of it
)


def listen(host: str, port: int) -> tuple[socket.socket, ...]:
    """
    Listen on every address that *host* has, ``*`` for all of this machine.

    Args:
        host: a name or an address.
        port: the port; 0 lets the system choose.

    Raises:
        OSError: the address cannot be listened on, or is none.
    """
    try:
        found = socket.getaddrinfo(
            None if host == "*" else host.strip("[]"),
            port,
            type=socket.SOCK_STREAM,
            proto=socket.IPPROTO_TCP,
            flags=socket.AI_PASSIVE,
        )
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(errno.EADDRNOTAVAIL, "is no address to listen on", host) from error
    with ExitStack() as opened:
        # Some systems name the same address twice.
        sockets = [
            _bound(opened, family, address)
            for family, address in dict.fromkeys((one[0], one[4]) for one in found)
        ]
        opened.pop_all()
    return tuple(sockets)


def _bound(
    opened: ExitStack, family: socket.AddressFamily, address: tuple[Any, ...]
) -> socket.socket:
    one = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        # IPv4 has a socket of its own.
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Each connection that is taken in has it from here. A caller that reads nothing, or that
        # is gone without a word, would have one of a few places for good.
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    try:
        one.bind(address)
    except OSError as error:
        host, port, *_ = address
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    one.listen(BACKLOG)
    return one


def port_of(sockets: tuple[socket.socket, ...]) -> int:
    """Give the port that is listened on."""
    return int(sockets[0].getsockname()[1])


def waiting(sockets: Sequence[socket.socket]) -> bool:
    """Tell whether somebody's bytes or connection have arrived and were not taken in yet."""
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLIN)
    return any(what & select.POLLIN for _number, what in poll.poll(0))


def turn_away(sockets: tuple[socket.socket, ...]) -> None:
    """
    Have the system answer nobody new on *sockets*; who has connected stays to be taken in.

    To close a socket resets the connections that were not taken in, and between a look whether
    there are any and the closing one more may come. From here on none does: who connects now
    hears nothing, tries again within a second, and finds the socket closed, or another service.
    Whoever was half way through connecting still gets in. Linux only; elsewhere nothing is done,
    and a connection may be lost in that moment.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *one) for one in _NOBODY_NEW)
    )
    handle = struct.pack("HP", len(_NOBODY_NEW), ctypes.addressof(program))
    for one in sockets:
        # A sandbox may forbid it; then it is as on another system.
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, handle)
