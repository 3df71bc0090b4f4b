"""The vocabulary says of every entity exactly what its facts are."""

from __future__ import annotations

import re
import types
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from authz_service.domain import facts as domain
from authz_service.domain.decision import Bag
from authz_service.policy.kinds import Choice, Entity, Fact, Flag, Link, Members, Opaque
from authz_service.policy.vocabulary import ACTORS, BY_TYPE, RESOURCES, VOCABULARY, as_markdown
from tests.policy.facts import GMBH

README = Path(__file__).parents[2] / "policies" / "README.md"
FACTS = [(entity, name) for entity in VOCABULARY.values() for name in entity.facts]
every_entity = pytest.mark.parametrize("entity", VOCABULARY.values(), ids=VOCABULARY)
every_fact = pytest.mark.parametrize(
    ("entity", "name"), FACTS, ids=[f"{entity.name}.{name}" for entity, name in FACTS]
)


@every_entity
def test_an_entity_has_exactly_the_facts_of_its_class(entity: Entity) -> None:
    """Nothing is declared that is not there, and nothing is there that is not declared."""
    assert {one.name for one in fields(entity.type)} == set(entity.facts)


def test_every_kind_of_facts_has_a_name_in_polar() -> None:
    """Every class of facts but the bundle of them all can be spoken of."""
    known = {
        one
        for name, one in vars(domain).items()
        if name.endswith("Facts") and isinstance(one, type) and one is not domain.Facts
    }

    assert known == set(BY_TYPE)
    assert [entity.type for entity in VOCABULARY.values()] == list(BY_TYPE)


@every_fact
def test_a_fact_is_declared_as_what_it_is(entity: Entity, name: str) -> None:
    """A yes or no is a flag, a word a choice or opaque, an entity a link; nil where it may be."""
    hint = get_type_hints(entity.type)[name]
    possible = set(get_args(hint)) if isinstance(hint, types.UnionType) else {hint}
    fact: Fact = entity.facts[name]

    if isinstance(fact, Flag):
        assert {bool} == possible
    elif isinstance(fact, Choice):
        assert {str} == possible
    elif isinstance(fact, Link):
        assert fact.entity in BY_TYPE
        nil = {type(None)} if fact.may_be_nil else set()
        assert {fact.entity} | nil == possible
    elif isinstance(fact, Members):
        assert hint == Bag
    else:
        assert isinstance(fact, Opaque)
        assert {str, int, type(None)} >= possible


@every_fact
def test_a_choice_has_words(entity: Entity, name: str) -> None:
    """A closed fact has at least two words, since one would tell nothing."""
    fact = entity.facts[name]

    assert not isinstance(fact, Choice) or len(fact.words) > 1


@every_entity
def test_everything_is_explained_in_sentences(entity: Entity) -> None:
    """Every entity and every fact has a meaning that ends like a sentence."""
    for meaning in (entity.meaning, *(fact.meaning for fact in entity.facts.values())):
        assert meaning[:1].isupper() or meaning.startswith("AuthZEN")
        assert meaning.endswith(".")
        assert "|" not in meaning


def test_who_acts_and_what_is_acted_on_are_told_apart() -> None:
    """The classes of actors and of resources are those that the facts of a question can be."""
    hints = get_type_hints(domain.Facts)

    for names, name in ((ACTORS, "actor"), (RESOURCES, "resource")):
        assert [VOCABULARY[one].type for one in names] == [*get_args(hints[name])]


def test_what_names_a_person_is_marked() -> None:
    """Every fact that may name somebody is personal, so evidence hides what it is compared with."""
    personal = {
        f"{entity.name}.{name}"
        for entity, name in FACTS
        if isinstance(fact := entity.facts[name], Opaque) and fact.personal
    }

    assert {"Person.cpf", "Login.login", "Subject.id"} == personal


@pytest.mark.parametrize(
    ("entity", "name", "constant", "possible"),
    [
        ("Company", "id", "52420282000180", True),
        ("Company", "id", GMBH.id.value, True),
        ("Company", "id", GMBH.id.formatted, False),
        ("Company", "cnpj", GMBH.id.value, False),
        ("Login", "login", "weber", True),
        ("Login", "login", "José da Silva", True),
        ("Login", "login", "w", True),
        ("Login", "login", " weber", False),
        ("Login", "login", "weber ", False),
        ("Login", "login", "", False),
        ("Login", "login", "w" * 128, True),
        ("Login", "login", "w" * 129, False),
        ("Subject", "type", "robot", True),
        ("Subject", "type", "person", False),
        ("Subject", "type", "login", False),
        ("Subject", "type", "personnel", True),
        ("Resource", "type", "process", False),
        ("Resource", "type", "processes", True),
        ("Resource", "type", "1st", False),
        ("Resource", "id", "x" * 512, True),
        ("Resource", "id", "x" * 513, False),
        ("Resource", "id", "", False),
    ],
)
def test_a_form_says_what_a_fact_can_be(
    entity: str, name: str, constant: str, possible: bool
) -> None:
    """What can be equal to a fact has its form, and what the domain refuses does not."""
    fact = VOCABULARY[entity].facts[name]

    assert isinstance(fact, Opaque)
    assert fact.form is not None
    assert possible is (re.fullmatch(fact.form, constant) is not None)


def test_the_administrators_page_shows_the_vocabulary() -> None:
    """The tables in the README of the policies are those of the code."""
    assert as_markdown() in README.read_text(encoding="utf-8")


def test_what_the_caller_asserts_is_marked() -> None:
    """Every bag of the caller says so, in words that cannot be overlooked."""
    bags = [
        fact
        for entity in VOCABULARY.values()
        for fact in entity.facts.values()
        if isinstance(fact, Members)
    ]

    assert bags
    assert all("ASSERTED BY THE CALLER" in bag.meaning for bag in bags)
