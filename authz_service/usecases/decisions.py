"""
Decisions: what the log has kept, for auditors; and who it was about, for those who may know.

A record names persons by surrogates. Whoever asks the other way, by a CPF, or for the persons
behind a record, sees personal data: that is an act, in the log before anything is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from authz_service.domain.decision import Caller, Subject
from authz_service.domain.errors import InvalidInput, NotFound
from authz_service.domain.identifiers import without_cpf
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.ports import Clock, FactSource, Surrogates
from authz_service.usecases.records import Line, Records, Searched, Sought, surrogates_in
from authz_service.usecases.stores import Page


@dataclass(frozen=True, slots=True)
class Decisions:
    """
    Finds records of the decision log.

    Attributes:
        records: where they are to be had.
        surrogates: the names of persons in the log.
        facts: tells which state the store is in.
        acts: where it is written down who saw personal data.
        clock: the present instant.
    """

    records: Records
    surrogates: Surrogates
    facts: FactSource
    acts: ActLog
    clock: Clock

    def find(self, record_id: str) -> Line:
        """
        Give one record, persons as surrogates.

        Raises:
            NotFound: there is none, as far as was looked; says how far that is.
        """
        found = self.records.find(record_id)
        if found.record is not None:
            return found.record
        if found.since is None:
            raise NotFound("there is no such record")
        raise NotFound(f"there is no such record since {found.since}, earlier ones were not read")

    def search(self, sought: Sought, after: str | None, limit: int) -> Searched:
        """
        Give a part of the log, the newest record first, persons as surrogates.

        Raises:
            Conflict: the log was moved away since *after* was given.
        """
        return self.records.search(sought, after, limit)

    def search_of(
        self, subject: Subject, sought: Sought, after: str | None, limit: int, caller: Caller
    ) -> Searched:
        """
        Give a part of the records about somebody who is named in clear; see ``search``.

        Nobody gets a surrogate by that: who has none stands in no record.
        """
        name = self.surrogates.known(subject)
        found = Searched(Page(()))
        if name is not None:
            found = self.records.search(replace(sought, person=name), after, limit)
        # After the search, which else would find itself; before anybody is told.
        self.acts.did("decisions.search", caller, {"person": name}, self._revision())
        return found

    def persons(self, record_id: str, why: str, caller: Caller) -> Mapping[str, Subject]:
        """
        Give who stands behind the surrogates of a record; those who were erased are absent.

        Args:
            record_id: which record.
            why: what it is needed for; kept without CPFs.
            caller: who asks.

        Raises:
            NotFound: as ``find``.
            InvalidInput: no reason is given.
        """
        if not why.strip():
            raise InvalidInput("why", "must say what it is needed for")
        persons = self.surrogates.behind(surrogates_in(self.find(record_id)))
        details: Details = {
            "decision": record_id,
            "persons": tuple(persons),
            "why": without_cpf(why),
        }
        self.acts.did("decisions.clear", caller, details, self._revision())
        return persons

    def _revision(self) -> int:
        return self.facts.gather([], self.clock()).revision
