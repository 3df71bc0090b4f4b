"""
Tokens minted, and forged, by an implementation of JOSE that this project did not write.

The tests' own mint and this service could share a mistake; joserfc does not share it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jwe, jwk, jws, jwt

from authz_service.domain.identifiers import Cpf
from authz_service.domain.sign_in import Cause, Level, Token
from tests.identity.minting import KID, PERSON, access_token, at_hash, encoded, id_token, key
from tests.identity.verifying import cause_of, verifier

# Forgers do not ask a library for what it recommends.
ANY = list(jws.JWSRegistry.algorithms)


class Loose(jws.JWSRegistry):
    """Writes whatever header it is given."""

    def check_header(self, header: dict[str, Any]) -> None:
        """Find nothing wrong."""


def private(name: str = KID) -> jwk.RSAKey:
    """Give the issuer's private key in joserfc's form."""
    raw = key(name).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return jwk.RSAKey.import_key(raw)


def modulus() -> bytes:
    """Give the number that everybody reads in the issuer's keys document."""
    number = key().public_key().public_numbers().n
    return number.to_bytes(256)


def secret(raw: bytes) -> jwk.OctKey:
    """Give a secret of HMAC; joserfc itself takes no key in PEM for one."""
    return jwk.OctKey.import_key({"kty": "oct", "k": encoded(raw)})


def minted(
    claims: dict[str, object],
    signer: jwk.Key | None = None,
    default_type: str | None = None,
    **header: object,
) -> Token:
    """Have joserfc make a token; without a signer, by the issuer's key."""
    head = {"kid": KID, "alg": "RS256"} | header
    registry = Loose(algorithms=ANY)
    text = jwt.encode(
        head, claims, signer or private(), registry=registry, default_type=default_type
    )
    return Token(text)


@pytest.mark.parametrize("default_type", [None, "JWT"])
def test_tokens_of_joserfc_verify(default_type: str | None) -> None:
    """As GOV.BR writes them, and with the type that most issuers write."""
    access = minted(access_token().claims, default_type=default_type)
    claims = id_token(at_hash=at_hash(access)).claims
    verified = verifier().verify(access, minted(claims, default_type=default_type))
    assert (Cpf(PERSON), Level.SILVER) == (verified.person, verified.level)


def test_joserfc_reads_what_the_tests_mint() -> None:
    """The mint of the tests writes tokens as others understand them."""
    ordinary = access_token()
    read = jwt.decode(ordinary.token.text, private(), algorithms=["RS256"])
    assert (ordinary.header, ordinary.claims) == (read.header, read.claims)


FORGED: dict[str, tuple[Callable[[dict[str, object]], Token], Cause]] = {
    "alg none": (
        lambda claims: minted(claims, jwk.OctKey.generate_key(), alg="none"),
        Cause.ALGORITHM,
    ),
    "HS256 with the public modulus": (
        lambda claims: minted(claims, secret(modulus()), alg="HS256"),
        Cause.ALGORITHM,
    ),
    "RS384": (lambda claims: minted(claims, alg="RS384"), Cause.ALGORITHM),
    "RS512, which GOV.BR announces": (lambda claims: minted(claims, alg="RS512"), Cause.ALGORITHM),
    "PS256": (lambda claims: minted(claims, alg="PS256"), Cause.ALGORITHM),
    "ES256": (
        lambda claims: minted(claims, jwk.ECKey.generate_key("P-256"), alg="ES256"),
        Cause.ALGORITHM,
    ),
    "a key of one's own": (lambda claims: minted(claims, private("mine")), Cause.SIGNATURE),
    "a key of one's own, in the header": (
        lambda claims: minted(claims, private("mine"), jwk=private("mine").as_dict(private=False)),
        Cause.HEADER,
    ),
    "an address of one's own": (
        lambda claims: minted(claims, private("mine"), jku="https://evil.example/jwk"),
        Cause.HEADER,
    ),
    "a chain of one's own": (
        lambda claims: minted(claims, private("mine"), x5u="https://evil.example/chain"),
        Cause.HEADER,
    ),
    "a name of one's own": (
        lambda claims: minted(claims, private("mine"), kid="mine"),
        Cause.UNKNOWN_KEY,
    ),
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # of "none", rightly
@pytest.mark.parametrize(("forge", "cause"), FORGED.values(), ids=FORGED)
def test_forgeries_of_joserfc_do_not_verify(
    forge: Callable[[dict[str, object]], Token], cause: Cause
) -> None:
    """In the place of either token."""
    assert ("access_token", cause) == cause_of(forge(access_token().claims))
    assert ("id_token", cause) == cause_of(access_token().token, forge(id_token().claims))


def test_a_payload_that_is_not_encoded_is_not_read() -> None:
    """RFC 7797: what is signed is another text than it seems to be, and the header says so."""
    header = {"kid": KID, "alg": "RS256", "b64": False, "crit": ["b64"]}
    payload = encoded(json.dumps(access_token().claims).encode())
    text = jws.serialize_compact(header, payload, private(), algorithms=ANY)
    assert payload == text.split(".")[1]
    assert ("access_token", Cause.HEADER) == cause_of(Token(text))


def test_an_encrypted_token_is_none() -> None:
    """GOV.BR's authorization code looks like this."""
    header = {"kid": "codeCryptography", "alg": "dir", "enc": "A256GCM"}
    secret = jwk.OctKey.generate_key(256)
    text = jwe.encrypt_compact(header, b"{}", secret)
    assert ("access_token", Cause.MALFORMED) == cause_of(Token(text))
