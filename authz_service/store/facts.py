"""
Gathers what is known about a batch of questions: one state, and a read for each kind of fact.

At most eight, whatever the batch: the revision; the catalogue, persons, bonds, delegations and
standings; sign-ins, if any question brings the handle of one; foreign companies, if any
question is about one. What no question of the batch needs is not read.

Each read asks for all the companies and persons of the batch at once and may find more
than one question needs; which record bears on which question is sorted out afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from authz_service.domain.companies import ForeignCompany
from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.delegation import Delegation, latest
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Person, Standing
from authz_service.domain.processes import Ambiguous, ProcessDefinition, ProcessName, meaning
from authz_service.domain.sign_in import SignIn
from authz_service.store.catalogue import read_catalogue
from authz_service.store.database import Database, revision_of
from authz_service.store.delegations import read_delegations
from authz_service.store.foreign import read_foreign
from authz_service.store.registry import bond_in, person_in, standing_in
from authz_service.store.schema import bonds, delegations, foreign_companies, people, standings
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
class Found:
    """
    What one state of the store holds about a batch.

    Attributes:
        catalogue: all processes.
        people: actors and recipients.
        bonds: the current ones of the companies asked about, by filial.
        delegations: the latest by company, member and process.
        standings: the current ones, one for each kind of evidence, by company and person.
        sign_ins: those whose handles were brought, by handle.
        foreign: the foreign companies asked about, by number.
    """

    catalogue: Sequence[ProcessDefinition]
    people: Mapping[Cpf, Person]
    bonds: Mapping[Cnpj, Bond]
    delegations: Mapping[tuple[Cnpj, Cpf, ProcessId], Delegation]
    standings: Mapping[tuple[Cnpj, Cpf], Sequence[Standing]]
    sign_ins: Mapping[str, SignIn]
    foreign: Mapping[ForeignId, ForeignCompany]

    def known(self, question: Question, process: ProcessDefinition | None) -> Known:
        """Give what bears on *question*, which is about *process* or none that exists."""
        actor, company = question.actor, _company(question)
        delegation = bond = None
        where: list[Cnpj] = []
        if isinstance(company, Cnpj):
            bond = self.bonds.get(company)
            where = [company] if bond is None else [company, bond.matriz]
            if process is not None and isinstance(actor, Cpf):
                delegation = self.delegations.get((company, actor, process.id))
        backers = () if delegation is None else delegation.backers
        return Known(
            people=tuple(self.people[cpf] for cpf in _people(question) if cpf in self.people),
            process=process,
            delegation=delegation,
            bond=bond,
            standings=tuple(
                standing
                for place in where
                for person in dict.fromkeys([*_actors(question), *backers])
                for standing in self.standings.get((place, person), ())
            ),
            sign_in=None if question.sign_in is None else self.sign_ins.get(question.sign_in),
            foreign=self.foreign.get(company) if isinstance(company, ForeignId) else None,
        )


@dataclass(frozen=True, slots=True)
class SqlFacts:
    """
    The port ``FactSource`` on SQL.

    Attributes:
        database: where the facts are kept.
    """

    database: Database

    def gather(
        self,
        questions: Sequence[Question],
        moment: datetime,
        *,
        looked: bool = False,  # noqa: ARG002 - what is read now is new in any case
    ) -> Snapshot:
        """
        Read all facts in one transaction, with a number of reads that does not grow.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        with self.database.read() as connection:
            revision = revision_of(connection)
            found = _read(connection, questions)
        names = dict.fromkeys(name for one in questions if (name := _named(one)) is not None)
        meant = {name: meaning(name, found.catalogue) for name in names}
        facts: list[Facts | Ambiguous] = []
        for question in questions:
            name = _named(question)
            process = None if name is None else meant[name]
            if isinstance(process, Ambiguous):
                facts.append(process)
            else:
                facts.append(facts_of(question, found.known(question, process), moment))
        return Snapshot(revision, tuple(facts))


def _named(question: Question) -> ProcessName | None:
    resource = question.resource
    return resource.name if isinstance(resource, ProcessAsked) else None


def _company(question: Question) -> CompanyId | None:
    resource = question.resource
    return None if isinstance(resource, Thing) else resource.company


def _actors(question: Question) -> list[Cpf]:
    return [question.actor] if isinstance(question.actor, Cpf) else []


def _people(question: Question) -> list[Cpf]:
    recipient = question.recipient
    return [*_actors(question), *([] if recipient is None else [recipient])]


def _read(connection: Connection, questions: Sequence[Question]) -> Found:
    asked = {company for one in questions if (company := _company(one)) is not None}
    companies = [one for one in asked if isinstance(one, Cnpj)]
    foreign = [one for one in asked if isinstance(one, ForeignId)]
    actors = list({cpf for one in questions for cpf in _actors(one)})
    handles = list({one.sign_in for one in questions if one.sign_in is not None})
    by_name = [one for one in questions if _named(one) is not None]
    members = list({cpf for one in by_name for cpf in _actors(one)})
    found_bonds = _read_bonds(connection, companies)
    found_delegations = _read_delegations(connection, companies, members)
    matrizes = [bond.matriz for bond in found_bonds.values()]
    backers = [cpf for one in found_delegations.values() for cpf in one.backers]
    return Found(
        catalogue=read_catalogue(connection) if by_name else (),
        people=_read_people(connection, list({cpf for one in questions for cpf in _people(one)})),
        bonds=found_bonds,
        delegations=found_delegations,
        standings=_read_standings(
            connection, list({*companies, *matrizes}), list({*actors, *backers})
        ),
        sign_ins=sign_ins_of(connection, handles) if handles else {},
        foreign=_read_foreign(connection, foreign),
    )


def _read_people(connection: Connection, named: list[Cpf]) -> dict[Cpf, Person]:
    rows = connection.execute(_PEOPLE, {"people": named}) if named else ()
    return {row.cpf: person_in(row) for row in rows}


def _read_bonds(connection: Connection, companies: list[Cnpj]) -> dict[Cnpj, Bond]:
    rows = connection.execute(_BONDS, {"companies": companies}) if companies else ()
    return {row.filial: bond_in(row) for row in rows}


def _read_foreign(
    connection: Connection, companies: list[ForeignId]
) -> dict[ForeignId, ForeignCompany]:
    if not companies:
        return {}
    these = foreign_companies.c.id.in_(companies)
    return {one.id: one for one in read_foreign(connection, these)}


def _read_delegations(
    connection: Connection, companies: list[Cnpj], members: list[Cpf]
) -> dict[tuple[Cnpj, Cpf, ProcessId], Delegation]:
    if not (companies and members):
        return {}
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
    if not (companies and persons):
        return {}
    found: dict[tuple[Cnpj, Cpf], list[Standing]] = {}
    for row in connection.execute(_STANDINGS, {"companies": companies, "people": persons}):
        found.setdefault((row.company, row.person), []).append(standing_in(row))
    return found
