"""What the SQL stores promise to caches and auditors: what each revision changed, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from authz_service.domain.clients import Client
from authz_service.domain.companies import ForeignCompany
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import ForeignId, Login
from authz_service.domain.people import Bond, Evidence, Person
from authz_service.domain.processes import ProcessName
from authz_service.store import SqlStore
from authz_service.store.changes import ANYTHING, Part, Revision, Touched
from authz_service.store.schema import changes, store_revision
from tests.domain.document import COMPANY, FILIAL, MEMBER, OTHER_COMPANY, P001, REPRESENTATIVE
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.store import untold
from tests.store.records import HOUR, TICK, answer, keep, sign_in, standing

DAY = timedelta(days=1)
OF_MEMBER = Touched(Part.PEOPLE, person=MEMBER)
FOREIGN = ForeignCompany(
    ForeignId.of_number(123), "Foreign", "PY", (Login("ana"),), registered_at=NOON
)


@pytest.fixture(name="clock")
def _clock() -> FrozenClock:
    """Give a clock that the test moves on."""
    return FrozenClock()


@pytest.fixture(name="store")
def _store(url: str, clock: FrozenClock) -> Iterator[SqlStore]:
    """Give an empty store of each kind, by that clock."""
    with closing(SqlStore(url, clock=clock)) as store:
        store.create()
        yield store


def _touched(store: SqlStore, since: int = 0) -> list[Touched]:
    return [one.touched for one in store.changes_since(since, 1_000).revisions]


def _grant(store: SqlStore) -> int:
    event = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra")
    granted = Delegation("one", COMPANY, MEMBER, P001.id, P001.version, (event,))
    revision = store.facts.gather([], NOON).revision
    return store.delegations.apply(Change(COMPANY, MEMBER, revision, (), (granted,)), untold)


def _confirm(store: SqlStore) -> object:
    store.registry.save_person(Person(MEMBER, NOON), untold)
    return store.registry.confirm(MEMBER, NOON, untold)


def _register_foreign(store: SqlStore) -> int:
    return store.foreign.add(FOREIGN, untold)


def _erase(store: SqlStore) -> object:
    store.registry.save_person(Person(MEMBER, NOON), untold)
    return store.personal_data.erase(MEMBER, untold)


ASSERTED = standing(evidence=Evidence.ASSERTED)
WRITES: dict[str, tuple[Callable[[SqlStore], object], Touched]] = {
    "person": (lambda store: store.registry.save_person(Person(MEMBER, NOON), untold), OF_MEMBER),
    "standing": (
        lambda store: store.registry.save_standing(ASSERTED, untold),
        Touched(Part.STANDINGS, COMPANY, REPRESENTATIVE),
    ),
    "bond": (
        lambda store: store.registry.save_bond(Bond(FILIAL, COMPANY, "proof", NOON), untold),
        Touched(Part.BONDS, FILIAL),
    ),
    "confirmation": (_confirm, OF_MEMBER),
    "delegation": (_grant, Touched(Part.DELEGATIONS, COMPANY, MEMBER)),
    "processes": (
        lambda store: store.catalogue.save_processes([P001], NOON, untold),
        Touched(Part.CATALOGUE),
    ),
    "client": (
        lambda store: store.clients.save_client(Client("bpm", frozenset({"decide"})), untold),
        Touched(Part.CLIENTS),
    ),
    "sign-in": (
        lambda store: keep(store, sign_in(), answer(standing())),
        Touched(Part.SIGN_INS, person=REPRESENTATIVE),
    ),
    "foreign company": (_register_foreign, Touched(Part.FOREIGN_COMPANIES, FOREIGN.id)),
    "erasure": (_erase, ANYTHING),
}
QUESTIONS = [
    Question(actor, "open", resource, recipient=recipient)
    for actor in (MEMBER, REPRESENTATIVE)
    for company in (COMPANY, FILIAL, OTHER_COMPANY)
    for resource in (CompanyAsked(company), ProcessAsked(ProcessName("P001"), company))
    for recipient in (None, MEMBER)
]


@pytest.mark.parametrize(("write", "expected"), WRITES.values(), ids=WRITES)
def test_a_write_says_what_it_changed(
    store: SqlStore, write: Callable[[SqlStore], object], expected: Touched
) -> None:
    """Its part, company and person stand with the number and the moment of its revision."""
    store.catalogue.save_processes([P001], NOON, untold)
    write(store)
    found = store.changes_since(0, 1_000)

    assert Revision(found.newest, NOON, expected) == found.revisions[-1]
    assert list(range(1, found.newest + 1)) == [one.number for one in found.revisions]
    assert found.complete


@pytest.mark.parametrize("write", [write for write, _ in WRITES.values()], ids=WRITES)
def test_facts_that_changed_were_touched(
    store: SqlStore, write: Callable[[SqlStore], object]
) -> None:
    """A cache that keeps the facts of who and what was not touched keeps nothing that is false."""
    store.catalogue.save_processes([replace(P001, version=1)], NOON, untold)
    store.registry.save_person(Person(MEMBER), untold)
    for each in (_grant, WRITES["bond"][0]):
        if each is not write:
            each(store)
    since = store.changes_since(0, 0).newest
    before = store.facts.gather(QUESTIONS, NOON).facts
    write(store)
    after = store.facts.gather(QUESTIONS, NOON).facts

    for question, was, now in zip(QUESTIONS, before, after, strict=True):
        assert isinstance(question.resource, CompanyAsked | ProcessAsked)
        # The standing in the matriz counts in the filial; who delegated backs the delegation.
        companies = {None, question.resource.company, COMPANY}
        persons = {None, question.actor, question.recipient, REPRESENTATIVE}
        covered = [
            one
            for one in _touched(store, since)
            if one.company in companies and one.person in persons
        ]
        assert was == now or covered


def test_changes_come_in_parts(store: SqlStore, clock: FrozenClock) -> None:
    """Who asks for a few gets the oldest, hears that there are more, and goes on from there."""
    for _ in range(5):
        store.registry.save_person(Person(MEMBER), untold)
        clock.advance(TICK)
    first, second = store.changes_since(1, 3), store.changes_since(4, 3)

    assert (5, [2, 3, 4], False) == (
        first.newest,
        [one.number for one in first.revisions],
        first.complete,
    )
    assert ([Revision(5, NOON + 4 * TICK, OF_MEMBER)], True) == (second.revisions, second.complete)


def test_nothing_changed_since_the_newest(store: SqlStore) -> None:
    """Asked about the present state, there is nothing, and nothing is missing."""
    store.registry.save_person(Person(MEMBER), untold)
    found = store.changes_since(1, 10)

    assert (1, [], True) == (found.newest, list(found.revisions), found.complete)


def test_a_refused_write_leaves_no_trace(store: SqlStore) -> None:
    """What was not written did not change anything."""
    with pytest.raises(Conflict):
        store.delegations.apply(Change(COMPANY, MEMBER, 7, (), ()), untold)

    assert (0, []) == (store.changes_since(0, 10).newest, _touched(store))


def test_a_revision_that_nobody_noted_may_have_changed_anything(store: SqlStore) -> None:
    """A version that knows no changes may write beside this one; a gap is no claim."""
    store.registry.save_person(Person(MEMBER), untold)
    with store.database.engine.begin() as connection:
        connection.execute(update(store_revision).values(value=2))
    store.registry.save_person(Person(MEMBER), untold)

    assert [False, False, True] == [store.changes_since(since, 10).complete for since in range(3)]
    with store.database.engine.begin() as connection:
        connection.execute(delete(changes).where(changes.c.revision == 3))
    assert not store.changes_since(2, 10).complete


def test_a_part_that_is_not_known_is_anything(store: SqlStore) -> None:
    """A newer version may have parts that this one lacks, and writes beside it."""
    store.registry.save_person(Person(MEMBER), untold)
    with store.database.engine.begin() as connection:
        connection.execute(update(changes).values(part="tomorrow"))

    assert [Touched(Part.ANYTHING, person=MEMBER)] == _touched(store)


def test_whom_it_was_about_is_forgotten_after_a_day(store: SqlStore, clock: FrozenClock) -> None:
    """That something changed stays, and when; it does not tell for ever when people worked."""
    store.registry.save_standing(ASSERTED, untold)
    clock.advance(DAY)
    store.registry.save_person(Person(MEMBER), untold)
    kept = _touched(store)
    clock.advance(TICK)
    store.registry.save_person(Person(MEMBER), untold)

    assert [Touched(Part.STANDINGS, COMPANY, REPRESENTATIVE), OF_MEMBER] == kept
    assert [Touched(Part.STANDINGS, COMPANY), OF_MEMBER, OF_MEMBER] == _touched(store)


def test_an_erased_person_is_in_no_change(store: SqlStore) -> None:
    """The rows stay, so that nothing is missing, and say that it was anybody."""
    store.registry.save_standing(ASSERTED, untold)
    store.registry.save_person(Person(MEMBER), untold)
    store.personal_data.erase(MEMBER, untold)
    expected = [
        Touched(Part.STANDINGS, COMPANY, REPRESENTATIVE),
        Touched(Part.PEOPLE),
        ANYTHING,
    ]

    assert expected == _touched(store)
    with store.database.engine.connect() as connection:
        assert [REPRESENTATIVE, None, None] == [
            row.person for row in connection.execute(select(changes).order_by(changes.c.revision))
        ]


def test_a_person_is_shown_the_changes(store: SqlStore) -> None:
    """What is kept of a person is the person's to see, here as everywhere."""
    keep(store, sign_in(began_at=NOON - HOUR))
    found, _ = store.personal_data.export(REPRESENTATIVE)

    assert [
        {
            "revision": 1,
            "at": NOON.isoformat(),
            "part": "sign_ins",
            "company": None,
            "person": REPRESENTATIVE.digits,
        }
    ] == found["changes"]
