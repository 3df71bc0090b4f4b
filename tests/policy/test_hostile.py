"""What crashes, hangs or bloats oso is refused, and nobody who is decided meanwhile notices."""

from __future__ import annotations

import time

import pytest

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import examined
from authz_service.policy.judging import sandbox
from authz_service.policy.suites import suite
from authz_service.policy.suites.tables import SuiteInvalid
from tests.policy.compiled import policy
from tests.policy.facts import OPEN, facts
from tests.policy.hostile import QUICK, SLOW, SOUND, Candidate

GATE = ("nested lists", "NUL", "helpers that ask the next one twice", "brackets in a test")
"""Those that go through a child process in every run."""
SECONDS = 8
SERVING = policy(SOUND)


def refusal(candidate: Candidate, seconds: float) -> tuple[Problem, ...]:
    """Put a candidate before the gate, which has to refuse it; this process decides on."""
    begun = time.monotonic()
    with pytest.raises(PolicyInvalid) as caught:
        sandbox.check(candidate.sources, candidate.suites, seconds=seconds)

    assert time.monotonic() - begun < seconds + 5
    decision = SERVING.evaluate(OPEN, facts())
    assert (True, ("first",)) == (decision.allowed, decision.reasons)
    return caught.value.problems


def test_the_policy_in_force_is_sound() -> None:
    """What all of them are built around is accepted, so that what is added is what is refused."""
    found = examined(QUICK["brackets in a test"]().sources)

    assert ((), ()) == (found.problems, found.flaws)


@pytest.mark.uncovered
@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_text_is_refused_by_reading(name: str) -> None:
    """No hostile text gets as far as oso; what is told of it is short, and says what to do."""
    candidate = QUICK[name]()
    found = examined(candidate.sources)
    problems = [*found.problems, *(flaw.problem for flaw in found.flaws)]
    if candidate.suites:
        with pytest.raises(SuiteInvalid) as caught:
            [suite.read(one.file, one.content) for one in candidate.suites]
        assert [] == problems
        assert len(str(caught.value)) < 300
    else:
        assert problems
    assert len(problems) < 300
    for one in problems:
        assert len(str(one)) < 500
        assert one.remedy


@pytest.mark.soak
def test_the_gate_refuses_hostile_texts(request: pytest.FixtureRequest) -> None:
    """
    The child process refuses each in its time, and this process decides as before.

    The long form: all of them, also those that take all the time that there is.
    """
    everything = {**QUICK, **SLOW}
    for name in everything if request.config.getoption("--soak") else GATE:
        assert refusal(everything[name](), SECONDS)


@pytest.mark.parametrize("name", ["as many questions as nobody can ask"])
def test_what_takes_too_long_is_ended(name: str) -> None:
    """What no reading finds is ended with its time, and the gate is closed."""
    [problem] = refusal(SLOW[name](), 2)

    assert problem.check in ("timeout", "killed", "stopped")
