"""What any store promises of clients and their keys.

Asked of the store in memory, of SQLite in a real file, and of a real PostgreSQL.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_service.domain.clients import Client
from authz_service.domain.errors import (
    Conflict,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import (
    CLIENT,
    FULL_KEY,
    KEY,
)
from tests.store.records import Store


def test_clients_come_back_equal_by_name(store: Store) -> None:
    """Scopes, instants, networks: all of a client comes back, and clients by name."""
    other = Client("a.prometheus", frozenset({"metrics"}))
    store.clients.save_client(CLIENT, untold)
    store.clients.save_client(other, untold)

    assert [other, CLIENT] == store.clients.clients()


def test_a_key_tells_whose_it_is(store: Store) -> None:
    """By a key's id one finds the key and the client with all its keys."""
    store.clients.save_client(Client("other", frozenset({"metrics"})), untold)
    store.clients.save_client(CLIENT, untold)

    assert (CLIENT, FULL_KEY) == store.clients.client_of_key(FULL_KEY.id)
    assert store.clients.client_of_key("000000000000") is None


def test_keys_that_are_not_mentioned_stay(store: Store) -> None:
    """A client gets a further key, or other scopes, without losing the keys it has."""
    store.clients.save_client(replace(CLIENT, keys=(FULL_KEY,)), untold)
    store.clients.save_client(replace(CLIENT, keys=(KEY,)), untold)
    fewer = frozenset({"decide"})
    store.clients.save_client(Client("orquestra", fewer), untold)

    assert [replace(CLIENT, scopes=fewer)] == store.clients.clients()


def test_a_key_that_is_mentioned_is_replaced(store: Store) -> None:
    """Revoking is saving the key with its end; nothing else changes."""
    store.clients.save_client(CLIENT, untold)
    revoked = replace(KEY, revoked_at=NOON)
    store.clients.save_client(replace(CLIENT, keys=(revoked,)), untold)

    assert [replace(CLIENT, keys=(revoked, FULL_KEY))] == store.clients.clients()


def test_a_key_never_changes_hands(store: Store) -> None:
    """A client that brings a key of another's id is refused, and neither client changes."""
    store.clients.save_client(CLIENT, untold)
    thief = Client("thief", frozenset({"decide"}), (replace(KEY, digest="c" * 64),))

    with pytest.raises(Conflict):
        store.clients.save_client(thief, untold)
    assert [CLIENT] == store.clients.clients()
