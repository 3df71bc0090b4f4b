"""What is wrong with the names of a rule: those in its head, and those that its condition uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from lark import Token, Tree

from authz_service.domain.decision import ACTIONS
from authz_service.domain.errors import Problem
from authz_service.policy.kinds import FORBID, PERMIT
from authz_service.policy.reading.telling import FOREIGN, at, meant, shown
from authz_service.policy.vocabulary import ACTORS, RESOURCES, VOCABULARY

DECIDING_ARITY = 4
"""How many arguments a permit or forbid has: actor, action, resource, reason."""
_RESERVED_HEADS = frozenset(
    ("allow", "allow_field", "allow_request", "has_permission", "has_relation", "has_role")
)
# What each argument of a permit or forbid can be: a class, or fixed words (None: any text).
_SHAPE: tuple[tuple[str, tuple[str, ...], tuple[str, ...] | None], ...] = (
    ("who acts", ACTORS, ()),
    ("the action", (), ACTIONS),
    ("the resource", RESOURCES, ()),
    ("the reason", (), None),
)
# oso names its own variables so, and a rule's of the same name would be one of them.
_POLARS_OWN = re.compile(r"_[a-z_]*_[0-9]+")
_OWN_NAME = re.compile(r"[pf]_[0-9]{4}")
_ANOTHER_NAME = "choose another name"
_FACTS = frozenset(name for entity in VOCABULARY.values() for name in entity.facts)


def wrong_names(
    file: str, head: Token, parameters: Sequence[Tree[Token]], tree: Tree[Token]
) -> list[Problem]:
    """Find every wrong name of one rule: its own, those of its arguments, those of its paths."""
    names = [_first(one) for one in parameters if one.data == "variable"]
    problems = [
        *_wrong_classes(file, parameters),
        *_wrong_arguments(file, names),
        *_wrong_paths(file, tree, names),
    ]
    if head in (PERMIT, FORBID):
        problems += _wrong_shape(file, head, parameters)
    if head in _RESERVED_HEADS or _OWN_NAME.fullmatch(head):
        message = f"the name `{head}` is reserved"
        decides = "write `permit`" if head == "allow" else _ANOTHER_NAME
        problems.append(at(file, head, "reserved-name", message, decides))
    return problems


def unused_names(
    file: str, parameters: Sequence[Tree[Token]], tree: Tree[Token]
) -> Iterator[Problem]:
    """Find arguments that the condition does not use, though their names say that it does."""
    used = {_first(path) for path in tree.find_data("path")}
    for name in (_first(one) for one in parameters if one.data == "variable"):
        if name not in used and not name.startswith("_"):
            message = f"the condition does not use `{shown(name)}`"
            remedy = f"rename it to `_{shown(name)}`, if that is meant"
            yield at(file, name, "unused-name", message, remedy)


def _first(tree: Tree[Token]) -> Token:
    return cast("Token", tree.children[0])


def _wrong_classes(file: str, parameters: Iterable[Tree[Token]]) -> Iterator[Problem]:
    for parameter in parameters:
        for part in cast("list[Token]", parameter.children):
            if part.type == "CLASS" and part not in VOCABULARY:
                message = f"`{shown(part)}` is no class; there are: {', '.join(sorted(VOCABULARY))}"
                yield at(file, part, "unknown-class", message, meant(part, VOCABULARY))


def _wrong_arguments(file: str, names: Sequence[Token]) -> Iterator[Problem]:
    """Find names that stand twice, as if the two had to be equal, and those that oso gives."""
    for position, name in enumerate(names):
        if name != "_" and name in names[:position]:
            message = f"`{shown(name)}` names two arguments"
            yield at(file, name, "name-twice", message, "give each a name of its own")
        if _POLARS_OWN.fullmatch(name):
            message = f"the name `{shown(name)}` is reserved"
            yield at(file, name, "reserved-name", message, _ANOTHER_NAME)


def _wrong_paths(file: str, tree: Tree[Token], names: Sequence[Token]) -> Iterator[Problem]:
    """
    Find paths that begin at no argument, or hold what is no fact.

    Polar would take a name that is mistyped twice for a free variable, and ``not`` of
    it is silent: a forbid that never fires.
    """
    for path in tree.find_data("path"):
        first, *facts = cast("list[Token]", path.children)
        if first.startswith("_"):
            message = f"`{shown(first)}` begins with `_`, as what a rule does not use"
            yield at(file, first, "unused-name", message, "take the `_` away, in the head as well")
        elif first not in names:
            message = f"`{shown(first)}` is none of the rule's arguments"
            yield at(file, first, "unknown-name", message, _argument_meant(first, names))
        for name in facts:
            if name.startswith("_"):
                message = f"`{shown(name)}` begins with `_`, which no fact does"
                yield at(file, name, "unknown-fact", message, meant(name, _FACTS, "ask for a fact"))


def _argument_meant(name: Token, names: Sequence[Token]) -> str:
    if name in FOREIGN:
        return f"write {FOREIGN[name]}"
    if f"_{name}" in names:
        return f"take the `_` away from `_{shown(name)}` in the head"
    arguments = [one.lstrip("_") for one in names if one.strip("_")]
    listed = ", ".join(f"`{shown(one)}`" for one in arguments)
    return meant(name, arguments, f"begin with one of: {listed}" if listed else "name one there")


def _wrong_shape(file: str, head: Token, parameters: Sequence[Tree[Token]]) -> Iterator[Problem]:
    """Find heads of permits and forbids that no question can ever match."""
    if len(parameters) != DECIDING_ARITY:
        message = f"`{head}` takes four arguments: actor, action, resource, reason"
        remedy = f'write as in {head}(_person: Person, "open", process: Process, "some-reason")'
        yield at(file, head, "head", message, remedy)
        return
    # What is done to the resources of other services, only they know.
    theirs = [str(part) for part in parameters[2].children[1:]] == ["Resource"]
    for (what, classes, words), parameter in zip(_SHAPE, parameters, strict=True):
        first, *wanted = cast("list[Token]", parameter.children)
        if parameter.data == "variable":
            if wanted and wanted[0] in VOCABULARY and wanted[0] not in classes:
                remedy = f"write one of: {', '.join(classes)}" if classes else "leave the class out"
                yield at(file, wanted[0], "head", f"{what} is never a {wanted[0]}", remedy)
        elif first.type != "TEXT" or words == ():
            remedy = "write a name there" if words == () else "write a text in double quotes"
            yield at(file, first, "head", f"{what} is never `{shown(first)}`", remedy)
        elif words is not None and first[1:-1] not in words and not theirs:
            message = f"`{shown(first)}` is none of the actions: {', '.join(words)}"
            remedy = meant(first[1:-1], words, "of another service's, write `: Resource`")
            yield at(file, first, "unknown-action", message, remedy)
