"""The questions that a policy test asks about its world, each with its expected answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from authz_service.domain.decision import (
    Actor,
    Bag,
    CompanyAsked,
    ProcessAsked,
    Question,
    Resource,
)
from authz_service.domain.identifiers import CompanyId, Cpf
from authz_service.domain.known import Known
from authz_service.domain.people import Evidence, Person
from authz_service.domain.processes import ProcessName, check_version
from authz_service.policy.suites.signing_in import HANDLE, SignInSaid, read_sign_in
from authz_service.policy.suites.tables import SuiteInvalid, Table
from authz_service.policy.suites.world import EVIDENCE, World, known

COMPANY_ITSELF = ""
"""Stands for what is acted on in a question about a company as a whole."""

Answers = dict[tuple[str, str, str], tuple[bool, tuple[str, ...] | None]]


@dataclass(frozen=True, slots=True)
class Expected:
    """
    One question of a case, with its expected answer.

    Attributes:
        case: the name of the case.
        line: where the case begins, 1-based; 0 if that is not known.
        asked: the question in words, ``bia open P001 for acme``.
        question: the question itself.
        known: the records that bear on it.
        moment: the frozen clock.
        allowed: the expected decision.
        reasons: the expected reasons, or None where the case does not care.
    """

    case: str
    line: int
    asked: str
    question: Question
    known: Known
    moment: datetime
    allowed: bool
    reasons: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all questions of a case have in common."""

    recipient: Person | None
    evidence: Evidence
    context: Bag
    properties: Bag
    sign_in: SignInSaid | None


@dataclass(frozen=True, slots=True)
class _About:
    """What a case is about: resources by their names, and the company of processes."""

    resources: Mapping[str, Resource]
    named: str = ""
    company: CompanyId | None = None


def questions(world: World, case: Table, line: int) -> Iterator[Expected]:
    """
    Give every question of one case, which begins at *line*, with its expected answer.

    Raises:
        SuiteInvalid: the case says what cannot be.
    """
    with case:
        name = case.take("name", str)
        actors, actions = world.actors(case), case.names("actions")
        about = _about(world, case)
        shared = _Shared(
            recipient=case.word("recipient", world.people, None),
            evidence=case.word("actor_evidence", EVIDENCE, Evidence.ASSERTED),
            context=case.take("context", dict, {}),
            properties=case.take("properties", dict, {}),
            sign_in=read_sign_in(case, world.cnpj),
        )
        if not all(isinstance(one, Cpf) for one in actors.values()):
            _without_govbr(case, shared)
        expected = _expected(case, actors, actions, about)
    for key in product(actors, actions, about.resources):
        allowed, reasons = expected.get(key, (False, None))
        person, action, resource = key
        question = _question(actors[person], action, about.resources[resource], shared)
        records = world.records(question, about.company, resource, shared.sign_in)
        end = ("for", about.named) if about.named else ()
        asked = " ".join(part for part in (person, action, resource, *end) if part)
        yield Expected(name, line, asked, question, records, world.now, allowed, reasons)


def _without_govbr(case: Table, shared: _Shared) -> None:
    """Refuse what only people can have."""
    if shared.sign_in is not None:
        raise SuiteInvalid(case.where, "`sign_in` is at GOV.BR, where only `people` sign in")
    if shared.evidence is Evidence.GOVBR:
        raise SuiteInvalid(case.where, "`actor_evidence` is `govbr`, which only `people` can have")


def _about(world: World, case: Table) -> _About:
    """Take the resources of other services, or a company with or without processes."""
    if case.has("resources"):
        names = case.names("resources")
        return _About({one: known(case, "resources", one, world.entities) for one in names})
    named = case.take("company", str)
    company = known(case, "company", named, world.companies)
    version = case.take("version", int, None)
    if version is not None:
        check_version(version, "version")
    if not case.has("processes"):
        return _About({COMPANY_ITSELF: CompanyAsked(company)}, named, company)
    processes = {
        one: ProcessAsked(ProcessName(one, version), company) for one in case.names("processes")
    }
    return _About(processes, named, company)


def _question(actor: Actor, action: str, resource: Resource, shared: _Shared) -> Question:
    return Question(
        actor=actor,
        action=action,
        resource=resource,
        actor_evidence=shared.evidence,
        recipient=None if shared.recipient is None else shared.recipient.cpf,
        context=shared.context,
        properties=shared.properties,
        sign_in=None if shared.sign_in is None else HANDLE,
    )


def _expected(
    case: Table, actors: Mapping[str, Actor], actions: Sequence[str], about: _About
) -> Answers:
    expected: Answers = {}
    for word, allowed in (("allow", True), ("deny", False)):
        for table in case.tables(word):
            for key, reasons in _answers(table, [*actors], actions, about):
                if key in expected:
                    twice = " ".join(filter(None, key))
                    raise SuiteInvalid(case.where, f"`{twice}` is expected twice")
                expected[key] = (allowed, reasons)
    return expected


def _answers(
    table: Table, actors: Sequence[str], actions: Sequence[str], about: _About
) -> Iterator[tuple[tuple[str, str, str], tuple[str, ...] | None]]:
    """Give the questions that one ``allow`` or ``deny`` is about, with its reasons."""
    what = "process" if about.named else "resource"
    with table:
        reasons = tuple(table.names("reasons")) if table.has("reasons") else None
        chosen = (
            _actors(table, actors),
            _some(table, "action", actions),
            _some(table, what, [*about.resources]),
        )
    for key in product(*chosen):
        yield key, reasons


def _actors(table: Table, names: Sequence[str]) -> list[str]:
    """Take persons, logins and subjects out of *names*; all where the table names none."""
    members = [one for one in ("person", "login", "subject") if table.has(one)]
    chosen = [name for member in members for name in _some(table, member, names)]
    return chosen if members else [*names]


def _some(table: Table, name: str, names: Sequence[str]) -> list[str]:
    """Take one or several of *names*; all of them where the table does not say."""
    chosen = table.names(name, names)
    for one in chosen:
        if one not in names:
            raise SuiteInvalid(table.where, f"`{name}` has `{one}`, which the case does not ask")
    return chosen
