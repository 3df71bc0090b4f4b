"""
Ports of the store: delegations, catalogue, clients, intake, foreign companies, lists in parts.

Those of facts, surrogates, persons, sign-ins and personal data are in ``ports``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.companies import ForeignCompany, Origin, Validation
from authz_service.domain.delegation import Change, Delegation
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, ProcessId
from authz_service.domain.people import Bond, Person, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessVersion
from authz_service.usecases.ports import Told

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """
    A part of a list.

    Attributes:
        items: what is in it, in the order of the list.
        next: what to give as *after* for the part that follows, or None where nothing does.
    """

    items: tuple[Item, ...]
    next: str | None = None

    @classmethod
    def of(cls, found: Sequence[Item], limit: int, name: Callable[[Item], str]) -> Page[Item]:
        """
        Cut a page off the beginning of what follows the page before.

        Args:
            found: in the order of the list; one more than *limit* tells that there is a next page.
            limit: how many at most, 1 or more.
            name: gives what the list is gone on with after an item, if that is the last one.
        """
        items = tuple(found[:limit])
        return cls(items, name(items[-1]) if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class CompanyKnown:
    """
    A company of which the store knows something.

    Attributes:
        id: its number.
        foreign: what is registered of a foreign one, None for a national one.
        bond: the recorded bond of a filial to its matriz, or None.
    """

    id: CompanyId
    foreign: ForeignCompany | None = None
    bond: Bond | None = None


class Delegations(Protocol):
    """Keeps delegations and all that happened to them."""

    def of_company(self, company: Cnpj, member: Cpf | None = None) -> list[Delegation]:
        """Give all of a company's delegations, or those of one member, oldest first."""

    def find(self, delegation_id: str) -> Delegation | None:
        """Give one delegation by its id."""

    def apply(self, change: Change, told: Told, unchanged: Callable[[], bool]) -> int:
        """
        Do all of *change* in one transaction, and give the new revision; see ``Told``.

        If the store is not at ``change.revision`` any more, *unchanged* is asked, while nobody
        else can write, whether all that the change was decided on is still so.

        Raises:
            Conflict: it is not, or the delegations are not the ones that ``change.seen`` holds.
        """


class Catalogue(Protocol):
    """Keeps the process definitions."""

    def processes(self) -> list[ProcessDefinition]:
        """Give all processes, by code and title."""

    def versions(self, process: ProcessId) -> list[ProcessVersion]:
        """Give the versions of a process that the catalogue has had, the oldest first."""

    def save_processes(
        self,
        processes: Sequence[ProcessDefinition],
        moment: datetime,
        told: Told,
        seen: Sequence[ProcessDefinition] | None = None,
    ) -> int:
        """
        Add or replace these, by id, in one transaction; the others stay.

        A version that a process did not have before is kept with *moment*. Gives the new
        revision; see ``Told``.

        Raises:
            Conflict: all processes are not what was *seen* any more, where that is given.
        """


class ClientStore(Protocol):
    """Keeps clients and the digests of their keys."""

    def clients(self) -> list[Client]:
        """Give all clients with all their keys, by name."""

    def client_of_key(
        self, key_id: str, *, looked: bool = False
    ) -> tuple[Client, ClientKey] | None:
        """Give the key with this id and whose it is."""

    def add_client(self, client: Client, told: Told) -> int:
        """
        Keep a new client and its keys, and give the revision; see ``Told``.

        Raises:
            Conflict: there is a client of this name, or a key of one of these ids.
        """

    def save_client(self, client: Client, told: Told) -> int:
        """
        Add or replace a client and its keys, by name, and give the revision; see ``Told``.

        Keys that *client* does not mention stay as they are.
        """


class Outcome(StrEnum):
    """What became of a row that was brought."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    """There already; of a delegation, an open one for the same process, whatever it says."""
    ANSWERED = "answered"
    """A standing of a person about whom GOV.BR has answered; not written."""
    UNREGISTERED = "unregistered"
    """A delegation to a member who is not registered; not written."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of all that was brought, in its order."""

    people: tuple[Outcome, ...]
    standings: tuple[Outcome, ...]
    delegations: tuple[Outcome, ...]


Progress = Callable[[str, int, int], None]
"""Hears how far long work is: what is being done, how much of it, of how much."""


class Intake(Protocol):
    """Takes over what another system has."""

    def bring(
        self,
        people: Sequence[Person],
        standings: Sequence[Standing],
        delegations: Sequence[Delegation],
        told: Callable[[Brought, int], None] | None,
        progress: Progress,
    ) -> Brought:
        """
        Keep all that can be kept, in one transaction, and tell what became of each.

        Registration and confirmation that are there already stay as they are. No company,
        person or open delegation may be brought twice. All other writers wait meanwhile.

        Args:
            people: registered persons.
            standings: asserted ones.
            delegations: with nothing but their grants.
            told: as ``Told``, with the outcomes; None to find out only, and write nothing.
            progress: hears how far it is.
        """


class ForeignCompanies(Protocol):
    """Keeps foreign companies. Each write gives the new revision; see ``Told``."""

    def find(self, company: ForeignId) -> ForeignCompany | None:
        """Give a company by its number."""

    def add(self, company: ForeignCompany, told: Told) -> int:
        """
        Keep a new company.

        Raises:
            Conflict: its number is taken.
        """

    def change(
        self, before: ForeignCompany, after: ForeignCompany, moment: datetime, told: Told
    ) -> int:
        """
        Replace what is kept of a company; the logins it had stay in its history, with an end.

        *moment* is when: logins begin and end with it. Those that stay keep their place before
        those that are new.

        Raises:
            Conflict: what is kept is not *before* any more.
        """


class Directory(Protocol):
    """Gives long lists in parts, each part as of one state of the store."""

    def company(self, company: CompanyId) -> CompanyKnown | None:
        """Give what is known of one company, or None if nothing is."""

    def companies(
        self,
        origin: Origin | None,
        validation: Validation | None,
        after: str | None,
        limit: int,
    ) -> Page[CompanyKnown]:
        """
        Give companies: national ones that anything is known of, then foreign ones; by number.

        Args:
            origin: only those of this origin.
            validation: only foreign ones of this validation.
            after: where the last page ended.
            limit: how many at most, 1 or more.

        Raises:
            InvalidInput: *after* is nothing that a page ended with; names ``token``.
        """

    def bonds(self, company: Cnpj, after: str | None, limit: int) -> Page[Bond]:
        """
        Give the current bonds in which a company is the filial or the matriz, by filial.

        Raises:
            InvalidInput: *after* is nothing that a page ended with; names ``token``.
        """

    def standings(
        self, company: Cnpj | None, person: Cpf | None, after: str | None, limit: int
    ) -> Page[Standing]:
        """
        Give current standings of a company, a person, or both; by company, person, evidence.

        Where a page ended says nothing of a person: it may come back in a request's path.

        Raises:
            InvalidInput: *after* is nothing that a page ended with, or the person with whom it
                ended was erased since; names ``token``.
        """
