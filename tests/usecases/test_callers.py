"""Callers: the same one is the same object, and never stands for a key that has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.clients import Client, ClientKey, parse_network
from authz_service.domain.decision import Caller
from authz_service.domain.errors import CallerUnknown
from authz_service.usecases.acts import ActLog
from authz_service.usecases.callers import Callers
from authz_service.usecases.clients import Clients, digest_of
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.log import ListLog
from tests.fakes.store import MemoryStore, untold

SHELL = Caller("operator")
ADDRESS = "10.0.0.1"


class Desk:
    """Clients around a store in memory, and a clock that stands."""

    def __init__(self) -> None:
        self.clock, self.store = FrozenClock(), MemoryStore()
        self.clients = Clients(self.store.clients, ActLog(ListLog(), (), self.clock), self.clock)

    def refused(self, key: str, address: str | None = ADDRESS) -> bool:
        """Tell whether a key is refused."""
        try:
            self.clients.authenticate(key, address)
        except CallerUnknown:
            return True
        return False


@pytest.fixture
def desk() -> Desk:
    """A store with no client."""
    return Desk()


def test_the_same_caller_is_the_same_object(desk: Desk) -> None:
    """With or without the digest at hand; from another address it is another one."""
    key = desk.clients.add("a", ["decide"], SHELL)
    first = desk.clients.authenticate(key, ADDRESS)
    assert Caller("a", frozenset(["decide"]), ADDRESS) == first
    assert first is desk.clients.authenticate(key, ADDRESS)
    assert first is desk.clients.authenticate(key, ADDRESS, digest_of(key))
    assert replace(first, address=None) == desk.clients.authenticate(key, None)


def test_a_wrong_digest_is_a_wrong_key(desk: Desk) -> None:
    """Also where the right key came before: what is remembered stands for no comparison."""
    key = desk.clients.add("a", ["decide"], SHELL)
    assert not desk.refused(key)
    assert desk.refused(f"{key}x")
    with pytest.raises(CallerUnknown):
        desk.clients.authenticate(key, ADDRESS, digest_of("another"))


def test_a_change_of_the_client_counts_at_once(desk: Desk) -> None:
    """Other scopes or another wish for reasons make another caller of the same key."""
    key = desk.clients.add("a", ["decide"], SHELL)
    first = desk.clients.authenticate(key, ADDRESS)
    desk.store.clients.save_client(Client("a", frozenset(["search"]), reasons=True), untold)
    changed = desk.clients.authenticate(key, ADDRESS)
    assert (first.scopes, frozenset(["search"]), True) == (
        frozenset(["decide"]),
        changed.scopes,
        changed.reasons,
    )


def test_a_revoked_key_is_refused_at_once(desk: Desk) -> None:
    """What is remembered of it does not stand for the key."""
    key = desk.clients.add("a", ["decide"], SHELL)
    assert not desk.refused(key)
    desk.clients.revoke("a", SHELL)
    assert desk.refused(key)


def test_a_key_is_over_when_it_ends(desk: Desk) -> None:
    """Without anything that changes the store, and for each address."""
    ends = desk.clock() + timedelta(minutes=1)
    key = desk.clients.add("a", ["decide"], SHELL, expires_at=ends)
    assert not desk.refused(key)
    desk.clock.advance(timedelta(minutes=1))
    assert desk.refused(key)
    assert desk.refused(key, "10.0.0.2")


def test_an_address_outside_is_refused_beside_one_inside(desk: Desk) -> None:
    """A key that is valid from one place is not therefore from another."""
    networks = (parse_network("10.0.0.0/24"),)
    key = desk.clients.add("a", ["decide"], SHELL, networks=networks)
    assert [False, True, False, True, True] == [
        desk.refused(key, address) for address in (ADDRESS, "10.0.1.1", ADDRESS, "10.0.1.1", None)
    ]


def test_not_all_callers_are_kept() -> None:
    """Memory does not grow with the addresses from which a key was used; the oldest goes."""
    callers, found = Callers(2), (Client("a", frozenset(["decide"])), ClientKey("k", "d", NOON))
    made = [callers.made(found, address) for address in ("1", "2", "3")]
    kept = [callers.get(found, address) for address in ("1", "2", "3")]
    assert [None, made[1], made[2]] == kept
