"""
The pulse of a file of SQLite: ``PRAGMA data_version``, and before it what SQLite tells it by.

The number changes when another connection has committed, and can be compared with nothing but
an earlier one of the same connection. So there is one connection for all threads of a process.
It is opened by the process that asks, never inherited: SQLite's locks are a process's own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from authz_service.store.held.pulse import NO_BEAT, Beat
from authz_service.store.held.wal_index import HEAD, WalIndex, wal_index

_Whose = tuple[int, int, int]
"""The number of a file, of its device, and of the process that has opened it."""


class _Seen(NamedTuple):
    """
    What the last look found, by which the next one can tell that there is nothing else.

    Attributes:
        inode: the number of the file.
        device: of its device.
        process: who looked.
        descriptor: of the index of the file.
        head: what stood in it.
        beat: what was felt.
        kept: keeps the descriptor open.
    """

    inode: int
    device: int
    process: int
    descriptor: int
    head: bytes
    beat: Beat
    kept: WalIndex


class FilePulse:
    """Feels what is committed to one file, also when another file takes its place."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        """
        Get ready; nothing is opened yet.

        Args:
            path: the file.
            connect: opens it, and never makes it.
        """
        self._path = str(path)
        self._connect = connect
        self._lock = threading.Lock()
        self._cursor: sqlite3.Cursor | None = None
        self._process = os.getpid()
        self._inherited: list[sqlite3.Cursor] = []
        self._whose: _Whose | None = None
        self._version: object = None
        self._beat = NO_BEAT
        self._index: WalIndex | None = None
        self._seen: _Seen | None = None
        self._new = False

    def beat(self, *, strict: bool = False) -> Beat:  # noqa: ARG002 - it always is
        """Give a beat that is another one if anything was committed since the last."""
        there = os.stat(self._path)  # noqa: PTH116 - a Path would double what a look costs
        seen = self._seen
        if (
            seen is not None
            and there.st_ino == seen[0]
            and os.pread(seen[3], HEAD, 0) == seen[4]
            and there.st_dev == seen[1]  # mutant: it takes two disks to have a number twice
            and os.getpid() == seen[2]  # mutant: what a parent has open it may close any time
        ):
            # Nothing here changes, so nobody has to wait for anybody.
            return seen[5]
        with self._lock:
            return self._felt()

    def _felt(self) -> Beat:
        """Ask SQLite itself; the lock is held."""
        there = os.stat(self._path)  # noqa: PTH116 - as above
        # A file that was deleted or replaced lives on for who holds it open, and while it
        # is open no other file can have its number.
        whose = (there.st_ino, there.st_dev, os.getpid())
        cursor = self._cursor
        if cursor is None or whose != self._whose:
            cursor = self._take_up(whose)
        index = self._index
        # Taken before SQLite is asked: what comes in between makes another one.
        head = b"" if index is None else index.head()
        try:
            version = cursor.execute("PRAGMA data_version").fetchone()
            if self._new:
                # The first look has opened it.
                self._new = False
                self._index = self._index_of(cursor)
        except sqlite3.Error:
            self._let_go()
            raise
        if version != self._version:
            self._version = version
            self._beat = (self._beat[0], self._beat[1] + 1)
        # Last: whatever kept SQLite from being asked, it is asked again.
        if index is not None and len(head) == HEAD and self._whose == whose:
            self._seen = _Seen(*whose, index.descriptor, head, self._beat, index)
        return self._beat

    def close(self) -> None:
        """Let go of the connection; a later call takes the pulse up anew."""
        with self._lock:
            self._let_go()

    def _take_up(self, whose: _Whose) -> sqlite3.Cursor:
        self._let_go()
        self._process = whose[2]
        cursor = self._cursor = self._connect().cursor()
        again = os.stat(self._path)  # noqa: PTH116 - as above
        # What was opened may be what took the place between the two looks, or what it was before.
        same = (again.st_ino, again.st_dev) == whose[:2]
        self._whose = whose if same else None
        self._new = same
        self._beat = (self._beat[0] + 1, self._beat[1] + 1)
        return cursor

    @staticmethod
    def _index_of(cursor: sqlite3.Cursor) -> WalIndex | None:
        if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            return None
        # The name that was opened in the end: there may be links on the way to it.
        [(_, _, name), *_] = cursor.execute("PRAGMA database_list").fetchall()
        return wal_index(name)

    def _let_go(self) -> None:
        cursor, self._cursor, self._whose = self._cursor, None, None
        self._index = self._seen = None
        if cursor is None:
            return
        if self._process == os.getpid():
            cursor.connection.close()
        else:
            # Left as it is: what the parent opened is not a child's to close.
            self._inherited.append(cursor)
