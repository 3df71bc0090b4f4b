"""
Who calls, where reverse proxies stand in between.

A proxy of the setting ``AUTHZ_TRUSTED_PROXIES`` is believed about whom it has heard, by the last
address of ``X-Forwarded-For``, which is the one that it has added itself. What stands before that
was there when the request came to it: it counts only if that address is a trusted proxy's as
well, and so on. Nobody else is believed, and neither are ``Forwarded`` and ``X-Real-IP``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from authz_service.domain.clients import Network

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
"""A WSGI application (PEP 3333)."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Some proxies add the port: 192.0.2.1:49152, [2001:db8::1]:49152. An IPv6 address without
# brackets has none, since nobody could tell where it begins.
_V4_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_IN_BRACKETS = re.compile(r"\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\](?::[0-9]{1,5})?")

_REMEMBERED = 4_096
# Longer lists are read each time, so that whoever writes them fills no memory.
_LONGEST_REMEMBERED = 128


class TrustedProxies:
    """
    Sets ``REMOTE_ADDR`` to the address of the one who calls, before *app* sees the request.

    Without an address that can be told there is none: keys that are bound to networks are then
    refused, and records say that the source is unknown.

    Args:
        app: the application behind it.
        networks: of the proxies that are believed.
    """

    def __init__(self, app: Wsgi, networks: Sequence[Network]) -> None:
        self._app = app
        self._networks = tuple(networks)
        # The same callers come again, and reading addresses takes as long as deciding.
        self._known = lru_cache(_REMEMBERED)(self._source)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        peer = environ.get("REMOTE_ADDR")
        if "HTTP_X_FORWARDED_FOR" in environ:
            forwarded = environ["HTTP_X_FORWARDED_FOR"]
            short = len(forwarded) <= _LONGEST_REMEMBERED
            found = self._known(peer, forwarded) if short else self._source(peer, forwarded)
        else:
            found = self._known(peer, None)
        if found is not None:
            environ["REMOTE_ADDR"] = found
        elif peer is not None:
            del environ["REMOTE_ADDR"]
        return self._app(environ, start_response)

    def _source(self, peer: str | None, forwarded: str | None) -> str | None:
        return source(peer, forwarded, self._networks)


def source(peer: str | None, forwarded: str | None, networks: Sequence[Network]) -> str | None:
    """
    Give the address of the one who calls, in its usual form, or None if nobody can tell.

    Args:
        peer: the address at the other end of the connection.
        forwarded: all of ``X-Forwarded-For``, several headers joined by commas.
        networks: of the proxies that are believed.
    """
    # A link-local peer's zone is of this machine, and no part of the address.
    address = _read((peer or "").partition("%")[0])
    if address is None or not _is_trusted(address, networks):
        return None if address is None else str(address)
    hops = [one.strip(" \t") for one in (forwarded or "").split(",")]
    # Empty elements of a list count for nothing (RFC 9110, 5.6.1).
    for hop in filter(None, reversed(hops)):
        known = _read(hop)
        if known is None:
            # A trusted proxy has passed on what it did not know itself, such as `unknown`.
            return None
        address = known
        if not _is_trusted(address, networks):
            break
    # A chain of trusted proxies alone: its far end called by itself, as a probe does.
    return str(address)


def _is_trusted(address: _Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _read(text: str) -> _Address | None:
    if "%" in text:
        return None
    found = _V4_WITH_PORT.fullmatch(text) or _IN_BRACKETS.fullmatch(text)
    try:
        address = ipaddress.ip_address(text if found is None else found[1])
    except ValueError:
        return None
    # A dual-stack socket reports IPv4 callers as ::ffff:10.0.0.1.
    return getattr(address, "ipv4_mapped", None) or address
