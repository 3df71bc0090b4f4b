"""What another system has is taken over once, in one transaction, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Evidence, Person, Role, Standing
from authz_service.store import SqlStore
from authz_service.usecases.govbr import Seen
from authz_service.usecases.stores import Brought, Outcome
from tests.domain.document import CATALOGUE, COMPANY, MEMBER, P001, P004, PARTNER, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import sign_in

DAY = timedelta(days=1)
NEW, CHANGED, SAME = Outcome.NEW, Outcome.CHANGED, Outcome.SAME


@pytest.fixture(name="sql", params=["sqlite", "postgres"])
def _sql(request: pytest.FixtureRequest, tmp_path: Path, databases: Callable[[str], str]) -> object:
    """Give a store on each database, with the catalogue."""
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else databases("store")
    store = SqlStore(url)
    store.create()
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    yield store
    store.close()


def person(cpf: Cpf = MEMBER, *, confirmed: bool = False) -> Person:
    """Give a registered person."""
    return Person(cpf, NOON - DAY, NOON if confirmed else None)


def partner(role: Role = Role.SOCIO, cpf: Cpf = PARTNER) -> Standing:
    """Give an asserted standing."""
    return Standing(COMPANY, cpf, role, Evidence.ASSERTED, NOON)


def delegation(name: str = "one", member: Cpf = MEMBER) -> Delegation:
    """Give a delegation with its grant."""
    grant = Event(EventKind.GRANTED, NOON - DAY, PARTNER, "operator", "imported", None)
    return Delegation(name, COMPANY, member, P001.id, P001.version, (grant,))


class Teller:
    """Hears what became of the rows, and which revision it made."""

    def __init__(self) -> None:
        self.heard: list[tuple[Brought, int]] = []
        self.progress: list[tuple[str, int, int]] = []

    def told(self, brought: Brought, revision: int) -> None:
        """Hear."""
        self.heard.append((brought, revision))

    def on(self, doing: str, done: int, total: int) -> None:
        """Hear how far it is."""
        self.progress.append((doing, done, total))


def test_all_that_is_new_is_kept_with_one_revision(sql: SqlStore) -> None:
    """Persons, standing and delegations are there afterwards, and the act was told once."""
    teller = Teller()
    brought = sql.intake.bring([person()], [partner()], [delegation()], teller.told, teller.on)

    assert Brought((NEW,), (NEW,), (NEW,)) == brought
    assert [(brought, 2)] == teller.heard
    assert person() == sql.registry.person(MEMBER)
    assert [partner()] == sql.registry.standing_of(PARTNER)
    assert [delegation()] == sql.delegations.of_company(COMPANY)
    assert [
        ("taking over members", 1, 1),
        ("taking over standing", 1, 1),
        ("taking over delegations", 1, 1),
    ] == teller.progress


def test_the_same_again_changes_nothing(sql: SqlStore) -> None:
    """Each row is found as it is, and none is there twice."""
    teller = Teller()
    rows = ([person(confirmed=True)], [partner()], [delegation()])
    sql.intake.bring(*rows, teller.told, teller.on)
    again = sql.intake.bring(*rows[:2], [delegation("two")], teller.told, teller.on)

    assert Brought((SAME,), (SAME,), (SAME,)) == again
    assert [delegation()] == sql.delegations.of_company(COMPANY)
    assert [partner()] == sql.registry.standing_of(PARTNER)


def test_what_is_there_of_a_person_stays_and_what_is_missing_joins(sql: SqlStore) -> None:
    """A confirmation of the file is added to a registration that is older than the file's."""
    early = Person(MEMBER, NOON - 9 * DAY, None)
    sql.registry.save_person(early, untold)
    teller = Teller()
    brought = sql.intake.bring([person(confirmed=True)], [], [], teller.told, teller.on)

    assert (CHANGED,) == brought.people
    assert Person(MEMBER, NOON - 9 * DAY, NOON) == sql.registry.person(MEMBER)


def test_another_role_supersedes_what_was_asserted(sql: SqlStore) -> None:
    """What a file says of a standing counts, as an assertion over HTTP would."""
    sql.registry.save_standing(partner(Role.CONTADOR), untold)
    teller = Teller()
    brought = sql.intake.bring([], [partner()], [], teller.told, teller.on)

    assert (CHANGED,) == brought.standings
    assert [partner()] == sql.registry.standing_of(PARTNER)


def test_of_whom_govbr_has_answered_no_standing_is_taken(sql: SqlStore) -> None:
    """GOV.BR's answer counts, also when it lists nothing; the others are taken all the same."""
    seen = Seen(sign_in().companies, NOON)
    surrogate = sql.surrogates.surrogates([REPRESENTATIVE])[REPRESENTATIVE]
    sql.sign_ins.save(sign_in(), seen, untold, confirm=False, name=surrogate)
    teller = Teller()
    brought = sql.intake.bring(
        [], [partner(cpf=REPRESENTATIVE), partner()], [], teller.told, teller.on
    )

    assert (Outcome.ANSWERED, NEW) == brought.standings
    assert [] == sql.registry.standing_of(REPRESENTATIVE)


def test_nobody_unregistered_is_delegated_to(sql: SqlStore) -> None:
    """A member who is registered in the store or in the same files counts, nobody else."""
    sql.registry.save_person(person(PARTNER), untold)
    sql.registry.save_person(Person(REPRESENTATIVE), untold)
    teller = Teller()
    rows = [delegation(), delegation("two", PARTNER), delegation("three", REPRESENTATIVE)]
    brought = sql.intake.bring([person()], [], rows, teller.told, teller.on)

    assert (NEW, NEW, Outcome.UNREGISTERED) == brought.delegations


def test_without_a_listener_nothing_is_written(sql: SqlStore) -> None:
    """A dry run tells what would become of the rows, within what the same files bring."""
    teller = Teller()
    brought = sql.intake.bring([person()], [partner()], [delegation()], None, teller.on)

    assert Brought((NEW,), (NEW,), (NEW,)) == brought
    assert sql.registry.person(MEMBER) is None
    assert [] == sql.delegations.of_company(COMPANY)


def test_what_cannot_be_told_is_not_done(sql: SqlStore) -> None:
    """A log that fails takes all the rows with it."""

    def fails(_brought: Brought, _revision: int) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        sql.intake.bring([person()], [partner()], [delegation()], fails, Teller().on)
    assert sql.registry.person(MEMBER) is None


def test_more_rows_than_a_statement_takes(sql: SqlStore) -> None:
    """Rows beyond what a database takes at once are written in parts of one transaction."""
    several = [Person(Cpf(f"{number:011}"), NOON, None) for number in range(1, 2_502)]
    teller = Teller()
    brought = sql.intake.bring(several, [], [], teller.told, teller.on)

    assert 2_501 == brought.people.count(NEW)
    assert [1_000, 2_000, 2_501] == [done for _doing, done, _total in teller.progress]
    assert several[-1] == sql.registry.person(several[-1].cpf)


def test_another_process_is_another_delegation(sql: SqlStore) -> None:
    """An open delegation for one process is no reason to leave out another's."""
    teller = Teller()
    sql.intake.bring([person()], [], [delegation()], teller.told, teller.on)
    grant = delegation().history
    other = Delegation("other", COMPANY, MEMBER, P004.id, P004.version, grant)

    assert (NEW,) == sql.intake.bring([], [], [other], teller.told, teller.on).delegations
