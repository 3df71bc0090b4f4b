"""
Answers those whom no worker takes in: a service that is full says so at once.

A worker takes in as many connections as it can answer in well under a second, and no more. Then
callers queue up in the system's backlog, where nobody would hear anything. The turnstile looks
there every few milliseconds. Where a crowd has stood for a while, or nobody at all is taken in any
more, it takes in who waits, answers 503 with ``Retry-After``, and hangs up. It never reads more of
a request than its first bytes, so that a refusal costs next to nothing.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from authz_service.listening.sockets import waiting

CROWD = 64
"""So many may wait at any time: a few milliseconds of work, or a process that had no turn."""
PATIENCE_SECONDS = 0.2
"""How long a crowd has to have stood; what came in a burst is taken in before."""
STUCK_SECONDS = 1.0
"""How long nobody has to have been taken in, so that nobody at all may wait."""
FEW = 8
"""So few who wait are no load: rather a machine that has had no turn for the workers."""
FEW_SECONDS = 4.0
"""How long they may wait."""
STARTING_SECONDS = 10.0
"""The same while no worker serves: one that starts, or starts again, has to be there by then."""
LOOK_SECONDS = 0.01
"""How soon it looks again while somebody waits."""
IDLE_SECONDS = 0.05
"""How soon it looks again otherwise."""
LINGER_SECONDS = 0.5
"""How long a refused caller has to read his answer before the connection ends."""
MOST_AT_ONCE = 256
"""How many are refused at one look, and how many are read out their answer at a time."""
RETRY_SECONDS = 1
"""After how many seconds a refused caller may try again."""

# In Linux' `struct tcp_info`: of a socket that listens, how many have connected and wait.
_UNACKED = 24
_FIRST_BYTES = 16 * 1024
_PROBES = (b"GET /healthz ", b"HEAD /healthz ")
_PROBLEM = json.dumps(
    {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the service is asked for more than it can answer; try again",
    }
).encode()
_ALIVE = b'{"status":"ok"}\n'
_HEAD = (
    "HTTP/1.1 {status}\r\n"
    "Content-Type: {kind}\r\n"
    "Content-Length: {length}\r\n"
    "Cache-Control: no-store\r\n"
    "Connection: close\r\n"
    "{more}"
    "X-Request-ID: "
)
_REFUSAL = _HEAD.format(
    status="503 Service Unavailable",
    kind="application/problem+json",
    length=len(_PROBLEM),
    more=f"Retry-After: {RETRY_SECONDS}\r\n",
).encode()
_PULSE = _HEAD.format(
    status="200 OK", kind="application/json", length=len(_ALIVE), more=""
).encode()


class Turnstile:
    """
    Watches the queue before the sockets of a service; for one thread.

    Args:
        sockets: what is listened on, by the workers too; not blocking from now on.
        shed: hears how many were refused.
    """

    def __init__(self, sockets: tuple[socket.socket, ...], shed: Callable[[int], None]) -> None:
        self._shed = shed
        self._queues = [_Queue(one) for one in sockets]
        self._next = 0.0
        self._leaving: deque[tuple[float, socket.socket]] = deque()
        for one in sockets:
            one.settimeout(0.0)

    def look(self, *, serving: bool = True) -> float:
        """
        Refuse those who have waited for too long; may be called as often as one likes.

        Args:
            serving: whether any worker serves now.

        Returns:
            in how many seconds it wants to look again.
        """
        now = time.monotonic()
        if now < self._next:
            return self._next - now
        self._let_go(now)
        refused = 0
        for queue in self._queues:
            surplus = queue.surplus(now, serving=serving)
            refused += self._refuse(queue.listener, surplus, now, serving=serving)
        if refused:
            self._shed(refused)
        busy = self._leaving or any(one.length for one in self._queues)
        self._next = now + (LOOK_SECONDS if busy else IDLE_SECONDS)
        return self._next - now

    def close(self) -> None:
        """Hang up on those who were refused."""
        while self._leaving:
            _hang_up(self._leaving.popleft()[1])

    def _refuse(self, listener: socket.socket, count: int, now: float, *, serving: bool) -> int:
        """Answer *count* of those who wait at one socket; give how many heard a refusal."""
        refused = 0
        for _ in range(min(count, MOST_AT_ONCE)):
            try:
                one, _address = listener.accept()
            except OSError:
                # Nobody is left, or the system has no descriptor for another.
                break
            refused += _answer(one, serving=serving)
            if len(self._leaving) >= MOST_AT_ONCE:
                _hang_up(self._leaving.popleft()[1])
            self._leaving.append((now + LINGER_SECONDS, one))
        return refused

    def _let_go(self, now: float) -> None:
        while self._leaving and self._leaving[0][0] <= now:
            _hang_up(self._leaving.popleft()[1])


class _Queue:
    """Those who wait at one socket."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.length = 0
        self._crowded: float | None = None
        self._moved = time.monotonic()

    def surplus(self, now: float, *, serving: bool) -> int:
        """Look at the queue, and give how many of it are to be refused."""
        before, self.length = self.length, _waiting_at(self.listener)
        if self.length < before or not self.length:
            self._moved = now
        if self.length <= CROWD:
            self._crowded = None
        elif self._crowded is None:
            self._crowded = now
        few = FEW_SECONDS if self.length <= FEW else STUCK_SECONDS
        if now - self._moved >= (few if serving else STARTING_SECONDS):
            return self.length
        if serving and self._crowded is not None and now - self._crowded >= PATIENCE_SECONDS:
            return self.length - CROWD
        return 0


def _waiting_at(listener: socket.socket) -> int:
    """Give how many wait, or at least whether anybody does."""
    if hasattr(socket, "TCP_INFO"):
        told = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED + 4)
        return int(struct.unpack_from("I", told, _UNACKED)[0])
    return int(waiting([listener]))


def _answer(one: socket.socket, *, serving: bool) -> bool:
    """Say it to one caller, and tell whether it was a refusal."""
    one.settimeout(0.0)
    began = b""
    with suppress(OSError):
        began = one.recv(_FIRST_BYTES)
    # Whoever restarts what does not answer would take away the rest of it.
    alive = serving and began.startswith(_PROBES)
    head, body = (_PULSE, _ALIVE) if alive else (_REFUSAL, _PROBLEM)
    if began.startswith(b"HEAD "):
        body = b""
    with suppress(OSError):
        one.send(b"%s%s\r\n\r\n%s" % (head, os.urandom(16).hex().encode(), body))
        one.shutdown(socket.SHUT_WR)
    return not alive


def _hang_up(one: socket.socket) -> None:
    # What was sent and is not read would make the system take back the answer.
    with one, suppress(OSError):
        one.recv(_FIRST_BYTES)
