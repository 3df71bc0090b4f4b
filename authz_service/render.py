"""What the command line shows to people: no CPF, and no key."""

from __future__ import annotations

import json
from collections.abc import Sequence

from authz_service.domain.clients import Client
from authz_service.domain.decision import Decision, ProcessAsked, Question
from authz_service.domain.identifiers import without_cpf
from authz_service.usecases.explain import Explanation
from authz_service.usecases.ports import Policy


def clients(found: Sequence[Client]) -> str:
    """Give a table of clients and their keys; of a key only its id is known."""
    lines = []
    for client in found:
        lines.append(f"{client.name}  {' '.join(sorted(client.scopes))}")
        for key in client.keys:
            state = "revoked" if key.revoked_at else "not revoked"
            expires = f", expires {key.expires_at.isoformat()}" if key.expires_at else ""
            networks = f", from {' '.join(map(str, key.networks))}" if key.networks else ""
            lines.append(f"    {key.id}  {state}{expires}{networks}")
    return "\n".join(lines) or "there is no client yet"


def explanation(question: Question, found: Explanation, policy: Policy) -> str:
    """Give one decision with its reasons, the rules behind it, and the facts that they read."""
    decision = found.decision
    asked = question.resource
    process = found.facts.process.label if found.facts.process else None
    named = without_cpf(asked.name.text) if isinstance(asked, ProcessAsked) else ""
    particulars = {"cnpj": asked.company.formatted, "processo": process or named}
    lines = [f"{question.action} {process or named} for {asked.company.formatted}", ""]
    lines.append("ALLOWED" if decision.allowed else "DENIED")
    for reason in decision.reasons:
        text = policy.text(reason, question.action, particulars)
        lines += [f"    {reason} ({text.codigo})", f"        {text.pt}", f"        {text.en}"]
    lines += _grounds(decision)
    lines += ["", f"policy {found.policy_digest}", f"store revision {found.store_revision}"]
    return "\n".join(lines)


def _grounds(decision: Decision) -> list[str]:
    lines = []
    if decision.rules:
        lines += ["", "rules that spoke", *(f"    {place}" for place in decision.rules)]
    if decision.errors:
        lines += ["", "rules that erred"]
        lines += [f"    {error.rule}: {error.cause}" for error in decision.errors]
    if decision.evidence:
        lines += ["", "facts read"]
        lines += [f"    {one.test}: {json.dumps(one.outcome)}" for one in decision.evidence]
    return lines
