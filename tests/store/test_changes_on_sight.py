"""Writes that hold only on what was seen: clients, the catalogue; and bonds, that are read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.errors import Conflict, InvalidInput, LogUnavailable
from authz_service.domain.identifiers import Cnpj, ProcessId
from authz_service.domain.people import Bond
from authz_service.domain.processes import ProcessDefinition
from authz_service.store import SqlStore
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import Store

FIRST = ProcessDefinition(ProcessId("p1"), "P1", "Um", 1)
SECOND = ProcessDefinition(ProcessId("p2"), "P2", "Dois", 1)
MATRIZ = Cnpj("52420282000180")
FILIAIS = [Cnpj(one) for one in ("52420282000260", "52420282000341", "52420282000422")]
OTHER = Cnpj("12ABC34501DE35")
AT_ONCE = 6


def client(name: str, scope: str = "decide", key: str = "k1") -> Client:
    """Give a client with one key."""
    return Client(name, frozenset({scope}), (ClientKey(key, "0" * 64, NOON),))


def refuse(_revision: int) -> None:
    """Hear of a write that cannot be written down."""
    raise LogUnavailable("the disk is full")


def test_a_client_is_added_once(store: Store) -> None:
    """A second one of the name is a conflict, and the first keeps its scopes and its key."""
    first = client("a")
    revision = store.clients.add_client(first, untold)
    with pytest.raises(Conflict):
        store.clients.add_client(client("a", "metrics", "k2"), untold)
    assert [first] == store.clients.clients()
    assert revision == store.facts.gather([], NOON).revision


def test_a_key_is_added_once(store: Store) -> None:
    """A client whose key has the id of another's is not added, nor half of it."""
    first = client("a")
    store.clients.add_client(first, untold)
    with pytest.raises(Conflict):
        store.clients.add_client(client("b"), untold)
    assert [first] == store.clients.clients()


def test_a_client_that_cannot_be_written_down_is_not_added(store: Store) -> None:
    """Neither it nor its key is there."""
    with pytest.raises(LogUnavailable):
        store.clients.add_client(client("a"), refuse)
    assert ([], None) == (store.clients.clients(), store.clients.client_of_key("k1"))


def test_of_many_who_add_one_name_one_does(sql: SqlStore, url: str) -> None:
    """At the same moment, each through a store of its own: one adds, all others conflict."""
    sql.create()
    ready = Barrier(AT_ONCE)

    def add(number: int) -> bool:
        with closing(SqlStore(url)) as store:
            ready.wait()
            try:
                store.clients.add_client(client("a", key=f"k{number}"), untold)
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(add, range(AT_ONCE)))
    assert 1 == sum(done)
    [only] = sql.clients.clients()
    assert [f"k{done.index(True)}"] == [key.id for key in only.keys]


def test_the_catalogue_is_changed_as_it_was_seen(store: Store) -> None:
    """What was seen is what is there, so it is changed."""
    store.catalogue.save_processes([FIRST], NOON, untold, [])
    store.catalogue.save_processes([SECOND], NOON, untold, [FIRST])
    assert [FIRST, SECOND] == store.catalogue.processes()


@pytest.mark.parametrize(
    "seen",
    [
        [],
        [SECOND],
        [FIRST, SECOND],
        [ProcessDefinition(FIRST.id, FIRST.code, FIRST.title, 2)],
    ],
    ids=["nothing", "another", "more", "another version"],
)
def test_a_catalogue_that_was_seen_otherwise_is_left_alone(
    store: Store, seen: list[ProcessDefinition]
) -> None:
    """It is a conflict, nothing is written, and no version is kept."""
    revision = store.catalogue.save_processes([FIRST], NOON, untold)
    with pytest.raises(Conflict):
        store.catalogue.save_processes([SECOND], NOON, untold, seen)
    assert [FIRST] == store.catalogue.processes()
    assert [] == store.catalogue.versions(SECOND.id)
    assert revision == store.facts.gather([], NOON).revision


def test_bonds_are_found_from_both_ends(store: Store) -> None:
    """By the filial its one bond, by the matriz all of hers, superseded ones left out."""
    bonds = [Bond(filial, MATRIZ, "SEI", NOON) for filial in FILIAIS]
    for one in reversed(bonds):
        store.registry.save_bond(Bond(one.filial, MATRIZ, "an earlier one", NOON), untold)
        store.registry.save_bond(one, untold)
    assert tuple(bonds) == store.directory.bonds(MATRIZ, None, 10).items
    assert (bonds[1],) == store.directory.bonds(FILIAIS[1], None, 10).items
    assert () == store.directory.bonds(OTHER, None, 10).items


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_parts_of_the_bonds_are_the_bonds(store: Store, limit: int) -> None:
    """One after the other, none twice, and the last one says that nothing follows."""
    for filial in FILIAIS:
        store.registry.save_bond(Bond(filial, MATRIZ, "SEI", NOON), untold)
    found, after, parts = [], None, 0
    while parts == 0 or after is not None:
        page = store.directory.bonds(MATRIZ, after, limit)
        found += [one.filial for one in page.items]
        after, parts = page.next, parts + 1
    assert (FILIAIS, -(-3 // limit)) == (found, parts)


def test_bonds_go_on_from_a_cnpj_only(store: Store) -> None:
    """Anything else is no place where a page ended."""
    with pytest.raises(InvalidInput, match=r"^token: "):
        store.directory.bonds(MATRIZ, "x", 1)
