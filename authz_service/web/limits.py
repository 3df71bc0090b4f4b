"""
Limits: how much one client, or one who guesses keys, may ask of one worker.

Requests are counted in the memory of the worker that gets them, in a sliding window of a minute:
several workers take several times as much, and a restart begins anew. Each evaluation of a batch
counts as a request. That keeps a client that has gone wrong from costing the others their
answers, and needs no store of its own. Sizes are bounded elsewhere (``app``, ``body``,
``authzen``); here it is told when a bound was met.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from werkzeug.exceptions import RequestEntityTooLarge

from authz_service.domain.decision import Caller
from authz_service.domain.errors import CallerUnknown, TooManyRequests
from authz_service.web import problems
from authz_service.web.body import OverLimit

WRONG_KEYS_PER_MINUTE = 600
"""
How many wrong keys one source address may show to one worker.

Nobody guesses a key of 256 bits, but each try asks the database. Beyond it, keys from there are
refused unasked, except those that were right lately: behind a proxy that is not trusted, all
callers have one address.
"""
RIGHT_KEYS = 1_000
"""How many keys are remembered, as digests, to have been right."""

_IPV6_SITE = 64  # one who has an address of IPv6 has all of its /64


class Limits:
    """
    The limits of one worker.

    Args:
        per_minute: how many requests one client may send in a minute, or None for any number.
        refused: hears of each refusal the limit: rate, keys, body, batch or depth.
    """

    def __init__(
        self, per_minute: int | None = None, refused: Callable[[str], None] = lambda _limit: None
    ) -> None:
        self.refused = refused
        self._storage = MemoryStorage()
        self._counted = SlidingWindowCounterRateLimiter(self._storage)
        self._requests = None if per_minute is None else RateLimitItemPerMinute(per_minute)
        self._wrong_keys = RateLimitItemPerMinute(WRONG_KEYS_PER_MINUTE)
        self._right: dict[bytes, None] = {}
        self._changing = threading.Lock()

    def take(self, client: str) -> None:
        """
        Count one request of a client.

        Raises:
            TooManyRequests: it has sent as many as it may.
        """
        self._take(client, 0, 1)

    def take_batch(self, client: str, evaluations: int) -> None:
        """
        Count each evaluation of a batch but one, for which its request was counted.

        A batch that is larger than the limit counts as all of it, or none would ever be taken.

        Raises:
            TooManyRequests: so many are not left; none of them is counted.
        """
        if evaluations > 1:
            self._take(client, 1, evaluations)

    def _take(self, client: str, counted: int, requests: int) -> None:
        if self._requests is None:
            return
        requests = min(requests, self._requests.amount)
        if self._hit(self._requests, "client", client, cost=requests - counted):
            return
        self.refused("rate")
        message = f"a client may send {self._requests.amount} requests a minute"
        seconds = self._seconds(self._requests, "client", client, cost=requests)
        raise TooManyRequests(message, seconds)

    def authenticated(
        self, key: str, address: str | None, check: Callable[[str, str | None], Caller]
    ) -> Caller:
        """
        Give who *check* says is calling, unless too many wrong keys came from there.

        Raises:
            TooManyRequests: as many as may came, and this key was not right lately.
            CallerUnknown: it is a wrong one; it counts.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        right = digest in self._right
        if not right:
            self._require_patience(_source(address))
        try:
            caller = check(key, address)
        except CallerUnknown:
            with self._changing:
                self._right.pop(digest, None)
            self._hit(self._wrong_keys, "source", _source(address))
            raise
        if not right:
            self._remember(digest)
        return caller

    def _require_patience(self, source: str) -> None:
        if self._counted.test(self._wrong_keys, "source", source):
            return
        self.refused("keys")
        seconds = self._seconds(self._wrong_keys, "source", source)
        raise TooManyRequests("too many wrong keys came from this address", seconds)

    def _remember(self, digest: bytes) -> None:
        with self._changing:
            while len(self._right) >= RIGHT_KEYS:
                self._right.pop(next(iter(self._right)), None)
            self._right[digest] = None

    def _hit(self, item: RateLimitItem, kind: str, whose: str, *, cost: int = 1) -> bool:
        try:
            return self._counted.hit(item, kind, whose, cost=cost)
        except RuntimeError:
            # The storage tidies up in threads; a system that has none to give refuses nobody.
            return True

    def _seconds(self, item: RateLimitItem, kind: str, whose: str, *, cost: int = 1) -> int:
        """Give after how many seconds *cost* is left; the library tells it for one alone."""
        window = item.get_expiry()
        earlier, _, counted, ends_in = self._storage.get_sliding_window(
            item.key_for(kind, whose), window
        )
        # The library's end is that of the next window, until when this one is remembered.
        rest = ends_in - window
        room = item.amount - cost + 1
        # What an earlier window counts for falls in proportion to what is left of the present one.
        if counted < room:
            wait = rest - window * (room - counted) / max(earlier, 1)
        else:
            wait = rest + window * (1 - room / counted)
        # A moment after that instant, for at it the count is still what it was.
        return math.ceil(max(wait, 0) + 0.001)


def _source(address: str | None) -> str:
    """Give what wrong keys of *address* are counted under."""
    if address is None:
        return "unknown"
    try:
        number = int(ipaddress.IPv6Address(address))
    except ValueError:
        return address
    return str(ipaddress.IPv6Network((number, _IPV6_SITE), strict=False))


def install(app: Flask, limits: Limits, max_body: int) -> None:
    """Have *app* answer those whom a limit refuses, and tell *limits* of each."""

    @app.errorhandler(RequestEntityTooLarge)
    def too_long(_error: RequestEntityTooLarge) -> Response:
        limits.refused("body")
        detail = f"the body must not be longer than {max_body} bytes"
        return problems.about_blank(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)

    @app.errorhandler(OverLimit)
    def over_limit(error: OverLimit) -> Response:
        limits.refused(error.limit)
        return problems.answer(error)
