"""What a worker is given by its supervisor, and what the two say to each other."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from authz_service.metrics import Share

SERVES = b"s"
"""What a worker says once it serves; nothing else is ever said."""


@dataclass(frozen=True, slots=True)
class Place:
    """
    What a supervisor gives a worker, as one argument of its command line.

    Attributes:
        share: its part in the metrics.
        line: the file descriptor of the line to the supervisor.
        listening: those of the sockets.
    """

    share: Share
    line: int
    listening: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Place:
        """
        Read the argument.

        Raises:
            ValueError: it is none.
        """
        place, line, listening, folder = text.split(":", 3)
        share = Share(Path(folder), place)
        return cls(share, int(line), tuple(int(one) for one in listening.split(",")))

    def __str__(self) -> str:
        listening = ",".join(map(str, self.listening))
        return f"{self.share.place}:{self.line}:{listening}:{self.share.folder}"

    @property
    def number(self) -> int:
        """The number of the place, from 1, or 0 for one that is no worker's."""
        return int(self.share.place) if self.share.place.isdecimal() else 0

    def sockets(self) -> tuple[socket.socket, ...]:
        """
        Give the sockets, to be served.

        Raises:
            OSError: there are none at those descriptors.
        """
        return tuple(_handed(one) for one in self.listening)

    def serving(self, stop: Callable[[], None]) -> None:
        """
        Tell the supervisor that this worker serves, and call *stop* once that one is gone.

        Raises:
            OSError: there is no line at that descriptor.
        """
        line = _handed(self.line)

        def watch() -> None:
            with line, suppress(OSError):
                line.sendall(SERVES)
                # It never says anything: what ends the wait is its end.
                line.recv(1)
            stop()

        threading.Thread(target=watch, name="supervisor", daemon=True).start()


def _handed(descriptor: int) -> socket.socket:
    """Take over a socket, and keep it from the programs that this process starts."""
    os.set_inheritable(descriptor, False)  # noqa: FBT003 -- its parameters have no names
    return socket.socket(fileno=descriptor)
