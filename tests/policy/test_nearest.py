"""The nearest allow: it turns the decision, nothing in it is too much, and nothing is nearer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.domain.companies import Validation
from authz_service.domain.decision import (
    ACTIONS,
    POLICY_ERROR,
    CompanyAsked,
    Decision,
    ProcessAsked,
    Question,
    RuleError,
)
from authz_service.domain.facts import Facts, PersonFacts
from authz_service.domain.known import Known, facts_of
from authz_service.domain.nearest import Way
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.policy.bundle import build, collect
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import LoadedRule
from authz_service.policy.diagrams.diagram import Diagram
from authz_service.policy.diagrams.engine import RuleTree
from authz_service.policy.kinds import PERMIT
from authz_service.policy.nearness import nearest as searching
from authz_service.policy.nearness.changes import MOVES
from authz_service.policy.nearness.nearest import needed
from authz_service.policy.suites.suite import read
from tests.fakes.clock import NOON
from tests.policy.compiled import policy
from tests.policy.facts import ACME, ANA, BIA, FILIAL, FROM_ABROAD, GMBH, OPEN, P001, READ, SIGN_IN
from tests.policy.nearness import allowed, changed, lesser, of, reached
from tests.policy.recorded import delegation, recorded

SHIPPED = Path(__file__).parents[2] / "policies"
LONG_AGO = NOON - timedelta(days=9)
YEARS_AGO = NOON - timedelta(days=900)
SOCIO = Standing(ACME, ANA, Role.SOCIO, Evidence.GOVBR, LONG_AGO)
BACKER = Standing(ACME, BIA, Role.SOCIO, Evidence.GOVBR, NOON)
MEMBER = Person(ANA, NOON, NOON)
DELEGATE = replace(OPEN, action="delegate", recipient=BIA)


@cache
def shipped() -> CompiledPolicy:
    """Compile the shipped policies once."""
    return build(collect(SHIPPED))


def codes(ways: tuple[Way, ...]) -> list[list[str]]:
    """Give the codes of the changes in each way."""
    return [[one.code for one in way.changes] for way in ways]


def near(
    question: Question, known: Known, on: CompiledPolicy | None = None
) -> tuple[Facts, tuple[Way, ...]]:
    """Give the facts of a denial, and the ways out of it."""
    facts = facts_of(question, known, NOON)
    on = on or shipped()
    assert not on.evaluate(question, facts).allowed
    return facts, on.nearest(question, facts)


ROLES = [["role-socio"], ["role-representante-legal"]]
DENIALS: dict[str, tuple[Question, Known, list[list[str]]]] = {
    "a stranger opens": (
        OPEN,
        Known(process=P001),
        [["person-registered", "person-confirmed", "delegation-granted"], *ROLES],
    ),
    "a member who is confirmed opens": (
        OPEN,
        Known(people=(MEMBER,), process=P001),
        [["delegation-granted"], *ROLES],
    ),
    "a member whose delegation is over opens": (
        OPEN,
        Known(
            (MEMBER,), P001, delegation(ACME, "expired"), standings=(replace(BACKER, person=BIA),)
        ),
        [["delegation-renewed"], *ROLES],
    ),
    "a member who is not confirmed opens": (
        OPEN,
        Known(
            (Person(ANA, NOON),),
            P001,
            delegation(ACME, "in_force", BIA),
            standings=(BACKER,),
        ),
        [["person-confirmed"], *ROLES],
    ),
    "a member opens whose grantor was seen years ago": (
        OPEN,
        Known(
            (MEMBER,),
            P001,
            delegation(ACME, "in_force", BIA),
            standings=(replace(BACKER, observed_at=YEARS_AGO),),
        ),
        [["delegation-renewed"], *ROLES],
    ),
    "a sócio who was seen long ago opens": (
        OPEN,
        Known((MEMBER,), P001, standings=(SOCIO,)),
        [
            ["standing-renewed"],
            ["delegation-granted"],
            ["bond-recorded", "delegation-granted-by-matriz"],
        ],
    ),
    "a sócio who was seen long ago delegates": (
        DELEGATE,
        Known((MEMBER, Person(BIA, NOON, NOON)), P001, standings=(SOCIO,)),
        [
            ["standing-renewed"],
            ["bond-recorded", "matriz-role-socio"],
            ["bond-recorded", "matriz-role-representante-legal"],
        ],
    ),
    "a sócio delegates to a stranger": (
        DELEGATE,
        Known((MEMBER,), P001, standings=(replace(SOCIO, observed_at=NOON),)),
        [["recipient-registered", "recipient-confirmed"]],
    ),
    "a sócio delegates to who is not confirmed": (
        DELEGATE,
        Known((MEMBER, Person(BIA, NOON)), P001, standings=(replace(SOCIO, observed_at=NOON),)),
        [["recipient-confirmed"]],
    ),
    "a sócio opens a closed process by power of attorney": (
        replace(OPEN, sign_in=SIGN_IN.handle),
        Known(
            (MEMBER,),
            replace(P001, state=ProcessState.CLOSED),
            standings=(replace(SOCIO, observed_at=NOON),),
            sign_in=replace(SIGN_IN, agent=True),
        ),
        [["sign-in-in-own-name", "process-reopened"]],
    ),
    "a process that is not in the catalogue": (OPEN, Known(standings=(SOCIO,)), []),
    "a sócio of the matriz delegates for a filial whose bond has ended": (
        replace(DELEGATE, resource=ProcessAsked(ProcessName("P001"), FILIAL)),
        Known(
            (MEMBER, Person(BIA, NOON, NOON)),
            P001,
            bond=Bond(FILIAL, ACME, "proof", NOON, NOON.date() - timedelta(days=1)),
            standings=(replace(SOCIO, observed_at=NOON),),
        ),
        [["bond-renewed"], *ROLES],
    ),
    "a sócio of the matriz, seen long ago, reads for a filial": (
        replace(READ, resource=CompanyAsked(FILIAL)),
        Known((MEMBER,), bond=Bond(FILIAL, ACME, "proof", NOON), standings=(SOCIO,)),
        [["matriz-standing-renewed"], *ROLES],
    ),
    "a login whom nobody named": (
        FROM_ABROAD,
        Known(process=P001, foreign=replace(GMBH, representatives=())),
        [["representative-named"]],
    ),
    "a representative of a company that waits": (
        FROM_ABROAD,
        Known(
            process=P001,
            foreign=replace(GMBH, validation=Validation.PENDING, validated_at=None),
        ),
        [["company-validated"]],
    ),
    "a company that nobody registered": (
        FROM_ABROAD,
        Known(process=P001),
        [["company-validated", "representative-named"]],
    ),
    "an action that no rule permits": (replace(OPEN, action="delete"), Known(process=P001), []),
}


@pytest.mark.parametrize(("question", "known", "expected"), DENIALS.values(), ids=DENIALS)
def test_typical_denials_have_these_ways_out(
    question: Question, known: Known, expected: list[list[str]]
) -> None:
    """Under the shipped policies, the lightest first."""
    assert expected == codes(near(question, known)[1])


def test_only_what_the_person_does_alone_is_step_up() -> None:
    """Signing in again is; what takes anybody else is a refusal until it is done."""
    ways = near(*DENIALS["a sócio who was seen long ago opens"][:2])[1]
    assert [True, False, False] == [one.step_up for one in ways]
    mixed = near(*DENIALS["a sócio opens a closed process by power of attorney"][:2])[1]
    assert [False] == [one.step_up for one in mixed]


def test_a_way_tells_the_facts_that_differ_and_no_others() -> None:
    """What it is, and what it would have to be, under the path that rules use."""
    [change] = near(*DENIALS["a sócio who was seen long ago opens"][:2])[1][0].changes
    [one] = change.differences
    assert ("process.company.standing.days", 9, 0) == (one.fact, one.now, one.needed)


def test_a_way_is_told_in_one_sentence() -> None:
    """For citizens, in both languages."""
    way = near(*DENIALS["a stranger opens"][:2])[1][0]
    assert way.pt == (
        "Para obter a permissão, o que ainda faltar: a própria pessoa se cadastra pelo GOV.BR; "
        "o Orquestra confirma o cadastro da pessoa; um sócio ou representante legal da empresa "
        "delega o processo à pessoa."
    )
    assert way.en == (
        "To be allowed, whatever is still missing: the person signs up through GOV.BR; Orquestra "
        "confirms the person's registration; a partner or legal representative of the company "
        "delegates the process to the person."
    )


def test_a_way_of_one_change_is_told_as_it_is() -> None:
    """Where there is one thing to do, it has not been done."""
    way = near(*DENIALS["a member who is confirmed opens"][:2])[1][0]
    assert way.pt == (
        "Para obter a permissão: um sócio ou representante legal da empresa delega o processo à "
        "pessoa."
    )
    assert way.en == (
        "To be allowed: a partner or legal representative of the company delegates the process to "
        "the person."
    )


STEPS = {
    "level": ('level in ["silver", "gold"]', [["account-silver"]]),
    "gold": ('level = "gold"', [["account-gold"]]),
    "method": ('method = "certificate"', [["sign-in-certificate"]]),
    "app": ('method = "app"', [["sign-in-app"]]),
    "bank": ('method = "bank"', [["sign-in-bank"]]),
    "device": (
        'certificate = "device"',
        [["sign-in-certificate"]],
    ),
    "cloud": ('certificate = "cloud"', [["sign-in-cloud-certificate"]]),
    "second factor": ("second_factor", [["sign-in-second-factor"]]),
    "company": ("cnpj = process.company.cnpj", [["sign-in-company-certificate"]]),
    "own": ("agent = false", [["sign-in"]]),
}


@pytest.mark.parametrize(("condition", "expected"), STEPS.values(), ids=STEPS)
def test_who_has_not_signed_in_is_told_how(condition: str, expected: list[list[str]]) -> None:
    """One sign-in, of the kind that the rule wants, and no plain one before it."""
    rule = (
        'permit(_p: Person, "open", process: Process, "first") if '
        f"process.question.sign_in != nil and process.question.sign_in.{condition};"
    )
    on = policy(rule)
    facts, ways = near(OPEN, Known(process=P001), on)
    assert expected[:1] == codes(ways)[:1]
    assert all(one.step_up for one in ways)
    assert all(allowed(on, OPEN, changed(facts, of(one))) for one in ways)


def test_a_certificate_of_the_company_replaces_none_of_another_kind() -> None:
    """Who came in with a cloud certificate uses the company's of the same kind."""
    on = policy(
        'permit(_p: Person, "open", process: Process, "first") if '
        "process.question.sign_in != nil and process.question.sign_in.cnpj = process.company.cnpj;"
    )
    question = replace(OPEN, sign_in=SIGN_IN.handle)
    cloud = replace(SIGN_IN, methods=("x509_neoid",), certificate_company=None)
    facts, [way] = near(question, Known(process=P001, sign_in=cloud), on)
    assert ["process.question.sign_in.cnpj"] == [one.fact for one in of(way)]
    assert allowed(on, question, changed(facts, of(way)))


def test_nothing_turns_a_denial_that_only_the_rules_cause() -> None:
    """A rule that always errs is to be mended."""
    on = policy(
        'permit(_p: Person, "open", _r: Process, "first");'
        'forbid(p: Person, "open", _r: Process, "second") if p.registred;'
    )
    assert () == near(OPEN, Known(process=P001), on)[1]


def test_a_rule_of_which_nothing_is_known_is_no_way_out() -> None:
    """What was not explored is not guessed at."""
    facts = facts_of(OPEN, Known(process=P001), NOON)
    unknown = RuleTree(LoadedRule("p_0001", PERMIT, "a.polar:1"), Diagram())

    def evaluate(_facts: Facts) -> Decision:
        return Decision(allowed=True, reasons=("first",))

    assert () == searching.nearest(facts, [unknown], evaluate)


def test_a_rule_that_errs_is_got_around() -> None:
    """Where other facts keep it from erring, they are a way."""
    on = policy(
        'permit(_p: Person, "open", _r: Process, "first");'
        'forbid(_p: Person, "open", r: Process, "second") if r.company.standing.days < 3 and '
        'r.state = "unknown";'
    )
    facts, ways = near(OPEN, Known(process=P001), on)
    assert ["role-socio"] in codes(ways)
    assert all(allowed(on, OPEN, changed(facts, of(one))) for one in ways)


def test_two_facts_that_are_compared_may_both_have_to_differ() -> None:
    """A comparison of two facts comes true by whichever of them can differ."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if '
        "r.company.standing.role = r.delegation.backing.role and r.company.standing.in_force;"
    )
    facts, ways = near(OPEN, Known(process=P001), on)
    assert ["role-socio", "delegation-granted"] in codes(ways)
    assert all(allowed(on, OPEN, changed(facts, of(one))) for one in ways)


def test_two_facts_may_have_to_differ_before_a_comparison_does() -> None:
    """Two people were seen on two days, neither of them today; today both can be."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if '
        "r.company.standing.days = r.delegation.backing.days;"
    )
    backer = replace(BACKER, observed_at=NOON - timedelta(days=5))
    known = Known((MEMBER,), P001, delegation(ACME, "in_force", BIA), standings=(SOCIO, backer))
    facts, ways = near(OPEN, known, on)
    assert ["standing-renewed", "delegation-renewed"] in codes(ways)
    assert all(allowed(on, OPEN, changed(facts, of(one))) for one in ways)


def test_where_one_way_is_wanted_it_is_the_lightest() -> None:
    """Even where a heavier one has less in it."""
    ways = near(*DENIALS["a stranger opens"][:2])[1]
    facts = facts_of(*DENIALS["a stranger opens"][:2], NOON)

    def evaluate(one: Facts) -> Decision:
        return shipped().evaluate(OPEN, one)

    only = searching.nearest(facts, shipped()._trees(OPEN, facts), evaluate, most=1)
    assert 3 == len(ways)
    assert [["role-socio"]] == codes(ways[1:2])
    assert codes(ways[:1]) == codes(only)


def test_ways_that_differ_in_the_same_facts_are_one() -> None:
    """Where a delegation or who gave it may be renewed, the third way is one of its own."""
    facts, ways = near(*DENIALS["a member opens whose grantor was seen years ago"][:2])
    [first, *_others] = ways
    assert [("process.delegation.backing.days", 900, 0)] == [
        (one.fact, one.now, one.needed) for one in of(first)
    ]
    renewed = [one for one in MOVES if one.code == "backing-renewed"]

    def evaluate(one: Facts) -> Decision:
        return shipped().evaluate(OPEN, one)

    # By itself it is a way, with the same facts.
    [other] = searching.nearest(facts, shipped()._trees(OPEN, facts), evaluate, renewed)
    assert (["backing-renewed"], of(first)) == (codes((other,))[0], of(other))


def test_the_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy in which there is too much to look at costs no more than the bound."""
    monkeypatch.setattr(searching, "MOST_LOOKS", 1)
    assert [] == codes(near(*DENIALS["a stranger opens"][:2])[1])


def test_what_is_allowed_has_no_way_out() -> None:
    """Nothing is missing there."""
    known = Known((MEMBER,), P001, standings=(replace(SOCIO, observed_at=NOON),))
    assert () == shipped().nearest(OPEN, facts_of(OPEN, known, NOON))


def test_where_nothing_is_known_of_an_error_all_is_tried() -> None:
    """A time-out may tell nothing of what it looked at, and yet other facts help."""
    facts = facts_of(OPEN, Known(process=P001), NOON)
    erred = Decision(allowed=False, reasons=(POLICY_ERROR,), errors=(RuleError("a:1", "slow"),))

    def evaluate(one: Facts) -> Decision:
        registered = isinstance(one.actor, PersonFacts) and one.actor.registered
        return Decision(allowed=True, reasons=("first",)) if registered else erred

    wanted = {"person.registered": True}
    assert wanted == needed(facts, {"process.state": "closed", **wanted}, evaluate)


def test_of_facts_that_cannot_be_all_that_moves_do_is_told() -> None:
    """Where no part of the differences is possible, none is left out."""
    facts = facts_of(OPEN, Known(process=P001), NOON)
    resource: Any = facts.resource
    impossible = replace(facts, resource=replace(resource, id=None))
    values = {"person.registered": True, "company.standing.in_force": True}
    allow = Decision(allowed=True, reasons=("first",))
    assert values == needed(impossible, values, lambda _facts: allow)


def check(on: CompiledPolicy, question: Question, facts: Facts, most: int) -> int:
    """Hold the ways out of a denial to what is promised of them; give how many there are."""
    if on.evaluate(question, facts).allowed:
        return 0
    ways = on.nearest(question, facts)
    assert len(ways) <= searching.MOST_WAYS
    assert len(ways) == len({frozenset(of(one)) for one in ways})
    for way in ways:
        assert allowed(on, question, changed(facts, of(way)))
        assert all(one.differences for one in way.changes)
        assert all(one.now != one.needed or one.now is None for one in of(way))
        if len(of(way)) <= 12:
            assert not any(allowed(on, question, part) for part in lesser(facts, way))
    tried = [one for one in reached(facts, most) if allowed(on, question, one[1])]
    smallest = min((len(one.changes) for one in ways), default=most + 1)
    assert min((len(moved) for moved, _facts in tried), default=most + 1) == min(smallest, most + 1)
    for way in ways:
        mine = {one.code for one in way.changes}
        assert not any(moved < mine for moved, _facts in tried)
    return len(ways)


@pytest.mark.parametrize("file", sorted(one.name for one in SHIPPED.glob("*_test.toml")))
def test_ways_out_of_what_the_shipped_tests_deny(file: str, request: pytest.FixtureRequest) -> None:
    """Exactly these facts turn the decision, no part of them does, and nothing is nearer."""
    asked = read(file, (SHIPPED / file).read_bytes())
    step, most = (1, 3) if request.config.getoption("--soak") else (7, 2)
    found = [
        check(shipped(), one.question, facts_of(one.question, one.known, one.moment), most)
        for one in asked[::step]
    ]
    assert sum(found)


@settings(max_examples=25, deadline=None)
@given(recorded(), st.sampled_from(ACTIONS))
def test_ways_out_of_any_denial(situation: tuple[Question, Known], action: str) -> None:
    """The same of whatever is on record."""
    question = replace(situation[0], action=action)
    check(shipped(), question, facts_of(question, situation[1], NOON), 2)


SOUND = (
    "p.registered",
    "p.confirmed",
    'r.state = "open"',
    'r.company.standing.role in ["socio", "contador"]',
    'r.company.standing.evidence = "asserted"',
    "r.company.standing.in_force",
    'r.company.standing.cadastrador = "yes"',
    '(r.company.standing.role != "none" and r.company.standing.days <= 7)',
    "r.company.bond.in_force",
    'r.company.bond.standing.role = "socio"',
    'r.delegation.state = "in_force"',
    "r.delegation.version = r.version",
    "r.delegation.backing.in_force",
    'r.delegation.matriz_backing.role = "representante_legal"',
    "(r.question.recipient = nil or r.question.recipient.confirmed)",
    'r.question.actor_evidence = "govbr"',
    "(r.question.sign_in != nil and r.question.sign_in.cnpj = r.company.cnpj)",
    '(r.question.sign_in != nil and r.question.sign_in.level = "gold")',
    "(r.question.sign_in != nil and r.question.sign_in.second_factor)",
    "r.company.standing.role = r.delegation.backing.role",
    # What errs, or may.
    "r.company.standing.days <= 7",
    "r.question.recipient.confirmed",
    "r.question.sign_in.agent",
    "r.question.context.a",
    "r.question.context.b > 2",
)
condition = st.recursive(
    st.sampled_from(SOUND),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
    ),
    max_leaves=4,
)


@st.composite
def drawn_rules(draw: st.DrawFn) -> str:
    """Draw two permits and a forbid."""
    return "\n".join(
        f'{kind}(p: Person, "open", r: Process, "{code}") if {draw(condition)} '
        "and p.cpf != nil and r.id != nil;"
        for kind, code in (("permit", "first"), ("permit", "second"), ("forbid", "third"))
    )


@pytest.mark.uncovered
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_rules(), st.lists(recorded(), min_size=4, max_size=4))
def test_ways_out_under_any_policy(rules: str, situations: list[tuple[Question, Known]]) -> None:
    """The same under rules that nobody would write."""
    on = policy(rules)
    for question, known in situations:
        check(on, question, facts_of(question, known, NOON), 2)
