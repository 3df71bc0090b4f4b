"""Replacing a set on a condition: it is as the caller has seen it, or nothing is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_service.domain.decision import Decision, Question
from authz_service.domain.errors import ActRefused, Stale
from authz_service.domain.facts import Facts
from authz_service.usecases.acting import tag_of
from authz_service.usecases.delegate import DelegationDesk, MembersSet
from authz_service.usecases.listing import Search
from tests.domain.document import COMPANY, MEMBER, P001, P015, P018, STRANGER
from tests.fakes.policies import deny_all
from tests.usecases.delegating import (
    ACTING,
    MEMBER_ACTING,
    PARTNER_ACTING,
    give,
    grant,
    kinds,
    listed,
    names,
    stored,
)
from tests.usecases.house import House
from tests.usecases.test_meanwhile import Late, elsewhere, interfered

EMPTY = tag_of([])


def tag(house: House) -> str:
    """Give the tag of the member's delegations as they are."""
    return house.desk.search(ACTING, Search(COMPANY, MEMBER), None, 1).tag


def swap(desk: DelegationDesk, *expected: str) -> MembersSet:
    """Make P015 the member's whole set, if it has one of these tags."""
    return desk.replace_set(ACTING, COMPANY, MEMBER, names((P015,)), expected=frozenset(expected))


def test_the_tag_that_was_seen_lets_the_set_be_replaced(house: House) -> None:
    """One of several is enough, and the answer's tag is that of the next reading."""
    give(house, (P001,))
    after = swap(house.desk, "another", tag(house))
    assert [P015.id] == [one.process for one in after.in_force]
    assert tag(house) == after.tag
    assert tag(house) == swap(house.desk, after.tag).tag


def test_a_member_without_delegations_has_a_tag_too(house: House) -> None:
    """So that two who begin a set do not undo each other's work."""
    assert EMPTY == tag(house)
    swap(house.desk, EMPTY)
    with pytest.raises(Stale):
        swap(house.desk, EMPTY)


@pytest.mark.parametrize("expected", [(), ("another",), (EMPTY,)], ids=["none", "other", "empty"])
def test_another_tag_leaves_everything_as_it_is(house: House, expected: tuple[str, ...]) -> None:
    """Nothing is written, neither to the store nor as an act."""
    [given] = give(house, (P001,))
    acts = house.administrative
    with pytest.raises(Stale):
        swap(house.desk, *expected)
    assert ({P001.id: [given]}, acts) == (stored(house), house.administrative)


def test_a_set_that_would_stay_the_same_is_refused_too(house: House) -> None:
    """The condition is about what was seen, not about what would be done."""
    give(house, (P015,))
    with pytest.raises(Stale):
        swap(house.desk, EMPTY)


def test_whoever_is_refused_does_not_learn_how_it_stands(house: House) -> None:
    """The policy speaks before the condition."""
    give(house, (P001,))
    house.policy.verdict = deny_all
    for expected in (EMPTY, tag_of(house.store.delegations.of_company(COMPANY, MEMBER))):
        with pytest.raises(ActRefused):
            swap(house.desk, expected)


def test_what_somebody_else_did_between_decision_and_write_is_noticed(house: House) -> None:
    """The condition is checked against what is really replaced, so also after another try."""
    give(house, (P001,))
    desk = interfered(house, lambda: grant(house, (P018,), PARTNER_ACTING))
    with pytest.raises(Stale):
        swap(desk, tag(house))
    assert ["granted"] == kinds(stored(house)[P001.id][0])
    assert P015.id not in stored(house)


def test_what_came_between_reading_and_decision_is_noticed(house: House) -> None:
    """A set that was read with the right tag, and is another when it is decided, is refused."""
    give(house, (P001,))
    expected = tag(house)
    late = Late(house, lambda: house.desk.renounce(MEMBER_ACTING, stored(house)[P001.id][0].id))
    with pytest.raises(Stale):
        swap(replace(house.desk, delegations=late), expected)
    assert ["granted", "renounced"] == kinds(stored(house)[P001.id][0])


def test_what_has_nothing_to_do_with_the_set_does_not_break_the_condition(house: House) -> None:
    """Writes about others, and another member's delegations, leave the tag as it is."""
    give(house, (P001,))
    expected = tag(house)
    house.desk.grant(PARTNER_ACTING, COMPANY, STRANGER, names((P018,)))
    desk = interfered(house, elsewhere(house))
    assert [P015.id] == [one.process for one in swap(desk, expected).in_force]


def test_the_decision_of_a_stale_act_is_in_the_log(house: House) -> None:
    """It was asked and allowed; that nothing came of it shows in the act that is missing."""
    allowed: list[Question] = []

    def verdict(question: Question, _facts: Facts) -> Decision:
        allowed.append(question)
        return Decision(allowed=True, reasons=("represents",))

    house.policy.verdict = verdict
    with pytest.raises(Stale):
        swap(house.desk, "another")
    assert ["delegate"] == [one.action for one in allowed]
    assert ([True], []) == (
        [one.decision.allowed for one in house.decisions],
        house.administrative,
    )
    assert [] == listed(house)
