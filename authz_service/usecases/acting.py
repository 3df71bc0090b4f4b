"""Who acts on delegations, and what an act makes of those that were seen. Pure."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from authz_service.domain.decision import Caller
from authz_service.domain.delegation import Delegation, Event, EventKind, latest
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessDefinition
from authz_service.domain.sign_in import Proof


@dataclass(frozen=True, slots=True)
class Acting:
    """
    Who acts, for which company, through which client, and why.

    Attributes:
        actor: the person.
        evidence: how the service knows that it is this person.
        caller: the client.
        why: the reason given, kept in the history, or None.
        sign_in: the handle of the sign-in that the person acts in, or None.
        proof: what the person's token proved, or None where the client says who acts.
    """

    actor: Cpf
    evidence: Evidence
    caller: Caller
    why: str | None = None
    sign_in: str | None = field(default=None, repr=False)
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Validity:
    """
    Until when the delegations of a set are to count.

    Attributes:
        last_day: the last civil day of Brasília, or None for no end.
    """

    last_day: date | None


def event_of(kind: EventKind, acting: Acting, now: datetime, last_day: date | None) -> Event:
    """Give the line that an act adds to a history."""
    return Event(kind, now, acting.actor, acting.caller.name, acting.why, last_day)


def tag_of(delegations: Sequence[Delegation]) -> str:
    """
    Give the tag of a member's delegations: another one as soon as anything happened to them.

    A history only ever grows, so ids and lengths tell; the passing of a last day is no event
    and changes nothing here. The member plays no part: a digest of a CPF could be turned back.
    """
    text = "".join(f"{one.id}:{len(one.history)};" for one in delegations)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


Events = tuple[tuple[str, Event], ...]
"""What happens to existing delegations, by their ids."""


def additions(
    acting: Acting,
    company: Cnpj,
    member: Cpf,
    wanted: dict[ProcessId, ProcessDefinition],
    seen: tuple[Delegation, ...],
    validity: Validity | None,
    now: datetime,
) -> tuple[tuple[Delegation, ...], Events]:
    """Work out what begins and what happens so that all that is wanted is among what was seen."""
    granted, events = [], []
    for process in wanted.values():
        standing = latest([one for one in seen if one.process == process.id])
        if standing is not None and standing.in_force(now):
            event = _stays(standing, acting, validity, now)
            if event is not None:
                events.append((standing.id, event))
            continue
        if standing is not None and standing.ended is None:
            lapsed = event_of(EventKind.EXPIRED, acting, now, standing.last_day)
            events.append((standing.id, lapsed))
        last_day = None if validity is None else validity.last_day
        grant = event_of(EventKind.GRANTED, acting, now, last_day)
        granted.append(
            Delegation(uuid.uuid4().hex, company, member, process.id, process.version, (grant,))
        )
    return tuple(granted), tuple(events)


def removals(
    acting: Acting,
    wanted: dict[ProcessId, ProcessDefinition],
    seen: tuple[Delegation, ...],
    now: datetime,
) -> Events:
    """Work out what is revoked so that nothing but what is wanted is left of what was seen."""
    return tuple(
        (one.id, event_of(EventKind.REVOKED, acting, now, one.last_day))
        for one in seen
        if one.in_force(now) and one.process not in wanted
    )


def _stays(
    delegation: Delegation, acting: Acting, validity: Validity | None, now: datetime
) -> Event | None:
    """Give what happens to a delegation that stays in the set: confirmed, extended, or nothing."""
    last_day = delegation.last_day if validity is None else validity.last_day
    if acting.actor not in delegation.backers:
        return event_of(EventKind.CONFIRMED, acting, now, last_day)
    if last_day != delegation.last_day:
        return event_of(EventKind.EXTENDED, acting, now, last_day)
    return None
