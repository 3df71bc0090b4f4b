"""The acts of the document's story, as the tests of the desk tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from authz_service.domain.decision import (
    NO_PERMIT,
    Decision,
    ProcessAsked,
    Question,
)
from authz_service.domain.delegation import Delegation
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessDefinition, ProcessName
from authz_service.usecases.acting import Acting, Validity
from authz_service.usecases.listing import Search
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    MEMBER,
    P001,
    P018,
    P061_REGISTRO,
    PARTNER,
    REPRESENTATIVE,
)
from tests.usecases.house import CALLER, House

HOUR = timedelta(hours=1)
TODAY = date(2026, 11, 20)
ACTING = Acting(REPRESENTATIVE, Evidence.ASSERTED, CALLER, "férias")
PARTNER_ACTING = replace(ACTING, actor=PARTNER, why=None)
MEMBER_ACTING = replace(ACTING, actor=MEMBER, why="saí da empresa")
THREE = (P001, P018, P061_REGISTRO)


def names(processes: Sequence[ProcessDefinition]) -> list[ProcessName]:
    """Name processes by their labels, as Orquestra would."""
    return [ProcessName.parse(one.label) for one in processes]


def give(
    house: House,
    processes: Sequence[ProcessDefinition],
    validity: Validity | None = None,
    acting: Acting = ACTING,
) -> list[Delegation]:
    """Make *processes* the member's set."""
    after = house.desk.replace_set(acting, COMPANY, MEMBER, names(processes), validity)
    return list(after.in_force)


def grant(
    house: House,
    processes: Sequence[ProcessDefinition],
    acting: Acting = ACTING,
    validity: Validity | None = None,
) -> list[Delegation]:
    """Delegate *processes* beside what the member has, and give the whole set."""
    after = house.desk.grant(acting, COMPANY, MEMBER, names(processes), validity)
    return list(after.in_force)


def listed(
    house: House, company: Cnpj = COMPANY, member: Cpf | None = None, acting: Acting = ACTING
) -> list[Delegation]:
    """List a company's delegations, or those of one member, all at once."""
    found = house.desk.search(acting, Search(company, member), None, 200)
    return list(found.page.items)


def stored(house: House) -> dict[ProcessId, list[Delegation]]:
    """Give all that is kept of the member's delegations, by process, oldest first."""
    found: dict[ProcessId, list[Delegation]] = {}
    for one in house.store.delegations.of_company(COMPANY, MEMBER):
        found.setdefault(one.process, []).append(one)
    return found


def kinds(delegation: Delegation) -> list[str]:
    """Give what happened to a delegation."""
    return [event.kind.value for event in delegation.history]


def by_delegation(question: Question, facts: Facts) -> Decision:
    """Let the representative do anything, and the member open what is delegated."""
    if question.actor == REPRESENTATIVE:
        return Decision(allowed=True, reasons=("represents",))
    state = facts.resource.delegation.state  # type: ignore[union-attr]  # a process is asked about
    if state == "in_force":
        return Decision(allowed=True, reasons=("delegated",))
    return Decision(allowed=False, reasons=(NO_PERMIT,))


def may_open(house: House) -> set[ProcessId]:
    """Ask which of the ten processes the member may open."""
    questions = [
        Question(MEMBER, "open", ProcessAsked(ProcessName(one.id.value), COMPANY))
        for one in CATALOGUE
    ]
    answers = house.point.decide_all(questions, CALLER)
    pairs = zip(CATALOGUE, answers, strict=True)
    return {process.id for process, answer in pairs if answer.decision.allowed}


def remember(house: House, decision: Decision) -> list[Question]:
    """Answer every question by *decision*, and give the list in which they are kept."""
    questions: list[Question] = []

    def verdict(question: Question, _facts: Facts) -> Decision:
        questions.append(question)
        return decision

    house.policy.verdict = verdict
    return questions


def asked(house: House) -> list[tuple[str, str | None]]:
    """Give actions and processes of the decisions in the log."""
    return [
        (one.asked.action, None if one.asked.process is None else one.asked.process.value)
        for one in house.decisions
    ]
