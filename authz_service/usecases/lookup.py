"""
Look up: what is known of persons and companies, shown in clear to callers who may see it.

Whoever reads personal data leaves a line in the log, under surrogates, before anything is
shown: who asked, from where, and about whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from authz_service.domain.companies import Origin, Validation
from authz_service.domain.decision import Caller, Subject
from authz_service.domain.errors import NotFound
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf
from authz_service.domain.people import Bond, Person, Standing
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.ports import FactSource, Registry, Surrogates
from authz_service.usecases.stores import CompanyKnown, Directory, Page


@dataclass(frozen=True, slots=True)
class PersonKnown:
    """
    A person of whom something is known.

    Attributes:
        person: when registered and confirmed, or None if only standing is known.
        standings: what the person is, in which company; current ones only.
    """

    person: Person | None
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """
    Shows persons, standing and companies, and writes down who saw whom.

    Attributes:
        registry: where persons are kept.
        directory: where lists come from.
        facts: knows which state the store is in.
        surrogates: the names of persons in the log.
        acts: where it is written down.
    """

    registry: Registry
    directory: Directory
    facts: FactSource
    surrogates: Surrogates
    acts: ActLog

    def person(self, cpf: Cpf, caller: Caller) -> PersonKnown:
        """
        Give what is known of a person.

        Raises:
            NotFound: nothing is.
        """
        person = self.registry.person(cpf)
        known = PersonKnown(person, tuple(self.registry.standing_of(cpf)))
        found = person is not None or bool(known.standings)
        # Who is unknown gets no pairing by being asked for; the question is written down.
        name = self._names([cpf])[0] if found else self.surrogates.known(cpf)
        self._saw("person.lookup", caller, {"person": name, "found": found})
        if not found:
            raise NotFound("nothing is known of this person")
        return known

    def standings(
        self, company: Cnpj | None, cpf: Cpf | None, after: str | None, limit: int, caller: Caller
    ) -> Page[Standing]:
        """Give current standings of a company, a person, or both; see ``Directory.standings``."""
        page = self.directory.standings(company, cpf, after, limit)
        details = {
            "company": None if company is None else company.value,
            "person": None if cpf is None else self.surrogates.known(cpf),
            "people": self._names(one.person for one in page.items),
        }
        self._saw("standing.search", caller, details)
        return page

    def company(self, company: CompanyId, caller: Caller, *, clear: bool) -> CompanyKnown:
        """
        Give what is known of a company.

        Args:
            company: which.
            caller: who asks.
            clear: whether the caller sees the logins of its representatives, which is an act.

        Raises:
            NotFound: nothing is known of it.
        """
        known = self.directory.company(company)
        if known is None:
            raise NotFound("nothing is known of this company")
        if clear and known.foreign is not None and known.foreign.representatives:
            people = self._names(known.foreign.representatives)
            self._saw("company.lookup", caller, {"company": company.value, "people": people})
        return known

    def companies(
        self, origin: Origin | None, validation: Validation | None, after: str | None, limit: int
    ) -> Page[CompanyKnown]:
        """Give companies; see ``Directory.companies``. Nobody sees logins in a list."""
        return self.directory.companies(origin, validation, after, limit)

    def bonds(self, company: Cnpj, after: str | None, limit: int) -> Page[Bond]:
        """Give the bonds of a company; see ``Directory.bonds``."""
        return self.directory.bonds(company, after, limit)

    def _saw(self, act: str, caller: Caller, details: Details) -> None:
        self.acts.did(act, caller, details, self.facts.gather((), self.acts.clock()).revision)

    def _names(self, subjects: Iterable[Subject]) -> tuple[str, ...]:
        """Give the surrogates of *subjects*, each once, in their order."""
        wanted = list(dict.fromkeys(subjects))
        names = self.surrogates.surrogates(wanted)
        return tuple(names[one] for one in wanted)
