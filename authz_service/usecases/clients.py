"""Clients: who may call this service, by a key shown once and kept only as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from authz_service.domain.clients import Client, ClientKey, Network
from authz_service.domain.decision import Caller
from authz_service.domain.errors import (
    CallerForbidden,
    CallerUnknown,
    Conflict,
    InvalidInput,
    NotFound,
)
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.callers import Callers
from authz_service.usecases.ports import Clock, Told
from authz_service.usecases.stores import ClientStore, Page

_PREFIX = "authz"
_SECRET_BYTES = 32
# Under this name the command line acts: in a record, a client of that name would be taken for it.
_SHELL = "operator"

Held = tuple[Client, ClientKey]
"""What a store has of a key: whose it is, and the key."""


def digest_of(key: str) -> str:
    """Give what is kept of a key: SHA-256, hexadecimal."""
    # A plain hash is enough: 256 random bits cannot be guessed, so nothing needs slowing down.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def key_id_of(key: str) -> str:
    """Give the id that stands in a key, empty where there is none."""
    parts = key.split("_", 2)
    return parts[1] if len(parts) == 3 else ""


@dataclass(frozen=True, slots=True)
class Clients:
    """
    Makes, checks and revokes the keys of calling programs.

    Attributes:
        store: where digests are kept.
        acts: where it is written down.
        clock: the present instant.
        callers: those that came before, so that the same one is the same object.
    """

    store: ClientStore
    acts: ActLog
    clock: Clock
    callers: Callers = field(default_factory=Callers, repr=False, compare=False)

    def add(
        self,
        name: str,
        scopes: Iterable[str],
        caller: Caller,
        *,
        expires_at: datetime | None = None,
        networks: tuple[Network, ...] = (),
        reasons: bool = False,
    ) -> str:
        """
        Make a client with its first key, and give the key, which is never shown again.

        Raises:
            InvalidInput: the name or a scope cannot be one.
            Conflict: there is a client of that name.
        """
        if name == _SHELL:
            raise InvalidInput("name", "must not be the name under which the command line acts")
        if self._find(name) is not None:
            raise Conflict(f"there is a client `{name}` already; give it another key")
        client = Client(name, frozenset(scopes), reasons=reasons)
        # Whoever adds the same name at the same moment gets a conflict out of the store.
        return self._save_key(self.store.add_client, client, caller, expires_at, networks)

    def add_key(
        self,
        name: str,
        caller: Caller,
        *,
        expires_at: datetime | None = None,
        networks: tuple[Network, ...] = (),
    ) -> str:
        """
        Give a client one more key, so that it can change over without a gap.

        Raises:
            NotFound: no client of that name.
        """
        client = self._get(name)
        return self._save_key(self.store.save_client, client, caller, expires_at, networks)

    def revoke(self, name: str, caller: Caller, key_id: str | None = None) -> int:
        """
        Revoke one key of a client, or all of them; from then on they are refused.

        Returns:
            how many keys were not revoked before.

        Raises:
            NotFound: no client of that name, or no key of that id.
        """
        now, client = self.clock(), self._get(name)
        chosen = [key for key in client.keys if key_id in (None, key.id)]
        if key_id is not None and not chosen:
            raise NotFound(f"the client `{name}` has no key `{key_id}`")
        revoked = [replace(key, revoked_at=now) for key in chosen if key.revoked_at is None]
        details: Details = {"client": name, "keys": tuple(key.id for key in revoked)}
        self.store.save_client(
            replace(client, keys=tuple(revoked)),
            partial(self.acts.did, "client.revoke", caller, details),
        )
        return len(revoked)

    def list(self) -> list[Client]:
        """Give all clients with their keys; of a key only its id is known."""
        return self.store.clients()

    def authenticate(
        self, key: str, address: str | None, digest: str | None = None, *, looked: bool = False
    ) -> Caller:
        """
        Tell who calls with *key* from *address*.

        Args:
            key: as it was shown.
            address: from where, or None if nobody can tell.
            digest: what ``digest_of`` gives of the key, if somebody has asked it already.
            looked: whether the caller has looked at the store for this request; see ``Truth``.

        Raises:
            CallerUnknown: no such key, or it may not be used now or from there. The error
                does not say which, since whoever guesses keys would like to know.
        """
        key_id = key_id_of(key)
        found = self.store.client_of_key(key_id, looked=looked) if key_id else None
        if found is None:
            raise CallerUnknown("the key is not valid")
        known = found[1]
        if not hmac.compare_digest(digest or digest_of(key), known.digest):
            raise CallerUnknown("the key is not valid")
        caller = self.callers.get(found, address)
        if caller is not None:
            # Of all that makes a key valid, time alone goes on while the key stays what it is.
            if known.expires_at is None or self.clock() < known.expires_at:
                return caller
        elif known.valid(self.clock(), address):
            return self.callers.made(found, address)
        raise CallerUnknown("the key is not valid")

    def still(self, key_id: str, held: Held) -> bool:
        """
        Tell whether a key that ``authenticate`` let in is what it was, on a store just looked at.

        Args:
            key_id: what ``key_id_of`` gives of the key.
            held: what the store had of it then; a store that holds nothing gives another object
                each time, and has to be asked for all of it.
        """
        if self.store.client_of_key(key_id, looked=True) is not held:
            return False
        expires_at = held[1].expires_at
        return expires_at is None or self.clock() < expires_at

    def _save_key(
        self,
        save: Callable[[Client, Told], int],
        client: Client,
        caller: Caller,
        expires_at: datetime | None,
        networks: tuple[Network, ...],
    ) -> str:
        now = self.clock()
        if expires_at is not None and expires_at < now:
            raise InvalidInput("expires_at", "lies in the past, so the key would never be valid")
        key_id = secrets.token_hex(6)
        key = f"{_PREFIX}_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        kept = ClientKey(
            id=key_id,
            digest=digest_of(key),
            created_at=now,
            expires_at=expires_at,
            networks=networks,
        )
        details: Details = {
            "client": client.name,
            "key": key_id,
            "scopes": tuple(sorted(client.scopes)),
            "reasons": client.reasons,
            "networks": tuple(str(network) for network in networks),
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        }
        save(replace(client, keys=(kept,)), partial(self.acts.did, "client.key", caller, details))
        return key

    def _find(self, name: str) -> Client | None:
        return next((one for one in self.store.clients() if one.name == name), None)

    def _get(self, name: str) -> Client:
        client = self._find(name)
        if client is None:
            raise NotFound(f"there is no client `{name}`")
        return client


@dataclass(frozen=True, slots=True)
class ClientDesk:
    """
    Lets a client make and revoke the keys of clients that may do no more than itself.

    Who could give more than it has would have everything; so a scope that the caller lacks is
    never granted, and a client that has one gets no further key from it. Nor does it revoke
    one: to stop a stronger client, such as Orquestra with every process that is to start, is
    a power of its own.

    A key that was stolen must not make one that lasts longer or works from elsewhere: each new
    key keeps within the networks and the time of the one that was shown, and only a client that
    is told reasons gives a key to one that is. The command line has no such bounds.

    Attributes:
        clients: does it.
    """

    clients: Clients

    def page(self, after: str | None, limit: int) -> Page[Client]:
        """Give at most *limit* clients with their keys, by name, from behind *after*."""
        found = [one for one in self.clients.list() if after is None or one.name > after]
        return Page.of(found, limit, lambda one: one.name)

    def add(
        self,
        name: str,
        scopes: Iterable[str],
        caller: Caller,
        *,
        expires_at: datetime | None = None,
        networks: tuple[Network, ...] = (),
        reasons: bool = False,
    ) -> str:
        """
        Make a client; see ``Clients.add``.

        Raises:
            CallerForbidden: the caller lacks one of *scopes*.
            InvalidInput: the key could do more than the caller's; names ``networks``,
                ``expires_at`` or ``reasons``.
        """
        wanted = frozenset(scopes)
        _require(wanted, caller)
        _require_bounds(expires_at, networks, caller, reasons=reasons)
        return self.clients.add(
            name, wanted, caller, expires_at=expires_at, networks=networks, reasons=reasons
        )

    def add_key(
        self,
        name: str,
        caller: Caller,
        *,
        expires_at: datetime | None = None,
        networks: tuple[Network, ...] = (),
    ) -> str:
        """
        Give a client one more key; see ``Clients.add_key``.

        Raises:
            NotFound: no client of that name.
            CallerForbidden: it has a scope that the caller lacks.
            InvalidInput: the key could do more than the caller's; see ``add``.
        """
        client = self._within(name, caller)
        _require_bounds(expires_at, networks, caller, reasons=client.reasons)
        return self.clients.add_key(name, caller, expires_at=expires_at, networks=networks)

    def revoke(self, name: str, caller: Caller, key_id: str | None) -> int:
        """
        Revoke one key of a client, or all; see ``Clients.revoke``.

        Raises:
            NotFound: no client of that name, or no key of that id.
            CallerForbidden: it has a scope that the caller lacks.
        """
        client = self._within(name, caller)
        # In words that do not repeat what was sent: it may be a whole key.
        if key_id is not None and key_id not in {key.id for key in client.keys}:
            raise NotFound("the client has no key of this id")
        return self.clients.revoke(name, caller, key_id)

    def _within(self, name: str, caller: Caller) -> Client:
        """Give the client of this name, if it has no scope that the caller lacks."""
        for one in self.clients.list():
            if one.name == name:
                _require(one.scopes, caller)
                return one
        raise NotFound("there is no client of this name")


def _require(scopes: frozenset[str], caller: Caller) -> None:
    lacking = sorted(scopes - caller.scopes)
    if lacking:
        raise CallerForbidden(lacking[0])


def _require_bounds(
    expires_at: datetime | None, networks: tuple[Network, ...], caller: Caller, *, reasons: bool
) -> None:
    """Refuse a key that could be used where, or when, or for what the caller's own cannot."""
    within = all(any(_holds(own, one) for own in caller.networks) for one in networks)
    if caller.networks and not (networks and within):
        raise InvalidInput("networks", "must lie within those of the key that was shown")
    own_end = caller.expires_at
    if own_end is not None and (expires_at is None or expires_at > own_end):
        raise InvalidInput("expires_at", "must be no later than that of the key that was shown")
    if reasons and not caller.reasons:
        raise InvalidInput("reasons", "may be told only to clients of a caller that is told them")


def _holds(network: Network, other: Network) -> bool:
    return other.network_address in network and other.broadcast_address in network
