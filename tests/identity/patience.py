"""How long tests wait for what has to come about."""

from __future__ import annotations

import time
from collections.abc import Callable

LONG = 60.0
"""Seconds that no test lasts."""


def eventually(truth: Callable[[], object]) -> None:
    """Wait until something is so, which has to come about soon."""
    end = time.monotonic() + LONG
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.002)
