"""What the store on PostgreSQL promises beyond the contract: locks, patience, silence."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import Conflict, InvalidInput, StoreUnavailable
from authz_service.domain.facts import Facts, ProcessFacts
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.people import Person
from authz_service.domain.processes import ProcessDefinition, ProcessName
from authz_service.store import SqlStore
from authz_service.store.schema import metadata
from tests.domain.document import COMPANY, MEMBER, P001, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.postgres import Postgres, Raw, connect, running
from tests.store.noted import noted

QUESTION = Question(
    REPRESENTATIVE, "delegate", ProcessAsked(ProcessName("P001"), COMPANY), recipient=MEMBER
)
GRANT = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra")
THREADS = 8
WRITTEN = 200
WRITES: dict[str, Callable[[SqlStore], object]] = {
    "person": lambda store: store.registry.save_person(Person(MEMBER, NOON), untold),
}
READS: dict[str, Callable[[SqlStore], object]] = {
    "facts": lambda store: store.facts.gather([QUESTION], NOON),
    "delegation": lambda store: store.delegations.find("one"),
}
CALLS = {**WRITES, **READS}


@pytest.fixture(name="url")
def _url(databases: Callable[[str], str]) -> str:
    """Give the URL of a database that has all tables and nothing in them."""
    return databases("store")


@pytest.fixture(name="open_store")
def _open_store(url: str) -> Iterator[Callable[..., SqlStore]]:
    """Give a function that opens it as one more process would; all are closed at the end."""
    with ExitStack() as opened:
        yield lambda busy_timeout=5.0: opened.enter_context(
            closing(SqlStore(url, busy_timeout=busy_timeout))
        )


@pytest.fixture(name="store")
def _store(open_store: Callable[..., SqlStore]) -> SqlStore:
    """Give an empty store."""
    return open_store()


@pytest.fixture(name="raw")
def _raw(url: str) -> Iterator[Raw]:
    """Give a connection that goes around the store."""
    with closing(connect(url)) as connection:
        yield connection


@pytest.fixture(name="fragile", scope="module")
def _fragile() -> Iterator[Postgres]:
    """Give a server that tests may stop, as long as they start it again."""
    with running() as server:
        yield server


@pytest.fixture(name="there")
def _there(fragile: Postgres) -> Iterator[SqlStore]:
    """Give a store on that server, with as many connections open as a server has threads."""
    with closing(SqlStore(fragile.new(), busy_timeout=0.5)) as store:
        store.create()
        barrier = threading.Barrier(THREADS)

        def _use() -> None:
            with store.database.read():
                barrier.wait(60)

        _in_threads(*[_use] * THREADS)
        yield store


def _in_threads(*tasks: Callable[[], object]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _revision(store: SqlStore) -> int:
    return store.facts.gather([], NOON).revision


def _refused(store: SqlStore, call: Callable[[SqlStore], object]) -> str:
    """Expect the call to be refused in silence, and give the message."""
    with pytest.raises(StoreUnavailable) as caught:
        call(store)
    written = "".join(traceback.format_exception(caught.value))
    for secret in (MEMBER.digits, MEMBER.masked, REPRESENTATIVE.digits, "s3cret"):
        assert secret not in written
    return str(caught.value)


# Tables and sessions


def test_every_text_is_compared_byte_for_byte(raw: Raw) -> None:
    """No column has a collation of a language, nor a type that takes blanks for nothing."""
    found = raw.execute(
        "SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        " AND data_type IN ('character', 'character varying', 'text')"
    ).fetchall()

    assert {("character varying", "C"), ("text", "C")} == {(kind, name) for *_, kind, name in found}


@pytest.mark.parametrize(
    ("begin", "expected"),
    [("read", ["repeatable read", "on"]), ("write", ["read committed", "off"])],
    ids=["read", "write"],
)
def test_every_transaction_is_of_its_kind(store: SqlStore, begin: str, expected: list[str]) -> None:
    """A read sees one state and cannot write; a write sees what others have committed."""
    for _ in range(2):
        for other in ("write", "read", begin):
            with getattr(store.database, other)() as connection:
                found = [
                    connection.execute(text(f"SHOW transaction_{name}")).scalar_one()
                    for name in ("isolation", "read_only")
                ]
        assert expected == found


def test_waiting_is_bounded_by_the_server(open_store: Callable[..., SqlStore]) -> None:
    """A lock is waited for as long as it says, a statement twice; who hangs keeps no lock."""
    with open_store(busy_timeout=1.5).database.read() as connection:
        found = [
            connection.execute(text(f"SHOW {name}_timeout")).scalar_one()
            for name in ("lock", "statement", "idle_in_transaction_session")
        ]

    assert ["1500ms", "3s", "15s"] == found


def test_a_role_that_may_not_make_tables_serves(url: str, raw: Raw) -> None:
    """A database that is made needs no more rights than to read and write rows."""
    raw.execute("DROP ROLE IF EXISTS serving")
    raw.execute("CREATE ROLE serving LOGIN")
    raw.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO serving")
    raw.execute("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO serving")
    with closing(SqlStore(url.replace("//postgres@", "//serving@"))) as store:
        store.create()
        assert store.ping() is None
        assert 1 == store.registry.save_person(Person(MEMBER), untold)
    raw.execute("DROP OWNED BY serving")
    raw.execute("DROP ROLE serving")


def test_a_database_of_another_encoding_is_refused(postgres: Postgres, raw: Raw) -> None:
    """In one that is not UTF-8, some names could not be kept."""
    raw.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with closing(SqlStore(f"postgresql://postgres@/latin?host={postgres.folder}")) as store:
        assert "the database must be one whose encoding is UTF8" == _refused(store, SqlStore.create)
        assert "the database is empty: run `authz db upgrade`" == store.ping()
    raw.execute("DROP DATABASE latin")


# Reading


def test_a_batch_sees_one_state(store: SqlStore, open_store: Callable[..., SqlStore]) -> None:
    """While somebody writes on and on, the facts are those of the revision that comes with them."""
    store.catalogue.save_processes([replace(P001, version=1)], NOON, untold)
    other = open_store()

    def _write() -> None:
        for version in range(2, WRITTEN + 1):
            other.catalogue.save_processes([replace(P001, version=version)], NOON, untold)

    writer = threading.Thread(target=_write)
    writer.start()
    seen = set()
    while writer.is_alive():
        snapshot = store.facts.gather([QUESTION], NOON)
        [facts] = snapshot.facts
        assert isinstance(facts, Facts)
        assert isinstance(facts.resource, ProcessFacts)
        seen.add((snapshot.revision, facts.resource.version))
    writer.join()

    # Each write made one revision and one version.
    assert [] == [(revision, version) for revision, version in seen if revision != version]
    assert len(seen) > 2


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_reader_does_not_wait_for_a_writer(
    raw: Raw, open_store: Callable[..., SqlStore], read: Callable[[SqlStore], object]
) -> None:
    """While somebody writes, questions are answered from the state before."""
    impatient = open_store(busy_timeout=0.05)
    with raw.transaction():
        raw.execute("SELECT * FROM store_revision FOR UPDATE")
        raw.execute("UPDATE store_revision SET value = 7")
        read(impatient)

        assert 0 == _revision(impatient)
    assert 7 == _revision(impatient)


# Writing


def _grant_all(store: SqlStore, barrier: threading.Barrier, mine: list[str]) -> None:
    """Grant processes to one member one by one, each anew until nobody else was faster."""
    barrier.wait(60)
    for process in mine:
        granted = Delegation(process, COMPANY, MEMBER, ProcessId(process), 1, (GRANT,))
        while True:
            seen = tuple(store.delegations.of_company(COMPANY, MEMBER))
            change = Change(COMPANY, MEMBER, _revision(store), seen, (granted,))
            try:
                store.delegations.apply(change, untold)
            except Conflict:
                continue
            break


def test_writers_do_not_lose_each_others_change(
    store: SqlStore, open_store: Callable[..., SqlStore]
) -> None:
    """Everything that several writers of one set were told is written is there, once."""
    names = [f"p{number}" for number in range(24)]
    store.catalogue.save_processes(
        [ProcessDefinition(ProcessId(name), "P001", name, 1) for name in names], NOON, untold
    )
    barrier = threading.Barrier(3)
    writers = [
        threading.Thread(target=_grant_all, args=(open_store(), barrier, names[third::3]))
        for third in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert sorted(names) == sorted(one.id for one in store.delegations.of_company(COMPANY))
    assert 25 == _revision(store)


def test_revisions_have_no_gap(store: SqlStore, open_store: Callable[..., SqlStore]) -> None:
    """Writes of many, some refused in between, count on by one, and each is among the changes."""
    revisions: list[int] = []

    def _write(mine: SqlStore) -> None:
        for _ in range(10):
            revisions.append(mine.registry.save_person(Person(MEMBER), untold))
            with pytest.raises(Conflict):
                mine.delegations.apply(Change(COMPANY, MEMBER, -7, (), ()), untold)

    stores = [open_store(), open_store(), store, store]
    _in_threads(*(lambda mine=mine: _write(mine) for mine in stores))

    assert list(range(1, 41)) == sorted(revisions)
    assert list(range(1, 41)) == [one.number for one in noted(store)]
    assert 40 == _revision(store)


def test_every_thread_may_write_and_read_beside_it(store: SqlStore) -> None:
    """A write that asks whether its ground is still so does not run out of connections."""
    done: list[int] = []

    def _write() -> None:
        change = Change(COMPANY, MEMBER, -7, (), ())
        done.append(store.delegations.apply(change, untold, lambda: _revision(store) >= 0))

    _in_threads(*[_write] * THREADS)

    assert list(range(1, THREADS + 1)) == sorted(done)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_gives_up_behind_another_that_goes_on(
    raw: Raw, open_store: Callable[..., SqlStore], write: Callable[[SqlStore], object]
) -> None:
    """After the busy timeout a write is refused, and succeeds when the other is over."""
    impatient = open_store(busy_timeout=0.1)
    with raw.transaction():
        raw.execute("SELECT * FROM store_revision FOR UPDATE")
        message = _refused(impatient, write)
    write(impatient)

    assert "the database did not answer: 55P03" == message


# When the database does not answer


def test_a_statement_that_takes_too_long_is_ended(open_store: Callable[..., SqlStore]) -> None:
    """The server ends it, and the connection is of use for the next one."""
    store = open_store(busy_timeout=0.1)

    def _sleep(store: SqlStore) -> None:
        with store.database.read() as connection:
            connection.execute(select(func.pg_sleep(60)))

    assert "the database did not answer: 57014" == _refused(store, _sleep)
    assert 0 == _revision(store)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_restart_between_two_calls_is_not_noticed(
    fragile: Postgres, there: SqlStore, call: Callable[[SqlStore], object]
) -> None:
    """Connections that died while nobody used them are replaced, without a failed request."""
    fragile.stop()
    fragile.start()
    failures: list[Exception] = []

    def _call() -> None:
        try:
            call(there)
        except StoreUnavailable as error:
            failures.append(error)

    _in_threads(*[_call] * THREADS)

    assert [] == failures


def test_a_server_that_is_gone_is_missed_and_found_again(
    fragile: Postgres, there: SqlStore
) -> None:
    """Every call is refused at once, the ping says so, and all goes on when it is back."""
    fragile.stop()
    try:
        began = time.monotonic()
        messages = {_refused(there, call) for call in CALLS.values()}
        ailment = there.ping()
        took = time.monotonic() - began
    finally:
        fragile.start()

    assert {"the database did not answer: No such file or directory"} == messages
    assert "the database did not answer: No such file or directory" == ailment
    assert took < 5
    assert there.ping() is None
    assert 1 == there.registry.save_person(Person(MEMBER), untold)


def test_a_server_that_hangs_is_given_up(fragile: Postgres, there: SqlStore) -> None:
    """One that neither answers nor closes is waited for as long as is said, whatever is asked."""
    # The first call has a connection, the second has to find one.
    took = []
    with fragile.frozen():
        for call in (READS["facts"], WRITES["person"]):
            began = time.monotonic()
            message = _refused(there, call)
            took.append(time.monotonic() - began)
            assert "the database did not answer: " == message[:29]

    # Three times the busy timeout, and what it takes to connect once more.
    assert max(took) < 8
    assert there.ping() is None
    assert 1 == there.registry.save_person(Person(MEMBER), untold)


def test_a_hang_amid_a_transaction_is_given_up(fragile: Postgres, there: SqlStore) -> None:
    """So it is when the connection was well a moment before, and nothing is written."""

    def _write(store: SqlStore) -> None:
        with store.database.revise(untold) as (connection, _revision), fragile.frozen():
            connection.execute(text("SELECT 1"))

    began = time.monotonic()
    message = _refused(there, _write)

    assert "the database did not answer: ServerSilent" == message
    assert time.monotonic() - began < 8
    assert 0 == _revision(there)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://authz:s3cret@/authz?host=/nowhere",
        "postgresql://authz:s3cret@127.0.0.1:1/authz",
        "postgresql+psycopg://authz:s3cret@127.0.0.1:1/authz?sslmode=require",
        "postgresql://authz:s3cret@127.0.0.1:1/authz?unknown=parameter",
    ],
    ids=["socket", "port", "tls", "parameter"],
)
def test_a_database_that_never_was_is_unavailable(url: str) -> None:
    """No server at the address: one sentence without the password, in every call."""
    with closing(SqlStore(url, busy_timeout=0.1)) as store:
        for call in (SqlStore.create, SqlStore.version, SqlStore.upgrade, *CALLS.values()):
            assert "the database did not answer: " == _refused(store, call)[:29]
        assert store.ping() is not None


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_missing_table_is_unavailable(
    postgres: Postgres, call: Callable[[SqlStore], object]
) -> None:
    """A database without its tables answers nothing, and its errors quote no parameter."""
    url = postgres.new()
    with closing(SqlStore(url)) as store:
        store.create()
        with closing(connect(url)) as raw:
            for table in metadata.sorted_tables:
                if table.name != "store_revision":
                    raw.execute(f"DROP TABLE {table.name} CASCADE")

        assert "the database did not answer: 42P01" == _refused(store, call)


def test_a_contradiction_quotes_nobody(store: SqlStore) -> None:
    """A conflict out of the database names no person, though PostgreSQL's message does."""
    store.catalogue.save_processes([P001], NOON, untold)
    one, two = (
        Delegation(name, COMPANY, MEMBER, P001.id, P001.version, (GRANT,)) for name in ("1", "2")
    )
    store.delegations.apply(Change(COMPANY, MEMBER, 1, (), (one,)), untold)
    with pytest.raises(Conflict) as caught:
        store.delegations.apply(Change(COMPANY, MEMBER, 2, (one,), (two,)), untold)

    assert MEMBER.digits not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ("a\0b", "the database did not answer: DataError"),
        ("\ud800", "the database cannot keep such a text"),
        ("x" * 1000, "the database did not answer: 22001"),
    ],
    ids=["nul", "surrogate", "long"],
)
def test_a_text_that_cannot_be_kept_is_refused(store: SqlStore, odd: str, expected: str) -> None:
    """No door lets such a text in; if one did, nothing would be written, and nothing break."""
    client = Client("bpm", frozenset({"decide"}), (ClientKey(odd, "0" * 64, NOON),))

    assert expected == _refused(store, lambda store: store.clients.save_client(client, untold))
    assert [] == store.clients.clients()
    if "x" not in odd:
        assert expected == _refused(store, lambda store: store.delegations.find(odd))
    assert 0 == _revision(store)


def test_a_damaged_row_is_no_fault_of_the_caller(store: SqlStore, raw: Raw) -> None:
    """It makes the store unavailable; it never reads as a wrong request."""
    store.registry.save_person(Person(MEMBER, NOON), untold)
    raw.execute("UPDATE people SET registered_at = 9223372036854775807")

    expected = "the database holds a row that cannot be read"
    assert expected == _refused(store, lambda store: store.registry.person(MEMBER))


def test_forgetting_leaves_no_row(store: SqlStore, raw: Raw) -> None:
    """After an erasure no query finds the person, around the store or through it."""
    store.registry.save_person(Person(MEMBER, NOON), untold)
    store.surrogates.surrogates([MEMBER])
    store.personal_data.erase(MEMBER, untold)

    for table in metadata.sorted_tables:
        rows = raw.execute(f"SELECT {table.name}::text FROM {table.name}").fetchall()  # noqa: S608 - no data
        assert not [row for (row,) in rows if MEMBER.digits in str(row)]


def test_a_copy_is_left_to_the_tools_of_postgresql(store: SqlStore) -> None:
    """The store says which tool, and makes no file."""
    with pytest.raises(InvalidInput, match="pg_dump"):
        store.backup(None, untold)  # type: ignore[arg-type]  # it is not looked at
