"""What a policy test says is true at its moment: records of everything that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import Actor, Question
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import InvalidInput
from authz_service.domain.facts import UNKNOWN
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, Login, ProcessId
from authz_service.domain.known import Known
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessState, check_version
from authz_service.policy.suites.signing_in import SignInSaid
from authz_service.policy.suites.tables import SuiteInvalid, Table

Value = TypeVar("Value")


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
EVIDENCE = {one.value: one for one in (Evidence.GOVBR, Evidence.ASSERTED)}
"""What a test may say of how something is known of a person."""
_VALIDATIONS = {UNKNOWN: None} | {one.value: one for one in Validation}
_STATES = {one.value: one for one in ProcessState}
_ENDINGS = {"revoked": EventKind.REVOKED, "renounced": EventKind.RENOUNCED}


class World:
    """
    Everything that a test file says is true at its moment.

    Attributes:
        now: the moment.
        people: the persons by their names in the file.
        companies: what names a company, national or foreign, likewise.
        entities: what other services own, likewise.
        cnpj: the national ones among them.
        cases: the tables of the cases.
    """

    def __init__(self, top: Table) -> None:
        with top:
            self.now: datetime = top.moment("now").astimezone(UTC)
            self.people = self._read_people(top.named("people"))
            self._logins = self._read_logins(top.named("logins"))
            self.entities = self._read_entities(top.named("entities"))
            self.cnpj, self._bonds = self._read_companies(top.named("companies"))
            self.companies, self._foreign = self._read_foreign(top.named("foreign"))
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

    def _read_logins(self, tables: Mapping[str, Table]) -> dict[str, Login]:
        logins: dict[str, Login] = {}
        for name, table in tables.items():
            with table:
                login = Login.parse(table.take("login", str, name))
                if name in self.people:
                    raise SuiteInvalid(table.where, "has the name of a person")
                if login in logins.values():
                    raise SuiteInvalid(table.where, "has the same `login` as another")
                logins[name] = login
        return logins

    def _read_entities(self, tables: Mapping[str, Table]) -> dict[str, Thing]:
        entities: dict[str, Thing] = {}
        for name, table in tables.items():
            with table:
                if name in self.people or name in self._logins:
                    raise SuiteInvalid(table.where, "has the name of a person or login")
                named = EntityName(table.take("type", str), table.take("id", str, name))
                entities[name] = Thing(named, table.take("properties", dict, {}))
        return entities

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

    def _read_foreign(
        self, tables: Mapping[str, Table]
    ) -> tuple[dict[str, CompanyId], dict[CompanyId, ForeignCompany]]:
        found: dict[str, CompanyId] = dict(self.cnpj)
        registered: dict[CompanyId, ForeignCompany] = {}
        for number, (name, table) in enumerate(tables.items()):
            with table:
                given = table.take("number", str, None)
                own = ForeignId.of_number(number)
                if given is not None:
                    own = ForeignId.parse(given, "number")
                if name in found:
                    raise SuiteInvalid(table.where, "has the name of another company")
                if own in found.values():
                    raise SuiteInvalid(table.where, "has the same `number` as another company")
                found[name] = own
                validation = table.word("validation", _VALIDATIONS, Validation.PENDING)
                if validation is not None:
                    registered[own] = self._registered(table, own, validation)
        return found, registered

    def _registered(self, table: Table, own: ForeignId, validation: Validation) -> ForeignCompany:
        validated = validation is Validation.VALIDATED
        return ForeignCompany(
            id=own,
            name=table.where,
            country=table.take("country", str, "DE"),
            representatives=tuple(
                known(table, "representatives", one, self._logins)
                for one in table.names("representatives", [])
            ),
            registered_at=self.now,
            validation=validation,
            validated_at=table.moment("validated_at", self.now if validated else None),
        )

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
                company=table.word("company", self.cnpj),
                person=table.word("person", self.people).cpf,
                role=table.word("role", _ROLES),
                evidence=table.word("evidence", EVIDENCE, Evidence.GOVBR),
                observed_at=table.moment("observed_at", self.now),
                ends_at=table.moment("ends_at", None),
                cadastrador=table.take("cadastrador", bool, None),
            )

    def _delegation(self, number: int, table: Table) -> Delegation:
        with table:
            process = table.word("process", self._processes)
            until, at = table.day("until"), table.moment("at", self.now)
            actors = [(EventKind.GRANTED, table.word("by", self.people).cpf)]
            for name in table.names("confirmed_by", []):
                confirmer = known(table, "confirmed_by", name, self.people)
                actors.append((EventKind.CONFIRMED, confirmer.cpf))
            member = table.word("member", self.people).cpf
            ended = table.word("ended", _ENDINGS, None)
            if ended is not None:
                actors.append((ended, member))
            history = [Event(kind, at, actor, "test", None, until) for kind, actor in actors]
            return Delegation(
                id=str(number),
                company=table.word("company", self.cnpj),
                member=member,
                process=process.id,
                version=check_version(table.take("version", int, process.version), "version"),
                history=tuple(history),
            )

    def actors(self, case: Table) -> dict[str, Actor]:
        """
        Take those who act in *case*, by their names: persons, logins, subjects.

        Raises:
            SuiteInvalid: one is described nowhere, or there is none.
        """
        found: dict[str, Actor] = {}
        for name in case.names("people", []):
            found[name] = known(case, "people", name, self.people).cpf
        for name in case.names("logins", []):
            found[name] = known(case, "logins", name, self._logins)
        for name in case.names("subjects", []):
            found[name] = known(case, "subjects", name, self.entities)
        if not found:
            raise SuiteInvalid(case.where, "`people`, `logins` or `subjects` is missing")
        return found

    def records(
        self, question: Question, company: CompanyId | None, process: str, said: SignInSaid | None
    ) -> Known:
        """Give the records that bear on *question*, about *company* and the process so named."""
        actor, definition = question.actor, self._processes.get(process)
        mine = [
            one
            for one in self._delegations
            if definition is not None
            and (one.company, one.member, one.process) == (company, actor, definition.id)
        ]
        own = None if said is None or not isinstance(actor, Cpf) else said.of(actor, self.now)
        return Known(
            people=tuple(self.people.values()),
            process=definition,
            delegation=mine[-1] if mine else None,
            bond=self._bonds.get(company) if isinstance(company, Cnpj) else None,
            standings=tuple(self._standings),
            sign_in=own,
            foreign=None if company is None else self._foreign.get(company),
        )


def known(table: Table, name: str, value: str, words: Mapping[str, Value]) -> Value:
    """
    Give what *value*, of the member *name*, stands for.

    Raises:
        SuiteInvalid: it is described nowhere.
    """
    if value not in words:
        raise SuiteInvalid(table.where, f"`{name}` has `{value}`, which is described nowhere")
    return words[value]
