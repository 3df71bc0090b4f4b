"""What a verb shows while somebody waits at a terminal: bars on stderr, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from tqdm import tqdm

from authz_service.policy.diagrams.exploring import Progress
from authz_service.policy.judging import stages

_SOON = 1.0
"""Seconds until a bar is shown; most work is done by then."""

One = TypeVar("One")


@contextmanager
def exploring() -> Iterator[Progress]:
    """Give what shows how many rules have been explored."""
    bar: tqdm[NoReturn]
    with tqdm(
        desc="rules explored", delay=_SOON, disable=None, leave=False, file=sys.stderr
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


@contextmanager
def judging() -> Iterator[stages.Progress]:
    """Give what shows how far the check of a policy is."""
    bar: tqdm[NoReturn]
    with tqdm(
        desc="check", bar_format="{desc} [{elapsed}]", disable=None, leave=False, file=sys.stderr
    ) as bar:
        # At once: how long a check takes nobody knows, and its child tells of little.
        yield bar.set_description_str


def through(several: Iterable[One], done: str) -> Iterable[One]:
    """Go through *several*, and show how many are *done*."""
    return tqdm(several, done, delay=_SOON, disable=None, leave=False, file=sys.stderr)
