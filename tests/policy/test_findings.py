"""What exploring finds that cannot be meant: rules without effect, situations without answer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from authz_service.domain.decision import Question
from authz_service.domain.errors import Problem
from authz_service.domain.known import Known
from authz_service.policy.bundle import build, collect
from authz_service.policy.judging.findings import CHECKS, findings
from authz_service.settings import SHIPPED_POLICIES
from tests.policy.compiled import policy
from tests.policy.facts import facts
from tests.policy.test_properties import HELPER, rules, situations

OTHER = 'permit(_p: Person, "renounce", _r: Process, "third");'
OPEN = 'permit(_p: Person, "open", r: Process, "first") if\n    r.state = "open";'
HAS_STANDING = 'r.company.standing.role != "none"'


def found(*rules: str) -> list[Problem]:
    """Give the findings about *rules*, of which each begins on a line of its own."""
    return findings(policy("\n".join(rules)).explore())


def told(*rules: str) -> list[tuple[str, int, str]]:
    """Give the findings about *rules*: code, line and message."""
    return [(one.check, one.line, one.message) for one in found(*rules)]


def test_nothing_is_found_in_the_shipped_policies() -> None:
    """The policies that come with the service have no rule without effect, and never err."""
    assert [] == findings(build(collect(SHIPPED_POLICIES)).explore())


NEVER = {
    "two conditions of which one excludes the other": (
        'permit(_p: Person, "open", r: Process, "first") if\n'
        '    r.state = "open" and r.state = "closed";'
    ),
    "facts that nobody has together": (
        'permit(p: Person, "open", _r: Process, "first") if p.confirmed and not p.registered;'
    ),
    "what no fact of the company ever is": (
        'forbid(_p: Person, "open", r: Process, "first") if\n'
        '    r.company.origin = "foreign" and r.company.bond.in_force;'
    ),
    "an action that the head leaves no room for": (
        'forbid(_p, action, _r: Company, "first") if\n    action = "open" and action = "delegate";'
    ),
}


@pytest.mark.parametrize("rule", NEVER.values(), ids=NEVER)
def test_a_rule_that_can_never_speak_is_found(rule: str) -> None:
    """It is told with its place, whatever way its conditions exclude each other."""
    [one] = found(OTHER, rule)

    assert ("rules.polar", 2, 0, "never-speaks") == (one.file, one.line, one.column, one.check)
    assert "never speak" in one.message
    assert one.remedy


def test_a_rule_that_speaks_of_one_kind_of_question_speaks() -> None:
    """A rule about everybody that can only apply to persons is none that never speaks."""
    rule = (
        'forbid(_actor, action, r: Process, "first") if\n'
        '    action = "delegate" and r.question.recipient != nil;'
    )

    assert [] == found(OTHER, OPEN, rule)


def test_a_permit_that_is_always_overruled_is_found() -> None:
    """A forbid that speaks wherever the permit does is named, another that may be silent is not."""
    narrow = 'forbid(_a, _b, r: Process, "third") if not r.company.bond.recorded;'
    wide = 'forbid(_a, _b, r: Process, "second") if r.state in ["open", "unknown"];'

    assert [
        (
            "always-overruled",
            2,
            "is overruled wherever it speaks, by the forbid at rules.polar:5",
        )
    ] == told(OTHER.replace("Process", "Company"), OPEN, narrow, wide)


def test_forbids_that_overrule_together_are_named_together() -> None:
    """No forbid alone stands in the way, but one of the two always does."""
    forbids = (
        'forbid(p: Person, "open", _r: Process, "second") if p.registered;',
        'forbid(p: Person, "open", _r: Process, "third") if not p.registered;',
        'forbid(p: Person, "open", _r: Process, "third") if p.confirmed;',
    )

    assert [
        (
            "always-overruled",
            2,
            "is overruled wherever it speaks, by the forbid at rules.polar:4, rules.polar:5",
        )
    ] == told(OTHER, OPEN, *forbids)


def test_a_forbid_that_leaves_room_overrules_nothing() -> None:
    """One situation in which every forbid is silent is enough, however many forbids there are."""
    forbids = (
        'forbid(p: Person, "open", _r: Process, "second") if p.registered;',
        'forbid(_p: Person, "open", r: Process, "third") if r.company.bond.recorded;',
        'forbid(_p: Person, "open", r: Process, "third") if r.question.recipient != nil;',
    )

    assert [] == found(OTHER, OPEN, *forbids)


def test_a_permit_is_judged_over_all_kinds_of_question() -> None:
    """What is forbidden to every person but to no login is not always overruled."""
    permit = 'permit(_actor, "open", r: Process, "first") if\n    r.state = "open";'
    forbid = 'forbid(_p: Person, _action, _r: Process, "second");'

    assert [] == found(OTHER.replace("Process", "Company"), permit, forbid)


def test_a_permit_that_a_mistake_locks_out_is_told_with_the_mistake() -> None:
    """A rule that errs wherever a permit speaks is one problem, and names the permit."""
    permit = 'permit(_p: Person, "open", r: Process, "first") if r.question.recipient = nil;'
    forbid = 'forbid(_p: Person, "open", r: Process, "second") if r.question.recipient.registered;'

    [one] = found(OTHER, permit, forbid)

    assert ("errs", 3) == (one.check, one.line)
    assert one.message.endswith("; it locks out everybody whom rules.polar:2 would permit")


ERRS = {
    "days of who has no standing": (
        "r.company.standing.days <= 7",
        'process.company.standing.days = nil (so role = "none")',
        "nil has no order",
    ),
    "days of who has no role, as is asked": (
        'r.company.standing.role = "none" and r.company.standing.days <= 7',
        'process.company.standing.role = "none" and process.company.standing.days = nil',
        "nil has no order",
    ),
    "days behind a condition that does not matter": (
        f'r.state = "open" and (r.company.standing.days <= 7 or {HAS_STANDING})',
        'process.state = "open" and process.company.standing.days = nil (so role = "none")',
        "nil has no order",
    ),
    "a recipient who is not there": (
        "not r.question.recipient.confirmed",
        "process.question.recipient = nil",
        "reads `confirmed` from nil",
    ),
    "the minutes of a sign-in": (
        "r.question.sign_in != nil and r.question.sign_in.minutes > 5",
        "process.question.sign_in != nil and process.question.sign_in.minutes = nil",
        "nil has no order",
    ),
    "a version that only the caller names": (
        'r.code != "P001" and r.version > 2',
        'process.code != "P001" and process.version = nil (so state = "unknown")',
        "nil has no order",
    ),
    "the code of an unknown process": (
        'r.code < "P061"',
        'process.code = nil (so state = "unknown")',
        "nil has no order",
    ),
    "what the caller leaves out": (
        "r.question.context.amount > 2",
        "process.question.context.amount = nil",
        "nil has no order",
    ),
    "what the caller leaves out on the way": (
        "r.question.context.order.amount = 2",
        "process.question.context.order = nil",
        "reads `amount` from nil",
    ),
}


@pytest.mark.parametrize(("condition", "where", "cause"), ERRS.values(), ids=ERRS)
def test_a_situation_in_which_a_rule_errs_is_shown(condition: str, where: str, cause: str) -> None:
    """It is as small as can be, reads as a rule does, and says what goes wrong there."""
    [one] = found(OTHER, f'forbid(_p: Person, "open", r: Process, "first") if {condition};')

    assert ("errs", 2) == (one.check, one.line)
    said = f'errs, and so denies everybody, where {where} (Person, "open", Process): {cause}'
    assert said == one.message
    assert "`!= nil`" in one.remedy


def test_whom_a_mistake_locks_out_is_told() -> None:
    """The permits are named that would permit where the rule errs, and none that would not."""
    mistaken = (
        'permit(_p: Person, "open", r: Process, "second") if r.company.standing.days <= 7;',
        'permit(_p: Person, "open", r: Process, "first") if r.delegation.state = "in_force";',
        f'permit(_p: Person, "open", r: Process, "first") if {HAS_STANDING};',
        'permit(_p: Person, "open", r: Process, "first") if r.state = "closed";',
        'permit(_p: Person, "open", r: Process, "first") if r.company.standing.role = "none";',
        'forbid(_p: Person, "open", r: Process, "third") if r.state = "closed";',
    )

    [one, overruled] = found(OTHER, *mistaken)

    assert "always-overruled" == overruled.check
    assert one.message.endswith(
        "; it locks out everybody whom rules.polar:6 would permit"
        "; it locks out some of those whom rules.polar:3 would permit"
    )


def test_a_fact_that_only_some_classes_have_is_found() -> None:
    """A resource of any class is read as if it were a process: all else errs, and always."""
    rule = 'forbid(_p, _action, r, "first") if\n    r.state = "open";'

    problems = found(OTHER, rule)

    assert ["errs", "errs"] == [one.check for one in problems]
    for one, name in zip(problems, ("Company", "Resource"), strict=True):
        assert f'always (Person, "open", {name}): reads `state`, which {name}' in one.message
        assert "`process: Process`" in one.remedy


def test_of_many_rules_some_are_named() -> None:
    """A message stays readable however many permits a mistake takes along."""
    permits = [OPEN.replace("\n", "")] * 12
    rule = 'forbid(_p: Person, "open", r: Process, "third") if r.company.standing.days <= 7;'

    [one] = found(OTHER, *permits, rule)

    several = ", ".join(f"rules.polar:{line}" for line in range(2, 7))
    assert f"some of those whom {several} and 7 more would permit" in one.message


def test_one_mistake_of_one_rule_is_told_once() -> None:
    """However many kinds of question a rule is about, and however many ways lead there."""
    rule = (
        'forbid(_actor, _action, r: Process, "first") if\n'
        '    r.state in ["open", "closed"] and r.company.standing.days <= 7;'
    )

    assert [("errs", 2)] == [(one.check, one.line) for one in found(OTHER, rule)]


def test_two_mistakes_of_one_rule_are_told_apart() -> None:
    """What is nil in two places has to be asked in two places."""
    rule = (
        'forbid(_p: Person, "open", r: Process, "first") if\n'
        "    r.company.standing.days <= 7 or r.company.bond.standing.days <= 7;"
    )

    assert ["process.company.bond.standing.days", "process.company.standing.days"] == [
        one.remedy.split("`")[1] for one in found(OTHER, rule)
    ]


def test_a_rule_that_errs_wherever_it_is_asked_is_not_told_to_be_silent_as_well() -> None:
    """Why it never speaks is the mistake, and one problem is enough."""
    rule = (
        "helper(p: Person) if p.registered;\n"
        'forbid(_p: Person, "open", r: Process, "first") if\n'
        "    r.question.recipient = nil and helper(r.question.recipient);"
    )

    [one] = found(OTHER, rule)

    assert "errs" == one.check
    assert "where process.question.recipient = nil (" in one.message


ONLY_ASSERTED = {
    "a text where a number is compared": (
        "r.question.context.amount != nil and r.question.context.amount != 2"
    ),
    "a text where facts are read": (
        "r.question.context.order != nil and r.question.context.order.amount = 2"
    ),
    "a list where a text is compared": 'r.question.context.channel = "web"',
    "a list where true is compared": "r.question.context.exception = true",
}


@pytest.mark.parametrize("condition", ONLY_ASSERTED.values(), ids=ONLY_ASSERTED)
def test_what_a_caller_brings_upon_itself_is_no_problem(condition: str) -> None:
    """A caller that asserts a wrong kind of value denies nobody but its own question."""
    assert [] == found(OTHER, f'forbid(_p: Person, "open", r: Process, "first") if {condition};')


def test_an_order_of_what_cannot_all_be_tried_is_no_problem() -> None:
    """A rule that orders texts cannot be explored to the end, which is no mistake."""
    rule = (
        'forbid(_p: Person, "open", r: Process, "first") if\n'
        '    r.code != nil and r.code < "P061" and r.code > "P060";'
    )
    explored = policy(f"{OTHER}\n{rule}").explore()

    assert not all(one.complete for one in explored.rules)
    assert [] == findings(explored)


def test_a_rule_without_an_answer_that_lasts_is_found() -> None:
    """A bare condition that only a caller can make true or false ends in an error of oso's own."""
    rule = 'forbid(_p: Person, "open", r: Process, "first") if r.question.context.exception;'

    [one] = found(OTHER, rule)

    assert ("no-answer", 2) == (one.check, one.line)
    assert "= true" in one.remedy


def test_an_answer_that_is_missing_at_the_end_of_a_long_way_is_found() -> None:
    """As it is where other ways through the rule have answers."""
    rule = (
        'forbid(_p: Person, "open", r: Process, "first") if\n'
        '    r.state = "open" and r.question.context.exception;'
    )

    assert ["no-answer"] == [one.check for one in found(OTHER, rule)]


def test_a_rule_with_too_many_ways_is_found() -> None:
    """What cannot be explored cannot be judged, so it is told to be made smaller."""
    words = {
        "state": "open",
        "delegation.state": "none",
        "company.standing.role": "socio",
        "company.standing.cadastrador": "yes",
        "company.bond.standing.role": "socio",
        "company.bond.standing.cadastrador": "yes",
    }
    read = [f'(r.{path} = "{word}" or r.{path} != "{word}")' for path, word in words.items()]
    rule = f'forbid(_p: Person, "open", r: Process, "first") if {" and ".join(read)};'

    [one] = found(OTHER, rule)

    assert ("too-many-ways", 2) == (one.check, one.line)


@pytest.mark.uncovered
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rules(), min_size=1, max_size=3), st.lists(situations(), min_size=3, max_size=6))
def test_what_is_found_is_so_and_what_is_so_is_found(
    drawn: list[str], asked: list[tuple[Question, Known]]
) -> None:
    """
    Whatever the policy, and whatever is asked.

    A rule that is told never to speak is silent, a permit that is told to be overruled permits
    nothing, and every rule that errs, unless by what the caller asserts, was told to err.
    """
    made = policy("\n".join([OTHER, *drawn, HELPER]))
    assume(not made.flaws)
    problems = findings(made.explore())
    never = _places(problems, "never-speaks")
    overruled = _places(problems, "always-overruled")
    erring = _places(problems, "errs", "no-answer", "too-many-ways")
    event(f"never: {len(never)}, overruled: {len(overruled)}, erring: {len(erring)}")

    for question, known in asked:
        decision = made.evaluate(question, facts(question, known))
        assert not never.intersection(decision.rules)
        assert not (decision.allowed and overruled.intersection(decision.rules))
        if question.context.get("soft") != "true" and question.context.get("amount") != "3":
            assert erring.issuperset(error.rule for error in decision.errors)


def _places(problems: list[Problem], *checks: str) -> set[str]:
    return {f"{one.file}:{one.line}" for one in problems if one.check in checks}


def test_every_code_is_declared() -> None:
    """The codes of what is found here are those that programs can tell it by."""
    assert {"never-speaks", "always-overruled", "errs", "no-answer", "too-many-ways"} == CHECKS
