"""Persons, what they are in a company, and the bonds between establishments."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from authz_service.domain.errors import InvalidInput
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing, prevailing
from authz_service.domain.time import CLOCKS_APART
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    REPRESENTATIVE,
)
from tests.fakes.clock import NOON

TICK = timedelta(microseconds=1)
NAIVE = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 - the missing zone is what is tested

STANDING = Standing(COMPANY, REPRESENTATIVE, Role.SOCIO, Evidence.GOVBR, NOON)
BOND = Bond(FILIAL, COMPANY, "processo 0052600.001234/2026-11", NOON, date(2026, 11, 20))


# Roles


@pytest.mark.parametrize("role", Role)
def test_only_socio_and_representante_legal_represent(role: Role) -> None:
    """Orquestra recognises two roles and no other, as Inmetro's FAQ says."""
    assert (role.value in {"socio", "representante_legal"}) is role.represents


# Persons


@pytest.mark.parametrize(
    ("registered_at", "confirmed_at"), [(None, None), (NOON, None), (NOON, NOON)]
)
def test_a_person_is_spoken_of_then_registered_then_confirmed(
    registered_at: datetime | None, confirmed_at: datetime | None
) -> None:
    """The three stages of a member can be told apart."""
    person = Person(MEMBER, registered_at, confirmed_at)
    assert (registered_at, confirmed_at) == (person.registered_at, person.confirmed_at)


def test_nobody_is_confirmed_without_having_registered() -> None:
    """Orquestra confirms a registration, so there has to be one."""
    with pytest.raises(InvalidInput, match=r"^confirmed: needs a person who has registered$"):
        Person(MEMBER, None, NOON)


# Standing


@pytest.mark.parametrize(
    ("ends_at", "expected"),
    [
        (None, True),
        (NOON + TICK, True),
        (NOON, False),
        (NOON - TICK, False),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_standing_is_over_at_the_instant_it_ends(
    role: Role,
    ends_at: datetime | None,
    expected: bool,
) -> None:
    """The end itself does not belong to it, and who represents does so only until then."""
    standing = replace(STANDING, role=role, ends_at=ends_at)
    assert expected is standing.in_force(NOON)
    assert (expected and role.represents) is standing.represents(NOON)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(0), True),
        (CLOCKS_APART, True),
        (CLOCKS_APART + timedelta(microseconds=1), False),
        (timedelta(days=700), False),
    ],
)
def test_a_standing_of_the_future_does_not_count(ahead: timedelta, expected: bool) -> None:
    """By a clock that was wrong it would be fresh until then; clocks are minutes apart at most."""
    standing = Standing(COMPANY, REPRESENTATIVE, Role.SOCIO, Evidence.GOVBR, NOON + ahead)
    assert expected is standing.in_force(NOON)
    assert expected is standing.represents(NOON)


@pytest.mark.parametrize("field", ["observed_at", "ends_at"])
def test_a_standing_needs_zones(field: str) -> None:
    """An instant without a zone is refused, with the name of the field."""
    with pytest.raises(InvalidInput, match=f"^{field}: must have a time zone$"):
        replace(STANDING, **{field: NAIVE})  # type: ignore[arg-type]  # a field is a plain name here


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), 0),
        (TICK, 0),
        (timedelta(days=1) - TICK, 0),
        (timedelta(days=1), 1),
        (timedelta(days=2) - TICK, 1),
        (timedelta(days=400, hours=23), 400),
        (-TICK, 0),
        (timedelta(days=-3), 0),
    ],
)
@pytest.mark.parametrize("hours", [-3, 0, 9])
def test_the_age_of_a_standing_is_counted_in_whole_days(
    age: timedelta, expected: int, hours: int
) -> None:
    """Days of 24 hours, rounded down, in whatever zone; what was seen later is not yet old."""
    moment = (NOON + age).astimezone(timezone(timedelta(hours=hours)))
    assert expected == STANDING.days(moment)


def test_a_standing_says_nothing_of_a_certificate_unless_told() -> None:
    """Whether the person may register collaborators is unknown until GOV.BR tells."""
    assert STANDING.cadastrador is None


# Which standing counts

GOVBR_SOCIO = STANDING
GOVBR_CONTADOR = replace(STANDING, role=Role.CONTADOR)
SAID_SOCIO = replace(STANDING, evidence=Evidence.ASSERTED)
SAID_CONTADOR = replace(SAID_SOCIO, role=Role.CONTADOR)
LATER = timedelta(days=1)


def later(standing: Standing) -> Standing:
    """Give the same standing, observed a day later."""
    return replace(standing, observed_at=standing.observed_at + LATER)


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ([SAID_SOCIO], SAID_SOCIO),
        ([GOVBR_CONTADOR, SAID_SOCIO], GOVBR_CONTADOR),
        ([GOVBR_CONTADOR, later(SAID_SOCIO)], GOVBR_CONTADOR),
        ([GOVBR_SOCIO, later(SAID_CONTADOR)], GOVBR_SOCIO),
        ([GOVBR_SOCIO, later(GOVBR_CONTADOR)], later(GOVBR_CONTADOR)),
        ([GOVBR_CONTADOR, later(GOVBR_SOCIO)], later(GOVBR_SOCIO)),
        ([SAID_SOCIO, later(SAID_CONTADOR)], later(SAID_CONTADOR)),
        (
            [replace(GOVBR_SOCIO, ends_at=NOON), later(SAID_SOCIO)],
            replace(GOVBR_SOCIO, ends_at=NOON),
        ),
        ([SAID_SOCIO, GOVBR_SOCIO, later(GOVBR_CONTADOR)], later(GOVBR_CONTADOR)),
    ],
    ids=[
        "the only one",
        "verified over asserted, though it says less",
        "verified over asserted, though it is older",
        "verified over asserted, though it says more",
        "the later of two verified",
        "the later of two verified, the other way",
        "the later of two asserted",
        "verified over asserted, though it is over",
        "verified first, later second",
    ],
)
def test_the_prevailing_standing_is_verified_first_then_latest(
    standings: list[Standing], expected: Standing
) -> None:
    """What GOV.BR says prevails over what a caller says, in whatever order they come."""
    for order in itertools.permutations(standings):
        assert expected == prevailing(iter(order))


def test_nothing_prevails_among_none() -> None:
    """Who has no standing has none."""
    assert prevailing([]) is None


# Bonds


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20T02:59:59.999999+00:00", True),
        ("2026-11-21T02:59:59.999999+00:00", True),
        ("2026-11-21T03:00:00+00:00", False),
        ("2026-11-20T23:59:59.999999-03:00", True),
        ("2026-11-21T00:00:00-03:00", False),
        ("2026-11-21T11:59:59+09:00", True),
        ("2026-11-21T12:00:00+09:00", False),
    ],
)
def test_a_bond_counts_to_the_end_of_its_last_day_in_brasilia(moment: str, expected: bool) -> None:
    """The last civil day is counted in Brasília, in whatever zone the instant is given."""
    assert expected is BOND.in_force(datetime.fromisoformat(moment))


def test_a_bond_without_a_last_day_does_not_end() -> None:
    """No last day means no end."""
    assert replace(BOND, last_day=None).in_force(NOON + timedelta(days=100_000))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"matriz": FILIAL}, "matriz: must be another establishment than the filial"),
        (
            {"matriz": OTHER_COMPANY},
            "matriz: must share the first eight characters of the filial",
        ),
        ({"proof": ""}, "proof: must say where the proof of the bond is kept"),
        ({"proof": " \n"}, "proof: must say where the proof of the bond is kept"),
        ({"recorded_at": NAIVE}, "recorded_at: must have a time zone"),
    ],
)
def test_a_bond_that_cannot_be_is_refused(change: dict[str, object], error: str) -> None:
    """A bond joins two establishments of one company, with a proof and a zoned instant."""
    with pytest.raises(InvalidInput) as caught:
        replace(BOND, **change)  # type: ignore[arg-type]  # the table holds one wrong value each
    assert error == str(caught.value)


@pytest.mark.parametrize("field", ["registered_at", "confirmed_at"])
def test_the_instants_of_a_person_have_a_zone(field: str) -> None:
    """When somebody registered is an instant everywhere."""
    with pytest.raises(InvalidInput, match=field):
        Person(MEMBER, **{"registered_at": NOON, field: NAIVE})
