"""
What the store promises to databases of other versions, on both kinds of database.

A database of the first counted version is made by going back to it; what that leaves is compared
with the file of an earlier release in ``test_earlier_version``.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect, select, text

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.companies import ForeignCompany
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import (
    Conflict,
    InvalidInput,
    LogUnavailable,
    StoreUnavailable,
)
from authz_service.domain.identifiers import ForeignId, Login
from authz_service.domain.people import Bond, Evidence, Person
from authz_service.domain.processes import ProcessVersion
from authz_service.store import SqlStore, versions
from authz_service.store.held.changed import Log
from authz_service.store.schema import metadata
from tests.domain.document import COMPANY, FILIAL, MEMBER, P001, PARTNER, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.postgres import Postgres
from tests.store.noted import noted
from tests.store.records import answer, keep, sign_in, standing

Rows = Mapping[str, list[tuple[Any, ...]]]

NEW = {
    "changes",
    "other_surrogates",
    "process_versions",
    "foreign_companies",
    "foreign_representatives",
}
"""The tables that came with version 0002."""

_KEY = ClientKey("one", "0" * 64, NOON)


def _fill(store: SqlStore) -> None:
    """Write something into every table."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_standing(standing(person=PARTNER, evidence=Evidence.ASSERTED), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold)
    keep(store, sign_in("spent", MEMBER))
    store.personal_data.erase(MEMBER, untold)
    keep(store, sign_in(), answer(standing()))
    store.registry.save_person(Person(MEMBER, NOON), untold)
    event = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra", "porque sim")
    granted = Delegation("one", COMPANY, MEMBER, P001.id, P001.version, (event,))
    revision = store.facts.gather([], NOON).revision
    store.delegations.apply(Change(COMPANY, MEMBER, revision, (), (granted,)), untold)
    store.clients.save_client(Client("bpm", frozenset({"decide"}), (_KEY,)), untold)
    logins = (Login("ana"),)
    store.foreign.add(
        ForeignCompany(ForeignId.of_number(1), "Estrangeira", "PY", logins, NOON), untold
    )
    store.surrogates.surrogates([MEMBER, Login("ana")])


def _rows(store: SqlStore) -> Rows:
    """Give all rows of all tables, whatever tables there are, but for Alembic's."""
    found = MetaData()
    with store.database.engine.connect() as connection:
        found.reflect(connection)
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in found.sorted_tables
            if table.name != "alembic_version"
        }


def _run(store: SqlStore, *statements: str) -> None:
    with store.database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _differences(store: SqlStore) -> list[object]:
    """Tell in what the database is not what ``schema`` says."""
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[object] = list(compare_metadata(context, metadata))
    return found


@pytest.fixture(name="store")
def _store(sql: SqlStore) -> SqlStore:
    """Give a store of each kind with something in every table."""
    sql.create()
    _fill(sql)
    return sql


@pytest.fixture(name="old")
def _old(store: SqlStore) -> SqlStore:
    """Give one of each kind that is of the version before."""
    store.downgrade("0001", untold)
    return store


@pytest.fixture(name="uncounted")
def _uncounted(old: SqlStore) -> SqlStore:
    """Give one that was made when no versions were counted."""
    _run(old, "DROP TABLE alembic_version")
    return old


# What is made and what migrations make


def test_every_migration_is_known() -> None:
    """The versions that the service counts are the migrations that there are, one after another."""
    folder = Path(versions.__file__).parent / "migrations"
    found = [one.revision for one in ScriptDirectory(str(folder)).walk_revisions()]

    assert list(versions.VERSIONS) == found[::-1]
    assert [f"{number:04}" for number in range(1, len(found) + 1)] == found[::-1]


def test_the_test_fills_every_table(store: SqlStore) -> None:
    """What is said below of every table is said of rows."""
    assert [] == [name for name, rows in _rows(store).items() if not rows]


def test_a_new_database_is_what_the_tables_say(sql: SqlStore) -> None:
    """A database that was made is of the newest version and has nothing more, and nothing less."""
    sql.create()

    assert ("0002", "0002") == sql.version()
    assert [] == _differences(sql)


def test_migrations_lead_to_what_the_tables_say(uncounted: SqlStore) -> None:
    """Whoever came step by step has the very same tables, columns, types and indexes."""
    uncounted.upgrade()

    assert ("0002", "0002") == uncounted.version()
    assert [] == _differences(uncounted)
    assert uncounted.ping() is None


def test_a_difference_would_be_seen(old: SqlStore) -> None:
    """The comparison is one: the tables of the version before are not those of this one."""
    found = repr(_differences(old))

    assert all(name in found for name in [*NEW, "reasons"])


def _migrate(store: SqlStore) -> None:
    """Make the tables by the migrations alone."""
    store.database.backend.prepare()
    with store.database.backend.reshape() as connection:
        versions.upgrade(connection)


MAKERS = [SqlStore.create, _migrate]


def test_to_the_letter_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    """What Alembic does not compare is the same too: collations, conditions of indexes, names."""
    dumps = []
    for make in MAKERS:
        url = postgres.new()
        with closing(SqlStore(url)) as store:
            make(store)
        postgres.program("pg_dump", "-s", "--restrict-key=x", "-f", tmp_path / "dump", url)
        dumps.append((tmp_path / "dump").read_text())

    assert dumps[0] == dumps[1]
    assert "one_open_delegation" in dumps[0]


def test_to_the_letter_on_sqlite(tmp_path: Path) -> None:
    """There as well: columns in their order, keys, and indexes with their conditions."""
    found = []
    for number, make in enumerate(MAKERS):
        with closing(SqlStore(f"sqlite:///{tmp_path}/{number}.db")) as store:
            make(store)
            found.append(_described(store))

    assert found[0] == found[1]
    assert any("one_open_delegation" in one for one in found[0])


def _described(store: SqlStore) -> list[str]:
    with store.database.read() as connection:
        indexes = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"
        found = [" ".join(row.sql.split()) for row in connection.execute(text(indexes))]
        for table in inspect(connection).get_table_names():
            for pragma in ("table_info", "foreign_key_list"):
                rows = connection.execute(text(f"PRAGMA {pragma}({table})"))
                found += [f"{table}: {tuple(row)}" for row in rows]
    return sorted(found)


# Up and down


def test_the_way_back_and_forth_loses_nothing_that_the_older_one_knew(store: SqlStore) -> None:
    """Every row and value of its tables stays, down and up again; what is new begins empty."""
    before = _rows(store)
    store.downgrade("0001", untold)
    down = _rows(store)
    assert ("0001", "0002") == store.version()
    store.upgrade()
    up = _rows(store)

    # A client's last column is the one that it did not have.
    kept = {name: rows for name, rows in before.items() if name not in NEW}
    kept["clients"] = [row[:-1] for row in kept["clients"]]
    assert kept == down
    kept["clients"] = [(*row, None) for row in kept["clients"]]
    empty: Rows = {name: [] for name in NEW}
    assert {**kept, **empty, "process_versions": [(P001.id.value, P001.version, None)]} == up
    assert store.ping() is None


def test_what_the_way_back_loses_is_counted_before(store: SqlStore) -> None:
    """Rows of the tables that go, values of the columns that go; counting changes nothing."""
    _run(store, "INSERT INTO clients (name, scopes) VALUES ('older', '[]')")
    before = _rows(store)
    lost = store.lost("0001")

    assert {**{name: len(before[name]) for name in NEW}, "clients.reasons": 1} == lost
    assert before == _rows(store)
    with pytest.raises(InvalidInput, match=r"^to: must be an earlier version: 0001$"):
        store.lost("0002")


def test_a_way_back_that_cannot_be_told_is_not_gone(store: SqlStore) -> None:
    """It is told as the last thing, by the revision that there is, and undone if that fails."""
    before = _rows(store)
    revision = store.facts.gather([], NOON).revision
    heard: list[int] = []

    def _refuse(_revision: int) -> None:
        raise LogUnavailable("the decision log cannot be written")

    with pytest.raises(LogUnavailable):
        store.downgrade("0001", _refuse)
    assert before == _rows(store)
    store.downgrade("0001", heard.append)
    assert [revision] == heard
    assert "0001" == store.version()[0]


def test_what_was_kept_is_of_use(old: SqlStore) -> None:
    """After an upgrade all goes on from where it was: revision, keys, what was delegated."""
    old.upgrade()

    assert [Client("bpm", frozenset({"decide"}), (_KEY,))] == old.clients.clients()
    assert [ProcessVersion(P001.version, None)] == old.catalogue.versions(P001.id)
    assert old.delegations.find("one") is not None
    with pytest.raises(Conflict):
        keep(old, sign_in("spent", MEMBER))
    revision = old.facts.gather([], NOON).revision
    assert revision + 1 == old.registry.save_person(Person(MEMBER), untold)
    assert [revision + 1] == [one.number for one in noted(old)]


@pytest.mark.parametrize("to", ["0001", "0002", "0003", "0000", "base", "-1", "head", ""])
def test_there_is_no_way_back_but_to_an_earlier_version(old: SqlStore, to: str) -> None:
    """Where it is, further on, to nothing at all: refused, and the database stays as it is."""
    before = _rows(old)
    with pytest.raises(InvalidInput, match=r"^to: must be an earlier version: none$"):
        old.downgrade(to, untold)

    assert before == _rows(old)
    assert ("0001", "0002") == old.version()


def test_from_an_empty_database_there_is_no_way_back(sql: SqlStore) -> None:
    """It is told so, and stays empty."""
    with pytest.raises(InvalidInput, match=r"^to: .* an empty database has none$"):
        sql.downgrade("0001", untold)

    assert (None, "0002") == sql.version()


def test_what_fails_on_the_way_leaves_the_database_as_it_was(old: SqlStore) -> None:
    """An upgrade is done or not done, never half, on both databases."""
    _run(old, "CREATE TABLE foreign_companies (id INTEGER)")
    before = _rows(old)
    with pytest.raises(StoreUnavailable):
        old.upgrade()

    assert before == _rows(old)
    assert ("0001", "0002") == old.version()


def test_an_upgrade_of_what_is_new_changes_nothing(store: SqlStore) -> None:
    """It may be run at every start."""
    before = _rows(store)
    store.upgrade()

    assert before == _rows(store)


def test_an_upgrade_makes_an_empty_database(sql: SqlStore) -> None:
    """So an installation runs the same command, whether there was one before or not."""
    sql.upgrade()

    assert sql.ping() is None
    assert 1 == sql.registry.save_person(Person(MEMBER), untold)


# Databases of other versions


OLDER = "the database has version 0001 and 0002 is needed: run `authz db upgrade`"


def test_an_older_database_is_an_ailment(old: SqlStore) -> None:
    """The sentence says what to do."""
    assert OLDER == old.ping()


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_postgresql_is_not_upgraded_by_a_start(old: SqlStore) -> None:
    """Others may use it: the start is refused, and says who changes that."""
    before = _rows(old)
    with pytest.raises(StoreUnavailable) as caught:
        old.create()

    assert OLDER == str(caught.value)
    assert before == _rows(old)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_file_is_upgraded_by_a_start(old: SqlStore) -> None:
    """The file is the service's own, so whoever starts a newer version needs no other command."""
    old.create()

    assert ("0002", "0002") == old.version()
    assert old.ping() is None


def test_a_database_from_before_versions_is_adopted(uncounted: SqlStore) -> None:
    """All that it has stays, and from then on it has a version."""
    before = _rows(uncounted)
    assert ("0000", "0002") == uncounted.version()
    uncounted.upgrade()
    uncounted.downgrade("0001", untold)

    assert before == _rows(uncounted)


def test_what_an_even_older_one_lacks_is_added(uncounted: SqlStore) -> None:
    """Columns and tables that came before versions were counted are made as well."""
    _run(
        uncounted,
        "DROP TABLE sign_ins",
        "DROP TABLE spent_tokens",
        "ALTER TABLE standings DROP COLUMN cadastrador",
        "ALTER TABLE people DROP COLUMN observed_at",
    )
    people = _rows(uncounted)["people"]
    uncounted.upgrade()

    assert [] == _differences(uncounted)
    assert [(*row, None) for row in people] == _rows(uncounted)["people"]


def test_a_newer_database_is_taken(store: SqlStore) -> None:
    """The version before goes on beside a newer one, which only adds; the way back it has not."""
    _run(
        store,
        "UPDATE alembic_version SET version_num = '0003'",
        "CREATE TABLE tomorrow (id INTEGER)",
        "ALTER TABLE people ADD COLUMN tomorrow INTEGER",
    )
    store.create()
    store.upgrade()

    assert ("0003", "0002") == store.version()
    assert store.ping() is None
    store.registry.save_person(Person(PARTNER, NOON), untold)
    assert Person(PARTNER, NOON) == store.registry.person(PARTNER)
    with pytest.raises(Conflict, match="use the one that upgraded it"):
        store.downgrade("0001", untold)


@pytest.mark.parametrize("odd", ["abc", "00002", "a1b2", "２００２"])
def test_a_database_of_somebody_else_is_refused(store: SqlStore, odd: str) -> None:
    """A version that is no number of four digits is no version of this service."""
    _run(store, f"UPDATE alembic_version SET version_num = '{odd}'")  # noqa: S608 - a case
    before = _rows(store)

    for use in (store.create, store.upgrade, lambda: store.downgrade("0001", untold)):
        with pytest.raises(StoreUnavailable, match="no release of this service has"):
            use()
    assert before == _rows(store)


def test_the_version_before_writes_beside_this_one(store: SqlStore) -> None:
    """What it leaves out is what was not known before, and every read goes on."""
    log = Log(store.database)
    state = log.since(0, None)
    _run(
        store,
        """INSERT INTO clients (name, scopes) VALUES ('older', '["decide"]')""",
        "INSERT INTO processes VALUES ('p999', 'P999', 'Outro', 1, 'open')",
        "UPDATE store_revision SET value = value + 1",
    )
    changed = log.since(state.revision, state.mark)

    assert ["bpm", "older"] == [one.name for one in store.clients.clients()]
    assert "p999" in [one.id.value for one in store.catalogue.processes()]
    # It may have been anything.
    assert (state.revision + 1, None) == (changed.revision, changed.touched)


# Several at once


def _start(url: str, barrier: Barrier, verb: str) -> None:
    with closing(SqlStore(url)) as store:
        barrier.wait(60)
        getattr(store, verb)()
        assert store.ping() is None
        store.registry.save_person(Person(MEMBER), untold)


def _together(url: str, verb: str) -> list[int | None]:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    several = [spawn.Process(target=_start, args=(url, barrier, verb)) for _ in range(2)]
    for each in several:
        each.start()
    for each in several:
        each.join()
    return [each.exitcode for each in several]


def test_several_processes_may_create_at_once(sql: SqlStore, url: str) -> None:
    """Those that start together on nothing all find a database, and the same."""
    assert [0, 0] == _together(url, "create")
    assert 2 == sql.facts.gather([], NOON).revision


def test_several_processes_may_upgrade_at_once(uncounted: SqlStore, url: str) -> None:
    """One of them does it, the others wait and find it done."""
    before = uncounted.facts.gather([], NOON).revision

    assert [0, 0] == _together(url, "upgrade")
    assert before + 2 == uncounted.facts.gather([], NOON).revision
    assert [] == _differences(uncounted)
