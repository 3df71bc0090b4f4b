"""How long facts last while nothing is written: what is held past that would be false."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.brought import bringing
from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question, Resource
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.identifiers import Cpf
from authz_service.domain.known import ALWAYS, Known, facts_of, span_of
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName
from authz_service.domain.sign_in import Proof
from authz_service.domain.time import BRASILIA, CLOCKS_APART
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    PARTNER,
    REPRESENTATIVE,
    REPRESENTATIVE_ABROAD,
)
from tests.fakes.clock import NOON
from tests.store.records import TICK, foreign, sign_in, standing

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
ABROAD = foreign(validation=Validation.VALIDATED)
# Around a day on which the clocks of Brasília were put forward at midnight, and one without that.
_CHANGE = datetime(2018, 11, 4, 3, tzinfo=UTC)
_INSTANTS = st.builds(
    lambda day, offset: day + offset,
    st.sampled_from([_CHANGE, NOON]),
    st.timedeltas(-3 * DAY, 3 * DAY)
    | st.integers(-4, 4).map(lambda n: n * DAY)
    | st.integers(-9, 9).map(lambda n: n * MINUTE),
)
_DAYS = _INSTANTS.map(lambda one: one.astimezone(BRASILIA).date())
_STANDINGS = st.builds(
    Standing,
    st.sampled_from([FILIAL, COMPANY]),
    st.sampled_from([MEMBER, REPRESENTATIVE, PARTNER]),
    st.sampled_from(Role),
    st.sampled_from(Evidence),
    _INSTANTS,
    st.none() | _INSTANTS,
)
_EVENTS = st.builds(
    Event,
    st.sampled_from(EventKind),
    _INSTANTS,
    st.sampled_from([REPRESENTATIVE, PARTNER]),
    st.just("orquestra"),
    st.none(),
    st.none() | _DAYS,
)


def _delegated(later: list[Event], last_day: date | None) -> Delegation:
    grant = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra", None, last_day)
    return Delegation("one", FILIAL, MEMBER, P001.id, 1, (grant, *later))


def _proof(person: Cpf, authenticated_at: datetime | None, ends_at: datetime) -> Proof:
    return Proof(person, ("passwd",), None, None, False, authenticated_at, ends_at)


_KNOWN = st.builds(
    Known,
    st.just((Person(MEMBER, NOON),)),
    st.just(P001),
    st.none() | st.builds(_delegated, st.lists(_EVENTS, max_size=2), st.none() | _DAYS),
    st.none()
    | st.builds(Bond, st.just(FILIAL), st.just(COMPANY), st.just("SEI"), _INSTANTS, _DAYS),
    st.lists(_STANDINGS, max_size=3).map(tuple),
    st.none() | _INSTANTS.map(lambda began: sign_in(person=MEMBER, began_at=began)),
)
_QUESTIONS = st.builds(
    Question,
    st.just(MEMBER),
    st.just("open"),
    st.sampled_from([CompanyAsked(FILIAL), ProcessAsked(ProcessName("P001"), FILIAL)]),
    sign_in=st.sampled_from([None, "handle-of-one"]),
    proof=st.none()
    | st.builds(_proof, st.sampled_from([MEMBER, PARTNER]), st.none() | _INSTANTS, _INSTANTS),
)


@given(_QUESTIONS, _KNOWN, _INSTANTS, st.floats(0, 1))
def test_facts_are_the_same_for_their_span(
    question: Question, known: Known, moment: datetime, part: float
) -> None:
    """At its first instant, at its last and at any between them, the facts are those held."""
    since, until = span_of(question, known, moment)
    held = facts_of(question, known, moment)
    first, last = max(since, moment - 9 * DAY), min(until, moment + 9 * DAY) - TICK

    assert since <= moment < until
    for instant in (first, first + (last - first) * part, last):
        assert held == facts_of(question, known, instant)


LAST_DAY = date(2026, 11, 21)
OVER = datetime(2026, 11, 22, 3, tzinfo=UTC)
"""Midnight of Brasília after that day."""
_SEEN = standing(person=MEMBER)
_ABOUT = Question(MEMBER, "open", CompanyAsked(COMPANY))
_OF_PROCESS = Question(MEMBER, "open", ProcessAsked(ProcessName("P001"), FILIAL))
_SIGNED_IN = Question(MEMBER, "open", CompanyAsked(COMPANY), sign_in="handle-of-one")
_FROM_ABROAD = Question(REPRESENTATIVE_ABROAD, "open", CompanyAsked(ABROAD.id))
_BEFORE = standing(person=MEMBER, observed_at=NOON + DAY)
ENDING = Standing(COMPANY, MEMBER, Role.SOCIO, Evidence.GOVBR, NOON, NOON + MINUTE)
SPANS = {
    "nothing": (_ABOUT, Known(), *ALWAYS),
    "the age of a standing": (_ABOUT, Known(standings=(_SEEN,)), NOON - CLOCKS_APART, NOON + DAY),
    "the end of a standing": (
        _ABOUT,
        Known(standings=(ENDING,)),
        NOON - CLOCKS_APART,
        NOON + MINUTE,
    ),
    "a standing seen by a clock ahead": (
        _ABOUT,
        Known(standings=(_BEFORE,)),
        ALWAYS[0],
        NOON + DAY - CLOCKS_APART,
    ),
    "the last day of a delegation": (
        _OF_PROCESS,
        Known(process=P001, delegation=_delegated([], LAST_DAY)),
        ALWAYS[0],
        OVER,
    ),
    "the last day of a bond": (
        _OF_PROCESS,
        Known(bond=Bond(FILIAL, COMPANY, "SEI", NOON, LAST_DAY)),
        ALWAYS[0],
        OVER,
    ),
    "no last day at all": (
        _OF_PROCESS,
        Known(process=P001, delegation=_delegated([], date.max)),
        *ALWAYS,
    ),
    "the minutes of a sign-in": (
        _SIGNED_IN,
        Known(sign_in=sign_in(person=MEMBER)),
        NOON,
        NOON + MINUTE,
    ),
    "the age of a validation": (_FROM_ABROAD, Known(foreign=ABROAD), ALWAYS[0], NOON + DAY),
}


@pytest.mark.parametrize(("question", "known", "since", "until"), SPANS.values(), ids=SPANS)
def test_what_turns_when(
    question: Question, known: Known, since: datetime, until: datetime
) -> None:
    """Each datum that time changes ends the span at the instant at which it turns."""
    found = span_of(question, known, NOON)

    assert (since, until) == found
    if until != ALWAYS[1]:
        assert facts_of(question, known, NOON) != facts_of(question, known, until)


def test_an_instant_at_the_end_of_the_calendar_promises_nothing() -> None:
    """What cannot be worked out is no span at all, so nothing is held."""
    last = standing(person=MEMBER, observed_at=datetime.max.replace(tzinfo=UTC))

    assert (NOON, NOON) == span_of(_ABOUT, Known(standings=(last,)), NOON)


@pytest.mark.parametrize(
    "resource",
    [
        ProcessAsked(ProcessName("P001", 3), COMPANY),
        CompanyAsked(COMPANY),
        Thing(EntityName("record", "7"), {}),
    ],
)
@pytest.mark.parametrize("known", [Known(), Known(process=P001)])
def test_what_a_question_brings_is_added_to_what_is_held(resource: Resource, known: Known) -> None:
    """Facts that are held without context and properties are those of a question with them."""
    plain = Question(MEMBER, "delegate", resource, recipient=PARTNER)
    asked = replace(plain, context={"channel": "x"}, properties={"level": 2})
    assert facts_of(asked, known, NOON) == bringing(facts_of(plain, known, NOON), asked)
    assert facts_of(plain, known, NOON) == bringing(facts_of(asked, known, NOON), plain)
