"""
A chain that many short programs write, the command line's: locked for each write.

Each write goes on from what is on the disk, since others may have written, and is on the disk
when it returns: acts from a shell are few, and the program may end at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from authz_service.journal.places import locked
from authz_service.journal.writing import Open, Writer

SHARED = "cli"
"""The place whose chain is shared."""


class Shared:
    """
    Writes a chain that other processes write as well.

    Args:
        log: the log's folder.
        writer: the writer; it closes files that are full by ``finish``.
    """

    def __init__(self, log: Path, writer: Writer) -> None:
        self._log = log
        self._writer = writer
        self._lock = threading.Lock()

    def write(self, bodies: Sequence[bytes]) -> None:
        """
        Write lines, all or none that counts.

        Raises:
            OSError: none counts.
        """
        with self._lock, locked(self._log, self._writer.chain.name):
            self._writer.go_on()
            segment = self._writer.write(bodies)
            try:
                segment.sync()
            except OSError:
                # Others go on from what stands there, so it counts, though it was refused.
                self._writer.let_go()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._writer.let_go()


def finish(full: Open) -> None:
    """
    Close a file that is full; what it holds is on the disk then.

    Raises:
        OSError: it may not be there.
    """
    try:
        full.sync()
    finally:
        full.close()
