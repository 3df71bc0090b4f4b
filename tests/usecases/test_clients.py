"""Clients: keys that are shown once, kept as digests, and refused the moment they should be."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.clients import Client, ClientKey, parse_network
from authz_service.domain.decision import Caller
from authz_service.domain.errors import (
    CallerUnknown,
    Conflict,
    InvalidInput,
    LogUnavailable,
    NotFound,
    StoreUnavailable,
)
from authz_service.usecases.acts import OPERATOR
from authz_service.usecases.clients import Clients
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.usecases.house import House, texts_of

SHELL = Caller("shell")
SCOPES = frozenset({"decide", "delegations"})
NETWORKS = (parse_network("10.1.0.0/16"), parse_network("2001:db8::/32"))
HOUR = timedelta(hours=1)


def add(house: House, name: str = "orquestra") -> str:
    """Make a client and give its key."""
    return house.clients.add(name, SCOPES, SHELL)


def parts(key: str) -> tuple[str, str]:
    """Give the id and the secret of a key."""
    _, identity, secret = key.split("_", 2)
    return identity, secret


def refused(house: House, key: str, address: str | None = None) -> bool:
    """Tell whether *key* is refused, always in the same words."""
    said = None
    try:
        house.clients.authenticate(key, address)
    except CallerUnknown as error:
        said = str(error)
    assert said in (None, "the key is not valid")
    return said is not None


# Making keys


def test_a_key_has_a_public_id_and_256_secret_bits(house: House) -> None:
    """The printed form tells what it is, by which id it is revoked, and is hard to guess."""
    key = add(house)
    assert re.fullmatch(r"authz_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", key)
    assert 32 == len(base64.urlsafe_b64decode(parts(key)[1] + "="))


def test_no_two_keys_are_alike(house: House) -> None:
    """Neither ids nor secrets repeat."""
    keys = [add(house), *(house.clients.add_key("orquestra", SHELL) for _ in range(50))]
    assert 51 == len({parts(key)[0] for key in keys}) == len({parts(key)[1] for key in keys})


def test_only_the_digest_of_a_key_is_kept(house: House) -> None:
    """Neither the store nor the log holds the secret, so neither can be read to call with it."""
    key = add(house)
    identity, secret = parts(key)
    [client] = house.clients.list()
    expected = ClientKey(identity, hashlib.sha256(key.encode()).hexdigest(), NOON)
    assert Client("orquestra", SCOPES, (expected,)) == client
    kept = [*texts_of(house.log.records), *texts_of(house.clients.list()), repr(house.told)]
    assert [] == [text for text in kept if secret in text]
    assert any(identity in text for text in kept)


def test_a_new_key_knows_its_caller(house: House) -> None:
    """Who calls with it is the client by name, with its scopes, from where the call comes."""
    key = add(house)
    assert Caller("orquestra", SCOPES, "10.1.2.3") == house.clients.authenticate(key, "10.1.2.3")
    assert Caller("orquestra", SCOPES, None) == house.clients.authenticate(key, None)


def test_every_key_that_is_made_is_known(house: House) -> None:
    """Also one whose secret holds the sign that stands between the parts."""
    keys = [house.clients.add(f"client-{number}", SCOPES, SHELL) for number in range(40)]
    assert any("_" in parts(key)[1] for key in keys)
    found = [house.clients.authenticate(key, None).name for key in keys]
    assert [f"client-{number}" for number in range(40)] == found


def test_making_a_client_is_written_down(house: House) -> None:
    """The record says which key of whom may do what, from where and until when."""
    key = house.clients.add(
        "orquestra",
        ["delegations", "decide"],
        SHELL,
        expires_at=NOON + HOUR,
        networks=NETWORKS,
    )
    [record] = house.administrative
    assert ("client.key", SHELL, NOON) == (record.act, record.caller, record.moment)
    assert {
        "client": "orquestra",
        "key": parts(key)[0],
        "scopes": ("decide", "delegations"),
        "reasons": False,
        "networks": ("10.1.0.0/16", "2001:db8::/32"),
        "expires_at": "2026-11-20T16:00:00+00:00",
    } == record.details
    assert house.store.facts.gather([], NOON).revision == record.store_revision
    [[kept]] = [client.keys for client in house.clients.list()]
    assert (NOON + HOUR, NETWORKS) == (kept.expires_at, kept.networks)


def test_a_key_without_limits_says_so_in_the_log(house: House) -> None:
    """No expiry and no networks are told as such."""
    add(house)
    details = house.administrative[0].details
    assert (None, ()) == (details["expires_at"], details["networks"])


def test_a_name_is_given_once(house: House) -> None:
    """A second client of the name would take over the first one's scopes."""
    key = add(house)
    with pytest.raises(Conflict, match="`orquestra`"):
        house.clients.add("orquestra", ["metrics"], SHELL)
    assert SCOPES == house.clients.authenticate(key, None).scopes
    assert 1 == len(house.administrative)


@pytest.mark.parametrize(
    ("name", "scopes"), [("Orquestra", ["decide"]), ("orquestra", ["decied"]), ("orquestra", [])]
)
def test_a_client_that_cannot_be_is_not_made(house: House, name: str, scopes: list[str]) -> None:
    """Nothing is kept and nothing is written down."""
    with pytest.raises(InvalidInput):
        house.clients.add(name, scopes, SHELL)
    assert ([], []) == (house.clients.list(), house.log.records)


def test_no_client_is_called_as_the_command_line_is(house: House) -> None:
    """In a record it would be taken for it; one that was made before is still known."""
    with pytest.raises(InvalidInput, match=r"^name: "):
        house.clients.add(OPERATOR.name, SCOPES, SHELL)
    assert ([], []) == (house.clients.list(), house.log.records)
    house.store.clients.save_client(Client(OPERATOR.name, SCOPES), untold)
    key = house.clients.add_key(OPERATOR.name, SHELL)
    assert OPERATOR.name == house.clients.authenticate(key, None).name


def test_a_key_that_could_not_be_written_down_is_not_shown(house: House) -> None:
    """Without the log nobody gets a key, and there is no client."""
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        add(house)
    assert [] == house.clients.list()


def test_a_revocation_that_could_not_be_written_down_is_not_done(house: House) -> None:
    """The operator hears of an error, and the key goes on to count: both say the same."""
    add(house)
    before = house.clients.list()
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        house.clients.revoke(before[0].name, SHELL)
    assert before == house.clients.list()


# Several keys


def test_a_client_changes_over_from_one_key_to_the_next_without_a_gap(house: House) -> None:
    """Both keys count until the old one is revoked."""
    old = add(house)
    house.clock.advance(HOUR)
    new = house.clients.add_key("orquestra", SHELL)
    assert not refused(house, old)
    assert not refused(house, new)
    assert 1 == house.clients.revoke("orquestra", SHELL, parts(old)[0])
    assert refused(house, old)
    assert not refused(house, new)


def test_a_further_key_has_limits_of_its_own(house: House) -> None:
    """Scopes belong to the client, expiry and networks to the key."""
    first = add(house)
    second = house.clients.add_key("orquestra", SHELL, expires_at=NOON + HOUR, networks=NETWORKS)
    assert SCOPES == house.clients.authenticate(second, "10.1.2.3").scopes
    assert refused(house, second, "10.2.2.3")
    house.clock.advance(HOUR)
    assert refused(house, second, "10.1.2.3")
    assert not refused(house, first, "10.2.2.3")
    assert ["client.key", "client.key"] == [one.act for one in house.administrative]


# Revoking


def test_all_keys_of_a_client_are_revoked_at_once(house: House) -> None:
    """From the call on, at the same instant, none of them counts; other clients go on."""
    keys = [add(house), house.clients.add_key("orquestra", SHELL)]
    other = add(house, "zeta")
    assert 2 == house.clients.revoke("orquestra", SHELL)
    assert [True, True, False] == [refused(house, key) for key in (*keys, other)]
    record = house.administrative[-1]
    assert ("client.revoke", SHELL) == (record.act, record.caller)
    kept, _ = house.clients.list()
    ids = tuple(key.id for key in kept.keys)
    assert {parts(key)[0] for key in keys} == set(ids)
    assert {"client": "orquestra", "keys": ids} == record.details
    assert house.store.facts.gather([], NOON).revision == record.store_revision


def test_revoking_again_changes_nothing(house: House) -> None:
    """A key was revoked when it was revoked first."""
    key = add(house)
    house.clients.revoke("orquestra", SHELL)
    house.clock.advance(HOUR)
    assert 0 == house.clients.revoke("orquestra", SHELL)
    assert 0 == house.clients.revoke("orquestra", SHELL, parts(key)[0])
    [[kept]] = [client.keys for client in house.clients.list()]
    assert NOON == kept.revoked_at


def test_a_client_without_keys_has_none_to_revoke(house: House) -> None:
    """That is no error."""
    house.store.clients.save_client(Client("orquestra", SCOPES), untold)
    assert 0 == house.clients.revoke("orquestra", SHELL)


@pytest.mark.parametrize("key_id", ["", "000000000000", "authz"])
def test_a_key_that_a_client_has_not_cannot_be_revoked(house: House, key_id: str) -> None:
    """A typing error is told, and all keys go on."""
    key = add(house)
    with pytest.raises(NotFound, match=f"`orquestra` has no key `{key_id}`"):
        house.clients.revoke("orquestra", SHELL, key_id)
    assert not refused(house, key)


def test_a_key_is_revoked_under_its_own_client_only(house: House) -> None:
    """Somebody else's key is none of this client's."""
    key = add(house)
    add(house, "other")
    with pytest.raises(NotFound):
        house.clients.revoke("other", SHELL, parts(key)[0])
    assert not refused(house, key)


@pytest.mark.parametrize(
    "act",
    [
        lambda clients: clients.revoke("nobody", SHELL),
        lambda clients: clients.add_key("nobody", SHELL),
    ],
)
def test_a_client_that_there_is_not_is_not_found(
    house: House, act: Callable[[Clients], object]
) -> None:
    """The error names it, and nothing is written down."""
    with pytest.raises(NotFound, match=r"^there is no client `nobody`$"):
        act(house.clients)
    assert ([], []) == (house.clients.list(), house.log.records)


# Calling


def test_a_key_counts_until_the_instant_it_expires(house: House) -> None:
    """At the instant it is refused."""
    key = house.clients.add("orquestra", SCOPES, SHELL, expires_at=NOON + HOUR)
    house.clock.advance(HOUR - timedelta(microseconds=1))
    assert not refused(house, key)
    house.clock.advance(timedelta(microseconds=1))
    assert refused(house, key)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", False),
        ("::ffff:10.1.2.3", False),
        ("2001:db8::1", False),
        ("10.2.2.3", True),
        ("unknown", True),
        (None, True),
    ],
)
def test_a_key_counts_from_its_networks_only(
    house: House, address: str | None, expected: bool
) -> None:
    """From elsewhere it is as good as none."""
    key = house.clients.add("orquestra", SCOPES, SHELL, networks=NETWORKS)
    assert expected is refused(house, key, address)


def changed(character: str) -> str:
    """Give another character."""
    return "A" if character != "A" else "B"


@pytest.mark.parametrize(
    "forge",
    [
        lambda identity, secret: f"authz_{identity}_{changed(secret[0])}{secret[1:]}",
        lambda identity, secret: f"authz_{identity}_{secret[:-1]}{changed(secret[-1])}",
        lambda identity, secret: f"authz_{identity}_{secret[:-1]}",
        lambda identity, secret: f"authz_{identity}_{secret}A",
        lambda identity, secret: f"authz_{identity}_{secret} ",
        lambda identity, secret: f"authz_{identity}_{secret}\n",
        lambda identity, secret: f"authz_{identity}_{secret}\x00",
        lambda identity, secret: f"authz_{identity}_{secret}\udc80",
        lambda identity, secret: f"authz_{identity}_{secret}é",
        lambda identity, secret: f"authz_{identity}_",
        lambda identity, secret: f"authz_{identity}",
        lambda identity, secret: f"AUTHZ_{identity}_{secret}",
        lambda identity, secret: f"_{identity}_{secret}",
        lambda identity, secret: f"authz_{identity.upper()}x_{secret}",
        lambda identity, secret: f"authz_{secret}_{identity}",
        lambda identity, secret: f"authz__{identity}_{secret}",
        lambda identity, secret: f"{identity}_{secret}",
        lambda identity, secret: secret,
        lambda identity, secret: identity,
    ],
)
def test_a_key_that_is_not_exactly_the_one_is_refused(
    house: House, forge: Callable[[str, str], str]
) -> None:
    """Knowing the id of a key, which is public, does not help."""
    key = add(house)
    assert not refused(house, key)
    assert refused(house, forge(*parts(key)))


def test_the_digest_of_a_key_is_no_key(house: House) -> None:
    """Who reads the database cannot call."""
    identity, _ = parts(add(house))
    digest = house.clients.list()[0].keys[0].digest
    assert refused(house, digest)
    assert refused(house, f"authz_{identity}_{digest}")


def test_the_secret_of_another_key_is_refused(house: House) -> None:
    """Id and secret belong together, also among keys of one client."""
    first, second = add(house), house.clients.add_key("orquestra", SHELL)
    assert refused(house, f"authz_{parts(first)[0]}_{parts(second)[1]}")


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "_",
        "__",
        "___",
        "a_b_c",
        "authz",
        "authz__",
        "authz_000000000000_" + "A" * 43,
        "\x00_\x00_\x00",
        "ação_é_ü",
        "\ud800",
        "a_\ud800_\udfff",
        "authz_' OR 1=1 --_x",
        "authz_%_%",
        "x" * 100_000,
        "_" * 100_000,
    ],
)
def test_garbage_is_no_key(house: House, key: str) -> None:
    """Whatever stands in the header, the answer is the same refusal."""
    add(house)
    assert refused(house, key)


def test_without_the_store_a_key_is_neither_valid_nor_wrong(house: House) -> None:
    """That nothing can be looked up is another error than a refusal."""
    key = add(house)
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        house.clients.authenticate(key, None)


def test_calling_is_no_administrative_act(house: House) -> None:
    """Neither a call nor a refused one is written down here."""
    key = add(house)
    house.log.records.clear()
    refused(house, key)
    refused(house, "a_b_c")
    assert [] == house.log.records


def test_clients_are_listed_by_name_with_all_their_keys(house: House) -> None:
    """Revoked keys stay visible."""
    add(house, "orquestra")
    house.clock.advance(HOUR)
    house.clients.add_key("orquestra", SHELL)
    add(house, "auditor")
    house.clients.revoke("auditor", SHELL)
    found = [(one.name, [key.revoked_at for key in one.keys]) for one in house.clients.list()]
    assert [("auditor", [NOON + HOUR]), ("orquestra", [None, None])] == found


def test_a_renewed_client_keeps_its_name_and_scopes(house: House) -> None:
    """Another key changes nothing about what the client may do."""
    add(house)
    house.clients.add_key("orquestra", SHELL)
    [client] = house.clients.list()
    assert replace(client, keys=()) == Client("orquestra", SCOPES)


def test_a_key_that_would_never_be_valid_is_not_made(house: House) -> None:
    """An end in the past is a mistake; a client without a working key would be no help."""
    with pytest.raises(InvalidInput, match=r"^expires_at: "):
        house.clients.add("orquestra", SCOPES, SHELL, expires_at=NOON - HOUR)
    assert [] == house.clients.list()
