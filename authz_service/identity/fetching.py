"""
The one way out to the network: GET, with a deadline that nothing outlasts.

A time-out of a socket counts from byte to byte, so a server that drips one byte a second
holds its caller for ever, and the look-up of a name knows no time-out at all. So a fetch runs
in a thread of its own: who asked waits for it until the deadline and no longer, then shuts its
connection down, wherever it stands, which ends the thread. Only in the look-up of a name is
there nothing to shut down; there the thread stays behind until the resolver gives up, and the
number of threads is bounded.

No redirect is followed, and no proxy, cookie or password comes from the environment. The trust
store is the one of OpenSSL, which operators may replace by its ``SSL_CERT_FILE``.
"""

from __future__ import annotations

import functools
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from enum import StrEnum
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from urllib.parse import urlsplit

_PIECE = 16 * 1024
_ALWAYS = {
    "Accept": "application/json",
    "Connection": "close",
    # A firewall before an API may turn away who does not say what it is.
    "User-Agent": "inmetro-authz-service",
}

# More than the rooms that fetch ever have under way, so only threads left behind fill it.
_places = threading.BoundedSemaphore(64)


class Outcome(StrEnum):
    """How a fetch ended; metrics count by it."""

    OK = "ok"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    """No connection, no valid certificate, or it broke off."""
    STATUS = "status"
    """Another status than 200 and 204."""
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    """It came, and is not what was asked for."""


class FetchFailed(Exception):
    """
    A fetch that brought nothing; its text holds neither address nor token.

    Attributes:
        outcome: how it ended.
    """

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def fetch(
    url: str, *, seconds: float, longest: int, headers: Mapping[str, str] | None = None
) -> bytes:
    """
    Give the body at *url*, empty for a 204.

    Args:
        url: ``https``, or ``http`` to a simulator on the same machine.
        seconds: after which the whole fetch is over, name look-up included.
        longest: bytes of the longest body that is taken; an empty one is only taken of a 204.
        headers: beside those of every request.

    Raises:
        FetchFailed: with its outcome.
    """
    exchange = _Exchange(url, seconds, longest, _ALWAYS | dict(headers or {}))
    if not _places.acquire(blocking=False):
        raise FetchFailed(Outcome.UNREACHABLE, "too many look-ups of names hang")
    thread = threading.Thread(target=exchange.run, name="fetch", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        _places.release()
        raise FetchFailed(Outcome.UNREACHABLE, "the system gives no thread") from None
    try:
        thread.join(seconds)
        # Before the cut, which makes the part that has come look like all of it.
        end = exchange.end
    finally:
        exchange.cut()
    if isinstance(end, bytes):
        return end
    # Made anew: what was raised over there may hold the token, in its text or behind it.
    raise FetchFailed(*end)


class _Exchange:
    """
    One request and its answer.

    Attributes:
        end: the body, or how it failed; a time-out until there is something better.
    """

    def __init__(self, url: str, seconds: float, longest: int, headers: dict[str, str]) -> None:
        self.end: bytes | tuple[Outcome, str] = (Outcome.TIMEOUT, "no answer in time")
        self._url = url
        self._seconds = seconds
        self._longest = longest
        self._headers = headers
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._over = False

    def run(self) -> None:
        """Do it; raises nothing."""
        try:
            self.end = self._body()
        except FetchFailed as failed:
            self.end = (failed.outcome, str(failed))
        except Exception as error:  # noqa: BLE001 -- whatever it is, its text may hold the token
            self.end = (_outcome_of(error), f"the exchange failed with {type(error).__name__}")
        finally:
            with self._lock:
                if self._line is not None:
                    self._line.close()
            _places.release()

    def cut(self) -> None:
        """End it, wherever it stands; harmless when it has ended."""
        with self._lock:
            self._over = True
            if self._line is not None:
                # Closed by now, or by the other side.
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)

    def _body(self) -> bytes:
        parts = urlsplit(self._url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        plain = parts.scheme == "http"
        host, port = parts.hostname or "", parts.port
        connection = _Connection(self, host, port, self._seconds, plain=plain)
        with closing(connection):
            connection.request("GET", target, headers=self._headers)
            with connection.getresponse() as response:
                return _received(response, self._longest)

    def hold(self, connected: socket.socket) -> None:
        """Keep what ``cut`` shuts down; raises ``TimeoutError`` if it has been called."""
        with self._lock:
            if self._over:
                raise TimeoutError
            # A socket of its own on the same line, because TLS takes the other one over.
            self._line = connected.dup()


class _Connection(HTTPConnection):
    """A connection of ``http.client`` whose line can be cut."""

    def __init__(
        self, exchange: _Exchange, host: str, port: int | None, seconds: float, *, plain: bool
    ) -> None:
        self.default_port = 80 if plain else 443
        # With a port always: without one it would look for it in an IPv6 address.
        super().__init__(host, self.default_port if port is None else port)
        self._exchange = exchange
        self._seconds = seconds
        self._plain = plain

    def connect(self) -> None:
        """Connect, with TLS unless it is plain."""
        # For each address of the host half of the time: one that swallows packets, as IPv6
        # does where it leads nowhere, leaves time for the next.
        self.sock = socket.create_connection((self.host, self.port), timeout=self._seconds / 2)
        self.sock.settimeout(self._seconds)
        self._exchange.hold(self.sock)
        if not self._plain:
            # It takes the line over, and closes it where it fails.
            self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Give what certificates are checked by, host names included; reading it takes a while."""
    # Not `create_default_context`: it lets the environment ask for a file with session keys.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context


def _received(response: HTTPResponse, longest: int) -> bytes:
    """Give the body of *response*, or raise ``FetchFailed`` or what ``http.client`` raises."""
    if response.status == 204:
        return b""
    if response.status != 200:
        raise FetchFailed(Outcome.STATUS, f"the answer has status {response.status}")
    # A few bytes of gzip become gigabytes.
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed(Outcome.MALFORMED, "the answer is encoded, which was not asked for")
    announced = response.length
    if announced is not None and announced > longest:
        raise FetchFailed(Outcome.TOO_LARGE, "the answer says that it is too large")
    body = bytearray()
    # Never `read`: a chunk of size -1 makes it read all that the server sends.
    while piece := response.read1(_PIECE):
        body += piece
        if len(body) > longest:
            raise FetchFailed(Outcome.TOO_LARGE, "the answer is too large")
        if len(body) == announced:
            return bytes(body)
    if announced:
        raise FetchFailed(Outcome.UNREACHABLE, "the answer broke off")
    # Only a 204 says that there is nothing; no JSON is empty, and a broken proxy's answer is.
    if not body:
        raise FetchFailed(Outcome.MALFORMED, "the answer is empty")
    return bytes(body)


def _outcome_of(error: Exception) -> Outcome:
    """Tell how an exchange ended by what was raised."""
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT
    if isinstance(error, OSError | IncompleteRead):
        return Outcome.UNREACHABLE
    # Neither HTTP, nor an address or a header that can be sent.
    return Outcome.MALFORMED
