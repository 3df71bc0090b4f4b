"""
Which situations are the same to rules and moves, whoever and whatever they are about.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import combinations

from authz_service.domain.facts import (
    CompanyFacts,
    Facts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    SubjectFacts,
)
from authz_service.policy.border.probes import Asks, Compares, look
from authz_service.policy.diagrams.engine import RuleTree
from authz_service.policy.kinds import Link, Members, Opaque
from authz_service.policy.vocabulary import BY_TYPE


@dataclass(frozen=True, slots=True)
class Looks:
    """
    What the rules of one head look at.

    Attributes:
        trees: the rules; held, so that no others get their identity.
        comparisons: ask facts how each comparison comes out.
        asserted: whether anything is read that a caller asserts.
        whole: whether these are all comparisons that there can be.
    """

    trees: tuple[RuleTree, ...]
    comparisons: tuple[Callable[[Facts], object], ...]
    asserted: bool
    whole: bool


def looks_of(trees: tuple[RuleTree, ...]) -> Looks:
    """Give what explored rules look at."""
    leaves = (leaf for tree in trees for leaf in tree.diagram.every_leaf())
    probes = {step.probe: None for leaf in leaves for step in leaf.steps}
    return Looks(
        trees,
        tuple(look(probe) for probe in probes if isinstance(probe, Compares)),
        asserted=any(isinstance(probe, Asks) for probe in probes),
        whole=all(tree.diagram.complete for tree in trees),
    )


def situation(facts: Facts, looks: Looks) -> Hashable | None:
    """
    Give all that advice depends on, or None where it is not known or a caller asserts it.

    That is what is closed and how comparisons come out, of rules and of moves; so all the persons,
    companies, days and versions of the same kind are one.
    """
    said, resource = facts.question, facts.resource
    if not looks.whole or (looks.asserted and (said.context or said.properties)):
        return None
    if isinstance(resource, ResourceFacts) or isinstance(facts.actor, SubjectFacts):
        return None
    company = resource if isinstance(resource, CompanyFacts) else resource.company
    recipient = None if said.recipient is None else said.recipient.cpf
    versions: Hashable = None
    if isinstance(resource, ProcessFacts):
        newest = None if facts.process is None else facts.process.version
        given = (resource.version, newest, resource.delegation.version)
        versions = tuple(_order(*pair) for pair in combinations(given, 2))
    return (
        _closed(facts.actor),
        _closed(resource),
        isinstance(facts.actor, PersonFacts) and facts.actor.cpf == recipient,
        said.sign_in is not None and said.sign_in.cnpj == company.cnpj,
        versions,
        tuple(_came_out(comparison, facts) for comparison in looks.comparisons),
    )


def _closed(entity: object) -> Hashable:
    """Give what is closed in an entity and below it, and what is nil."""
    found: list[Hashable] = [type(entity).__name__]
    for name, fact in BY_TYPE[type(entity)].facts.items():
        value = getattr(entity, name)
        if isinstance(fact, Link):
            found.append(None if value is None else _closed(value))
        elif isinstance(fact, Opaque):
            found.append(value is None)
        elif not isinstance(fact, Members):
            found.append(value)
    return tuple(found)


def _order(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else (one > other) - (one < other)


def _came_out(comparison: Callable[[Facts], object], facts: Facts) -> Hashable:
    try:
        return comparison(facts)
    except AttributeError:
        # It stands behind something that is nil here.
        return None
