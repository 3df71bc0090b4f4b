"""What the SQLite store promises beyond the contract about sign-ins and about erasing."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Column, event, func, select

from authz_service.domain.decision import CompanyAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.entities import EntityName
from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Bond, Person, Role
from authz_service.store import SqlStore
from authz_service.store.columns import CpfText
from authz_service.store.schema import metadata
from tests.domain.document import COMPANY, FILIAL, MEMBER, P001, REPRESENTATIVE, STRANGER
from tests.domain.gathered import gather, person_of
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.files import file_of
from tests.store.records import TICK, answer, keep, sign_in, standing
from tests.store.watching import amid

DAY = timedelta(days=1)
THREADS = 16


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """Give the path of the database."""
    return tmp_path / "authz.db"


@pytest.fixture(name="store")
def _store(path: Path) -> Iterator[SqlStore]:
    """Give an empty store that waits until all others have had their turn."""
    store = SqlStore(f"sqlite:///{path}", busy_timeout=30.0)
    store.create()
    yield store
    store.close()


@pytest.fixture(name="raw")
def _raw(store: SqlStore) -> Iterator[sqlite3.Connection]:
    """Give a connection to the store's file that goes around the store."""
    with closing(sqlite3.connect(file_of(store), isolation_level=None)) as connection:
        yield connection


def _at_once(tasks: list[Callable[[], object]]) -> Counter[str]:
    """Run all tasks in threads that begin together, and count how each came out."""
    barrier = threading.Barrier(len(tasks))
    came_out: list[str] = []

    def _run(task: Callable[[], object]) -> None:
        barrier.wait(60)
        try:
            task()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            came_out.append(type(error).__name__)
        else:
            came_out.append("done")

    threads = [threading.Thread(target=_run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(came_out)


# Sign-ins


def test_a_token_that_is_brought_by_all_at_once_makes_one_sign_in(store: SqlStore) -> None:
    """One of sixteen keeps it, the others are told of the conflict, and one act is told."""
    heard: list[int] = []

    def _task(number: int) -> Callable[[], object]:
        mine = replace(sign_in(), id=f"{number}", handle=f"{number}")
        return lambda: keep(store, mine, answer(standing()), heard.append)

    tasks = [_task(number) for number in range(THREADS)]
    assert {"done": 1, Conflict.__name__: THREADS - 1} == _at_once(tasks)
    assert [1] == heard
    found, revision = store.personal_data.export(REPRESENTATIVE)
    assert (1, 1, 1) == (len(found["sign_ins"]), len(found["standings"]), revision)


def test_of_answers_that_come_all_at_once_the_newest_stays(store: SqlStore) -> None:
    """Whatever order sixteen sign-ins of one person are kept in, the newest answer counts."""
    companies = [Cnpj(f"{number:014}") for number in range(THREADS)]

    def _task(number: int) -> Callable[[], object]:
        moment = NOON + number * TICK
        told = [standing(company, observed_at=moment) for company in (COMPANY, companies[number])]
        seen = answer(*told, moment=moment)
        return lambda: keep(store, sign_in(f"{number}", began_at=newest), seen)

    newest = NOON + (THREADS - 1) * TICK
    assert {"done": THREADS} == _at_once([_task(number) for number in range(THREADS)])
    assert [
        standing(companies[-1], observed_at=newest),
        standing(COMPANY, observed_at=newest),
    ] == store.registry.standing_of(REPRESENTATIVE)
    assert THREADS == len(store.personal_data.export(REPRESENTATIVE)[0]["sign_ins"])


def test_what_is_only_seen_again_makes_no_row(store: SqlStore) -> None:
    """Each sign-in renews the age of what is as it was; only what changed has a history."""

    def seen(day: int, *roles: Role) -> list[dict[str, object]]:
        moment = NOON + day * DAY
        told = [standing(COMPANY, role, observed_at=moment) for role in roles]
        once = sign_in(f"{day}", began_at=moment)
        keep(store, once, answer(*told, moment=moment))
        found, _revision = store.personal_data.export(REPRESENTATIVE)
        return [dict(row) for row in found["standings"]]

    for day in range(3):
        rows = seen(day, Role.SOCIO)
    again = [(row["observed_at"], row["superseded_at"]) for row in rows]
    seen(3, Role.CONTADOR)
    seen(4)
    rows = seen(5, Role.CONTADOR)

    assert [((NOON + 2 * DAY).isoformat(), None)] == again
    assert [
        ("socio", (NOON + 3 * DAY).isoformat()),
        ("contador", (NOON + 4 * DAY).isoformat()),
        ("contador", None),
    ] == [(row["role"], row["superseded_at"]) for row in rows]
    [current] = store.registry.standing_of(REPRESENTATIVE)
    assert standing(COMPANY, Role.CONTADOR, observed_at=NOON + 5 * DAY) == current


def test_a_confirmation_that_comes_all_at_once_is_told_once(store: SqlStore) -> None:
    """Sixteen calls confirm a person once, and all of them find the person confirmed."""
    store.registry.save_person(Person(MEMBER, NOON), untold)
    heard: list[int] = []
    tasks: list[Callable[[], object]] = [
        lambda: store.registry.confirm(MEMBER, NOON, heard.append)
    ] * THREADS

    assert {"done": THREADS} == _at_once(tasks)
    assert [2] == heard


def test_a_sign_in_is_of_the_state_of_all_other_facts(store: SqlStore) -> None:
    """One that is kept while facts are gathered, wherever, is seen by the next gathering only."""
    with closing(SqlStore(f"sqlite:///{file_of(store)}")) as other:
        asked = Question(
            REPRESENTATIVE, "open", CompanyAsked(COMPANY), sign_in=sign_in("one").handle
        )
        with amid(store, 0, lambda: None) as steps:
            gather(store.facts, asked)
        assert steps() > 20
        for at in range(1, steps() + 1):
            person = Cpf(f"{at:011}")
            question = replace(asked, actor=person, sign_in=sign_in(f"{at}").handle)
            kept = partial(keep, other, sign_in(f"{at}", person), answer(standing(person=person)))
            with amid(store, at, kept):
                [during] = gather(store.facts, question)
            [after] = gather(store.facts, question)

            assert [None, f"id-of-{at}"] == [during.sign_in, after.sign_in]
            assert [False, True] == [person_of(one).registered for one in (during, after)]


# Erasing


def _granted(name: str, member: Cpf, actor: Cpf, why: str | None = None) -> Delegation:
    grant = Event(EventKind.GRANTED, NOON, actor, "orquestra", why)
    return Delegation(name, COMPANY, member, P001.id, P001.version, (grant,))


def _fill(store: SqlStore, cpf: Cpf) -> None:
    """Keep *cpf* in every column that may hold one, in free text, and as another's entity."""
    store.surrogates.surrogates([EntityName("user", f"cpf:{cpf.digits}")])
    store.catalogue.save_processes([P001], NOON, untold)
    for number in range(3):
        seen = answer(standing(person=cpf), moment=NOON + timedelta(seconds=number))
        keep(store, sign_in(f"{number}", cpf), seen)
    store.registry.save_bond(Bond(FILIAL, COMPANY, f"ata de {cpf.digits}", NOON), untold)
    for granted in (
        _granted("mine", cpf, MEMBER),
        _granted("theirs", MEMBER, cpf, f"por {cpf.digits}"),
    ):
        revision = store.facts.gather([], NOON).revision
        change = Change(COMPANY, granted.member, revision, (), (granted,))
        store.delegations.apply(change, untold)


def _of_persons() -> list[Column[Cpf]]:
    return [
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, CpfText)
    ]


def _where(store: SqlStore, cpf: Cpf) -> dict[str, int]:
    """Tell how many rows hold *cpf*, for each column that may."""
    with store.database.read() as connection:
        return {
            f"{column.table.name}.{column.name}": connection.execute(
                select(func.count()).select_from(column.table).where(column == cpf)
            ).scalar_one()
            for column in _of_persons()
        }


def test_no_column_holds_the_erased(store: SqlStore) -> None:
    """
    Every column that may hold a CPF holds the person's before, and none does afterwards.

    A column that is new, and that nothing here fills, fails: fill it, and see what erasing
    and showing make of it.
    """
    _fill(store, STRANGER)
    before = _where(store, STRANGER)
    shown, _revision = store.personal_data.export(STRANGER)
    store.personal_data.erase(STRANGER, untold)

    assert [] == [name for name, count in before.items() if count == 0]
    named = {name.partition(".")[0] for name in before}
    assert named | {"other_surrogates"} == set(shown)
    assert [] == [name for name, rows in shown.items() if not rows]
    assert [] == [name for name, count in _where(store, STRANGER).items() if count != 0]


def test_no_event_is_left_without_its_delegation(store: SqlStore, raw: sqlite3.Connection) -> None:
    """What is erased leaves nothing that points to it, and the database is whole."""
    _fill(store, STRANGER)
    store.personal_data.erase(STRANGER, untold)

    assert [] == raw.execute("PRAGMA foreign_key_check").fetchall()
    assert [("ok",)] == raw.execute("PRAGMA integrity_check").fetchall()
    assert [("theirs",)] == raw.execute("SELECT delegation FROM delegation_events").fetchall()
    assert [("ata de [cpf]",)] == raw.execute("SELECT proof FROM bonds").fetchall()


def _bytes(path: Path) -> bytes:
    """Give all that the database and the files beside it hold."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))


def test_the_files_do_not_hold_the_erased(store: SqlStore, path: Path) -> None:
    """Once nobody else reads, the digits are in no byte of the database or of its log."""
    _fill(store, STRANGER)
    before = _bytes(path)
    store.personal_data.erase(STRANGER, untold)
    after = _bytes(path)

    assert STRANGER.digits.encode() in before
    assert STRANGER.digits.encode() not in after
    assert MEMBER.digits.encode() in after


def test_what_an_earlier_version_left_is_gone_as_well(
    store: SqlStore, path: Path, raw: sqlite3.Connection
) -> None:
    """Bytes of rows that were deleted without being overwritten do not outlive an erasure."""
    raw.execute("PRAGMA secure_delete=OFF")
    number = STRANGER.digits
    raw.execute("BEGIN")
    raw.executemany("INSERT INTO people (cpf) VALUES (?)", [(f"{n:011}",) for n in range(2000)])
    raw.execute("INSERT INTO surrogates VALUES (?, ?)", (number, "a" * 32))
    raw.execute("COMMIT")
    raw.execute("DELETE FROM surrogates")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    raw.close()
    left = number.encode() in _bytes(path)
    store.personal_data.erase(STRANGER, untold)

    assert left
    assert number.encode() not in _bytes(path)


def test_a_reader_does_not_keep_anybody_from_being_erased(path: Path) -> None:
    """While another reads, it is done nevertheless; the bytes go with the next erasure."""
    store = SqlStore(f"sqlite:///{path}", busy_timeout=0.05)
    store.create()
    _fill(store, STRANGER)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM people").fetchall()
        revision = store.personal_data.erase(STRANGER, untold)
        reader.execute("COMMIT")
    known = store.registry.person(STRANGER)
    again = store.personal_data.erase(STRANGER, untold)
    left = STRANGER.digits.encode() in _bytes(path)
    seen_revision = store.facts.gather([], NOON).revision
    store.close()

    assert known is None
    assert (seen_revision, None) == (revision, again)
    assert not left


def test_an_erasure_beside_other_writers_is_done(store: SqlStore) -> None:
    """Sixteen who write at the same time, half of them erasures, all come through."""
    people = [Cpf(f"{number:011}") for number in range(1, THREADS + 1)]
    for cpf in people:
        store.registry.save_person(Person(cpf, NOON), untold)
    confirmed = [partial(store.registry.confirm, cpf, NOON, untold) for cpf in people[::2]]
    erased = [partial(store.personal_data.erase, cpf, untold) for cpf in people[1::2]]

    assert {"done": THREADS} == _at_once([*confirmed, *erased])
    expected = [Person(cpf, NOON, NOON) for cpf in people[::2]]
    assert expected == [one for cpf in people if (one := store.registry.person(cpf)) is not None]
    assert 2 * THREADS == store.facts.gather([], NOON).revision


def test_a_sign_in_beside_its_erasure_is_erased_or_refused(store: SqlStore) -> None:
    """Whichever of the two comes first, none of eight persons is known when both are done."""
    people = [Cpf(f"{number:011}") for number in range(1, THREADS // 2 + 1)]
    names = store.surrogates.surrogates(people)
    kept = [
        partial(
            store.sign_ins.save,
            sign_in(cpf.digits, cpf),
            answer(standing(person=cpf)),
            untold,
            confirm=True,
            name=names[cpf],
        )
        for cpf in people
    ]
    erased = [partial(store.personal_data.erase, cpf, untold) for cpf in people]
    came_out = _at_once([*kept, *erased])

    assert {"done", Conflict.__name__} >= set(came_out)
    assert len(people) <= came_out["done"]
    shown = [store.personal_data.export(cpf)[0] for cpf in people]
    assert [] == [rows for tables in shown for rows in tables.values() if rows]


@pytest.mark.parametrize(
    ("pragma", "otherwise", "expected"), [("secure_delete", 0, 1), ("temp_store", 1, 2)]
)
def test_no_copies_are_left_by_any_connection(
    store: SqlStore, pragma: str, otherwise: int, expected: int
) -> None:
    """Every connection overwrites what it deletes and sorts in memory, however SQLite was built."""

    def _built(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}={otherwise}").close()

    event.listen(store.database.engine, "connect", _built, insert=True)
    store.close()
    with store.database.engine.connect() as one, store.database.engine.connect() as two:
        found = [each.exec_driver_sql(f"PRAGMA {pragma}").scalar() for each in (one, two)]

    assert [expected] * 2 == found
