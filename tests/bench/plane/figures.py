"""What is made of measurements: what a run of load gave, medians, ratios, shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


class RunInvalid(Exception):
    """A run measured something else than it should: an answer was missing or wrong."""


@dataclass(frozen=True, slots=True)
class Run:
    """
    What one run of load gave.

    Attributes:
        answers: requests that were answered.
        seconds: how long it took.
        p50: the median time to an answer, in milliseconds.
        p99: the 99th of a hundred, in milliseconds.
        longest: the longest time to an answer, in milliseconds.
        failures: connections that broke, timeouts, and answers that were no 200.
    """

    answers: int
    seconds: float
    p50: float
    p99: float
    longest: float
    failures: int = 0

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return self.answers / self.seconds


def percentile(ordered: Sequence[float], share: float) -> float:
    """
    Give the smallest of *ordered* that at least *share* of them do not exceed (nearest rank).

    Raises:
        ValueError: there is none.
    """
    if not ordered:
        raise ValueError("no values")
    return ordered[max(ceil(share * len(ordered)), 1) - 1]


def middle(runs: Sequence[Run]) -> Run:
    """Give the medians of several runs, each number by itself."""
    return Run(
        answers=round(median(one.answers for one in runs)),
        seconds=median(one.seconds for one in runs),
        p50=median(one.p50 for one in runs),
        p99=median(one.p99 for one in runs),
        longest=median(one.longest for one in runs),
        failures=sum(one.failures for one in runs),
    )


def middle_rate(runs: Sequence[Run]) -> float:
    """Give the median of the runs' answers in a second."""
    return median(one.rate for one in runs)


def ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> float | None:
    """
    Give the median of what *ours* did in a second as many times of *theirs*, round by round.

    The machine is shared: what one round has in common goes out of the ratio. None without rounds.

    Raises:
        ValueError: they are not of the same rounds.
    """
    if len(ours) != len(theirs):
        raise ValueError("rounds that are not the same do not compare")
    if not ours:
        return None
    return median(our.rate / their.rate for our, their in zip(ours, theirs, strict=True))


def expect_granted(answered: int, granted: int, each: Sequence[int], connections: int) -> None:
    """
    Check how many decisions were a yes, where requests were sent in turn from the first on.

    The answers of those under way in the end are not known, so as many requests as there are
    connections are left open at either end.

    Args:
        answered: how many requests were answered.
        granted: how many decisions in these answers were a yes.
        each: how many have to be in the answer of each request of the turn.
        connections: how many requests may be under way at once.

    Raises:
        RunInvalid: there were more or fewer.
    """
    turns, rest = divmod(answered, len(each))
    wanted = turns * sum(each) + sum(each[:rest])
    room = 2 * connections * max(each)
    if abs(granted - wanted) > room:
        raise RunInvalid(f"{granted} of the decisions were a yes, and {wanted} had to be")
