"""What every store promises about foreign companies and who represents them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import Actor, CompanyAsked, ProcessAsked, Question, Resource
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import Conflict, LogUnavailable
from authz_service.domain.facts import CompanyFacts, LoginFacts, ResourceFacts, SubjectFacts
from authz_service.domain.identifiers import ForeignId, Login
from authz_service.domain.people import Bond
from authz_service.domain.processes import Ambiguous, ProcessName
from tests.domain.document import (
    ABROAD,
    CATALOGUE,
    COLLEAGUE_ABROAD,
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    P061_CADASTRO,
    P061_REGISTRO,
    REPRESENTATIVE,
    REPRESENTATIVE_ABROAD,
)
from tests.domain.gathered import company_of, gather
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import HOUR, Store, foreign, standing

OTHERS = (Login("b"), Login("A"), Login("a"))


def _change(store: Store, before: ForeignCompany, after: ForeignCompany) -> int:
    return store.foreign.change(before, after, NOON + HOUR, untold)


def _refuse(_revision: int) -> None:
    raise LogUnavailable("the decision log cannot be written")


def _ask(actor: Actor, resource: Resource) -> Question:
    return Question(actor, "open", resource)


@pytest.mark.parametrize(
    "company",
    [
        foreign(),
        foreign(representatives=()),
        foreign(representatives=OTHERS),
        foreign(validation=Validation.VALIDATED),
        foreign(validation=Validation.WITHDRAWN),
        replace(foreign(), name="Ñandú & Söhne 測試 \N{BOAR}", country="CL"),
        replace(foreign(), registered_at=NOON + timedelta(microseconds=1)),
        foreign(9_999_999),
    ],
    ids=["one", "nobody", "several", "validated", "withdrawn", "letters", "instant", "number"],
)
def test_a_company_comes_back_as_it_was_kept(store: Store, company: ForeignCompany) -> None:
    """Every part of it, to the microsecond, and the logins in the order of their naming."""
    heard: list[int] = []
    before = store.facts.gather([], NOON).revision

    assert before + 1 == store.foreign.add(company, heard.append)
    assert [before + 1] == heard
    assert company == store.foreign.find(company.id)


def test_a_company_that_nobody_registered_is_none(store: Store) -> None:
    """Another number is another company."""
    store.foreign.add(foreign(1), untold)

    assert store.foreign.find(ForeignId.of_number(2)) is None


def test_a_number_is_given_once(store: Store) -> None:
    """Whoever comes second is refused, and nothing of the first is touched."""
    store.foreign.add(foreign(), untold)
    heard: list[int] = []
    other = foreign(name="Another", representatives=OTHERS)
    with pytest.raises(Conflict):
        store.foreign.add(other, heard.append)

    assert [] == heard
    assert foreign() == store.foreign.find(foreign().id)


def test_a_change_replaces_what_is_kept(store: Store) -> None:
    """Name, country, validation and logins are those of the change, and no other company's."""
    store.foreign.add(foreign(1), untold)
    store.foreign.add(foreign(2), untold)
    after = replace(
        foreign(1, (*OTHERS, COLLEAGUE_ABROAD), "Anders", Validation.VALIDATED), country="AT"
    )
    heard: list[int] = []
    revision = store.foreign.change(foreign(1), after, NOON + HOUR, heard.append)

    assert [revision] == heard
    assert after == store.foreign.find(after.id)
    assert foreign(2) == store.foreign.find(foreign(2).id)


def test_who_stays_keeps_the_place_before_who_is_new(store: Store) -> None:
    """Logins stand in the order in which they were named; who was away is named anew."""
    first, second, third = OTHERS
    store.foreign.add(foreign(representatives=[first, second]), untold)
    for wanted in ([second, first], [third, second], [first, third, second]):
        found = store.foreign.find(foreign().id)
        assert found is not None
        _change(store, found, foreign(representatives=wanted))
    found = store.foreign.find(foreign().id)
    assert found is not None

    assert (second, third, first) == found.representatives


@pytest.mark.parametrize(
    "seen",
    [
        foreign(name="Another"),
        foreign(representatives=()),
        foreign(validation=Validation.VALIDATED),
        foreign(2),
    ],
    ids=["name", "representatives", "validation", "number"],
)
def test_a_change_of_what_is_no_longer_so_is_refused(store: Store, seen: ForeignCompany) -> None:
    """What one saw is what one changes: two of the team do not undo each other's work."""
    store.foreign.add(foreign(), untold)
    with pytest.raises(Conflict, match=r"^the company was changed meanwhile$"):
        _change(store, seen, replace(seen, country="AT"))

    assert foreign() == store.foreign.find(foreign().id)


def test_what_cannot_be_told_is_not_done(store: Store) -> None:
    """Registering and changing are told to the log within the transaction."""
    with pytest.raises(LogUnavailable):
        store.foreign.add(foreign(1), _refuse)
    store.foreign.add(foreign(2), untold)
    revision = store.facts.gather([], NOON).revision
    with pytest.raises(LogUnavailable):
        store.foreign.change(foreign(2), foreign(2, OTHERS, "Other"), NOON + HOUR, _refuse)

    assert [None, foreign(2)] == [store.foreign.find(foreign(one).id) for one in (1, 2)]
    assert revision == store.facts.gather([], NOON).revision


# As facts


@pytest.mark.parametrize("validation", list(Validation))
def test_a_representative_counts_while_the_company_is_validated(
    store: Store, validation: Validation
) -> None:
    """Until validated, and once withdrawn, what the login is in the company is not in force."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.foreign.add(foreign(validation=validation), untold)
    asked = ProcessAsked(ProcessName("P001"), foreign().id)
    about_process, about_company = gather(
        store.facts,
        _ask(REPRESENTATIVE_ABROAD, asked),
        _ask(REPRESENTATIVE_ABROAD, CompanyAsked(foreign().id)),
    )

    assert company_of(about_process) == company_of(about_company)
    company = company_of(about_company)
    assert (foreign().id.value, None) == (company.id, company.cnpj)
    assert ("foreign", validation.value) == (company.origin, company.validation)
    assert ("representante_legal", "inmetro") == (company.standing.role, company.standing.evidence)
    assert (validation is Validation.VALIDATED) == company.standing.in_force
    assert LoginFacts(REPRESENTATIVE_ABROAD.value) == about_process.actor
    assert P001 == about_process.process


@pytest.mark.parametrize(
    "actor",
    [Login("ANNA.SCHMIDT"), Login("anna.schmidt2"), COLLEAGUE_ABROAD, REPRESENTATIVE],
    ids=["case", "longer", "another", "person"],
)
def test_only_the_named_logins_are_anything_in_the_company(store: Store, actor: Actor) -> None:
    """Logins are compared byte for byte, and a person with a CPF is none."""
    store.foreign.add(foreign(validation=Validation.VALIDATED), untold)
    [facts] = gather(store.facts, _ask(actor, CompanyAsked(foreign().id)))

    assert ("none", False) == (
        company_of(facts).standing.role,
        company_of(facts).standing.in_force,
    )


def test_who_was_taken_away_represents_no_more(store: Store) -> None:
    """The next question sees it, and the others go on."""
    before = foreign(representatives=OTHERS, validation=Validation.VALIDATED)
    store.foreign.add(before, untold)
    _change(store, before, replace(before, representatives=OTHERS[1:]))
    asked = CompanyAsked(foreign().id)
    facts = gather(store.facts, *(_ask(login, asked) for login in OTHERS))

    assert [False, True, True] == [company_of(one).standing.in_force for one in facts]


def test_a_company_that_nobody_registered_is_unknown_to_rules(store: Store) -> None:
    """Its number may be right, and still nothing is known of it."""
    store.foreign.add(foreign(1, validation=Validation.VALIDATED), untold)
    [facts] = gather(store.facts, _ask(REPRESENTATIVE_ABROAD, CompanyAsked(ABROAD)))

    assert ("foreign", "unknown") == (company_of(facts).origin, company_of(facts).validation)
    assert "none" == company_of(facts).standing.role


def test_a_login_is_nothing_in_a_national_company(store: Store) -> None:
    """Whatever is known of the company and its filial, a login has no part in it."""
    store.registry.save_standing(standing(), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "ata", NOON), untold)
    store.foreign.add(foreign(validation=Validation.VALIDATED), untold)
    [facts] = gather(store.facts, _ask(REPRESENTATIVE_ABROAD, CompanyAsked(FILIAL)))
    company = company_of(facts)

    assert ("national", "none") == (company.origin, company.validation)
    assert ("none", "none") == (company.standing.role, company.bond.standing.role)
    assert company.bond.in_force


def test_a_batch_may_ask_about_everything_at_once(store: Store) -> None:
    """Persons, logins and entities, companies of both kinds and things: each gets its own facts."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(standing(), untold)
    store.foreign.add(foreign(1, validation=Validation.VALIDATED), untold)
    store.foreign.add(foreign(2), untold)
    laboratory = Thing(EntityName("laboratory", "L-17"), {"state": "active"})
    user = Thing(EntityName("user", "u1"), {"role": "admin"})
    questions = [
        _ask(REPRESENTATIVE, CompanyAsked(COMPANY)),
        _ask(REPRESENTATIVE_ABROAD, CompanyAsked(foreign(1).id)),
        _ask(REPRESENTATIVE_ABROAD, CompanyAsked(foreign(2).id)),
        _ask(user, laboratory),
        _ask(user, CompanyAsked(COMPANY)),
        _ask(MEMBER, laboratory),
        _ask(REPRESENTATIVE, ProcessAsked(ProcessName("P061"), COMPANY)),
    ]
    *found, ambiguous = store.facts.gather(questions, NOON).facts
    alone = [one for each in questions[:-1] for one in store.facts.gather([each], NOON).facts]
    companies = [one.resource for one in gather(store.facts, *questions[:3])]

    assert found == alone
    assert Ambiguous((P061_CADASTRO.label, P061_REGISTRO.label)) == ambiguous
    assert [True, True, False] == [
        isinstance(one, CompanyFacts) and one.standing.in_force for one in companies
    ]
    by_user, about_company, by_person = gather(store.facts, *questions[3:6])
    assert SubjectFacts("user", "u1", {"role": "admin"}) == by_user.actor
    assert isinstance(by_person.resource, ResourceFacts)
    assert ("laboratory", {"state": "active"}) == (
        by_person.resource.type,
        by_person.resource.properties,
    )
    assert "none" == company_of(about_company).standing.role
