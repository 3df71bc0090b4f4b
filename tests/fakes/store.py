"""A store in dicts, which passes the same contract suite as the SQL one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, latest
from authz_service.domain.entities import Thing
from authz_service.domain.errors import Conflict, StoreBehind
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.processes import (
    Ambiguous,
    ProcessDefinition,
    ProcessVersion,
    meaning,
)
from authz_service.usecases.ports import Snapshot, Told
from tests.fakes.companies import MemoryDirectory, MemoryForeignCompanies
from tests.fakes.persons import (
    MemoryPersonalData,
    MemoryRegistry,
    MemorySignIns,
    MemorySurrogates,
)
from tests.fakes.tables import Tables


def untold(_revision: int) -> None:
    """Hear of a write that need not be in any log."""


class MemoryStore:
    """
    Keeps everything in dicts; for one thread.

    Each port has the attribute that it has in ``SqlStore``, but ``intake`` is a fake of its own,
    and what only a database needs, such as versions and back-ups, is not there.

    With ``broken`` set every call is refused, as a database that is gone would.
    """

    def __init__(self) -> None:
        self._tables = Tables()
        self.truth = MemoryTruth(self._tables)
        self.facts = MemoryFacts(self._tables)
        self.surrogates = MemorySurrogates(self._tables)
        self.registry = MemoryRegistry(self._tables)
        self.sign_ins = MemorySignIns(self._tables)
        self.personal_data = MemoryPersonalData(self._tables)
        self.delegations = MemoryDelegations(self._tables)
        self.catalogue = MemoryCatalogue(self._tables)
        self.clients = MemoryClients(self._tables)
        self.foreign = MemoryForeignCompanies(self._tables)
        self.directory = MemoryDirectory(self._tables)

    @property
    def broken(self) -> bool:
        """Whether every call is refused."""
        return self._tables.broken

    @broken.setter
    def broken(self, value: bool) -> None:
        self._tables.broken = value

    def create(self) -> None:
        """Make what is missing: nothing ever is."""

    def ping(self) -> str | None:
        """Give what is wrong, or None."""
        return "the database did not answer" if self.broken else None

    def close(self) -> None:
        """Let go of what is held: nothing is."""


class MemoryTruth:
    """The port ``Truth``: what is in memory is the truth itself."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def look(
        self,
        at_least: int = 0,
        *,
        asking: bool = False,
    ) -> int:
        """Give the revision."""
        revision = self._tables.well().revision
        if revision < at_least:
            raise StoreBehind("the store has not come to the revision that is demanded")
        return revision


class MemoryFacts:
    """The port ``FactSource``: looks up each question on its own."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @property
    def state(self) -> object:
        """None: each state is read anew."""
        return None

    def gather(
        self,
        questions: Sequence[Question],
        moment: datetime,
        *,
        looked: bool = False,
        heeded: bool = True,
    ) -> Snapshot:
        """Give the facts of each question, or what it could mean, and the revision."""
        tables = self._tables.well()
        return Snapshot(tables.revision, tuple(self._facts(one, moment) for one in questions))

    def _facts(self, question: Question, moment: datetime) -> Facts | Ambiguous:
        tables, asked = self._tables, question.resource
        company = None if isinstance(asked, Thing) else asked.company
        process = delegation = None
        if isinstance(asked, ProcessAsked):
            process = meaning(asked.name, tables.processes.values())
        if isinstance(process, Ambiguous):
            return process
        if process is not None:
            belongs_to = (company, question.actor, process.id)
            theirs = [
                one
                for one in tables.delegations.values()
                if (one.company, one.member, one.process) == belongs_to
            ]
            delegation = latest(theirs)
        bond = next((one for one in tables.bonds.values() if one.filial == company), None)
        companies = {company} if bond is None else {company, bond.matriz}
        backers = () if delegation is None else delegation.backers
        known = Known(
            people=tuple(
                person
                for cpf, person in tables.people.items()
                if cpf in (question.actor, question.recipient)
            ),
            process=process,
            delegation=delegation,
            bond=bond,
            standings=tuple(
                one
                for one in tables.standings.values()
                if one.company in companies and one.person in (question.actor, *backers)
            ),
            sign_in=next(
                (one for one in tables.sign_ins.values() if one.handle == question.sign_in), None
            ),
            foreign=next((one for one in tables.foreign.values() if one.id == company), None),
        )
        return facts_of(question, known, moment)


class MemoryDelegations:
    """The port ``Delegations``; the dict's order is the order of granting."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def of_company(self, company: Cnpj, member: Cpf | None = None) -> list[Delegation]:
        """Give a company's delegations, or those of one member, oldest first."""
        return [
            one
            for one in self._tables.well().delegations.values()
            if one.company == company and member in (None, one.member)
        ]

    def find(self, delegation_id: str) -> Delegation | None:
        """Give one delegation by its id."""
        return self._tables.well().delegations.get(delegation_id)

    def apply(
        self, change: Change, told: Told, unchanged: Callable[[], bool] = lambda: False
    ) -> int:
        """Do all of *change*, or refuse what contradicts the store as a database would."""
        if self._tables.well().revision != change.revision and not unchanged():
            raise Conflict("the store was changed meanwhile")
        theirs = {one.id: one for one in self.of_company(change.company, change.member)}
        if set(theirs.values()) != set(change.seen):
            raise Conflict("the delegations were changed meanwhile")
        for delegation_id, event in change.events:
            if delegation_id not in theirs:
                raise Conflict("an event belongs to no delegation of this member")
            before = theirs[delegation_id]
            theirs[delegation_id] = replace(before, history=(*before.history, event))
        after = self._tables.delegations | theirs
        for one in change.granted:
            if one.id in after or one.process not in self._tables.processes:
                raise Conflict("what is to be written contradicts what is stored")
            after[one.id] = one
        still_open = Counter(
            (one.company, one.member, one.process) for one in after.values() if one.ended is None
        )
        if any(count > 1 for count in still_open.values()):
            raise Conflict("what is to be written contradicts what is stored")
        return self._tables.revise(told, delegations=after)


class MemoryCatalogue:
    """The port ``Catalogue``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def processes(self) -> list[ProcessDefinition]:
        """Give all processes, by code and title."""
        found = self._tables.well().processes.values()
        return sorted(found, key=lambda one: (one.code, one.title, one.id))

    def versions(self, process: ProcessId) -> list[ProcessVersion]:
        """Give the versions that a process has had, the oldest first."""
        return sorted(self._tables.well().versions.get(process, ()), key=lambda one: one.version)

    def save_processes(
        self,
        processes: Sequence[ProcessDefinition],
        moment: datetime,
        told: Told,
        seen: Sequence[ProcessDefinition] | None = None,
    ) -> int:
        """Add or replace these by id, and keep the versions that are new."""
        if seen is not None and self.processes() != list(seen):
            raise Conflict("the catalogue was changed meanwhile")
        tables, these = self._tables.well(), {one.id: one for one in processes}
        versions = dict(tables.versions)
        for one in processes:
            had = versions.get(one.id, ())
            if one.version not in {each.version for each in had}:
                versions[one.id] = (*had, ProcessVersion(one.version, moment))
        return tables.revise(told, processes=tables.processes | these, versions=versions)


class MemoryClients:
    """The port ``ClientStore``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def clients(self) -> list[Client]:
        """Give all clients, by name."""
        found = self._tables.well().clients.values()
        return sorted(found, key=lambda one: one.name)

    def client_of_key(
        self,
        key_id: str,
        *,
        looked: bool = False,
    ) -> tuple[Client, ClientKey] | None:
        """Give the key with this id and whose it is."""
        for client in self.clients():
            for key in client.keys:
                if key.id == key_id:
                    return client, key
        return None

    def add_client(self, client: Client, told: Told) -> int:
        """Keep a client, if there is none of its name."""
        if client.name in self._tables.well().clients:
            raise Conflict("what is to be written contradicts what is stored")
        return self.save_client(client, told)

    def save_client(self, client: Client, told: Told) -> int:
        """Keep a client; keys that it does not mention stay."""
        for key in client.keys:
            found = self.client_of_key(key.id)
            if found is not None and found[0].name != client.name:
                raise Conflict("what is to be written contradicts what is stored")
        everybody = self._tables.well().clients
        before = everybody.get(client.name)
        keys = {key.id: key for key in (*(before.keys if before else ()), *client.keys)}
        ordered = sorted(keys.values(), key=lambda key: (key.created_at, key.id))
        kept = replace(client, keys=tuple(ordered))
        return self._tables.revise(told, clients={**everybody, client.name: kept})
