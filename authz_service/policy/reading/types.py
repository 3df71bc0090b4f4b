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

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lark import Token, Tree

from authz_service.domain.decision import ACTIONS, BUILT_IN_REASONS, OTHER_ACTION
from authz_service.domain.errors import Problem
from authz_service.domain.facts import ResourceFacts
from authz_service.policy.kinds import FORBID, PERMIT, Choice, Members, Opaque
from authz_service.policy.reading.clashes import (
    ANYONE,
    Clash,
    Constant,
    Thing,
    Value,
    clash,
    mismatch,
    value_of,
)
from authz_service.policy.reading.syntax import Rule
from authz_service.policy.reading.telling import at, meant
from authz_service.policy.vocabulary import ACTORS, VOCABULARY

_ACTION = Choice("The action.", frozenset((*ACTIONS, OTHER_ACTION)))
_THEIR_ACTION = Opaque("The action, in the words of another service.", ".+", '"read"')
_OF_ANY_CLASS = "may be of any class here"
_GIVE_A_CLASS = f"give it one of: {', '.join(ACTORS)}"


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


def flaws_of(rules: Sequence[Rule], broken: Collection[str] = ()) -> list[Flaw]:
    """Find the flaws of all rules, in their order; *broken* are helpers that were not all read."""
    heads: dict[tuple[str, int], list[Rule]] = {}
    for rule in rules:
        heads.setdefault((rule.name, rule.arity), []).append(rule)
    return [flaw for rule in rules for flaw in _Reader(rule, heads, broken).flaws()]


def undeclared(rules: Sequence[Rule], reasons: Collection[str]) -> list[Flaw]:
    """Find reasons that permits and forbids give, but that are not declared, or not for rules."""
    found = []
    for rule in rules:
        if rule.decides and rule.parameters[3].data == "literal":
            token = cast("Token", rule.parameters[3].children[0])
            code = token[1:-1]
            if code in BUILT_IN_REASONS:
                message = f"the reason {token} is not for rules: the service gives it by itself"
                remedy = "choose another reason"
            elif code not in reasons:
                message = f"the reason {token} is not declared in reasons.toml"
                remedy = meant(code, reasons, "add a [[reason]] with this code there")
            else:
                continue
            problem = at(rule.file, token, "reason-unknown", message, remedy)
            found.append(Flaw(rule, problem, silent=False))
    return found


def silent_flaws(rules: Sequence[Rule], flaws: Sequence[Flaw]) -> dict[int, str]:
    """
    Give the silent flaw of rules, or of the helpers that they ask over however many others.

    Returns:
        the first such flaw with its place, by the rule's position among *rules*.
    """
    own: dict[int, str] = {}
    of_helpers: dict[str, list[Flaw]] = {}
    for flaw in flaws:
        if flaw.silent:
            own.setdefault(id(flaw.rule), str(flaw.problem))
            of_helpers.setdefault(flaw.rule.name, []).append(flaw)
    if not own:  # mutant: only faster
        return {}
    asks: dict[str, set[str]] = {}
    for rule in rules:
        asks.setdefault(rule.name, set()).update(call.name for call in rule.calls)
    found = {}
    for position, rule in enumerate(rules):
        asked = {call.name for call in rule.calls}
        while asking := {call for name in asked for call in asks.get(name, ())} - asked:
            asked |= asking
        theirs = (one for name in sorted(asked) for one in of_helpers.get(name, ()))
        said = own.get(id(rule)) or next((str(one.problem) for one in theirs), None)
        if said is not None:
            found[position] = said
    return found


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

    def __init__(
        self,
        rule: Rule,
        heads: Mapping[tuple[str, int], Sequence[Rule]],
        broken: Collection[str],
    ) -> None:
        self._rule = rule
        self._heads = heads
        self._broken = broken
        self._known = _arguments(rule)

    def flaws(self) -> Iterator[Flaw]:
        """Give the flaws of the rule, in the order of reading."""
        for node in self._rule.tree.iter_subtrees_topdown():  # type: ignore[no-untyped-call]  # lark left it out
            if node.data == "comparison":
                left, sign, right = node.children
                found = clash(str(sign), self._value(left), self._value(right))
                yield from self._clashing(left, found, [left, right])
            elif node.data == "membership":
                operand, *constants = node.children
                yield from self._contained(operand, constants)
            elif node.data == "call":
                yield from self._called(node)
            elif node.data == "path":
                yield from self._walked(node)

    def _clashing(
        self,
        place: object,
        found: Clash | None,
        operands: Sequence[object] = (),
        before: str = "",
    ) -> Iterator[Flaw]:
        if found is not None:
            names = [f"`{_text(one)}` " for one in operands if self._value(one) == found.of]
            subject = names[0] if found.of is not None and names else ""
            message = f"{before}{subject}{found.message}"
            problem = at(self._rule.file, _first(place), found.check, message, found.remedy)
            yield Flaw(self._rule, problem, silent=True)

    def _raising(self, place: Token, check: str, message: str, remedy: str) -> Flaw:
        return Flaw(self._rule, at(self._rule.file, place, check, message, remedy), silent=False)

    def _contained(self, operand: object, constants: Sequence[object]) -> Iterator[Flaw]:
        if not constants:
            empty = Clash("wrong-type", "nothing is in an empty list", "write what it may hold")
            yield from self._clashing(operand, empty)
        for constant in constants:
            found = clash("=", self._value(operand), self._value(constant))
            yield from self._clashing(constant, found, [operand, constant])

    def _called(self, call: Tree[Token]) -> Iterator[Flaw]:
        name, *arguments = call.children
        values = [self._value(argument) for argument in arguments]
        fitting = 0
        heads = () if name in (PERMIT, FORBID) else self._heads.get((str(name), len(values)), ())
        yield from self._handed_on(arguments, values, heads)
        for head in heads:
            clashes = [
                mismatch(parameter, value)
                for parameter, value in zip(head.parameters, values, strict=True)
            ]
            fitting += not any(clashes)
            fixed = [parameter.data == "literal" for parameter in head.parameters]
            if any(found and not one for found, one in zip(clashes, fixed, strict=True)):
                continue  # another of the helper's heads is meant
            for argument, value, found in zip(arguments, values, clashes, strict=True):
                # A fixed value that this head does not take may be another's.
                if not isinstance(value, Constant):
                    before = f"`{name}` at {head.place}: "
                    yield from self._clashing(argument, found, [argument], before)
        if heads and not fitting and str(name) not in self._broken:
            message = f"no rule `{name}` takes what it is asked with"
            remedy = f"see what `{name}` at {heads[0].place} takes"
            yield from self._clashing(name, Clash("wrong-type", message, remedy))

    def _handed_on(
        self, arguments: Sequence[object], values: Sequence[Value], heads: Sequence[Rule]
    ) -> Iterator[Flaw]:
        """Find actors of any class in the hands of a helper that is silent of some classes."""
        for position, (argument, value) in enumerate(zip(arguments, values, strict=True)):
            if value is not ANYONE:
                continue
            takes = {str(part) for one in heads for part in one.parameters[position].children[1:]}
            everybody = any(len(one.parameters[position].children) == 1 for one in heads)
            if heads and not everybody and not takes.issuperset(ACTORS):
                first = _first(argument)
                yield self._raising(first, "no-class", f"`{first}` {_OF_ANY_CLASS}", _GIVE_A_CLASS)

    def _walked(self, path: Tree[Token]) -> Iterator[Flaw]:
        """Find facts that do not exist; asked for, they raise by themselves."""
        first, *names = cast("list[Token]", path.children)
        value: Value = self._known.get(str(first))
        before = first
        for name in names:
            if value is None or isinstance(value, Members):
                return
            if not isinstance(value, Thing):
                message = f"`{name}` is read from what has no facts"
                yield self._raising(name, "unknown-fact", message, f"end with `{before}`")
                return
            if value is ANYONE:
                message = f"`{first}` {_OF_ANY_CLASS}"
                yield self._raising(name, "no-class", message, _GIVE_A_CLASS)
                return
            facts = value.entity.facts
            if name not in facts:
                message = f"{value.entity.name} has no fact `{name}`; there are: {', '.join(facts)}"
                remedy = meant(name, facts, "ask for one of them")
                yield self._raising(name, "unknown-fact", message, remedy)
                return
            value, before = value_of(facts[str(name)]), name

    def _value(self, operand: object) -> Value:
        if isinstance(operand, Token):
            return Constant(operand)
        first, *names = cast("Tree[Token]", operand).children
        value: Value = self._known.get(str(first))
        for name in names:
            if not isinstance(value, Thing):
                return None  # a member of a bag, or of what is not known
            fact = value.entity.facts.get(str(name))
            value = None if fact is None else value_of(fact)
        return value


def _arguments(rule: Rule) -> dict[str, Value]:
    """Give what the arguments of a rule can be, by their names."""
    known: dict[str, Value] = {}
    action, _by, about = concerns(rule) if rule.decides else (None, None, None)
    for position, parameter in enumerate(rule.parameters):
        name, *classes = cast("list[Token]", parameter.children)
        if classes:
            known[str(name)] = Thing(VOCABULARY[str(classes[0])])
        elif rule.decides and position == 0:
            known[str(name)] = ANYONE
        elif rule.decides and position == 1:
            known[str(name)] = _THEIR_ACTION if about is ResourceFacts else _ACTION
        elif rule.decides and position == 2 and about is None and action is not None:
            # The README's rule: one action is about companies, the others about processes.
            known[str(name)] = Thing(
                VOCABULARY["Company" if action == "read_delegations" else "Process"]
            )
    return known


def _text(operand: object) -> str:
    """Give an operand as it is written."""
    if isinstance(operand, Token):
        return operand
    return ".".join(cast("list[Token]", cast("Tree[Token]", operand).children))


def _first(operand: object) -> Token:
    """Give the token that an operand begins with, for its place."""
    return operand if isinstance(operand, Token) else cast("Tree[Token]", operand).children[0]  # type: ignore[return-value]  # a path begins with a name
