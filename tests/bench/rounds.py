"""Rounds that take turns: the machine is shared, so only figures of one run compare."""

# ruff: noqa: T201 - the benchmark prints

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median


def mean_of(run: Callable[[], object], seconds: float) -> float:
    """Give the seconds of one call, as the mean over at least *seconds* and one call."""
    began, calls, took = time.perf_counter(), 0, 0.0
    while not calls or took < seconds:
        run()
        calls += 1
        took = time.perf_counter() - began
    return took / calls


def medians(
    what: str, runs: Mapping[str, Callable[[], object]], rounds: int, seconds: float
) -> dict[str, float]:
    """Give for each of *runs* the median, in seconds, of the means of its rounds."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, run in runs.items():
            progress(f"{what}, round {number + 1}/{rounds}: {name}")
            taken[name].append(mean_of(run, seconds))
    return {name: median(one) for name, one in taken.items()}


def progress(doing: str) -> None:
    """Say what is being done: on a terminal in place, elsewhere on a line of its own."""
    if sys.stderr.isatty():
        print(f"\r{doing:100.100}", end="", file=sys.stderr, flush=True)
    elif doing:
        print(doing, file=sys.stderr, flush=True)


def said(what: str) -> None:
    """Say on a line of its own what has to be seen."""
    progress("")
    print(f"\r{what}", file=sys.stderr, flush=True)


def table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Print one table; its first column is what was measured, and the last may be long."""
    said("")
    for name, cells in {title: columns, **rows}.items():
        middle = "".join(f"{cell:>13}" for cell in cells[:-1])
        print(f"{name:40}{middle}  {cells[-1]}".rstrip())
    print(flush=True)


def times(taken: float, to: float) -> str:
    """Say how many times *to* goes into *taken*, or which part of it that is."""
    ratio = taken / to
    if ratio < 0.1:
        return f"1/{to / taken:,.0f}"
    return f"{ratio:,.1f} ×" if ratio < 100 else f"{ratio:,.0f} ×"
