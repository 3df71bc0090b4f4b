"""Listing delegations, and ending one by itself: by the company, or by the member."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.decision import (
    NO_PERMIT,
    CompanyAsked,
    Decision,
    ProcessAsked,
    Question,
)
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.errors import (
    ActRefused,
    Conflict,
    NotFound,
)
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from authz_service.usecases.acting import Acting, Validity
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    P015,
    P018,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.policies import deny_all
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
    remember,
    stored,
)
from tests.usecases.house import House


def test_listing_shows_ended_delegations_too(house: House) -> None:
    """The history belongs to the company; one member's part of it can be asked for."""
    give(house, THREE)
    give(house, ())
    house.desk.replace_set(ACTING, COMPANY, STRANGER, names([P015]))
    everything = listed(house)
    assert 4 == len(everything)
    assert [STRANGER] == [one.member for one in listed(house, COMPANY, STRANGER)]
    assert everything[:3] == listed(house, COMPANY, MEMBER)
    assert [] == listed(house, FILIAL)


@pytest.mark.parametrize("member", [None, MEMBER])
def test_listing_is_decided_by_the_policy(house: House, member: Cpf | None) -> None:
    """Reading is an act with a question of its own, and the member asked about is in it."""
    seen = remember(house, Decision(allowed=False, reasons=(NO_PERMIT,)))
    with pytest.raises(ActRefused) as caught:
        listed(house, COMPANY, member)
    [question] = seen
    expected = Question(
        REPRESENTATIVE, "read_delegations", CompanyAsked(COMPANY), Evidence.ASSERTED, member
    )
    assert expected == question
    assert [None] == [one.process for one in caught.value.refusals]


@pytest.mark.parametrize(
    ("end", "acting", "kind"),
    [
        ("revoke", ACTING, EventKind.REVOKED),
        ("revoke", PARTNER_ACTING, EventKind.REVOKED),
        ("renounce", MEMBER_ACTING, EventKind.RENOUNCED),
    ],
)
def test_a_delegation_is_ended_by_the_company_or_the_member(
    house: House, end: str, acting: Acting, kind: EventKind
) -> None:
    """One is over at once, with who, when and why; the others go on."""
    first, second = give(house, (P001, P018), Validity(TODAY))
    house.clock.advance(HOUR)
    ended = getattr(house.desk, end)(acting, first.id)
    event = Event(kind, NOON + HOUR, acting.actor, "orquestra", acting.why, TODAY)
    assert replace(first, history=(*first.history, event)) == ended
    assert {P001.id: [ended], P018.id: [second]} == stored(house)
    house.policy.verdict = by_delegation
    assert {P018.id} == may_open(house)


@pytest.mark.parametrize(
    ("end", "acting", "recipient"),
    [("revoke", PARTNER_ACTING, MEMBER), ("renounce", MEMBER_ACTING, None)],
)
def test_ending_is_decided_by_the_policy(
    house: House, end: str, acting: Acting, recipient: Cpf | None
) -> None:
    """The question is about the process and the company; denied, the delegation goes on."""
    [given] = give(house, (P001,))
    seen = remember(house, Decision(allowed=False, reasons=(NO_PERMIT,)))
    with pytest.raises(ActRefused) as caught:
        getattr(house.desk, end)(acting, given.id)
    [question] = seen
    resource = ProcessAsked(ProcessName("p001"), COMPANY)
    assert Question(acting.actor, end, resource, acting.evidence, recipient) == question
    assert [P001.label] == [one.process for one in caught.value.refusals]
    assert {P001.id: [given]} == stored(house)
    assert ["delegation.replace"] == [one.act for one in house.administrative]


@pytest.mark.parametrize("end", ["revoke", "renounce"])
def test_what_does_not_exist_cannot_be_ended(house: House, end: str) -> None:
    """An id that nobody has is not found."""
    give(house, (P001,))
    with pytest.raises(NotFound, match=r"^there is no such delegation$"):
        getattr(house.desk, end)(MEMBER_ACTING, "no such id")


@pytest.mark.parametrize("acting", [ACTING, PARTNER_ACTING, replace(ACTING, actor=STRANGER)])
def test_somebody_elses_delegation_cannot_be_renounced(house: House, acting: Acting) -> None:
    """It looks as if it did not exist, and the policy is not asked."""
    [given] = give(house, (P001,))
    house.log.records.clear()
    with pytest.raises(NotFound, match=r"^there is no such delegation$"):
        house.desk.renounce(acting, given.id)
    assert {P001.id: [given]} == stored(house)
    assert [] == house.log.records


@pytest.mark.parametrize("end", ["revoke", "renounce"])
@pytest.mark.parametrize("over", ["revoked", "lapsed"])
def test_what_is_over_cannot_be_ended_again(house: House, end: str, over: str) -> None:
    """Its history stays as it is, whether an act or time ended it."""
    [given] = give(house, (P001,), Validity(TODAY))
    if over == "revoked":
        house.desk.revoke(ACTING, given.id)
    else:
        house.clock.advance(timedelta(days=1))
    before = stored(house)
    with pytest.raises(Conflict, match=r"^the delegation is over already$"):
        getattr(house.desk, end)(MEMBER_ACTING, given.id)
    assert before == stored(house)


def test_ending_what_somebody_ends_meanwhile_is_a_conflict(house: House) -> None:
    """The second of two revocations does not write a second ending."""
    [given] = give(house, (P001,))
    allowed = Decision(allowed=True, reasons=("represents",))

    def meanwhile(_question: Question, _facts: Facts) -> Decision:
        house.policy.verdict = lambda _question, _facts: allowed
        house.desk.revoke(PARTNER_ACTING, given.id)
        return allowed

    house.policy.verdict = meanwhile
    with pytest.raises(Conflict):
        house.desk.revoke(ACTING, given.id)
    [kept] = stored(house)[P001.id]
    assert (["granted", "revoked"], PARTNER) == (kinds(kept), kept.history[-1].actor)


def test_whether_a_delegation_is_over_is_told_to_nobody_who_may_not_revoke_it(
    house: House,
) -> None:
    """Over or not, an outsider with its id is refused alike, and leaves a trace in the log."""
    over, going_on = give(house, (P001, P018))
    house.desk.revoke(ACTING, over.id)
    house.policy.verdict = deny_all
    house.log.records.clear()
    for one in (over, going_on):
        with pytest.raises(ActRefused):
            house.desk.revoke(replace(ACTING, actor=STRANGER), one.id)
    assert [False, False] == [one.decision.allowed for one in house.decisions]


def test_a_member_is_told_first_that_the_own_delegation_is_over(house: House) -> None:
    """The policy lets nobody renounce what is over, and the reason would mislead."""
    [given] = give(house, (P001,))
    house.desk.revoke(ACTING, given.id)
    house.policy.verdict = deny_all
    with pytest.raises(Conflict, match=r"^the delegation is over already$"):
        house.desk.renounce(MEMBER_ACTING, given.id)


def test_a_delegation_is_ended_as_it_is_by_then(house: House) -> None:
    """A last day that somebody sets after it was found is in the ending all the same."""

    class Late:
        """Delegations that somebody extends right after they were found by id."""

        def find(self, delegation_id: str) -> Delegation | None:
            """Give the delegation as it was."""
            found = house.store.delegations.find(delegation_id)
            give(house, (P001,), Validity(TODAY))
            return found

        of_company = house.store.delegations.of_company
        apply = house.store.delegations.apply

    [given] = give(house, (P001,))
    desk = replace(house.desk, delegations=Late())
    ended = desk.revoke(ACTING, given.id)
    assert {P001.id: [ended]} == stored(house)
    assert (["granted", "extended", "revoked"], TODAY) == (kinds(ended), ended.last_day)
