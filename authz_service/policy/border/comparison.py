"""
Polar's comparisons of values that Polar does not see, by one written table.

oso sends a comparison back to the host as soon as an instance is in it. What is decided
here is what oso 0.27.3 decides for plain values (measured, and held to it by a test), but
for entities: oso says that two of them are unlike, which is never what a rule means.

| left, right          | =              | !=         | < <= > >=         |
|----------------------|----------------|------------|-------------------|
| nil, nil             | true           | false      | error             |
| nil, anything else   | false          | true       | error             |
| text, text           | same text      | not =      | by code point     |
| text, number or bool | false          | error      | error             |
| number, number       | same number    | not =      | as numbers        |
| bool, bool           | same           | not =      | false below true  |
| bool, number         | false          | as numbers | as numbers        |
| entity, nil          | false          | true       | error             |
| entity, other value  | error          | error      | error             |
| list, object         | error          | error      | error             |
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "Eq": operator.eq,
    "Neq": operator.ne,
    "Lt": operator.lt,
    "Leq": operator.le,
    "Gt": operator.gt,
    "Geq": operator.ge,
}
"""What each of Polar's operators says of two texts, or of two numbers, in Python's words."""
SIGNS = {"Eq": "=", "Neq": "!=", "Lt": "<", "Leq": "<=", "Gt": ">", "Geq": ">="}
"""Polar's names of the operators, with the signs that rules write."""


class Incomparable(TypeError):
    """The table has an error in this place."""


def compare(name: str, left: object, right: object, *, entities: frozenset[type]) -> bool:
    """
    Compare two values as Polar would.

    Args:
        name: Polar's name of the operator, a key of ``SIGNS``.
        left: nil (None), a bool, int, float or str, or an instance of *entities*.
        right: the same.
        entities: the classes whose instances are compared with nil only.

    Raises:
        Incomparable: the table has an error there, or a value is of another kind.
    """
    kinds = {_kind(left, entities), _kind(right, entities)}
    if "entity" in kinds and "nil" not in kinds:
        raise Incomparable("an entity is compared with nil only; compare what names it")
    if "nil" in kinds:
        return _with_nil(name, left, right)
    if kinds in ({"text", "number"}, {"text", "bool"}):
        if name == "Eq":
            return False
        raise Incomparable("a text cannot be compared with a number, true or false")
    if name == "Eq":
        return len(kinds) == 1 and left == right
    return ORDER[name](left, right)


def _kind(value: object, entities: frozenset[type]) -> str:
    if value is None:
        return "nil"
    kind = {bool: "bool", int: "number", float: "number", str: "text"}.get(type(value))
    if kind is None and type(value) in entities:
        kind = "entity"
    if kind is None:
        raise Incomparable("a list or object of the caller cannot be compared")
    return kind


def _with_nil(name: str, left: object, right: object) -> bool:
    if name not in ("Eq", "Neq"):
        raise Incomparable("nil has no order")
    return (left is right) is (name == "Eq")
