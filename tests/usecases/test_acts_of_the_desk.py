"""What the desk asks the policy, what a refusal or a conflict leaves, and what the log keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from authz_service.domain.decision import (
    NO_PERMIT,
    Decision,
    ProcessAsked,
    Question,
)
from authz_service.domain.errors import (
    ActRefused,
    AmbiguousProcess,
    InvalidInput,
    LogUnavailable,
    Refusal,
)
from authz_service.domain.facts import Facts
from authz_service.domain.people import Evidence, Person
from authz_service.domain.processes import ProcessDefinition, ProcessName
from authz_service.usecases.acting import Acting, Validity
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
from tests.fakes.log import ListLog
from tests.fakes.policies import deny_all
from tests.fakes.store import untold
from tests.usecases.delegating import (
    ACTING,
    MEMBER_ACTING,
    PARTNER_ACTING,
    THREE,
    TODAY,
    asked,
    give,
    grant,
    listed,
    names,
    remember,
    stored,
)
from tests.usecases.house import House, leaks
from tests.usecases.signing_in import ingest


def test_every_process_of_the_set_and_every_dropped_one_is_a_question(house: House) -> None:
    """Who replaces a set has to be allowed to delegate all of it and to revoke the rest."""
    give(house, (P001, P018))
    house.log.records.clear()
    questions = remember(house, Decision(allowed=True, reasons=("represents",)))
    give(house, (P018, P015), None, replace(PARTNER_ACTING, evidence=Evidence.GOVBR))
    assert [("delegate", "p018"), ("delegate", "p015"), ("revoke", "p001")] == asked(house)
    assert {(PARTNER, MEMBER, Evidence.GOVBR)} == {
        (one.actor, one.recipient, one.actor_evidence) for one in questions
    }
    companies = {
        one.resource.company for one in questions if isinstance(one.resource, ProcessAsked)
    }
    assert {COMPANY} == companies


@pytest.mark.parametrize("handle", [None, "a-handle"])
@pytest.mark.parametrize(
    "act",
    [
        lambda house, acting, _: give(house, (P018, P015), None, acting),
        lambda house, acting, _: give(house, (), None, acting),
        lambda house, acting, _: listed(house, COMPANY, MEMBER, acting),
        lambda house, acting, _: grant(house, (P018, P015), acting),
        lambda house, acting, given: house.desk.history(acting, given),
        lambda house, acting, given: house.desk.revoke(acting, given),
        lambda house, acting, given: house.desk.renounce(replace(acting, actor=MEMBER), given),
    ],
    ids=["replace", "replace by nothing", "read", "grant", "history", "revoke", "renounce"],
)
def test_every_question_brings_the_sign_in_that_the_person_acts_in(
    house: House, act: Callable[[House, Acting, str], object], handle: str | None
) -> None:
    """So that rules may ask how the person got in, whatever is done to a delegation."""
    [given] = give(house, (P001,))
    questions = remember(house, Decision(allowed=True, reasons=("represents",)))
    act(house, replace(ACTING, sign_in=handle), given.id)
    assert questions
    assert {handle} == {one.sign_in for one in questions}


def test_a_member_without_delegations_is_read_in_the_light_of_the_sign_in(house: House) -> None:
    """The question that an empty set asks brings it, too."""
    questions = remember(house, Decision(allowed=True, reasons=("represents",)))
    give(house, (), None, replace(ACTING, sign_in="a-handle"))
    assert [("read_delegations", "a-handle")] == [(one.action, one.sign_in) for one in questions]


def test_who_acts_prints_neither_handle_nor_cpf() -> None:
    """It may end in a traceback."""
    printed = repr(replace(ACTING, sign_in="a-handle"))
    assert [] == [one for one in ("a-handle", REPRESENTATIVE.digits) if one in printed]


def test_an_empty_set_for_a_member_without_delegations_asks_to_read(house: House) -> None:
    """It tells what there is, so the one who acts has to be allowed to know."""
    assert [] == give(house, ())
    assert [("read_delegations", None)] == asked(house)
    assert [] == house.administrative
    house.policy.verdict = deny_all
    with pytest.raises(ActRefused):
        give(house, ())


def test_a_set_that_is_the_same_writes_nothing(house: House) -> None:
    """The questions are decided and logged, and there is no act to record."""
    give(house, THREE)
    before = house.store.facts.gather([], NOON).revision
    acts = len(house.administrative)
    assert 3 == len(give(house, THREE))
    assert before == house.store.facts.gather([], NOON).revision
    assert acts == len(house.administrative)
    assert 6 == len(house.decisions)


# Refusals


def deny_one(code: str, action: str = "delegate") -> Callable[[Question, Facts], Decision]:
    """Deny one action on one process, and allow all else."""

    def verdict(question: Question, facts: Facts) -> Decision:
        denied = facts.process is not None and facts.process.code == code
        if denied and question.action == action:
            return Decision(allowed=False, reasons=("process-closed", NO_PERMIT))
        return Decision(allowed=True, reasons=("represents",))

    return verdict


@pytest.mark.parametrize(
    ("denying", "wanted"),
    [(deny_one("P015"), (P001, P015)), (deny_one("P018", "revoke"), (P001, P015))],
    ids=["one that is wanted", "one that would drop out"],
)
def test_one_denied_question_stops_the_whole_act(
    house: House,
    denying: Callable[[Question, Facts], Decision],
    wanted: Sequence[ProcessDefinition],
) -> None:
    """Nothing is granted, revoked or confirmed; the decisions are in the log, the act is not."""
    give(house, THREE)
    before, acts = stored(house), house.administrative
    house.policy.verdict = denying
    with pytest.raises(ActRefused) as caught:
        give(house, wanted, Validity(TODAY), PARTNER_ACTING)
    [refusal] = caught.value.refusals
    assert ("process-closed", NO_PERMIT) == refusal.reasons
    assert before == stored(house)
    assert acts == house.administrative
    assert 1 == len([one for one in house.decisions if not one.decision.allowed])


def test_every_refusal_is_told_with_its_process_and_its_text(house: House) -> None:
    """The person who acts learns all that stands in the way at once."""
    house.policy.verdict = deny_all
    with pytest.raises(ActRefused) as caught:
        give(house, (P001, P018))
    expected = tuple(
        Refusal(one.label, (NO_PERMIT,), f"pt no-permit delegate {one.label} 52.420.282/0001-80")
        for one in (P001, P018)
    )
    assert expected == caught.value.refusals


@pytest.mark.parametrize(
    ("wrong", "error", "field"),
    [
        (ProcessName("P999"), InvalidInput, "processes.1"),
        (ProcessName("P061"), AmbiguousProcess, "processes.1"),
    ],
)
def test_a_process_that_is_not_clear_stops_the_whole_act(
    house: House, wrong: ProcessName, error: type[InvalidInput], field: str
) -> None:
    """The error names its place in the list, and nothing is asked or done."""
    with pytest.raises(error) as caught:
        house.desk.replace_set(ACTING, COMPANY, MEMBER, [ProcessName("P001"), wrong])
    assert field == caught.value.field
    assert ({}, []) == (stored(house), house.log.records)


# The log


@pytest.mark.parametrize(
    "act",
    [
        lambda house: give(house, THREE),
        lambda house: listed(house, COMPANY, MEMBER),
    ],
)
def test_without_the_log_nothing_is_done(house: House, act: Callable[[House], object]) -> None:
    """The decisions cannot be written, so nothing is granted and nothing is shown."""
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        act(house)
    assert {} == stored(house)


def test_an_act_that_cannot_be_written_down_is_not_done(house: House) -> None:
    """If only the record of the act fails, the delegations are as they were, too."""
    [given] = give(house, (P001,))
    revision = house.store.facts.gather([], NOON).revision
    full = ListLog()
    full.broken = True
    desk = replace(house.desk, acts=replace(house.acts, log=full))
    for act in (
        lambda: desk.replace_set(ACTING, COMPANY, MEMBER, names((P018,))),
        lambda: desk.grant(ACTING, COMPANY, MEMBER, names((P018,))),
        lambda: desk.revoke(ACTING, given.id),
        lambda: desk.renounce(MEMBER_ACTING, given.id),
    ):
        with pytest.raises(LogUnavailable):
            act()
    assert {P001.id: [given]} == stored(house)
    assert revision == house.store.facts.gather([], NOON).revision


def test_every_act_is_in_the_log_with_what_it_changed(house: House) -> None:
    """Granted processes and events are named, persons are surrogates, the revision is given."""
    first, second = give(house, (P001, P018))
    give(house, (P001, P015), None, PARTNER_ACTING)
    house.desk.renounce(MEMBER_ACTING, first.id)
    house.desk.revoke(ACTING, stored(house)[P015.id][0].id)
    third = stored(house)[P015.id][0].id
    persons = {"member": house.surrogate(MEMBER), "company": "52420282000180"}
    common = persons | {"actor_evidence": "asserted", "sign_in": None, "method": None}
    expected = [
        (
            "delegation.replace",
            {"actor": house.surrogate(REPRESENTATIVE), "granted": ("p001", "p018"), "events": ()},
        ),
        (
            "delegation.replace",
            {
                "actor": house.surrogate(PARTNER),
                "granted": ("p015",),
                "events": (f"confirmed:{first.id}", f"revoked:{second.id}"),
            },
        ),
        (
            "delegation.renounce",
            {
                "actor": house.surrogate(MEMBER),
                "granted": (),
                "events": (f"renounced:{first.id}",),
            },
        ),
        (
            "delegation.revoke",
            {
                "actor": house.surrogate(REPRESENTATIVE),
                "granted": (),
                "events": (f"revoked:{third}",),
            },
        ),
    ]
    found = house.administrative
    assert [(act, common | details) for act, details in expected] == [
        (one.act, one.details) for one in found
    ]
    revisions = [one.store_revision for one in found]
    assert sorted(set(revisions)) == revisions
    assert house.store.facts.gather([], NOON).revision == revisions[-1]


def test_the_questions_are_in_the_log_before_the_act(house: House) -> None:
    """Who reads the log finds why an act was allowed before the act itself."""
    give(house, (P001,))
    assert ["DecisionRecord", "ActRecord"] == [type(one).__name__ for one in house.log.records]


def test_no_record_of_a_delegation_holds_a_cpf(house: House) -> None:
    """Neither questions nor acts, allowed or refused, name a person otherwise than by surrogate."""
    given = give(house, THREE, None, replace(ACTING, why=f"para {MEMBER.digits}"))
    give(house, (P001, P015), Validity(TODAY), PARTNER_ACTING)
    house.desk.renounce(MEMBER_ACTING, given[0].id)
    listed(house)
    house.policy.verdict = deny_all
    with pytest.raises(ActRefused):
        give(house, THREE)
    assert [] == leaks(house.log.records, [MEMBER, REPRESENTATIVE, PARTNER])


def test_an_act_in_a_sign_in_is_recorded_as_proven(house: House) -> None:
    """With an own handle in force the act says what its decisions say, whoever named the actor."""
    signed_in = ingest(house)
    house.store.registry.save_person(Person(MEMBER, NOON, NOON), untold)
    give(house, (P001,), None, replace(ACTING, sign_in=signed_in.sign_in.handle))

    act = house.administrative[-1]
    [decision] = house.decisions
    proven = ("govbr", signed_in.sign_in.id)
    assert proven == (decision.asked.actor_evidence, decision.asked.sign_in)
    assert proven == (act.details["actor_evidence"], act.details["sign_in"])
