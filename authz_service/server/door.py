"""What the HTTP servers have in common: where they listen, and how they are told to stop."""

from __future__ import annotations

import signal
import socket
from abc import ABC, abstractmethod
from types import FrameType

from authz_service.listening import port_of


class Door(ABC):
    """
    What serves HTTP in one process.

    Args:
        sockets: what is listened on, at least one.
    """

    def __init__(self, sockets: tuple[socket.socket, ...]) -> None:
        self._sockets = sockets

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return port_of(self._sockets)

    def heed_signals(self) -> None:
        """Let SIGTERM and SIGINT stop it from now on; for the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    @abstractmethod
    def serve(self) -> None:
        """Serve until ``stop`` is called; then finish what is in flight and return."""

    @abstractmethod
    def stop(self) -> None:
        """Begin to stop; may be called from any thread, and again."""

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()
