"""
Facts with some of them changed, and what differs between two.

Facts have short paths here: ``person``, ``company``, ``delegation``, ``process`` and ``question``
come first, whatever the question is about. The question of a process and that of its company are
one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from authz_service.domain.facts import CompanyFacts, Facts, ProcessFacts
from authz_service.domain.nearest import Difference
from authz_service.policy.vocabulary import BY_TYPE

Values = Mapping[str, Any]
"""What facts are to be, by their short paths."""

_ASKED = ("company", "process", "resource")


def short(path: str) -> str:
    """Give the short path of a fact, whose path in rules is *path*."""
    first, *names = path.split(".")
    if first in _ASKED:
        for position in range(len(names), 0, -1):
            if names[position - 1] in ("company", "delegation", "question"):
                return ".".join(names[position - 1 :])
    return path


def put(facts: Facts, values: Values) -> Facts:
    """Give *facts* with *values* in their places."""
    roots = _by_first(values)
    actor, resource = facts.actor, facts.resource
    if "person" in roots:
        actor = _put(actor, roots["person"])
    if "question" in roots:
        question = _put(resource.question, roots["question"])
        resource = replace(resource, question=question)
        if isinstance(resource, ProcessFacts):
            resource = replace(resource, company=replace(resource.company, question=question))
    if isinstance(resource, CompanyFacts):
        resource = _put(resource, roots.get("company", {}))
    elif isinstance(resource, ProcessFacts):
        below = {
            f"{name}.{rest}": value
            for name in ("company", "delegation")
            for rest, value in roots.get(name, {}).items()
        }
        resource = _put(resource, {**roots.get("process", {}), **below})
    return replace(facts, actor=actor, resource=resource)


def _by_first(values: Values) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        first, _, rest = path.partition(".")
        found.setdefault(first, {})[rest] = value
    return found


def _put(entity: Any, values: Values) -> Any:
    if not values:  # mutant: only faster
        return entity
    return replace(
        entity,
        **{
            name: rest[""] if "" in rest else _put(getattr(entity, name), rest)
            for name, rest in _by_first(values).items()
        },
    )


def apart(at: str, now: object, wanted: Mapping[str, object]) -> Values:
    """Give what *wanted* says of an entity in other ways than it is *now*, by short paths."""
    return {f"{at}.{name}": value for name, value in wanted.items() if getattr(now, name) != value}


def differing(one: Facts, other: Facts) -> dict[str, Any]:
    """Give what *other* has in other ways than *one*, by short paths, a new entity as a whole."""
    return {
        short(path): value
        for path, value in (
            *_between(_root(one.actor), one.actor, other.actor),
            *_between(_root(one.resource), one.resource, other.resource),
        )
    }


def _root(entity: object) -> str:
    return BY_TYPE[type(entity)].name.lower()


def _between(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any]]:
    if one == other:
        return
    if type(one) is type(other) and type(one) in BY_TYPE:
        for name in BY_TYPE[type(one)].facts:
            yield from _between(f"{path}.{name}", getattr(one, name), getattr(other, name))
    else:
        yield path, other


def told(facts: Facts, values: Values) -> tuple[Difference, ...]:
    """Give *values* as differences from *facts*, under the paths that rules use."""
    return tuple(_told(facts, values))


def _told(facts: Facts, values: Values) -> Iterator[Difference]:
    for path, value in values.items():
        full = _full(facts, path)
        if is_dataclass(value):
            # There was nothing before, and of nothing there is none of its facts.
            for one in fields(value):
                fact = getattr(value, one.name)
                if fact is not None:
                    yield Difference(f"{full}.{one.name}", None, fact)
        else:
            yield Difference(full, _value(facts, path), value)


def _full(facts: Facts, path: str) -> str:
    first, root = path.partition(".")[0], _root(facts.resource)
    if first in ("person", root):
        return path
    return f"{root}.{path}"


def _value(facts: Facts, path: str) -> Any:
    root, *names = _full(facts, path).split(".")
    value: Any = facts.actor if root == "person" else facts.resource
    for name in names:
        value = getattr(value, name)
    return value
