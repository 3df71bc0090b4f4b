"""
How much work a rule can be for one question, at most, whatever the facts are.

A rule is asked on to its last answer, so each alternative that holds makes all that follows it
be asked again: ten conditions of the form ``(a or b)`` are a thousand ways, and so are ten
helpers of which each asks the next one twice. oso would give such a rule up at its time-out, and
deny everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from lark import Token, Tree

from authz_service.policy.reading.syntax import Rule

MAX_STEPS = 2_000
"""How many conditions a rule may ask for one question. oso takes 20 to 50 microseconds for each,
so the slowest rule takes a fifth of its time-out."""
_ENOUGH = MAX_STEPS + 1


class _Work(NamedTuple):
    """How many steps something takes, and in how many ways it can hold; both at most."""

    steps: int
    ways: int


_NOTHING = _Work(0, 1)
_Helpers = Mapping[tuple[str, int], _Work]


def too_many_steps(rules: Sequence[Rule], order: Iterable[str]) -> Iterator[Rule]:
    """Give the permits and forbids that may take too long; *order*: who is asked stands first."""
    by_name: dict[str, list[Rule]] = {}
    for rule in rules:
        by_name.setdefault(rule.name, []).append(rule)
    helpers: dict[tuple[str, int], _Work] = {}
    for name in order:
        for rule in by_name.get(name, ()):
            work = _of_rule(rule, helpers)
            if rule.decides and work.steps > MAX_STEPS:
                yield rule
            before = helpers.get((name, rule.arity), _Work(0, 0))
            helpers[name, rule.arity] = _either((before, work))


def _of_rule(rule: Rule, helpers: _Helpers) -> _Work:
    conditions = [
        one
        for one in rule.tree.children
        if isinstance(one, Tree) and one.data not in ("variable", "literal")
    ]
    body = _of(conditions[0], helpers) if conditions else _NOTHING
    return _bounded(1 + body.steps, body.ways)


def _of(node: Tree[Token], helpers: _Helpers) -> _Work:
    parts = (_of(one, helpers) for one in node.children if isinstance(one, Tree))
    if node.data == "conjunction":
        return _all(parts)
    if node.data == "disjunction":
        return _either(parts)
    if node.data == "negation":
        return _Work(1 + sum(one.steps for one in parts), 1)
    if node.data == "membership":
        # The same constant twice is two answers, and 1.0 is 1.
        constants = Counter(_constant(cast("Token", one)) for one in node.children[1:])
        return _bounded(1 + constants.total(), max(constants.values(), default=1))
    if node.data == "call":
        return helpers.get((str(node.children[0]), len(node.children) - 1), _Work(1, 1))
    return _Work(1, 1)


def _constant(token: Token) -> str | float:
    return float(token) if token.type == "NUMBER" else str(token)


def _all(parts: Iterable[_Work]) -> _Work:
    steps, ways = 0, 1
    for one in parts:
        steps, ways = steps + ways * one.steps, ways * one.ways
    return _bounded(steps, ways)


def _either(parts: Iterable[_Work]) -> _Work:
    found = list(parts)
    return _bounded(sum(one.steps for one in found), sum(one.ways for one in found))


def _bounded(steps: int, ways: int) -> _Work:
    return _Work(min(steps, _ENOUGH), min(ways, _ENOUGH))
