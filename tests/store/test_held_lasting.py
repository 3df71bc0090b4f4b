"""How long what is held lasts: the state that it is of, and the span of its facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from authz_service.domain.clients import Client
from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, Question
from authz_service.domain.delegation import EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.identifiers import Login
from authz_service.domain.known import ALWAYS
from authz_service.domain.people import Bond, Evidence, Person
from authz_service.domain.sign_in import Proof
from authz_service.domain.time import CLOCKS_APART
from authz_service.store import SqlStore
from authz_service.store.schema import people, store_revision
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    PARTNER,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import a_delegation, a_standing, about, an_event, grant, happen
from tests.store.holding import HeldStore
from tests.store.records import HOUR, TICK, foreign, keep, sign_in

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
LAST_DAY = date(2026, 11, 22)
OVER = datetime.combine(LAST_DAY, time(), UTC) + timedelta(hours=27)
"""Midnight in Brasília, when that day is over."""
NEVER, FOR_EVER = ALWAYS
OBSERVED = NOON - CLOCKS_APART
"""From when on what was observed at noon counts."""
GMBH = foreign(validation=Validation.VALIDATED)
PROOF = Proof(MEMBER, ("passwd",), None, None, False, NOON, NOON + HOUR)


@pytest.fixture(name="url")
def _url(with_tables: str) -> str:
    """Give the URL of a database that need not be made for each test."""
    return with_tables


@pytest.fixture(name="store")
def _store(url: str) -> Iterator[HeldStore]:
    """Give a store of each kind of SQL in which there is something of everything that ends."""
    with closing(HeldStore(url)) as store:
        store.create()
        store.catalogue.save_processes(CATALOGUE, NOON, untold)
        store.registry.save_person(Person(MEMBER, NOON, NOON), untold)
        store.registry.save_standing(a_standing(ends_at=NOON + 5 * HOUR), untold)
        store.registry.save_bond(Bond(FILIAL, COMPANY, "SEI", NOON, LAST_DAY), untold)
        ends = an_event(last_day=LAST_DAY)
        grant(store, replace(a_delegation("one", company=OTHER_COMPANY), history=(ends,)))
        store.foreign.add(GMBH, untold)
        keep(store, sign_in("one"))
        yield store


@pytest.fixture(name="plain")
def _plain(store: HeldStore, url: str) -> Iterator[SqlStore]:
    """Give another store on the same database, which holds nothing: another process."""
    with closing(SqlStore(url, busy_timeout=30)) as plain:
        yield plain


# The span of facts

SPANS: dict[str, tuple[Question, datetime, datetime]] = {
    "nothing that ends": (about(actor=STRANGER), NEVER, FOR_EVER),
    "a login": (Question(Login("weber"), "open", CompanyAsked(COMPANY)), NEVER, FOR_EVER),
    "a standing": (about(), OBSERVED, NOON + 5 * HOUR),
    "a delegation": (about(OTHER_COMPANY, MEMBER, "P001"), NEVER, OVER),
    "a bond": (about(FILIAL, STRANGER), NEVER, OVER),
    "a standing in the matriz": (about(FILIAL), OBSERVED, NOON + 5 * HOUR),
    "a foreign company": (
        Question(Login("anna.schmidt"), "open", CompanyAsked(GMBH.id)),
        NEVER,
        NOON + DAY,
    ),
    "a sign-in": (replace(about(), sign_in="handle-of-one"), NOON, NOON + MINUTE),
    "another's sign-in": (
        replace(about(actor=STRANGER), sign_in="handle-of-one"),
        NOON,
        NOON + MINUTE,
    ),
    "an ambiguous name": (about(process="P061", actor=STRANGER), NEVER, FOR_EVER),
}


@pytest.mark.parametrize(("question", "since", "until"), SPANS.values(), ids=SPANS)
def test_the_span_is_that_of_the_facts(
    store: HeldStore, question: Question, since: datetime, until: datetime
) -> None:
    """Once they are held: from the instant at which they became these, to that of the next."""
    assert store.held.gather([question], NOON).span is None
    first = store.held.gather([question], NOON)
    assert (since, until) == first.span
    inside = [one for one in (since, NOON, until - TICK) if one != NEVER]
    for moment in inside:
        again = store.held.gather([question], moment)
        assert (first.facts[0], (since, until)) == (again.facts[0], again.span)
        assert again.facts[0] is first.facts[0]
    if until != FOR_EVER:
        store.held.gather([question], until)
        then = store.held.gather([question], until)
        assert then.facts[0] is not first.facts[0]
        assert then.span is not None
        assert until == then.span[0]


def test_the_span_of_a_batch_is_what_all_have_in_common(store: HeldStore) -> None:
    """The latest begin and the earliest end; without questions, nothing ends."""
    batch = [question for question, _since, _until in SPANS.values()]
    store.held.gather(batch, NOON)
    assert (NOON, NOON + MINUTE) == store.held.gather(batch, NOON).span
    assert (OBSERVED, NOON + 5 * HOUR) == store.held.gather(batch[:6], NOON).span
    assert (NEVER, OVER) == store.held.gather([batch[3], batch[0], batch[4]], NOON).span
    assert ALWAYS == store.held.gather([], NOON).span


def test_an_observation_of_the_future_has_a_span(store: HeldStore) -> None:
    """Clocks may be apart: it counts from shortly before it was made, and its days from then."""
    at = NOON + 2 * HOUR
    one = replace(a_standing(PARTNER), observed_at=at)
    store.registry.save_standing(one, untold)
    question, spans = about(actor=PARTNER), []
    for moment in (NOON, at - MINUTE, at + DAY):
        store.held.gather([question], moment)
        spans.append(store.held.gather([question], moment).span)
    counts = at - CLOCKS_APART
    assert [(NEVER, counts), (counts, at + DAY), (at + DAY, at + 2 * DAY)] == spans


@pytest.mark.parametrize(
    ("more", "heeded", "spanned"),
    [
        ({"context": {"a": 1}}, True, False),
        ({"properties": {"a": 1}}, True, False),
        ({"proof": PROOF}, True, False),
        ({"context": {"a": 1}}, False, True),
        ({"properties": {"a": 1}}, False, True),
        ({"proof": PROOF}, False, False),
        ({"context": {"a": 1}, "proof": PROOF}, False, False),
        ({"context": {}, "properties": {}}, True, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("process", ["P001", None])
def test_facts_that_a_question_has_made_have_no_span(
    store: HeldStore,
    plain: SqlStore,
    process: str | None,
    more: dict[str, object],
    heeded: bool,
    spanned: bool,
) -> None:
    """What it asserts makes them if it is heeded, what a token proved in any case; not else."""
    bare = about(COMPANY, MEMBER, process)
    question = replace(bare, **more)  # type: ignore[arg-type]  # members of a question
    for _ in range(2):
        store.held.gather([bare], NOON)
    for _ in range(3):
        snapshot = store.held.gather([bare, question], NOON, heeded=heeded)
        assert spanned == (snapshot.span is not None)
        assert spanned == (snapshot.facts[0] is snapshot.facts[1])
        asked = replace(question, context={}, properties={}) if spanned else question
        assert plain.facts.gather([bare, asked], NOON).facts == snapshot.facts


def test_nobody_knows_how_long_what_was_just_read_lasts(store: HeldStore, plain: SqlStore) -> None:
    """Of a batch of which one is read, nor of what is held nowhere."""
    known, new = about(), about(actor=STRANGER)
    thing = Question(MEMBER, "read", Thing(EntityName("record", "7")))
    store.held.gather([known], NOON)
    assert store.held.gather([known], NOON).span is not None
    assert [None, None] == [store.held.gather([known, one], NOON).span for one in (new, thing)]
    assert [None] * 3 == [store.held.gather([thing], NOON).span for _ in range(3)]
    assert [None, None] == [plain.facts.gather([known], NOON).span for _ in range(2)]


@given(st.lists(st.integers(-90_000, 900_000), min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_the_facts_are_the_same_throughout_their_span(
    store: HeldStore, plain: SqlStore, seconds: list[int]
) -> None:
    """Whenever it is asked: at both ends of what is told, the store says what is held."""
    batch = [question for question, _since, _until in SPANS.values()]
    for second in seconds:
        moment = NOON + timedelta(seconds=second)
        store.held.gather(batch, moment)
        held = store.held.gather(batch, moment)
        assert held.span is not None
        since, until = held.span
        assert since <= moment < until
        for one in (max(since, NOON - 30 * DAY), moment, min(until, NOON + 30 * DAY) - TICK):
            assert plain.facts.gather(batch, one).facts == held.facts


# The state


def _unnoted(store: SqlStore) -> None:
    """Write as a version does that notes no changes."""
    with store.database.engine.begin() as connection:
        connection.execute(update(people).values(registered_at=NOON - HOUR, confirmed_at=None))
        connection.execute(update(store_revision).values(value=store_revision.c.value + 1))


COMMITS: dict[str, Callable[[SqlStore], object]] = {
    "a person": lambda store: store.registry.save_person(Person(STRANGER), untold),
    "a standing": lambda store: store.registry.save_standing(
        a_standing(PARTNER, evidence=Evidence.GOVBR), untold
    ),
    "a revocation": lambda store: happen(store, "one", an_event(EventKind.REVOKED)),
    "an erasure": lambda store: store.personal_data.erase(MEMBER, untold),
    "a catalogue": lambda store: store.catalogue.save_processes(
        [replace(P001, title="Outro")], NOON, untold
    ),
    "a client": lambda store: store.clients.save_client(
        Client("bpm", frozenset({"decide"})), untold
    ),
    "a foreign company": lambda store: store.foreign.add(foreign(9), untold),
    "a sign-in": lambda store: keep(store, sign_in("two", MEMBER)),
    "what is not noted": _unnoted,
}


@pytest.mark.parametrize("commit", COMMITS.values(), ids=COMMITS)
@pytest.mark.parametrize("own", [True, False], ids=["own", "another's"])
def test_another_state_is_another_object(
    store: HeldStore, plain: SqlStore, commit: Callable[[SqlStore], object], own: bool
) -> None:
    """After whatever was committed by whomever, once it was looked; and the same until then."""
    store.held.look()
    before = store.held.state
    store.held.gather([about()], NOON, looked=True)
    store.held.gather([about()], NOON)
    store.held.look()
    assert store.held.state is before
    commit(store if own else plain)
    assert store.held.state is before
    store.held.look()
    after = store.held.state
    assert after is not before
    assert [True, True] == [store.held.look() > 0 and store.held.state is after for _ in range(2)]


def test_a_state_that_comes_back_is_another(store: HeldStore, plain: SqlStore) -> None:
    """Nobody goes on with what was decided on an earlier one, though all is as it was."""
    seen = []
    for confirmed in (NOON, None, NOON, None):
        plain.registry.save_person(Person(MEMBER, NOON, confirmed), untold)
        store.held.look()
        seen.append(store.held.state)
    assert 4 == len({id(one) for one in seen})


def test_what_holds_nothing_has_no_state(store: HeldStore, plain: SqlStore) -> None:
    """Whoever would remember anything of it is told that nobody keeps track."""
    assert plain.facts.state is None
    assert store.held.state is not None
