"""What a policy test says is true at its moment, and the questions that it asks about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any

from authz_service.domain.decision import Bag, CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.known import Known
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessName, ProcessState
from authz_service.policy.signing_in import HANDLE, SignInSaid, read_sign_in
from authz_service.policy.tables import SuiteInvalid, Table

NO_PROCESS = ""
"""Stands for the process of a question about a company as a whole."""


@dataclass(frozen=True, slots=True)
class Expected:
    """
    One question of a case, with its expected answer.

    Attributes:
        case: the name of the case.
        asked: the question in words, ``bia open P001 for acme``.
        question: the question itself.
        known: the records that bear on it.
        moment: the frozen clock.
        allowed: the expected decision.
        reasons: the expected reasons, or None where the case does not care.
    """

    case: str
    asked: str
    question: Question
    known: Known
    moment: datetime
    allowed: bool
    reasons: tuple[str, ...] | None


def _made_up_cpf(number: int) -> Cpf:
    for ending in range(100):
        try:
            return Cpf.parse(f"{900_000_000 + number}{ending:02}")
        except InvalidInput:
            continue
    raise AssertionError("every nine digits have two check digits")  # pragma: no cover - arithmetic


def _made_up_cnpj(root: str, order: int) -> Cnpj:
    for ending in range(100):
        try:
            return Cnpj.parse(f"{root}{order:04}{ending:02}")
        except InvalidInput:
            continue
    raise AssertionError("every base has two check digits")  # pragma: no cover - arithmetic


_FIRST_ROOT = 70_000_000
_FIRST_ORDER = 5_001  # out of the way of given numbers, whose orders begin at 1
_ROLES = {one.value: one for one in Role}
_EVIDENCE = {one.value: one for one in Evidence}
_STATES = {one.value: one for one in ProcessState}
_ENDINGS = {"revoked": EventKind.REVOKED, "renounced": EventKind.RENOUNCED}


class World:
    """Everything that a test file says is true at its moment."""

    def __init__(self, top: Table) -> None:
        with top:
            self.now: datetime = top.moment("now").astimezone(UTC)
            self._people = self._read_people(top.named("people"))
            self._cnpj, self._bonds = self._read_companies(top.named("companies"))
            self._processes = self._read_processes(top.named("processes"))
            self._standings = [self._standing(one) for one in top.tables("standing")]
            self._delegations = [
                self._delegation(number, one) for number, one in enumerate(top.tables("delegation"))
            ]
            self.cases = top.tables("case")
            if not self.cases:
                raise SuiteInvalid("top", "there is no [[case]]")

    def _read_people(self, tables: Mapping[str, Table]) -> dict[str, Person]:
        people: dict[str, Person] = {}
        for number, (name, table) in enumerate(tables.items()):
            with table:
                given = table.take("cpf", str, None)
                cpf = _made_up_cpf(number) if given is None else Cpf.parse(given)
                if cpf in {one.cpf for one in people.values()}:
                    raise SuiteInvalid(table.where, "has the same `cpf` as another person")
                registered = self.now if table.flag("registered") else None
                confirmed = self.now if table.flag("confirmed") else None
                people[name] = Person(cpf, registered, confirmed)
        return people

    def _read_companies(
        self, tables: Mapping[str, Table]
    ) -> tuple[dict[str, Cnpj], dict[Cnpj, Bond]]:
        found: dict[str, Cnpj] = {}
        bonds: dict[Cnpj, Bond] = {}
        for number, (name, table) in enumerate(tables.items()):
            with table:
                given, matriz = table.take("cnpj", str, None), table.word("filial_of", found, None)
                root = f"{_FIRST_ROOT + number}" if matriz is None else matriz.root
                made_up = _made_up_cnpj(root, _FIRST_ORDER + number)
                cnpj = made_up if given is None else Cnpj.parse(given)
                if cnpj in found.values():
                    raise SuiteInvalid(table.where, "has the same `cnpj` as another company")
                found[name] = cnpj
                until = table.day("bond_until")
                if table.flag("bond"):
                    if matriz is None:
                        raise SuiteInvalid(table.where, "`bond` needs `filial_of`")
                    bonds[cnpj] = Bond(cnpj, matriz, "recorded", self.now, until)
                elif until is not None:
                    raise SuiteInvalid(table.where, "`bond_until` needs `bond = true`")
        return found, bonds

    def _read_processes(self, tables: Mapping[str, Table]) -> dict[str, ProcessDefinition]:
        processes = {}
        for number, (name, table) in enumerate(tables.items()):
            with table:
                processes[name] = ProcessDefinition(
                    id=ProcessId(f"process-{number}"),
                    code=table.take("code", str, name),
                    title=table.take("title", str, name),
                    version=table.take("version", int, 1),
                    state=table.word("state", _STATES, ProcessState.OPEN),
                )
        return processes

    def _standing(self, table: Table) -> Standing:
        with table:
            return Standing(
                company=table.word("company", self._cnpj),
                person=table.word("person", self._people).cpf,
                role=table.word("role", _ROLES),
                evidence=table.word("evidence", _EVIDENCE, Evidence.GOVBR),
                observed_at=table.moment("observed_at", self.now),
                ends_at=table.moment("ends_at", None),
                cadastrador=table.take("cadastrador", bool, None),
            )

    def _delegation(self, number: int, table: Table) -> Delegation:
        with table:
            process = table.word("process", self._processes)
            until, at = table.day("until"), table.moment("at", self.now)
            actors = [(EventKind.GRANTED, table.word("by", self._people).cpf)]
            for name in table.names("confirmed_by", []):
                confirmer = _known(table, "confirmed_by", name, self._people)
                actors.append((EventKind.CONFIRMED, confirmer.cpf))
            member = table.word("member", self._people).cpf
            ended = table.word("ended", _ENDINGS, None)
            if ended is not None:
                actors.append((ended, member))
            history = [Event(kind, at, actor, "test", None, until) for kind, actor in actors]
            return Delegation(
                id=str(number),
                company=table.word("company", self._cnpj),
                member=member,
                process=process.id,
                version=table.take("version", int, process.version),
                history=tuple(history),
            )

    def questions(self, case: Table) -> Iterator[Expected]:
        """Give every question of one case with its expected answer."""
        with case:
            name = case.take("name", str)
            people, actions = case.names("people"), case.names("actions")
            processes = case.names("processes", [NO_PROCESS])
            company = case.take("company", str)
            shared = _Shared(
                company=_known(case, "company", company, self._cnpj),
                recipient=case.word("recipient", self._people, None),
                evidence=case.word("actor_evidence", _EVIDENCE, Evidence.ASSERTED),
                version=case.take("version", int, None),
                context=case.take("context", dict, {}),
                properties=case.take("properties", dict, {}),
                sign_in=read_sign_in(case, self._cnpj),
            )
            expected: dict[tuple[str, str, str], tuple[bool, tuple[str, ...] | None]] = {}
            for word, allowed in (("allow", True), ("deny", False)):
                for table in case.tables(word):
                    for key, reasons in _answers(table, people, actions, processes):
                        if key in expected:
                            twice = " ".join(filter(None, key))
                            raise SuiteInvalid(case.where, f"`{twice}` is expected twice")
                        expected[key] = (allowed, reasons)
        for key in product(people, actions, processes):
            allowed, reasons = expected.get(key, (False, None))
            person, action, process = key
            actor = _known(case, "people", person, self._people)
            question, known = self._question(actor, action, process, shared)
            asked = " ".join(part for part in (person, action, process, "for", company) if part)
            yield Expected(name, asked, question, known, self.now, allowed, reasons)

    def _question(
        self, actor: Person, action: str, process: str, shared: _Shared
    ) -> tuple[Question, Known]:
        resource: ProcessAsked | CompanyAsked = CompanyAsked(shared.company)
        if process != NO_PROCESS:
            resource = ProcessAsked(ProcessName(process, shared.version), shared.company)
        definition = self._processes.get(process)
        recipient = shared.recipient
        question = Question(
            actor=actor.cpf,
            action=action,
            resource=resource,
            actor_evidence=shared.evidence,
            recipient=None if recipient is None else recipient.cpf,
            context=shared.context,
            properties=shared.properties,
            sign_in=None if shared.sign_in is None else HANDLE,
        )
        mine = [
            one
            for one in self._delegations
            if definition is not None
            and (one.company, one.member, one.process) == (shared.company, actor.cpf, definition.id)
        ]
        known = Known(
            people=tuple(self._people.values()),
            process=definition,
            delegation=mine[-1] if mine else None,
            bond=self._bonds.get(shared.company),
            standings=tuple(self._standings),
            sign_in=None if shared.sign_in is None else shared.sign_in.of(actor.cpf, self.now),
        )
        return question, known


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all questions of a case have in common."""

    company: Cnpj
    recipient: Person | None
    evidence: Evidence
    version: int | None
    context: Bag
    properties: Bag
    sign_in: SignInSaid | None


def _known(table: Table, name: str, value: str, words: Mapping[str, Any]) -> Any:
    if value not in words:
        raise SuiteInvalid(table.where, f"`{name}` has `{value}`, which is described nowhere")
    return words[value]


def _answers(
    table: Table, people: Sequence[str], actions: Sequence[str], processes: Sequence[str]
) -> Iterator[tuple[tuple[str, str, str], tuple[str, ...] | None]]:
    """Give the questions that one ``allow`` or ``deny`` is about, with its reasons."""
    with table:
        reasons = tuple(table.names("reasons")) if table.has("reasons") else None
        chosen = (
            _some(table, "person", people),
            _some(table, "action", actions),
            _some(table, "process", processes),
        )
    for key in product(*chosen):
        yield key, reasons


def _some(table: Table, name: str, names: Sequence[str]) -> list[str]:
    """Take one or several of *names*; all of them where the table does not say."""
    chosen = table.names(name, names)
    for one in chosen:
        if one not in names:
            raise SuiteInvalid(table.where, f"`{name}` has `{one}`, which the case does not ask")
    return chosen
