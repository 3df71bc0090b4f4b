"""The desk for clients: nobody gives more than it has, and two who add one name do not merge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from authz_service.domain.clients import Client, Network, parse_network
from authz_service.domain.decision import Caller
from authz_service.domain.errors import CallerForbidden, Conflict, InvalidInput, NotFound
from authz_service.usecases.clients import ClientDesk, Clients
from authz_service.usecases.ports import Told
from tests.fakes.clock import NOON
from tests.fakes.store import MemoryClients, untold
from tests.fakes.tables import Tables
from tests.usecases.house import House

WEAK = Caller("admin", frozenset({"clients", "decide"}), "10.1.2.3", reasons=True)
SHELL = Caller("shell")
OFFICE, FLOOR, ABROAD = (
    parse_network(one) for one in ("10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32")
)
WIDER = parse_network("10.0.0.0/8")
END = NOON + timedelta(hours=1)
SOONER, LATER = END - timedelta(seconds=1), END + timedelta(seconds=1)
BOUND = replace(WEAK, networks=(OFFICE, ABROAD), expires_at=END, reasons=False)
"""Whoever shows a key with bounds of its own."""


@pytest.fixture(name="desk")
def _desk(house: House) -> ClientDesk:
    """Give a desk in a house with a stronger client than the one who calls."""
    house.clients.add("strong", ["decide", "search", "metrics"], SHELL)
    return ClientDesk(house.clients)


def acts(house: House) -> list[str]:
    """Give the acts on record, the making of the stronger client left out."""
    return [one.act for one in house.administrative][1:]


@pytest.mark.parametrize("scopes", [["decide"], ["clients"], ["clients", "decide", "decide"]])
def test_what_one_has_one_gives(house: House, desk: ClientDesk, scopes: list[str]) -> None:
    """With the limits that were asked for, under the name of who gave it."""
    networks = (parse_network("10.0.0.0/8"),)
    key = desk.add("new", scopes, WEAK, expires_at=NOON, networks=networks, reasons=True)
    [client] = [one for one in house.clients.list() if one.name == "new"]
    assert (frozenset(scopes), True) == (client.scopes, client.reasons)
    [kept] = client.keys
    assert (key.split("_")[1], NOON, networks) == (kept.id, kept.expires_at, kept.networks)
    assert [WEAK] == [one.caller for one in house.administrative][1:]


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [(["search"], "search"), (["decide", "metrics"], "metrics"), (["search", "audit"], "audit")],
)
def test_what_one_lacks_one_cannot_give(
    house: House, desk: ClientDesk, scopes: Iterable[str], missing: str
) -> None:
    """The first that is missing is named, one that does not exist included; nothing is made."""
    with pytest.raises(CallerForbidden) as refused:
        desk.add("new", scopes, WEAK)
    assert missing == refused.value.scope
    assert (["strong"], []) == ([one.name for one in house.clients.list()], acts(house))


def test_a_weaker_client_gets_a_key(house: House, desk: ClientDesk) -> None:
    """With its limits, beside the one that it has."""
    networks = (parse_network("10.0.0.0/8"),)
    desk.add("new", ["decide"], WEAK)
    key = desk.add_key("new", WEAK, expires_at=NOON, networks=networks)
    [client] = [one for one in house.clients.list() if one.name == "new"]
    [kept] = [one for one in client.keys if one.id == key.split("_")[1]]
    assert (2, NOON, networks) == (len(client.keys), kept.expires_at, kept.networks)


def test_a_stronger_client_gets_no_key(house: House, desk: ClientDesk) -> None:
    """Whoever holds that key would be as strong."""
    with pytest.raises(CallerForbidden) as refused:
        desk.add_key("strong", WEAK)
    assert ("metrics", []) == (refused.value.scope, acts(house))


@pytest.mark.parametrize(
    ("networks", "expires_at"),
    [((OFFICE,), END), ((FLOOR, ABROAD), SOONER), ((ABROAD, OFFICE), END)],
)
def test_within_its_own_bounds_one_gives(
    house: House, desk: ClientDesk, networks: tuple[Network, ...], expires_at: datetime
) -> None:
    """Its networks or parts of them, and its own end or an earlier one."""
    desk.add("new", ["decide"], BOUND, networks=networks, expires_at=expires_at)
    desk.add_key("new", BOUND, networks=networks, expires_at=expires_at)
    [client] = [one for one in house.clients.list() if one.name == "new"]
    assert [(networks, expires_at)] * 2 == [(one.networks, one.expires_at) for one in client.keys]


@pytest.mark.parametrize(
    ("networks", "expires_at", "field"),
    [
        ((), END, "networks"),
        ((WIDER,), END, "networks"),
        ((FLOOR, WIDER), END, "networks"),
        ((parse_network("::/0"),), END, "networks"),
        ((parse_network("10.0.0.0/15"),), END, "networks"),
        ((parse_network("2001:db8::/31"),), END, "networks"),
        ((parse_network("10.1.255.0/24"), parse_network("10.2.0.0/24")), END, "networks"),
        ((FLOOR,), None, "expires_at"),
        ((FLOOR,), LATER, "expires_at"),
    ],
)
def test_no_key_reaches_beyond_the_one_that_makes_it(
    house: House,
    desk: ClientDesk,
    networks: tuple[Network, ...],
    expires_at: datetime | None,
    field: str,
) -> None:
    """Or whoever stole one would have another, for longer or from elsewhere; nothing is made."""
    house.clients.add("other", ["decide"], SHELL)
    before = house.clients.list()
    with pytest.raises(InvalidInput, match=f"^{field}: "):
        desk.add("new", ["decide"], BOUND, networks=networks, expires_at=expires_at)
    with pytest.raises(InvalidInput, match=f"^{field}: "):
        desk.add_key("other", BOUND, networks=networks, expires_at=expires_at)
    assert (before, ["client.key"]) == (house.clients.list(), acts(house))


def test_only_who_is_told_reasons_lets_others_be_told(house: House, desk: ClientDesk) -> None:
    """Neither a new client nor a further key of one that is told tells a caller who is not."""
    house.clients.add("curious", ["decide"], SHELL, reasons=True)
    untold_caller = replace(WEAK, reasons=False)
    with pytest.raises(InvalidInput, match=r"^reasons: "):
        desk.add("new", ["decide"], untold_caller, reasons=True)
    with pytest.raises(InvalidInput, match=r"^reasons: "):
        desk.add_key("curious", untold_caller)
    desk.add_key("curious", WEAK)
    assert ["curious", "strong"] == [one.name for one in house.clients.list()]


def test_the_bounds_are_those_of_the_key_that_was_shown(house: House, desk: ClientDesk) -> None:
    """Whichever of its keys a client shows, that one counts; none of it stands in a text."""
    free = house.clients.add("admin", ["clients"], SHELL)
    bound = house.clients.add_key("admin", SHELL, networks=(OFFICE,), expires_at=LATER)
    caller = house.clients.authenticate(bound, "10.1.2.3")
    assert ((OFFICE,), LATER) == (caller.networks, caller.expires_at)
    assert "10.1.0.0" not in repr(caller)
    with pytest.raises(InvalidInput, match=r"^networks: "):
        desk.add("new", ["clients"], caller)
    desk.add("new", ["clients"], house.clients.authenticate(free, "10.1.2.3"))


@pytest.mark.parametrize("key_id", [None, "x"])
def test_a_stronger_client_is_not_stopped(
    house: House, desk: ClientDesk, key_id: str | None
) -> None:
    """Its keys stay valid, and whether it has a key of some id is not told either."""
    with pytest.raises(CallerForbidden):
        desk.revoke("strong", WEAK, key_id)
    [strong] = house.clients.list()
    assert ([None], []) == ([one.revoked_at for one in strong.keys], acts(house))


def test_one_key_or_all_are_revoked(house: House, desk: ClientDesk) -> None:
    """The one that was named, then what is left."""
    first = desk.add("new", ["decide"], WEAK).split("_")[1]
    desk.add_key("new", WEAK)
    desk.add_key("new", WEAK)
    assert 1 == desk.revoke("new", WEAK, first)
    assert 2 == desk.revoke("new", WEAK, None)
    assert ["client.revoke"] * 2 == acts(house)[-2:]


def test_what_is_not_there_is_not_repeated(desk: ClientDesk) -> None:
    """Neither a name nor an id comes back: each may be something else than was meant."""
    desk.add("new", ["decide"], WEAK)
    with pytest.raises(NotFound, match=r"^there is no client of this name$"):
        desk.add_key("secret", WEAK)
    with pytest.raises(NotFound, match=r"^there is no client of this name$"):
        desk.revoke("secret", WEAK, None)
    with pytest.raises(NotFound, match=r"^the client has no key of this id$"):
        desk.revoke("new", WEAK, "secret")


def test_clients_are_given_in_parts(desk: ClientDesk) -> None:
    """By name, each once, and the last part says that nothing follows."""
    for name in ("b", "a", "c"):
        desk.add(name, ["decide"], WEAK)
    first = desk.page(None, 2)
    second = desk.page(first.next, 2)
    assert [["a", "b"], ["c", "strong"]] == [
        [one.name for one in page.items] for page in (first, second)
    ]
    assert ("b", None) == (first.next, second.next)


class Sudden(MemoryClients):
    """A store in which somebody else adds the client between looking and writing."""

    def add_client(self, client: Client, told: Told) -> int:
        """Let the other one be quicker."""
        super().add_client(Client(client.name, frozenset({"metrics"})), untold)
        return super().add_client(client, told)


def test_two_who_add_one_name_do_not_merge(house: House) -> None:
    """The second gets a conflict, no key and no record; the first stays as it is."""
    store = Sudden(Tables())
    with pytest.raises(Conflict):
        Clients(store, house.acts, house.clock).add("new", ["decide"], SHELL)
    assert [Client("new", frozenset({"metrics"}))] == store.clients()
    assert [] == house.log.records
