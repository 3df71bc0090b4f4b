"""Facts of logins, foreign companies and others' entities."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import Actor, CompanyAsked, ProcessAsked, Question
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import (
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    ResourceFacts,
    StandingFacts,
    SubjectFacts,
)
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName
from tests.domain.document import (
    ABROAD,
    COLLEAGUE_ABROAD,
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    REPRESENTATIVE_ABROAD,
)
from tests.domain.gathered import company_of
from tests.fakes.clock import NOON

NOTHING = StandingFacts("none", "none", in_force=False)
NO_BOND = BondFacts(recorded=False, in_force=False, standing=NOTHING)
PARTICULARS = QuestionFacts(None, "asserted", {}, {})
USER = Thing(EntityName("user", "u1"), {"role": "admin"})
LABORATORY = Thing(EntityName("laboratory", "L-17"), {"state": "active"})


def company(
    validation: Validation = Validation.VALIDATED, validated_at_days_ago: int = 0
) -> ForeignCompany:
    """Give the foreign company with one representative."""
    at = NOON - timedelta(days=validated_at_days_ago)
    return ForeignCompany(
        ABROAD,
        "Prüfwerk GmbH",
        "DE",
        (REPRESENTATIVE_ABROAD,),
        at,
        validation,
        at if validation is Validation.VALIDATED else None,
    )


def about(actor: Actor, known: Known) -> CompanyFacts:
    """Give the facts of the foreign company for *actor*."""
    return company_of(facts_of(Question(actor, "open", CompanyAsked(ABROAD)), known, NOON))


def test_a_process_for_a_foreign_company_has_all_its_facts() -> None:
    """The company has no CNPJ, no filial and no delegations; the login is its representative."""
    question = Question(REPRESENTATIVE_ABROAD, "open", ProcessAsked(ProcessName("P001", 2), ABROAD))
    expected = Facts(
        actor=LoginFacts("anna.schmidt"),
        resource=ProcessFacts(
            id="p001",
            code="P001",
            version=2,
            state="open",
            company=CompanyFacts(
                id="EX00001230",
                cnpj=None,
                origin="foreign",
                validation="validated",
                standing=StandingFacts("representante_legal", "inmetro", in_force=True, days=3),
                bond=NO_BOND,
                question=PARTICULARS,
            ),
            delegation=DelegationFacts("none", None, NOTHING, NOTHING),
            question=PARTICULARS,
        ),
        process=P001,
    )
    known = Known(process=P001, foreign=company(validated_at_days_ago=3))
    assert expected == facts_of(question, known, NOON)


@pytest.mark.parametrize(
    ("validation", "in_force", "days"),
    [
        (Validation.PENDING, False, None),
        (Validation.VALIDATED, True, 0),
        (Validation.WITHDRAWN, False, None),
    ],
)
def test_until_validated_no_standing_is_in_force(
    validation: Validation, in_force: bool, days: int | None
) -> None:
    """Whom the team named is known, and counts once the team has looked, until it withdraws."""
    found = about(REPRESENTATIVE_ABROAD, Known(foreign=company(validation)))
    assert validation.value == found.validation
    expected = StandingFacts("representante_legal", "inmetro", in_force=in_force, days=days)
    assert expected == found.standing


def test_a_validation_in_the_future_is_of_today() -> None:
    """Two machines' clocks differ; no rule sees a negative age."""
    known = Known(foreign=company(validated_at_days_ago=-1))
    assert 0 == about(REPRESENTATIVE_ABROAD, known).standing.days


@pytest.mark.parametrize(
    "actor",
    [COLLEAGUE_ABROAD, MEMBER, Thing(EntityName("user", REPRESENTATIVE_ABROAD.value))],
    ids=["login", "person", "entity"],
)
def test_nobody_else_has_standing_in_a_foreign_company(actor: Actor) -> None:
    """A person with a CPF has none, nor has an entity of the login's name."""
    assert NOTHING == about(actor, Known(foreign=company())).standing


def test_a_foreign_company_that_nobody_registered_is_unknown() -> None:
    """Then nobody represents it, and rules can speak of it."""
    found = about(REPRESENTATIVE_ABROAD, Known())
    assert ("foreign", "unknown", NOTHING) == (found.origin, found.validation, found.standing)


@pytest.mark.parametrize("actor", [REPRESENTATIVE_ABROAD, USER], ids=["login", "entity"])
def test_only_persons_have_standing_in_a_national_company(actor: Actor) -> None:
    """Whatever is known of the company and its matriz, it is of persons."""
    standings = tuple(
        Standing(one, MEMBER, Role.SOCIO, Evidence.GOVBR, NOON) for one in (COMPANY, FILIAL)
    )
    known = Known((Person(MEMBER, NOON),), bond=Bond(FILIAL, COMPANY, "ata", NOON))
    known = Known(known.people, bond=known.bond, standings=standings, foreign=company())
    found = company_of(facts_of(Question(actor, "open", CompanyAsked(FILIAL)), known, NOON))
    assert ("national", "none") == (found.origin, found.validation)
    assert (NOTHING, NOTHING) == (found.standing, found.bond.standing)
    assert found.bond.in_force


def test_others_entities_have_what_is_said_of_them() -> None:
    """Type, id and properties, with the question's particulars at the resource."""
    question = Question(
        USER, "read", LABORATORY, recipient=MEMBER, context={"a": 1}, properties={"b": 2}
    )
    particulars = QuestionFacts(
        PersonFacts(MEMBER.digits, registered=True, confirmed=False),
        "asserted",
        {"a": 1},
        {"b": 2},
    )
    assert Facts(
        SubjectFacts("user", "u1", {"role": "admin"}),
        ResourceFacts("laboratory", "L-17", {"state": "active"}, particulars),
    ) == facts_of(question, Known((Person(MEMBER, NOON),)), NOON)


def test_a_person_may_ask_about_anothers_entity() -> None:
    """The facts of the person are the store's, as for any other question."""
    facts = facts_of(Question(MEMBER, "read", LABORATORY), Known((Person(MEMBER, NOON),)), NOON)
    assert PersonFacts(MEMBER.digits, registered=True, confirmed=False) == facts.actor
    assert PARTICULARS == facts.question


def test_facts_do_not_show_who_is_meant() -> None:
    """Logins, ids and properties are personal data, or may be."""
    login = repr(facts_of(Question(REPRESENTATIVE_ABROAD, "read", LABORATORY), Known(), NOON))
    user = repr(facts_of(Question(USER, "read", LABORATORY), Known(), NOON))
    for hidden in ("anna.schmidt", "u1", "admin", "L-17", "active"):
        assert hidden not in login + user
