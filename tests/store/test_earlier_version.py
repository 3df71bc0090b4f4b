"""
What the SQLite store promises to a database that the previous version made.

The statements are the ones that the version before sign-in made its tables with, literally:
whatever becomes of ``schema``, such databases are out there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from authz_service.domain.delegation import EventKind
from authz_service.domain.errors import Conflict
from authz_service.domain.people import Evidence, Person, Role
from authz_service.store import SqlStore
from tests.domain.document import COMPANY, MEMBER, P001, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import HOUR, answer, keep, sign_in, standing

_TABLES = """
CREATE TABLE store_revision (id INTEGER NOT NULL, value BIGINT NOT NULL, PRIMARY KEY (id));
CREATE TABLE people (
    cpf CHAR(11) NOT NULL, registered_at BIGINT, confirmed_at BIGINT, PRIMARY KEY (cpf)
);
CREATE TABLE surrogates (
    cpf CHAR(11) NOT NULL, surrogate CHAR(32) NOT NULL, PRIMARY KEY (cpf), UNIQUE (surrogate)
);
CREATE TABLE standings (
    id INTEGER NOT NULL, company CHAR(14) NOT NULL, person CHAR(11) NOT NULL,
    role VARCHAR(32) NOT NULL, evidence VARCHAR(32) NOT NULL, observed_at BIGINT NOT NULL,
    ends_at BIGINT, superseded_at BIGINT, PRIMARY KEY (id)
);
CREATE UNIQUE INDEX one_current_standing ON standings (company, person, evidence)
    WHERE superseded_at IS NULL;
CREATE TABLE bonds (
    id INTEGER NOT NULL, filial CHAR(14) NOT NULL, matriz CHAR(14) NOT NULL,
    proof TEXT NOT NULL, recorded_at BIGINT NOT NULL, last_day DATE, superseded_at BIGINT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX one_current_bond ON bonds (filial) WHERE superseded_at IS NULL;
CREATE TABLE processes (
    id VARCHAR(64) NOT NULL, code VARCHAR(16) NOT NULL, title TEXT NOT NULL,
    version INTEGER NOT NULL, state VARCHAR(32) NOT NULL, PRIMARY KEY (id)
);
CREATE TABLE clients (name VARCHAR(64) NOT NULL, scopes JSON NOT NULL, PRIMARY KEY (name));
CREATE TABLE delegations (
    number INTEGER NOT NULL, id VARCHAR(64) NOT NULL, company CHAR(14) NOT NULL,
    member CHAR(11) NOT NULL, process VARCHAR(64) NOT NULL, version INTEGER NOT NULL,
    ended VARCHAR(32), PRIMARY KEY (number), UNIQUE (id),
    FOREIGN KEY(process) REFERENCES processes (id)
);
CREATE INDEX delegations_of_member ON delegations (company, member);
CREATE UNIQUE INDEX one_open_delegation ON delegations (company, member, process)
    WHERE ended IS NULL;
CREATE TABLE client_keys (
    id VARCHAR(64) NOT NULL, client VARCHAR(64) NOT NULL, digest CHAR(64) NOT NULL,
    created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT, networks JSON NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(client) REFERENCES clients (name)
);
CREATE INDEX ix_client_keys_client ON client_keys (client);
CREATE TABLE delegation_events (
    delegation VARCHAR(64) NOT NULL, position INTEGER NOT NULL, kind VARCHAR(32) NOT NULL,
    at BIGINT NOT NULL, actor CHAR(11) NOT NULL, caller TEXT NOT NULL, why TEXT,
    last_day DATE, PRIMARY KEY (delegation, position),
    FOREIGN KEY(delegation) REFERENCES delegations (id)
);
"""

_AT = int(NOON.timestamp()) * 1_000_000

_ROWS = f"""
INSERT INTO store_revision VALUES (1, 41);
INSERT INTO people VALUES ('{REPRESENTATIVE.digits}', {_AT}, {_AT});
INSERT INTO surrogates VALUES ('{REPRESENTATIVE.digits}', '{"a" * 32}');
INSERT INTO standings VALUES (
    1, '{COMPANY.value}', '{REPRESENTATIVE.digits}', 'contador', 'asserted', {_AT}, NULL, {_AT}
);
INSERT INTO standings VALUES (
    2, '{COMPANY.value}', '{REPRESENTATIVE.digits}', 'socio', 'asserted', {_AT}, NULL, NULL
);
INSERT INTO processes VALUES ('p001', 'P001', 'Acreditação', 3, 'open');
INSERT INTO delegations VALUES (
    1, 'one', '{COMPANY.value}', '{MEMBER.digits}', 'p001', 3, NULL
);
INSERT INTO delegation_events VALUES (
    'one', 0, 'granted', {_AT}, '{REPRESENTATIVE.digits}', 'orquestra', NULL, NULL
);
"""  # noqa: S608 - constants of the tests


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """Give a database of the previous version, with data."""
    path = tmp_path / "authz.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_TABLES + _ROWS)
    return path


@pytest.fixture(name="store")
def _store(path: Path) -> Iterator[SqlStore]:
    """Give this version's store on it, as it is before it is told to make what is missing."""
    store = SqlStore(f"sqlite:///{path}")
    yield store
    store.close()


def test_what_is_missing_is_an_ailment_until_it_is_made(store: SqlStore) -> None:
    """A database that lacks columns is not taken for one that is well."""
    before = store.ping()
    store.create()

    assert "the database has version 0000 and 0002 is needed: run `authz db upgrade`" == before
    assert store.ping() is None


def test_everything_that_was_kept_is_still_there(store: SqlStore) -> None:
    """What did not exist is unknown; all else reads as it did, and there is no new revision."""
    store.create()
    delegation = store.delegations.find("one")

    expected = standing(evidence=Evidence.ASSERTED)
    assert Person(REPRESENTATIVE, NOON, NOON) == store.registry.person(REPRESENTATIVE)
    assert [expected] == store.registry.standing_of(REPRESENTATIVE)
    assert {REPRESENTATIVE: "a" * 32} == store.surrogates.surrogates([REPRESENTATIVE])
    assert [replace(P001, title="Acreditação")] == store.catalogue.processes()
    assert delegation is not None
    assert [EventKind.GRANTED] == [event.kind for event in delegation.history]
    assert 41 == store.facts.gather([], NOON).revision


def test_all_that_is_new_works_on_it(store: SqlStore) -> None:
    """Sign-ins, answers with a cadastrador, their order, export and erasure do as on a new one."""
    store.create()
    told = replace(standing(role=Role.REPRESENTANTE_LEGAL), cadastrador=True)
    keep(store, sign_in("one"), answer(told))
    keep(store, sign_in("two"), answer(moment=NOON - HOUR))

    assert [told] == store.registry.standing_of(REPRESENTATIVE)
    found, revision = store.personal_data.export(REPRESENTATIVE)
    assert (3, 43) == (len(found["standings"]), revision)
    assert 44 == store.personal_data.erase(REPRESENTATIVE, untold)
    assert [] == store.registry.standing_of(REPRESENTATIVE)
    with pytest.raises(Conflict):
        keep(store, sign_in("one"))


def test_making_what_is_missing_twice_is_making_it_once(store: SqlStore) -> None:
    """Another start finds the columns and leaves them, with what is in them."""
    store.create()
    keep(store, sign_in(), answer(standing()))
    before = store.personal_data.export(REPRESENTATIVE)
    store.create()

    assert before == store.personal_data.export(REPRESENTATIVE)
