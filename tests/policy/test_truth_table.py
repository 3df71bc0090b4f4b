"""
The shipped policies against Inmetro's rules, written a second time and independently.

``expected`` is the document and the FAQ in plain Python. Every combination of role,
evidence, standing, delegation, process and action has to agree with it, and so have the
combinations of recipients and bonds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.facts import Known, facts_of
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.policy.bundle import CompiledPolicy, build, collect
from tests.fakes.clock import NOON
from tests.policy.facts import ACME, ANA, BIA, P001

FILIAL = Cnpj.parse("52420282000260")
GRANTOR = Cpf.parse("11144477735")
SHIPPED = Path(__file__).parents[2] / "policies"
ACTIONS = ("open", "delegate", "revoke", "renounce", "read_delegations", "approve")
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


@pytest.fixture(scope="module", name="shipped")
def _shipped() -> CompiledPolicy:
    return build(collect(SHIPPED))


def represents(role: Role | None, in_force: bool) -> bool:
    """Orquestra recognises two of GOV.BR's roles, while they last."""
    return role in (Role.SOCIO, Role.REPRESENTANTE_LEGAL) and in_force


def expected(case: Case) -> bool:
    """Say what the document and the FAQ say."""
    here = represents(case.role, case.standing_in_force)
    by_bond = case.bond == "in_force" and represents(case.role_in_matriz, in_force=True)
    delegated = case.delegation in ("in_force", "last_day")
    if case.action == "open":
        if case.process != "open":
            return False
        member = case.registered and case.confirmed
        backed = case.grantor_represents or (case.matriz_grantor and case.bond == "in_force")
        return here or (member and delegated and backed)
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


def asked(case: Case) -> tuple[Question, Known]:
    """Turn a situation into a question and the records that bear on it."""
    yesterday = NOON - timedelta(days=1)
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
        standings.append(Standing(company, ANA, case.role, case.evidence, yesterday, ends))
    if case.role_in_matriz is not None:
        standings.append(Standing(ACME, ANA, case.role_in_matriz, case.evidence, yesterday))
    if case.matriz_grantor:
        standings.append(Standing(ACME, GRANTOR, Role.SOCIO, case.evidence, yesterday))
    grantor = Role.SOCIO if case.grantor_represents else Role.CONTADOR
    standings.append(Standing(company, GRANTOR, grantor, case.evidence, yesterday))
    process = None if case.process == "unknown" else replace(P001, state=ProcessState(case.process))
    question = Question(
        actor=ANA,
        action=case.action,
        resource=CompanyAsked(company)
        if case.action == "read_delegations"
        else ProcessAsked(ProcessName("P001"), company),
        recipient=recipient,
    )
    known = Known(
        people=tuple(people),
        process=process,
        delegation=None if process is None else delegated(case, company),
        bond=bond(case),
        standings=tuple(standings),
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


def members() -> Iterator[Case]:
    """Every combination of a member's registration, delegation and action."""
    for action, registered, confirmed, delegation in itertools.product(
        ACTIONS, (True, False), (True, False), ("none", "in_force", "revoked")
    ):
        yield Case(action=action, registered=registered, confirmed=confirmed, delegation=delegation)


@pytest.mark.parametrize("table", [everything, recipients_and_bonds, backers, members])
def test_the_shipped_policies_say_what_inmetro_says(shipped: CompiledPolicy, table: object) -> None:
    """No situation is decided otherwise than by the document and the FAQ."""
    assert callable(table)
    wrong = []
    for case in table():
        question, known = asked(case)
        decision = shipped.evaluate(question, facts_of(question, known, NOON))
        if (decision.allowed, decision.errors) != (expected(case), ()):
            wrong.append((case, decision))

    assert [] == wrong


def test_the_tables_are_not_lopsided() -> None:
    """Each action that can be allowed is allowed in some situations and denied in others."""
    cases = [*everything(), *recipients_and_bonds(), *backers(), *members()]

    for action in ACTIONS:
        outcomes = {expected(case) for case in cases if case.action == action}
        assert outcomes == ({False} if action == "approve" else {True, False})
