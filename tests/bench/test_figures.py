"""What the benchmark makes of measurements, without measuring."""

from __future__ import annotations

import pytest

from tests.bench.plane.figures import (
    Run,
    RunInvalid,
    expect_granted,
    middle,
    middle_rate,
    percentile,
    ratio,
)


def run(answers: int, p99: float = 2.0, failures: int = 0) -> Run:
    """Give a run of two seconds."""
    return Run(answers, seconds=2.0, p50=1.0, p99=p99, longest=9.0, failures=failures)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.75, 3.0), (0.99, 4.0), (1, 4.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    """It is the smallest value that at least that share does not exceed."""
    assert expected == percentile([1.0, 2.0, 3.0, 4.0], share)


def test_nothing_has_no_percentile() -> None:
    """Without a value there is an error, not a zero that looks like speed."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_middle_takes_each_number_by_itself() -> None:
    """One bad round moves no median; failures are not averaged away."""
    rounds = [run(100, p99=2.0), run(10, p99=70.0, failures=3), run(104, p99=2.2)]

    assert Run(100, 2.0, 1.0, 2.2, 9.0, failures=3) == middle(rounds)
    assert 50.0 == middle_rate(rounds)


def test_a_ratio_is_taken_round_by_round() -> None:
    """A round in which the machine was slow for both says the same as the others."""
    ours, theirs = [run(600), run(60), run(540)], [run(100), run(10), run(90)]

    assert 6.0 == ratio(ours, theirs)
    assert None is ratio([], [])


def test_rounds_that_differ_do_not_compare() -> None:
    """A missing round is an error, not a ratio of what was not measured together."""
    with pytest.raises(ValueError, match="do not compare"):
        ratio([run(1)], [])


@pytest.mark.parametrize("granted", [68, 70, 72])
def test_as_many_yes_as_the_turn_says(granted: int) -> None:
    """Ten turns of five with seven yes are 70; what was under way in the end may be either."""
    expect_granted(50, granted, [1, 0, 1, 3, 2], connections=1)


@pytest.mark.parametrize("granted", [0, 63, 77, 150])
def test_too_many_or_too_few_yes_are_no_measurement(granted: int) -> None:
    """Who always says yes, or no, is not measured as if it had decided."""
    with pytest.raises(RunInvalid, match=f"{granted} of the decisions were a yes, and 70 had"):
        expect_granted(50, granted, [1, 0, 1, 3, 2], connections=1)
