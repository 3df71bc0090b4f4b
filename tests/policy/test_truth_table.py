"""
The shipped policies against Inmetro's rules, written a second time and independently.

``expected`` is the document and the FAQ in plain Python, with the limits of this house on the
age of what GOV.BR was seen to say. Every combination of role, evidence, standing, delegation,
process and action has to agree with it, and so have those of recipients and bonds, of ages,
and of sign-ins.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.policy.bundle import build, collect
from authz_service.policy.compiled import CompiledPolicy
from tests.fakes.clock import NOON
from tests.policy.facts import ACME, ANA, BIA, FILIAL, P001, SIGN_IN

GRANTOR = Cpf.parse("11144477735")
SHIPPED = Path(__file__).parents[2] / "policies"
ACTIONS = ("open", "delegate", "revoke", "renounce", "read_delegations", "approve")
AGES = (0, 7, 8, 365, 366)
ENDED = {"revoked": EventKind.REVOKED, "renounced": EventKind.RENOUNCED}


@dataclass(frozen=True)
class Case:
    """One situation; every field is one question that a rule could ask."""

    action: str = "open"
    role: Role | None = None
    evidence: Evidence = Evidence.GOVBR
    standing_in_force: bool = True
    registered: bool = True
    confirmed: bool = True
    delegation: str = "none"
    grantor_represents: bool = True
    matriz_grantor: bool = False
    process: str = "open"
    recipient: str = "confirmed"
    bond: str = "none"
    role_in_matriz: Role | None = None
    seen: int = 1
    backers_seen: int = 1
    sign_in: str = "none"


@pytest.fixture(scope="module", name="shipped")
def _shipped() -> CompiledPolicy:
    return build(collect(SHIPPED))


def represents(role: Role | None, in_force: bool, days: int) -> bool:
    """Orquestra recognises two of GOV.BR's roles, while they last, and for a week unseen."""
    return role in (Role.SOCIO, Role.REPRESENTANTE_LEGAL) and in_force and days < 8


def expected(case: Case) -> bool:
    """Say what the document and the FAQ say."""
    if case.sign_in == "agent":
        return False
    here = represents(case.role, case.standing_in_force, case.seen)
    by_bond = case.bond == "in_force" and represents(case.role_in_matriz, True, case.seen)
    delegated = case.delegation in ("in_force", "last_day")
    if case.action == "open":
        if case.process != "open":
            return False
        member = case.registered and case.confirmed
        backed = case.grantor_represents or (case.matriz_grantor and case.bond == "in_force")
        return here or (member and delegated and backed and case.backers_seen < 366)
    if case.action == "delegate":
        if case.process != "open" or case.recipient in ("unregistered", "unconfirmed"):
            return False
        return here or by_bond
    if case.action in ("revoke", "read_delegations"):
        own = case.action == "read_delegations" and case.recipient == "self"
        return here or by_bond or own
    if case.action == "renounce":
        return delegated and case.process != "unknown"
    return False


BY_AGENT = replace(SIGN_IN, agent=True)
SIGN_INS = {
    "none": None,
    "own": SIGN_IN,
    "agent": BY_AGENT,
    "agent's that is over": replace(BY_AGENT, ends_at=NOON),
    "agent's of another": replace(BY_AGENT, person=BIA),
}


def asked(case: Case) -> tuple[Question, Known]:
    """Turn a situation into a question and the records that bear on it."""
    seen, backers_seen = (NOON - timedelta(days) for days in (case.seen, case.backers_seen))
    company = ACME if case.bond == "none" else FILIAL
    recipient = {"none": None, "self": ANA}.get(case.recipient, BIA)
    people = [
        Person(
            ANA,
            NOON if case.registered else None,
            NOON if case.confirmed and case.registered else None,
        ),
        Person(
            BIA,
            None if case.recipient == "unregistered" else NOON,
            NOON if case.recipient == "confirmed" else None,
        ),
    ]
    standings = []
    if case.role is not None:
        ends = None if case.standing_in_force else NOON
        standings.append(Standing(company, ANA, case.role, case.evidence, seen, ends))
    if case.role_in_matriz is not None:
        standings.append(Standing(ACME, ANA, case.role_in_matriz, case.evidence, seen))
    if case.matriz_grantor:
        standings.append(Standing(ACME, GRANTOR, Role.SOCIO, case.evidence, backers_seen))
    grantor = Role.SOCIO if case.grantor_represents else Role.CONTADOR
    standings.append(Standing(company, GRANTOR, grantor, case.evidence, backers_seen))
    process = None if case.process == "unknown" else replace(P001, state=ProcessState(case.process))
    question = Question(
        actor=ANA,
        action=case.action,
        resource=CompanyAsked(company)
        if case.action == "read_delegations"
        else ProcessAsked(ProcessName("P001"), company),
        recipient=recipient,
        sign_in=None if case.sign_in == "none" else SIGN_IN.handle,
    )
    known = Known(
        people=tuple(people),
        process=process,
        delegation=None if process is None else delegated(case, company),
        bond=bond(case),
        standings=tuple(standings),
        sign_in=SIGN_INS[case.sign_in],
    )
    return question, known


def delegated(case: Case, company: Cnpj) -> Delegation | None:
    """Give the delegation of a situation, with the history that makes it so."""
    if case.delegation == "none":
        return None
    last_day = {"expired": date(2026, 11, 19), "last_day": date(2026, 11, 20)}.get(case.delegation)
    kinds = [EventKind.GRANTED]
    if case.delegation in ENDED:
        kinds.append(ENDED[case.delegation])
    history = tuple(Event(kind, NOON, GRANTOR, "test", None, last_day) for kind in kinds)
    return Delegation("1", company, ANA, P001.id, 3, history)


def bond(case: Case) -> Bond | None:
    """Give the bond of a situation."""
    if case.bond in ("none", "unrecorded"):
        return None
    last_day = date(2026, 11, 19) if case.bond == "expired" else None
    return Bond(FILIAL, ACME, "SEI 1", NOON, last_day)


def everything() -> Iterator[Case]:
    """Every combination of role, evidence, standing, delegation, process state and action."""
    for action, role, evidence, in_force, delegation, grantor, process in itertools.product(
        ACTIONS,
        (None, *Role),
        Evidence,
        (True, False),
        ("none", "in_force", "last_day", "expired", "revoked", "renounced"),
        (True, False),
        ("open", "closed", "unknown"),
    ):
        yield Case(
            action=action,
            role=role,
            evidence=evidence,
            standing_in_force=in_force,
            delegation=delegation,
            grantor_represents=grantor,
            process=process,
        )


def recipients_and_bonds() -> Iterator[Case]:
    """Every combination of action, recipient, bond, roles here and in the matriz, process state."""
    for action, recipient, bonded, role, role_in_matriz, process in itertools.product(
        ACTIONS,
        ("none", "self", "confirmed", "unconfirmed", "unregistered"),
        ("none", "unrecorded", "in_force", "expired"),
        (None, Role.SOCIO, Role.CONTADOR),
        (None, *Role),
        ("open", "closed"),
    ):
        if bonded == "none" and role_in_matriz is not None:
            continue  # there is no matriz to be something in
        yield Case(
            action=action,
            recipient=recipient,
            bond=bonded,
            role=role,
            role_in_matriz=role_in_matriz,
            process=process,
        )


def backers() -> Iterator[Case]:
    """Every combination of delegation, bond, and what the grantor is here and in the matriz."""
    for action, delegation, bonded, grantor, matriz_grantor, evidence in itertools.product(
        ACTIONS,
        ("none", "in_force", "last_day", "expired", "revoked", "renounced"),
        ("unrecorded", "in_force", "expired"),
        (True, False),
        (True, False),
        Evidence,
    ):
        yield Case(
            action=action,
            delegation=delegation,
            bond=bonded,
            grantor_represents=grantor,
            matriz_grantor=matriz_grantor,
            evidence=evidence,
        )


def ages() -> Iterator[Case]:
    """Every combination of action, role, delegation, and the ages of what was seen of whom."""
    for action, role, seen, delegation, backers_seen in itertools.product(
        ACTIONS,
        (None, Role.SOCIO, Role.REPRESENTANTE_LEGAL, Role.CONTADOR),
        AGES,
        ("none", "in_force"),
        AGES,
    ):
        yield Case(
            action=action,
            role=role,
            seen=seen,
            delegation=delegation,
            backers_seen=backers_seen,
        )


def ages_in_the_matriz() -> Iterator[Case]:
    """The same for a filial, of what actor and grantor are in the matriz."""
    for action, bonded, role_in_matriz, seen, matriz_grantor, backers_seen in itertools.product(
        ACTIONS,
        ("unrecorded", "in_force"),
        (None, Role.REPRESENTANTE_LEGAL),
        AGES,
        (True, False),
        AGES,
    ):
        yield Case(
            action=action,
            bond=bonded,
            role_in_matriz=role_in_matriz,
            seen=seen,
            delegation="in_force",
            grantor_represents=False,
            matriz_grantor=matriz_grantor,
            backers_seen=backers_seen,
        )


def sign_ins() -> Iterator[Case]:
    """Every combination of action, sign-in, role, delegation, recipient and process state."""
    for action, sign_in, role, delegation, recipient, process in itertools.product(
        ACTIONS,
        SIGN_INS,
        (None, Role.SOCIO),
        ("none", "in_force"),
        ("none", "self"),
        ("open", "unknown"),
    ):
        yield Case(
            action=action,
            sign_in=sign_in,
            role=role,
            delegation=delegation,
            recipient=recipient,
            process=process,
        )


def members() -> Iterator[Case]:
    """Every combination of a member's registration, delegation and action."""
    for action, registered, confirmed, delegation in itertools.product(
        ACTIONS, (True, False), (True, False), ("none", "in_force", "revoked")
    ):
        yield Case(action=action, registered=registered, confirmed=confirmed, delegation=delegation)


TABLES: tuple[Callable[[], Iterator[Case]], ...] = (
    everything,
    recipients_and_bonds,
    backers,
    ages,
    ages_in_the_matriz,
    sign_ins,
    members,
)


@pytest.mark.uncovered
@pytest.mark.parametrize("table", TABLES)
def test_the_shipped_policies_say_what_inmetro_says(
    shipped: CompiledPolicy, table: Callable[[], Iterator[Case]]
) -> None:
    """No situation is decided otherwise than by the document, the FAQ and the limits."""
    wrong = []
    for case in table():
        question, known = asked(case)
        decision = shipped.evaluate(question, facts_of(question, known, NOON))
        if (decision.allowed, decision.errors) != (expected(case), ()):
            wrong.append((case, decision))

    assert [] == wrong


def test_the_tables_are_not_lopsided() -> None:
    """Each action that can be allowed is allowed in some situations and denied in others."""
    cases = [case for table in TABLES for case in table()]

    for action in ACTIONS:
        outcomes = {expected(case) for case in cases if case.action == action}
        assert outcomes == ({False} if action == "approve" else {True, False})


def test_every_age_and_every_sign_in_makes_a_difference() -> None:
    """Each bound parts the situations beside it, and an agent is another than the person."""

    def allowed(table: Callable[[], Iterator[Case]], **fixed: object) -> list[bool]:
        chosen = (one for one in table() if replace(one, **fixed) == one)  # type: ignore[arg-type]  # by name
        return [expected(one) for one in chosen]

    for table in (ages, ages_in_the_matriz):
        assert allowed(table, seen=0) == allowed(table, seen=7) != allowed(table, seen=8)
        recent, old, older = (allowed(table, backers_seen=days) for days in (8, 365, 366))
        assert recent == old != older
    none, own = allowed(sign_ins, sign_in="none"), allowed(sign_ins, sign_in="own")
    assert none == own != allowed(sign_ins, sign_in="agent")
    assert own == allowed(sign_ins, sign_in="agent's that is over")
