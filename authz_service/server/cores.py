"""
Holds threads of this process on one core.

The threads of a Python process take turns anyway. On two cores they fight for every turn, which
costs more than all their work: held on one, waitress answers more than twice as many requests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def on_one_core(number: int) -> Iterator[None]:
    """
    Hold this thread on one of the cores it may use, and with it those that it starts meanwhile.

    Nothing is done with one core, or where the system does not know of it or forbids it.

    Args:
        number: says which, counted round: workers with numbers in a row are spread over all.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    cores = sorted(before)
    with suppress(OSError):
        os.sched_setaffinity(0, {cores[number % len(cores)]})
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, before)
