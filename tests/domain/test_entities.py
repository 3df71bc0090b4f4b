"""Entities of types that the domain does not own, and who acts, by name alone."""

from __future__ import annotations

import pytest

from authz_service.domain.decision import Actor, CompanyAsked, Question, Subject, subject_of
from authz_service.domain.entities import LONGEST_ID, OWN_TYPES, EntityName, Thing
from authz_service.domain.errors import InvalidInput
from tests.domain.document import COMPANY, MEMBER, REPRESENTATIVE_ABROAD

USER = EntityName("user", "u1")


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        ("a", "x"),
        ("Laboratory", " "),
        ("todo-list_v1.2", "beth@the-smiths.com"),
        ("a" * 64, "x" * LONGEST_ID),
        ("Person", "case tells it from ours"),
    ],
)
def test_an_entity_has_a_type_and_an_id(kind: str, identity: str) -> None:
    """Types are names, ids any text that other services have."""
    name = EntityName(kind, identity)
    assert (kind, identity) == (name.type, name.id)


@pytest.mark.parametrize(
    ("kind", "identity", "field"),
    [
        *((kind, "x", "type") for kind in sorted(OWN_TYPES)),
        *((kind, "x", "type") for kind in ("", "1a", "-a", "a b", "a" * 65, "é", "a\n", "a:b")),
        ("user", "", "id"),
        ("user", "x" * (LONGEST_ID + 1), "id"),
    ],
)
def test_what_is_no_name_of_an_entity_is_refused(kind: str, identity: str, field: str) -> None:
    """A type of ours above all: nobody describes persons and companies from outside."""
    with pytest.raises(InvalidInput) as caught:
        EntityName(kind, identity)
    assert field == caught.value.field


def test_an_entity_is_told_from_others_by_type_and_id() -> None:
    """Byte for byte, and the properties are no part of the name."""
    assert 4 == len(
        {USER, EntityName("User", "u1"), EntityName("user", "U1"), EntityName("u", "1")}
    )
    assert EntityName("a", "z") < EntityName("b", "a") < EntityName("b", "b")
    assert Thing(USER, {"a": 1}) != Thing(USER)
    assert Thing(USER) == Thing(USER, {})


def test_neither_id_nor_properties_of_an_entity_are_shown() -> None:
    """The id may be a person's, and what is said of it as well."""
    shown = repr(Thing(EntityName("user", "beth"), {"mail": "x@y.example"}))
    assert "user" in shown
    assert "beth" not in shown
    assert "x@y.example" not in shown


@pytest.mark.parametrize(
    ("asked", "stored", "expected"),
    [
        ({}, {}, {}),
        ({}, {"state": "active"}, {"state": "active"}),
        ({"state": "closed"}, {"state": "active", "age": 3}, {"state": "closed", "age": 3}),
        ({"state": None}, {"state": "active"}, {"state": None}),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 1}}),
    ],
    ids=["nothing", "stored", "the question's first", "null too", "whole members"],
)
def test_what_a_question_says_of_an_entity_counts_before_what_is_stored(
    asked: dict[str, object], stored: dict[str, object], expected: dict[str, object]
) -> None:
    """AuthZEN's certification fixture wants it; each property is taken whole."""
    before = dict(stored)
    found = Thing(USER, asked).described(stored)
    assert (USER, expected) == (found.name, found.properties)
    assert before == stored


@pytest.mark.parametrize(
    ("actor", "subject"),
    [
        (MEMBER, MEMBER),
        (REPRESENTATIVE_ABROAD, REPRESENTATIVE_ABROAD),
        (Thing(USER, {"role": "admin"}), USER),
    ],
    ids=["person", "login", "entity"],
)
def test_who_acts_has_a_name_without_what_is_said_about_it(actor: Actor, subject: Subject) -> None:
    """The log keeps a surrogate for the name alone."""
    assert subject == subject_of(actor)
    assert subject == Question(actor, "open", CompanyAsked(COMPANY)).subject
