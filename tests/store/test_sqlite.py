"""What the SQLite store promises beyond the contract: its file, its locks, its silence."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.decision import (
    ActRecord,
    Caller,
    CompanyAsked,
    ProcessAsked,
    Question,
    Subject,
)
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import AuthzError, Conflict, InvalidInput, StoreUnavailable
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessName
from authz_service.journal.journal import Journal, Options
from authz_service.store import SqlStore
from authz_service.usecases.acts import ActLog
from tests import written
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    REPRESENTATIVE,
)
from tests.domain.gathered import company_of, gather, person_of
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.files import file_of
from tests.store.watching import amid

STANDING = Standing(COMPANY, REPRESENTATIVE, Role.SOCIO, Evidence.ASSERTED, NOON)
QUESTION = Question(
    REPRESENTATIVE, "delegate", ProcessAsked(ProcessName("P001"), COMPANY), recipient=MEMBER
)
GRANT = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra")


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """Give the path of a database that does not exist yet, in a folder that does not either."""
    return tmp_path / "var" / "authz.db"


@pytest.fixture(name="open_store")
def _open_store(path: Path) -> Iterator[Callable[..., SqlStore]]:
    """Give a function that opens the file as one more process would; all are closed at the end."""
    opened: list[SqlStore] = []

    def _open(busy_timeout: float = 5.0) -> SqlStore:
        opened.append(SqlStore(f"sqlite:///{path}", busy_timeout=busy_timeout))
        return opened[-1]

    yield _open
    for store in opened:
        store.close()


@pytest.fixture(name="store")
def _store(open_store: Callable[..., SqlStore]) -> SqlStore:
    """Give an empty store."""
    store = open_store()
    store.create()
    return store


@pytest.fixture(name="raw")
def _raw(store: SqlStore) -> Iterator[sqlite3.Connection]:
    """Give a connection to the store's file that goes around the store."""
    with closing(sqlite3.connect(file_of(store), isolation_level=None)) as connection:
        yield connection


def _delegation(
    name: str, process: ProcessDefinition = P001, company: Cnpj = COMPANY
) -> Delegation:
    return Delegation(name, company, MEMBER, process.id, process.version, (GRANT,))


def _revision(store: SqlStore) -> int:
    return store.facts.gather([], NOON).revision


# The file and its connections


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [
        ("journal_mode", "wal"),
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("synchronous", 1),
    ],
)
def test_every_connection_has_its_pragmas(
    store: SqlStore, pragma: str, expected: str | int
) -> None:
    """Several connections at once are all in WAL, with foreign keys, patience and NORMAL."""
    engine = store.database.engine
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:
        found = [each.execute(text(f"PRAGMA {pragma}")).scalar() for each in (one, two, three)]

    assert [expected] * 3 == found


def test_the_driver_begins_nothing_by_itself(store: SqlStore) -> None:
    """Transactions begin where the store says so, not where Python's driver guesses."""
    with store.database.engine.connect() as connection:
        assert getattr(connection.connection.dbapi_connection, "isolation_level", "") is None


def test_the_file_is_its_owners_alone(store: SqlStore) -> None:
    """Nobody else can read the CPFs: not in the file, not beside it, not by its folder."""
    store.registry.save_person(Person(MEMBER), untold)
    path = file_of(store)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}

    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    assert {"authz.db": 0o600, "authz.db-wal": 0o600, "authz.db-shm": 0o600} == modes


def test_a_folder_that_exists_is_left_as_it_is(
    path: Path, open_store: Callable[..., SqlStore]
) -> None:
    """The mode of a folder that somebody made is that somebody's choice."""
    path.parent.mkdir(mode=0o750)
    open_store().create()

    assert 0o750 == stat.S_IMODE(path.parent.stat().st_mode)


@pytest.mark.parametrize("name", ["a b.db", "100%41.db", "what?.db", "a#b.db", "a&mode=ro.db"])
def test_any_file_name_can_be_written_in_a_url(tmp_path: Path, name: str) -> None:
    """Escaped in the URL as in any other, a file name means the file of that very name."""
    store = SqlStore(f"sqlite:///{tmp_path}/{quote(name)}")
    store.create()
    ailment = store.ping()
    store.close()

    assert ailment is None
    assert [name] == [each.name for each in tmp_path.iterdir()]


def test_the_path_does_not_follow_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is fixed when the store is opened, whatever the folder is called."""
    here = tmp_path / "what?#"
    here.mkdir()
    monkeypatch.chdir(here)
    store = SqlStore("sqlite:///var/authz.db")
    monkeypatch.chdir(tmp_path)
    store.create()
    ailment = store.ping()
    store.close()

    assert here / "var" / "authz.db" == file_of(store)
    assert ailment is None
    assert ["what?#"] == [each.name for each in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "authz.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:authz.db?uri=true",
        "sqlite:///authz.db?mode=ro",
        "sqlite+aiosqlite:///authz.db",
        "postgresql://authz:secret@db",
        "postgresql+asyncpg://authz:secret@db/authz",
        "postgres://authz:secret@db/authz",
        "postgresql://authz:secret@db:port/authz",
        "mysql://authz:secret@db/authz",
    ],
)
def test_a_url_of_no_database_is_refused(url: str) -> None:
    """What names no database is refused before anything is opened, and no password repeated."""
    with pytest.raises(InvalidInput, match=r"^database_url: must be `sqlite:///`") as caught:
        SqlStore(url)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


# Creating


def test_creating_twice_keeps_what_is_there(
    store: SqlStore, open_store: Callable[..., SqlStore]
) -> None:
    """A start with an old database finds everything that was in it."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.create()
    again = open_store()
    again.create()

    assert list(CATALOGUE) == again.catalogue.processes()
    assert 1 == _revision(again)


def test_creating_leaves_nothing_beside_the_database(store: SqlStore) -> None:
    """What is needed to make the database is gone when it is made and closed."""
    store.close()

    assert ["authz.db"] == [each.name for each in file_of(store).parent.iterdir()]


def test_several_threads_may_create_at_once(
    path: Path, open_store: Callable[..., SqlStore]
) -> None:
    """Threads with stores of their own do not disturb each other's start either."""
    stores = [open_store() for _ in range(6)]
    barrier = threading.Barrier(6)
    ailments: list[str | None] = []

    def _start(store: SqlStore) -> None:
        barrier.wait(60)
        store.create()
        ailments.append(store.ping())

    _in_threads(*(lambda store=store: _start(store) for store in stores))

    assert [None] * 6 == ailments


def _in_threads(*tasks: Callable[[], object]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# Exactness


def test_instants_come_back_in_utc(store: SqlStore) -> None:
    """Whatever zone an instant was given in, it is the same instant in UTC afterwards."""
    zone = timezone(timedelta(hours=-3))
    for number, moment in enumerate(
        [
            datetime.min.replace(tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(2026, 7, 31, 23, 59, 59, 999_999, tzinfo=zone),
            datetime.max.replace(tzinfo=UTC),
        ]
    ):
        key = ClientKey(f"{number}", "0" * 64, moment)
        store.clients.save_client(Client("bpm", frozenset({"decide"}), (key,)), untold)
        found = store.clients.client_of_key(key.id)
        assert found is not None
        assert (moment, timedelta(0)) == (found[1].created_at, found[1].created_at.utcoffset())


def test_identifiers_are_kept_as_text(store: SqlStore, raw: sqlite3.Connection) -> None:
    """No column of the file turns a CPF, CNPJ or code into a number."""
    store.registry.save_standing(STANDING, untold)
    row = raw.execute("SELECT typeof(company), typeof(person), company, person FROM standings")

    assert ("text", "text", COMPANY.value, REPRESENTATIVE.digits) == row.fetchone()


def test_what_is_superseded_stays_with_its_end(store: SqlStore, raw: sqlite3.Connection) -> None:
    """The file keeps every earlier standing and bond, and since when it is none."""
    days = [NOON + timedelta(days=number) for number in range(3)]
    roles = [Role.SOCIO, Role.CONTADOR, Role.COLABORADOR]
    for day, role in zip(days, roles, strict=True):
        evidence = Evidence.ASSERTED
        store.registry.save_standing(Standing(COMPANY, REPRESENTATIVE, role, evidence, day), untold)
        store.registry.save_bond(Bond(FILIAL, COMPANY, role.value, day), untold)
    ends = [int(day.timestamp() * 1_000_000) for day in days[1:]]

    expected = list(zip(roles, [*ends, None], strict=True))
    for table, column in (("standings", "role"), ("bonds", "proof")):
        query = f"SELECT {column}, superseded_at FROM {table} ORDER BY id"  # noqa: S608 - no data
        assert expected == raw.execute(query).fetchall()


def test_what_is_superseded_is_never_read(store: SqlStore, raw: sqlite3.Connection) -> None:
    """Only the current bond counts, in whatever order the database finds its rows."""
    store.registry.save_bond(Bond(FILIAL, COMPANY, "first", NOON, NOON.date()), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "second", NOON), untold)
    raw.execute("UPDATE bonds SET id = 99 WHERE superseded_at IS NOT NULL")
    question = Question(MEMBER, "read_delegations", CompanyAsked(FILIAL))
    [facts] = gather(store.facts, question, moment=NOON + timedelta(days=1))

    assert company_of(facts).bond.in_force


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("standings", "company, person, role, evidence, observed_at", ""),
        ("bonds", "filial, matriz, proof, recorded_at", ""),
        (
            "delegations",
            "id, company, member, process, version",
            "'other', company, member, process, version",
        ),
        ("surrogates", "cpf, surrogate", "'11144477735', surrogate"),
        ("client_keys", "id, client, digest, created_at, networks", ""),
    ],
)
def test_the_database_itself_keeps_one_of_a_kind(
    store: SqlStore, raw: sqlite3.Connection, table: str, columns: str, values: str
) -> None:
    """Two current standings, bonds or delegations, or one name for two, cannot be written."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_standing(STANDING, untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "proof", NOON), untold)
    store.delegations.apply(
        Change(COMPANY, MEMBER, _revision(store), (), (_delegation("one"),)), untold
    )
    store.surrogates.surrogates([MEMBER])
    key = ClientKey("one", "0" * 64, NOON)
    store.clients.save_client(Client("bpm", frozenset({"decide"}), (key,)), untold)

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        raw.execute(f"INSERT INTO {table} ({columns}) SELECT {values or columns} FROM {table}")  # noqa: S608 - a table of cases


# Reading


def test_facts_and_revision_come_from_one_state(
    store: SqlStore, open_store: Callable[..., SqlStore]
) -> None:
    """A write in the middle of a gathering, wherever, is seen by the next one only."""
    store.catalogue.save_processes([P001], NOON, untold)
    other = open_store()

    def _write(version: int) -> None:
        since = NOON + timedelta(seconds=version)
        other.registry.save_person(Person(REPRESENTATIVE, since, since), untold)
        other.registry.save_person(Person(MEMBER, since, since), untold)
        other.registry.save_standing(replace(STANDING, observed_at=since), untold)
        changed = ProcessDefinition(P001.id, "P001", "Other", version)
        other.catalogue.save_processes([changed], NOON, untold)

    _write(P001.version)
    with amid(store, 0, lambda: None) as steps:
        store.facts.gather([QUESTION], NOON)
    before = store.facts.gather([QUESTION], NOON)
    assert steps() > 50
    for at in range(1, steps() + 1):
        with amid(store, at, partial(_write, P001.version + at)) as steps_now:
            during = store.facts.gather([QUESTION], NOON)
        after = store.facts.gather([QUESTION], NOON)

        assert steps_now() >= at
        assert before == during
        assert before.revision + 4 == after.revision
        assert before.facts != after.facts
        before = after


def test_a_reader_does_not_wait_for_a_writer(
    store: SqlStore, raw: sqlite3.Connection, open_store: Callable[..., SqlStore]
) -> None:
    """While somebody writes, questions are answered from the state before."""
    store.registry.save_person(Person(MEMBER, NOON), untold)
    impatient = open_store(busy_timeout=0)
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("UPDATE people SET registered_at = NULL")
    question = Question(MEMBER, "open", ProcessAsked(ProcessName("P001"), COMPANY))
    [facts] = gather(impatient.facts, question)
    raw.execute("ROLLBACK")

    assert person_of(facts).registered


def test_what_was_written_is_read_at_once_everywhere(
    store: SqlStore, open_store: Callable[..., SqlStore]
) -> None:
    """Once a call has returned, every other process knows of it with its next question."""
    other = open_store()
    for expected in range(1, 20):
        store.registry.save_person(Person(MEMBER), untold)
        assert expected == _revision(other)


# Writing


def _grant_all(url: str, barrier: Barrier, mine: list[str]) -> None:
    """Grant processes to one member one by one, each anew until nobody else was faster."""
    store = SqlStore(url)
    barrier.wait(60)
    for process in mine:
        granted = Delegation(process, COMPANY, MEMBER, ProcessId(process), 1, (GRANT,))
        while True:
            seen = tuple(store.delegations.of_company(COMPANY, MEMBER))
            try:
                store.delegations.apply(
                    Change(COMPANY, MEMBER, _revision(store), seen, (granted,)), untold
                )
            except Conflict:
                continue
            break
    store.close()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_two_writers_do_not_lose_each_others_change(store: SqlStore, kind: str) -> None:
    """Everything that two writers of one member's set were told is written is there."""
    names = [f"p{number}" for number in range(30)]
    store.catalogue.save_processes(
        [ProcessDefinition(ProcessId(name), "P001", name, 1) for name in names], NOON, untold
    )
    url = f"sqlite:///{file_of(store)}"
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    start = spawn.Process if kind == "processes" else threading.Thread
    writers = [start(target=_grant_all, args=(url, barrier, names[half::2])) for half in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert set(names) == {one.id for one in store.delegations.of_company(COMPANY)}
    assert 31 == _revision(store)


def test_writers_of_one_store_take_turns(store: SqlStore) -> None:
    """Threads that write through one store all succeed, each with a revision of its own."""
    revisions: list[int] = []

    def _write() -> None:
        for _ in range(10):
            revisions.append(store.registry.save_person(Person(MEMBER), untold))  # noqa: PERF401 - four threads append

    _in_threads(_write, _write, _write, _write)

    assert list(range(1, 41)) == sorted(revisions)


def test_a_surrogate_made_twice_at_once_is_one(store: SqlStore) -> None:
    """Threads that ask for the same new names get the same names."""
    people = [Cpf(f"{number:011}") for number in range(50)]
    found: list[Mapping[Subject, str]] = []
    barrier = threading.Barrier(4)

    def _ask() -> None:
        barrier.wait(60)
        found.append(store.surrogates.surrogates(people))

    _in_threads(_ask, _ask, _ask, _ask)

    assert [found[0]] * 4 == found


def test_acts_and_decisions_do_not_block_each_other(store: SqlStore, tmp_path: Path) -> None:
    """Acts hold the database and want the log; deciders read and name persons, then log."""
    log = Journal(tmp_path / "log", "0", Options(), lambda _count: None)
    acts = ActLog(log, (), lambda: NOON)
    record = ActRecord("0" * 32, NOON, Caller("decider"), "decision")

    def _act() -> None:
        for _ in range(30):
            told = partial(acts.did, "person.assert", Caller("actor"), {})
            store.registry.save_person(Person(MEMBER), told)

    def _decide(number: int) -> None:
        for each in range(30):
            store.facts.gather([QUESTION], NOON)
            store.surrogates.surrogates([Cpf(f"{number * 100 + each:011}")])
            log.write([record])

    _in_threads(_act, _act, lambda: _decide(1), lambda: _decide(2))
    log.close()
    lines = written.acts(tmp_path)
    revisions = [one["store_revision"] for one in lines if one["act"] == "person.assert"]

    assert list(range(1, 61)) == revisions
    assert 60 == len(lines) - len(revisions)


def test_a_failure_leaves_no_half_write(store: SqlStore, raw: sqlite3.Connection) -> None:
    """If the last statement of a write fails, none of its rows is there and no lock stays."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    raw.execute(
        "CREATE TRIGGER full BEFORE INSERT ON delegation_events WHEN NEW.delegation = 'three'"
        " BEGIN SELECT RAISE(FAIL, 'disk full'); END"
    )
    granted = tuple(
        _delegation(name, process)
        for name, process in zip(("one", "two", "three"), CATALOGUE, strict=False)
    )

    with pytest.raises(AuthzError):
        store.delegations.apply(Change(COMPANY, MEMBER, _revision(store), (), granted), untold)
    assert [] == store.delegations.of_company(COMPANY)
    assert 1 == _revision(store)
    assert 2 == store.delegations.apply(
        Change(COMPANY, MEMBER, _revision(store), (), granted[:2]), untold
    )


# When the database does not answer


WRITES: dict[str, Callable[[SqlStore], object]] = {
    "person": lambda store: store.registry.save_person(Person(MEMBER, NOON), untold),
    "standing": lambda store: store.registry.save_standing(STANDING, untold),
    "bond": lambda store: store.registry.save_bond(Bond(FILIAL, COMPANY, "proof", NOON), untold),
    "delegations": lambda store: store.delegations.apply(
        Change(COMPANY, MEMBER, _revision(store), (), (_delegation("one"),)), untold
    ),
    "processes": lambda store: store.catalogue.save_processes([P001], NOON, untold),
    "client": lambda store: store.clients.save_client(Client("bpm", frozenset({"decide"})), untold),
    "surrogates": lambda store: store.surrogates.surrogates([MEMBER]),
}
READS: dict[str, Callable[[SqlStore], object]] = {
    "facts": lambda store: store.facts.gather([QUESTION], NOON),
    "of company": lambda store: store.delegations.of_company(COMPANY, MEMBER),
    "find": lambda store: store.delegations.find("one"),
    "processes": lambda store: store.catalogue.processes(),
    "clients": lambda store: store.clients.clients(),
    "client of key": lambda store: store.clients.client_of_key("one"),
}
CALLS = [*WRITES.values(), *READS.values()]


def _refused(store: SqlStore, call: Callable[[SqlStore], object]) -> str:
    """Expect the call to be refused in silence, and give the message."""
    with pytest.raises(StoreUnavailable) as caught:
        call(store)
    written = "".join(traceback.format_exception(caught.value))
    for cpf in (MEMBER, REPRESENTATIVE):
        assert cpf.digits not in written
        assert cpf.masked not in written
    return str(caught.value)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_gives_up_behind_another_that_goes_on(
    store: SqlStore,
    raw: sqlite3.Connection,
    open_store: Callable[..., SqlStore],
    write: Callable[[SqlStore], object],
) -> None:
    """After the busy timeout a write is refused, and succeeds when the other is over."""
    store.catalogue.save_processes([P001], NOON, untold)
    impatient = open_store(busy_timeout=0.02)
    raw.execute("BEGIN IMMEDIATE")
    message = _refused(impatient, write)
    raw.execute("ROLLBACK")
    write(impatient)

    assert "the database did not answer: SQLITE_BUSY" == message


def test_a_write_waits_for_another_that_is_quick(store: SqlStore, raw: sqlite3.Connection) -> None:
    """Within the busy timeout a write waits instead of failing."""
    raw.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=store.registry.save_person, args=(Person(MEMBER), untold))
    waiting.start()
    waiting.join(0.2)
    still_waiting = waiting.is_alive()
    raw.execute("COMMIT")
    waiting.join()

    assert still_waiting
    assert 1 == _revision(store)


@pytest.mark.parametrize("call", CALLS, ids=[*WRITES, *(f"read {name}" for name in READS)])
@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "SQLITE_CANTOPEN"),
        (b"", "OperationalError|SQLITE_ERROR"),
        (b"this is no database" * 100, "SQLITE_NOTADB"),
    ],
    ids=["missing", "empty", "garbage"],
)
def test_a_file_that_is_no_store_is_unavailable(
    path: Path,
    open_store: Callable[..., SqlStore],
    call: Callable[[SqlStore], object],
    content: bytes | None,
    cause: str,
) -> None:
    """Whatever is asked of a missing, empty or broken file: the store is unavailable."""
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    store = open_store()

    assert _refused(store, call).removeprefix("the database did not answer: ") in cause.split("|")


def test_a_folder_in_the_place_of_the_file_is_unavailable(
    path: Path, open_store: Callable[..., SqlStore]
) -> None:
    """A folder is no database, neither to be made nor to be read."""
    path.mkdir(parents=True)
    store = open_store()

    assert "the database did not answer: SQLITE_CANTOPEN" == _refused(store, SqlStore.create)
    assert "the database did not answer: SQLITE_CANTOPEN" == _refused(store, READS["facts"])


def test_a_place_where_nothing_can_be_made_is_unavailable(
    path: Path, open_store: Callable[..., SqlStore]
) -> None:
    """If the folder cannot be made, creating says so in one sentence."""
    path.parent.write_text("a file where the folder should be")

    expected = "the database file cannot be made: "
    assert _refused(open_store(), SqlStore.create) in {f"{expected}EEXIST", f"{expected}ENOTDIR"}


def test_a_missing_file_is_never_made_by_asking(
    path: Path, open_store: Callable[..., SqlStore]
) -> None:
    """Only creating makes a database: a question would make one that everybody can read."""
    path.parent.mkdir()
    store = open_store()
    _refused(store, READS["facts"])
    store.ping()

    assert [] == list(path.parent.iterdir())


@pytest.mark.parametrize("call", CALLS, ids=[*WRITES, *(f"read {name}" for name in READS)])
def test_a_missing_table_is_unavailable(
    store: SqlStore, raw: sqlite3.Connection, call: Callable[[SqlStore], object]
) -> None:
    """A database without its tables answers nothing, and its errors quote no parameter."""
    raw.execute("PRAGMA foreign_keys=OFF")
    for (table,) in raw.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'store_revision'"
    ).fetchall():
        raw.execute(f"DROP TABLE {table}")

    assert "the database did not answer: SQLITE_ERROR" == _refused(store, call)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE standings SET role = 'emperor'",
        "UPDATE bonds SET matriz = '11222333000181'",
        "UPDATE bonds SET last_day = 'tomorrow'",
        "UPDATE delegation_events SET kind = 'confirmed'",
        "UPDATE processes SET version = 0",
    ],
)
def test_a_row_that_cannot_be_is_no_fault_of_the_caller(
    store: SqlStore, raw: sqlite3.Connection, damage: str
) -> None:
    """A damaged row makes the store unavailable; it never reads as a wrong request."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_standing(STANDING, untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "proof", NOON), untold)
    store.delegations.apply(
        Change(FILIAL, MEMBER, _revision(store), (), (_delegation("one", company=FILIAL),)), untold
    )
    raw.execute(damage)
    resource = ProcessAsked(ProcessName("P001"), FILIAL)
    questions = [QUESTION, Question(MEMBER, "open", resource)]

    expected = "the database holds a row that cannot be read"
    assert expected == _refused(store, lambda store: store.facts.gather(questions, NOON))


def test_a_contradiction_quotes_nobody(store: SqlStore) -> None:
    """A conflict out of the database names no person either."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.delegations.apply(
        Change(COMPANY, MEMBER, _revision(store), (), (_delegation("one"),)), untold
    )
    again = Change(COMPANY, MEMBER, _revision(store), (_delegation("one"),), (_delegation("two"),))
    with pytest.raises(Conflict) as caught:
        store.delegations.apply(again, untold)

    assert MEMBER.digits not in "".join(traceback.format_exception(caught.value))


# Ping


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "the database file is missing"),
        (b"", "the database is empty: run `authz db upgrade`"),
        (b"this is no database" * 100, "the database did not answer: SQLITE_NOTADB"),
    ],
    ids=["missing", "empty", "garbage"],
)
def test_a_ping_tells_what_is_wrong(
    path: Path, open_store: Callable[..., SqlStore], content: bytes | None, expected: str
) -> None:
    """Of a file that cannot serve, one sentence says so, without raising."""
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)

    assert expected == open_store().ping()


def test_a_ping_sees_that_the_file_was_deleted(store: SqlStore) -> None:
    """Open connections go on in a deleted file, so the ping looks for the file as well."""
    before = store.ping()
    file_of(store).unlink()

    assert (None, "the database file is missing") == (before, store.ping())


def test_a_ping_does_not_wait_for_a_writer(store: SqlStore, raw: sqlite3.Connection) -> None:
    """A database that is busy writing is well."""
    raw.execute("BEGIN IMMEDIATE")
    ailment = store.ping()
    raw.execute("ROLLBACK")

    assert ailment is None


def test_a_closed_store_opens_again(store: SqlStore) -> None:
    """Closing lets go of the file, and a later call takes it up again."""
    store.registry.save_person(Person(MEMBER), untold)
    store.close()

    assert 1 == _revision(store)


def test_a_replaced_file_is_the_one_that_counts(tmp_path: Path) -> None:
    """After a restore from a back-up, questions go to the restored file and not to the old one."""
    path = tmp_path / "authz.db"
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        store.create()
        store.catalogue.save_processes([P001], NOON, untold)
        with closing(SqlStore(f"sqlite:///{tmp_path}/restored.db")) as restored:
            restored.create()
        assert [P001] == store.catalogue.processes()
        for leftover in tmp_path.glob("authz.db-*"):
            leftover.unlink()
        (tmp_path / "restored.db").replace(path)

        assert [] == store.catalogue.processes()


def test_a_deleted_file_is_missed(tmp_path: Path) -> None:
    """A file that is gone is not read on through a connection that still holds it."""
    path = tmp_path / "authz.db"
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        store.create()
        store.catalogue.processes()
        path.unlink()

        with pytest.raises(StoreUnavailable):
            store.catalogue.processes()
        assert "the database file is missing" == store.ping()


def test_a_damaged_table_is_an_ailment(tmp_path: Path) -> None:
    """A file whose first pages are whole and whose tables are not is not called well."""
    path = tmp_path / "authz.db"
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        store.create()
        store.catalogue.save_processes([P001], NOON, untold)
        assert store.ping() is None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    content = path.read_bytes()
    path.write_bytes(content[:8192] + bytes(reversed(content[8192:])))
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        assert store.ping() is not None
