"""
The pulse of a file of SQLite: ``PRAGMA data_version``, two microseconds.

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

    def beat(self, *, strict: bool = False) -> Beat:  # noqa: ARG002 - it always is
        """Give a beat that is another one if anything was committed since the last."""
        with self._lock:
            there = os.stat(self._path)  # noqa: PTH116 - a Path would double what a look costs
            # A file that was deleted or replaced lives on for who holds it open, and while it
            # is open no other file can have its number.
            whose = (there.st_ino, there.st_dev, os.getpid())
            if whose != self._whose or self._cursor is None:
                self._take_up(whose)
            version = self._ask()
            if version != self._version:
                self._version = version
                self._beat = (self._beat[0], self._beat[1] + 1)
            return self._beat

    def close(self) -> None:
        """Let go of the connection; a later call takes the pulse up anew."""
        with self._lock:
            self._let_go()

    def _take_up(self, whose: tuple[int, int, int]) -> None:
        self._let_go()
        self._process = whose[2]
        self._cursor = self._connect().cursor()
        again = os.stat(self._path)  # noqa: PTH116 - as above
        # What was opened may be what took the place between the two looks, or what it was before.
        same = (again.st_ino, again.st_dev) == whose[:2]
        self._whose = whose if same else None
        self._beat = (self._beat[0] + 1, self._beat[1] + 1)

    def _ask(self) -> object:
        cursor = self._cursor
        if cursor is None:  # pragma: no cover - it has just been made; the types do not know that
            return None
        try:
            return cursor.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            self._let_go()
            raise

    def _let_go(self) -> None:
        cursor, self._cursor, self._whose = self._cursor, None, None
        if cursor is None:
            return
        if self._process == os.getpid():
            cursor.connection.close()
        else:
            # Left as it is: what the parent opened is not a child's to close.
            self._inherited.append(cursor)
