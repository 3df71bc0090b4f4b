"""The keys that sign tokens, and the document that publishes them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

FIRST_KID = "rsa1"
"""The name of the key in staging as in production, whose keys differ."""


def base64url(data: bytes) -> str:
    """Write bytes as a JWT does: the URL's alphabet, no padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unbase64url(text: str) -> bytes:
    """Read what ``base64url`` has written."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SigningKeys:
    """The published keys, of which the latest signs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = _new_key()
        self._kid, self._keys = FIRST_KID, {FIRST_KID: self._first}

    @property
    def kid(self) -> str:
        """The name of the key that signs now."""
        return self._kid

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Make a token whose header is, to the byte, that of the manual's example: no ``typ``."""
        with self._lock:
            kid, key = self._kid, self._keys[self._kid]
        signed = f"{_part({'kid': kid, 'alg': 'RS256'})}.{_part(claims)}"
        signature = key.sign(signed.encode("ascii"), padding.PKCS1v15(), SHA256())
        return f"{signed}.{base64url(signature)}"

    def document(self) -> dict[str, Any]:
        """Give the keys document, without ``use``, as the real one."""
        with self._lock:
            return {"keys": [_jwk(kid, key) for kid, key in self._keys.items()]}

    def rotate(self, kid: str) -> None:
        """
        Sign with a new key from now on.

        Under another name the older keys stay published; under the same one, the new key takes
        the place of the old.
        """
        key = _new_key()
        with self._lock:
            self._kid = kid
            self._keys[kid] = key

    def reset(self) -> None:
        """Go back to the first key."""
        with self._lock:
            self._kid, self._keys = FIRST_KID, {FIRST_KID: self._first}


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _jwk(kid: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    n, e = (
        base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        for number in (numbers.n, numbers.e)
    )
    return {"kty": "RSA", "e": e, "kid": kid, "alg": "RS256", "n": n}


def _part(content: Mapping[str, Any]) -> str:
    return base64url(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())
