"""Tokens verified with the keys that a real server publishes: the whole way of a sign-in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from authz_service.domain.errors import SignInUnavailable
from authz_service.domain.identifiers import Cpf
from authz_service.domain.sign_in import Cause
from authz_service.identity.jwks import KeyCache
from authz_service.identity.waiting import Waiting
from tests.identity.hostile import HostileServer, document, entry, publishing, refusing
from tests.identity.minting import KID, PERSON, access_token, id_token, key
from tests.identity.verifying import cause_of, verifier


@contextmanager
def cache(url: str, *, cooldown: float = 0) -> Iterator[KeyCache]:
    """Keep the keys at *url*, asking anew whenever somebody wants newer ones."""
    keys = KeyCache(url, Waiting(4), lambda _outcome: None, stale_seconds=60, cooldown=cooldown)
    try:
        yield keys
    finally:
        keys.close()


def test_a_sign_in_verifies_with_published_keys() -> None:
    """Both tokens, by one fetch of the keys."""
    with HostileServer(publishing(KID)) as server, cache(server.url()) as keys:
        verified = verifier(keys).verify(access_token().token, id_token().token)
    assert Cpf(PERSON) == verified.person
    assert 1 == len(server.heads)


def test_keys_of_the_other_environment_do_not_verify() -> None:
    """Production and staging give their keys the same name; a token fits its own issuer's."""
    with (
        HostileServer(publishing(entry("production", kid=KID))) as server,
        cache(server.url()) as keys,
    ):
        assert ("access_token", Cause.SIGNATURE) == cause_of(access_token().token, keys=keys)
        passing = access_token().by(key("production")).token
        assert Cpf(PERSON) == verifier(keys).verify(passing).person


@pytest.mark.parametrize("kid", [KID, "rsa2"])
def test_a_rotation_is_followed(kid: str) -> None:
    """Whether the new key has the old one's name or its own; the old one verifies no more."""
    old, new = access_token().token, access_token().headed(kid=kid).by(key("rotated")).token
    with HostileServer(publishing(KID)) as server, cache(server.url()) as keys:
        assert Cpf(PERSON) == verifier(keys).verify(old).person
        server.answer = publishing(entry("rotated", kid=kid))
        assert Cpf(PERSON) == verifier(keys).verify(new).person
        gone = Cause.SIGNATURE if kid == KID else Cause.UNKNOWN_KEY
        assert ("access_token", gone) == cause_of(old, keys=keys)


def test_a_key_that_nobody_publishes_is_unknown() -> None:
    """After one more look at what is published."""
    with HostileServer(publishing(KID)) as server, cache(server.url()) as keys:
        verifier(keys).verify(access_token().token)
        unknown = access_token().headed(kid="rsa3").token
        assert ("access_token", Cause.UNKNOWN_KEY) == cause_of(unknown, keys=keys)
    assert 2 == len(server.heads)


def test_without_an_issuer_there_is_no_verdict() -> None:
    """The token is not refused: it may be brought again."""
    with refusing() as url, cache(url) as keys, pytest.raises(SignInUnavailable):
        verifier(keys).verify(access_token().token)


def test_a_forgery_is_one_during_an_outage_too() -> None:
    """It is refused, as before the outage: nobody is told to try again with a token like that."""
    forged = access_token().by(key("production")).token
    unknown = access_token().headed(kid="rsa3").token
    with HostileServer(publishing(KID)) as server, cache(server.url(), cooldown=0.2) as keys:
        verifier(keys).verify(access_token().token)
        server.answer = document(b"", "503 Service Unavailable")
        time.sleep(0.3)
        # By a refresh that fails, and in the cooldown after it.
        for _ in range(2):
            assert ("access_token", Cause.SIGNATURE) == cause_of(forged, keys=keys)
            assert (keys.ailment() or "").endswith("the last refresh ended as status")
        # Only what cannot be told is worth another try.
        with pytest.raises(SignInUnavailable):
            verifier(keys).verify(unknown)
        assert Cpf(PERSON) == verifier(keys).verify(access_token().token).person
