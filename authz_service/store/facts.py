"""
Gathers what is known about a batch of questions: one state, six reads, whatever the batch.

A seventh is for the sign-ins, if any question brings the handle of one.

Each read asks for all the companies and persons of the batch at once and may find more
than one question needs; which record bears on which question is sorted out afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.delegation import Delegation, latest
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Person, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessName, resolve
from authz_service.domain.sign_in import SignIn
from authz_service.store.catalogue import read_catalogue
from authz_service.store.database import Database, revision_of
from authz_service.store.delegations import read_delegations
from authz_service.store.registry import person_in, standing_in
from authz_service.store.schema import bonds, delegations, people, standings
from authz_service.store.sign_ins import sign_ins_of
from authz_service.usecases.ports import Snapshot

_PEOPLE = select(people).where(people.c.cpf.in_(bindparam("people", expanding=True)))
_BONDS = select(bonds).where(
    bonds.c.superseded_at.is_(None), bonds.c.filial.in_(bindparam("companies", expanding=True))
)
_STANDINGS = select(standings).where(
    standings.c.superseded_at.is_(None),
    standings.c.company.in_(bindparam("companies", expanding=True)),
    standings.c.person.in_(bindparam("people", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class _Found:
    """
    What one state of the store holds about a batch.

    Attributes:
        catalogue: all processes.
        people: actors and recipients.
        bonds: the current ones of the companies asked about, by filial.
        delegations: the latest by company, member and process.
        standings: the current ones, one for each kind of evidence, by company and person.
        sign_ins: those whose handles were brought, by handle.
    """

    catalogue: Sequence[ProcessDefinition]
    people: Mapping[Cpf, Person]
    bonds: Mapping[Cnpj, Bond]
    delegations: Mapping[tuple[Cnpj, Cpf, ProcessId], Delegation]
    standings: Mapping[tuple[Cnpj, Cpf], Sequence[Standing]]
    sign_ins: Mapping[str, SignIn]

    def known(self, question: Question, process: ProcessDefinition | None) -> Known:
        """Give what bears on *question*, which is about *process* or none that exists."""
        company = question.resource.company
        bond = self.bonds.get(company)
        delegation = None
        if process is not None:
            delegation = self.delegations.get((company, question.actor, process.id))
        backers = () if delegation is None else delegation.backers
        companies = [company] if bond is None else [company, bond.matriz]
        return Known(
            people=tuple(self.people[cpf] for cpf in _people(question) if cpf in self.people),
            process=process,
            delegation=delegation,
            bond=bond,
            standings=tuple(
                standing
                for where in companies
                for person in dict.fromkeys([question.actor, *backers])
                for standing in self.standings.get((where, person), ())
            ),
            sign_in=None if question.sign_in is None else self.sign_ins.get(question.sign_in),
        )


@dataclass(frozen=True, slots=True)
class SqlFacts:
    """
    The port ``FactSource`` on SQL.

    Attributes:
        database: where the facts are kept.
    """

    database: Database

    def gather(self, questions: Sequence[Question], moment: datetime) -> Snapshot:
        """
        Read all facts in one transaction, with a number of reads that does not grow.

        Raises:
            AmbiguousProcess: a question names a process by a code that several have.
            StoreUnavailable: the database did not answer.
        """
        with self.database.read() as connection:
            revision = revision_of(connection)
            found = _read(connection, questions)
        names = dict.fromkeys(name for one in questions if (name := _named(one)) is not None)
        meant = {name: resolve(name, found.catalogue) for name in names}
        facts = []
        for question in questions:
            name = _named(question)
            process = None if name is None else meant[name]
            facts.append(facts_of(question, found.known(question, process), moment))
        return Snapshot(revision, tuple(facts))


def _named(question: Question) -> ProcessName | None:
    resource = question.resource
    return resource.name if isinstance(resource, ProcessAsked) else None


def _people(question: Question) -> list[Cpf]:
    actor, recipient = question.actor, question.recipient
    return [actor] if recipient is None else [actor, recipient]


def _read(connection: Connection, questions: Sequence[Question]) -> _Found:
    companies = list({one.resource.company for one in questions})
    actors = list({one.actor for one in questions})
    named = list({cpf for one in questions for cpf in _people(one)})
    known_people = connection.execute(_PEOPLE, {"people": named})
    known_bonds = connection.execute(_BONDS, {"companies": companies})
    found_people = {row.cpf: person_in(row) for row in known_people}
    found_bonds = {
        row.filial: Bond(row.filial, row.matriz, row.proof, row.recorded_at, row.last_day)
        for row in known_bonds
    }
    found_delegations = _read_delegations(connection, companies, actors)
    matrizes = [bond.matriz for bond in found_bonds.values()]
    backers = [cpf for one in found_delegations.values() for cpf in one.backers]
    handles = list({one.sign_in for one in questions if one.sign_in is not None})
    return _Found(
        catalogue=read_catalogue(connection),
        people=found_people,
        bonds=found_bonds,
        delegations=found_delegations,
        standings=_read_standings(
            connection, list({*companies, *matrizes}), list({*actors, *backers})
        ),
        sign_ins=sign_ins_of(connection, handles) if handles else {},
    )


def _read_delegations(
    connection: Connection, companies: list[Cnpj], members: list[Cpf]
) -> dict[tuple[Cnpj, Cpf, ProcessId], Delegation]:
    found: dict[tuple[Cnpj, Cpf, ProcessId], list[Delegation]] = {}
    for one in read_delegations(
        connection, delegations.c.company.in_(companies), delegations.c.member.in_(members)
    ):
        found.setdefault((one.company, one.member, one.process), []).append(one)
    # A list of one key is never empty, so there is a latest; the test is for the types.
    return {key: last for key, several in found.items() if (last := latest(several)) is not None}


def _read_standings(
    connection: Connection, companies: list[Cnpj], persons: list[Cpf]
) -> dict[tuple[Cnpj, Cpf], list[Standing]]:
    found: dict[tuple[Cnpj, Cpf], list[Standing]] = {}
    for row in connection.execute(_STANDINGS, {"companies": companies, "people": persons}):
        found.setdefault((row.company, row.person), []).append(standing_in(row))
    return found
