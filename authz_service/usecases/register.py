"""Register: take asserted persons, standing and bonds into the store, and write it down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from authz_service.domain.decision import Caller
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf, without_cpf
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.ports import Clock, Registry, Surrogates


@dataclass(frozen=True, slots=True)
class Registrar:
    """
    Takes what a caller with the scope for it asserts about persons and companies.

    Attributes:
        registry: where it is kept.
        surrogates: the names of persons in the log.
        acts: where it is written down.
        clock: the present instant.
    """

    registry: Registry
    surrogates: Surrogates
    acts: ActLog
    clock: Clock

    def person(self, cpf: Cpf, *, registered: bool, confirmed: bool, caller: Caller) -> Person:
        """
        Say whether a person has registered at GOV.BR and is confirmed by Orquestra.

        Raises:
            InvalidInput: confirmed without being registered.
        """
        now = self.clock()
        person = Person(
            cpf,
            registered_at=now if registered else None,
            confirmed_at=now if confirmed else None,
        )
        details: Details = {
            "person": self._name(cpf),
            "registered": registered,
            "confirmed": confirmed,
        }
        self.registry.save_person(person, partial(self.acts.did, "person.assert", caller, details))
        return person

    def confirm(self, cpf: Cpf, caller: Caller) -> Person:
        """
        Take Orquestra's word that the registration of a member is confirmed (Etapa 2).

        Raises:
            InvalidInput: the person has not registered through GOV.BR.
        """
        # Before anything is made for the log: who never registered leaves no pairing behind.
        person = self.registry.person(cpf)
        if person is not None and person.registered_at is not None:
            told = partial(self.acts.did, "person.confirm", caller, {"person": self._name(cpf)})
            person = self.registry.confirm(cpf, self.clock(), told)
            if person is not None:
                return person
        raise InvalidInput("cpf", "has not registered through GOV.BR")

    def standing(
        self, company: Cnpj, cpf: Cpf, role: Role, ends_at: datetime | None, caller: Caller
    ) -> Standing:
        """
        Say what a person is in a company; evidence is ``asserted``.

        Raises:
            InvalidInput: ``ends_at`` has no zone.
            Conflict: GOV.BR has answered about this person, and what it says counts.
        """
        standing = Standing(company, cpf, role, Evidence.ASSERTED, self.clock(), ends_at)
        details: Details = {
            "person": self._name(cpf),
            "company": company.value,
            "role": role.value,
            "ends_at": None if ends_at is None else ends_at.isoformat(),
        }
        self.registry.save_standing(
            standing, partial(self.acts.did, "standing.assert", caller, details)
        )
        return standing

    def bond(
        self, filial: Cnpj, matriz: Cnpj, proof: str, last_day: date | None, caller: Caller
    ) -> Bond:
        """
        Record that a filial belongs to a matriz, and where the proof is kept.

        Raises:
            InvalidInput: the two cannot be bound, or the proof is empty.
        """
        bond = Bond(filial, matriz, proof, self.clock(), last_day)
        details: Details = {
            "filial": filial.value,
            "matriz": matriz.value,
            "proof": without_cpf(proof),
            "last_day": None if last_day is None else last_day.isoformat(),
        }
        self.registry.save_bond(bond, partial(self.acts.did, "bond.record", caller, details))
        return bond

    def _name(self, cpf: Cpf) -> str:
        return self.surrogates.surrogates([cpf])[cpf]
