"""What the service does from time to time: each by itself, again and again, and only at leisure."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

import pytest

from authz_service.bootstrap.rounds import Leisure, Round, Rounds
from authz_service.domain.errors import StoreUnavailable


@dataclass
class Tries:
    """Counts how often it was tried; fails as long as it has a failure; ``enough`` comes then."""

    wanted: int
    failures: list[Exception] = field(default_factory=list)
    count: int = 0
    enough: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        """Try once."""
        self.count += 1
        if self.count >= self.wanted:
            self.enough.set()
        if self.failures:
            raise self.failures.pop(0)


def test_each_is_made_again_and_again() -> None:
    """One that fails is tried again, and keeps no other from its turn."""
    ill = Tries(3, [StoreUnavailable("x"), RuntimeError("y")])
    well, seldom = Tries(3), Tries(1)
    rounds = Rounds(
        [Round("ill", 0.01, ill), Round("well", 0.01, well), Round("seldom", 3600, seldom)]
    )
    rounds.start()
    assert all(one.enough.wait(10) for one in (ill, well, seldom))
    rounds.stop()
    made = ill.count, well.count
    assert 1 == seldom.count
    assert made == (ill.count, well.count)


def test_a_failure_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """Every few seconds the same line would hide all others; no message of others is repeated."""
    tries = Tries(4, [StoreUnavailable("the database did not answer"), RuntimeError("secret")])
    rounds = Rounds([Round("the clock", 0.01, tries)])
    with caplog.at_level(logging.INFO):
        rounds.start()
        assert tries.enough.wait(10)
        rounds.stop()
    assert [
        "the clock cannot be looked after: the database did not answer",
        "the clock is looked after again",
    ] == [one.message for one in caplog.records]


def test_rounds_that_never_began_can_be_stopped() -> None:
    """A verb of the command line makes none, and lets go of everything all the same."""
    tries = Tries(1)
    Rounds([Round("x", 1.0, tries)]).stop()
    assert 0 == tries.count


def test_what_can_wait_waits_while_there_is_much_to_decide() -> None:
    """What counts is what was decided since it was asked last."""
    in_all = iter((7, 9, 12, 12))
    leisure, tries = Leisure(2, lambda: next(in_all)), Tries(9)
    counts = []
    for _ in range(3):
        leisure.do(tries)
        counts.append(tries.count)
    assert [1, 1, 2] == counts
