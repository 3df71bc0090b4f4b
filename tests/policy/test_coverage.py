"""What tests reach of a policy, and what they are told to lack: all of it, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from authz_service.domain.decision import Observation, Question
from authz_service.domain.facts import Facts, ProcessFacts
from authz_service.policy.border.probes import Read
from authz_service.policy.bundle import build, collect, collect_suites
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import LoadedRule, Said
from authz_service.policy.diagrams.diagram import Diagram, Step
from authz_service.policy.diagrams.engine import RuleTree
from authz_service.policy.diagrams.exploring import ExploredRule
from authz_service.policy.suites import suite
from authz_service.policy.suites.coverage import Coverage, Reached, Share
from tests.policy.compiled import policy
from tests.policy.facts import KNOWN, OPEN, asserting, facts

SHIPPED = Path(__file__).parents[2] / "policies"
Asked = tuple[Question, Facts]

CONFIRMED = (OPEN, facts())
UNKNOWN = (OPEN, facts(known=replace(KNOWN, people=())))


def in_state(state: str) -> Asked:
    """Give the usual question about a process in *state*."""
    about = facts()
    assert isinstance(about.resource, ProcessFacts)
    return OPEN, replace(about, resource=replace(about.resource, state=state))


def channel(value: object) -> Asked:
    """Give the usual question with something that a caller asserts."""
    return OPEN, facts(asserting({} if value is None else {"channel": value}))


def covered(rules: str, asked: Sequence[Asked]) -> Coverage:
    """Give what questions reach of *rules*."""
    compiled = policy(rules)
    reached = Reached(compiled.explore())
    for question, about in asked:
        compiled.evaluate(question, about)
        reached.note(question, about)
    return reached.coverage()


def told(share: Share) -> list[str]:
    """Give what is missing, as it is shown."""
    return [str(gap) for gap in share.gaps]


PERMIT = 'permit(p: Person, "open", _r: Process, "first") if p.confirmed;'
FORBID = 'forbid(_p: Person, "open", r: Process, "second") if r.state = "closed";'
ROLES = """permit(_p: Person, "open", r: Process, "first") if
    r.company.standing.role in ["socio", "representante_legal"];
permit(_p: Person, "open", r: Process, "second") if r.state in ["open", "closed"];"""


def test_nothing_asked_reaches_nothing() -> None:
    """Every rule is named, and every outcome of every condition that makes a difference to it."""
    found = covered(f"{PERMIT}\n{FORBID}", [])

    assert (0, 2, 0.0) == (found.rules.covered, found.rules.of, found.rules.percent)
    assert [
        "rules.polar:1  the permit never spoke",
        "rules.polar:1  the permit was never silent",
        "rules.polar:2  the forbid never spoke",
        "rules.polar:2  the forbid was never silent",
    ] == told(found.rules)
    assert (0, 2) == (found.conditions.covered, found.conditions.of)
    assert [
        "rules.polar:1  person.confirmed was never false",
        "rules.polar:1  person.confirmed was never true",
        'rules.polar:2  process.state was never "closed"',
        'rules.polar:2  process.state was never "open" or "unknown"',
    ] == told(found.conditions)


def test_what_is_half_reached_is_not_covered() -> None:
    """A rule that only spoke, and a condition that only held, are named for what is missing."""
    found = covered(PERMIT, [CONFIRMED])

    assert (0, ["rules.polar:1  the permit was never silent"]) == (
        found.rules.covered,
        told(found.rules),
    )
    assert (0, ["rules.polar:1  person.confirmed was never false"]) == (
        found.conditions.covered,
        told(found.conditions),
    )


def test_what_is_reached_on_both_sides_is_covered() -> None:
    """Nothing is missing then, and the share is 100 percent."""
    found = covered(PERMIT, [CONFIRMED, UNKNOWN])

    assert Coverage(Share(1, 1, ()), Share(1, 1, ())) == found
    assert (100.0, 100.0) == (found.rules.percent, found.conditions.percent)


def test_a_share_of_nothing_is_whole() -> None:
    """A policy without a condition lacks no test of one; a rule without one is never silent."""
    found = covered('permit(_p: Person, "open", _r: Process, "first");', [CONFIRMED])

    assert Coverage(Share(1, 1, ()), Share(0, 0, ())) == found
    assert 100.0 == found.conditions.percent


def test_words_between_which_a_rule_does_not_choose_are_one() -> None:
    """One of two roles is enough, and one of all others; many words are told by the few others."""
    role = "rules.polar:1  process.company.standing.role was never"

    assert [
        f'{role} "representante_legal" or "socio"',
        f'{role} other than "representante_legal" or "socio"',
        'rules.polar:3  process.state was never "closed" or "open"',
        'rules.polar:3  process.state was never "unknown"',
    ] == told(covered(ROLES, []).conditions)
    [missing] = told(covered(ROLES, [CONFIRMED, in_state("unknown")]).conditions)
    assert missing.startswith(role)


def test_outcomes_that_are_told_apart_somewhere_are_two() -> None:
    """What makes no difference at first may make one behind another condition."""
    found = covered(
        'permit(p: Person, "open", r: Process, "first") if\n'
        '    (p.confirmed and r.state = "open") or\n'
        '    (not p.confirmed and r.state in ["open", "closed"]);',
        [],
    )

    assert [
        "rules.polar:1  person.confirmed was never false",
        "rules.polar:1  person.confirmed was never true",
        'rules.polar:1  process.state was never "closed"',
        'rules.polar:1  process.state was never "open"',
        'rules.polar:1  process.state was never "unknown"',
    ] == told(found.conditions)


def test_what_cannot_be_is_not_asked_for() -> None:
    """Who is confirmed is registered, so nobody has to be one without the other."""
    found = covered(
        'permit(p: Person, "open", _r: Process, "first") if p.confirmed and p.registered;',
        [CONFIRMED, UNKNOWN],
    )

    assert ((1, ()), (1, ())) == (
        (found.conditions.covered, found.conditions.gaps),
        (found.rules.covered, found.rules.gaps),
    )


def test_an_error_is_not_asked_for() -> None:
    """Neither a comparison without an answer nor a nil on the way, which the check tells of."""
    days = 'permit(_p: Person, "open", r: Process, "first") if r.company.standing.days <= 7;'
    nil = 'permit(_p: Person, "open", r: Process, "first") if r.question.recipient.confirmed;'

    assert [
        "rules.polar:1  process.company.standing.days <= 7 was never false",
        "rules.polar:1  process.company.standing.days <= 7 was never true",
    ] == [one for one in told(covered(days, []).conditions) if "<=" in one]
    assert not [one for one in told(covered(nil, []).conditions) if "nil was never true" in one]


def test_an_error_is_no_silence() -> None:
    """A rule that errs has neither spoken nor been silent."""
    nil = 'permit(_p: Person, "open", r: Process, "first") if r.question.recipient.confirmed;'

    assert [
        "rules.polar:1  the permit never spoke",
        "rules.polar:1  the permit was never silent",
    ] == told(covered(nil, [CONFIRMED]).rules)


def test_what_leads_to_nothing_but_errors_is_no_condition() -> None:
    """The rule never speaks, which is told; what it looks at on its way to an error is not."""
    found = covered(
        'permit(_p: Person, "open", r: Process, "first") if r.question.recipient = nil and\n'
        '    (r.state = "open" or r.state != "open") and r.question.recipient.registered;',
        [CONFIRMED],
    )

    assert (Share(0, 0, ()), "rules.polar:1  the permit never spoke") == (
        found.conditions,
        told(found.rules)[0],
    )


def test_what_callers_assert_is_told_in_words() -> None:
    """True and false as such, what is missing as nil, and any other value as another."""
    path = "process.question.context.channel"
    true = 'permit(_p: Person, "open", r: Process, "first") if r.question.context.channel = true;'
    there = true.replace("= true", "!= nil")

    assert [
        f"rules.polar:1  {path} was never false, nil or anything else",
        f"rules.polar:1  {path} was never true",
    ] == told(covered(true, []).conditions)
    assert () == covered(true, [channel(None), channel(value=True)]).conditions.gaps
    assert f"rules.polar:1  {path} was never nil" in told(covered(there, []).conditions)


def test_a_rule_is_reached_by_whoever_it_concerns() -> None:
    """An action, or an actor, of which a rule does not speak says nothing of it."""
    delegate = replace(OPEN, action="delegate")

    found = covered(PERMIT, [CONFIRMED, (delegate, facts(delegate, replace(KNOWN, people=())))])

    assert ["rules.polar:1  the permit was never silent"] == told(found.rules)


def test_a_condition_counts_for_whatever_action_comes_to_it() -> None:
    """A rule that sees the action looks at some things for one action alone."""
    found = covered(
        f'{PERMIT}\nforbid(_a, action, r: Process, "second") if\n'
        '    action = "delegate" and r.state = "closed";',
        [],
    )

    assert 'rules.polar:2  process.state was never "closed"' in told(found.conditions)


def test_no_class_holds_outcomes_that_make_a_difference() -> None:
    """What never meets one of a class may be told apart from another of it."""
    exploration = policy(PERMIT).explore()
    tree = RuleTree(LoadedRule("p_0001", "permit", "rules.polar:1"), Diagram())
    for confirmed, state, reasons in (
        (True, "closed", "first"),
        (True, "open", "first"),
        (False, "open", "first"),
        (False, "unknown", None),
    ):
        ways = (("person.confirmed", confirmed), ("process.state", state))
        steps = [Step(Read(path), seen, Observation(path, seen)) for path, seen in ways]
        tree.diagram.learn(steps, Said(frozenset(filter(None, [reasons]))))
    exploration.rules = (ExploredRule(exploration.rules[0].head, tree, complete=True),)

    assert [
        "rules.polar:1  person.confirmed was never false",
        "rules.polar:1  person.confirmed was never true",
        'rules.polar:1  process.state was never "closed" or "open"',
        'rules.polar:1  process.state was never "unknown"',
    ] == told(Reached(exploration).coverage().conditions)


def test_an_action_that_no_rule_tells_apart_is_another_one() -> None:
    """A rule about any action is reached by one that nobody has heard of."""
    rules = 'permit(p: Person, _action, _r: Process, "first") if p.confirmed;'
    dance = replace(OPEN, action="dance")

    found = covered(rules, [(dance, facts(dance)), UNKNOWN])

    assert (1, 1) == (found.rules.covered, found.conditions.covered)


def test_a_way_that_nobody_knows_is_not_noted() -> None:
    """Facts out of their bounds are no way through a rule."""
    rules = f"{PERMIT}\n{FORBID}"

    assert covered(rules, [CONFIRMED]) != covered(rules, [])
    assert [
        "rules.polar:2  the forbid never spoke",
        "rules.polar:2  the forbid was never silent",
    ] == [one for one in told(covered(rules, [in_state("boarded-up")]).rules) if ":2" in one]


def test_the_same_answers_are_given_rule_by_rule() -> None:
    """What each rule said to a question can be had, with a rule that was silent among them."""
    compiled = policy(f"{PERMIT}\n{FORBID}")
    reached = Reached(compiled.explore())

    answers = reached.answers(*in_state("open"))

    assert [("rules.polar:1", ["first"]), ("rules.polar:2", [])] == [
        (one.rule.place, list(one.said.reasons)) for one in answers
    ]


@pytest.fixture(name="shipped", scope="module")
def _shipped() -> CompiledPolicy:
    compiled = build(collect(SHIPPED))
    compiled.explore()
    return compiled


def test_the_shipped_policies_are_covered_by_their_tests(shipped: CompiledPolicy) -> None:
    """Every rule speaks and is silent, every condition comes out each way that counts."""
    reached = Reached(shipped.explore())
    suite.run(shipped, collect_suites(SHIPPED), reached.note)

    coverage = reached.coverage()

    assert ([], []) == (told(coverage.rules), told(coverage.conditions))
    assert len(shipped.rules) == coverage.rules.of
    assert coverage.conditions.of > 2 * coverage.rules.of


@pytest.mark.parametrize("file", ["delegating_test.toml", "foreign_test.toml", "sign_in_test.toml"])
def test_every_topic_of_the_shipped_tests_counts(shipped: CompiledPolicy, file: str) -> None:
    """Without the questions about it, its own rules are among what is not reached."""
    reached = Reached(shipped.explore())
    others = [one for one in collect_suites(SHIPPED) if one.file != file]
    suite.run(shipped, others, reached.note)

    gaps = reached.coverage().conditions.gaps

    assert file.replace("_test.toml", ".polar") in {gap.file for gap in gaps}
