"""Searching delegations: filtered, in parts, with the tag of the whole; one with its history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authz_service.domain.decision import NO_PERMIT, CompanyAsked, Decision, Question
from authz_service.domain.delegation import Delegation, DelegationState
from authz_service.domain.errors import (
    ActRefused,
    AmbiguousProcess,
    Conflict,
    InvalidInput,
    NotFound,
)
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from authz_service.usecases.acting import Validity, tag_of
from authz_service.usecases.listing import Search
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    MEMBER,
    P001,
    P015,
    P018,
    P061_REGISTRO,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.store import untold
from tests.usecases.delegating import (
    ACTING,
    MEMBER_ACTING,
    PARTNER_ACTING,
    TODAY,
    give,
    grant,
    listed,
    names,
    remember,
    stored,
)
from tests.usecases.house import CALLER, House

STATES = {
    DelegationState.REVOKED: P001,
    DelegationState.RENOUNCED: P015,
    DelegationState.EXPIRED: P018,
    DelegationState.IN_FORCE: P061_REGISTRO,
}


def one_of_each(house: House) -> None:
    """Let the member have a delegation in every state there is."""
    first, second, *_ = give(house, (P001, P015))
    house.desk.revoke(ACTING, first.id)
    house.desk.renounce(MEMBER_ACTING, second.id)
    grant(house, (P018,), validity=Validity(TODAY))
    grant(house, (P061_REGISTRO,))
    house.clock.advance(timedelta(days=1))


def parts(house: House, search: Search, limit: int) -> list[list[Delegation]]:
    """Read a whole list in parts."""
    found, after = [], None
    while True:
        page = house.desk.search(ACTING, search, after, limit).page
        found.append(list(page.items))
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize(("state", "process"), STATES.items(), ids=[one.value for one in STATES])
def test_a_state_is_as_of_now(house: House, state: DelegationState, process: object) -> None:
    """Only those that stand so at this moment are given."""
    one_of_each(house)
    found = house.desk.search(ACTING, Search(COMPANY, MEMBER, state=state), None, 50).page.items
    assert [process] == [one for one in CATALOGUE if one.id in {each.process for each in found}]


@pytest.mark.parametrize("name", ["p001", "P001", P001.label])
def test_a_process_is_named_as_everywhere(house: House, name: str) -> None:
    """Its id, its code or its label, whatever version the label has."""
    give(house, (P001, P015))
    give(house, ())
    give(house, (P001,))
    search = Search(COMPANY, process=ProcessName.parse(name))
    found = house.desk.search(ACTING, search, None, 50).page.items
    assert stored(house)[P001.id] == list(found)


@pytest.mark.parametrize(
    ("name", "error"), [("P999", InvalidInput), ("P061", AmbiguousProcess)], ids=["none", "two"]
)
def test_a_process_that_is_not_clear_is_refused(
    house: House, name: str, error: type[InvalidInput]
) -> None:
    """A name that is a mistake is not answered with an empty list."""
    with pytest.raises(error) as caught:
        house.desk.search(ACTING, Search(COMPANY, process=ProcessName(name)), None, 50)
    assert "process" == caught.value.field


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 50])
def test_parts_make_up_the_whole(house: House, limit: int) -> None:
    """Each delegation is in exactly one part, in the order of the list, and no part is empty."""
    one_of_each(house)
    found = parts(house, Search(COMPANY), limit)
    assert listed(house) == [one for part in found for one in part]
    assert [limit] * (len(found) - 1) == [len(part) for part in found[:-1]]
    assert found[-1]


def test_a_part_goes_on_after_what_has_changed_its_state(house: House) -> None:
    """The last one of a part may be revoked before the next is asked for."""
    give(house, (P001, P015, P018))
    search = Search(COMPANY, state=DelegationState.IN_FORCE)
    page = house.desk.search(ACTING, search, None, 1).page
    house.desk.revoke(ACTING, page.items[0].id)
    rest = house.desk.search(ACTING, search, page.next, 50).page
    assert [P015.id, P018.id] == [one.process for one in rest.items]


def test_a_part_after_what_is_there_no_more_is_a_conflict(house: House) -> None:
    """Where the last one of a part was erased, the list has to be begun anew."""
    give(house, (P001, P015))
    after = house.desk.search(ACTING, Search(COMPANY), None, 1).page.next
    house.store.personal_data.erase(MEMBER, untold)
    with pytest.raises(Conflict, match="begin it anew"):
        house.desk.search(ACTING, Search(COMPANY), after, 1)


def test_the_tag_is_of_all_of_the_members_delegations(house: House) -> None:
    """Whatever part is asked for, and whoever else has some in the company."""
    house.desk.replace_set(ACTING, COMPANY, STRANGER, names([P018]))
    one_of_each(house)
    mine = tag_of(listed(house, COMPANY, MEMBER))
    searches = (Search(COMPANY, MEMBER, state=DelegationState.EXPIRED), Search(COMPANY, MEMBER))
    assert [mine, mine] == [house.desk.search(ACTING, one, None, 1).tag for one in searches]
    assert mine != house.desk.search(ACTING, Search(COMPANY), None, 1).tag


def test_every_event_makes_another_tag(house: House) -> None:
    """Granted, confirmed, extended, revoked, renounced: none of it goes unnoticed."""
    [first] = give(house, (P001,))
    tags = [tag_of(listed(house))]
    for act in (
        lambda: give(house, (P001,), None, PARTNER_ACTING),
        lambda: give(house, (P001,), Validity(TODAY)),
        lambda: grant(house, (P015,)),
        lambda: house.desk.revoke(ACTING, first.id),
        lambda: house.desk.renounce(MEMBER_ACTING, stored(house)[P015.id][0].id),
    ):
        act()
        tags.append(tag_of(listed(house)))
    assert 6 == len(set(tags))
    assert {32} == {len(one) for one in tags}


# One with its history


def test_one_delegation_is_given_with_its_history(house: House) -> None:
    """All that happened to it, also where it is over."""
    [given] = give(house, (P001,))
    house.desk.renounce(MEMBER_ACTING, given.id)
    assert stored(house)[P001.id] == [house.desk.history(ACTING, given.id)]


def test_a_history_takes_the_right_to_read_the_members_delegations(house: House) -> None:
    """The policy is asked what it is asked for a listing, and a denial tells nothing."""
    [given] = give(house, (P001,))
    seen = remember(house, Decision(allowed=False, reasons=(NO_PERMIT,)))
    with pytest.raises(ActRefused):
        house.desk.history(ACTING, given.id)
    asked = Question(
        REPRESENTATIVE, "read_delegations", CompanyAsked(COMPANY), Evidence.ASSERTED, MEMBER
    )
    assert [asked] == seen


def test_what_does_not_exist_has_no_history(house: House) -> None:
    """Nobody is asked about an id that is nobody's."""
    with pytest.raises(NotFound):
        house.desk.history(ACTING, "0" * 32)
    assert [] == house.log.records


def test_a_history_is_as_it_is_when_it_is_given(house: House) -> None:
    """What happens while the policy is asked is in it."""
    [given] = give(house, (P001,))
    allowed = Decision(allowed=True, reasons=("represents",))

    def meanwhile(_question: object, _facts: object) -> Decision:
        house.policy.verdict = lambda _question, _facts: allowed
        house.desk.revoke(ACTING, given.id)
        return allowed

    house.policy.verdict = meanwhile
    shown = house.desk.history(ACTING, given.id)
    assert DelegationState.REVOKED is shown.state(house.clock())
    assert "orquestra" == CALLER.name == shown.history[-1].caller
