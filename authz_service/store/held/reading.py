"""Reads what bears on questions, for what is held: in one statement, past SQLAlchemy's rows."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.entities import Thing
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login, ProcessId
from authz_service.domain.known import Known
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import (
    Ambiguous,
    ProcessDefinition,
    ProcessName,
    ProcessState,
    meaning,
)
from authz_service.domain.sign_in import Companies, Level, SignIn
from authz_service.store.catalogue import in_order
from authz_service.store.columns import EPOCH
from authz_service.store.database import Database
from authz_service.store.held.found import Found
from authz_service.store.held.statement import (
    DAY,
    NUMBER,
    TEXT,
    Kind,
    Sizes,
    named,
    size,
    statement_for,
)

Row = Sequence[Any]


_MOST_NAMES = 10_000


class Names:
    """
    What processes are called, looked up once for each name.

    Attributes:
        catalogue: the processes, by code and title.
    """

    def __init__(self, catalogue: Sequence[ProcessDefinition]) -> None:
        self.catalogue = catalogue
        self._meant: dict[str, ProcessDefinition | Ambiguous | None] = {}

    def meaning(self, name: ProcessName) -> ProcessDefinition | Ambiguous | None:
        """Give the process that a name means, or those that it could mean; see ``processes``."""
        meant = self._meant
        if name.text in meant:
            return meant[name.text]
        found = meaning(name, self.catalogue)
        if len(meant) >= _MOST_NAMES:
            # Whoever makes up names finds the real ones looked up again.
            self._meant = meant = {}
        meant[name.text] = found
        return found


@dataclass(frozen=True, slots=True)
class Read:
    """
    What was read.

    Attributes:
        revision: the state that it is out of.
        found: what that holds about the questions.
        names: the processes, and what they are called; those that were given, if any were.
    """

    revision: int
    found: Found
    names: Names

    def about(self, question: Question) -> Known | Ambiguous:
        """Give what bears on *question*, or what the name of its process could mean."""
        process = None
        if isinstance(question.resource, ProcessAsked):
            process = self.names.meaning(question.resource.name)
        if isinstance(process, Ambiguous):
            return process
        return self.found.known(question, process)


class Reading:
    """Reads batches of questions out of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements: dict[Sizes, str] = {}

    def read(self, questions: Sequence[Question], names: Names | None) -> Read:
        """
        Read what bears on *questions*, out of one state.

        Args:
            questions: what is asked.
            names: the processes, where they are known; else they are read as well.

        Raises:
            StoreUnavailable: the database did not answer, or holds what cannot be read.
        """
        asked = _Asked(questions)
        sizes = asked.sizes(with_catalogue=names is None)
        sql = self._statements.get(sizes)
        if sql is None:
            sql = self._statements[sizes] = self._database.text_of(statement_for(sizes))
        return self._database.ask(sql, asked.parameters(), lambda rows: _read(rows, names))


class _Asked:
    """Whom and what a batch of questions is about, each once."""

    def __init__(self, questions: Sequence[Question]) -> None:
        people: dict[str, None] = {}
        actors: dict[str, None] = {}
        members: dict[str, None] = {}
        companies: dict[str, None] = {}
        foreign: dict[str, None] = {}
        handles: dict[str, None] = {}
        for one in questions:
            actor, resource = one.actor, one.resource
            if isinstance(actor, Cpf):
                people[actor.digits] = actors[actor.digits] = None
                if isinstance(resource, ProcessAsked):
                    members[actor.digits] = None
            if one.recipient is not None:
                people[one.recipient.digits] = None
            if one.sign_in is not None:
                handles[one.sign_in] = None
            if not isinstance(resource, Thing):
                company = resource.company
                (foreign if isinstance(company, ForeignId) else companies)[company.value] = None
        self._texts = {
            "people": list(people),
            "actors": list(actors),
            "members": list(members),
            "companies": list(companies),
            "foreign": list(foreign),
            "handles": list(handles),
        }

    def sizes(self, *, with_catalogue: bool) -> Sizes:
        """Give the size of the statement that asks for all of it."""
        sizes = {name: size(len(texts)) for name, texts in self._texts.items()}
        return Sizes(**sizes, catalogue=with_catalogue)

    def parameters(self) -> dict[str, str]:
        """Give the parameters of that statement."""
        return {
            name: text for kind, texts in self._texts.items() for name, text in named(kind, texts)
        }


def _read(rows: Iterable[Row], names: Names | None) -> Read:
    kinds: list[list[Row]] = [[] for _ in Kind]
    for row in rows:
        kinds[row[0]].append(row)
    [[revision]] = [row[NUMBER : NUMBER + 1] for row in kinds[Kind.REVISION]]
    if names is None:
        names = Names(in_order(_process(row) for row in kinds[Kind.PROCESS]))
    found = Found(
        catalogue=names.catalogue,
        people={one.cpf: one for one in map(_person, kinds[Kind.PERSON])},
        bonds={one.filial: one for one in map(_bond, kinds[Kind.BOND])},
        delegations=_delegations(kinds[Kind.EVENT]),
        standings=_standings(kinds[Kind.STANDING]),
        sign_ins={one.handle: one for one in map(_sign_in, kinds[Kind.SIGN_IN])},
        foreign=_foreign(kinds[Kind.FOREIGN]),
    )
    return Read(revision, found, names)


def _instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def _or_none(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def _day(row: Row) -> date | None:
    # The one driver knows days, the other gives the text that is kept.
    day = row[DAY]
    return date.fromisoformat(day) if isinstance(day, str) else day


def _process(row: Row) -> ProcessDefinition:
    identity, code, title, state = row[TEXT : TEXT + 4]
    return ProcessDefinition(ProcessId(identity), code, title, row[NUMBER], ProcessState(state))


def _person(row: Row) -> Person:
    registered, confirmed = row[NUMBER], row[NUMBER + 1]
    return Person(Cpf(row[TEXT]), _or_none(registered), _or_none(confirmed))


def _bond(row: Row) -> Bond:
    filial, matriz, proof = row[TEXT : TEXT + 3]
    return Bond(Cnpj(filial), Cnpj(matriz), proof, _instant(row[NUMBER]), _day(row))


def _delegations(rows: list[Row]) -> Mapping[tuple[Cnpj, Cpf, ProcessId], Delegation]:
    """Give the latest of each company, member and process; its events come in any order."""
    rows.sort(key=operator.itemgetter(NUMBER, NUMBER + 1))
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        company, member, process = row[TEXT + 1 : TEXT + 4]
        theirs = found.setdefault((company, member, process), [])
        if theirs and theirs[0][NUMBER] != row[NUMBER]:
            # An earlier one, which ended.
            theirs.clear()
        theirs.append(row)
    last = map(_delegation, found.values())
    return {(one.company, one.member, one.process): one for one in last}


def _delegation(rows: Sequence[Row]) -> Delegation:
    identity, company, member, process = rows[0][TEXT : TEXT + 4]
    return Delegation(
        identity,
        Cnpj(company),
        Cpf(member),
        ProcessId(process),
        rows[0][NUMBER + 3],
        tuple(map(_event, rows)),
    )


def _event(row: Row) -> Event:
    kind, actor, caller, why = row[TEXT + 4 : TEXT + 8]
    return Event(EventKind(kind), _instant(row[NUMBER + 2]), Cpf(actor), caller, why, _day(row))


def _standings(rows: Iterable[Row]) -> Mapping[tuple[Cnpj, Cpf], Sequence[Standing]]:
    found: dict[tuple[Cnpj, Cpf], list[Standing]] = {}
    for row in rows:
        company, person, role, evidence = row[TEXT : TEXT + 4]
        observed, ends, cadastrador = row[NUMBER : NUMBER + 3]
        one = Standing(
            Cnpj(company),
            Cpf(person),
            Role(role),
            Evidence(evidence),
            _instant(observed),
            _or_none(ends),
            None if cadastrador is None else bool(cadastrador),
        )
        found.setdefault((one.company, one.person), []).append(one)
    return found


def _sign_in(row: Row) -> SignIn:
    identity, handle, digest, client, person, methods, level, company, companies = row[TEXT:DAY]
    agent, authenticated, began, ends = row[NUMBER : NUMBER + 4]
    return SignIn(
        id=identity,
        handle=handle,
        digest=digest,
        client=client,
        person=Cpf(person),
        methods=tuple(json.loads(methods)),
        level=None if level is None else Level(level),
        certificate_company=None if company is None else Cnpj(company),
        agent=bool(agent),
        authenticated_at=_or_none(authenticated),
        began_at=_instant(began),
        ends_at=_instant(ends),
        companies=Companies(companies),
    )


def _foreign(rows: list[Row]) -> Mapping[ForeignId, ForeignCompany]:
    # A company without representatives comes once, without a login and its number.
    rows.sort(key=lambda row: (row[TEXT], row[NUMBER + 2] or 0))
    found = {}
    for number, group in groupby(rows, key=operator.itemgetter(TEXT)):
        theirs = list(group)
        _, name, country, validation = theirs[0][TEXT : TEXT + 4]
        registered, validated = theirs[0][NUMBER : NUMBER + 2]
        company = ForeignId(number)
        found[company] = ForeignCompany(
            company,
            name,
            country,
            tuple(Login(row[TEXT + 4]) for row in theirs if row[TEXT + 4] is not None),
            _instant(registered),
            Validation(validation),
            _or_none(validated),
        )
    return found
