"""What holds for every policy: forbids only take away, and order never matters."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from authz_service.domain.decision import ACTIONS, Decision, Question
from authz_service.domain.known import Known
from authz_service.domain.people import Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessState
from tests.fakes.clock import NOON
from tests.policy.compiled import CODES, policy
from tests.policy.facts import ACME, ANA, BIA, OPEN, P001, SIGN_IN, facts

SOUND = (
    "p.cpf != nil",
    "r.version < 9",
    "r.question.context.absent = nil",
    "p.registered",
    "p.confirmed",
    'r.state = "open"',
    'r.state in ["closed", "unknown"]',
    'r.company.standing.role in ["socio", "representante_legal"]',
    'r.company.standing.evidence = "asserted"',
    "r.company.standing.in_force",
    "r.version = r.delegation.version",
    "r.question.recipient = nil",
    'r.company.standing.cadastrador != "no"',
    '(r.company.standing.role != "none" and r.company.standing.days <= 7)',
    "(r.question.sign_in != nil and r.question.sign_in.cnpj = r.company.cnpj)",
    "helper(p, r)",
)
ERRING = (
    "r.question.recipient.confirmed",
    "r.question.context.soft",
    "r.question.sign_in.agent",
    "r.company.standing.days <= 7",
    "r.question.context.amount > 2",
    "p.registred",
    "r.code < 3",
    'r.state = "opne"',
)
HELPER = 'helper(p: Person, r: Process) if p.registered and not r.state = "closed";'

condition = st.recursive(
    # Few that err, or nothing would be allowed that a forbid could take away.
    st.sampled_from(SOUND * 4 + ERRING),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
    ),
    max_leaves=4,
)


@st.composite
def rules(draw: st.DrawFn, kind: str | None = None) -> str:
    """Draw one permit or forbid; every argument is used, as oso wants it."""
    kind = kind or draw(st.sampled_from(["permit", "forbid"]))
    action = draw(st.sampled_from(['"open"', '"open"', "_action", '"delegate"']))
    code = draw(st.sampled_from(CODES))
    body = draw(condition)
    head = f'{kind}(p: Person, {action}, r: Process, "{code}")'
    return f"{head} if {body} and p.cpf != nil and r.id != nil;"


@st.composite
def situations(draw: st.DrawFn) -> tuple[Question, Known]:
    """Draw a question and what is known about it."""
    question = replace(
        OPEN,
        action=draw(st.sampled_from(["open", "open", "open", *ACTIONS, "approve"])),
        recipient=draw(st.sampled_from([None, BIA])),
        context=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "soft": st.sampled_from([True, False, None, "true"]),
                    "amount": st.sampled_from([1, 3, 2.5, "3", True]),
                },
            )
        ),
        sign_in=draw(st.sampled_from([None, SIGN_IN.handle])),
    )
    when = draw(st.sampled_from([(NOON, NOON), (NOON, None), (None, None)]))
    standing = Standing(
        ACME,
        ANA,
        draw(st.sampled_from(Role)),
        draw(st.sampled_from(Evidence)),
        draw(st.sampled_from([NOON, NOON - timedelta(days=8)])),
        draw(st.sampled_from([None, NOON])),
        draw(st.sampled_from([None, True, False])),
    )
    known = Known(
        people=(Person(ANA, *when), Person(BIA, *draw(st.just(when)))),
        process=draw(st.sampled_from([P001, P001, replace(P001, state=ProcessState.CLOSED), None])),
        standings=draw(st.sampled_from([(), (standing,)])),
        sign_in=draw(st.sampled_from([SIGN_IN, replace(SIGN_IN, certificate_company=None)])),
    )
    return question, known


def decide(texts: dict[str, str], situation: tuple[Question, Known]) -> Decision:
    """Decide one situation by the rules of some files."""
    question, known = situation
    return policy({**texts, "helper.polar": HELPER}).evaluate(question, facts(question, known))


def outcome(decision: Decision) -> tuple[bool, tuple[str, ...], set[str]]:
    """Give of a decision what may not depend on where rules stand."""
    causes = {re.sub(r"^flaw: \S+ ", "flaw: ", error.cause) for error in decision.errors}
    return decision.allowed, decision.reasons, causes


BASE = 'permit(_p: Person, "renounce", _r: Process, "first");'
many = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.uncovered
@many
@given(
    st.lists(rules(), max_size=4), rules("forbid"), st.lists(situations(), min_size=1, max_size=4)
)
def test_a_forbid_never_adds_an_allow(
    given_rules: list[str], forbid: str, asked: list[tuple[Question, Known]]
) -> None:
    """Whatever a policy says, one more forbid can only turn an allow into a denial."""
    before = "\n".join(['permit(_p: Person, _a, _r: Process, "first");', *given_rules])

    for situation in asked:
        narrow = decide({"a.polar": f"{before}\n{forbid}"}, situation)
        wide = decide({"a.polar": before}, situation)
        event(f"allowed before: {wide.allowed}, after: {narrow.allowed}")
        assert wide.allowed or not narrow.allowed


@pytest.mark.uncovered
@many
@given(
    st.lists(rules(), min_size=2, max_size=5).flatmap(
        lambda one: st.tuples(st.just(one), st.permutations(one))
    ),
    st.lists(st.sampled_from(["a.polar", "b.polar", "sub/c.polar"]), min_size=5, max_size=5),
    situations(),
)
def test_order_of_rules_and_files_never_matters(
    orders: tuple[list[str], list[str]], files: list[str], situation: tuple[Question, Known]
) -> None:
    """The same rules in another order and in other files give the same decision."""
    first, second = orders
    split: dict[str, str] = {"z.polar": BASE}
    for rule, file in zip(second, files, strict=False):
        split[file] = f"{split.get(file, '')}\n{rule}"

    together = decide({"a.polar": "\n".join([BASE, *first])}, situation)

    assert outcome(together) == outcome(decide(split, situation))


@many
@given(st.lists(rules(), max_size=5), situations())
def test_a_decision_is_whole(given_rules: list[str], situation: tuple[Question, Known]) -> None:
    """Every decision has a reason; an allow has no error behind it; an error is a denial."""
    decision = decide({"a.polar": "\n".join([BASE, *given_rules])}, situation)

    assert decision.reasons
    assert bool(decision.errors) == (decision.reasons == ("policy-error",))
    assert not (decision.allowed and decision.errors)
