"""The catalogue of what can happen in life, and what it does to facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from authz_service.domain.companies import Validation
from authz_service.domain.decision import Question
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.kinds import Link
from authz_service.policy.nearness.changes import FIXED, MOVES
from authz_service.policy.nearness.changing import differing, put, short, told
from authz_service.policy.nearness.moves import STEP_UP, Move
from authz_service.policy.vocabulary import ACTORS, RESOURCES, VOCABULARY
from tests.fakes.clock import NOON
from tests.policy.facts import ACME, ANA, FOREIGN, FROM_ABROAD, GMBH, OPEN, P001
from tests.policy.nearness import changed
from tests.policy.recorded import EVA, delegation, recorded

EVERY = pytest.mark.parametrize("move", MOVES, ids=[one.code for one in MOVES])
AT = {
    "Person": ("person", "question.recipient"),
    "Company": ("company",),
    "Process": ("process",),
    "Question": ("question",),
    "SignIn": ("question.sign_in",),
    "Bond": ("company.bond",),
    "Delegation": ("delegation",),
    "Standing": (
        "company.standing",
        "company.bond.standing",
        "delegation.backing",
        "delegation.matriz_backing",
    ),
}
FACTS = [
    (entity.name, name, f"{place}.{name}")
    for entity in VOCABULARY.values()
    for name, fact in entity.facts.items()
    if not isinstance(fact, Link) or fact.may_be_nil or name == "question"
    for place in AT.get(entity.name, (entity.name.lower(),))
]


def changes(move: Move, path: str) -> bool:
    """Tell whether a move may change the fact at a short path."""
    return any(path == one or path.startswith(f"{one}.") for one in move.changes)


@pytest.mark.parametrize(("entity", "name", "path"), FACTS, ids=[one[2] for one in FACTS])
def test_every_fact_differs_by_a_move_or_is_fixed(entity: str, name: str, path: str) -> None:
    """A fact that is new in the vocabulary has to be put into one of the two."""
    moved = any(changes(move, path) for move in MOVES)
    assert moved is not (f"{entity}.{name}" in FIXED)


def test_what_is_fixed_is_in_the_vocabulary() -> None:
    """The table names no fact that there is not, and gives a sentence for each."""
    for name, why in FIXED.items():
        entity, _, fact = name.partition(".")
        assert fact in VOCABULARY[entity].facts
        assert why.endswith(".")


@EVERY
def test_a_move_is_told_in_two_languages(move: Move) -> None:
    """One sentence each, of a citizen's words, and codes that stay."""
    for text in (move.pt, move.en):
        assert text == text.strip()
        assert text.endswith(".")
        assert text[0].isupper()
        assert "  " not in text
    assert move.code == move.code.lower()
    assert move.codigo == move.codigo.upper()
    assert not set(" .") & set(move.code + move.codigo)


def test_moves_know_each_other() -> None:
    """What comes before and what is done as well are moves, and what comes before stands before."""
    codes = [one.code for one in MOVES]
    assert len(codes) == len(set(codes))
    assert len(codes) == len({one.codigo for one in MOVES})
    for position, move in enumerate(MOVES):
        assert set(move.after) <= set(codes[:position])
        assert set(move.over) <= set(codes)
        assert all(MOVES[codes.index(one)].weight <= move.weight for one in move.over)


def test_only_the_person_steps_up() -> None:
    """What is done at once is done by who acts."""
    assert {"person"} == {one.by for one in MOVES if one.weight == STEP_UP}


@given(recorded())
def test_a_move_leads_from_the_possible_to_the_possible(situation: tuple[Question, Known]) -> None:
    """It changes what it says it changes, not what is so already, and all that belongs."""
    facts = facts_of(*situation, NOON)
    for move in MOVES:
        for values in move.make(facts):
            after = put(facts, values)
            assert dict(values) == differing(facts, after)
            assert all(changes(move, path) for path in values)
            assert [] == broken(after)
            assert after == changed(facts, told(facts, values))


SOCIO = Standing(ACME, ANA, Role.SOCIO, Evidence.GOVBR, NOON - timedelta(days=9))
GRANTED = Known(process=P001, delegation=delegation(ACME))
NEWER = replace(GRANTED, process=replace(P001, version=4))
HAPPENS: dict[str, tuple[str, Question, Known, bool]] = {
    "who is something else becomes a sócio": (
        "role-socio",
        OPEN,
        Known(process=P001, standings=(replace(SOCIO, role=Role.CONTADOR),)),
        True,
    ),
    "a sócio becomes none": ("role-socio", OPEN, Known(process=P001, standings=(SOCIO,)), False),
    "who is something gets the certificate": (
        "cadastrador",
        OPEN,
        Known(process=P001, standings=(SOCIO,)),
        True,
    ),
    "who is nothing gets none": ("cadastrador", OPEN, Known(process=P001), False),
    "what is in force is not granted": ("delegation-granted", OPEN, GRANTED, False),
    "what is over is renewed": (
        "delegation-granted",
        OPEN,
        replace(GRANTED, delegation=delegation(ACME, "expired")),
        False,
    ),
    "what was revoked is granted anew": (
        "delegation-granted",
        OPEN,
        replace(GRANTED, delegation=delegation(ACME, "revoked")),
        True,
    ),
    "a newer version is granted": ("delegation-granted", OPEN, NEWER, True),
    "what is in force is renewed": ("delegation-renewed", OPEN, GRANTED, True),
    "where there is no matriz it renews nothing": (
        "delegation-renewed-by-matriz",
        OPEN,
        GRANTED,
        False,
    ),
    "who stands behind it is seen anew": (
        "backing-renewed",
        OPEN,
        replace(GRANTED, standings=(replace(SOCIO, person=EVA),)),
        True,
    ),
    "nobody stands behind it": ("backing-renewed", OPEN, GRANTED, False),
    "a company that waits is validated": (
        "company-validated",
        FROM_ABROAD,
        replace(FOREIGN, foreign=replace(GMBH, validation=Validation.PENDING, validated_at=None)),
        True,
    ),
    "a company is validated once": ("company-validated", FROM_ABROAD, FOREIGN, False),
    "another login is named": (
        "representative-named",
        FROM_ABROAD,
        replace(FOREIGN, foreign=replace(GMBH, representatives=())),
        True,
    ),
    "a representative is named once": ("representative-named", FROM_ABROAD, FOREIGN, False),
}


@pytest.mark.parametrize(("code", "question", "known", "expected"), HAPPENS.values(), ids=HAPPENS)
def test_a_move_is_made_where_it_makes_sense(
    code: str, question: Question, known: Known, expected: bool
) -> None:
    """Nobody becomes what they are, renews what never was, or gets twice what is had once."""
    [move] = [one for one in MOVES if one.code == code]

    assert expected is any(move.make(facts_of(question, known, NOON)))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("person.registered", "person.registered"),
        ("company.standing.role", "company.standing.role"),
        ("company.question.sign_in.level", "question.sign_in.level"),
        ("process.company.standing.role", "company.standing.role"),
        ("process.company.bond.standing.role", "company.bond.standing.role"),
        ("process.company.question.sign_in", "question.sign_in"),
        ("process.question.recipient.registered", "question.recipient.registered"),
        ("process.delegation.backing.days", "delegation.backing.days"),
        ("process.state", "process.state"),
        ("resource.question.sign_in.level", "question.sign_in.level"),
        ("resource.properties.state", "resource.properties.state"),
    ],
)
def test_a_fact_has_one_short_path(path: str, expected: str) -> None:
    """Whatever a question is about, a fact is spoken of in one way."""
    assert expected == short(path)


def test_what_acts_and_is_acted_on_has_a_place() -> None:
    """The table of places above leaves out no entity that could change."""
    assert set(VOCABULARY) == {*AT, *ACTORS, *RESOURCES}
