"""Where the current policy is to be had, and that a bad edit never replaces a good one."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable
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

    policy.take(content, lambda _content, _questions: NOON)

    assert 1 == len(policy.current().rules)


def test_nothing_is_left_of_the_policy_before_after_the_swap(tmp_path: Path) -> None:
    """A service that reloads every day does not grow, nor wait for chance to free old engines."""
    write(tmp_path, f"{PERMIT}{CLOSED}")
    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.load()
    before = weakref.ref(policy.current())
    write(tmp_path, OTHER)
    content = look_into(tmp_path)
    gc.collect()
    gc.disable()
    try:
        policy.take(content, lambda _content, _questions: NOON)
        assert (None, 0) == (before(), gc.collect())
    finally:
        gc.enable()


def test_a_policy_is_explored_before_it_decides(tmp_path: Path) -> None:
    """No decision waits for oso, neither after a swap nor by the first policy of all."""
    write(tmp_path, f"{PERMIT}{CLOSED}")
    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.load()
    first = policy.current()
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


def _latin_1(folder: Path) -> None:
    """Make a link to a folder whose name is no UTF-8."""
    (folder / os.fsdecode(b"a\xe7\xf5es")).symlink_to("../out")


def _nested(folder: Path) -> None:
    """Make folders in each other; of 1,500 whoever calls himself for each would die."""
    (folder / "/".join("n" * 50)).mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            _latin_1,
            Problem(
                r"'a\udce7\udcf5es'",
                0,
                0,
                "cannot be read: it is a link to a folder",
                "unreadable",
                "see whether it is there, and who may read it",
            ),
        ),
        (
            _nested,
            Problem(
                "/".join("n" * 21),
                0,
                0,
                "cannot be read: it lies more than 20 folders deep",
                "unreadable",
                "see whether it is there, and who may read it",
            ),
        ),
    ],
    ids=["a name in Latin-1", "fifty folders in each other"],
)
def test_a_folder_that_is_odd_is_told_in_what_can_be_shown(
    tmp_path: Path, spoil: Callable[[Path], None], expected: Problem
) -> None:
    """Whatever stands in it has a digest, and a problem that can be written down."""
    folder = tmp_path / "policies"
    write(folder)
    (tmp_path / "out").mkdir()
    spoil(folder)

    content = look_into(folder)

    assert (expected,) == content.problems
    assert 64 == len(content.digest)
    assert str(expected).isprintable()


def test_folders_may_lie_in_each_other(tmp_path: Path) -> None:
    """Twenty deep is read, which nobody needs."""
    write(tmp_path, OTHER, "n/" * 20 + "a.polar")

    assert (f"{'n/' * 20}a.polar", "reasons.toml") == tuple(
        one.file for one in look_into(tmp_path).sources
    )


def test_what_is_not_read_for_its_name_is_told_and_keeps_nothing_out(tmp_path: Path) -> None:
    """Another name is another content, since it may be meant; at most twenty are told."""
    write(tmp_path)
    policy = CurrentPolicy(tmp_path, gate=OpenGate())
    policy.load()
    before = policy.current()
    digest = look_into(tmp_path).digest
    (tmp_path / "closed.polar.txt").touch()
    (tmp_path / "187.627.946-04.polar.txt").touch()
    (tmp_path / os.fsdecode(b"\xe7.polar.txt")).touch()

    policy.load()

    attempt = policy.status.attempt
    assert attempt is not None
    assert (Outcome.APPLIED, before) == (attempt.outcome, policy.current())
    assert ("[cpf].polar.txt", "closed.polar.txt", r"'\udce7.polar.txt'") == attempt.passed_over
    assert digest != attempt.content

    for number in range(30):
        (tmp_path / f"{number}.polar.txt").touch()
    policy.load()
    assert policy.status.attempt is not None
    assert 20 == len(policy.status.attempt.passed_over)


def test_how_many_questions_were_asked_is_told_of_what_passed(tmp_path: Path) -> None:
    """What was refused by the gate has no number, as nobody knows how far that came."""
    write(tmp_path)
    gate = OpenGate()
    gate.questions = 7
    policy = CurrentPolicy(tmp_path, gate=gate)

    policy.load()
    assert policy.status.attempt is not None
    assert 7 == policy.status.attempt.questions

    write(tmp_path, OTHER)
    gate.error = PolicyInvalid([Problem("a.polar", 1, 2, "is wrong")])
    policy.load()
    refused = policy.status.attempt
    assert refused is not None
    assert (Outcome.REFUSED, None) == (refused.outcome, refused.questions)
