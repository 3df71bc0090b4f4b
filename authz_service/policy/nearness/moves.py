"""
How facts change in life: what the moves in ``changes`` do to them.

A move sets all facts together that belong together: who becomes a sócio gets a role, an evidence
and an observation of today. It gives nothing where it makes no sense: nobody renews what never
was.

Facts stand in a move by short paths: ``company.standing.role`` of whatever company is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from authz_service.domain.companies import Origin, Validation
from authz_service.domain.delegation import DelegationState
from authz_service.domain.facts import (
    NONE,
    UNKNOWN,
    CompanyFacts,
    DelegationFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    StandingFacts,
)
from authz_service.domain.nearest import By
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessState
from authz_service.policy.nearness.changing import Values, apart

STEP_UP, RENEWAL, GRANT, STATUS = range(4)
"""How heavy a move is: the person signs in; somebody renews; somebody grants; one becomes
somebody."""

_GOVBR, _INMETRO = Evidence.GOVBR.value, Evidence.INMETRO.value
_NATIONAL, _FOREIGN = Origin.NATIONAL.value, Origin.FOREIGN.value
_IN_FORCE = DelegationState.IN_FORCE.value
_REPRESENTATIVES = (Role.SOCIO.value, Role.REPRESENTANTE_LEGAL.value)
_NOTHING: Mapping[str, object] = {
    "role": NONE,
    "evidence": NONE,
    "in_force": False,
    "days": None,
    "cadastrador": UNKNOWN,
}
_SEEN: Mapping[str, object] = {"evidence": _GOVBR, "in_force": True, "days": 0}


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """
    Something that can happen.

    Attributes:
        code: its stable name.
        codigo: the same for Orquestra's designers.
        by: who can bring it about.
        weight: how heavy it is, ``STEP_UP`` to ``STATUS``.
        pt: what has to happen, one Portuguese sentence.
        en: the same in English.
        changes: the short paths of all facts that it may change.
        make: gives what facts become by it, once for each way in which it can happen.
        after: what may have to happen before it can.
        over: lighter moves whose work it does as well.
    """

    code: str
    codigo: str
    by: By
    weight: int
    pt: str
    en: str
    changes: tuple[str, ...]
    make: Callable[[Facts], Iterator[Values]]
    after: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


def company_of(facts: Facts, origin: str = _NATIONAL) -> CompanyFacts | None:
    """Give the company that is asked about, if there is one of that *origin*."""
    found = facts.resource.company if isinstance(facts.resource, ProcessFacts) else facts.resource
    return found if isinstance(found, CompanyFacts) and found.origin == origin else None


def _of_person(facts: Facts) -> CompanyFacts | None:
    """Give the national company that a person is asking for."""
    return company_of(facts) if isinstance(facts.actor, PersonFacts) else None


def _beside(facts: Facts) -> PersonFacts | None:
    """Give the recipient, unless there is none or it is who acts."""
    actor, recipient = facts.actor, facts.question.recipient
    if recipient is None or not isinstance(actor, PersonFacts):
        return recipient
    return None if recipient.cpf == actor.cpf else recipient


def registered(facts: Facts) -> Iterator[Values]:
    """The person signs up."""
    if isinstance(facts.actor, PersonFacts) and not facts.actor.registered:
        yield _of_actor(facts, "registered")


def confirmed(facts: Facts) -> Iterator[Values]:
    """Orquestra confirms the person, who has signed up."""
    if isinstance(facts.actor, PersonFacts) and facts.actor.registered > facts.actor.confirmed:
        yield _of_actor(facts, "confirmed")


def _of_actor(facts: Facts, name: str) -> Values:
    """Give what becomes true of who acts, and is also the recipient where the two are one."""
    alike = facts.question.recipient is not None and _beside(facts) is None
    return {f"{at}.{name}": True for at in ("person", "question.recipient")[: 1 + alike]}


def recipient_registered(facts: Facts) -> Iterator[Values]:
    """The recipient signs up."""
    other = _beside(facts)
    if other is not None and not other.registered:
        yield {"question.recipient.registered": True}


def recipient_confirmed(facts: Facts) -> Iterator[Values]:
    """Orquestra confirms the recipient, who has signed up."""
    other = _beside(facts)
    if other is not None and other.registered > other.confirmed:
        yield {"question.recipient.confirmed": True}


def _here(facts: Facts) -> StandingFacts | None:
    company = _of_person(facts)
    return None if company is None else company.standing


def _in_matriz(facts: Facts) -> StandingFacts | None:
    company = _of_person(facts)
    return None if company is None or not company.bond.recorded else company.bond.standing


Where = tuple[str, Callable[[Facts], StandingFacts | None]]
"""A standing: its short path, and what gives it where there can be one."""
HERE: Where = ("company.standing", _here)
MATRIZ: Where = ("company.bond.standing", _in_matriz)


def seen_anew(where: Where) -> Callable[[Facts], Iterator[Values]]:
    """Make the move of a standing that is seen once more."""

    def make(facts: Facts) -> Iterator[Values]:
        now = where[1](facts)
        if now is not None and now.role != NONE:
            yield apart(where[0], now, _SEEN)

    return make


def becoming(where: Where, role: Role) -> Callable[[Facts], Iterator[Values]]:
    """Make the move of a person that becomes something."""

    def make(facts: Facts) -> Iterator[Values]:
        now = where[1](facts)
        if now is not None and now.role != role.value:
            yield apart(where[0], now, {"role": role.value, **_SEEN})

    return make


def cadastrador(where: Where) -> Callable[[Facts], Iterator[Values]]:
    """Make the move of a person that gets the company's certificate at GOV.BR."""

    def make(facts: Facts) -> Iterator[Values]:
        now = where[1](facts)
        if now is not None and now.role != NONE:
            yield apart(where[0], now, {**_SEEN, "cadastrador": "yes"})

    return make


def bond_recorded(facts: Facts) -> Iterator[Values]:
    """A bond to a matriz is recorded."""
    company = _of_person(facts)
    if company is not None and not company.bond.recorded:
        yield {"company.bond.recorded": True, "company.bond.in_force": True}


def bond_renewed(facts: Facts) -> Iterator[Values]:
    """A bond that has ended is recorded anew."""
    company = _of_person(facts)
    if company is not None and company.bond.recorded > company.bond.in_force:
        yield {"company.bond.in_force": True}


def _delegable(facts: Facts) -> tuple[ProcessFacts, DelegationFacts] | None:
    asked = facts.resource
    if not isinstance(asked, ProcessFacts) or _of_person(facts) is None:
        return None
    return None if asked.state == UNKNOWN else (asked, asked.delegation)


Backing = tuple[str, Callable[[Facts], bool]]
"""Who stands behind a delegation: the fact, and whether there can be such people."""


def _always(_facts: Facts) -> bool:
    return True


def _has_matriz(facts: Facts) -> bool:
    return _in_matriz(facts) is not None


BACKING: Backing = ("backing", _always)
MATRIZ_BACKING: Backing = ("matriz_backing", _has_matriz)


def granted(backing: Backing) -> Callable[[Facts], Iterator[Values]]:
    """Make the move of a delegation that is granted at the newest version."""
    name, possible = backing
    other = {"backing": "matriz_backing", "matriz_backing": "backing"}[name]

    def make(facts: Facts) -> Iterator[Values]:
        found = _delegable(facts)
        if found is None or not possible(facts):
            return
        process, now = found
        newest = process.version if facts.process is None else facts.process.version
        if now.state in (_IN_FORCE, DelegationState.EXPIRED.value) and now.version == newest:
            return
        for role in _REPRESENTATIVES:
            yield {
                **apart("delegation", now, {"state": _IN_FORCE, "version": newest}),
                **_stands(now, name, {**_NOTHING, **_SEEN, "role": role}),
                # What stood behind an earlier one does not stand behind this one.
                **_stands(now, other, _NOTHING),
            }

    return make


def renewed(backing: Backing) -> Callable[[Facts], Iterator[Values]]:
    """Make the move of a delegation that somebody of standing confirms and extends."""
    name, possible = backing

    def make(facts: Facts) -> Iterator[Values]:
        found = _delegable(facts)
        if found is None or not possible(facts):
            return
        now = found[1]
        if now.state in (_IN_FORCE, DelegationState.EXPIRED.value):
            for role in _REPRESENTATIVES:
                yield {
                    **apart("delegation", now, {"state": _IN_FORCE}),
                    **_stands(now, name, {"role": role, **_SEEN}),
                }

    return make


def backing_renewed(backing: Backing) -> Callable[[Facts], Iterator[Values]]:
    """Make the move of a backer that is seen once more."""
    name, possible = backing

    def make(facts: Facts) -> Iterator[Values]:
        found = _delegable(facts)
        if (
            found is not None
            and possible(facts)  # mutant: without a bond nobody of a matriz stands behind it
            and getattr(found[1], name).role != NONE
        ):
            yield _stands(found[1], name, _SEEN)

    return make


def _stands(now: DelegationFacts, name: str, wanted: Mapping[str, object]) -> Values:
    return apart(f"delegation.{name}", getattr(now, name), wanted)


def reopened(facts: Facts) -> Iterator[Values]:
    """A closed process takes requests again."""
    if isinstance(facts.resource, ProcessFacts) and facts.resource.state == ProcessState.CLOSED:
        yield {"process.state": ProcessState.OPEN.value}


def validated(facts: Facts) -> Iterator[Values]:
    """A foreign company is validated, and registered before if it is not."""
    company = company_of(facts, _FOREIGN)
    if company is not None and company.validation != Validation.VALIDATED:
        values: dict[str, object] = {"company.validation": Validation.VALIDATED.value}
        if company.standing.role != NONE:
            seen = {"in_force": True, "days": 0}
            values.update(apart("company.standing", company.standing, seen))
        yield values


def named(facts: Facts) -> Iterator[Values]:
    """A login becomes the representative of a foreign company."""
    company = company_of(facts, _FOREIGN)
    if company is None or not isinstance(facts.actor, LoginFacts):
        return
    if company.validation != UNKNOWN and company.standing.role == NONE:
        validated = company.validation == Validation.VALIDATED
        role = {"role": Role.REPRESENTANTE_LEGAL.value, "evidence": _INMETRO}
        seen = {"in_force": validated, "days": 0 if validated else None}
        yield apart("company.standing", company.standing, {**role, **seen})
