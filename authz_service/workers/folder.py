"""The folder in which workers count together; it lives as long as their supervisor."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_BEGINNING = "metrics-"


@contextmanager
def metrics_folder(data_dir: Path) -> Iterator[Path]:
    """Make a folder for one supervisor, and take away those of supervisors that were killed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(data_dir):
        for other in data_dir.glob(f"{_BEGINNING}*"):
            with suppress(OSError), _locked(other, wait=False):
                shutil.rmtree(other, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_BEGINNING, dir=data_dir.resolve()))
        mine = ExitStack()
        mine.enter_context(_locked(folder))
    with mine:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a folder, which the system lets go of when this process ends in whatever way."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)
