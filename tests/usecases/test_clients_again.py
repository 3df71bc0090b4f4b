"""A key that was right before: still the same one, as far as the store that holds it knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from authz_service.domain.clients import ClientKey
from authz_service.domain.decision import Caller
from authz_service.usecases.acts import ActLog
from authz_service.usecases.clients import Clients, Held, key_id_of
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.usecases.held_house import HeldHouse

MINUTE = timedelta(minutes=1)
SHELL = Caller("shell")


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[HeldHouse]:
    """Give a house with a store that holds keys, and another on the same file."""
    with closing(HeldHouse(tmp_path)) as house:
        yield house


@pytest.fixture(name="clients")
def _clients(house: HeldHouse) -> Clients:
    """Give what checks keys in the store that holds them."""
    return Clients(house.store.held, ActLog(house.log, (), house.clock), house.clock)


def found(clients: Clients, key: str) -> Held:
    """Give what the store has of a key."""
    held = clients.store.client_of_key(key_id_of(key))
    assert held is not None
    return held


@pytest.mark.parametrize(
    ("key", "identity"),
    [("authz_0a1b_s", "0a1b"), ("authz_0a1b_s_t", "0a1b"), ("a_b", ""), ("", ""), ("a__c", "")],
)
def test_the_id_of_a_key_stands_in_it(key: str, identity: str) -> None:
    """Between the first two underscores; what is no key has none."""
    assert identity == key_id_of(key)


def test_a_key_is_the_same_until_anything_of_it_changes(house: HeldHouse, clients: Clients) -> None:
    """Whatever is written of others, it is; and not once it or its client was written."""
    key = clients.add("bpm", ["decide"], SHELL)
    held = found(clients, key)
    clients.authenticate(key, None)
    assert [True, True] == [clients.still(held[1].id, held) for _ in range(2)]
    other = ClientKey("another", "0" * 64, NOON)
    assert [False, False] == [
        clients.still("another", held),
        clients.still(held[1].id, (held[0], other)),
    ]
    house.plain.clients.save_client(replace(held[0], scopes=frozenset({"search"})), untold)
    house.store.held.look()
    assert not clients.still(held[1].id, held)
    again = found(clients, key)
    assert clients.still(again[1].id, again)
    clients.revoke("bpm", SHELL)
    house.store.held.look()
    assert not clients.still(again[1].id, again)


def test_a_key_that_expires_is_none_from_then_on(house: HeldHouse, clients: Clients) -> None:
    """Time alone goes on while nothing is written."""
    key = clients.add("bpm", ["decide"], SHELL, expires_at=NOON + MINUTE)
    held, said = found(clients, key), []
    for moment in (
        NOON,
        NOON + MINUTE - timedelta(microseconds=1),
        NOON + MINUTE,
        NOON + 2 * MINUTE,
    ):
        house.clock.moment = moment
        said.append(clients.still(held[1].id, held))
    assert [True, True, False, False] == said


def test_a_store_that_holds_nothing_knows_no_key_again(house: HeldHouse) -> None:
    """It gives another object each time, so all of the key has to be looked at."""
    clients = Clients(house.plain.clients, ActLog(house.log, (), house.clock), house.clock)
    held = found(clients, clients.add("bpm", ["decide"], SHELL))
    assert not clients.still(held[1].id, held)
