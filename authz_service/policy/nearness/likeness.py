"""
Which situations are the same to rules and moves, whoever and whatever they are about.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
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
from authz_service.policy.border.probes import Asks, Compares, IsNil, Probe, Read
from authz_service.policy.diagrams.engine import RuleTree
from authz_service.policy.diagrams.glance import Glance, glance
from authz_service.policy.diagrams.situations import once
from authz_service.policy.kinds import Choice, Flag, Link, Opaque
from authz_service.policy.vocabulary import BY_TYPE


@dataclass(frozen=True, slots=True)
class Looks:
    """
    What the rules of one head look at.

    Attributes:
        trees: the rules; held, so that no others get their identity.
        glance: sees what is closed or nil, and how each comparison comes out.
        asserted: whether anything is read that a caller asserts.
        whole: whether these are all comparisons that there can be.
    """

    trees: tuple[RuleTree, ...]
    glance: Glance
    asserted: bool
    whole: bool


def looks_of(trees: tuple[RuleTree, ...], actor: type, resource: type) -> Looks:
    """Give what explored rules look at, of questions by and about these classes of facts."""
    leaves = (leaf for tree in trees for leaf in tree.diagram.every_leaf())
    probes = {step.probe: None for leaf in leaves for step in leaf.steps}
    own = [probe for kind in (actor, resource) for probe in _own(BY_TYPE[kind].name.lower(), kind)]
    comparisons = [probe for probe in probes if isinstance(probe, Compares)]
    return Looks(
        trees,
        glance((actor, resource), [*own, *comparisons]),
        asserted=any(isinstance(probe, Asks) for probe in probes),
        whole=all(tree.diagram.complete for tree in trees),
    )


def _own(path: str, kind: type) -> Iterator[Probe]:
    """Give what asks for all that is closed in an entity and below it, and for what is nil."""
    for name, fact in BY_TYPE[kind].facts.items():
        below = f"{path}.{name}"
        if once(below) != below:
            continue
        if isinstance(fact, Opaque) or (isinstance(fact, Link) and fact.may_be_nil):
            yield IsNil(below)
        if isinstance(fact, Link):
            yield from _own(below, fact.entity)
        elif isinstance(fact, Flag | Choice):
            yield Read(below)


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
    seen = looks.glance(facts)
    if seen is None:
        return None
    company = resource if isinstance(resource, CompanyFacts) else resource.company
    recipient = None if said.recipient is None else said.recipient.cpf
    versions: Hashable = None
    if isinstance(resource, ProcessFacts):
        newest = None if facts.process is None else facts.process.version
        given = (resource.version, newest, resource.delegation.version)
        versions = tuple(_order(*pair) for pair in combinations(given, 2))
    return (
        seen,
        isinstance(facts.actor, PersonFacts) and facts.actor.cpf == recipient,
        said.sign_in is not None and said.sign_in.cnpj == company.cnpj,
        versions,
    )


def _order(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else (one > other) - (one < other)
