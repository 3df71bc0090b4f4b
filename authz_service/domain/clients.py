"""The programs that may call this service, and the keys they show."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import without_cpf
from authz_service.domain.time import require_aware

SCOPES = {
    "decide": "ask for decisions",
    "search": "ask what a person may do",
    "explain": "see the reasons and facts behind a decision",
    "identities": "bring GOV.BR sign-ins",
    "confirmations": "confirm the registration of members",
    "standing:assert": "say who is what in a company, who is registered, and which bonds exist",
    "people:read": "look up persons, companies and standing",
    "companies": "register and validate foreign companies",
    "actor:assert": "say which person acts in a delegation, without a token of that person",
    "delegations": "grant, replace, list, revoke and renounce delegations",
    "catalogue": "change the catalogue of processes",
    "catalogue:read": "read the catalogue of processes",
    "clients": "make clients with no more scopes than one's own, and revoke keys",
    "decisions:read": "read the decision log",
    "decisions:clear": "see persons in the decision log in clear",
    "policy:read": "see which policy is in force, and why an edit is not",
    "metrics": "scrape the metrics",
}
"""Every scope, with what it lets a client do."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ClientKey:
    """
    One key of a client; the key itself is never kept.

    Attributes:
        id: the public part of the key, by which it is found and revoked.
        digest: SHA-256 of the whole key, hexadecimal.
        created_at: when it was made.
        expires_at: the instant from which it is refused, or None.
        revoked_at: when it was revoked, or None.
        networks: the source networks it may be used from; empty means any.
    """

    id: str
    digest: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    networks: tuple[Network, ...] = ()

    def __post_init__(self) -> None:
        for moment, field in (
            (self.created_at, "created_at"),
            (self.expires_at, "expires_at"),
            (self.revoked_at, "revoked_at"),
        ):
            if moment is not None:
                require_aware(moment, field)

    def valid(self, moment: datetime, address: str | None) -> bool:
        """Tell whether the key may be used at *moment* from *address*."""
        if self.revoked_at is not None:
            return False
        if self.expires_at is not None and moment >= self.expires_at:
            return False
        return not self.networks or (address is not None and self._reaches(address))

    def _reaches(self, address: str) -> bool:
        try:
            source = ipaddress.ip_address(address)
        except ValueError:
            return False
        # A dual-stack socket reports IPv4 callers as ::ffff:10.0.0.1.
        mapped = getattr(source, "ipv4_mapped", None)
        return any((mapped or source) in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Client:
    """
    A program that may call this service.

    Attributes:
        name: lower-case letters, digits, dots, hyphens and underscores, 1 to 64.
        scopes: what it may do, names out of ``SCOPES``.
        keys: all its keys, revoked ones included.
        reasons: whether AuthZEN answers to it say why; a bare decision otherwise, since reasons
            tell of the policy (AuthZEN 1.0, 11.2).
    """

    name: str
    scopes: frozenset[str]
    keys: tuple[ClientKey, ...] = ()
    reasons: bool = False

    def __post_init__(self) -> None:
        # The name stands in every record: one made of a CPF would put a person there.
        if _NAME.fullmatch(self.name) is None or without_cpf(self.name) != self.name:
            raise InvalidInput(
                "name",
                "must be 1 to 64 lower-case letters, digits, dots, hyphens, underscores, no CPF",
            )
        unknown = sorted(self.scopes - SCOPES.keys())
        if unknown:
            raise InvalidInput("scope", f"`{unknown[0]}` is none of: {', '.join(SCOPES)}")
        if not self.scopes:
            raise InvalidInput("scope", "needs at least one scope")


def parse_network(text: str) -> Network:
    """
    Read a source network such as ``10.1.0.0/16`` or a single address.

    Raises:
        InvalidInput: not a network, or host bits are set behind the prefix.
    """
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InvalidInput("network", f"`{text}` is no network: {error}") from error
