"""
What cannot be meant: comparisons and calls whose outcome never depends on the facts.

Polar takes a mistake of type for "no match": a text that a fact can never be, an entity
that is compared instead of what names it, a helper that is asked with the wrong class. The
rule is silent then, and under ``not``, or in a forbid, silence permits. The vocabulary says
what every fact can be, so such a mistake is found by reading.

A *flaw* that makes a rule silent lets the rule err whenever it is asked, as if it had been
found on the way. One that will raise by itself, such as a misspelt fact, is only told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lark import Token, Tree

from authz_service.domain.decision import ACTIONS, BUILT_IN_REASONS, OTHER_ACTION
from authz_service.domain.errors import Problem
from authz_service.domain.facts import ResourceFacts
from authz_service.policy.kinds import (
    Choice,
    Entity,
    Fact,
    Flag,
    Link,
    Members,
    Opaque,
)
from authz_service.policy.syntax import Rule
from authz_service.policy.vocabulary import ACTORS, BY_TYPE, VOCABULARY

_ACTION = Choice("The action.", frozenset((*ACTIONS, OTHER_ACTION)))
_THEIR_ACTION = Opaque("The action, in the words of another service.", ".+", '"read"')
_KINDS = {Flag: "true or false", Opaque: "a text or number", Members: "a bag"}
_GIVE_A_CLASS = f"may be of any class here; give it one of: {', '.join(ACTORS)}"
_WHOLE_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class Flaw:
    """
    A place in a rule that cannot be meant.

    Attributes:
        rule: the rule it stands in.
        problem: what is wrong, with its place.
        silent: whether oso would pass over it without a word.
    """

    rule: Rule
    problem: Problem
    silent: bool


@dataclass(frozen=True, slots=True)
class _Constant:
    """A fixed value: the token that it is written as."""

    token: Token


@dataclass(frozen=True, slots=True)
class _Thing:
    """An entity, or nil where it may be."""

    entity: Entity
    may_be_nil: bool = False


_ANYONE = _Thing(Entity("actor", object, "Who acts, of whatever class.", {}))

_Value = _Constant | _Thing | Flag | Choice | Opaque | Members | None
"""What an operand can be; None where that is not known, as for what a caller asserts."""


def flaws_of(rules: Sequence[Rule]) -> list[Flaw]:
    """Find the flaws of all rules, in their order."""
    heads: dict[tuple[str, int], list[Rule]] = {}
    for rule in rules:
        heads.setdefault((rule.name, rule.arity), []).append(rule)
    return [flaw for rule in rules for flaw in _Reader(rule, heads).flaws()]


def undeclared(rules: Sequence[Rule], reasons: Collection[str]) -> list[Flaw]:
    """Find reasons that permits and forbids give, but that are not declared, or not for rules."""
    found = []
    for rule in rules:
        if rule.decides and rule.parameters[3].data == "literal":
            token = cast("Token", rule.parameters[3].children[0])
            if token[1:-1] not in reasons or token[1:-1] in BUILT_IN_REASONS:
                where = (rule.file, token.line or 0, token.column or 0)
                message = f"the reason {token} is not declared in reasons.toml, or not for rules"
                found.append(Flaw(rule, Problem(*where, message), silent=False))
    return found


def silent_flaw(rule: Rule, rules: Sequence[Rule], flaws: Sequence[Flaw]) -> str | None:
    """Give the first silent flaw of a rule or of the helpers that it asks, with its place."""
    asked, waiting = {rule.name}, [call.name for call in rule.calls]
    while waiting:
        name = waiting.pop()
        if name not in asked:
            asked.add(name)
            waiting += [call.name for one in rules if one.name == name for call in one.calls]
    asked.discard(rule.name)
    for flaw in flaws:
        if flaw.silent and (flaw.rule is rule or flaw.rule.name in asked):
            return str(flaw.problem)
    return None


def concerns(rule: Rule) -> tuple[str | None, type | None, type | None]:
    """Give the one action, actor and resource that a permit or forbid is about; None of any."""
    actor, action, resource = (cast("list[Token]", one.children) for one in rule.parameters[:3])
    named = str(action[0])[1:-1] if rule.parameters[1].data == "literal" else None
    by, about = (
        VOCABULARY[str(one[1])].type if len(one) > 1 else None for one in (actor, resource)
    )
    return named, by, about


class _Reader:
    """Reads one rule with the types of its arguments."""

    def __init__(self, rule: Rule, heads: Mapping[tuple[str, int], Sequence[Rule]]) -> None:
        self._rule = rule
        self._heads = heads
        self._known = _arguments(rule)

    def flaws(self) -> Iterator[Flaw]:
        """Give the flaws of the rule, in the order of reading."""
        for node in self._rule.tree.iter_subtrees_topdown():  # type: ignore[no-untyped-call]  # lark left it out
            if node.data == "comparison":
                left, sign, right = node.children
                yield from self._compared(left, str(sign), right)
            elif node.data == "membership":
                operand, *constants = node.children
                yield from self._contained(operand, constants)
            elif node.data == "call":
                yield from self._called(node)
            elif node.data == "path":
                yield from self._walked(node)

    def _flaw(self, place: Token, message: str, *, silent: bool = True) -> Flaw:
        where = (self._rule.file, place.line or 0, place.column or 0)
        return Flaw(self._rule, Problem(*where, message), silent)

    def _compared(self, left: object, sign: str, right: object) -> Iterator[Flaw]:
        message = _clash(sign, self._value(left), self._value(right))
        if message is not None:
            yield self._flaw(_first(left), message)

    def _contained(self, operand: object, constants: Sequence[object]) -> Iterator[Flaw]:
        if not constants:
            yield self._flaw(_first(operand), "nothing is in an empty list")
        for constant in constants:
            message = _clash("=", self._value(operand), self._value(constant))
            if message is not None:
                yield self._flaw(_first(constant), message)

    def _called(self, call: Tree[Token]) -> Iterator[Flaw]:
        name, *arguments = call.children
        values = [self._value(argument) for argument in arguments]
        fitting = 0
        heads = self._heads.get((str(name), len(values)), ())
        yield from self._handed_on(arguments, values, heads)
        for head in heads:
            clashes = [
                _mismatch(parameter, value)
                for parameter, value in zip(head.parameters, values, strict=True)
            ]
            fitting += not any(clashes)
            fixed = [parameter.data == "literal" for parameter in head.parameters]
            if any(clash and not one for clash, one in zip(clashes, fixed, strict=True)):
                continue  # another of the helper's heads is meant
            for argument, value, clash in zip(arguments, values, clashes, strict=True):
                # A fixed value that this head does not take may be another's.
                if clash is not None and not isinstance(value, _Constant):
                    yield self._flaw(_first(argument), f"`{name}` at {head.place}: {clash}")
        if not fitting:
            message = f"no rule `{name}` takes what it is asked with"
            yield self._flaw(cast("Token", name), message)

    def _handed_on(
        self, arguments: Sequence[object], values: Sequence[_Value], heads: Sequence[Rule]
    ) -> Iterator[Flaw]:
        """Find actors of any class in the hands of a helper that is silent of some classes."""
        for position, (argument, value) in enumerate(zip(arguments, values, strict=True)):
            takes = {str(part) for one in heads for part in one.parameters[position].children[1:]}
            everybody = any(len(one.parameters[position].children) == 1 for one in heads)
            if value is _ANYONE and not everybody and not takes.issuperset(ACTORS):
                first = _first(argument)
                yield self._flaw(first, f"`{first}` {_GIVE_A_CLASS}", silent=False)

    def _walked(self, path: Tree[Token]) -> Iterator[Flaw]:
        """Find facts that do not exist; asked for, they raise by themselves."""
        value: _Value = self._known.get(str(path.children[0]))
        for name in cast("list[Token]", path.children[1:]):
            if value is None or isinstance(value, Members):
                return
            if not isinstance(value, _Thing):
                yield self._flaw(name, f"`{name}` is read from what has no facts", silent=False)
                return
            if value is _ANYONE:
                yield self._flaw(name, f"`{path.children[0]}` {_GIVE_A_CLASS}", silent=False)
                return
            fact = value.entity.facts.get(str(name))
            if fact is None:
                there_are = ", ".join(value.entity.facts)
                message = f"{value.entity.name} has no fact `{name}`; there are: {there_are}"
                yield self._flaw(name, message, silent=False)
                return
            value = _of(fact)

    def _value(self, operand: object) -> _Value:
        if isinstance(operand, Token):
            return _Constant(operand)
        first, *names = cast("Tree[Token]", operand).children
        value: _Value = self._known.get(str(first))
        for name in names:
            if not isinstance(value, _Thing):
                return None  # a member of a bag, or of what is not known
            fact = value.entity.facts.get(str(name))
            value = None if fact is None else _of(fact)
        return value


def _arguments(rule: Rule) -> dict[str, _Value]:
    """Give what the arguments of a rule can be, by their names."""
    known: dict[str, _Value] = {}
    action, _by, about = concerns(rule) if rule.decides else (None, None, None)
    for position, parameter in enumerate(rule.parameters):
        name, *classes = cast("list[Token]", parameter.children)
        if classes:
            known[str(name)] = _Thing(VOCABULARY[str(classes[0])])
        elif rule.decides and position == 0:
            known[str(name)] = _ANYONE
        elif rule.decides and position == 1:
            known[str(name)] = _THEIR_ACTION if about is ResourceFacts else _ACTION
        elif rule.decides and position == 2 and about is None and action is not None:
            # The README's rule: one action is about companies, the others about processes.
            known[str(name)] = _Thing(
                VOCABULARY["Company" if action == "read_delegations" else "Process"]
            )
    return known


def _of(fact: Fact) -> _Value:
    if isinstance(fact, Link):
        return _Thing(BY_TYPE[fact.entity], fact.may_be_nil)
    return fact


def _first(operand: object) -> Token:
    """Give the token that an operand begins with, for its place."""
    return operand if isinstance(operand, Token) else cast("Tree[Token]", operand).children[0]  # type: ignore[return-value]  # a path begins with a name


def _mismatch(parameter: Tree[Token], value: _Value) -> str | None:
    """Say why an argument can never be what a helper's head wants, or None if it can."""
    first, *classes = cast("list[Token]", parameter.children)
    if parameter.data == "literal":
        if isinstance(value, _Constant):
            return None if value.token == first else "is another fixed value"
        return _clash("=", value, _Constant(first))
    if not classes or value is None:
        return None
    fits = isinstance(value, _Thing) and value.entity.name == classes[0]
    fits = fits or (value is _ANYONE and classes[0] in ACTORS)
    return None if fits else f"takes a {classes[0]}"


def _clash(sign: str, left: _Value, right: _Value) -> str | None:
    """Say why a comparison never depends on the facts, or None if it may."""
    if isinstance(left, _Constant):
        left, right = right, left
    if isinstance(left, _Constant):
        return "compares two fixed values"
    if left is None or right is None:
        return None
    if isinstance(left, _Thing):
        return _clash_of_entity(sign, left, right)
    if isinstance(right, _Thing):
        return _clash_of_entity(sign, right, left)
    if sign not in ("=", "!=") and not (isinstance(left, Opaque) and _ordered(right)):
        return "has no order; only texts and numbers have"
    if isinstance(left, Choice):
        return _clash_of_words(left.words, right)
    if isinstance(right, Choice):
        return _clash_of_words(right.words, left)
    return _clash_of_kinds(sign, left, right)


def _ordered(value: _Value) -> bool:
    if isinstance(value, _Constant):
        return value.token.type in ("TEXT", "NUMBER")
    return isinstance(value, Opaque)


def _clash_of_entity(sign: str, thing: _Thing, other: _Value) -> str | None:
    nil = isinstance(other, _Constant) and other.token.type == "NIL"
    if sign not in ("=", "!=") or not nil:
        return "an entity is compared with nil only; compare what names it, such as `cpf`"
    return None if thing.may_be_nil else f"the {thing.entity.name} here is never nil"


def _clash_of_words(words: frozenset[str], other: _Value) -> str | None:
    there_are = ", ".join(sorted(words))
    if isinstance(other, Choice):
        return None if words & other.words else "the two have no word in common"
    if isinstance(other, Opaque) and other.form is not None:
        return None
    if not isinstance(other, _Constant) or other.token.type != "TEXT":
        return f"is always one of the words: {there_are}"
    word = other.token[1:-1]
    return None if word in words else f"`{word}` is none of its words: {there_are}"


def _clash_of_kinds(sign: str, left: _Value, right: _Value) -> str | None:
    """Compare what is left: flags, opaque values, bags and constants."""
    if isinstance(left, Opaque) and isinstance(right, _Constant):
        return _clash_of_form(sign, left, right.token)
    if isinstance(left, Opaque) and isinstance(right, Opaque):
        same = (left.form is None) is (right.form is None)
        return None if same else "a text can never be equal to a number"
    if isinstance(right, _Constant):
        fits = isinstance(left, Flag) and right.token.type in ("TRUE", "FALSE")
    else:
        fits = type(left) is type(right) and not isinstance(left, Members)
    return None if fits else f"{_KINDS[type(left)]} can never be equal to that"


def _clash_of_form(sign: str, fact: Opaque, constant: Token) -> str | None:
    """Say why an opaque fact can never be equal to a constant: an entry that blocks nobody."""
    if constant.type == "NIL":
        return None
    if fact.form is None:
        fits = constant.type == "NUMBER" and _WHOLE_NUMBER.fullmatch(constant) is not None
    else:
        # In an order, any text has its place.
        form = fact.form if sign in ("=", "!=") else ".*"
        fits = constant.type == "TEXT" and re.fullmatch(form, constant[1:-1]) is not None
    return None if fits else f"is never that; it looks like {fact.example}"
