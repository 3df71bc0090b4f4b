"""What any store promises of delegations and what happens to them.

Asked of the store in memory, of SQLite in a real file, and of a real PostgreSQL.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import (
    Conflict,
)
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.people import Role
from authz_service.domain.processes import ProcessName
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    MEMBER,
    OTHER_COMPANY,
    P001,
    P004,
    P015,
    P061_REGISTRO,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import (
    ALPHANUMERIC,
    EXACT,
    IN_BRASILIA,
    TICK,
    a_delegation,
    a_standing,
    an_event,
    grant,
    happen,
    state_of,
)
from tests.store.records import Store


def test_a_delegation_comes_back_with_its_whole_history(store: Store) -> None:
    """Who, when, why and until when: every event comes back equal, in its order."""
    store.catalogue.save_processes([P061_REGISTRO], NOON, untold)
    history = (
        Event(EventKind.GRANTED, IN_BRASILIA, REPRESENTATIVE, "orquestra", None, None),
        Event(EventKind.CONFIRMED, EXACT, PARTNER, "portal", "férias; 'x' \"y\"", None),
        Event(EventKind.EXTENDED, EXACT, PARTNER, "portal", "", date(2028, 2, 29)),
        Event(EventKind.RENOUNCED, EXACT + TICK, MEMBER, "portal", None, date(2028, 2, 29)),
    )
    granted = Delegation("one", ALPHANUMERIC, MEMBER, P061_REGISTRO.id, 2, history)
    grant(store, granted)

    assert granted == store.delegations.find("one")


def test_what_does_not_exist_is_not_found(store: Store) -> None:
    """A delegation that nobody granted is None, not an error."""
    assert store.delegations.find("nothing") is None


def test_delegations_are_listed_oldest_first(store: Store) -> None:
    """A company's delegations stand in the order of granting, of one act in the act's order."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    z, y = a_delegation("z", P015), a_delegation("y", P001)
    x, w = a_delegation("x", P001, COMPANY, PARTNER), a_delegation("w", P001, OTHER_COMPANY)
    a = a_delegation("a", P004)
    grant(store, z, y)
    grant(store, x)
    grant(store, w)
    grant(store, a)

    assert [z, y, x, a] == store.delegations.of_company(COMPANY)
    assert [z, y, a] == store.delegations.of_company(COMPANY, MEMBER)
    assert [x] == store.delegations.of_company(COMPANY, PARTNER)
    assert [] == store.delegations.of_company(COMPANY, STRANGER)
    assert [w] == store.delegations.of_company(OTHER_COMPANY)


def test_a_change_ends_and_grants_at_once(store: Store) -> None:
    """One act may end a delegation and begin the next one of the same process."""
    store.catalogue.save_processes([P001], NOON, untold)
    old = a_delegation("old")
    grant(store, old)
    expired = an_event(EventKind.EXPIRED, at=NOON + TICK, last_day=date(2026, 11, 19))
    new = a_delegation("new")
    store.delegations.apply(
        Change(COMPANY, MEMBER, state_of(store), (old,), (new,), (("old", expired),)), untold
    )

    ended = replace(old, history=(*old.history, expired))
    assert [ended, new] == store.delegations.of_company(COMPANY, MEMBER)
    assert ended == store.delegations.find("old")


def test_two_events_of_one_change_keep_their_order(store: Store) -> None:
    """A delegation that is confirmed and extended by one act has both events in that order."""
    store.catalogue.save_processes([P001], NOON, untold)
    old = a_delegation("one")
    grant(store, old)
    events = (an_event(EventKind.CONFIRMED, PARTNER), an_event(EventKind.EXTENDED, PARTNER))
    change = Change(
        COMPANY,
        MEMBER,
        state_of(store),
        (old,),
        events=tuple(("one", event) for event in events),
    )
    store.delegations.apply(change, untold)

    expected = replace(old, history=(*old.history, *events))
    assert expected == store.delegations.find("one")


def test_what_was_seen_may_come_in_any_order(store: Store) -> None:
    """The order in which an act looked at the delegations makes no conflict."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    one, two, three = a_delegation("a", P001), a_delegation("b", P004), a_delegation("c", P015)
    grant(store, one, two)
    store.delegations.apply(Change(COMPANY, MEMBER, state_of(store), (two, one), (three,)), untold)

    assert [one, two, three] == store.delegations.of_company(COMPANY)


@pytest.mark.parametrize(
    "seen",
    [
        (),
        (a_delegation("one"), a_delegation("two", P004)),
        (a_delegation("one", P001, COMPANY, MEMBER, an_event(EventKind.CONFIRMED, PARTNER)),),
        (replace(a_delegation("one"), version=2),),
    ],
    ids=["fewer", "more", "longer history", "other version"],
)
def test_a_change_of_what_has_changed_is_refused(
    store: Store, seen: tuple[Delegation, ...]
) -> None:
    """What an act was decided on must still be there, exactly, or nothing of it is done."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    revision = grant(store, a_delegation("one"))

    with pytest.raises(Conflict, match=r"^the delegations were changed meanwhile$"):
        store.delegations.apply(
            Change(COMPANY, MEMBER, state_of(store), seen, (a_delegation("three", P015),)),
            untold,
        )
    assert [a_delegation("one")] == store.delegations.of_company(COMPANY)
    assert revision == state_of(store)


@pytest.mark.parametrize("behind", [-1, 1, 2])
def test_a_change_that_was_decided_on_another_state_is_refused(store: Store, behind: int) -> None:
    """Whatever was written since, the decision may rest on it; nothing is granted."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(a_standing(), untold)
    revision = store.registry.save_standing(a_standing(role=Role.CONTADOR), untold)
    change = Change(COMPANY, MEMBER, revision - behind, (), (a_delegation("one"),))
    told: list[int] = []

    with pytest.raises(Conflict, match=r"^the store was changed meanwhile$"):
        store.delegations.apply(change, told.append)
    assert ([], []) == (told, store.delegations.of_company(COMPANY))
    assert revision == state_of(store)
    store.delegations.apply(replace(change, revision=revision), untold)


def test_a_new_surrogate_is_no_conflict(store: Store) -> None:
    """A decision is written down under new names before the act, and must not stop it."""
    store.catalogue.save_processes([P001], NOON, untold)
    change = Change(COMPANY, MEMBER, state_of(store), (), (a_delegation("one"),))
    store.surrogates.surrogates([MEMBER, REPRESENTATIVE])

    assert 2 == store.delegations.apply(change, untold)


def test_delegations_of_others_are_no_conflict(store: Store) -> None:
    """Two members, and two companies, can be served at the same time."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    grant(store, a_delegation("one", P001, COMPANY, PARTNER))
    grant(store, a_delegation("two", P001, OTHER_COMPANY, MEMBER))
    store.delegations.apply(
        Change(COMPANY, MEMBER, state_of(store), (), (a_delegation("three"),)), untold
    )

    assert a_delegation("three") == store.delegations.find("three")


@pytest.mark.parametrize(
    "change",
    [
        Change(COMPANY, MEMBER, 0, (a_delegation("one"),), (a_delegation("two"),)),
        Change(COMPANY, MEMBER, 0, (a_delegation("one"),), (a_delegation("one", P004),)),
        Change(
            COMPANY,
            MEMBER,
            0,
            (a_delegation("one"),),
            (a_delegation("two", replace(P004, id=ProcessId("p999"))),),
        ),
        Change(
            COMPANY,
            MEMBER,
            0,
            (a_delegation("one"),),
            events=(("other", an_event(EventKind.REVOKED)),),
        ),
        Change(
            COMPANY,
            MEMBER,
            0,
            (a_delegation("one"),),
            (a_delegation("three", P004), a_delegation("two", P001)),
            (("one", an_event(EventKind.CONFIRMED, PARTNER)),),
        ),
    ],
    ids=["second open", "same id", "unknown process", "event of another", "late in the change"],
)
def test_a_change_that_cannot_be_is_refused_as_a_whole(store: Store, change: Change) -> None:
    """A contradiction anywhere in a change leaves the store as it was, revision and all."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    grant(store, a_delegation("other", P001, COMPANY, PARTNER))
    revision = grant(store, a_delegation("one"))
    before = store.delegations.of_company(COMPANY)

    with pytest.raises(Conflict):
        store.delegations.apply(replace(change, revision=revision), untold)
    assert before == store.delegations.of_company(COMPANY)
    assert revision == state_of(store)


@pytest.mark.parametrize("ending", [EventKind.REVOKED, EventKind.RENOUNCED, EventKind.EXPIRED])
def test_every_ending_makes_room_for_a_new_delegation(store: Store, ending: EventKind) -> None:
    """One delegation of a company, member and process is open; ended ones may be many."""
    store.catalogue.save_processes([P001], NOON, untold)
    for name in ("one", "two", "three"):
        grant(store, a_delegation(name))
        happen(store, name, an_event(ending))
    grant(store, a_delegation("four"))

    assert [ending, ending, ending, None] == [
        one.ended for one in store.delegations.of_company(COMPANY)
    ]


@pytest.mark.parametrize("kind", [EventKind.CONFIRMED, EventKind.EXTENDED])
def test_no_other_event_makes_room(store: Store, kind: EventKind) -> None:
    """A delegation that was confirmed or extended is as open as before."""
    store.catalogue.save_processes([P001], NOON, untold)
    grant(store, a_delegation("one"))
    happen(store, "one", an_event(kind, PARTNER))

    with pytest.raises(Conflict):
        grant(store, a_delegation("two"))


def test_a_delegation_that_was_ended_when_written_leaves_room(store: Store) -> None:
    """A history that comes in whole, as from a migration, counts like one that grew."""
    store.catalogue.save_processes([P001], NOON, untold)
    ended = a_delegation("old", P001, COMPANY, MEMBER, an_event(EventKind.REVOKED))
    grant(store, ended)
    grant(store, a_delegation("new"))

    assert [ended, a_delegation("new")] == store.delegations.of_company(COMPANY)


@pytest.mark.parametrize("same", [True, False])
def test_a_change_on_a_store_that_moved_on_asks_whether_its_ground_is_the_same(
    store: Store, same: bool
) -> None:
    """Facts can be gathered while the writer holds the store, and decide whether it goes on."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(a_standing(), untold)
    question = Question(REPRESENTATIVE, "delegate", ProcessAsked(ProcessName("P001"), COMPANY))
    ground = store.facts.gather([question], NOON)
    other = a_standing(role=Role.CONTADOR, company=OTHER_COMPANY if same else COMPANY)
    store.registry.save_standing(other, untold)
    change = Change(COMPANY, MEMBER, ground.revision, (), (a_delegation("one"),))

    def unchanged() -> bool:
        return store.facts.gather([question], NOON).facts == ground.facts

    if same:
        assert ground.revision + 2 == store.delegations.apply(change, untold, unchanged)
    else:
        with pytest.raises(Conflict, match=r"^the store was changed meanwhile$"):
            store.delegations.apply(change, untold, unchanged)
    assert same is (store.delegations.find("one") is not None)
