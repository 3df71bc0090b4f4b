"""
The folder in which workers count together; it lives as long as their supervisor.

It is made in ``workers`` in the data folder, and nothing else is ever taken away there than
folders with a name of exactly the form that is made here.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_BEGINNING = "metrics-"
_OURS = re.compile(rf"{_BEGINNING}[a-z0-9_]{{8}}")
"""What ``mkdtemp`` makes of the beginning."""


@contextmanager
def metrics_folder(data_dir: Path) -> Iterator[Path]:
    """Make a folder for one supervisor, and take away those of supervisors that were killed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = data_dir.resolve() / "workers"
    place.mkdir(mode=0o700, exist_ok=True)
    with _locked(place):
        for other in place.iterdir():
            if _OURS.fullmatch(other.name) is not None:
                with suppress(OSError), _locked(other, wait=False):
                    shutil.rmtree(other, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_BEGINNING, dir=place))
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
