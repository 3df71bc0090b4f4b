"""What any store promises of persons, standing and bonds, and of the numbers that name them.

Asked of the store in memory, of SQLite in a real file, and of a real PostgreSQL. Bonds have
no port that gives them back; what became of them, and of persons and standing, is asked as facts.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.facts import PersonFacts, StandingFacts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Bond, Evidence, Person, Role
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    P004,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import (
    ALPHANUMERIC,
    EXACT,
    IN_BRASILIA,
    NOBODY_THERE,
    TICK,
    a_delegation,
    a_standing,
    about,
    company_facts,
    gathered,
    grant,
    person_facts,
    process_facts,
)
from tests.store.records import Store


@pytest.mark.parametrize(
    ("registered_at", "confirmed_at", "expected"),
    [
        (None, None, (False, False)),
        (EXACT, None, (True, False)),
        (EXACT, NOON, (True, True)),
    ],
)
def test_a_person_is_known_by_registration_and_confirmation(
    store: Store,
    registered_at: datetime | None,
    confirmed_at: datetime | None,
    expected: tuple[bool, bool],
) -> None:
    """Registered and confirmed are two facts, and both come back."""
    store.registry.save_person(Person(MEMBER, registered_at, confirmed_at), untold)

    actor = gathered(store, about(actor=MEMBER)).actor
    assert PersonFacts(MEMBER.digits, *expected) == actor


def test_the_last_word_about_a_person_counts(store: Store) -> None:
    """Saving a person replaces all that was said about the registration."""
    store.registry.save_person(Person(MEMBER, NOON, NOON), untold)
    store.registry.save_person(Person(MEMBER), untold)

    actor = gathered(store, about(actor=MEMBER)).actor
    assert PersonFacts(MEMBER.digits, registered=False, confirmed=False) == actor


def test_the_recipient_is_read_as_well(store: Store) -> None:
    """The facts of a delegation speak of whom it is for."""
    store.registry.save_person(Person(MEMBER, NOON, NOON), untold)

    resource = gathered(store, about(recipient=MEMBER)).resource
    expected = PersonFacts(MEMBER.digits, registered=True, confirmed=True)
    assert expected == resource.question.recipient


def test_a_leading_zero_belongs_to_the_cpf(store: Store) -> None:
    """A CPF is text: eleven digits go in and eleven come out."""
    cpf = Cpf.parse("012.345.678-90")
    store.registry.save_person(Person(cpf, NOON), untold)
    store.catalogue.save_processes([P001], NOON, untold)
    granted = a_delegation("one", P001, COMPANY, cpf)
    grant(store, granted)

    assert "01234567890" == person_facts(store, cpf).cpf
    assert person_facts(store, cpf).registered
    assert granted == store.delegations.find("one")


# Standing


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("evidence", Evidence)
def test_every_role_and_evidence_comes_back(store: Store, role: Role, evidence: Evidence) -> None:
    """What a person is in a company, and how it is known, is kept as it was said."""
    store.registry.save_standing(a_standing(role=role, evidence=evidence), untold)

    expected = StandingFacts(role.value, evidence.value, in_force=True, days=0)
    assert expected == company_facts(store).standing


def test_a_standing_supersedes_the_one_of_the_same_evidence(store: Store) -> None:
    """Of several assertions the last one counts, even if it says less."""
    store.registry.save_standing(a_standing(role=Role.SOCIO), untold)
    store.registry.save_standing(a_standing(role=Role.CONTADOR), untold)

    expected = StandingFacts("contador", "asserted", in_force=True, days=0)
    assert expected == company_facts(store).standing


def test_the_last_word_about_a_standing_counts(store: Store) -> None:
    """What is said last supersedes, even if it was observed earlier than what it replaces."""
    store.registry.save_standing(replace(a_standing(), observed_at=NOON + TICK), untold)
    store.registry.save_standing(a_standing(role=Role.CONTADOR), untold)

    expected = StandingFacts("contador", "asserted", in_force=True, days=0)
    assert expected == company_facts(store).standing


def test_standings_of_different_evidence_stand_side_by_side(store: Store) -> None:
    """An assertion takes no place from what GOV.BR said, and the other way round."""
    store.registry.save_standing(a_standing(role=Role.CONTADOR, evidence=Evidence.GOVBR), untold)
    store.registry.save_standing(a_standing(role=Role.SOCIO), untold)
    store.registry.save_standing(a_standing(role=Role.REPRESENTANTE_LEGAL), untold)

    expected = StandingFacts("contador", "govbr", in_force=True, days=0)
    assert expected == company_facts(store).standing


@pytest.mark.parametrize(
    ("person", "company"), [(STRANGER, COMPANY), (REPRESENTATIVE, OTHER_COMPANY)]
)
def test_a_standing_is_superseded_by_nothing_else(store: Store, person: Cpf, company: Cnpj) -> None:
    """Other people, and the same person elsewhere, leave a standing alone."""
    store.registry.save_standing(a_standing(), untold)
    store.registry.save_standing(a_standing(person, company, Role.COLABORADOR), untold)

    assert (
        StandingFacts("socio", "asserted", in_force=True, days=0) == company_facts(store).standing
    )
    expected = StandingFacts("colaborador", "asserted", in_force=True, days=0)
    assert expected == company_facts(store, company, person).standing


@pytest.mark.parametrize("ends_at", [EXACT, IN_BRASILIA])
def test_a_standing_ends_to_the_microsecond(store: Store, ends_at: datetime) -> None:
    """The end is kept exactly, whatever zone it was given in."""
    observed = replace(a_standing(ends_at=ends_at), observed_at=EXACT - TICK)
    store.registry.save_standing(observed, untold)

    assert company_facts(store, moment=EXACT - TICK).standing.in_force
    assert not company_facts(store, moment=EXACT).standing.in_force


# Bonds


def test_a_bond_brings_the_standing_in_the_matriz(store: Store) -> None:
    """For a filial with a bond the facts tell what the actor is in the matriz."""
    store.registry.save_standing(a_standing(company=COMPANY), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "0052600.001234/2026-11", EXACT), untold)

    facts = company_facts(store, FILIAL)
    assert facts.bond.recorded
    assert facts.bond.in_force
    assert StandingFacts("socio", "asserted", in_force=True, days=0) == facts.bond.standing
    assert NOBODY_THERE == facts.standing
    assert not company_facts(store, COMPANY).bond.recorded


def test_the_last_day_of_a_bond_is_a_civil_day(store: Store) -> None:
    """A bond counts through its last day in Brasília, and is on record after it."""
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON, date(2026, 11, 20)), untold)

    last = datetime(2026, 11, 21, 2, 59, 59, 999_999, tzinfo=UTC)
    assert company_facts(store, FILIAL, moment=last).bond.in_force
    over = company_facts(store, FILIAL, moment=last + TICK).bond
    assert (True, False) == (over.recorded, over.in_force)


def test_a_bond_supersedes_the_one_that_the_filial_had(store: Store) -> None:
    """Of several bonds of a filial the last one counts, those of other filiais stay."""
    other_filial, other_matriz = Cnpj("52420282000341"), Cnpj("52420282000422")
    store.registry.save_standing(a_standing(company=other_matriz), untold)
    store.registry.save_bond(Bond(other_filial, COMPANY, "prova", NOON), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON, date(2026, 1, 1)), untold)
    store.registry.save_bond(Bond(FILIAL, other_matriz, "prova", NOON), untold)

    facts = company_facts(store, FILIAL).bond
    assert (True, "socio") == (facts.in_force, facts.standing.role)
    assert "none" == company_facts(store, other_filial).bond.standing.role


# Identifiers


@pytest.mark.parametrize(
    "other", [Cnpj("12abc34501de35"), Cnpj("12ABC34501DE3"), Cnpj("12ABC34501DE35 "), COMPANY]
)
def test_a_cnpj_matches_byte_for_byte(store: Store, other: Cnpj) -> None:
    """Another case, a shorter form or a trailing space is another company."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_standing(a_standing(company=ALPHANUMERIC), untold)
    granted = a_delegation("one", P001, ALPHANUMERIC)
    grant(store, granted)

    assert [granted] == store.delegations.of_company(ALPHANUMERIC)
    assert [] == store.delegations.of_company(other)
    assert "socio" == company_facts(store, ALPHANUMERIC).standing.role
    assert NOBODY_THERE == company_facts(store, other).standing
    assert "none" == process_facts(store, company=other).delegation.state


@pytest.mark.parametrize(
    "other",
    ["AÇÃO", "Ação", "acao", "ação ", " ação", "açã", "", unicodedata.normalize("NFD", "ação")],
    ids=["upper", "title", "bare", "blank-after", "blank-before", "shorter", "empty", "decomposed"],
)
def test_ids_and_keys_match_byte_for_byte(store: Store, other: str) -> None:
    """Neither a delegation nor a key is found by what only looks like its id, nor stands for it."""
    store.catalogue.save_processes([P001, P004], NOON, untold)
    grant(store, a_delegation("ação"))
    store.clients.save_client(
        Client("bpm", frozenset({"decide"}), (ClientKey("ação", "0" * 64, NOON),)), untold
    )

    assert store.delegations.find(other) is None
    assert store.clients.client_of_key(other) is None

    grant(store, a_delegation(other, P004))
    found = [store.delegations.find(name) for name in ("ação", other)]
    assert ["ação", other] == [one.id for one in found if one is not None]
