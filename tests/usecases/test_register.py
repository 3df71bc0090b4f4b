"""Registering: asserted persons, confirmations, standing and bonds reach the store and the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from authz_service.domain.decision import CompanyAsked, Question
from authz_service.domain.errors import InvalidInput, LogUnavailable
from authz_service.domain.facts import CompanyFacts, PersonFacts, StandingFacts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.usecases.ports import Told
from tests.domain.document import COMPANY, FILIAL, MEMBER, OTHER_COMPANY, REPRESENTATIVE
from tests.domain.gathered import company_of, gather, person_of
from tests.fakes.clock import NOON
from tests.fakes.persons import MemoryRegistry
from tests.fakes.store import untold
from tests.usecases.house import CALLER, House, leaks

HOUR = timedelta(hours=1)
NAIVE = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 - the missing zone is what is tested


def facts(house: House, question: Question) -> tuple[PersonFacts, CompanyFacts]:
    """Give what the store knows of the actor and the company now."""
    [found] = gather(house.store.facts, question)
    return person_of(found), company_of(found)


ABOUT_MEMBER = Question(MEMBER, "open", CompanyAsked(COMPANY))
ABOUT_REPRESENTATIVE = Question(REPRESENTATIVE, "open", CompanyAsked(FILIAL))


@pytest.mark.parametrize(
    ("registered", "confirmed", "expected"),
    [
        (True, True, Person(MEMBER, NOON, NOON)),
        (True, False, Person(MEMBER, NOON, None)),
        (False, False, Person(MEMBER, None, None)),
    ],
)
def test_a_person_is_registered_and_confirmed_as_asserted(
    house: House, registered: bool, confirmed: bool, expected: Person
) -> None:
    """What is said is kept with this instant, and the record names the person by surrogate."""
    said = {"registered": registered, "confirmed": confirmed}
    assert expected == house.registrar.person(MEMBER, **said, caller=CALLER)
    actor, _ = facts(house, ABOUT_MEMBER)
    assert PersonFacts(MEMBER.digits, registered, confirmed) == actor
    [record] = house.administrative
    assert ("person.assert", NOON, CALLER) == (record.act, record.moment, record.caller)
    assert said | {"person": house.surrogate(MEMBER)} == record.details
    assert house.store.facts.gather([], NOON).revision == record.store_revision


def test_a_later_word_about_a_person_replaces_the_earlier_one(house: House) -> None:
    """A confirmation can be taken back."""
    house.registrar.person(MEMBER, registered=True, confirmed=True, caller=CALLER)
    house.registrar.person(MEMBER, registered=True, confirmed=False, caller=CALLER)
    actor, _ = facts(house, ABOUT_MEMBER)
    assert PersonFacts(MEMBER.digits, registered=True, confirmed=False) == actor


def test_nobody_is_confirmed_without_being_registered(house: House) -> None:
    """It is refused, and nothing is kept or written down."""
    with pytest.raises(InvalidInput, match=r"^confirmed: "):
        house.registrar.person(MEMBER, registered=False, confirmed=True, caller=CALLER)
    actor, _ = facts(house, ABOUT_MEMBER)
    assert not actor.registered
    assert [] == house.log.records


# Confirmation by Orquestra


class ErasedMeanwhile(MemoryRegistry):
    """A registry whose person is gone when the confirmation comes to be written."""

    def confirm(self, cpf: Cpf, moment: datetime, told: Told) -> Person | None:
        """Find nobody."""
        return None


def test_who_is_erased_meanwhile_is_not_confirmed(house: House) -> None:
    """What was read before the write does not count."""
    house.store.registry.save_person(Person(MEMBER, NOON), untold)
    registrar = replace(house.registrar, registry=ErasedMeanwhile(house.store._tables))
    with pytest.raises(InvalidInput, match=r"^cpf: has not registered"):
        registrar.confirm(MEMBER, CALLER)
    assert [] == house.log.records


def test_who_has_registered_is_confirmed_at_orquestras_word(house: House) -> None:
    """Etapa 2: the registration stays what it was, and the record names the person by surrogate."""
    house.store.registry.save_person(Person(MEMBER, NOON), untold)
    house.clock.advance(HOUR)
    assert Person(MEMBER, NOON, NOON + HOUR) == house.registrar.confirm(MEMBER, CALLER)
    assert Person(MEMBER, NOON, NOON + HOUR) == house.store.registry.person(MEMBER)
    [record] = house.administrative
    assert ("person.confirm", NOON + HOUR, CALLER) == (record.act, record.moment, record.caller)
    assert {"person": house.surrogate(MEMBER)} == record.details
    assert house.store.facts.gather([], NOON).revision == record.store_revision


def test_who_is_confirmed_already_stays_confirmed_since_then(house: House) -> None:
    """Orquestra may say it twice: the first time counts, and it alone is written down."""
    house.store.registry.save_person(Person(MEMBER, NOON), untold)
    first = house.registrar.confirm(MEMBER, CALLER)
    house.clock.advance(HOUR)
    assert first == house.registrar.confirm(MEMBER, CALLER)
    assert first == house.store.registry.person(MEMBER)
    assert 1 == len(house.log.records)


@pytest.mark.parametrize("known", [None, Person(MEMBER)], ids=["unknown", "spoken of"])
def test_who_has_not_registered_is_not_confirmed(house: House, known: Person | None) -> None:
    """The error says what is missing and of whom not; nothing is kept or written down."""
    if known is not None:
        house.store.registry.save_person(known, untold)
    before = house.store.facts.gather([ABOUT_MEMBER], NOON)
    with pytest.raises(InvalidInput) as caught:
        house.registrar.confirm(MEMBER, CALLER)
    assert "cpf: has not registered through GOV.BR" == str(caught.value)
    assert (known, before) == (
        house.store.registry.person(MEMBER),
        house.store.facts.gather([ABOUT_MEMBER], NOON),
    )
    assert [] == house.log.records
    assert 0 == len(house.store._tables.surrogates)


# Standing


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("ends_at", "written"),
    [(None, None), (datetime(2027, 1, 1, tzinfo=UTC), "2027-01-01T00:00:00+00:00")],
)
def test_standing_is_kept_as_asserted(
    house: House, role: Role, ends_at: datetime | None, written: str | None
) -> None:
    """Whatever a caller says about a role, the evidence is that a caller said it."""
    standing = house.registrar.standing(COMPANY, MEMBER, role, ends_at, CALLER)
    assert Standing(COMPANY, MEMBER, role, Evidence.ASSERTED, NOON, ends_at) == standing
    _, company = facts(house, ABOUT_MEMBER)
    assert StandingFacts(role.value, "asserted", in_force=True, days=0) == company.standing
    [record] = house.administrative
    assert "standing.assert" == record.act
    assert {
        "person": house.surrogate(MEMBER),
        "company": "52420282000180",
        "role": role.value,
        "ends_at": written,
    } == record.details
    assert house.store.facts.gather([], NOON).revision == record.store_revision


def test_standing_that_ends_without_a_zone_is_refused(house: House) -> None:
    """Nothing is kept and nothing is written down."""
    with pytest.raises(InvalidInput, match=r"^ends_at: "):
        house.registrar.standing(COMPANY, MEMBER, Role.SOCIO, NAIVE, CALLER)
    _, company = facts(house, ABOUT_MEMBER)
    assert "none" == company.standing.role
    assert [] == house.log.records


@pytest.mark.parametrize(
    ("last_day", "written"), [(None, None), (date(2026, 12, 31), "2026-12-31")]
)
def test_a_bond_is_recorded_with_its_proof(
    house: House, last_day: date | None, written: str | None
) -> None:
    """From then on the matriz's representative has a standing that counts for the filial."""
    house.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, None, CALLER)
    bond = house.registrar.bond(FILIAL, COMPANY, "0052600.001234/2026-11", last_day, CALLER)
    assert Bond(FILIAL, COMPANY, "0052600.001234/2026-11", NOON, last_day) == bond
    _, company = facts(house, ABOUT_REPRESENTATIVE)
    assert (True, True, "socio") == (
        company.bond.recorded,
        company.bond.in_force,
        company.bond.standing.role,
    )
    record = house.administrative[-1]
    assert "bond.record" == record.act
    assert {
        "filial": "52420282000260",
        "matriz": "52420282000180",
        "proof": "0052600.001234/2026-11",
        "last_day": written,
    } == record.details
    assert house.store.facts.gather([], NOON).revision == record.store_revision


@pytest.mark.parametrize(("matriz", "proof"), [(OTHER_COMPANY, "x"), (FILIAL, "x"), (COMPANY, " ")])
def test_a_bond_that_cannot_be_is_not_recorded(house: House, matriz: Cnpj, proof: str) -> None:
    """Nothing is kept and nothing is written down."""
    with pytest.raises(InvalidInput):
        house.registrar.bond(FILIAL, matriz, proof, None, CALLER)
    _, company = facts(house, ABOUT_REPRESENTATIVE)
    assert not company.bond.recorded
    assert [] == house.log.records


def test_no_record_of_registering_holds_a_cpf(house: House) -> None:
    """Persons stand in the log as surrogates, the same in every act."""
    house.registrar.person(MEMBER, registered=True, confirmed=False, caller=CALLER)
    house.registrar.confirm(MEMBER, CALLER)
    house.registrar.standing(COMPANY, MEMBER, Role.SOCIO, None, CALLER)
    assert [] == leaks(house.log.records, [MEMBER])
    acts = {record.act: record.details["person"] for record in house.administrative}
    assert {"person.assert", "person.confirm", "standing.assert"} == set(acts)
    assert {house.surrogate(MEMBER)} == set(acts.values())


@pytest.mark.parametrize("proof", ["CPF 187.627.946-04", "carta de 18762794604"])
def test_no_record_of_a_bond_holds_a_cpf_that_stands_in_the_proof(house: House, proof: str) -> None:
    """A note on where the proof is kept may name a person; the log does not."""
    house.registrar.bond(FILIAL, COMPANY, proof, None, CALLER)
    assert [] == leaks(house.log.records, [MEMBER])


ACTS: list[Callable[[House], object]] = [
    lambda house: house.registrar.person(MEMBER, registered=True, confirmed=True, caller=CALLER),
    lambda house: house.registrar.standing(COMPANY, MEMBER, Role.SOCIO, None, CALLER),
    lambda house: house.registrar.bond(FILIAL, COMPANY, "x", None, CALLER),
    lambda house: house.registrar.confirm(MEMBER, CALLER),
]


@pytest.mark.parametrize("act", ACTS)
def test_an_assertion_that_cannot_be_written_down_is_not_kept(
    house: House, act: Callable[[House], object]
) -> None:
    """With the log broken the caller hears of an error, and the store is as it was."""
    house.store.registry.save_person(Person(MEMBER, NOON - HOUR), untold)
    before = house.store.facts.gather([ABOUT_MEMBER, ABOUT_REPRESENTATIVE], NOON)
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        act(house)
    assert [] == house.told
    assert before == house.store.facts.gather([ABOUT_MEMBER, ABOUT_REPRESENTATIVE], NOON)
