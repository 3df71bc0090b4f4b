"""Callers of before: the same key from the same address makes the same object."""

from __future__ import annotations

import threading

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.decision import Caller

_MOST = 4_096


class Callers:
    """
    Callers that were made of valid keys, by key and address; no key itself is kept.

    One stands for a key only as long as the store gives the same of the key and its client.

    Args:
        most: how many are kept; the one that came first is forgotten for another.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: dict[tuple[str, str | None], tuple[tuple[Client, ClientKey], Caller]] = {}
        self._changing = threading.Lock()

    def get(self, found: tuple[Client, ClientKey], address: str | None) -> Caller | None:
        """Give the caller that a valid key made from this address, if it is still the same key."""
        kept = self._kept.get((found[1].id, address))
        # What is held in memory is the identical object, so nothing is compared in depth.
        return kept[1] if kept is not None and kept[0] == found else None

    def made(self, found: tuple[Client, ClientKey], address: str | None) -> Caller:
        """Make the caller of a key that is valid from this address, and keep it."""
        client, key = found
        caller = Caller(
            client.name,
            client.scopes,
            address,
            client.reasons,
            networks=key.networks,
            expires_at=key.expires_at,
        )
        with self._changing:
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key.id, address] = (found, caller)
        return caller
