"""Replacing a member's set: the document's story, told to the desk and read back from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from authz_service.domain.delegation import DelegationState, Event, EventKind
from authz_service.domain.errors import (
    InvalidInput,
)
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.usecases.acting import Acting, Validity
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    P015,
    P018,
    P061_REGISTRO,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.usecases.delegating import (
    ACTING,
    HOUR,
    MEMBER_ACTING,
    PARTNER_ACTING,
    THREE,
    TODAY,
    by_delegation,
    give,
    kinds,
    listed,
    may_open,
    names,
    stored,
)
from tests.usecases.house import House


def test_the_story_of_the_document(house: House) -> None:
    """Nothing, then three of ten, then two when the set is replaced, then nothing again."""
    house.policy.verdict = by_delegation
    assert set() == may_open(house)
    give(house, THREE)
    assert {P001.id, P018.id, P061_REGISTRO.id} == may_open(house)
    give(house, (P001, P061_REGISTRO))
    assert {P001.id, P061_REGISTRO.id} == may_open(house)
    give(house, ())
    assert set() == may_open(house)


def test_what_is_granted_is_written_in_its_history(house: House) -> None:
    """Who, when, through whom and why stand in the grant, and the version that was newest."""
    given = give(house, THREE, Validity(TODAY))
    assert [one.id for one in THREE] == [one.process for one in given]
    grant = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra", "férias", TODAY)
    for process, one in zip(THREE, given, strict=True):
        assert (grant,) == one.history
        assert (COMPANY, MEMBER, process.version) == (one.company, one.member, one.version)
        assert [one] == stored(house)[process.id]
    assert 3 == len({one.id for one in given})


def test_a_named_version_is_not_the_version_of_the_grant(house: House) -> None:
    """A delegation covers a process across its versions; it notes the newest one."""
    name = [ProcessName("P001", 1)]
    [given] = house.desk.replace_set(ACTING, COMPANY, MEMBER, name).in_force
    assert P001.version == given.version


def test_one_process_named_twice_is_granted_once(house: House) -> None:
    """The set is a set, by whatever names."""
    twice = [ProcessName("P001"), ProcessName("p001"), ProcessName.parse(P001.label)]
    assert 1 == len(house.desk.replace_set(ACTING, COMPANY, MEMBER, twice).in_force)


def test_what_drops_out_is_revoked_and_what_stays_keeps_its_grantor(house: House) -> None:
    """Replacing a set touches nothing that stays, if the grantor does it himself."""
    before = give(house, THREE)
    house.clock.advance(HOUR)
    after = give(house, (P001, P015, P061_REGISTRO))
    assert {P001.id, P015.id, P061_REGISTRO.id} == {one.process for one in after}
    history = stored(house)
    assert [[before[0]], [before[2]]] == [history[P001.id], history[P061_REGISTRO.id]]
    [dropped] = history[P018.id]
    revoked = Event(EventKind.REVOKED, NOON + HOUR, REPRESENTATIVE, "orquestra", "férias")
    assert revoked == dropped.history[-1]
    assert DelegationState.REVOKED is dropped.state(house.clock())
    assert ["granted"] == kinds(history[P015.id][0])


def test_what_drops_out_keeps_its_last_day_in_the_history(house: House) -> None:
    """A revocation ends a delegation and does not change until when it was meant."""
    give(house, (P001,), Validity(TODAY))
    give(house, ())
    assert TODAY == stored(house)[P001.id][0].history[-1].last_day


def test_who_else_replaces_the_set_confirms_what_stays(house: House) -> None:
    """The keeper stands behind it beside the grantor, once, and only behind what stays."""
    give(house, (P001, P018), Validity(TODAY))
    house.clock.advance(HOUR)
    give(house, (P001, P015), None, PARTNER_ACTING)
    kept = stored(house)[P001.id][0]
    confirmed = Event(EventKind.CONFIRMED, NOON + HOUR, PARTNER, "orquestra", None, TODAY)
    assert confirmed == kept.history[-1]
    assert REPRESENTATIVE == kept.grantor
    assert (REPRESENTATIVE, PARTNER) == kept.backers
    assert (REPRESENTATIVE,) == stored(house)[P018.id][0].backers
    assert PARTNER == stored(house)[P015.id][0].grantor
    give(house, (P001, P015), None, PARTNER_ACTING)
    give(house, (P001, P015))
    assert ["granted", "confirmed"] == kinds(stored(house)[P001.id][0])
    assert (PARTNER, REPRESENTATIVE) == stored(house)[P015.id][0].backers


TOMORROW = TODAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "validity", "last_day", "kind"),
    [
        (None, None, None, "granted"),
        (TODAY, None, TODAY, "granted"),
        (TODAY, Validity(None), None, "extended"),
        (TODAY, Validity(TODAY), TODAY, "granted"),
        (TODAY, Validity(TOMORROW), TOMORROW, "extended"),
        (TOMORROW, Validity(TODAY), TODAY, "extended"),
        (None, Validity(TODAY), TODAY, "extended"),
        (None, Validity(None), None, "granted"),
    ],
    ids=[
        "absent, without an end",
        "absent, with an end",
        "for ever, with an end",
        "the same day",
        "a later day",
        "an earlier day",
        "a day, without an end",
        "for ever, without an end",
    ],
)
@pytest.mark.parametrize("acting", [ACTING, PARTNER_ACTING])
def test_until_when_the_set_counts(
    house: House,
    before: date | None,
    validity: Validity | None,
    last_day: date | None,
    kind: str,
    acting: Acting,
) -> None:
    """
    Absent leaves the last day of what stays as it is; a date or none is set on all of the set.

    What is new has no end unless one is given. A confirmer may set the day in the same act.
    """
    give(house, (P001,), Validity(before))
    give(house, (P001, P018), validity, acting)
    history = stored(house)
    assert last_day == history[P001.id][0].last_day
    expected = kind if acting is ACTING else "confirmed"
    assert expected == history[P001.id][0].history[-1].kind.value
    assert (None if validity is None else validity.last_day) == history[P018.id][0].last_day


@pytest.mark.parametrize(
    ("moment", "last_day", "taken"),
    [
        ("2026-11-21T02:59:59.999999+00:00", "2026-11-20", True),
        ("2026-11-21T03:00:00+00:00", "2026-11-20", False),
        ("2026-11-21T03:00:00+00:00", "2026-11-21", True),
        ("2026-11-20T15:00:00+00:00", "2026-11-19", False),
    ],
)
def test_a_last_day_may_be_today_in_brasilia_but_not_yesterday(
    house: House, moment: str, last_day: str, taken: bool
) -> None:
    """The day counts in Brasília; one that is over is a slip, and nothing is done or asked."""
    house.clock.moment = datetime.fromisoformat(moment)
    validity = Validity(date.fromisoformat(last_day))
    if taken:
        assert 1 == len(give(house, (P001,), validity))
    else:
        with pytest.raises(InvalidInput, match=r"^until: must not lie in the past$"):
            give(house, (P001,), validity)
        assert ({}, []) == (stored(house), house.log.records)


def test_a_lapsed_delegation_is_closed_and_granted_anew(house: House) -> None:
    """The old one is noted as expired, the new one has its own grantor, version and end."""
    give(house, (P001,), Validity(TODAY))
    house.clock.advance(timedelta(days=1))
    house.store.catalogue.save_processes([replace(P001, version=4)], NOON, untold)
    [new] = give(house, (P001,), None, PARTNER_ACTING)
    old, kept = stored(house)[P001.id]
    assert kept == new
    expired = Event(EventKind.EXPIRED, house.clock(), PARTNER, "orquestra", None, TODAY)
    assert expired == old.history[-1]
    assert (PARTNER, 4, None) == (new.grantor, new.version, new.last_day)
    assert DelegationState.EXPIRED is old.state(NOON)


@pytest.mark.parametrize("end", ["revoked", "renounced"])
def test_an_ended_delegation_is_granted_anew(house: House, end: str) -> None:
    """The old one stays as it ended, and the new one begins without its backers."""
    [old] = give(house, (P001,))
    if end == "revoked":
        house.desk.revoke(ACTING, old.id)
    else:
        house.desk.renounce(MEMBER_ACTING, old.id)
    house.clock.advance(HOUR)
    [new] = give(house, (P001,), None, PARTNER_ACTING)
    assert [["granted", end], ["granted"]] == [kinds(one) for one in stored(house)[P001.id]]
    assert (PARTNER,) == new.backers


def test_what_has_lapsed_and_is_not_wanted_stays_as_it_is(house: House) -> None:
    """Dropping out of the set revokes only what still counts."""
    give(house, (P001,), Validity(TODAY))
    house.clock.advance(timedelta(days=1))
    give(house, (P018,))
    assert ["granted"] == kinds(stored(house)[P001.id][0])


def test_all_means_those_listed_and_open_now(house: House) -> None:
    """Selecionar Todos takes what takes requests; what is listed later does not join."""
    house.store.catalogue.save_processes([replace(P015, state=ProcessState.CLOSED)], NOON, untold)
    given = house.desk.replace_set(ACTING, COMPANY, MEMBER, None).in_force
    open_now = {one.id for one in CATALOGUE if one != P015}
    assert open_now == {one.process for one in given}
    listed_later = replace(P001, id=ProcessId("p200"), code="P200")
    house.store.catalogue.save_processes([listed_later, P015], NOON, untold)
    house.policy.verdict = by_delegation
    assert open_now == may_open(house)
    again = house.desk.replace_set(ACTING, COMPANY, MEMBER, None).in_force
    assert {*open_now, P015.id, listed_later.id} == {one.process for one in again}


def test_all_drops_what_was_closed_meanwhile(house: House) -> None:
    """All is a set like any other: what is not in it is revoked."""
    give(house, (P015,))
    house.store.catalogue.save_processes([replace(P015, state=ProcessState.CLOSED)], NOON, untold)
    house.desk.replace_set(ACTING, COMPANY, MEMBER, None)
    assert ["granted", "revoked"] == kinds(stored(house)[P015.id][0])


def test_each_company_and_each_member_has_a_set_of_its_own(house: House) -> None:
    """Replacing one set leaves all others alone."""
    for company in (COMPANY, FILIAL):
        for member in (MEMBER, STRANGER):
            house.desk.replace_set(ACTING, company, member, names(THREE))
    give(house, ())
    found = {
        (company, member): len(listed(house, company, member))
        for company in (COMPANY, FILIAL)
        for member in (MEMBER, STRANGER)
    }
    assert {3} == set(found.values())
    counting = [one for one in listed(house) if one.in_force(NOON)]
    assert {STRANGER} == {one.member for one in counting}
    assert 3 == len(counting)
