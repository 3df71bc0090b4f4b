"""Calling programs: their names, scopes, and when and from where a key counts."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from authz_service.domain.clients import SCOPES, Client, ClientKey, parse_network
from authz_service.domain.errors import InvalidInput
from tests.fakes.clock import NOON

TICK = timedelta(microseconds=1)
KEY = ClientKey("0123456789ab", "d" * 64, NOON)


@pytest.mark.parametrize("address", ["10.1.2.3", "2001:db8::1", "not an address", "", None])
def test_a_plain_key_counts_from_anywhere(address: str | None) -> None:
    """Without networks the source is not asked about, known or not."""
    assert KEY.valid(NOON, address)


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [(None, True), (NOON + TICK, True), (NOON, False), (NOON - TICK, False)],
)
def test_a_key_is_refused_from_the_instant_it_expires(
    expires_at: datetime | None, expected: bool
) -> None:
    """The instant itself does not count any more."""
    assert expected is replace(KEY, expires_at=expires_at).valid(NOON, None)


@pytest.mark.parametrize("moment", [NOON - TICK, NOON, NOON + timedelta(days=9000)])
def test_a_revoked_key_counts_never_again(moment: datetime) -> None:
    """Revoked is revoked, whatever clock is asked, before the key's expiry and from its network."""
    key = replace(
        KEY,
        revoked_at=NOON,
        expires_at=NOON + timedelta(days=10_000),
        networks=(parse_network("10.0.0.0/8"),),
    )
    assert not key.valid(moment, "10.1.2.3")


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        (["10.1.0.0/16"], "10.1.0.0", True),
        (["10.1.0.0/16"], "10.1.255.255", True),
        (["10.1.0.0/16"], "10.2.0.0", False),
        (["10.1.0.0/16"], "10.0.255.255", False),
        (["10.1.2.3"], "10.1.2.3", True),
        (["10.1.2.3"], "10.1.2.4", False),
        (["10.1.0.0/16", "192.0.2.0/24"], "192.0.2.7", True),
        (["10.1.0.0/16", "192.0.2.0/24"], "198.51.100.7", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["10.1.0.0/16"], "::ffff:10.1.2.3", True),
        (["10.1.0.0/16"], "::ffff:a01:203", True),
        (["10.1.0.0/16"], "::ffff:10.2.2.3", False),
        (["10.1.0.0/16"], "::10.1.2.3", False),
        (["10.1.0.0/16"], "2001:db8::1", False),
        (["2001:db8::/32"], "10.1.2.3", False),
        (["0.0.0.0/0"], "203.0.113.9", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "2001:db8::1", True),
        (["10.1.0.0/16"], None, False),
        (["0.0.0.0/0", "::/0"], None, False),
        (["0.0.0.0/0"], "", False),
        (["0.0.0.0/0"], "localhost", False),
        (["10.1.0.0/16"], "10.1.2.3:8080", False),
        (["10.1.0.0/16"], "010.001.002.003", False),
        (["10.1.0.0/16"], "10.1.2.3, 10.1.2.4", False),
        (["10.1.0.0/16"], " 10.1.2.3", False),
        (["10.1.0.0/16"], "167838211", False),
        (["10.1.0.0/16"], "\u0661\u0660.1.2.3", False),
    ],
)
def test_a_key_with_networks_counts_from_there_only(
    networks: list[str], address: str | None, expected: bool
) -> None:
    """The source has to be a known address within one of them, in either notation of IPv4."""
    key = replace(KEY, networks=tuple(parse_network(one) for one in networks))
    assert expected is key.valid(NOON, address)


def test_the_right_network_does_not_outweigh_the_expiry() -> None:
    """Both have to hold."""
    key = replace(KEY, expires_at=NOON, networks=(parse_network("10.0.0.0/8"),))
    assert key.valid(NOON - TICK, "10.1.2.3")
    assert not key.valid(NOON, "10.1.2.3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.0.0/16", ipaddress.IPv4Network((0x0A010000, 16))),
        ("10.1.2.3", ipaddress.IPv4Network((0x0A010203, 32))),
        ("10.1.0.0/255.255.0.0", ipaddress.IPv4Network((0x0A010000, 16))),
        ("2001:db8::/32", ipaddress.IPv6Network((0x20010DB8 << 96, 32))),
        ("::1", ipaddress.IPv6Network((1, 128))),
    ],
)
def test_a_network_is_read_as_a_prefix_or_an_address(
    text: str, expected: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> None:
    """A single address is a network of one."""
    assert expected == parse_network(text)


@pytest.mark.parametrize(
    "text", ["", "10.1.0.0/33", "10.1.2.3/16", "10.1", "localhost", "10.1.0.0/16 ", "::/129", "*"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    """Host bits behind the prefix are a slip, so they are refused as well."""
    with pytest.raises(InvalidInput) as caught:
        parse_network(text)
    assert "network" == caught.value.field
    assert caught.value.message.startswith(f"`{text}` is no network: ")


@pytest.mark.parametrize("name", ["a", "0", "orquestra", "orquestra-2.test_a", "a" * 64, "a--b"])
def test_a_client_has_a_plain_name(name: str) -> None:
    """Small letters, digits and inner signs, 1 to 64 of them."""
    assert name == Client(name, frozenset({"decide"})).name


@pytest.mark.parametrize(
    "name",
    ["", " ", "A", "Orquestra", "a b", "-a", "a-", ".a", "a.", "_a", "a_", "a" * 65, "a\n", "á"],
)
def test_a_name_that_logs_could_not_carry_is_refused(name: str) -> None:
    """The name stands in every record, so it is kept plain."""
    with pytest.raises(InvalidInput, match=r"^name: must be 1 to 64 "):
        Client(name, frozenset({"decide"}))


def test_an_unknown_scope_is_refused_with_the_list_of_known_ones() -> None:
    """A typing error in a scope is found when the client is made, not when it calls."""
    with pytest.raises(InvalidInput) as caught:
        Client("orquestra", frozenset({"decide", "decied", "zeta"}))
    assert f"scope: `decied` is none of: {', '.join(SCOPES)}" == str(caught.value)


def test_a_client_may_do_something() -> None:
    """A client without scopes would be a slip."""
    with pytest.raises(InvalidInput, match=r"^scope: needs at least one scope$"):
        Client("orquestra", frozenset())


def test_the_scopes_are_the_published_ones() -> None:
    """Scopes are part of the contract: a new one or another name is noticed here."""
    published = [
        "decide",
        "search",
        "explain",
        "identities",
        "confirmations",
        "standing:assert",
        "people:read",
        "companies",
        "actor:assert",
        "delegations",
        "catalogue",
        "catalogue:read",
        "clients",
        "decisions:read",
        "decisions:clear",
        "policy:read",
        "metrics",
    ]
    assert published == list(SCOPES)
    client = Client("all", frozenset(SCOPES))
    assert () == client.keys


@pytest.mark.parametrize("field", ["created_at", "expires_at", "revoked_at"])
def test_the_instants_of_a_key_have_a_zone(field: str) -> None:
    """An expiry without a zone would be another instant on another machine."""
    changes: dict[str, Any] = {field: NOON.replace(tzinfo=None)}

    with pytest.raises(InvalidInput, match=field):
        replace(KEY, **changes)


@pytest.mark.parametrize("name", ["18762794604", "desk-187.627.946-04"])
def test_a_client_is_not_called_by_a_cpf(name: str) -> None:
    """The name of a client stands in every record, where no person may."""
    with pytest.raises(InvalidInput, match="no CPF"):
        Client(name, frozenset({"decide"}))
