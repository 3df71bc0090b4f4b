"""Civil days of Brasília."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from authz_service.domain.errors import InvalidInput
from authz_service.domain.time import civil_day, require_aware


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-21T02:59:59.999999+00:00", "2026-11-20"),
        ("2026-11-21T03:00:00+00:00", "2026-11-21"),
        # Summer time of the past: midnight in Brasília is two hours behind UTC.
        ("2019-01-16T01:59:59.999999+00:00", "2019-01-15"),
        ("2019-01-16T02:00:00+00:00", "2019-01-16"),
        # The day it began has no midnight: 23:59:59 is followed by 01:00.
        ("2018-11-04T02:59:59.999999+00:00", "2018-11-03"),
        ("2018-11-04T03:00:00+00:00", "2018-11-04"),
        # The day it ended has its last hour twice.
        ("2018-02-18T01:59:59.999999+00:00", "2018-02-17"),
        ("2018-02-18T02:00:00+00:00", "2018-02-17"),
        ("2018-02-18T02:59:59.999999+00:00", "2018-02-17"),
        ("2018-02-18T03:00:00+00:00", "2018-02-18"),
        # Other zones count the same instant.
        ("2026-11-20T23:59:59-03:00", "2026-11-20"),
        ("2026-11-21T00:30:00-02:00", "2026-11-20"),
        ("2026-11-21T11:59:59+09:00", "2026-11-20"),
        # Leap day and turn of the year.
        ("2028-03-01T02:59:59+00:00", "2028-02-29"),
        ("2027-01-01T02:59:59+00:00", "2026-12-31"),
    ],
)
def test_an_instant_falls_on_a_day_of_brasilia(moment: str, day: str) -> None:
    """The civil day follows Brasília's legal time, with the summer times it once had."""
    assert date.fromisoformat(day) == civil_day(datetime.fromisoformat(moment))


NAIVE = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 - the missing zone is what is tested


def test_an_instant_without_a_zone_has_no_day() -> None:
    """No zone is guessed."""
    with pytest.raises(InvalidInput, match=r"^moment: must have a time zone$"):
        civil_day(NAIVE)


def test_an_instant_without_a_zone_is_refused_by_name() -> None:
    """The error names the field that the caller gave."""
    with pytest.raises(InvalidInput, match=r"^until: must have a time zone$"):
        require_aware(NAIVE, "until")
