"""Finding records: as they are for whoever may read them, persons only for whoever may know."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.decision import CompanyAsked, Question, Subject
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import InvalidInput, LogUnavailable, NotFound, StoreUnavailable
from authz_service.domain.identifiers import Login
from authz_service.journal.lines import line
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.records import Sought
from tests.domain.document import COMPANY, MEMBER, P001, PARTNER, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.log import ListLog
from tests.fakes.records import ListRecords
from tests.fakes.store import untold
from tests.usecases.delegating import give
from tests.usecases.house import CALLER, House, leaks

LOGIN = Login("anna.schmidt")
BADGE = EntityName("badge", "B-7")
WHY = "recurso administrativo 12/2026"


@pytest.fixture(name="records")
def _records(house: House) -> ListRecords:
    """What stands in the house's log."""
    return ListRecords(house.log)


@pytest.fixture(name="decisions")
def _decisions(house: House, records: ListRecords) -> Decisions:
    """The one who finds records, on the house's fakes."""
    store = house.store
    return Decisions(records, store.surrogates, store.facts, house.acts, house.clock)


def ask(house: House, actor: Subject) -> str:
    """Ask a question as somebody, and give the id of the decision."""
    house.entities.stored = {BADGE: {}}
    named = Thing(actor) if isinstance(actor, EntityName) else actor
    return house.point.decide(Question(named, "open", CompanyAsked(COMPANY)), CALLER).id


def test_a_record_is_given_as_it_stands_in_the_log(house: House, decisions: Decisions) -> None:
    """Decision or act, word for word, persons as surrogates."""
    ask(house, MEMBER)
    give(house, (P001,))
    for record in house.log.records:
        assert json.loads(line(record)) == decisions.find(record.id)
    acts = len(house.administrative)
    decisions.search(Sought(), None, 50)
    assert acts == len(house.administrative)


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (None, "there is no such record"),
        (
            "2026-11-20T15:00:00.000000Z",
            "there is no such record of before 2026-11-20T15:00:00.000000Z, later ones are unread",
        ),
    ],
    ids=["all of the log", "a part"],
)
def test_a_record_that_is_not_found_is_told_with_what_was_searched(
    decisions: Decisions, records: ListRecords, since: str | None, said: str
) -> None:
    """Not there, or not as far as the log was read: whoever asks again knows why."""
    records.since = since
    with pytest.raises(NotFound) as caught:
        decisions.find("0" * 32)
    assert said == str(caught.value)


def test_the_log_is_given_in_parts_newest_first(house: House, decisions: Decisions) -> None:
    """The filters are the port's, and so is the place where a part ends."""
    ids = [ask(house, MEMBER) for _ in range(5)]
    first = decisions.search(Sought(kind="decision"), None, 3).page
    second = decisions.search(Sought(kind="decision"), first.next, 3).page
    assert ids[::-1] == [one["id"] for one in (*first.items, *second.items)]
    assert second.next is None


# About somebody


@pytest.mark.parametrize("subject", [MEMBER, LOGIN, BADGE], ids=["person", "login", "entity"])
def test_what_is_about_somebody_is_found_by_the_name_in_clear(
    house: House, decisions: Decisions, subject: Subject
) -> None:
    """Whoever is named is looked for under the surrogate, and in no other record."""
    ask(house, PARTNER)
    name = ask(house, subject)
    found = decisions.search_of(subject, Sought(), None, 50, CALLER)
    assert [name] == [one["id"] for one in found.page.items]


def test_a_recipient_and_an_act_are_about_somebody_too(house: House, decisions: Decisions) -> None:
    """Whatever names the surrogate: who was asked for, and who was acted on."""
    give(house, (P001,))
    house.privacy.export(MEMBER, CALLER)
    found = decisions.search_of(MEMBER, Sought(), None, 50, CALLER).page.items
    assert ["person.export", "delegation.replace", "delegate"] == [
        one["act"] if one["kind"] == "act" else one["question"]["action"] for one in found
    ]


def test_who_looked_for_somebody_is_in_the_log(house: House, decisions: Decisions) -> None:
    """Under the surrogate, and so found by the next search, but not by its own."""
    ask(house, MEMBER)
    revision = house.store.facts.gather([], house.clock()).revision
    found = decisions.search_of(MEMBER, Sought(), None, 50, CALLER)
    assert 1 == len(found.page.items)
    [act] = house.administrative
    assert ("decisions.search", {"person": house.surrogate(MEMBER)}, CALLER, revision) == (
        act.act,
        act.details,
        act.caller,
        act.store_revision,
    )
    again = decisions.search_of(MEMBER, Sought(), None, 50, CALLER).page.items
    assert ["act", "decision"] == [one["kind"] for one in again]


def test_looking_for_somebody_makes_no_surrogate(house: House, decisions: Decisions) -> None:
    """Who stands in no record stays unknown, and that somebody asked is in the log all the same."""
    ask(house, MEMBER)
    found = decisions.search_of(PARTNER, Sought(), None, 50, CALLER)
    assert ((), None) == (found.page.items, found.page.next)
    assert house.store.surrogates.known(PARTNER) is None
    assert [{"person": None}] == [one.details for one in house.administrative]


def test_a_search_about_somebody_keeps_its_other_filters(
    house: House, decisions: Decisions
) -> None:
    """The person is one filter among others."""
    give(house, (P001,))
    found = decisions.search_of(MEMBER, Sought(kind="act"), None, 50, CALLER)
    assert ["delegation.replace"] == [one["act"] for one in found.page.items]


# All of it


def test_an_export_gives_everything_the_oldest_first(house: House, decisions: Decisions) -> None:
    """All that is sought, in the order in which it was written, in as many parts as it takes."""
    ids = [ask(house, MEMBER) for _ in range(2_500)]
    house.clock.advance(timedelta(seconds=1))
    parts = list(decisions.export(Sought(kind="decision"), None, CALLER))
    assert [1_000, 1_000, 500] == [len(one.page.items) for one in parts]
    assert ids == [one["id"] for part in parts for one in part.page.items]
    assert [] == house.administrative


def test_an_export_is_of_the_moment_it_began(house: House, decisions: Decisions) -> None:
    """What comes while it goes on is not in it, or it might never end; nor is a later bound."""
    before = ask(house, MEMBER)
    house.clock.advance(timedelta(seconds=1))
    later = house.clock() + timedelta(days=1)
    exported = decisions.export(Sought(until=later), None, CALLER)
    found = next(exported)
    ask(house, MEMBER)
    assert [before] == [one["id"] for one in found.page.items]
    assert [] == [one for part in exported for one in part.page.items]
    nothing = decisions.export(Sought(until=NOON), None, CALLER)
    assert [()] == [part.page.items for part in nothing]


def test_an_export_about_somebody_is_an_act_before_it_is_told(
    house: House, decisions: Decisions
) -> None:
    """Under the surrogate, and not in what is given; who is unknown is in no record."""
    ask(house, PARTNER)
    about = ask(house, MEMBER)
    house.clock.advance(timedelta(seconds=1))
    exported = decisions.export(Sought(), MEMBER, CALLER)
    assert [] == house.administrative
    assert [about] == [one["id"] for part in exported for one in part.page.items]
    assert [] == list(decisions.export(Sought(), LOGIN, CALLER))
    assert [{"person": house.surrogate(MEMBER)}, {"person": None}] == [
        one.details for one in house.administrative
    ]
    assert {"decisions.search"} == {one.act for one in house.administrative}


def test_an_export_that_would_lack_records_is_refused(
    house: House, decisions: Decisions, records: ListRecords
) -> None:
    """Half an export, taken for a whole one, would be worse than none."""
    ask(house, MEMBER)
    records.since = "2026-11-20T15:00:00.000000Z"
    with pytest.raises(LogUnavailable, match="up to 2026-11-20"):
        list(decisions.export(Sought(), None, CALLER))


# Persons behind


def test_the_persons_of_a_decision_are_told(house: House, decisions: Decisions) -> None:
    """Who acted and who was to receive, by the names that the record has for them."""
    give(house, (P001,))
    [decision] = house.decisions
    persons = decisions.persons(decision.id, WHY, CALLER)
    assert {
        house.surrogate(REPRESENTATIVE): REPRESENTATIVE,
        house.surrogate(MEMBER): MEMBER,
    } == persons


@pytest.mark.parametrize("subject", [MEMBER, LOGIN, BADGE], ids=["person", "login", "entity"])
def test_whoever_acted_is_told(house: House, decisions: Decisions, subject: Subject) -> None:
    """Persons, logins and entities of others alike."""
    name = ask(house, subject)
    assert {house.surrogate(subject): subject} == decisions.persons(name, WHY, CALLER)


def test_the_persons_of_an_act_are_told(house: House, decisions: Decisions) -> None:
    """Also those that were told before, whose names stand in a list."""
    give(house, (P001,))
    [act] = house.administrative
    both = {REPRESENTATIVE, MEMBER}
    assert both == set(decisions.persons(act.id, WHY, CALLER).values())
    told = house.administrative[-1]
    assert both == set(decisions.persons(told.id, WHY, CALLER).values())


def test_telling_persons_is_an_act(house: House, decisions: Decisions) -> None:
    """Which record, whose names, what for and who asked, before anybody is told."""
    name = ask(house, MEMBER)
    revision = house.store.facts.gather([], house.clock()).revision
    decisions.persons(name, f"{WHY}, de {MEMBER.digits}", CALLER)
    [act] = house.administrative
    assert ("decisions.clear", CALLER, revision) == (act.act, act.caller, act.store_revision)
    assert {
        "decision": name,
        "persons": (house.surrogate(MEMBER),),
        "why": f"{WHY}, de [cpf]",
    } == act.details
    assert [] == leaks(house.log.records, [MEMBER])


def test_whoever_was_erased_is_not_told(house: House, decisions: Decisions) -> None:
    """The record stays, and is about nobody."""
    give(house, (P001,))
    [decision] = house.decisions
    house.store.personal_data.erase(MEMBER, untold)
    assert [REPRESENTATIVE] == list(decisions.persons(decision.id, WHY, CALLER).values())


def test_without_the_log_nobody_is_told(house: House, decisions: Decisions) -> None:
    """What cannot be written down is not told."""
    name = ask(house, MEMBER)
    full = ListLog()
    full.broken = True
    silent = replace(decisions, acts=replace(house.acts, log=full))
    with pytest.raises(LogUnavailable):
        silent.persons(name, WHY, CALLER)
    with pytest.raises(LogUnavailable):
        silent.search_of(MEMBER, Sought(), None, 50, CALLER)


def test_without_the_store_nobody_is_told(house: House, decisions: Decisions) -> None:
    """The pairing is there alone, and no act tells of what did not happen."""
    name = ask(house, MEMBER)
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        decisions.persons(name, WHY, CALLER)
    assert [] == house.administrative


@pytest.mark.parametrize("why", ["", " ", "\t\n"])
def test_somebody_has_to_say_what_it_is_for(house: House, decisions: Decisions, why: str) -> None:
    """Without a reason nobody is told, and nothing is looked at."""
    name = ask(house, MEMBER)
    with pytest.raises(InvalidInput) as caught:
        decisions.persons(name, why, CALLER)
    assert "why" == caught.value.field
    assert [] == house.administrative


def test_a_record_that_does_not_exist_has_no_persons(house: House, decisions: Decisions) -> None:
    """Nothing is written down where nothing could be told."""
    with pytest.raises(NotFound):
        decisions.persons("0" * 32, WHY, CALLER)
    assert [] == house.log.records
