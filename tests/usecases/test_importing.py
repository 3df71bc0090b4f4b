"""An import takes over every row that can be, tells of every other, and writes once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from authz_service.domain.decision import ActRecord, Caller
from authz_service.domain.delegation import Delegation, EventKind
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Evidence, Person, Role, Standing
from authz_service.usecases.acts import ActLog
from authz_service.usecases.importing import Imported, Importer
from authz_service.usecases.sheets import SheetInvalid
from authz_service.usecases.stores import Outcome
from tests.domain.document import CATALOGUE, COMPANY, MEMBER, P001, PARTNER, REPRESENTATIVE
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.intake import ListIntake
from tests.fakes.log import ListLog
from tests.fakes.store import MemoryStore

Files = Mapping[str, str | bytes]

OPERATOR = Caller("operator")
MEMBERS = f"cpf,registered_at,confirmed_at\n{MEMBER.digits},2025-03-01,2025-03-02T12:00:00Z\n"
STANDING = f"cnpj,cpf,role,ends_at\n{COMPANY.value},{REPRESENTATIVE.digits},socio,2027-01-01\n"
DELEGATIONS = (
    "cnpj,member,process,grantor,granted_at,until\n"
    f"{COMPANY.value},{MEMBER.digits},P001,{REPRESENTATIVE.digits},2025-03-05,2027-12-31\n"
)
ALL = {
    kind: text.encode()
    for kind, text in (("members", MEMBERS), ("standing", STANDING), ("delegations", DELEGATIONS))
}


class House:
    """An importer among fakes."""

    def __init__(self, judged: Mapping[Cpf, Outcome] | None = None) -> None:
        self.intake = ListIntake(judged or {})
        self.log = ListLog()
        self.heard: list[tuple[str, int, int]] = []
        store = MemoryStore()
        store.catalogue.save_processes(CATALOGUE, NOON, lambda _revision: None)
        clock = FrozenClock(NOON)
        acts = ActLog(self.log, (), clock)
        self.importer = Importer(self.intake, store.catalogue, acts, clock)

    def bring(self, files: Files, *, dry_run: bool = False) -> Imported:
        """Import files, given as texts."""
        given = {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}
        return self.importer.import_files(given, OPERATOR, self._progress, dry_run=dry_run)

    def rejected(self, **files: str | bytes) -> list[str]:
        """Import files, and give what was left out."""
        return [f"{one.sheet}:{one.line}: {one.message}" for one in self.bring(files).rejected]

    def _progress(self, doing: str, done: int, total: int) -> None:
        self.heard.append((doing, done, total))


def test_rows_become_persons_standing_and_delegations() -> None:
    """A row says what it says: days are days of Brasília, and evidence is asserted."""
    house = House()
    done = house.bring(ALL)

    person, standing, delegation = house.intake.kept
    registered = datetime(2025, 3, 1, 3, tzinfo=UTC)
    confirmed = datetime(2025, 3, 2, 12, tzinfo=UTC)
    assert Person(MEMBER, registered, confirmed) == person
    ends = datetime(2027, 1, 1, 3, tzinfo=UTC)
    assert Standing(COMPANY, REPRESENTATIVE, Role.SOCIO, Evidence.ASSERTED, NOON, ends) == standing
    assert isinstance(delegation, Delegation)
    assert (COMPANY, MEMBER, P001.id, P001.version) == (
        delegation.company,
        delegation.member,
        delegation.process,
        delegation.version,
    )
    [grant] = delegation.history
    granted = datetime(2025, 3, 5, 3, tzinfo=UTC)
    assert (EventKind.GRANTED, granted, REPRESENTATIVE, "operator", "imported") == (
        grant.kind,
        grant.at,
        grant.actor,
        grant.caller,
        grant.why,
    )
    assert date(2027, 12, 31) == grant.last_day
    one = {"new": 1, "changed": 0, "same": 0, "rejected": 0}
    assert {"members": one, "standing": one, "delegations": one} == done.counts
    assert () == done.rejected


def test_the_act_counts_and_names_nobody() -> None:
    """The log tells how many rows of each kind, and nothing that a row could be guessed from."""
    house = House({MEMBER: Outcome.SAME})
    house.bring(ALL)

    [record] = house.log.records
    assert isinstance(record, ActRecord)
    assert "import" == record.act
    none = {"new": 0, "changed": 0, "same": 0, "rejected": 0}
    expected = {
        "members": {**none, "same": 1},
        "standing": {**none, "new": 1},
        "delegations": {**none, "same": 1},
    }
    assert {
        f"{kind}_{outcome}": number
        for kind, counts in expected.items()
        for outcome, number in counts.items()
    } == record.details


def test_a_dry_run_tells_all_and_writes_nothing() -> None:
    """What would become of the rows is told; neither the store nor the log hears of it."""
    house = House({REPRESENTATIVE: Outcome.ANSWERED})
    done = house.bring(ALL, dry_run=True)

    assert 1 == done.counts["standing"]["rejected"]
    assert ([], []) == (house.intake.kept, house.log.records)


def test_what_only_the_store_can_judge_is_told_with_its_line() -> None:
    """Rows that GOV.BR's answers or a missing registration forbid are rejected like others."""
    house = House({REPRESENTATIVE: Outcome.ANSWERED, MEMBER: Outcome.UNREGISTERED})

    assert [
        "standing:3: cpf: GOV.BR has answered about this person, and what it says counts",
        "delegations:2: member: is not registered; add the person to the members",
    ] == house.rejected(
        standing=f"cnpj,cpf,role\n{COMPANY},{PARTNER.digits},socio\n"
        f"{COMPANY},{REPRESENTATIVE.digits},socio\n",
        delegations=DELEGATIONS,
    )


CPF, CNPJ, OTHER = MEMBER.digits, COMPANY.value, REPRESENTATIVE.digits
BAD_ROWS = {
    "a cpf that is none": ("members", f"{CPF[:-1]}X,2025-01-01,", "cpf: must be a CPF of eleven"),
    "not registered": ("members", f"{CPF},,", "registered_at: must say since when"),
    "registered tomorrow": ("members", f"{CPF},2099-01-01,", "registered_at: lies in the future"),
    "confirmed tomorrow": ("members", f"{CPF},2025-01-01,2099-01-01", "confirmed_at: lies in"),
    "a day that is none": ("members", f"{CPF},2025-02-30,", "registered_at: must be a day"),
    "an instant without a zone": (
        "members",
        f"{CPF},2025-02-03T10:00:00,",
        "registered_at: must be a day",
    ),
    "a week": ("members", f"{CPF},2025-W09-6,", "registered_at: must be a day"),
    "an instant of a week": (
        "members",
        f"{CPF},2025-W09-6T10:00:00Z,",
        "registered_at: must be a day",
    ),
    "a day without hyphens": (
        "delegations",
        f"{CNPJ},{CPF},P001,{OTHER},,20271231",
        "until: must be a day",
    ),
    "words": ("members", f"{CPF},ontem,", "registered_at: must be a day"),
    "a cell too many": ("members", f"{CPF},2025-01-01,,x", "row: must have as many cells"),
    "a cell too few": ("members", f"{CPF},2025-01-01", "row: must have as many cells"),
    "an unknown role": ("standing", f"{CNPJ},{CPF},dono,", "role: must be one of: socio"),
    "a cnpj that is none": ("standing", f"123,{CPF},socio,", "cnpj: must be a CNPJ"),
    "an unknown process": (
        "delegations",
        f"{CNPJ},{CPF},P999,{OTHER},,",
        "process: is not in the catalogue",
    ),
    "a code of two processes": (
        "delegations",
        f"{CNPJ},{CPF},P061,{OTHER},,",
        "process: names more than one process",
    ),
    "no process": ("delegations", f"{CNPJ},{CPF},,{OTHER},,", "process: must be a process's"),
    "until yesterday": (
        "delegations",
        f"{CNPJ},{CPF},P001,{OTHER},,2020-01-01",
        "until: lies in the past",
    ),
    "until a day that is none": (
        "delegations",
        f"{CNPJ},{CPF},P001,{OTHER},,2020-13-01",
        "until: must be a day",
    ),
    "granted tomorrow": (
        "delegations",
        f"{CNPJ},{CPF},P001,{OTHER},2099-01-01,",
        "granted_at: lies in the future",
    ),
    "a grantor that is none": ("delegations", f"{CNPJ},{CPF},P001,1,,", "grantor: must be a CPF"),
}
HEADS = {"members": MEMBERS, "standing": STANDING, "delegations": DELEGATIONS}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_wrong_row_is_left_out_alone(name: str) -> None:
    """It is told with its line and its column and without its value; the row before is taken."""
    kind, row, message = BAD_ROWS[name]
    house = House()
    [told] = house.rejected(**{kind: f"{HEADS[kind]}{row}\n"})

    assert told.startswith(f"{kind}:3: {message}")
    assert CPF not in told
    assert 1 == len(house.intake.kept)


def test_a_delegation_may_be_without_days() -> None:
    """Without an end it never ends; without a beginning it begins with the import."""
    house = House()
    assert [] == house.rejected(
        delegations=f"cnpj,member,process,grantor\n{CNPJ},{CPF},P001,{OTHER}\n"
    )
    [delegation] = house.intake.kept
    assert isinstance(delegation, Delegation)
    assert (NOON, None) == (delegation.history[0].at, delegation.last_day)


def test_who_is_spoken_of_twice_is_taken_from_the_first_row() -> None:
    """Two rows about one thing could contradict each other, so the second is not guessed at."""
    house = House()

    assert ["members:4: row: speaks again of line 2"] == house.rejected(
        members=f"{MEMBERS}\n{CPF},2025-01-01,\n"
    )
    assert 1 == len(house.intake.kept)


def test_semicolons_quotes_and_a_byte_order_mark_are_what_spreadsheets_write() -> None:
    """A file saved by a Brazilian spreadsheet is read like any other."""
    house = House()
    text = f'﻿"cpf";registered_at\r\n"{CPF}";2025-01-01\r\n'

    assert [] == house.rejected(members=text)
    assert 1 == len(house.intake.kept)


BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "members: lacks the column `cpf`"),
    "no header": (f"{CPF},2025-01-01\n", "members: lacks the column `cpf`"),
    "an unknown column": ("cpf,registered_at,name\n", "must have each column once, and only: cpf"),
    "a column twice": ("cpf,registered_at,cpf\n", "must have each column once"),
    "another encoding": ("cpf,registered_at\n\xe9".encode("latin-1"), "is not UTF-8"),
    "a quote that never ends": ('cpf,registered_at\n"x', "cannot be read at line 2"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_read_stops_everything(name: str) -> None:
    """Nothing of any file is taken over when one of them is not what it should be."""
    content, message = BAD_FILES[name]
    house = House()
    with pytest.raises(SheetInvalid) as caught:
        house.bring({"members": content, "standing": STANDING})

    assert message in str(caught.value)
    assert ([], []) == (house.intake.kept, house.log.records)


def test_progress_is_told_row_by_row() -> None:
    """Whoever waits for a long file sees how far it is."""
    house = House()
    house.bring({"members": MEMBERS})

    assert [("reading members", 2, 3), ("taking over", 1, 1)] == house.heard
