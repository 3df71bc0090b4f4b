"""What every store promises about its lists, which are given in parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import pytest

from authz_service.domain.companies import Origin, Validation
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId
from authz_service.domain.people import Bond, Evidence, Person, Standing
from authz_service.usecases.stores import CompanyKnown, Page
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import HOUR, Store, answer, foreign, keep, sign_in, standing

Item = TypeVar("Item")
LETTERS = Cnpj("12ABC34501DE35")
LAST = Cnpj("ZZZZZZZZ000272")
"""Its number comes after that of any foreign company."""
ONLY_DELEGATED = Cnpj("00000000000191")
BOND = Bond(FILIAL, COMPANY, "ata", NOON)
FOREIGN = tuple(
    foreign(number, validation=validation)
    for number, validation in enumerate(itertools.islice(itertools.cycle(Validation), 7))
)


def _parts(page: Callable[[str | None], Page[Item]]) -> Iterator[tuple[Item, ...]]:
    """Give the items of each page in turn, until there is none that follows."""
    after: str | None = None
    while True:
        found = page(after)
        yield found.items
        if found.next is None:
            return
        after = found.next


def _companies(
    store: Store,
    origin: Origin | None = None,
    validation: Validation | None = None,
    limit: int = 100,
) -> list[CompanyId]:
    parts = _parts(lambda after: store.directory.companies(origin, validation, after, limit))
    return [one.id for one in itertools.chain(*parts)]


def _standings(
    store: Store, company: Cnpj | None = None, person: Cpf | None = None, limit: int = 100
) -> list[Standing]:
    parts = _parts(lambda after: store.directory.standings(company, person, after, limit))
    return list(itertools.chain(*parts))


def _delegate(store: Store, company: Cnpj) -> None:
    store.catalogue.save_processes([P001], NOON, untold)
    grant = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra", None, None)
    given = Delegation("d1", company, MEMBER, P001.id, P001.version, (grant,))
    revision = store.facts.gather([], NOON).revision
    store.delegations.apply(Change(company, MEMBER, revision, (), (given,)), untold, lambda: True)


@pytest.fixture(name="backend", params=["memory", "sqlite", "postgres"])
def _backend(request: pytest.FixtureRequest) -> str:
    """Give each kind of store in turn; none holds a list in memory."""
    return str(request.param)


@pytest.fixture(name="filled")
def _filled(store: Store) -> Store:
    """Give a store with companies of every kind, and standings of several persons."""
    for person in (REPRESENTATIVE, PARTNER):
        for evidence in (Evidence.GOVBR, Evidence.ASSERTED):
            for company in (LETTERS, COMPANY):
                kept = standing(company, evidence=evidence, person=person)
                store.registry.save_standing(kept, untold)
    store.registry.save_standing(standing(LETTERS, person=STRANGER), untold)
    store.registry.save_bond(BOND, untold)
    beyond = replace(BOND, filial=LAST, matriz=Cnpj("ZZZZZZZZ000191"))
    store.registry.save_bond(beyond, untold)
    store.registry.save_bond(
        replace(BOND, filial=Cnpj("11222333000262"), matriz=OTHER_COMPANY), untold
    )
    for one in reversed(FOREIGN):
        store.foreign.add(one, untold)
    _delegate(store, ONLY_DELEGATED)
    store.registry.save_person(Person(MEMBER, NOON), untold)
    return store


NATIONAL: list[CompanyId] = [
    ONLY_DELEGATED,
    OTHER_COMPANY,
    Cnpj("11222333000262"),
    LETTERS,
    COMPANY,
    FILIAL,
    Cnpj("ZZZZZZZZ000191"),
    LAST,
]
ABROAD: list[CompanyId] = sorted((one.id for one in FOREIGN), key=lambda one: one.value)


def test_a_company_is_known_from_whatever_says_something_of_it(filled: Store) -> None:
    """Standing, a bond from either end, a delegation, a registration; national ones first."""
    assert [*NATIONAL, *ABROAD] == _companies(filled)


@pytest.mark.parametrize("limit", [1, 2, 5, 8, 9, 14, 15, 16])
def test_the_parts_of_a_list_are_the_list(filled: Store, limit: int) -> None:
    """Each part has as many as it may, nothing is given twice, and nothing is left out."""
    page = filled.directory.companies
    parts = list(_parts(lambda after: page(None, None, after, limit)))

    assert [*NATIONAL, *ABROAD] == [one.id for one in itertools.chain(*parts)]
    assert [limit] * (len(parts) - 1) == [len(part) for part in parts[:-1]]
    assert 0 < len(parts[-1]) <= limit


@pytest.mark.parametrize(
    ("origin", "validation", "expected"),
    [
        (Origin.NATIONAL, None, NATIONAL),
        (Origin.FOREIGN, None, ABROAD),
        (Origin.NATIONAL, Validation.VALIDATED, []),
        *(
            (origin, validation, [one.id for one in FOREIGN if one.validation is validation])
            for origin in (Origin.FOREIGN, None)
            for validation in Validation
        ),
    ],
)
@pytest.mark.parametrize("limit", [1, 100])
def test_a_list_of_companies_may_be_of_some(
    filled: Store,
    origin: Origin | None,
    validation: Validation | None,
    expected: list[CompanyId],
    limit: int,
) -> None:
    """By origin, by validation, which no national one has, or both."""
    assert expected == _companies(filled, origin, validation, limit)


def test_a_company_comes_with_what_is_known_of_it(filled: Store) -> None:
    """The bond of a filial, the registration of a foreign one; the same alone and in a list."""
    listed = filled.directory.companies(None, None, None, 100).items

    assert CompanyKnown(FILIAL, bond=BOND) in listed
    assert CompanyKnown(COMPANY) in listed
    assert CompanyKnown(FOREIGN[1].id, foreign=FOREIGN[1]) in listed
    assert list(listed) == [filled.directory.company(one.id) for one in listed]


@pytest.mark.parametrize(
    "company", [Cnpj("99999999000191"), foreign(9).id], ids=["national", "foreign"]
)
def test_a_company_of_which_nothing_is_known_is_none(filled: Store, company: CompanyId) -> None:
    """A right number alone is no company."""
    assert filled.directory.company(company) is None
    assert company not in _companies(filled)


def test_what_is_past_makes_no_company_known(store: Store) -> None:
    """Standing that was superseded and a bond that was replaced say nothing of today."""
    keep(store, sign_in(), answer(standing(OTHER_COMPANY)))
    after = answer(standing(COMPANY), moment=NOON + HOUR)
    keep(store, sign_in("two", began_at=NOON + HOUR), after)
    store.registry.save_bond(replace(BOND, matriz=Cnpj("52420282000341")), untold)
    store.registry.save_bond(replace(BOND, recorded_at=NOON + HOUR), untold)

    assert [COMPANY, FILIAL] == _companies(store)
    assert store.directory.company(OTHER_COMPANY) is None


def test_what_is_added_meanwhile_moves_nothing(filled: Store) -> None:
    """A list that is gone on with gives nothing twice; what comes behind its end is in it."""
    first = filled.directory.companies(None, None, None, 3)
    for company in (Cnpj("00000000000272"), Cnpj("52420282000341")):
        filled.registry.save_standing(standing(company), untold)
    rest = filled.directory.companies(None, None, first.next, 100)

    assert NATIONAL[:3] == [one.id for one in first.items]
    expected = [*NATIONAL[3:6], Cnpj("52420282000341"), *NATIONAL[6:], *ABROAD]
    assert expected == [one.id for one in rest.items]


@pytest.mark.parametrize("after", ["", "x", "0", "52420282000181", "EX00000001", "\x00", "\ud800"])
def test_a_list_of_companies_is_gone_on_with_from_a_company(filled: Store, after: str) -> None:
    """What is no number of a company is a wrong request, and no error of the store."""
    with pytest.raises(InvalidInput) as caught:
        filled.directory.companies(None, None, after, 10)

    assert "token" == caught.value.field


def test_an_empty_store_has_empty_lists(store: Store) -> None:
    """One empty page, after which there is none."""
    assert Page(()) == store.directory.companies(None, None, None, 1)
    assert Page(()) == store.directory.standings(None, None, None, 1)


# Standings


def _key(one: Standing) -> tuple[str, str, str]:
    return one.company.value, one.person.digits, one.evidence.value


@pytest.mark.parametrize("company", [None, LETTERS, FILIAL])
@pytest.mark.parametrize("person", [None, PARTNER, MEMBER])
@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_standings_are_those_of_a_company_and_a_person(
    filled: Store, company: Cnpj | None, person: Cpf | None, limit: int
) -> None:
    """By company, person and evidence, whatever the size of the parts."""
    every = [*_standings(filled)]
    expected = [
        one for one in every if company in (None, one.company) and person in (None, one.person)
    ]

    assert sorted(every, key=_key) == every
    assert 9 == len(every)
    assert expected == _standings(filled, company, person, limit)


def test_a_standing_is_listed_as_it_is_now(filled: Store) -> None:
    """What was superseded is not in the list, also if it was where a part ended."""
    page = filled.directory.standings(LETTERS, None, None, 2)
    seen = answer(standing(COMPANY, person=page.items[-1].person), moment=NOON + HOUR)
    keep(filled, sign_in("x", page.items[-1].person, NOON + HOUR), seen)
    rest = filled.directory.standings(LETTERS, None, page.next, 100)

    expected = [one for one in _standings(filled, LETTERS) if _key(one) > _key(page.items[-1])]
    assert expected == list(rest.items)
    assert page.items[-1] not in _standings(filled, LETTERS)


def test_where_a_part_of_standings_ended_tells_of_no_person(filled: Store) -> None:
    """It may come back in the path of a request, where no CPF may stand."""
    after: str | None = None
    ends = []
    while (page := filled.directory.standings(None, None, after, 1)).next is not None:
        after = page.next
        ends.append(after)

    assert 8 == len(ends) == len(set(ends))
    assert all(len(one) < 11 for one in ends)


@pytest.mark.parametrize(
    "after",
    ["", "x", "-1", "1.0", "٣", "9999", "2147483648", "9" * 19, "9" * 5000, "\x00", COMPANY.value],
    ids=lambda after: after[:20],
)
def test_a_list_of_standings_is_gone_on_with_from_a_standing(filled: Store, after: str) -> None:
    """Anything else is a wrong request, and no error of the store."""
    with pytest.raises(InvalidInput) as caught:
        filled.directory.standings(None, None, after, 10)

    assert "token" == caught.value.field


def test_a_list_is_not_gone_on_with_from_an_erased_person(filled: Store) -> None:
    """Nothing of the person is left that could tell where the list was; the caller begins anew."""
    page = filled.directory.standings(LETTERS, None, None, 1)
    filled.personal_data.erase(page.items[0].person, untold)
    with pytest.raises(InvalidInput) as caught:
        filled.directory.standings(LETTERS, None, page.next, 10)

    assert "token" == caught.value.field
    assert page.items[0] not in _standings(filled)


def test_a_foreign_company_is_listed_as_it_is_now(filled: Store) -> None:
    """A change is in the next part that is asked for."""
    before = FOREIGN[0]
    after = replace(before, name="Another", validation=Validation.WITHDRAWN, validated_at=None)
    filled.foreign.change(before, after, NOON + HOUR, untold)

    assert CompanyKnown(after.id, foreign=after) == filled.directory.company(after.id)
    assert after.id in _companies(filled, validation=Validation.WITHDRAWN)
    assert ForeignId.of_number(0) not in _companies(filled, validation=before.validation)
