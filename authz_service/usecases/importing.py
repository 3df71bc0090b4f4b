"""
Import: take over what SGCI has today, members, standing and delegations, from CSV.

One call is one transaction: the rows that can be taken over are written together or not at
all, the others are told with their lines. To bring the same files again changes nothing, so
whoever has mended the rejected rows may bring the whole files once more.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authz_service.domain.decision import Caller
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessName, resolve
from authz_service.domain.time import civil_day
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.ports import Clock
from authz_service.usecases.sheets import Read, Rejected, Sheet, day, instant
from authz_service.usecases.stores import Brought, Catalogue, Intake, Outcome, Progress

KINDS = ("members", "standing", "delegations")
"""The kinds of files, in the order in which they are taken over."""

_WHY = "imported"
_REFUSED = {
    Outcome.ANSWERED: "cpf: GOV.BR has answered about this person, and what it says counts",
    Outcome.UNREGISTERED: "member: is not registered; add the person to the members",
}
"""What is said of rows that only the store can judge."""


@dataclass(frozen=True, slots=True)
class Imported:
    """
    What became of the rows.

    Attributes:
        counts: for each kind of file, how many rows were ``new``, ``changed``, the ``same`` as
            what was there, and ``rejected``.
        rejected: the rows that were left out, by kind and line.
    """

    counts: Mapping[str, Mapping[str, int]]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Importer:
    """
    Takes files over.

    Attributes:
        intake: where rows are kept.
        catalogue: what the named processes mean.
        acts: where it is written down.
        clock: the present instant.
    """

    intake: Intake
    catalogue: Catalogue
    acts: ActLog
    clock: Clock

    def import_files(
        self, files: Mapping[str, bytes], caller: Caller, progress: Progress, *, dry_run: bool
    ) -> Imported:
        """
        Take over *files*.

        Args:
            files: the content of one file for each kind, or of fewer.
            caller: who does it.
            progress: hears how far it is.
            dry_run: whether to find out only what would become of the rows.

        Raises:
            SheetInvalid: a file cannot be read as a whole; nothing was written.
            Unavailable: no store or no log; nothing was written.
        """
        sheets = _Rows(self.clock(), caller.name, self.catalogue.processes()).sheets()
        read = {kind: sheets[kind].read(files[kind], progress) for kind in KINDS if kind in files}

        def told(brought: Brought, revision: int) -> None:
            self.acts.did("import", caller, _details(_result(read, brought)), revision)

        people, standings, delegations = (read.get(kind, Read()).items for kind in KINDS)
        brought = self.intake.bring(
            people, standings, delegations, None if dry_run else told, progress
        )
        return _result(read, brought)


def _result(read: Mapping[str, Read[Any]], brought: Brought) -> Imported:
    counts, rejected = {}, []
    for kind, outcomes in zip(
        KINDS, (brought.people, brought.standings, brought.delegations), strict=True
    ):
        if kind not in read:
            continue
        refused = [
            Rejected(kind, line, _REFUSED[outcome])
            for line, outcome in zip(read[kind].lines, outcomes, strict=True)
            if outcome in _REFUSED
        ]
        left_out = sorted([*read[kind].rejected, *refused], key=lambda one: one.line)
        had = Counter(outcomes)
        counts[kind] = {
            one.value: had[one] for one in (Outcome.NEW, Outcome.CHANGED, Outcome.SAME)
        } | {"rejected": len(left_out)}
        rejected += left_out
    return Imported(counts, tuple(rejected))


def _details(result: Imported) -> Details:
    # No digest of a file: what a short one holds, such as a CPF, could be found by trying.
    return {
        f"{kind}_{outcome}": number
        for kind, counts in result.counts.items()
        for outcome, number in counts.items()
    }


class _Rows:
    """Makes the nouns of the domain of rows, as of one moment and one catalogue."""

    def __init__(self, now: datetime, client: str, catalogue: Sequence[ProcessDefinition]) -> None:
        self._now = now
        self._client = client
        self._catalogue = catalogue
        self._meant: dict[str, ProcessDefinition] = {}

    def sheets(self) -> dict[str, Sheet[Any]]:
        """Give what each kind of file holds."""
        return {
            "members": Sheet(
                "members",
                ("cpf", "registered_at"),
                ("confirmed_at",),
                self._member,
                lambda person: person.cpf,
            ),
            "standing": Sheet(
                "standing",
                ("cnpj", "cpf", "role"),
                ("ends_at",),
                self._standing,
                lambda standing: (standing.company, standing.person),
            ),
            "delegations": Sheet(
                "delegations",
                ("cnpj", "member", "process", "grantor"),
                ("granted_at", "until"),
                self._delegation,
                lambda one: (one.company, one.member, one.process),
            ),
        }

    def _member(self, row: Mapping[str, str]) -> Person:
        registered_at, confirmed_at = instant(row, "registered_at"), instant(row, "confirmed_at")
        for moment, field in ((registered_at, "registered_at"), (confirmed_at, "confirmed_at")):
            self._require_past(moment, field)
        if registered_at is None:
            raise InvalidInput("registered_at", "must say since when the member is registered")
        return Person(Cpf.parse(row["cpf"]), registered_at, confirmed_at)

    def _standing(self, row: Mapping[str, str]) -> Standing:
        company, person = Cnpj.parse(row["cnpj"]), Cpf.parse(row["cpf"])
        if row["role"] not in tuple(Role):
            raise InvalidInput("role", f"must be one of: {', '.join(Role)}")
        ends_at = instant(row, "ends_at")
        return Standing(company, person, Role(row["role"]), Evidence.ASSERTED, self._now, ends_at)

    def _delegation(self, row: Mapping[str, str]) -> Delegation:
        company, member = Cnpj.parse(row["cnpj"]), Cpf.parse(row["member"], "member")
        grantor = Cpf.parse(row["grantor"], "grantor")
        process = self._process(row["process"])
        granted_at, until = instant(row, "granted_at"), day(row, "until")
        self._require_past(granted_at, "granted_at")
        if until is not None and until < civil_day(self._now):
            raise InvalidInput("until", "lies in the past, so there is nothing to take over")
        grant = Event(
            EventKind.GRANTED, granted_at or self._now, grantor, self._client, _WHY, until
        )
        return Delegation(uuid.uuid4().hex, company, member, process.id, process.version, (grant,))

    def _process(self, text: str) -> ProcessDefinition:
        if text not in self._meant:
            found = resolve(ProcessName.parse(text), self._catalogue)
            if found is None:
                raise InvalidInput("process", "is not in the catalogue; import that first")
            self._meant[text] = found
        return self._meant[text]

    def _require_past(self, moment: datetime | None, field: str) -> None:
        if moment is not None and moment > self._now:
            raise InvalidInput(field, "lies in the future")
