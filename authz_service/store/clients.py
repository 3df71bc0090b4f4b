"""The calling programs and the digests of their keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from authz_service.domain.clients import Client, ClientKey, parse_network
from authz_service.store import schema
from authz_service.store.changes import Part, Touched
from authz_service.store.database import Database, put
from authz_service.store.schema import client_keys
from authz_service.usecases.ports import Told

_WITH_KEYS = select(schema.clients, client_keys).join_from(
    schema.clients, client_keys, isouter=True
)


@dataclass(frozen=True, slots=True)
class SqlClients:
    """
    The port ``ClientStore`` on SQL.

    Attributes:
        database: where they are kept.
    """

    database: Database

    def clients(self) -> list[Client]:
        """Give all clients with all their keys, by name."""
        with self.database.read() as connection:
            return _grouped(connection.execute(_WITH_KEYS))

    def client_of_key(
        self,
        key_id: str,
        *,
        looked: bool = False,  # noqa: ARG002 - what is read now is new in any case
    ) -> tuple[Client, ClientKey] | None:
        """Give the key with this id and whose it is."""
        owner = select(client_keys.c.client).where(client_keys.c.id == key_id).scalar_subquery()
        with self.database.read() as connection:
            found = _grouped(connection.execute(_WITH_KEYS.where(schema.clients.c.name == owner)))
        return next(
            ((client, key) for client in found for key in client.keys if key.id == key_id), None
        )

    def add_client(self, client: Client, told: Told) -> int:
        """
        Keep a new client and its keys, and give the revision; see ``Told``.

        Raises:
            Conflict: there is a client of this name, or a key of one of these ids.
        """
        with self.database.revise(told, Touched(Part.CLIENTS)) as (connection, revision):
            # The primary keys refuse what is there already.
            connection.execute(insert(schema.clients).values(name=client.name, **_said(client)))
            _put_keys(connection, client)
        return revision

    def save_client(self, client: Client, told: Told) -> int:
        """
        Add or replace a client and its keys, by name, and give the revision; see ``Told``.

        Keys that *client* does not mention stay as they are.

        Raises:
            Conflict: another client has a key of the same id.
        """
        with self.database.revise(told, Touched(Part.CLIENTS)) as (connection, revision):
            put(connection, schema.clients, {"name": client.name}, _said(client))
            _put_keys(connection, client)
        return revision


def _said(client: Client) -> dict[str, Any]:
    return {"scopes": sorted(client.scopes), "reasons": client.reasons}


def _put_keys(connection: Connection, client: Client) -> None:
    for key in client.keys:
        # A key of this id that is another client's is not found, and then the primary key
        # refuses the row.
        mine = {"id": key.id, "client": client.name}
        values = {
            "digest": key.digest,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
            "networks": [str(network) for network in key.networks],
        }
        put(connection, client_keys, mine, values)


def _grouped(rows: Iterable[Row[Any]]) -> list[Client]:
    """Put clients and keys together; a client's keys stand in the order they were made in."""
    ordered = sorted(rows, key=lambda row: row.name)
    found = []
    for name, group in groupby(ordered, key=lambda row: row.name):
        mine = list(group)
        keys = [_key(row) for row in mine if row.id is not None]
        keys.sort(key=lambda key: (key.created_at, key.id))
        client = mine[0]
        scopes = frozenset(client.scopes)
        found.append(Client(name, scopes, tuple(keys), reasons=client.reasons is True))
    return found


def _key(row: Row[Any]) -> ClientKey:
    return ClientKey(
        id=row.id,
        digest=row.digest,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        networks=tuple(parse_network(text) for text in row.networks),
    )
