"""
What a denial says of the nearest allow, and to whom.

Who may see the facts behind a decision is told every way (``nearest``). Who was denied is told one
(``advice``), and no more of others than the reasons tell already: whether somebody has signed up,
what somebody is in a company, and whether a delegation exists must not be found out by asking.
So facts that the reasons do not depend on are veiled: the way is that of a stranger in the same
situation, and reads alike for all who are denied for the same reasons.

Two things are told as they are. What the acting person can do at once, by signing in, says no more
than the allow that follows. And to whom a sign-in of the own proves to be the acting person, the
own facts are no secret.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from itertools import combinations

from authz_service.domain.companies import Origin
from authz_service.domain.decision import Decision, Question
from authz_service.domain.delegation import DelegationState
from authz_service.domain.facts import (
    NONE,
    UNKNOWN,
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    Facts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    StandingFacts,
    SubjectFacts,
)
from authz_service.domain.nearest import Way
from authz_service.domain.people import Evidence
from authz_service.policy.diagrams.engine import RuleTree
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.diagrams.probes import Compares, look
from authz_service.policy.kinds import Link, Members, Opaque
from authz_service.policy.nearness.changes import MOVES
from authz_service.policy.nearness.moves import STEP_UP
from authz_service.policy.nearness.nearest import nearest
from authz_service.policy.vocabulary import BY_TYPE

MOST_KEPT = 4_096
"""How many pieces of advice are kept."""

_NOTHING = StandingFacts(role=NONE, evidence=NONE, in_force=False)
_NO_BOND = BondFacts(recorded=False, in_force=False, standing=_NOTHING)
_NO_DELEGATION = DelegationFacts(DelegationState.NONE.value, None, _NOTHING, _NOTHING)
_STEPS_UP = tuple(one for one in MOVES if one.weight == STEP_UP)

Veil = Callable[[Facts], Facts]
"""Gives facts as they are about a stranger."""


class Nearby:
    """
    Gives the nearest allow under one policy; any number of threads may ask.

    Args:
        evaluate: what the policy answers.
        trees: gives the rules that a question concerns, explored; for each head one tuple.
        most: how many pieces of advice are kept.
    """

    def __init__(
        self,
        evaluate: Callable[[Question, Facts], Decision],
        trees: Callable[[Question, Facts], tuple[RuleTree, ...]],
        most: int = MOST_KEPT,
    ) -> None:
        self._most = most
        self._evaluate = evaluate
        self._trees = trees
        self._kept: dict[Hashable, Way | None] = {}
        self._comparisons: dict[
            int, tuple[tuple[RuleTree, ...], tuple[Callable[[Facts], object], ...]]
        ] = {}
        self._keeping = threading.Lock()

    def nearest(self, question: Question, facts: Facts) -> tuple[Way, ...]:
        """Give the ways in which a denial would be an allow, the lightest first."""
        trees = self._trees(question, facts)
        return nearest(facts, trees, lambda one: self._evaluate(question, one))

    def advice(self, question: Question, facts: Facts, decision: Decision) -> Way | None:
        """
        Give what who is denied may be told of the nearest allow, or None.

        Args:
            question: what was asked.
            facts: what it was decided on.
            decision: the denial.
        """
        if decision.errors:
            # The rules are to be mended, not the facts.
            return None
        trees = self._trees(question, facts)
        key = _key(facts, self._of(trees))
        if key is None:
            return self._advised(question, facts, decision, trees)
        # Of one head there is one tuple of trees, kept with what it is known by.
        whole = (id(trees), key)
        try:
            return self._kept[whole]
        except KeyError:
            found = self._advised(question, facts, decision, trees)
        with self._keeping:
            if len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[whole] = found
        return found

    def _of(self, trees: tuple[RuleTree, ...]) -> tuple[Callable[[Facts], object], ...]:
        known = self._comparisons.get(id(trees))
        if known is None:
            known = self._comparisons[id(trees)] = (trees, _comparisons(trees))
        return known[1]

    def _advised(
        self,
        question: Question,
        facts: Facts,
        decision: Decision,
        trees: tuple[RuleTree, ...],
    ) -> Way | None:
        def evaluate(one: Facts) -> Decision:
            return self._evaluate(question, one)

        at_once = nearest(facts, trees, evaluate, _STEPS_UP, 1)
        if at_once:
            return _told(at_once[0])
        shown = _veiled(facts, decision, evaluate)
        if shown is None:
            return None
        ways = nearest(shown, trees, evaluate, MOVES, 1)
        return _told(ways[0]) if ways else None


def _told(way: Way) -> Way:
    """Leave out the facts: they are of one question, and what is kept is told to many."""
    return replace(way, changes=tuple(replace(one, differences=()) for one in way.changes))


def _veiled(
    facts: Facts, decision: Decision, evaluate: Callable[[Facts], Decision]
) -> Facts | None:
    """
    Give *facts* with all veiled that who is denied is not to know, or None if that cannot be.

    What is behind a veil is not what the reasons rest on: without it they would be the same.
    """

    def alike(one: Facts) -> bool:
        return evaluate(one).reasons == decision.reasons

    proven = facts.question.actor_evidence == Evidence.GOVBR
    hidden = [veil for veil, own in _VEILS if not (own and proven)]
    veiled = _all(hidden, facts)
    if not alike(veiled):
        # The reasons tell of some of it already.
        veiled = _all([veil for veil in hidden if alike(veil(facts))], facts)
    return veiled if alike(veiled) and not broken(veiled) else None


def _all(veils: Sequence[Veil], facts: Facts) -> Facts:
    for veil in veils:
        facts = veil(facts)
    return facts


def _person(facts: Facts) -> Facts:
    actor = facts.actor
    if isinstance(actor, PersonFacts):
        facts = replace(facts, actor=replace(actor, registered=False, confirmed=False))
        recipient = facts.question.recipient
        if recipient is not None and recipient.cpf == actor.cpf:
            facts = _of_recipient(facts, recipient, known=False)
    return _of_company(facts, standing=lambda company: replace(company, standing=_NOTHING))


def _recipient(facts: Facts) -> Facts:
    recipient, actor = facts.question.recipient, facts.actor
    if recipient is None or (isinstance(actor, PersonFacts) and recipient.cpf == actor.cpf):
        return facts
    return _of_recipient(facts, recipient, known=True)


def _of_recipient(facts: Facts, recipient: PersonFacts, *, known: bool) -> Facts:
    shown = replace(recipient, registered=known, confirmed=known)
    said = replace(facts.question, recipient=shown)
    resource = replace(facts.resource, question=said)
    if isinstance(resource, ProcessFacts):
        resource = replace(resource, company=replace(resource.company, question=said))
    return replace(facts, resource=resource)


def _bond(facts: Facts) -> Facts:
    facts = _of_company(facts, lambda company: replace(company, bond=_NO_BOND))
    return _of_delegation(facts, lambda one: replace(one, matriz_backing=_NOTHING))


def _validation(facts: Facts) -> Facts:
    return _of_company(
        facts,
        lambda company: (
            replace(company, validation=UNKNOWN) if company.origin == Origin.FOREIGN else company
        ),
    )


def _delegation(facts: Facts) -> Facts:
    return _of_delegation(facts, lambda _one: _NO_DELEGATION)


def _backing(facts: Facts) -> Facts:
    return _of_delegation(
        facts, lambda one: replace(one, backing=_NOTHING, matriz_backing=_NOTHING)
    )


def _of_company(facts: Facts, standing: Callable[[CompanyFacts], CompanyFacts]) -> Facts:
    resource = facts.resource
    if isinstance(resource, CompanyFacts):
        return replace(facts, resource=standing(resource))
    if isinstance(resource, ProcessFacts):
        return replace(facts, resource=replace(resource, company=standing(resource.company)))
    return facts


def _of_delegation(facts: Facts, change: Callable[[DelegationFacts], DelegationFacts]) -> Facts:
    resource = facts.resource
    if isinstance(resource, ProcessFacts):
        return replace(facts, resource=replace(resource, delegation=change(resource.delegation)))
    return facts


_VEILS: tuple[tuple[Veil, bool], ...] = (
    (_person, True),
    (_delegation, True),
    (_backing, False),
    (_bond, False),
    (_recipient, False),
    (_validation, False),
)
"""What is veiled of a stranger, each with whether it is the acting person's own."""


def _comparisons(trees: Sequence[RuleTree]) -> tuple[Callable[[Facts], object], ...]:
    """Give what asks for every comparison in the rules."""
    probes = {
        step.probe: None
        for tree in trees
        for leaf in tree.diagram.every_leaf()
        for step in leaf.steps
    }
    return tuple(look(probe) for probe in probes if isinstance(probe, Compares))


def _key(facts: Facts, comparisons: Sequence[Callable[[Facts], object]]) -> Hashable | None:
    """
    Give all that advice depends on, or None where a caller asserts something.

    That is what is closed and how comparisons come out, of rules and of moves; so all the persons,
    companies, days and versions of the same kind are one.
    """
    said, resource = facts.question, facts.resource
    if said.context or said.properties:
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
        tuple(_came_out(comparison, facts) for comparison in comparisons),
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
