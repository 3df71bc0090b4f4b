"""
The head of the index of SQLite's write-ahead log, which all processes have in common.

SQLite itself tells by it whether anything was committed: a reader compares the head with the one
that it saw last, and only if they differ has there been a commit (``walIndexTryHdr`` in its source;
https://www.sqlite.org/walformat.html, section 2.1, says what stands in it, in two copies, of which
the first is written last). So as long as all its bytes are the same, SQLite need not be asked.

The file is read, not mapped: who shortens it under a map kills the process. On Linux both see the
same bytes.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref

HEAD = 96
"""How many bytes tell whether anything was committed."""
# It stands first, in the machine's order of bytes, and has been this one ever since.
_VERSION = (3_007_000).to_bytes(4, sys.byteorder)
# A process loses all its locks on a file, SQLite's among them, with the first descriptor of it
# that it closes (POSIX, `fcntl`). So these stay open until SQLite has deleted their file.
_open: dict[tuple[int, int], tuple[int, weakref.ref[WalIndex]]] = {}
_opening = threading.Lock()


class WalIndex:
    """
    The head of one index.

    Attributes:
        descriptor: of the file, which somebody else keeps open as long as this is used.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def head(self) -> bytes:
        """Give the bytes; what a writer has half written it changes once more."""
        return os.pread(self.descriptor, HEAD, 0)


def wal_index(database: str) -> WalIndex | None:
    """
    Give the index of a database, which a connection of this process has looked at.

    None where there is none of a form that is known.

    Args:
        database: the name of the file that SQLite itself has for it, without links on its way.
    """
    if sys.platform != "linux":
        return None
    with _opening:
        try:
            found = _opened(f"{database}-shm")
            return found if found.head()[: len(_VERSION)] == _VERSION else None
        except OSError:
            return None


def _opened(name: str) -> WalIndex:
    there = os.stat(name)  # noqa: PTH116 - all of this room speaks to the system itself
    known = _open.get((there.st_dev, there.st_ino))
    if known is None:
        _close_what_is_gone()
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        there = os.fstat(descriptor)
    else:
        descriptor, used = known
        before = used()
        if before is not None:
            return before
    found = WalIndex(descriptor)
    _open[there.st_dev, there.st_ino] = descriptor, weakref.ref(found)
    return found


def _close_what_is_gone() -> None:
    for number, (descriptor, used) in list(_open.items()):
        if used() is None and not os.fstat(descriptor).st_nlink:
            del _open[number]
            os.close(descriptor)
