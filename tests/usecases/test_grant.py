"""Granting: one or more processes are delegated beside those that the member has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authz_service.domain.decision import NO_PERMIT, Decision, Question
from authz_service.domain.delegation import Event, EventKind
from authz_service.domain.errors import ActRefused, InvalidInput
from authz_service.domain.facts import Facts
from authz_service.domain.processes import ProcessName
from authz_service.usecases.acting import Validity
from tests.domain.document import (
    COMPANY,
    MEMBER,
    P001,
    P015,
    P018,
    PARTNER,
    REPRESENTATIVE,
)
from tests.fakes.clock import NOON
from tests.usecases.delegating import (
    HOUR,
    PARTNER_ACTING,
    TODAY,
    asked,
    give,
    grant,
    kinds,
    stored,
)
from tests.usecases.house import House

TOMORROW = TODAY + timedelta(days=1)


def test_what_the_member_has_besides_stays_as_it_is(house: House) -> None:
    """A grant adds to the set, and says nothing about the rest of it."""
    [before] = give(house, (P001,), Validity(TODAY))
    house.clock.advance(HOUR)
    after = grant(house, (P015, P018), PARTNER_ACTING)
    assert [P001.id, P015.id, P018.id] == [one.process for one in after]
    assert before == after[0]
    granted = Event(EventKind.GRANTED, NOON + HOUR, PARTNER, "orquestra")
    assert [(granted,), (granted,)] == [one.history for one in after[1:]]
    assert after == [one for ones in stored(house).values() for one in ones]


def test_only_what_is_granted_is_asked_about_and_written_down(house: House) -> None:
    """The policy judges the new processes, and the act names them."""
    give(house, (P001,))
    house.log.records.clear()
    grant(house, (P015,))
    assert [("delegate", "p015")] == asked(house)
    [act] = house.administrative
    assert ("delegation.grant", ("p015",), ()) == (
        act.act,
        act.details["granted"],
        act.details["events"],
    )


def test_who_else_grants_what_is_there_confirms_it(house: House) -> None:
    """Whoever grants stands behind it from then on, and the day is set if one is given."""
    give(house, (P001, P015))
    grant(house, (P001,), PARTNER_ACTING, Validity(TOMORROW))
    history = stored(house)
    assert (REPRESENTATIVE, PARTNER) == history[P001.id][0].backers
    assert TOMORROW == history[P001.id][0].last_day
    assert ["granted"] == kinds(history[P015.id][0])


def test_the_grantor_may_set_another_day(house: House) -> None:
    """What is granted again by its grantor is extended, and without a day nothing happens."""
    give(house, (P001,))
    acts = len(house.administrative)
    grant(house, (P001,))
    assert acts == len(house.administrative)
    grant(house, (P001,), validity=Validity(TOMORROW))
    assert ["granted", "extended"] == kinds(stored(house)[P001.id][0])


def test_what_has_lapsed_is_granted_anew(house: House) -> None:
    """The old one is noted as expired; others that have lapsed stay as they are."""
    give(house, (P001, P015), Validity(TODAY))
    house.clock.advance(timedelta(days=1))
    [new] = grant(house, (P001,), PARTNER_ACTING)
    old, kept = stored(house)[P001.id]
    assert (["granted", "expired"], new) == (kinds(old), kept)
    assert ["granted"] == kinds(stored(house)[P015.id][0])


def test_one_denied_process_stops_the_whole_grant(house: House) -> None:
    """Nothing is granted where one of the processes is not."""

    def verdict(_question: Question, facts: Facts) -> Decision:
        denied = facts.process is not None and facts.process.code == "P015"
        return Decision(allowed=not denied, reasons=(NO_PERMIT if denied else "represents",))

    house.policy.verdict = verdict
    with pytest.raises(ActRefused) as caught:
        grant(house, (P001, P015))
    assert [P015.label] == [one.process for one in caught.value.refusals]
    assert ({}, []) == (stored(house), house.administrative)


@pytest.mark.parametrize(
    ("processes", "last_day", "field"),
    [
        ([], None, "processes"),
        ([ProcessName("P999")], None, "processes.0"),
        ([ProcessName("P001"), ProcessName("P061")], None, "processes.1"),
        ([ProcessName("P001")], TODAY - timedelta(days=1), "until"),
    ],
    ids=["none", "unknown", "ambiguous", "a day in the past"],
)
def test_a_grant_that_is_not_clear_is_refused(
    house: House, processes: list[ProcessName], last_day: object, field: str
) -> None:
    """The error names what is wrong, and nothing is asked or done."""
    acting, validity = PARTNER_ACTING, Validity(last_day)  # type: ignore[arg-type]  # a table of cases
    with pytest.raises(InvalidInput) as caught:
        house.desk.grant(acting, COMPANY, MEMBER, processes, validity)
    assert field == caught.value.field
    assert ({}, []) == (stored(house), house.log.records)
