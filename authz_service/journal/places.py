"""Who writes what: a lock for each chain, which a process holds for life or for one write."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_MOST = 1000
"""How many processes may hold the same place at once, each with a chain of its own."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it if absent, for the owner only, to survive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock:
    """
    A lock that the operating system takes back when the process ends, however it ends.

    Args:
        log: the log's folder.
        name: what is locked.

    Attributes:
        descriptor: the open file; a process that inherits it holds the lock as well.
    """

    def __init__(self, log: Path, name: str) -> None:
        make_folder(log / "locks")
        self._file = log / "locks" / name
        self.descriptor = os.open(self._file, _FLAGS, 0o600)

    def take(self, *, wait: bool = True) -> bool:
        """Take it, waiting for whoever has it if need be; tell whether it was had."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def check(self) -> None:
        """
        See that no other lock has its name; one that is nowhere nobody else has taken yet.

        Raises:
            BlockingIOError: another has, and maybe another process that.
            OSError: it cannot be looked at.
        """
        try:
            there = self._file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return
        if not os.path.samestat(os.fstat(self.descriptor), there):
            what = "its lock was removed, and another made; only a new process writes again"
            raise BlockingIOError(errno.EWOULDBLOCK, what)

    def release(self) -> None:
        """Let others have it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of it for good."""
        os.close(self.descriptor)


@contextmanager
def locked(log: Path, name: str, *, wait: bool = True) -> Iterator[Lock | None]:
    """Hold a lock meanwhile, if it was had, else there is None; with *wait* it always is."""
    lock = Lock(log, name)
    try:
        yield lock if lock.take(wait=wait) else None
    finally:
        lock.close()


def settle(log: Path, place: str) -> tuple[str, Lock]:
    """
    Take a chain for life: that of the place, or the first beside it that nobody holds.

    A worker that replaces one that has not ended yet writes beside it for once.

    Raises:
        OSError: no lock can be had.
    """
    for number in range(1, _MOST + 1):
        name = place if number == 1 else f"{place}-{number}"
        lock = Lock(log, name)
        if lock.take(wait=False):
            return name, lock
        lock.close()
    raise BlockingIOError(0, f"{_MOST} processes hold the place {place}")
