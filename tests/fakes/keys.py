"""The keys of an issuer, listed by the test instead of fetched."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from authz_service.domain.errors import SignInUnavailable
from authz_service.identity.jwks import UnknownKey


class ListedKeys:
    """
    Gives the keys that the test listed.

    ``rotated`` holds those that a fetch would bring, for keys that have changed under their
    name; ``down`` makes it as if no keys were to be had; ``asked`` counts calls of ``renewed``.
    """

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        self.keys = dict(keys)
        self.rotated: dict[str, RSAPublicKey] = {}
        self.down = False
        self.asked = 0

    def find(self, kid: str) -> RSAPublicKey:
        """Give the key of this name."""
        if self.down:
            raise SignInUnavailable("GOV.BR's keys cannot be had now")
        if kid not in self.keys:
            raise UnknownKey(kid)
        return self.keys[kid]

    def renewed(self, kid: str, seen: RSAPublicKey) -> RSAPublicKey | None:
        """Fetch, as it were, and give the key of this name if it is another than *seen*."""
        self.asked += 1
        self.keys.update(self.rotated)
        key = self.keys[kid]
        return None if key == seen else key
