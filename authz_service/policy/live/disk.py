"""How this room writes files: alone among the processes that do, and in one piece."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """
    Keep other processes out of *folder*; the system lets them in when this one dies.

    Raises:
        OSError: there is no such folder, or it cannot be read.
    """
    with _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(path: Path, content: bytes) -> Iterator[None]:
    """
    Write a file, for the owner only, which takes the place of *path* after what is done meanwhile.

    If that fails, there is what there was. What can fail for want of room has been done before.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 -- it is open already
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        yield
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    # The name has to reach the disk too, or a power failure brings the old file back.
    with _opened(path.parent) as folder:
        os.fsync(folder)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
