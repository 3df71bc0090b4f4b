"""What the command line shows to people: no CPF, and no key."""

from __future__ import annotations

import json
from collections.abc import Sequence

from authz_service.domain.clients import Client
from authz_service.domain.companies import ForeignCompany
from authz_service.domain.decision import Decision, ProcessAsked
from authz_service.domain.entities import Thing
from authz_service.domain.identifiers import without_cpf
from authz_service.domain.nearest import Way
from authz_service.usecases.explain import Explanation
from authz_service.usecases.importing import Imported


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


def explanation(found: Explanation) -> str:
    """Give one decision with its reasons, the rules and facts behind it, and what would turn it."""
    decision, question = found.decision, found.question
    asked = question.resource
    if isinstance(asked, Thing):
        about = f"{asked.name.type} {without_cpf(asked.name.id)}"
    else:
        named = asked.name.text if isinstance(asked, ProcessAsked) else ""
        process = found.facts.process.label if found.facts.process else without_cpf(named)
        about = f"{process} for {asked.company.formatted}".strip()
    lines = [f"{question.action} {about}", ""]
    lines.append("ALLOWED" if decision.allowed else "DENIED")
    for reason, text in zip(decision.reasons, found.texts, strict=True):
        lines += [f"    {reason} ({text.codigo})", f"        {text.pt}", f"        {text.en}"]
    lines += _grounds(decision)
    lines += [line for number, way in enumerate(found.nearest, 1) for line in _way(number, way)]
    if not (decision.allowed or found.nearest):
        lines += ["", "nearest allow: none is known"]
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


def _way(number: int, way: Way) -> list[str]:
    """Give one way in which a denial would be an allow, with the facts that would differ."""
    kind = "by signing in, at once" if way.step_up else "once this has happened"
    lines = ["", f"nearest allow {number}: {kind}"]
    for change in way.changes:
        lines += [f"    {change.code} (by {change.by.value})"]
        lines += [f"        {change.pt}", f"        {change.en}"]
        lines += [
            f"        {one.fact}: {json.dumps(one.now)} -> {json.dumps(one.needed)}"
            for one in change.differences
        ]
    return lines


def company(found: ForeignCompany, *, representatives: bool = False) -> str:
    """Give a foreign company in one line, and with its *representatives* if they are wanted."""
    state = found.validation.value
    lines = [f"{found.id.formatted}  {found.country}  {state:<9}  {found.name}"]
    if representatives:
        lines += [f"    {login.value}" for login in found.representatives]
    return "\n".join(lines)


def imported(done: Imported, *, dry_run: bool) -> str:
    """Give a table of what became of the rows of an import."""
    lines = [f"{'':<12}{'new':>10}{'changed':>10}{'same':>10}{'rejected':>10}"]
    for kind, counts in done.counts.items():
        lines.append(f"{kind:<12}" + "".join(f"{number:>10,}" for number in counts.values()))
    lines.append("nothing was written: a dry run" if dry_run else "written, the rejected apart")
    return "\n".join(lines)
