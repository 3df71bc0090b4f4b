"""What one state of the store holds about a batch of questions, and which of it bears on which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authz_service.domain.companies import ForeignCompany
from authz_service.domain.decision import Question
from authz_service.domain.delegation import Delegation
from authz_service.domain.entities import Thing
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, ProcessId
from authz_service.domain.known import Known
from authz_service.domain.people import Bond, Person, Standing
from authz_service.domain.processes import ProcessDefinition
from authz_service.domain.sign_in import SignIn


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


def _company(question: Question) -> CompanyId | None:
    resource = question.resource
    return None if isinstance(resource, Thing) else resource.company


def _actors(question: Question) -> list[Cpf]:
    return [question.actor] if isinstance(question.actor, Cpf) else []


def _people(question: Question) -> list[Cpf]:
    recipient = question.recipient
    return [*_actors(question), *([] if recipient is None else [recipient])]
