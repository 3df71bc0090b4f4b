"""Which policy a process decides by, told as values."""

from __future__ import annotations

from datetime import datetime

import pytest

from authz_service.domain.errors import InvalidInput
from authz_service.domain.policies import Attempt, Outcome, PolicyStatus
from tests.fakes.clock import NOON

NAIVE = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 -- what must not be


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(Outcome.APPLIED, True), (Outcome.REFUSED, False), (Outcome.POSTPONED, False)],
)
def test_the_folder_is_in_force_after_an_attempt_that_was_applied(
    outcome: Outcome, expected: bool
) -> None:
    """Any other attempt leaves something else in force."""
    assert expected is PolicyStatus("d", NOON, None, Attempt(NOON, "c", outcome)).current


def test_before_the_first_attempt_nothing_is_in_force() -> None:
    """Who has tried nothing decides by nothing."""
    assert PolicyStatus().current is False


def test_moments_have_a_zone() -> None:
    """An instant without a zone is none."""
    with pytest.raises(InvalidInput, match="moment"):
        Attempt(NAIVE, "c", Outcome.APPLIED)
    with pytest.raises(InvalidInput, match="since"):
        PolicyStatus("d", NAIVE)
