"""
Limits: how much one client, or one who guesses keys, may ask of one worker.

Requests are counted in the memory of the worker that gets them, in a sliding window of a minute:
several workers take several times as much, and a restart begins anew. Each evaluation of a batch
counts as a request. That keeps a client that has gone wrong from costing the others their
answers, and needs no store of its own. Sizes are bounded elsewhere (``body``,
``evaluations``); ``problems`` tells it when a bound was met.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from authz_service.domain.errors import CallerUnknown, TooManyRequests
from authz_service.usecases.clients import digest_of
from authz_service.web.counting import SlidingWindow

Known = TypeVar("Known")

WRONG_KEYS_PER_MINUTE = 600
"""
How many wrong keys one source address may show to one worker.

Nobody guesses a key of 256 bits, but each try asks the database. Beyond it, keys from there are
refused unasked, except those that were right lately: behind a proxy that is not trusted, all
callers have one address.
"""
RIGHT_KEYS = 1_000
"""How many keys are remembered, as digests, to have been right."""

_MINUTE = 60  # seconds
_IPV6_SITE = 64  # one who has an address of IPv6 has all of its /64


class Limits:
    """
    The limits of one worker.

    Args:
        per_minute: how many requests one client may send in a minute, or None for any number.
        refused: hears of each refusal the limit: rate, keys, body, batch or depth.
        clock: seconds since whatever instant, never going back.
    """

    def __init__(
        self,
        per_minute: int | None = None,
        refused: Callable[[str], None] = lambda _limit: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused = refused
        self._requests = None if per_minute is None else SlidingWindow(per_minute, _MINUTE, clock)
        self._wrong_keys = SlidingWindow(WRONG_KEYS_PER_MINUTE, _MINUTE, clock)
        self._right: dict[str, None] = {}
        self._changing = threading.Lock()

    def take(self, client: str) -> None:
        """
        Count one request of a client.

        Raises:
            TooManyRequests: it has sent as many as it may.
        """
        if self._requests is not None and not self._requests.hit(client):
            self._refuse(self._requests, client, 1)

    def take_batch(self, client: str, evaluations: int) -> None:
        """
        Count each evaluation of a batch but one, for which its request was counted.

        A batch that is larger than the limit counts as all of it, or none would ever be taken.

        Raises:
            TooManyRequests: so many are not left; none of them is counted.
        """
        if self._requests is None or evaluations <= 1:
            return
        requests = min(evaluations, self._requests.amount)
        if requests > 1 and not self._requests.hit(client, requests - 1):
            self._refuse(self._requests, client, requests)

    def _refuse(self, window: SlidingWindow, client: str, requests: int) -> None:
        self.refused("rate")
        message = f"a client may send {window.amount} requests a minute"
        raise TooManyRequests(message, window.wait(client, requests))

    def authenticated(
        self, key: str, address: str | None, check: Callable[[str, str | None, str], Known]
    ) -> Known:
        """
        Give what *check* says of who is calling, unless too many wrong keys came from there.

        Args:
            key: the key that was shown.
            address: from where.
            check: gets both, and the key's digest.

        Raises:
            TooManyRequests: as many as may came, and this key was not right lately.
            CallerUnknown: it is a wrong one; it counts.
        """
        digest = digest_of(key)
        right = digest in self._right
        if not right:
            self._require_patience(_source(address))
        try:
            known = check(key, address, digest)
        except CallerUnknown:
            with self._changing:
                self._right.pop(digest, None)
            self._wrong_keys.hit(_source(address))
            raise
        if not right:
            self._remember(digest)
        return known

    def _require_patience(self, source: str) -> None:
        if self._wrong_keys.has_room(source):
            return
        self.refused("keys")
        seconds = self._wrong_keys.wait(source)
        raise TooManyRequests("too many wrong keys came from this address", seconds)

    def _remember(self, digest: str) -> None:
        with self._changing:
            while len(self._right) >= RIGHT_KEYS:
                self._right.pop(next(iter(self._right)), None)
            self._right[digest] = None


def _source(address: str | None) -> str:
    """Give what wrong keys of *address* are counted under."""
    if address is None:
        return "unknown"
    try:
        number = int(ipaddress.IPv6Address(address))
    except ValueError:
        return address
    return str(ipaddress.IPv6Network((number, _IPV6_SITE), strict=False))
