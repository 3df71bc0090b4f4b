"""What two operands can be, and why comparing them would never depend on the facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from lark import Token, Tree

from authz_service.policy.kinds import Choice, Entity, Fact, Flag, Link, Members, Opaque
from authz_service.policy.reading.telling import meant, shown
from authz_service.policy.vocabulary import ACTORS, BY_TYPE

_KINDS = {Flag: "true or false", Opaque: "a text or number", Members: "a bag"}
_WHOLE_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class Clash:
    """
    Why a comparison or a call never depends on the facts.

    Attributes:
        check: the code of the problem, ``unknown-value`` or ``wrong-type``.
        message: what is wrong.
        remedy: what to do about it.
        of: the operand of which the message says it, before which its name belongs; None if
            the message speaks for itself.
    """

    check: str
    message: str
    remedy: str
    of: Value = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A fixed value: the token that it is written as."""

    token: Token


@dataclass(frozen=True, slots=True)
class Thing:
    """An entity, or nil where it may be."""

    entity: Entity
    may_be_nil: bool = False


ANYONE = Thing(Entity("actor", object, "Who acts, of whatever class.", {}))
"""Who acts in a rule that gives the actor no class."""

Value = Constant | Thing | Flag | Choice | Opaque | Members | None
"""What an operand can be; None where that is not known, as for what a caller asserts."""


def value_of(fact: Fact) -> Value:
    """Give what a fact can be, as an operand."""
    if isinstance(fact, Link):
        return Thing(BY_TYPE[fact.entity], fact.may_be_nil)
    return fact


def mismatch(parameter: Tree[Token], value: Value) -> Clash | None:
    """Say why an argument can never be what a helper's head wants, or None if it can."""
    first, *classes = cast("list[Token]", parameter.children)
    if parameter.data == "literal":
        if isinstance(value, Constant):
            return None if value.token == first else _wrong_type("is another fixed value", "")
        return clash("=", value, Constant(first))
    if not classes or value is None:
        return None
    fits = isinstance(value, Thing) and value.entity.name == classes[0]
    fits = fits or (value is ANYONE and classes[0] in ACTORS)
    return None if fits else _wrong_type(f"takes a {classes[0]}", f"hand it a {classes[0]}")


def clash(sign: str, left: Value, right: Value) -> Clash | None:
    """Say why a comparison never depends on the facts, or None if it may."""
    if isinstance(left, Constant):
        left, right = right, left
    if isinstance(left, Constant):
        return _wrong_type("compares two fixed values", "compare a fact with a fixed value")
    if left is None or right is None:
        return None
    if isinstance(left, Thing):
        return _clash_of_entity(sign, left, right)
    if isinstance(right, Thing):
        return _clash_of_entity(sign, right, left)
    if sign not in ("=", "!=") and not (isinstance(left, Opaque) and _ordered(right)):
        message = "has no order; only texts and numbers have"
        without = right if isinstance(left, Opaque) else left
        return _wrong_type(message, "write `=`, `!=` or `in [...]`", without)
    if isinstance(left, Choice):
        return _clash_of_words(left, right)
    if isinstance(right, Choice):
        return _clash_of_words(right, left)
    return _clash_of_kinds(sign, left, right)


def _wrong_type(message: str, remedy: str, of: Value = None) -> Clash:
    return Clash("wrong-type", message, remedy, of)


def _ordered(value: Value) -> bool:
    if isinstance(value, Constant):
        return value.token.type in ("TEXT", "NUMBER")
    return isinstance(value, Opaque)


def _clash_of_entity(sign: str, thing: Thing, other: Value) -> Clash | None:
    nil = isinstance(other, Constant) and other.token.type == "NIL"
    if sign not in ("=", "!=") or not nil:
        message = "an entity is compared with nil only"
        return _wrong_type(message, "compare what names it, such as `cpf`")
    if thing.may_be_nil:
        return None
    remedy = "leave the comparison out, or ask for one of its facts"
    return _wrong_type(f"the {thing.entity.name} here is never nil", remedy)


def _clash_of_words(fact: Choice, other: Value) -> Clash | None:
    words = fact.words
    there_are = ", ".join(sorted(words))
    if isinstance(other, Choice):
        if words & other.words:
            return None
        remedy = "compare each with a word in double quotes"
        return _wrong_type("the two have no word in common", remedy)
    if isinstance(other, Opaque) and other.form is not None:
        return None
    if not isinstance(other, Constant) or other.token.type != "TEXT":
        remedy = "compare it with a word in double quotes"
        return _wrong_type(f"is always one of the words: {there_are}", remedy, fact)
    word = other.token[1:-1]
    if word in words:
        return None
    message = f"`{shown(word)}` is none of its words: {there_are}"
    return Clash("unknown-value", message, meant(word, words, "write one of them"))


def _clash_of_kinds(sign: str, left: Value, right: Value) -> Clash | None:
    """Compare what is left: flags, opaque values, bags and constants."""
    if isinstance(left, Opaque) and isinstance(right, Constant):
        return _clash_of_form(sign, left, right.token)
    if isinstance(left, Opaque) and isinstance(right, Opaque):
        if (left.form is None) is (right.form is None):
            return None
        remedy = "compare texts with texts, numbers with numbers"
        return _wrong_type("a text can never be equal to a number", remedy)
    if isinstance(right, Constant):
        fits = isinstance(left, Flag) and right.token.type in ("TRUE", "FALSE")
    else:
        fits = type(left) is type(right) and not isinstance(left, Members)
    if fits:
        return None
    remedy = "compare one of its members, as in `question.context.channel`"
    if isinstance(left, Flag) or isinstance(right, Flag):
        remedy = "write the fact alone, or `not` before it"
    return _wrong_type(f"{_KINDS[type(left)]} can never be equal to that", remedy)


def _clash_of_form(sign: str, fact: Opaque, constant: Token) -> Clash | None:
    """Say why an opaque fact can never be equal to a constant: an entry that blocks nobody."""
    if constant.type == "NIL":
        return None
    if fact.form is None:
        fits = constant.type == "NUMBER" and _WHOLE_NUMBER.fullmatch(constant) is not None
        remedy = "write a whole number, without quotes"
    else:
        # In an order, any text has its place.
        form = fact.form if sign in ("=", "!=") else ".*"
        fits = constant.type == "TEXT" and re.fullmatch(form, constant[1:-1]) is not None
        remedy = "write it in that form, in double quotes and without punctuation"
    if fits:
        return None
    message = f"is never that; it looks like {fact.example}"
    return Clash("unknown-value", message, remedy, fact)
