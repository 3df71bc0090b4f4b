"""The desk for foreign companies: what it lets happen, and what it writes down."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypedDict

import pytest

from authz_service.domain.companies import MOST_REPRESENTATIVES, ForeignCompany, Validation
from authz_service.domain.decision import ActRecord
from authz_service.domain.errors import (
    Conflict,
    InvalidInput,
    LogUnavailable,
    NotFound,
    Stale,
    StoreUnavailable,
)
from authz_service.domain.identifiers import ForeignId, Login
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.ports import Told
from tests.domain.document import COLLEAGUE_ABROAD, MEMBER, REPRESENTATIVE_ABROAD
from tests.fakes.clock import NOON
from tests.fakes.companies import MemoryForeignCompanies
from tests.fakes.store import untold
from tests.store.records import foreign
from tests.usecases.house import CALLER, House, leaks

ANNA, BO = REPRESENTATIVE_ABROAD, COLLEAGUE_ABROAD
DAY = timedelta(days=1)
FIRST, SECOND = ForeignId.of_number(0), ForeignId.of_number(1)
REGISTERED = ForeignCompany(FIRST, "Prüfwerk GmbH", "DE", (ANNA,), NOON)

Act = Callable[[House], object]


class Change(TypedDict, total=False):
    """What a call says that is to be different."""

    name: str
    country: str
    representatives: tuple[Login, ...]


def register(house: House, *logins: Login) -> ForeignCompany:
    """Register a company with these logins, Anna's if there are none."""
    return house.foreign_desk.register("Prüfwerk GmbH", "DE", logins or (ANNA,), CALLER)


def validated(house: House, *logins: Login) -> ForeignCompany:
    """Register a company and validate it, a day later; nothing of it is in the log."""
    made = register(house, *logins)
    house.clock.advance(DAY)
    found = house.foreign_desk.validate(made.id, CALLER)
    house.log.records.clear()
    return found


def only_act(house: House) -> ActRecord:
    """Give the only record, which is an act of the caller at this moment and this revision."""
    [record] = house.log.records
    assert isinstance(record, ActRecord)
    assert (CALLER, house.clock()) == (record.caller, record.moment)
    assert house.store.facts.gather([], NOON).revision == record.store_revision
    return record


# Registering


def test_a_registered_company_is_pending_under_a_number_of_its_own(house: House) -> None:
    """It is kept as it is given back, and written down with the surrogate of the login."""
    assert REGISTERED == register(house) == house.foreign_desk.find(FIRST)
    record = only_act(house)
    assert "company.register" == record.act
    assert {
        "company": "EX00000000",
        "country": "DE",
        "representatives": (house.surrogate(ANNA),),
    } == record.details


def test_a_company_may_wait_for_its_representatives(house: House) -> None:
    """Nobody acts for it until somebody is named."""
    made = house.foreign_desk.register("x", "AR", (), CALLER)
    assert () == made.representatives
    assert {} == house.store._tables.surrogates


def test_each_company_gets_another_number(house: House) -> None:
    """Two of one name are two companies: who calls twice has two."""
    assert [FIRST, SECOND] == [register(house).id, register(house).id]


def test_a_number_that_is_taken_is_tried_again(house: House) -> None:
    """Nobody's number is given to somebody else, and the log tells of one company."""
    house.store.foreign.add(foreign(0), untold)
    house.store.foreign.add(foreign(1), untold)
    house.numbers = iter((0, 1, 0, 5))
    assert ForeignId.of_number(5) == register(house).id
    assert "EX00000059" == only_act(house).details["company"]


class _Raced(MemoryForeignCompanies):
    """Lets somebody else take each of the first numbers just before it is given."""

    def __init__(self, house: House, times: int) -> None:
        super().__init__(house.store._tables)
        self._times = times

    def add(self, company: ForeignCompany, told: Told) -> int:
        """Take the number, and then try to give it."""
        if self._times > 0:
            self._times -= 1
            super().add(replace(company, name="Somebody else", representatives=()), untold)
        return super().add(company, told)


def test_a_number_that_somebody_takes_meanwhile_is_tried_again(house: House) -> None:
    """Two who register at once both get a number."""
    desk = replace(house.foreign_desk, companies=_Raced(house, 2))
    made = desk.register("Prüfwerk GmbH", "DE", [ANNA], CALLER)
    assert ForeignId.of_number(2) == made.id
    assert made == house.foreign_desk.find(made.id)
    assert "Somebody else" == house.foreign_desk.find(FIRST).name


@pytest.mark.parametrize("raced", [False, True])
def test_without_a_free_number_nobody_is_registered(house: House, raced: bool) -> None:
    """The search ends, and says so."""
    house.store.foreign.add(foreign(7), untold)
    house.numbers = itertools.count(100) if raced else itertools.repeat(7)
    companies = _Raced(house, 1000) if raced else house.store.foreign
    desk = replace(house.foreign_desk, companies=companies)
    with pytest.raises(Conflict, match=r"^no free number was found; try again$"):
        desk.register("x", "DE", [], CALLER)
    assert [] == house.log.records


def test_numbers_are_random_and_of_seven_digits(house: House) -> None:
    """Nobody gets from one company's number to the next one's."""
    desk = ForeignDesk(house.store.foreign, house.store.surrogates, house.acts, house.clock)
    numbers = {desk.register("x", "DE", [], CALLER).id for _ in range(50)}
    assert 50 == len(numbers)
    assert all(number == ForeignId.parse(number.value) for number in numbers)
    steps = {int(one.value[2:9]) - int(other.value[2:9]) for one in numbers for other in numbers}
    assert 1 not in steps or len(steps) > 100


@pytest.mark.parametrize(
    ("name", "country", "logins", "field"),
    [
        ("", "DE", (ANNA,), "name"),
        (f"x {MEMBER.digits}", "DE", (ANNA,), "name"),
        ("x", "BR", (ANNA,), "country"),
        ("x", "Germany", (ANNA,), "country"),
        ("x", "DE", (ANNA, BO, ANNA), "representatives"),
        (
            "x",
            "DE",
            tuple(Login(f"login {it}") for it in range(MOST_REPRESENTATIVES + 1)),
            "representatives",
        ),
    ],
)
def test_what_cannot_be_registered_leaves_nothing(
    house: House, name: str, country: str, logins: tuple[Login, ...], field: str
) -> None:
    """No company, no record, and no surrogate of anybody who was named."""
    with pytest.raises(InvalidInput) as caught:
        house.foreign_desk.register(name, country, logins, CALLER)
    assert field == caught.value.field
    assert {} == house.store._tables.surrogates
    assert [] == house.log.records
    assert house.store.foreign.find(FIRST) is None


# Validating and withdrawing


def test_who_validates_says_whom_the_company_lets_act(house: House) -> None:
    """From then on the company counts; the log has who may act for it."""
    made = register(house, ANNA, BO)
    house.log.records.clear()
    house.clock.advance(DAY)
    after = house.foreign_desk.validate(made.id, CALLER)
    expected = replace(made, validation=Validation.VALIDATED, validated_at=NOON + DAY)
    assert expected == after == house.foreign_desk.find(made.id)
    record = only_act(house)
    assert "company.validate" == record.act
    assert {
        "company": made.id.value,
        "representatives": (house.surrogate(ANNA), house.surrogate(BO)),
    } == record.details


def test_who_withdraws_ends_it_for_good(house: House) -> None:
    """A withdrawn company keeps what it was, and can neither be changed nor validated again."""
    made = validated(house)
    after = house.foreign_desk.withdraw(made.id, CALLER)
    expected = replace(made, validation=Validation.WITHDRAWN, validated_at=None)
    assert expected == after == house.foreign_desk.find(made.id)
    record = only_act(house)
    assert ("company.withdraw", {"company": made.id.value}) == (record.act, record.details)
    again: tuple[Act, ...] = (
        lambda house: house.foreign_desk.validate(made.id, CALLER),
        lambda house: house.foreign_desk.change(made.id, CALLER, name="x"),
        lambda house: house.foreign_desk.change(made.id, CALLER),
    )
    for act in again:
        with pytest.raises(Conflict, match=r"^the company is withdrawn; register it anew$"):
            act(house)
    assert [record] == house.log.records


def test_a_pending_company_may_be_withdrawn(house: House) -> None:
    """The form was not right, or the company was registered twice."""
    made = register(house)
    assert Validation.WITHDRAWN == house.foreign_desk.withdraw(made.id, CALLER).validation


@pytest.mark.parametrize("act", ["validate", "withdraw"])
def test_what_is_so_already_is_no_act(house: House, act: str) -> None:
    """A call that is made twice has the same answer, and one line in the log."""
    made = register(house)
    desk = house.foreign_desk
    do = desk.validate if act == "validate" else desk.withdraw
    first = do(made.id, CALLER)
    house.log.records.clear()
    house.clock.advance(DAY)
    assert first == do(made.id, CALLER)
    assert [] == house.log.records


# Changing


@pytest.mark.parametrize(
    ("change", "expected", "details"),
    [
        ({"name": "Anders"}, {"name": "Anders"}, {"name_changed": True}),
        ({"country": "AT"}, {"country": "AT"}, {"country": "AT"}),
        ({"representatives": (ANNA, BO)}, {"representatives": (ANNA, BO)}, {"added": (BO,)}),
        (
            {"representatives": (BO,)},
            {"representatives": (BO,)},
            {"added": (BO,), "removed": (ANNA,)},
        ),
        (
            {"name": "Anders", "country": "AT", "representatives": (BO, ANNA)},
            {"name": "Anders", "country": "AT", "representatives": (ANNA, BO)},
            {"name_changed": True, "country": "AT", "added": (BO,)},
        ),
    ],
    ids=["name", "country", "one more", "another", "all"],
)
def test_what_is_new_is_to_be_validated_again(
    house: House,
    change: Change,
    expected: Change,
    details: dict[str, object],
) -> None:
    """The team validates information (Cadastro Único, Passo 2), and this it has not seen."""
    made = validated(house)
    after = house.foreign_desk.change(made.id, CALLER, **change)
    pending = replace(made, validation=Validation.PENDING, validated_at=None)
    assert replace(pending, **expected) == after == house.foreign_desk.find(made.id)
    record = only_act(house)
    named = {
        key: tuple(house.surrogate(one) for one in value) if isinstance(value, tuple) else value
        for key, value in details.items()
    }
    assert "company.change" == record.act
    assert {
        "company": made.id.value,
        "name_changed": False,
        "country": "DE",
        "added": (),
        "removed": (),
        "validation": "pending",
        **named,
    } == record.details


@pytest.mark.parametrize("left", [(BO,), (ANNA,), ()], ids=["one", "the other", "nobody"])
def test_to_take_a_login_away_stops_nobody_else(house: House, left: tuple[Login, ...]) -> None:
    """It brings nothing that would have to be looked at, and takes effect at once."""
    made = validated(house, ANNA, BO)
    after = house.foreign_desk.change(made.id, CALLER, representatives=left)
    assert replace(made, representatives=left) == after == house.foreign_desk.find(made.id)
    gone = tuple(house.surrogate(one) for one in (ANNA, BO) if one not in left)
    record = only_act(house)
    assert ("validated", (), gone) == tuple(
        record.details[name] for name in ("validation", "added", "removed")
    )


def test_a_pending_company_stays_pending(house: House) -> None:
    """Whatever is changed before anybody has looked."""
    made = register(house, ANNA, BO)
    after = house.foreign_desk.change(made.id, CALLER, representatives=[BO])
    assert replace(made, representatives=(BO,)) == after


@pytest.mark.parametrize(
    "change",
    [{}, {"name": "Prüfwerk GmbH"}, {"country": "DE"}, {"representatives": (BO, ANNA)}],
    ids=["nothing", "name", "country", "order"],
)
def test_a_change_of_nothing_is_no_act(house: House, change: Change) -> None:
    """The company stays validated: the order of logins means nothing."""
    made = validated(house, ANNA, BO)
    assert made == house.foreign_desk.change(made.id, CALLER, **change)
    assert [] == house.log.records


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"country": "BR"}, "country"),
        ({"representatives": (ANNA, ANNA)}, "representatives"),
        ({"name": "Anders", "representatives": (BO, BO)}, "representatives"),
    ],
)
def test_what_cannot_be_of_a_company_changes_nothing(
    house: House, change: Change, field: str
) -> None:
    """Not even what else the call says, and nobody gets a surrogate."""
    made = validated(house)
    names = dict(house.store._tables.surrogates)
    with pytest.raises(InvalidInput) as caught:
        house.foreign_desk.change(made.id, CALLER, **change)
    assert field == caught.value.field
    assert made == house.foreign_desk.find(made.id)
    assert ([], names) == (house.log.records, house.store._tables.surrogates)


# All of them

ACTS: dict[str, Act] = {
    "register": lambda house: register(house, BO),
    "change": lambda house: house.foreign_desk.change(FIRST, CALLER, representatives=[ANNA, BO]),
    "validate": lambda house: house.foreign_desk.validate(FIRST, CALLER),
    "withdraw": lambda house: house.foreign_desk.withdraw(FIRST, CALLER),
}


@pytest.mark.parametrize("act", ["change", "validate", "withdraw", "find"])
def test_a_number_that_is_nobodys_is_not_found(house: House, act: str) -> None:
    """The error names it: a number of a company is public."""
    finding: Act = lambda house: house.foreign_desk.find(FIRST)  # noqa: E731 - beside the others
    do = ACTS.get(act, finding)
    with pytest.raises(NotFound, match=r"^there is no foreign company `EX-0000000-0`$"):
        do(house)
    assert [] == house.log.records


@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_cannot_be_written_down_is_not_done(house: House, act: str) -> None:
    """The log comes first."""
    before = register(house)
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        ACTS[act](house)
    assert before == house.foreign_desk.find(FIRST)
    assert house.store.foreign.find(SECOND) is None


@pytest.mark.parametrize("act", ACTS)
def test_without_the_store_nothing_is_said_to_be_done(house: House, act: str) -> None:
    """Neither the caller nor the log hears of an act that was not done."""
    register(house)
    house.log.records.clear()
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        ACTS[act](house)
    assert [] == house.log.records


class _Changed(MemoryForeignCompanies):
    """Lets a colleague rename a company between its being read and its being changed."""

    def find(self, company: ForeignId) -> ForeignCompany | None:
        """Give the company as it was before the colleague came."""
        found = super().find(company)
        if found is not None:
            super().change(found, replace(found, name=f"{found.name}!"), NOON, untold)
        return found


@pytest.mark.parametrize("act", ["change", "validate", "withdraw"])
def test_what_a_colleague_changed_meanwhile_is_not_overwritten(house: House, act: str) -> None:
    """Who validates has looked at something else than what is kept by then."""
    register(house)
    house.log.records.clear()
    house.foreign_desk = replace(house.foreign_desk, companies=_Changed(house.store._tables))
    with pytest.raises(Conflict, match=r"^the company was changed meanwhile$"):
        ACTS[act](house)
    assert [] == house.log.records
    found = house.store.foreign.find(FIRST)
    assert found is not None
    assert ("Prüfwerk GmbH!", Validation.PENDING) == (found.name, found.validation)


@pytest.mark.parametrize("act", ["change", "validate", "withdraw"])
@pytest.mark.parametrize("withdrawn", [False, True])
def test_what_is_not_as_it_was_seen_is_left_alone(house: House, act: str, withdrawn: bool) -> None:
    """Who says what was seen acts on that alone, also where the act would change nothing."""
    made = register(house)
    if withdrawn:
        made = house.foreign_desk.withdraw(made.id, CALLER)
    house.log.records.clear()
    looked_at: list[ForeignCompany] = []

    def seen(company: ForeignCompany) -> bool:
        looked_at.append(company)
        return False

    desk = house.foreign_desk
    acts: dict[str, Callable[..., object]] = {
        "change": partial(desk.change, name="Anders"),
        "validate": desk.validate,
        "withdraw": desk.withdraw,
    }
    with pytest.raises(Stale, match=r"^the company is not what the caller has seen$"):
        acts[act](made.id, CALLER, seen=seen)
    assert [made] == looked_at
    assert made == desk.find(made.id)
    assert [] == house.log.records


def test_what_is_as_it_was_seen_is_acted_on(house: House) -> None:
    """Each act hears yes, and is done."""
    made, desk = register(house), house.foreign_desk
    assert "x" == desk.change(made.id, CALLER, name="x", seen=lambda one: one == made).name
    pending = replace(made, name="x")
    desk.validate(made.id, CALLER, lambda one: one == pending)
    found = desk.withdraw(made.id, CALLER, lambda one: one.validation is Validation.VALIDATED)
    assert replace(pending, validation=Validation.WITHDRAWN) == found


def test_no_record_of_a_foreign_company_holds_a_login(house: House) -> None:
    """Logins stand in the log as surrogates, the same in every act."""
    made = register(house, ANNA, BO)
    house.foreign_desk.validate(made.id, CALLER)
    house.foreign_desk.change(made.id, CALLER, representatives=[ANNA])
    house.foreign_desk.change(made.id, CALLER, representatives=[ANNA, BO], name="Anders")
    house.foreign_desk.withdraw(made.id, CALLER)
    assert 5 == len(house.administrative)
    assert [] == leaks(house.administrative, [ANNA, BO])
    assert 4 == sum(house.surrogate(BO) in repr(one.details) for one in house.administrative)
