"""
Serves the WSGI application with granian, and stops without dropping anybody.

Not with granian's own main program: it would open the socket, start the workers and watch over
them, which the supervisor does for either server. Used is the part below, which takes a socket
and calls Python; a test holds it to what is relied upon here.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from granian import _futures, _granian
from granian.http import HTTP1Settings

from authz_service.listening import BACKLOG, waiting
from authz_service.server.answering import Answering, Application
from authz_service.server.bounds import (
    DRAIN_SECONDS,
    HANDSHAKE_SECONDS,
    IDLE_SECONDS,
    MAX_BODY,
    MAX_CONNECTIONS,
    MAX_HEADER,
    QUIET_SECONDS,
    TAKING_IN_SECONDS,
    longest,
)
from authz_service.server.door import Door
from authz_service.server.relay import Relay
from authz_service.server.silent import hang_up_on_the_silent

SWITCH_SECONDS = 0.0005
"""
How long a thread keeps the interpreter from another that wants it.

With one thread at work nobody wants it; while a page is made beside it, decisions wait as long.
"""
_THREADS = MAX_CONNECTIONS
"""
Of granian's: one for each connection, so that bodies that never come to their end hold up nobody.

Whether a body has come cannot be asked, only waited for, before anybody knows whose it is. There
are as many as have been needed at once; how many of them work is bounded by ``Answering``.
"""
_SWEEP_SECONDS = 1.0
_UNIX = False
# What it says of its types is of an earlier version.
_CORE: Any = _granian
_scheduler: Any = _futures._new_cbscheduler  # noqa: SLF001 -- as granian.server.mp has it
_NEVER = 30 * 24 * 3600
"""Seconds without a request after which granian ends a thread; it has them all for good."""


class GranianServer(Door):
    """
    granian in this process, on sockets that are listened on already.

    Args:
        app: the WSGI application.
        sockets: what is listened on, by other processes too.
        max_body: the longest body that *app* takes, in bytes. It refuses longer ones itself; those
            of more than twice that never come to it.
        at_once: how many requests are worked on at a time; one, unless they wait for a disk.
        idle_seconds: how long a connection may be silent.
    """

    def __init__(
        self,
        app: Application,
        sockets: tuple[socket.socket, ...],
        *,
        max_body: int = MAX_BODY,
        at_once: int = 1,
        idle_seconds: int = IDLE_SECONDS,
    ) -> None:
        super().__init__(sockets)
        self._idle_seconds = idle_seconds
        self._answering = Answering(app, longest(max_body))
        self._doors = [_Door(one, self._answering, at_once, idle_seconds) for one in sockets]
        self._told, self._tell = socket.socketpair()

    def serve(self) -> None:
        """Serve until ``stop`` is called; then finish what is in flight and return."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        for one in self._doors:
            one.open()
        self._told.settimeout(_SWEEP_SECONDS)
        while not self._heard():
            self._sweep()
        self._drain()
        self._told.close()
        self._tell.close()
        sys.setswitchinterval(before)

    def stop(self) -> None:
        """Begin to stop; may be called from any thread, and again."""
        # It may have stopped already.
        with suppress(OSError):
            self._tell.send(b".")

    def _heard(self) -> bool:
        try:
            return bool(self._told.recv(1))
        except TimeoutError:
            return False

    def _sweep(self) -> None:
        if self._answering.waited(time.monotonic()) > self._idle_seconds:
            hang_up_on_the_silent(self.port, self._idle_seconds)

    def _drain(self) -> None:
        """Take in who has already connected, answer everybody, and close."""
        self._answering.last_answers()
        began = came = time.monotonic()
        while (
            time.monotonic() - came < HANDSHAKE_SECONDS
            and time.monotonic() - began < TAKING_IN_SECONDS
        ):
            if waiting(self._sockets):
                came = time.monotonic()
            time.sleep(0.01)
        for one in self._doors:
            one.take_in_nobody()
        # A connection that was in use a moment ago: its next request may be on its way, and is
        # answered with word that it was the last.
        time.sleep(QUIET_SECONDS)
        for one in self._doors:
            one.close()
        until = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until and not all(one.closed for one in self._doors):
            self._sweep()
            time.sleep(0.02)


class _Door:
    """One socket, and the part of granian that serves it."""

    def __init__(
        self, listener: socket.socket, answering: Answering, at_once: int, idle_seconds: int
    ) -> None:
        # granian closes what it is given, in the end.
        self._descriptor = os.dup(listener.fileno())
        self._family = listener.family
        self._relay = Relay(answering, at_once)
        self._end = _CORE.WorkerSignal()
        self._ended = threading.Event()
        self._end.add_cb(self._ended.set)
        self._worker = _CORE.WSGIWorker(
            1,
            (None, _CORE.SocketHolder(self._descriptor, _UNIX, BACKLOG)),
            None,
            threads=1,
            blocking_threads=1,
            py_threads=_THREADS,
            py_threads_idle_timeout=_NEVER,
            backpressure=MAX_CONNECTIONS,
            http_mode="1",
            # Between two requests a connection counts as one whose next head is being read.
            http1_opts=HTTP1Settings(
                header_read_timeout=idle_seconds * 1000, max_buffer_size=MAX_HEADER
            ),
            metrics=(None, None),
        )

    def open(self) -> None:
        """Take callers in."""
        # granian wants an event loop, which only applications that are coroutines ever run in.
        loop = asyncio.new_event_loop()
        self._worker.serve_str(_scheduler(loop, self._relay), loop, self._end)
        loop.close()

    def take_in_nobody(self) -> None:
        """Leave who connects from now on to others, or where he is."""
        with socket.socket(self._family, socket.SOCK_STREAM) as nobodys:
            nobodys.settimeout(0.0)
            nobodys.bind(("::1" if self._family == socket.AF_INET6 else "127.0.0.1", 0))
            nobodys.listen(1)
            # granian cannot be told to serve on without taking in. What it takes from is
            # replaced under it by a socket that nobody knows.
            os.dup2(nobodys.fileno(), self._descriptor, inheritable=False)

    def close(self) -> None:
        """End what is idle, let the rest be answered, and come back at once."""
        self._relay.close()
        self._end.set()

    @property
    def closed(self) -> bool:
        """Whether all of it has ended."""
        return self._ended.is_set()
