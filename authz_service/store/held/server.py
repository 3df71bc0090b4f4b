"""
The pulse of a database of PostgreSQL: its revision, asked over one connection.

Strict, which is the default, asks before every answer: some ten microseconds on one machine, and
one way to the server and back. The row's ``xmin`` comes with the revision: of two databases, or of
one that was put back, it is another one where the numbers are the same.

A pulse that may lag asks only when a writer has announced something, and at the latest when the
last answer is as old as it may become. So what it does not hear of, because the channel is cut or
the writer is of a version that announces nothing, it still sees within its bound. While it knows
that it hears nothing, it is strict.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg.pq import ExecStatus

from authz_service.store.held.pulse import NO_BEAT, Beat

CHANNEL = "authz_revision"
"""Where writers announce their revisions."""

_LOOK = b"authz_look"
_PREPARE = "PREPARE authz_look AS SELECT value, xmin::text FROM store_revision"
_LISTENING = 0.5
"""For how many seconds the listener waits before it looks whether it is to end."""
_PAUSE = 0.2
"""How many seconds the listener waits before it tries again to connect."""

_LONG = 0.5
"""From how many seconds on a failure has cost so much that others are spared it."""
_LET_BE = 1.0
"""For how many seconds they are."""

Connect = Callable[[], "psycopg.Connection[tuple[object, ...]]"]


class ServerSilent(psycopg.OperationalError):
    """The server did not answer in time."""


class ServerPulse:
    """Feels what is committed to one database of a server."""

    def __init__(self, connect: Connect, patience: float, stale_seconds: float | None) -> None:
        """
        Get ready; nothing is reached yet.

        Args:
            connect: opens a connection on which every statement commits by itself.
            patience: how many seconds to wait for an answer.
            stale_seconds: how old an answer may be while nothing is announced; None: asked anew
                each time.
        """
        self._connect = connect
        self._patience = patience
        self._stale = stale_seconds
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._readable = select.poll()
        self._process = os.getpid()
        self._value: object = None
        self._beat = NO_BEAT
        self._listener: _Listener | None = None
        # When the last answer was asked for, and how much had been heard by then.
        self._asked = -float("inf")
        self._seen = -1
        # How often it was found that the server says nothing, and until when it is let be.
        self._found_silent = 0
        self._silent_until = -float("inf")

    def beat(self, *, strict: bool = False) -> Beat:
        """Give a beat that is another one if anything was committed since the last."""
        listener = self._listener
        if (
            listener is not None
            and not strict
            and listener.heard == self._seen
            and time.monotonic() - self._asked < self._bound(listener)
            and self._process == os.getpid()
        ):
            return self._beat
        found_silent = self._found_silent
        if not self._lock.acquire(timeout=self._patience):
            raise ServerSilent
        try:
            # Who has waited for another's question needs none of his own, nor who comes just after.
            if found_silent != self._found_silent or time.monotonic() < self._silent_until:
                raise ServerSilent
            if self._process != os.getpid():
                # What the parent opened is not a child's to close; its threads are not here.
                self._connection, self._listener, self._process = None, None, os.getpid()
            if self._stale is not None and self._listener is None:
                self._listener = _Listener(self._connect)
            heard = -1 if self._listener is None else self._listener.heard
            began = time.monotonic()
            try:
                value = self._ask()
            except psycopg.Error:
                if time.monotonic() - began > _LONG:
                    self._found_silent += 1
                    self._silent_until = time.monotonic() + _LET_BE
                raise
            if value != self._value:
                self._value = value
                self._beat = (self._beat[0], self._beat[1] + 1)
            self._asked, self._seen = began, heard
            return self._beat
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of the connections; a later call takes the pulse up anew."""
        with self._lock:
            listener, self._listener = self._listener, None
            self._let_go()
        if listener is not None:
            listener.end()

    def _bound(self, listener: _Listener) -> float:
        return 0.0 if self._stale is None or listener.deaf else self._stale

    def _ask(self) -> tuple[bytes | None, bytes | None]:
        if self._connection is not None:
            try:
                return self._answer(self._connection)
            except ServerSilent:
                raise
            except psycopg.Error:
                # The server may have been restarted since.
                self._let_go()
        self._let_go()
        self._connection = connection = self._connect()
        connection.execute(_PREPARE)
        self._readable = select.poll()
        self._readable.register(connection.pgconn.socket, select.POLLIN)
        self._beat = (self._beat[0] + 1, self._beat[1] + 1)
        return self._answer(connection)

    def _answer(
        self, connection: psycopg.Connection[tuple[object, ...]]
    ) -> tuple[bytes | None, bytes | None]:
        """Ask past psycopg's cursors, which would take several times as long as the server."""
        libpq = connection.pgconn
        try:
            libpq.send_query_prepared(_LOOK, None)
            libpq.flush()
            while libpq.is_busy():
                if not self._readable.poll(self._patience * 1000):
                    raise ServerSilent
                libpq.consume_input()
            result = libpq.get_result()
            if result is None or result.status != ExecStatus.TUPLES_OK or result.ntuples != 1:
                raise psycopg.OperationalError("the server gave no revision")
            value = result.get_value(0, 0), result.get_value(0, 1)
            while libpq.get_result() is not None:
                pass
        except psycopg.Error:
            self._let_go()
            raise
        return value

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Listener:
    """
    A thread that hears what writers announce.

    Attributes:
        heard: how much it has heard, a connection that came about included: what was announced
            before that, it may have missed.
        deaf: whether it knows that it hears nothing.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._ending = threading.Event()
        self.heard = 0
        self.deaf = True
        self._thread = threading.Thread(target=self._run, name="authz-listener", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Hear nothing any more."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            with suppress(psycopg.Error), self._connect() as connection:
                self._listen(connection)
            self.deaf = True
            self._ending.wait(_PAUSE)

    def _listen(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self.heard += 1
        self.deaf = False
        libpq = connection.pgconn
        readable = select.poll()
        readable.register(libpq.socket, select.POLLIN)
        while not self._ending.is_set():
            if readable.poll(_LISTENING * 1000):
                # Raises if the channel is cut.
                libpq.consume_input()
                while libpq.notifies() is not None:
                    self.heard += 1
