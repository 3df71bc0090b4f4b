"""The fixed values that stand in rules: what makes a difference to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lark import Token, Tree

from authz_service.domain.facts import ResourceFacts
from authz_service.policy.kinds import Members
from authz_service.policy.reading.syntax import Rule, texts_of
from authz_service.policy.reading.types import concerns
from authz_service.policy.vocabulary import VOCABULARY

_ASSERTED = frozenset(
    name
    for entity in VOCABULARY.values()
    for name, fact in entity.facts.items()
    if isinstance(fact, Members)
)


@dataclass(frozen=True, slots=True)
class Constants:
    """
    What stands in the rules of a policy.

    Attributes:
        texts: the texts.
        numbers: the numbers.
        actions: the texts that can be actions of other services, on resources of theirs.
        between: whether facts are compared with each other, and not with fixed values alone.
        asserted: whether a rule may read what a caller asserts of context and properties.
    """

    texts: frozenset[str] = frozenset()
    numbers: frozenset[float] = frozenset()
    actions: frozenset[str] = frozenset()
    between: bool = False
    asserted: bool = True


def constants_of(rules: Iterable[Rule]) -> Constants:
    """Give what stands in *rules*."""
    rules = list(rules)
    tokens = (token for rule in rules for token in rule.tree.scan_values(_is_number))
    return Constants(
        texts=texts_of(rules),
        numbers=frozenset(float(token) for token in tokens),
        actions=frozenset(_actions(rules)),
        between=any(map(_compares_facts, rules)),
        asserted=any(map(_may_read_asserted, rules)),
    )


def _may_read_asserted(rule: Rule) -> bool:
    # By name, wherever it stands: the grammar has no other way to come to a fact.
    return any(str(token) in _ASSERTED for token in rule.tree.scan_values(_is_name))


def _compares_facts(rule: Rule) -> bool:
    # What a helper compares are facts, too, or may be.
    sides = (one.children[::2] for one in rule.tree.find_data("comparison"))
    return any(all(isinstance(side, Tree) for side in both) for both in sides)


def sees_action(rule: Rule) -> bool:
    """Tell whether what a permit or forbid answers may depend on the action."""
    action = rule.parameters[1]
    return action.data == "literal" or not str(action.children[0]).startswith("_")


def _actions(rules: list[Rule]) -> Iterator[str]:
    """Give the actions that rules about resources of other services can tell apart."""
    for rule in rules:
        if not rule.decides or concerns(rule)[2] not in (None, ResourceFacts):
            continue
        action = concerns(rule)[0]
        if action is not None:
            yield action
        elif sees_action(rule):
            # Which text it is compared with may be a helper's to say.
            yield from texts_of(rules)


def _is_name(token: object) -> bool:
    return isinstance(token, Token) and token.type == "NAME"


def _is_number(token: object) -> bool:
    return isinstance(token, Token) and token.type == "NUMBER"
