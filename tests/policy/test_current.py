"""Where the current policy is to be had, and that a bad edit never replaces a good one."""

from __future__ import annotations

import gc
import weakref
from datetime import timedelta
from pathlib import Path

import pytest

from authz_service.domain.errors import PolicyInvalid, PolicyUnavailable, Problem
from authz_service.domain.policies import Outcome
from authz_service.policy.live.content import Content, look_into
from authz_service.policy.live.current import CurrentPolicy
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.gates import OpenGate
from tests.policy.facts import OPEN, facts
from tests.policy.watched import OTHER, PERMIT, write

CLOSED = 'forbid(_p: Person, "open", r: Process, "third") if r.state = "closed";\n'


def test_a_valid_folder_becomes_the_policy(tmp_path: Path) -> None:
    """What loads is the policy in force, and nothing ails."""
    write(tmp_path)
    policy = CurrentPolicy(tmp_path)

    policy.load()

    assert ["rules.polar:1"] == [rule.place for rule in policy.current().rules]
    assert ((), None, None) == (policy.problems, policy.ailment(), policy.flaw())
    assert policy.status.current


def test_before_the_first_load_nothing_is_decided(tmp_path: Path) -> None:
    """Without a policy there is no answer, and the reason for it is told."""
    policy = CurrentPolicy(tmp_path)

    with pytest.raises(PolicyUnavailable):
        policy.current()
    assert "no valid policy is loaded: it was never loaded" == policy.ailment()
    assert ((), None, False) == (policy.problems, policy.flaw(), policy.status.current)


def test_an_invalid_folder_gives_no_policy(tmp_path: Path) -> None:
    """Without a valid policy nothing is decided, and the first problem is told."""
    write(tmp_path, f"{PERMIT}cut;")
    policy = CurrentPolicy(tmp_path)

    policy.load()

    with pytest.raises(PolicyUnavailable):
        policy.current()
    assert str(policy.ailment()).startswith("no valid policy is loaded: rules.polar:2:1: `cut`")
    # Where nothing is in force, nothing is in force instead of it.
    assert policy.flaw() is None


@pytest.mark.parametrize("bad", [f"{PERMIT}cut;", 'permit(p, "open", _r, "first");'])
def test_a_bad_edit_never_replaces_a_good_policy(tmp_path: Path, bad: str) -> None:
    """The policy stays in force, the problems of the edit are told; mended, they are gone."""
    write(tmp_path)
    policy = CurrentPolicy(tmp_path)
    policy.load()
    before = policy.current()

    write(tmp_path, bad)
    policy.load()

    assert before is policy.current()
    assert ["rules.polar"] == [one.file for one in policy.problems]
    assert policy.ailment() is None
    assert str(policy.flaw()).startswith("the policy before the last edit is in force, not ")

    write(tmp_path, PERMIT + OTHER)
    policy.load()

    assert 2 == len(policy.current().rules)
    assert () == policy.problems


def test_what_was_looked_at_is_what_counts(tmp_path: Path) -> None:
    """A folder that changes while its content is checked changes nothing about that content."""
    write(tmp_path)
    content = look_into(tmp_path)
    write(tmp_path, PERMIT + OTHER)
    policy = CurrentPolicy(tmp_path, gate=OpenGate())

    policy.take(content, lambda _content: NOON)

    assert 1 == len(policy.current().rules)


def test_nothing_is_left_of_the_policy_before_after_the_swap(tmp_path: Path) -> None:
    """A service that reloads every day does not grow, nor wait for chance to free old engines."""
    write(tmp_path, f"{PERMIT}{CLOSED}")
    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.load()
    policy.warm()
    before = weakref.ref(policy.current())
    write(tmp_path, OTHER)
    content = look_into(tmp_path)
    gc.collect()
    gc.disable()
    try:
        policy.take(content, lambda _content: NOON)
        assert (None, 0) == (before(), gc.collect())
    finally:
        gc.enable()


def test_a_policy_is_explored_before_it_takes_the_place_of_another(tmp_path: Path) -> None:
    """After a swap no decision waits for oso; the first policy is explored when there is time."""
    write(tmp_path, f"{PERMIT}{CLOSED}")
    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.warm()
    policy.load()
    first = policy.current()
    assert 0 == first.runs

    policy.warm()
    runs = first.runs
    first.evaluate(OPEN, facts(OPEN))
    assert 0 < runs == first.runs

    write(tmp_path, f"{OTHER}{CLOSED}")
    policy.load()
    second = policy.current()
    runs = second.runs
    second.evaluate(OPEN, facts(OPEN))
    assert 0 < runs == second.runs


@pytest.mark.parametrize(
    ("error", "outcome", "said"),
    [
        (RecursionError("too deep"), Outcome.REFUSED, "cannot be compiled: RecursionError"),
        (OSError(12, "Cannot allocate memory"), Outcome.POSTPONED, "Cannot allocate memory"),
        (
            PolicyInvalid([Problem("a.polar", 1, 2, "no value `187.627.946-04`")]),
            Outcome.REFUSED,
            "no value `[cpf]`",
        ),
        (
            PolicyInvalid([Problem(".", 0, 0, "took too long", "timeout")]),
            Outcome.POSTPONED,
            "took too long",
        ),
        (
            PolicyInvalid([Problem(".", 0, 0, "was killed", "killed")]),
            Outcome.REFUSED,
            "was killed",
        ),
    ],
    ids=["nobody foresaw it", "no memory for a child", "a CPF in a file", "busy", "it crashes"],
)
def test_whatever_goes_wrong_keeps_what_there_was(
    tmp_path: Path, error: Exception, outcome: Outcome, said: str
) -> None:
    """No edit ends the one that takes it, and what is told of it holds no CPF."""
    write(tmp_path)
    gate, clock = OpenGate(), FrozenClock()
    policy = CurrentPolicy(tmp_path, clock, gate)
    policy.load()
    before = policy.current()
    gate.error = error
    clock.advance(timedelta(hours=1))

    write(tmp_path, OTHER)
    policy.load()

    attempt = policy.status.attempt
    assert attempt is not None
    assert (outcome, (said,)) == (attempt.outcome, tuple(one.message for one in attempt.problems))
    assert (before, NOON) == (policy.current(), policy.status.since)
    assert NOON + timedelta(hours=1) == attempt.moment


def test_a_name_that_no_folder_can_have_is_a_problem(tmp_path: Path) -> None:
    """Whatever the system says to it, it is told as a problem of the folder."""
    problem = Problem(".", 0, 0, "cannot be read: File name too long", "unreadable")

    assert Content(problems=(problem,)) == look_into(tmp_path / ("x" * 300))


def test_every_reason_why_a_folder_cannot_be_read_is_another_content() -> None:
    """So that what spoils the folder anew is tried and told anew."""
    problems = [Problem(".", 0, 0, said) for said in ("there is no folder", "no permission")]

    digests = {Content(problems=(one,)).digest for one in problems}

    assert 3 == len({*digests, Content().digest})


def test_where_nothing_was_kept_the_folder_alone_is_to_blame(tmp_path: Path) -> None:
    """A first start with a bad folder tells what is wrong with the folder, and nothing else."""
    write(tmp_path, f"{PERMIT}cut;")
    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.load()
    before = policy.problems

    policy.restore(lambda: None)

    assert before == policy.problems
    assert ["rules.polar"] == [one.file for one in before]


def test_several_problems_are_counted(tmp_path: Path) -> None:
    """Readiness tells how many there are, and the first; of one alone there is no first."""
    write(tmp_path)
    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.load()
    write(tmp_path, f"{PERMIT}cut;")
    policy.load()
    assert "not what the folder holds: 1 problem: rules.polar:2:1: " in str(policy.flaw())

    write(tmp_path, f"{PERMIT}cut;\ncut;")
    policy.load()
    assert "holds: 2 problems, the first: rules.polar:2:1: " in str(policy.flaw())


def test_a_policy_that_is_kept_is_compiled_before_it_is_asked(tmp_path: Path) -> None:
    """Where nothing was tried yet, a copy that is not good is none, and nothing is in force."""

    def damaged() -> None:
        raise PolicyInvalid([Problem("kept", 0, 0, "is damaged")])

    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.restore(damaged)

    assert (None, None) == (policy.status.digest, policy.status.attempt)
