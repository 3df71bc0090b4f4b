"""The sliding window: as many as may, neither more around a cut nor told to wait too long."""

from __future__ import annotations

import threading
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.web import counting
from authz_service.web.counting import SlidingWindow

MINUTE = 60


class Seconds:
    """A clock that stands until it is moved on."""

    def __init__(self) -> None:
        self.now = 600_000.0

    def __call__(self) -> float:
        """Give the seconds."""
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """A clock at the beginning of a window."""
    return Seconds()


def test_as_many_as_may_and_no_more(seconds: Seconds) -> None:
    """The amount of a window is taken, by ones or at once, and what does not fit counts not."""
    window = SlidingWindow(5, MINUTE, seconds)
    assert [True, True, False, True, False] == [window.hit("a", cost) for cost in (1, 3, 2, 1, 1)]
    assert (False, True) == (window.has_room("a"), window.has_room("b"))
    assert window.hit("b", 5)


def test_what_was_counted_before_counts_in_proportion(seconds: Seconds) -> None:
    """Of ten in the window before, five are left when half of this one is over."""
    window = SlidingWindow(10, MINUTE, seconds)
    assert window.hit("a", 10)
    seconds.now += MINUTE * 1.5
    assert [True] * 5 + [False] == [window.hit("a") for _ in range(6)]
    seconds.now += MINUTE * 2
    assert window.hit("a", 10)


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 12)), min_size=1, max_size=40),
)
def test_it_counts_as_exact_numbers_do(amount: int, steps: list[tuple[int, int]]) -> None:
    """
    At each moment as much is taken as a count in fractions allows.

    Whoever is refused what could ever fit, and comes back after the seconds that are told, gets
    it; two seconds before, it would not have.
    """
    seconds = Seconds()
    window = SlidingWindow(amount, MINUTE, seconds)
    taken: dict[int, int] = {}
    for milliseconds, cost in steps:
        # In eighths, which floating-point numbers hold exactly.
        seconds.now += milliseconds // 125 / 8
        number, into = divmod(Fraction(seconds.now), MINUTE)
        weighed = taken.get(number - 1, 0) * (1 - into / MINUTE) + taken.get(number, 0)
        fits = weighed // 1 + cost <= amount
        assert fits == window.hit("a", cost)
        if fits:
            taken[number] = taken.get(number, 0) + cost
        elif cost <= amount:
            wait, now = window.wait("a", cost), seconds.now
            assert 0 < wait <= 2 * MINUTE + 1
            for early, found in ((0, True), (2, False)):
                if wait > early:
                    later = SlidingWindow(amount, MINUTE, seconds)
                    later._counts = {"a": list(window._counts["a"])}
                    seconds.now = now + wait - early
                    assert found == later.hit("a", cost)
            seconds.now = now


def test_two_threads_never_take_the_same(seconds: Seconds) -> None:
    """However many ask at once, exactly the amount is taken."""
    window = SlidingWindow(1_000, MINUTE, seconds)
    taken: list[int] = []
    together = threading.Barrier(8)

    def take() -> None:
        together.wait()
        taken.append(sum(window.hit("a") for _ in range(500)))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1_000 == sum(taken)


def test_whoever_did_nothing_for_long_is_forgotten(seconds: Seconds) -> None:
    """Memory does not grow with all who ever came."""
    window = SlidingWindow(5, MINUTE, seconds)
    for number in range(100):
        window.hit(str(number))
    seconds.now += 2 * MINUTE
    window.hit("a")
    assert ["a"] == list(window._counts)


def test_not_everybody_is_counted_at_once(
    seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor with all who come in one window: then the one who came first is forgotten."""
    monkeypatch.setattr(counting, "_MOST_COUNTED", 2)
    window = SlidingWindow(1, MINUTE, seconds)
    assert [True] * 3 == [window.hit(whose) for whose in ("a", "b", "c")]
    assert [False, False, True] == [window.hit(whose) for whose in ("c", "b", "a")]
