"""
Mints tokens as GOV.BR makes them, for tests to bend one thing at a time.

They are signed with cryptography alone: neither PyJWT nor any other library stands between a
test and the bytes that it wants, so that what no library would write can be minted too.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from authz_service.domain.sign_in import Token

STAGING = "https://sso.staging.acesso.gov.br/"
PRODUCTION = "https://sso.acesso.gov.br/"
AUDIENCE = "h-client.teste.gov.br"
KID = "rsa1"
"""The name of the key, in GOV.BR's staging and production alike."""
PERSON = "18762794604"
OTHER_PERSON = "72268402517"
COMPANY = "52420282000180"
OTHER_COMPANY = "12345678000195"
HOUR = 3_600


class _Absent:
    """What a claim is set to, for it to be left out."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def key(name: str = KID) -> rsa.RSAPrivateKey:
    """Give the private key that tests call *name*, made once in a process."""
    return _made(name)


def public(name: str = KID) -> rsa.RSAPublicKey:
    """Give the public key that tests call *name*."""
    return key(name).public_key()


@functools.cache
def _made(_name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def encoded(raw: bytes) -> str:
    """Give the base64url of *raw*, without padding, as in tokens."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact(header: bytes, payload: bytes, signer: rsa.RSAPrivateKey) -> str:
    """Sign any bytes as a token, whether they are JSON or not."""
    signed = f"{encoded(header)}.{encoded(payload)}"
    return f"{signed}.{encoded(rs256(signed, signer))}"


def rs256(signed: str, signer: rsa.RSAPrivateKey) -> bytes:
    """Give the signature of RS256."""
    return signer.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def at_hash(access_token: Token) -> str:
    """Give the ``at_hash`` of an access token (OpenID Connect Core, 3.1.3.6)."""
    return encoded(hashlib.sha256(access_token.text.encode()).digest()[:16])


@dataclass(frozen=True)
class Minted:
    """
    A token before it is signed.

    Attributes:
        header: what goes into the first part.
        claims: what goes into the second.
        signer: signs.
    """

    header: dict[str, object]
    claims: dict[str, object]
    signer: rsa.RSAPrivateKey

    def but(self, **claims: object) -> Minted:
        """Give the same token with other claims; ``ABSENT`` leaves one out."""
        return replace(self, claims=_merged(self.claims, claims))

    def headed(self, **header: object) -> Minted:
        """Give the same token with another header; ``ABSENT`` leaves a member out."""
        return replace(self, header=_merged(self.header, header))

    def by(self, signer: rsa.RSAPrivateKey) -> Minted:
        """Give the same token, to be signed with another key."""
        return replace(self, signer=signer)

    @property
    def token(self) -> Token:
        """The token, signed."""
        header, payload = (json.dumps(part).encode() for part in (self.header, self.claims))
        return Token(compact(header, payload, self.signer))


def _merged(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in (old | new).items() if value is not ABSENT}


def access_token(**claims: object) -> Minted:
    """Give the access_token of a person with a password, which lives an hour from now on."""
    now = int(time.time())
    ordinary: dict[str, object] = {
        "aud": AUDIENCE,
        "sub": PERSON,
        "scope": ["openid", "profile", "govbr_empresa"],
        "amr": ["passwd"],
        "iss": STAGING,
        "exp": now + HOUR,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "preferred_username": PERSON,
    }
    return Minted({"kid": KID, "alg": "RS256"}, ordinary, key()).but(**claims)


def id_token(**claims: object) -> Minted:
    """Give the id_token of the same sign-in, which lives a minute from now on."""
    now = int(time.time())
    ordinary: dict[str, object] = {
        "sub": PERSON,
        "amr": ["passwd"],
        "profile": f"https://servicos.staging.acesso.gov.br/{PERSON}",
        "kid": KID,
        "iss": STAGING,
        "preferred_username": PERSON,
        "nonce": "3ed8657fd74c",
        "aud": AUDIENCE,
        "auth_time": now - 5_127,
        "scope": ["openid", "profile", "govbr_empresa"],
        "name": "Ana Lima",
        "email": "ana@example.com",
        "email_verified": "true",
        "phone_number": "+5561999999999",
        "phone_number_verified": "false",
        "exp": now + 60,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "reliability_info": {
            "level": "silver",
            "reliabilities": [{"id": "601", "updatedAt": "2025-07-02T14:17:16.001-0300"}],
        },
    }
    return Minted({"kid": KID, "alg": "RS256"}, ordinary, key()).but(**claims)
