"""Whoever looks up a person leaves an act in the log, under a surrogate, before the answer."""

from __future__ import annotations

import pytest

from authz_service.domain.companies import Validation
from authz_service.domain.decision import ActRecord
from authz_service.domain.errors import LogUnavailable, NotFound
from authz_service.domain.people import Bond
from authz_service.usecases.lookup import Lookup
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    REPRESENTATIVE,
    REPRESENTATIVE_ABROAD,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import foreign, standing
from tests.usecases.house import CALLER, House

ABROAD = foreign(123, validation=Validation.VALIDATED)


@pytest.fixture(name="house")
def _house() -> House:
    """Give a house with one who represents, a bond, and a company abroad."""
    house = House()
    house.store.registry.save_standing(standing(), untold)
    house.store.registry.save_bond(Bond(FILIAL, COMPANY, "SEI 1", NOON), untold)
    house.store.foreign.add(ABROAD, untold)
    return house


@pytest.fixture(name="lookup")
def _lookup(house: House) -> Lookup:
    """Give what looks up in the house."""
    store = house.store
    return Lookup(store.registry, store.directory, store.facts, store.surrogates, house.acts)


def acts(house: House) -> list[tuple[str, dict[str, object]]]:
    """Give the acts in the log with their details."""
    return [(one.act, dict(one.details)) for one in house.log.records if isinstance(one, ActRecord)]


def test_a_person_is_shown_and_the_act_has_a_surrogate(house: House, lookup: Lookup) -> None:
    """What is known is given; the log has who looked at whom, without a CPF."""
    known = lookup.person(REPRESENTATIVE, CALLER)

    assert (None, (standing(),)) == (known.person, known.standings)
    name = house.store.surrogates.known(REPRESENTATIVE)
    assert [("person.lookup", {"person": name, "found": True})] == acts(house)


def test_who_is_unknown_gets_no_pairing_by_being_looked_up(house: House, lookup: Lookup) -> None:
    """The question is written down all the same."""
    with pytest.raises(NotFound):
        lookup.person(STRANGER, CALLER)

    assert [("person.lookup", {"person": None, "found": False})] == acts(house)
    assert house.store.surrogates.known(STRANGER) is None


def test_a_search_of_standing_names_whom_it_showed(house: House, lookup: Lookup) -> None:
    """By company or by person, those who were shown stand in the act as surrogates."""
    page = lookup.standings(COMPANY, None, None, 10, CALLER)
    nobody = lookup.standings(None, MEMBER, None, 10, CALLER)

    assert ((standing(),), ()) == (page.items, nobody.items)
    name = house.store.surrogates.known(REPRESENTATIVE)
    assert [
        ("standing.search", {"company": COMPANY.value, "person": None, "people": (name,)}),
        ("standing.search", {"company": None, "person": None, "people": ()}),
    ] == acts(house)


def test_logins_in_clear_are_an_act_and_the_rest_is_none(house: House, lookup: Lookup) -> None:
    """A company is public, its representatives' logins are not."""
    for clear in (False, True):
        assert ABROAD == lookup.company(ABROAD.id, CALLER, clear=clear).foreign
    lookup.company(FILIAL, CALLER, clear=True)

    name = house.store.surrogates.known(REPRESENTATIVE_ABROAD)
    assert [("company.lookup", {"company": ABROAD.id.value, "people": (name,)})] == acts(house)


def test_a_company_of_which_nothing_is_known_is_not_found(lookup: Lookup) -> None:
    """It is told so, and nothing is written down."""
    with pytest.raises(NotFound):
        lookup.company(foreign(7).id, CALLER, clear=True)


def test_lists_of_companies_and_bonds_show_nobody(house: House, lookup: Lookup) -> None:
    """They are no acts."""
    companies = lookup.companies(None, None, None, 10).items
    assert {COMPANY, FILIAL, ABROAD.id} == {one.id for one in companies}
    assert [FILIAL] == [one.filial for one in lookup.bonds(COMPANY, None, 10).items]
    assert [] == acts(house)


def test_without_the_log_nobody_is_shown(house: House, lookup: Lookup) -> None:
    """What cannot be written down is not answered."""
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        lookup.person(REPRESENTATIVE, CALLER)
