"""
What who is denied is not to learn by asking: facts about others, taken as those of a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from authz_service.domain.companies import Origin
from authz_service.domain.decision import Decision
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
    StandingFacts,
)
from authz_service.domain.people import Evidence
from authz_service.policy.diagrams.possible import broken

_NOTHING = StandingFacts(role=NONE, evidence=NONE, in_force=False)
_NO_BOND = BondFacts(recorded=False, in_force=False, standing=_NOTHING)
_NO_DELEGATION = DelegationFacts(DelegationState.NONE.value, None, _NOTHING, _NOTHING)

Veil = Callable[[Facts], Facts]
"""Gives facts as they are about a stranger."""

Veils = tuple[tuple[Veil, bool], ...]
"""What is veiled, each with whether it is the acting person's own."""


def seen_by_denied(
    veils: Veils,
    facts: Facts,
    decision: Decision,
    evaluate: Callable[[Facts], Decision],
) -> Facts | None:
    """
    Give *facts* with all veiled that who is denied is not to know, or None if that cannot be.

    What is behind a veil is not what the denial rests on: without it there would be the same.
    """

    def alike(one: Facts) -> bool:
        same = evaluate(one)
        return (same.allowed, same.reasons) == (decision.allowed, decision.reasons)

    proven = facts.question.actor_evidence == Evidence.GOVBR
    hidden = [veil for veil, own in veils if not (own and proven)]
    seen = facts
    for veil in hidden:
        seen = veil(seen)
    if not alike(seen):
        # The reasons tell of some of it already.
        seen = facts
        for veil in hidden:
            seen = veil(seen) if alike(veil(seen)) else seen
    return seen if alike(seen) and not broken(seen) else None


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


def _own_recipient(facts: Facts) -> Facts:
    recipient, actor = facts.question.recipient, facts.actor
    if recipient is None or not isinstance(actor, PersonFacts) or recipient.cpf != actor.cpf:
        return facts
    shown = replace(facts, actor=replace(actor, registered=True, confirmed=True))
    return _of_recipient(shown, recipient, known=True)


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


RECIPIENT: Veils = ((_recipient, False), (_own_recipient, True))
"""What is veiled where a sign-in may help: of the other person, and of oneself as that person."""

STRANGER: Veils = (
    (_person, True),
    (_delegation, True),
    (_backing, False),
    (_bond, False),
    (_recipient, False),
    (_validation, False),
)
"""What is veiled of a stranger, each with whether it is the acting person's own."""
