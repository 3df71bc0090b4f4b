"""Delegations: where one stands at a moment, who stands behind it, which one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from authz_service.domain.delegation import (
    ENDINGS,
    Change,
    Delegation,
    DelegationState,
    Event,
    EventKind,
    latest,
)
from authz_service.domain.errors import InvalidInput
from tests.domain.document import (
    COMPANY,
    MEMBER,
    OTHER_COMPANY,
    P001,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON

LAST_DAY = date(2026, 11, 20)
GRANT = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra", last_day=LAST_DAY)
DELEGATION = Delegation("d1", COMPANY, MEMBER, P001.id, 3, (GRANT,))


def after(delegation: Delegation, kind: EventKind, **change: object) -> Delegation:
    """Give *delegation* after one more event, like its last one but for *change*."""
    last = delegation.history[-1]
    at = last.at + timedelta(hours=1)
    event = replace(last, **({"kind": kind, "at": at} | change))  # type: ignore[arg-type]  # plain names
    return replace(delegation, history=(*delegation.history, event))


@pytest.mark.parametrize(
    ("last_day", "moment", "expected"),
    [
        (LAST_DAY, "2026-11-20T15:00:00+00:00", DelegationState.IN_FORCE),
        (LAST_DAY, "2026-11-20T23:59:59.999999-03:00", DelegationState.IN_FORCE),
        (LAST_DAY, "2026-11-21T00:00:00-03:00", DelegationState.EXPIRED),
        (LAST_DAY, "2026-11-21T02:59:59.999999+00:00", DelegationState.IN_FORCE),
        (LAST_DAY, "2026-11-21T03:00:00+00:00", DelegationState.EXPIRED),
        (LAST_DAY, "2027-11-21T03:00:00+00:00", DelegationState.EXPIRED),
        # In the summer time that Brasília had, the day ended an hour earlier for UTC.
        (date(2019, 1, 15), "2019-01-16T01:59:59.999999+00:00", DelegationState.IN_FORCE),
        (date(2019, 1, 15), "2019-01-16T02:00:00+00:00", DelegationState.EXPIRED),
        # The last hour of this day came twice.
        (date(2018, 2, 17), "2018-02-18T02:30:00+00:00", DelegationState.IN_FORCE),
        (date(2018, 2, 17), "2018-02-18T03:00:00+00:00", DelegationState.EXPIRED),
        # The day after this one began at one o'clock.
        (date(2018, 11, 3), "2018-11-04T02:59:59.999999+00:00", DelegationState.IN_FORCE),
        (date(2018, 11, 3), "2018-11-04T03:00:00+00:00", DelegationState.EXPIRED),
        (None, "9000-01-01T00:00:00+00:00", DelegationState.IN_FORCE),
    ],
)
def test_a_delegation_counts_to_the_end_of_its_last_day_in_brasilia(
    last_day: date | None, moment: str, expected: DelegationState
) -> None:
    """The last civil day belongs to it up to its last instant; without one it never expires."""
    delegation = replace(DELEGATION, history=(replace(GRANT, last_day=last_day),))
    at = datetime.fromisoformat(moment)
    assert expected is delegation.state(at)
    assert (expected is DelegationState.IN_FORCE) is delegation.in_force(at)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EventKind.REVOKED, DelegationState.REVOKED),
        (EventKind.RENOUNCED, DelegationState.RENOUNCED),
        (EventKind.EXPIRED, DelegationState.EXPIRED),
    ],
)
@pytest.mark.parametrize("moment", [NOON, NOON + timedelta(days=365)])
def test_an_ended_delegation_says_how_it_ended(
    kind: EventKind, expected: DelegationState, moment: datetime
) -> None:
    """An act ends it at once and for good, before its last day and after it."""
    ended = after(DELEGATION, kind)
    assert kind is ended.ended
    assert expected is ended.state(moment)
    assert not ended.in_force(moment)


@pytest.mark.parametrize("kind", [EventKind.GRANTED, EventKind.CONFIRMED, EventKind.EXTENDED])
def test_a_delegation_that_was_only_touched_goes_on(kind: EventKind) -> None:
    """Confirming and extending end nothing."""
    touched = after(DELEGATION, kind)
    assert touched.ended is None
    assert touched.in_force(NOON)


def test_every_event_either_ends_or_does_not() -> None:
    """The three endings are the ones that GOV.BR's procuração has, each with its own state."""
    assert {"revoked", "renounced", "expired"} == {kind.value for kind in ENDINGS}
    assert len(ENDINGS) == len(set(ENDINGS.values()))


def test_the_last_day_is_the_one_that_was_set_last() -> None:
    """Extending moves the end, to later, to earlier or to never."""
    tomorrow = LAST_DAY + timedelta(days=1)
    assert tomorrow == after(DELEGATION, EventKind.EXTENDED, last_day=tomorrow).last_day
    assert after(DELEGATION, EventKind.EXTENDED, last_day=None).last_day is None
    shortened = after(DELEGATION, EventKind.EXTENDED, last_day=LAST_DAY - timedelta(days=1))
    assert DelegationState.EXPIRED is shortened.state(NOON)


def test_grantor_and_confirmers_stand_behind_a_delegation() -> None:
    """Each backer counts once, in the order in which they came; who only extends is none."""
    history = after(DELEGATION, EventKind.CONFIRMED, actor=PARTNER)
    history = after(history, EventKind.EXTENDED, actor=STRANGER)
    history = after(history, EventKind.CONFIRMED, actor=REPRESENTATIVE)
    history = after(history, EventKind.CONFIRMED, actor=PARTNER)
    assert REPRESENTATIVE == history.grantor
    assert (REPRESENTATIVE, PARTNER) == history.backers


def test_who_ends_a_delegation_does_not_stand_behind_it() -> None:
    """A revocation by somebody else leaves the backers as they were."""
    ended = after(DELEGATION, EventKind.REVOKED, actor=PARTNER)
    assert (REPRESENTATIVE,) == ended.backers


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.GRANTED])
def test_a_history_begins_with_the_grant(kind: EventKind) -> None:
    """Nothing happens to a delegation before somebody grants it."""
    with pytest.raises(InvalidInput, match=r"^history: must begin with the grant$"):
        replace(DELEGATION, history=(replace(GRANT, kind=kind), GRANT))


def test_a_delegation_without_a_history_is_none() -> None:
    """There is always the grant."""
    with pytest.raises(InvalidInput, match=r"^history: must begin with the grant$"):
        replace(DELEGATION, history=())


@pytest.mark.parametrize("position", [0, 1])
def test_every_event_of_a_history_has_a_zone(position: int) -> None:
    """An event at an instant without a zone is refused, wherever it stands."""
    events = [GRANT, replace(GRANT, kind=EventKind.EXTENDED)]
    events[position] = replace(events[position], at=NOON.replace(tzinfo=None))
    with pytest.raises(InvalidInput, match=r"^history: must have a time zone$"):
        replace(DELEGATION, history=tuple(events))


# Which of several counts


def named(delegation: Delegation, name: str) -> Delegation:
    """Give *delegation* under another id."""
    return replace(delegation, id=name)


@pytest.mark.parametrize(
    ("delegations", "expected"),
    [
        ([], None),
        ([DELEGATION], "d1"),
        ([after(DELEGATION, EventKind.RENOUNCED)], "d1"),
        ([after(DELEGATION, EventKind.EXPIRED), named(DELEGATION, "d2")], "d2"),
        (
            [
                after(DELEGATION, EventKind.RENOUNCED, at=NOON + timedelta(hours=1)),
                named(after(DELEGATION, EventKind.REVOKED, at=NOON + timedelta(hours=2)), "d2"),
            ],
            "d2",
        ),
        (
            [
                after(DELEGATION, EventKind.RENOUNCED, at=NOON + timedelta(hours=2)),
                named(after(DELEGATION, EventKind.REVOKED, at=NOON + timedelta(hours=1)), "d2"),
            ],
            "d2",
        ),
    ],
    ids=[
        "none",
        "the only one",
        "the only one, though ended",
        "the new one after an old one lapsed",
        "the last made of two that are over",
        "the last made, though a clock that was set back says otherwise",
    ],
)
def test_the_latest_delegation_is_the_one_that_counts(
    delegations: list[Delegation], expected: str | None
) -> None:
    """It is the last that was made, whatever the clocks said."""
    found = latest(delegations)
    assert expected == (None if found is None else found.id)


# Changes


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(COMPANY, MEMBER, 7, ()), True),
        (Change(COMPANY, MEMBER, 7, (DELEGATION,)), True),
        (Change(COMPANY, MEMBER, 7, (), granted=(DELEGATION,)), False),
        (Change(COMPANY, MEMBER, 7, (DELEGATION,), events=(("d1", GRANT),)), False),
    ],
)
def test_a_change_that_writes_nothing_is_empty(change: Change, expected: bool) -> None:
    """What was only seen is not written."""
    assert expected is change.empty


@pytest.mark.parametrize("field", ["seen", "granted"])
@pytest.mark.parametrize("whose", ["company", "member"])
def test_a_change_is_about_one_member_of_one_company(field: str, whose: str) -> None:
    """Somebody else's delegation would slip past the comparison with what was seen."""
    foreign = {
        "company": replace(DELEGATION, company=OTHER_COMPANY),
        "member": replace(DELEGATION, member=REPRESENTATIVE),
    }[whose]
    seen, granted = {"seen": ((foreign,), ()), "granted": ((), (foreign,))}[field]

    with pytest.raises(InvalidInput, match="company and member"):
        Change(COMPANY, MEMBER, 7, seen, granted)


def test_a_change_knows_what_there_is_after_it() -> None:
    """What was there with what happens to it, in the order of events, and then what begins."""
    other, new = named(DELEGATION, "d2"), named(DELEGATION, "d3")
    first, second = replace(GRANT, kind=EventKind.CONFIRMED), replace(GRANT, kind=EventKind.REVOKED)
    events = (("d1", first), ("d1", second))

    changed = replace(DELEGATION, history=(*DELEGATION.history, first, second))
    change = Change(COMPANY, MEMBER, 7, (DELEGATION, other), (new,), events)
    assert (changed, other, new) == change.after
