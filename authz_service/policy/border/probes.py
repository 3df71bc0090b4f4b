"""
What a rule can look at, apart from what it sees there: probes, and how facts answer them.

A probe is built of paths and of constants that stand in the rules, never of a caller's value, and
has few outcomes. What a rule answers depends on the outcomes of its probes and on nothing else,
so oso's answers can be kept by them (``diagram``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, cast

from authz_service.domain.facts import Facts
from authz_service.policy.border.comparison import ORDER, Incomparable, compare
from authz_service.policy.kinds import Asserted, Fact, Link, Members
from authz_service.policy.vocabulary import ACTORS, BY_TYPE, VOCABULARY

ROOTS: Final = {entity.name.lower(): entity.type for entity in VOCABULARY.values()}
"""The first names of paths, with the class of facts that each is about."""

OPAQUE: Final = "opaque"
"""The outcome of reading what a caller asserts if it is neither true, false nor nil."""

NIL: Final = "nil"
"""The outcome of reading what a caller does not assert."""

ENTITY_TYPES: Final = frozenset((*BY_TYPE, Asserted))
"""What Polar holds and never compares but with nil."""

Outcome = bool | str
"""What a probe gave: yes or no, a word of a declared set, or why two values have no comparison."""

Look = Callable[[Facts], object]
"""Gives the outcome of a probe; anything that is no ``Outcome`` has none."""

_ACTORS = frozenset(name.lower() for name in ACTORS)


@dataclass(frozen=True, slots=True)
class Read:
    """
    A closed fact.

    Attributes:
        path: where it stands, such as ``process.company.standing.role``.
    """

    path: str


@dataclass(frozen=True, slots=True)
class IsNil:
    """
    Whether there is nothing.

    Attributes:
        path: where.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Asks:
    """
    What a caller asserts: true, false, ``NIL`` or ``OPAQUE``.

    Attributes:
        path: where it stands.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Constant:
    """
    A fixed value of a rule.

    Attributes:
        kind: the name of its Python type, since True equals 1 and 1.0 equals 1.
        value: the value; None for nil.
    """

    kind: str
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Compares:
    """
    A comparison.

    Attributes:
        op: Polar's name of the operator.
        left: a path or a constant.
        right: the same.
    """

    op: str
    left: str | Constant
    right: str | Constant


Probe = Read | IsNil | Asks | Compares


def constant(value: object) -> Constant:
    """Give a fixed value of a rule, told apart by its exact type."""
    return Constant(type(value).__name__, value)  # type: ignore[arg-type]  # the grammar has no others


def comparison(op: str, left: str | Constant, right: str | Constant) -> tuple[Probe, bool]:
    """
    Give the probe of a comparison, and whether its outcome says the opposite.

    The sides of ``=`` and ``!=`` come in either order and get one; whether a fact is nil is one
    probe, however it is asked.
    """
    if op in ("Eq", "Neq"):
        nil = Constant("NoneType", None)
        if nil in (left, right):
            other = right if left == nil else left
            # What a caller asserts can be a list, which the table does not compare with nil either.
            if isinstance(other, str) and not _is_asserted(other):
                return IsNil(other), op == "Neq"
        left, right = sorted((left, right), key=_paths_first)
    return Compares(op, left, right), False


def _is_asserted(path: str) -> bool:
    return fact_at(path)[1] is not None


def _paths_first(side: str | Constant) -> tuple[bool, str]:
    return (isinstance(side, Constant), repr(side))


def paths_of(probe: Probe) -> tuple[str, ...]:
    """Give the paths that a probe reads."""
    if isinstance(probe, Compares):
        return tuple(side for side in (probe.left, probe.right) if isinstance(side, str))
    return (probe.path,)


def fact_at(path: str) -> tuple[Fact, str | None]:
    """Give the fact that a path leads to; with the member's name if it is one of a bag."""
    first, *names = path.split(".")
    if not names:
        return Link("Who acts, or what is acted on.", ROOTS[first]), None
    entity = BY_TYPE[ROOTS[first]]
    for name in names[:-1]:
        fact = entity.facts[name]
        if isinstance(fact, Members):
            return fact, names[-1]
        entity = BY_TYPE[cast("Link", fact).entity]
    return entity.facts[names[-1]], None


def value_at(path: str) -> Callable[[Facts], Any]:
    """
    Give what reads the value at a path.

    What it gives raises AttributeError where the path leads through nil.
    """
    first, _, rest = path.partition(".")
    root = "actor" if first in _ACTORS else "resource"
    if not rest:
        return attrgetter(root)
    fact, member = fact_at(path)
    if member is not None:
        bag = attrgetter(f"{root}.{rest.rpartition('.')[0]}")
        return lambda facts: bag(facts).get(member)
    given = attrgetter(f"{root}.{rest}")
    return (lambda facts: Asserted(given(facts))) if isinstance(fact, Members) else given


@lru_cache(maxsize=16_384)
def look(probe: Probe) -> Look:
    """Give what asks facts for the outcome of a probe."""
    if isinstance(probe, Compares):
        return _compared(probe)
    given = value_at(probe.path)
    if isinstance(probe, Read):
        return given
    if isinstance(probe, IsNil):
        return lambda facts: given(facts) is None
    return lambda facts: asserted(given(facts))


def outcome(probe: Probe, values: Sequence[object]) -> object:
    """Give the outcome of a probe whose paths, in the order of ``paths_of``, have *values*."""
    if isinstance(probe, Compares):
        waiting = iter(values)
        sides = [
            next(waiting) if isinstance(side, str) else side.value
            for side in (probe.left, probe.right)
        ]
        return compared(probe.op, *sides)
    [value] = values
    if isinstance(probe, Read):
        return value
    return value is None if isinstance(probe, IsNil) else asserted(value)


def asserted(value: object) -> Outcome:
    """Give what can be told of a member that a caller asserts, or does not."""
    if type(value) is bool:
        return value
    return NIL if value is None else OPAQUE


def compared(op: str, left: object, right: object) -> Outcome:
    """Give what a comparison says, or why there is none."""
    try:
        return compare(op, left, right, entities=ENTITY_TYPES)
    except Incomparable as error:
        return str(error)


def _compared(probe: Compares) -> Look:
    left, right, op = _side(probe.left), _side(probe.right), probe.op
    order = ORDER[op]

    def ask(facts: Facts) -> Outcome:
        one, other = left(facts), right(facts)
        # Most are two texts or two whole numbers, of which the table says what Python does.
        if type(one) is type(other) and type(one) in (str, int):  # mutant: only faster
            return order(one, other)
        return compared(op, one, other)

    return ask


def _side(side: str | Constant) -> Callable[[Facts], Any]:
    if isinstance(side, str):
        return value_at(side)
    fixed = side.value
    return lambda _facts: fixed
