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

from authz_service.store.held.pulse import NO_BEAT, Beat
from authz_service.store.held.wal_index import WalIndex, wal_index


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
        self._whose: tuple[int, int, int] | None = None
        self._version: object = None
        self._beat = NO_BEAT
        self._index: WalIndex | None = None
        self._head = b""
        self._new = False

    def beat(self, *, strict: bool = False) -> Beat:  # noqa: ARG002 - it always is
        """Give a beat that is another one if anything was committed since the last."""
        with self._lock:
            there = os.stat(self._path)  # noqa: PTH116 - a Path would double what a look costs
            # A file that was deleted or replaced lives on for who holds it open, and while it
            # is open no other file can have its number.
            whose = (there.st_ino, there.st_dev, os.getpid())
            cursor = self._cursor
            if cursor is None or whose != self._whose:
                cursor = self._take_up(whose)
            index, head = self._index, b""
            if index is not None:
                # Taken before SQLite is asked: what comes in between makes another one.
                head = index.head()
                if head == self._head != b"":
                    return self._beat
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
            self._head = head
            return self._beat

    def close(self) -> None:
        """Let go of the connection; a later call takes the pulse up anew."""
        with self._lock:
            self._let_go()

    def _take_up(self, whose: tuple[int, int, int]) -> sqlite3.Cursor:
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
        self._index, self._head = None, b""
        if cursor is None:
            return
        if self._process == os.getpid():
            cursor.connection.close()
        else:
            # Left as it is: what the parent opened is not a child's to close.
            self._inherited.append(cursor)
