"""Asks a verifier about minted tokens, and names the ways to bend one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from authz_service.domain.errors import TokenRefused
from authz_service.domain.sign_in import Token
from authz_service.identity.govbr import GovBrTokens, Keys
from tests.fakes.keys import ListedKeys
from tests.identity.minting import AUDIENCE, KID, STAGING, Minted, public

Bend = Callable[[Minted], Minted]


def now() -> int:
    """Give the present second."""
    return int(time.time())


def staging_keys() -> ListedKeys:
    """Give the keys that GOV.BR's staging has in these tests."""
    return ListedKeys({name: public(name) for name in (KID, "rsa2")})


def verifier(keys: Keys | None = None) -> GovBrTokens:
    """Give a verifier for staging."""
    return GovBrTokens(STAGING, AUDIENCE, keys or staging_keys())


def refusal(access: Token, identity: Token | None = None, keys: Keys | None = None) -> TokenRefused:
    """Give the error with which the tokens are refused."""
    with pytest.raises(TokenRefused) as caught:
        verifier(keys).verify(access, identity)
    return caught.value


def cause_of(
    access: Token, identity: Token | None = None, keys: Keys | None = None
) -> tuple[str, str]:
    """Give the token that is refused, and why."""
    error = refusal(access, identity, keys)
    return error.token, error.cause


def claims(**changes: object) -> Bend:
    """Give what changes claims."""
    return lambda minted: minted.but(**changes)


def header(**changes: object) -> Bend:
    """Give what changes the header."""
    return lambda minted: minted.headed(**changes)


def later(name: str, seconds: float, shape: Callable[[float], object] = int) -> Bend:
    """Give what sets a claim to an instant after now, in some shape."""
    return lambda minted: minted.but(**{name: shape(now() + seconds)})
