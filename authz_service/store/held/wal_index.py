"""
The head of the index of SQLite's write-ahead log, which all processes have in memory in common.

SQLite itself tells by it whether anything was committed: a reader compares the head with the one
that it saw last, and only if they differ has there been a commit (``walIndexTryHdr`` in its source;
https://www.sqlite.org/walformat.html, section 2.1, says what stands in it, in two copies, of which
the first is written last). So as long as all its bytes are the same, SQLite need not be asked.
"""

from __future__ import annotations

import mmap
import os
import sys
import weakref

_HEAD = 96
# It stands first, in the machine's order of bytes, and has been this one ever since.
_VERSION = (3_007_000).to_bytes(4, sys.byteorder)
_LENGTH = 32_768
# A process loses all its locks on a file, SQLite's among them, with the first descriptor of it
# that it closes (POSIX, `fcntl`). So these stay open, until SQLite has deleted their file.
_open: list[tuple[int, mmap.mmap, weakref.ref[WalIndex]]] = []


class WalIndex:
    """
    The head of one index.

    Look at it only while a connection of this process is open on its database: that is what
    keeps others from making the file shorter.
    """

    def __init__(self, index: mmap.mmap) -> None:
        self._index = index

    def head(self) -> bytes:
        """Give the bytes; what a writer has half written it changes once more."""
        return self._index[:_HEAD]


def wal_index(database: str) -> WalIndex | None:
    """
    Give the index of the file *database*, which a connection of this process has looked at.

    None where there is none of a form that is known.
    """
    _close_what_is_gone()
    try:
        descriptor = os.open(f"{database}-shm", os.O_RDONLY | os.O_CLOEXEC)
        index = mmap.mmap(descriptor, _LENGTH, prot=mmap.PROT_READ)
    except (OSError, ValueError):
        # It is not there, or shorter than SQLite ever makes it, and then nobody has locked it.
        return None
    found = WalIndex(index)
    _open.append((descriptor, index, weakref.ref(found)))
    return found if index[: len(_VERSION)] == _VERSION else None


def _close_what_is_gone() -> None:
    for one in list(_open):
        descriptor, index, used = one
        if used() is None and not os.fstat(descriptor).st_nlink:
            _open.remove(one)
            index.close()
            os.close(descriptor)
