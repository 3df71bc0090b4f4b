"""The decision log as one file of JSON lines, appended to by any number of processes."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from authz_service.domain.decision import Record
from authz_service.domain.errors import LogUnavailable
from authz_service.journal.lines import line

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o600  # it tells who asked what, if not about whom


class FileLog:
    """
    Appends records to a file; what ``write`` returned from is in the file.

    The file may be moved away by a rotation at any time: the next write makes a new one.

    Args:
        path: the file; it and its folder are made if absent, for the owner only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._failed: str | None = None

    def write(self, records: Sequence[Record]) -> None:
        """
        Append all the records in one piece, or none of them.

        Raises:
            LogUnavailable: the file cannot be written.
        """
        payload = b"".join(line(record) for record in records)
        try:
            with self._lock, self._exclusive() as descriptor:
                _append(descriptor, payload)
        except OSError as error:
            self._failed = f"cannot be written: {error.strerror}"
            raise LogUnavailable(f"the decision log {self._failed}") from error
        self._failed = None

    def ailment(self) -> str | None:
        """Give what keeps the log from being written, now or at the last record, or None."""
        try:
            with self._lock, self._exclusive():
                # A full disk opens and locks files as ever; only a write finds it out.
                return self._failed
        except OSError as error:
            return f"cannot be written: {error.strerror}"

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    @contextmanager
    def _exclusive(self) -> Iterator[int]:
        """Open the file if need be, and keep other processes out of it meanwhile."""
        if self._descriptor is not None and not self._still_there(self._descriptor):
            os.close(self._descriptor)
            self._descriptor = None
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, _FLAGS, _MODE)
        descriptor = self._descriptor
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield descriptor
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _still_there(self, descriptor: int) -> bool:
        """Tell whether the path still names the file that is open."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            return False


def _append(descriptor: int, payload: bytes) -> None:
    """Append *payload*, or leave the file as it was."""
    before = os.fstat(descriptor).st_size
    if before and os.pread(descriptor, 1, before - 1) != b"\n":
        # Whoever wrote last was cut off by a power failure; its torn line stays one by itself.
        payload = b"\n" + payload
    try:
        written = 0
        while written < len(payload):
            written += os.write(descriptor, payload[written:])
    except OSError:
        os.ftruncate(descriptor, before)
        raise
