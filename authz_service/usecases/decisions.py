"""
Decisions: what the log has kept, for auditors; and who it was about, for those who may know.

A record names persons by surrogates. Whoever asks the other way, by a CPF, or for the persons
behind a record, sees personal data: that is an act, in the log before anything is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from authz_service.domain.decision import Caller, Subject
from authz_service.domain.errors import InvalidInput, LogUnavailable, NotFound
from authz_service.domain.identifiers import without_cpf
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.ports import Clock, FactSource, Surrogates
from authz_service.usecases.records import Line, Records, Searched, Sought, surrogates_in
from authz_service.usecases.stores import Page

_PART = 1_000
"""Records that an export reads at once."""


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
            NotFound: there is none, as far as is known; says how far that is.
        """
        found = self.records.find(record_id)
        if found.record is not None:
            return found.record
        if found.since is None:
            raise NotFound("there is no such record")
        raise NotFound(f"there is no such record of before {found.since}, later ones are unread")

    def search(self, sought: Sought, after: str | None, limit: int) -> Searched:
        """
        Give a part of the log, the newest record first, persons as surrogates.

        Raises:
            Conflict: the list has no such place.
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

    def export(self, sought: Sought, subject: Subject | None, caller: Caller) -> Iterator[Searched]:
        """
        Give all records that are sought now, in parts, the oldest first, persons as surrogates.

        Args:
            sought: which ones.
            subject: about whom, where somebody is named in clear: then this is an act as
                ``search_of``, in the log before anything is told.
            caller: who asks.

        Raises:
            LogUnavailable: what is sought may not all be in the index yet.
        """
        # What comes meanwhile, this act among it, is not of now.
        now = self.clock()
        until = now if sought.until is None else min(sought.until, now)
        sought = replace(sought, until=until)
        if subject is not None:
            name = self.surrogates.known(subject)
            self.acts.did("decisions.search", caller, {"person": name}, self._revision())
            if name is None:
                return
            sought = replace(sought, person=name)
        after = None
        while True:
            part = self.records.search(sought, after, _PART, oldest_first=True)
            if part.since is not None:
                raise LogUnavailable(f"the log is read up to {part.since} only, try again later")
            yield part
            after = part.page.next
            if after is None:
                return

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
