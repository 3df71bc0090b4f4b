"""Deciding about logins, foreign companies and others' entities."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from authz_service.domain.companies import Validation
from authz_service.domain.decision import (
    UNKNOWN_TYPE,
    Actor,
    Asked,
    CompanyAsked,
    Decision,
    Impossible,
    ProcessAsked,
    Question,
    Resource,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import CompanyFacts, Facts, ProcessFacts
from authz_service.domain.identifiers import Login
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessName
from tests.domain.document import (
    ABROAD,
    COLLEAGUE_ABROAD,
    COMPANY,
    MEMBER,
    P001,
    PARTNER,
    REPRESENTATIVE,
    REPRESENTATIVE_ABROAD,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import foreign
from tests.usecases.house import CALLER, House, leaks

USER = Thing(EntityName("user", "beth"), {"role": "admin"})
LABORATORY = Thing(EntityName("laboratory", "L-17"))
PROCESS = ProcessAsked(ProcessName("P001"), ABROAD)
QUESTION = Question(REPRESENTATIVE_ABROAD, "open", PROCESS)


def by_standing(_question: Question, facts: Facts) -> Decision:
    """Allow whose standing in the company is in force."""
    company = facts.resource
    if isinstance(company, ProcessFacts):
        company = company.company
    allowed = isinstance(company, CompanyFacts) and company.standing.in_force
    return Decision(allowed=allowed, reasons=("represents" if allowed else "no-permit",))


@pytest.fixture(name="abroad")
def _abroad(house: House) -> House:
    """Give a house that knows a validated foreign company, and goes by standing."""
    house.store.foreign.add(foreign(123, validation=Validation.VALIDATED), untold)
    house.policy.verdict = by_standing
    return house


def allowed(house: House, actor: Actor, resource: Resource) -> bool:
    """Tell whether *actor* may open *resource*."""
    return house.point.decide(Question(actor, "open", resource), CALLER).decision.allowed


# Foreign companies


def test_a_login_is_answered_like_anybody(abroad: House) -> None:
    """The answer's text names the process and the foreign number, as people write it."""
    answer = abroad.point.decide(QUESTION, CALLER)
    assert answer.decision.allowed
    assert P001.label == answer.process
    assert f"pt represents open {P001.label} EX-0000123-0" == answer.text.pt


def test_a_login_stands_in_the_record_as_a_surrogate(abroad: House) -> None:
    """The record says what kind of subject it was, and the company's number."""
    abroad.point.decide(QUESTION, CALLER, instance="4711")
    [record] = abroad.decisions
    assert (
        Asked(
            action="open",
            actor=abroad.surrogate(REPRESENTATIVE_ABROAD),
            actor_type="login",
            company=ABROAD,
            process=P001.id,
            named="P001",
            version=3,
            actor_evidence=Evidence.ASSERTED,
        )
        == record.asked
    )
    assert "4711" == record.instance
    assert [] == leaks([record], [REPRESENTATIVE_ABROAD])


@pytest.mark.parametrize("validation", list(Validation))
def test_until_validated_nothing_is_allowed(house: House, validation: Validation) -> None:
    """And no more once it is withdrawn."""
    house.store.foreign.add(foreign(123, validation=validation), untold)
    house.policy.verdict = by_standing
    assert (validation is Validation.VALIDATED) == allowed(house, REPRESENTATIVE_ABROAD, PROCESS)


def test_what_the_desk_does_counts_for_the_next_decision(house: House) -> None:
    """Registered, validated, changed, a login taken away, withdrawn: each from then on."""
    house.policy.verdict = by_standing
    desk, seen = house.foreign_desk, []
    made = desk.register("x", "DE", [REPRESENTATIVE_ABROAD], CALLER).id

    def ask() -> None:
        both = (REPRESENTATIVE_ABROAD, COLLEAGUE_ABROAD)
        seen.append(tuple(allowed(house, login, CompanyAsked(made)) for login in both))

    ask()
    desk.validate(made, CALLER)
    ask()
    desk.change(made, CALLER, representatives=[REPRESENTATIVE_ABROAD, COLLEAGUE_ABROAD])
    ask()
    desk.validate(made, CALLER)
    ask()
    desk.change(made, CALLER, representatives=[COLLEAGUE_ABROAD])
    ask()
    desk.withdraw(made, CALLER)
    ask()
    no, first, both, second = (False, False), (True, False), (True, True), (False, True)
    assert [no, first, no, both, second, no] == seen


@pytest.mark.parametrize(
    ("actor", "resource"),
    [
        (COLLEAGUE_ABROAD, PROCESS),
        (Login(REPRESENTATIVE_ABROAD.value.upper()), PROCESS),
        (REPRESENTATIVE, PROCESS),
        (REPRESENTATIVE, CompanyAsked(ABROAD)),
        (REPRESENTATIVE_ABROAD, ProcessAsked(ProcessName("P001"), COMPANY)),
        (REPRESENTATIVE_ABROAD, CompanyAsked(COMPANY)),
    ],
    ids=["colleague", "case", "sócio", "sócio reads", "national", "national reads"],
)
def test_standing_is_in_the_own_company_alone(
    abroad: House, actor: Actor, resource: Resource
) -> None:
    """A person has none in a foreign company, and a login none in a national one."""
    abroad.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, NOON + timedelta(1), CALLER)
    assert not allowed(abroad, actor, resource)
    assert allowed(abroad, REPRESENTATIVE, CompanyAsked(COMPANY))
    assert allowed(abroad, REPRESENTATIVE_ABROAD, PROCESS)


# Others' entities


def test_an_entity_is_described_before_the_policy_is_asked(house: House) -> None:
    """What the question says of actor and resource first, then what is stored of them."""
    house.entities.stored = {
        USER.name: {"role": "viewer", "mail": "beth@x.example"},
        LABORATORY.name: {"state": "active"},
    }
    seen: list[tuple[Question, Any, Any]] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append((question, facts.actor, facts.resource))
        return Decision(allowed=True, reasons=("represents",))

    house.policy.verdict = verdict
    house.point.decide(Question(USER, "read", LABORATORY), CALLER)
    [(question, actor, resource)] = seen
    about_user = {"role": "admin", "mail": "beth@x.example"}
    about_laboratory = {"state": "active"}
    assert (
        Question(Thing(USER.name, about_user), "read", Thing(LABORATORY.name, about_laboratory))
        == question
    )
    assert (about_user, about_laboratory) == (actor.properties, resource.properties)
    assert ("user", "beth", "laboratory", "L-17") == (
        actor.type,
        actor.id,
        resource.type,
        resource.id,
    )


def test_an_entity_that_is_not_described_is_what_the_question_says(house: House) -> None:
    """Only the type has to be known."""
    house.entities.stored = {EntityName("laboratory", "L-1"): {"state": "active"}}
    asked = Thing(LABORATORY.name, {"owner": "x"})
    answer = house.point.decide(Question(MEMBER, "read", asked), CALLER)
    assert answer.decision.allowed
    assert answer.facts is not None
    assert asked.properties == getattr(answer.facts.resource, "properties", None)


def test_an_entity_stands_in_the_record_without_its_properties(house: House) -> None:
    """Who acts as a surrogate under its type, what is acted on by type and id."""
    house.entities.stored = {USER.name: {}, LABORATORY.name: {"secret": "x-marks-the-spot"}}
    question = Question(USER, "read", LABORATORY, recipient=PARTNER, context={"a": "b-in-context"})
    answer = house.point.decide(question, CALLER)
    [record] = house.decisions
    assert (
        Asked(
            action="read",
            actor=house.surrogate(USER.name),
            actor_type="user",
            recipient=house.surrogate(PARTNER),
            entity=("laboratory", "L-17"),
            actor_evidence=Evidence.ASSERTED,
        )
        == record.asked
    )
    assert "pt represents read  " == answer.text.pt
    assert (None, None) == (answer.process, record.asked.company)
    for hidden in ("beth", "admin", "x-marks", "b-in-context"):
        assert hidden not in repr(record)


def test_a_cpf_in_the_id_of_an_entity_does_not_reach_the_log(house: House) -> None:
    """Other services may name their entities by CPF."""
    laboratory = EntityName("laboratory", f"of {MEMBER.digits}")
    user = Thing(EntityName("user", MEMBER.digits))
    house.entities.stored = {laboratory: {}, user.name: {}}
    house.point.decide(Question(user, "read", Thing(laboratory)), CALLER)
    [record] = house.decisions
    assert ("laboratory", "of [cpf]") == record.asked.entity
    assert [] == leaks([record], [MEMBER])
    assert house.surrogate(user.name) == record.asked.actor != house.surrogate(MEMBER)


@pytest.mark.parametrize(
    ("actor", "resource"),
    [
        (Thing(EntityName("robot", "r2")), CompanyAsked(COMPANY)),
        (MEMBER, Thing(EntityName("planet", "x"))),
        (USER, Thing(EntityName("planet", "x"))),
        (Thing(EntityName("robot", "r2")), LABORATORY),
        (Thing(EntityName("User", "beth")), LABORATORY),
    ],
    ids=["actor", "resource", "resource alone", "actor alone", "case"],
)
def test_an_entity_of_an_unknown_type_is_denied(
    house: House, actor: Actor, resource: Resource
) -> None:
    """No policy is asked and nobody gets a surrogate; the record has the instance."""
    house.entities.stored = {USER.name: {}, LABORATORY.name: {}}
    answer = house.point.decide(Question(actor, "open", resource), CALLER, instance="4711")
    assert Decision(allowed=False, reasons=(UNKNOWN_TYPE,)) == answer.decision
    [record] = house.decisions
    assert (Asked(action="open"), "4711") == (record.asked, record.instance)
    assert {} == house.store._tables.surrogates


def test_a_batch_may_mix_whatever_can_be_asked(abroad: House) -> None:
    """Answers keep the order of the questions, and each subject has a name of its own kind."""
    abroad.entities.stored = {USER.name: {}, LABORATORY.name: {}}
    questions: list[Question | Impossible] = [
        Question(USER, "read", LABORATORY),
        QUESTION,
        Question(Thing(EntityName("robot", "r2")), "read", LABORATORY),
        Question(Login("beth"), "open", PROCESS),
        Question(MEMBER, "open", CompanyAsked(COMPANY)),
    ]
    answers = abroad.point.decide_all(questions, CALLER)
    assert [False, True, False, False, False] == [one.decision.allowed for one in answers]
    kinds = [one.asked.actor_type for one in abroad.decisions]
    assert ["user", "login", None, "login", "person"] == kinds
    assert 4 == len({one.asked.actor for one in abroad.decisions if one.asked.actor is not None})
