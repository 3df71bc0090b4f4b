"""A disk that is full, for one service only: the system refuses its files one more byte."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from tests.operation.house import Running
from tests.operation.test_workers import workers_of


@contextmanager
def full(running: Running, size: int) -> Iterator[None]:
    """
    Let no file of a service grow beyond *size* bytes.

    It fails as a full disk does, with an error of the write; SIGXFSZ, which would come as well,
    Python ignores. What is smaller can still be written.

    Args:
        running: the service, with the workers that it has at the moment.
        size: in bytes.
    """
    before = {
        pid: resource.prlimit(pid, resource.RLIMIT_FSIZE)
        for pid in (running.process.pid, *workers_of(running))
    }
    for pid, (_soft, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
