"""The wire between a service and its database: it can be cut, refuse, go silent and be slow."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Wire:
    """
    A TCP port whose connections go on to a server's Unix socket.

    Attributes:
        port: where it listens, on 127.0.0.1; the same for as long as it lives.
    """

    def __init__(self, to: Path) -> None:
        """
        Listen.

        Args:
            to: the server's socket; whether anybody listens there is tried at each connection.
        """
        self._to = to
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        self._delay = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._begin()

    def cut(self) -> None:
        """End all connections, as a restart of what stands between does; new ones go through."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            # Closed under the threads that read them, they would never wake.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Have nobody listen, as when the server is not started, and no connection either."""
        self._end()
        self.cut()
        try:
            yield
        finally:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._begin()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let nothing through in either direction, as a network that drops all packets."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Let each answer of the server come so many seconds later."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    def close(self) -> None:
        """Listen no more, and end all connections."""
        self._end()
        self._flowing.set()
        self.cut()

    def _begin(self) -> None:
        self._acceptor = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._acceptor.start()

    def _end(self) -> None:
        # A close alone leaves a thread in `accept`, and the port taken.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near = listener.accept()[0]
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(str(self._to))
            except OSError:
                near.close()
                far.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for ends in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        """Carry bytes in one direction until either end is closed."""
        with suppress(OSError):
            while part := source.recv(65536):
                if answers:
                    self._dawdle()
                self._flowing.wait()
                sink.sendall(part)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}
        # The other direction has ended, or is about to; the last one out closes.
        source.close()

    def _dawdle(self) -> None:
        """Wait for as long as answers are to be late, but no longer than they are."""
        came = time.monotonic()
        while time.monotonic() < came + self._delay:
            time.sleep(0.005)
