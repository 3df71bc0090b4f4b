"""What the SQL stores promise to what is held: what each revision changed, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from authz_service.store.changes import ANYTHING, Part, Touched
from authz_service.store.held.changed import Changed, Log
from authz_service.store.schema import changes, store_revision
from tests.domain.document import COMPANY, FILIAL, MEMBER, OTHER_COMPANY, P001, REPRESENTATIVE
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.store import untold
from tests.store.noted import Noted, noted
from tests.store.records import HOUR, TICK, answer, keep, sign_in, standing

DAY = timedelta(days=1)
OF_MEMBER = Touched(Part.PEOPLE, person=MEMBER)
FOREIGN = ForeignCompany(
    ForeignId.of_number(123), "Foreign", "PY", (Login("ana"),), registered_at=NOON
)


@pytest.fixture(name="url")
def _url(with_tables: str) -> str:
    """Give the URL of a database that need not be made for each test."""
    return with_tables


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


@pytest.fixture(name="log")
def _log(store: SqlStore) -> Log:
    """Give what reads the changes in service."""
    return Log(store.database)


def _touched(store: SqlStore) -> list[Touched]:
    return [one.touched for one in noted(store)]


def _state(log: Log) -> Changed:
    """Give the present state."""
    return log.since(0, None)


def _since(log: Log, state: Changed) -> Sequence[Touched] | None:
    """Give what was changed since a state, None if it may have been anything."""
    return log.since(state.revision, state.mark).touched


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
    store: SqlStore, log: Log, write: Callable[[SqlStore], object], expected: Touched
) -> None:
    """Its part, company and person stand with the number and the moment of its revision."""
    store.catalogue.save_processes([P001], NOON, untold)
    state = _state(log)
    write(store)
    newest = store.facts.gather([], NOON).revision
    found = noted(store)

    assert Noted(newest, NOON, expected) == found[-1]
    assert list(range(1, newest + 1)) == [one.number for one in found]
    assert [one.touched for one in found[state.revision :]] == _since(log, state)


@pytest.mark.parametrize("write", [write for write, _ in WRITES.values()], ids=WRITES)
def test_facts_that_changed_were_touched(
    store: SqlStore, log: Log, write: Callable[[SqlStore], object]
) -> None:
    """A cache that keeps the facts of who and what was not touched keeps nothing that is false."""
    store.catalogue.save_processes([replace(P001, version=1)], NOON, untold)
    store.registry.save_person(Person(MEMBER), untold)
    for each in (_grant, WRITES["bond"][0]):
        if each is not write:
            each(store)
    state = _state(log)
    before = store.facts.gather(QUESTIONS, NOON).facts
    write(store)
    after = store.facts.gather(QUESTIONS, NOON).facts
    touched = _since(log, state)

    assert touched is not None
    for question, was, now in zip(QUESTIONS, before, after, strict=True):
        assert isinstance(question.resource, CompanyAsked | ProcessAsked)
        # The standing in the matriz counts in the filial; who delegated backs the delegation.
        companies = {None, question.resource.company, COMPANY}
        persons = {None, question.actor, question.recipient, REPRESENTATIVE}
        covered = [one for one in touched if one.company in companies and one.person in persons]
        assert was == now or covered


def test_what_was_changed_since_is_told_from_any_state_on(store: SqlStore, log: Log) -> None:
    """Each state is the present one of its time, and what came after it is told in its order."""
    writes = [WRITES[name] for name in ("person", "standing", "bond", "processes")]
    WRITES["client"][0](store)
    states = []
    for write, _expected in writes:
        states.append(_state(log))
        write(store)
    expected = [touched for _write, touched in writes]

    assert [1, 2, 3, 4] == [one.revision for one in states]
    assert [expected[place:] for place in range(4)] == [_since(log, one) for one in states]


def test_nothing_changed_since_the_newest(store: SqlStore, log: Log) -> None:
    """Asked about the present state, there is nothing, and nothing is missing."""
    store.registry.save_person(Person(MEMBER), untold)
    state = _state(log)

    assert 1 == state.revision
    assert replace(state, touched=[]) == log.since(state.revision, state.mark)


def test_a_refused_write_leaves_no_trace(store: SqlStore) -> None:
    """What was not written did not change anything."""
    with pytest.raises(Conflict):
        store.delegations.apply(Change(COMPANY, MEMBER, 7, (), ()), untold)

    assert (0, []) == (store.facts.gather([], NOON).revision, _touched(store))


def test_a_revision_that_nobody_noted_may_have_changed_anything(store: SqlStore, log: Log) -> None:
    """A version that knows no changes may write beside this one; a gap is no claim."""
    states = [_state(log)]
    store.registry.save_person(Person(MEMBER), untold)
    states.append(_state(log))
    with store.database.engine.begin() as connection:
        connection.execute(update(store_revision).values(value=2))
    states.append(_state(log))
    store.registry.save_person(Person(MEMBER), untold)
    states.append(_state(log))

    # Nothing tells one state without a row from another of its number.
    assert [None, None, None, []] == [_since(log, one) for one in states]
    with store.database.engine.begin() as connection:
        connection.execute(delete(changes).where(changes.c.revision == 3))
    assert _since(log, states[-1]) is None


def test_a_part_that_is_not_known_is_anything(store: SqlStore, log: Log) -> None:
    """A newer version may have parts that this one lacks, and writes beside it."""
    store.registry.save_person(Person(MEMBER), untold)
    state = _state(log)
    store.registry.save_person(Person(MEMBER), untold)
    with store.database.engine.begin() as connection:
        connection.execute(update(changes).where(changes.c.revision == 2).values(part="tomorrow"))

    assert [Touched(Part.ANYTHING, person=MEMBER)] == _since(log, state)


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
