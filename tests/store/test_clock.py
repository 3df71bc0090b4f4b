"""What a checked clock tells: how far it is off, and of what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authz_service.domain.people import Person
from authz_service.store import SqlStore
from authz_service.store.clock import CheckedClock
from tests.domain.document import MEMBER
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.store import untold
from tests.store.files import file_of

BOUND = timedelta(seconds=2)
OFF = timedelta(minutes=3)


class Passing:
    """Counts seconds as a test says."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Give the seconds."""
        return self.seconds


def _shifted(by: timedelta) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + by


@pytest.mark.parametrize(
    ("off", "ailment"),
    [
        (timedelta(0), None),
        (OFF, "the machine's clock is 180.0 s ahead of the database's"),
        (-OFF, "the machine's clock is 180.0 s behind the database's"),
    ],
    ids=["right", "ahead", "behind"],
)
def test_a_clock_is_held_against_the_servers(
    databases: Callable[[str], str], off: timedelta, ailment: str | None
) -> None:
    """Who is further from the database's clock than the bound is reported, by how much and how."""
    gauge: list[float] = []
    store = SqlStore(databases("store"))
    clock = store.checked(_shifted(off), BOUND, gauge.append)
    assert clock.ailment() is None
    clock.check()
    store.close()

    assert [pytest.approx(off.total_seconds(), abs=1)] == gauge
    # A tenth is a tenth only if the server answers at once.
    assert ailment == _rounded(clock.ailment())


def _rounded(said: str | None) -> str | None:
    if said is None:
        return None
    words = said.split()
    words[4] = f"{round(float(words[4])):.1f}"
    return " ".join(words)


def test_the_instant_is_the_machines(databases: Callable[[str], str]) -> None:
    """However far off it is: decisions are made by it, and it is reported."""
    store = SqlStore(databases("store"))
    clock = store.checked(FrozenClock(), BOUND, lambda _seconds: None)
    clock.check()
    store.close()

    assert NOON == clock()
    assert clock.ailment() is not None


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> SqlStore:
    """Give an empty store in a file, whose revisions are made at noon."""
    store = SqlStore(f"sqlite:///{tmp_path}/store.db", clock=FrozenClock())
    store.create()
    return store


def _checked(
    store: SqlStore, clock: FrozenClock, passing: Passing, gauge: list[float]
) -> CheckedClock:
    return CheckedClock(clock, store.database, BOUND, gauge.append, passing)


def test_a_clock_that_is_set_is_reported(store: SqlStore) -> None:
    """It went further than time did, or back; after an hour it may be the right one."""
    clock, passing = FrozenClock(), Passing()
    gauge: list[float] = []
    checked = _checked(store, clock, passing, gauge)
    for seconds, by in ((10, 10), (10, 190), (10, 10), (3600, 3600), (10, 10), (10, -170)):
        clock.advance(timedelta(seconds=by))
        passing.seconds += seconds
        checked.check()
        gauge.append(-1.0 if checked.ailment() is None else 1.0)

    assert [0, -1, 180, 1, 180, 1, 180, 1, 0, -1, -180, 1] == gauge
    assert "the machine's clock is 180.0 s behind where it would be had it not been set" == (
        checked.ailment()
    )


def test_a_revision_from_the_future_is_reported(store: SqlStore) -> None:
    """A file that was written by a clock ahead of this one: what it says to be past may not be."""
    store.registry.save_person(Person(MEMBER), untold)
    clock, passing = FrozenClock(NOON - OFF), Passing()
    gauge: list[float] = []
    checked = _checked(store, clock, passing, gauge)
    checked.check()
    found = checked.ailment()
    clock.advance(OFF)
    passing.seconds += OFF.total_seconds()
    checked.check()

    assert [-180, 0] == gauge
    assert "the machine's clock is 180.0 s behind the newest revision's" == found
    assert checked.ailment() is None


def test_a_revision_of_the_past_says_nothing_of_the_clock(store: SqlStore) -> None:
    """Nor one that is less far ahead than the bound: machines that take turns differ a little."""
    store.registry.save_person(Person(MEMBER), untold)
    clock, passing = FrozenClock(NOON - BOUND), Passing()
    gauge: list[float] = []
    checked = _checked(store, clock, passing, gauge)
    for seconds in (0.0, OFF.total_seconds()):
        clock.advance(timedelta(seconds=seconds))
        passing.seconds += seconds
        checked.check()
        assert checked.ailment() is None

    assert [0, 0] == gauge


def test_a_database_that_does_not_answer_says_nothing_of_the_clock(store: SqlStore) -> None:
    """That it is ill is for its own ping to tell; what was found before stays."""
    clock, passing = FrozenClock(), Passing()
    gauge: list[float] = []
    checked = _checked(store, clock, passing, gauge)
    clock.advance(OFF)
    checked.check()
    found = checked.ailment()
    file_of(store).unlink()
    clock.advance(-OFF)
    checked.check()

    assert found is not None
    assert found == checked.ailment()
    assert [180.0] == gauge
