"""One place of a worker, and the process that has it now, as the supervisor sees it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence

from authz_service.metrics import Share
from authz_service.workers.place import SERVES, Place

BACK_OFF = (0.1, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before a worker is replaced that died soon, once, twice in a row, and so on."""
STEADY_SECONDS = 60.0
"""A worker that lived as long did not die soon: what ended it is not in its start."""


class Worker:
    """One place, and the process that has it now."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.serves = False
        self.settled = False
        self.due: float | None = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._began = 0.0
        self._soon = 0

    @property
    def line(self) -> socket.socket | None:
        """The line to the process, as long as it has said nothing."""
        return None if self.serves else self._line

    def start(self, command: Sequence[str], sockets: tuple[socket.socket, ...]) -> None:
        """Start a process; raises ``OSError`` if the system gives none."""
        self.due = None
        self._began = time.monotonic()
        ours, theirs = socket.socketpair()
        with theirs:
            listening = tuple(one.fileno() for one in sockets)
            place = Place(self.share, theirs.fileno(), listening)
            try:
                # In a group of its own: Ctrl-C in a terminal is for the supervisor alone.
                self._process = subprocess.Popen(  # noqa: S603 -- our own program
                    [*command, "--worker", str(place)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(place.line, *listening),
                    process_group=0,
                )
            except OSError:
                ours.close()
                raise
        self._line = ours

    def listen_to_it(self) -> None:
        """Hear that it serves, if that is what came."""
        if self._line is None:
            return
        if self._line.recv(1) == SERVES:
            self.serves = self.settled = True
        else:
            # It is about to end; nothing more is heard, and nothing less must keep us awake.
            self._hang_up()

    @property
    def runs(self) -> bool:
        """Whether there is a process, alive or not buried yet."""
        return self._process is not None

    def ended(self) -> int | None:
        """Give the exit code of a process that has ended, negative for a signal; bury it."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return None
        self._process, self.serves, self.settled = None, False, True
        self._hang_up()
        self.share.died()
        return code

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def due_again(self) -> float:
        """Give in how many seconds another may take its place, and hold it to that."""
        now = time.monotonic()
        self._soon = 0 if now - self._began > STEADY_SECONDS else self._soon + 1
        seconds = BACK_OFF[min(max(self._soon, 1), len(BACK_OFF)) - 1]
        self.due = now + seconds
        return seconds

    def stop(self) -> None:
        """Ask its process to finish what it has in hand, if there is one."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End its process at once, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The number of its process, 0 without one."""
        return 0 if self._process is None else self._process.pid
