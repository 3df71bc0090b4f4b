"""A delegation: what a company lets one member open, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.time import civil_day, require_aware


class DelegationState(StrEnum):
    """Where a delegation stands at one moment; ``none`` when there never was one."""

    NONE = "none"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    REVOKED = "revoked"
    RENOUNCED = "renounced"


class EventKind(StrEnum):
    """What can happen to a delegation. Three ways to end, as GOV.BR's procuração has them."""

    GRANTED = "granted"
    CONFIRMED = "confirmed"
    """The set was replaced by somebody else and this process stayed in it."""
    EXTENDED = "extended"
    """Its last day was changed, to a later or an earlier one."""
    REVOKED = "revoked"
    RENOUNCED = "renounced"
    EXPIRED = "expired"
    """Found past its last day when the process was delegated anew."""


ENDINGS = {
    EventKind.REVOKED: DelegationState.REVOKED,
    EventKind.RENOUNCED: DelegationState.RENOUNCED,
    EventKind.EXPIRED: DelegationState.EXPIRED,
}
"""The events that end a delegation, and the state that each leaves it in."""


@dataclass(frozen=True, slots=True)
class Event:
    """
    One line of a delegation's history.

    Attributes:
        kind: what happened.
        at: when, with a zone.
        actor: the person who acted.
        caller: the client of the service through which the person acted.
        why: the reason given, or None.
        last_day: the last civil day that the delegation had from then on, or None for no end.
    """

    kind: EventKind
    at: datetime
    actor: Cpf
    caller: str
    why: str | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Delegation:
    """
    A permission that a company gives one member for one process, across its versions.

    It belongs to (company, member, process), not to who granted it: it counts while any
    of its backers has standing, which is for the policy to judge.

    Attributes:
        id: its own name, an opaque text.
        company: for which establishment the member may open.
        member: who may open.
        process: what may be opened.
        version: the newest version of the process when it was granted.
        history: what happened to it, oldest first; the first event is the grant.
    """

    id: str
    company: Cnpj
    member: Cpf
    process: ProcessId
    version: int
    history: tuple[Event, ...]

    def __post_init__(self) -> None:
        if not self.history or self.history[0].kind is not EventKind.GRANTED:
            raise InvalidInput("history", "must begin with the grant")
        for event in self.history:
            require_aware(event.at, "history")

    @property
    def last_day(self) -> date | None:
        """The last civil day of Brasília on which it counts, or None if it never ends."""
        return self.history[-1].last_day

    @property
    def ended(self) -> EventKind | None:
        """How it was ended by an act, or None while nothing but time can end it."""
        kind = self.history[-1].kind
        return kind if kind in ENDINGS else None

    @property
    def grantor(self) -> Cpf:
        """Who granted it."""
        return self.history[0].actor

    @property
    def backers(self) -> tuple[Cpf, ...]:
        """Grantor and confirmers, in the order in which they came to stand behind it."""
        standing_behind = (EventKind.GRANTED, EventKind.CONFIRMED)
        found = [event.actor for event in self.history if event.kind in standing_behind]
        return tuple(dict.fromkeys(found))

    def state(self, moment: datetime) -> DelegationState:
        """Tell where it stands at *moment*; its last day still counts as in force."""
        if self.ended is not None:
            return ENDINGS[self.ended]
        if self.last_day is not None and civil_day(moment) > self.last_day:
            return DelegationState.EXPIRED
        return DelegationState.IN_FORCE

    def in_force(self, moment: datetime) -> bool:
        """Tell whether it counts at *moment*, its backers' standing apart."""
        return self.state(moment) is DelegationState.IN_FORCE


@dataclass(frozen=True, slots=True)
class Change:
    """
    What one act does to the delegations of one member of one company, all or nothing.

    Attributes:
        company: whose delegations.
        member: to whom.
        revision: the state of the store that the act was decided on; if the store has moved
            on, the change is refused, since what the decision rests on may have ended.
        seen: all delegations of the member, as the change was worked out from them; they are
            read by themselves, so the state that was decided on may hold others, and then
            the change is refused as well.
        granted: delegations that begin.
        events: what happens to existing ones, by their ids.
    """

    company: Cnpj
    member: Cpf
    revision: int
    seen: tuple[Delegation, ...]
    granted: tuple[Delegation, ...] = ()
    events: tuple[tuple[str, Event], ...] = ()

    def __post_init__(self) -> None:
        # Else it would slip past the comparison with what was seen.
        for one in (*self.seen, *self.granted):
            if (one.company, one.member) != (self.company, self.member):
                raise InvalidInput("granted", "must be of the change's company and member")

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.granted and not self.events

    @property
    def after(self) -> tuple[Delegation, ...]:
        """The member's delegations once it is done, oldest first."""
        happened: dict[str, tuple[Event, ...]] = {}
        for name, event in self.events:
            happened[name] = (*happened.get(name, ()), event)
        before = (
            replace(one, history=(*one.history, *happened.get(one.id, ()))) for one in self.seen
        )
        return (*before, *self.granted)


def latest(delegations: Sequence[Delegation]) -> Delegation | None:
    """
    Give the one that counts among those of one (company, member, process), oldest first.

    It is the last that was made: at most one is open, and a new one is made only when none
    is. Instants say nothing here, since a clock may be set back.
    """
    return delegations[-1] if delegations else None
