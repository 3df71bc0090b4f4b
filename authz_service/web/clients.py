"""
Clients: the programs that may call, and their keys.

A caller gives no more than it has: neither a scope that it lacks, nor a key to a client that
has such a scope, nor one that lasts longer or works from elsewhere than the key that it showed. A
key is shown once, in the answer that makes it; nobody can read it again.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.clients import SCOPES, Client, ClientKey, Network, parse_network
from authz_service.domain.errors import InvalidInput
from authz_service.usecases.clients import ClientDesk
from authz_service.web.body import read_object, read_query
from authz_service.web.contract import Answer, Link, describes
from authz_service.web.fields import Body, Parsed, Text, flag, instant, written
from authz_service.web.guards import caller, needs
from authz_service.web.paging import PagedAnswer, PagedQuery, wanted
from authz_service.web.texts import CLIENT, listed, text

_TAG = "Clients"
_MOST_NETWORKS = 50
_NETWORK_SHAPE = {"type": "string", "format": "network", "examples": ["10.1.0.0/16"]}
_PATH = {"name": "The client's name."}
_STEPS = (
    Link("add_key", "clients.add_key", {"name": "$response.body#/name"}),
    Link("revoke", "clients.revoke", {"name": "$response.body#/name"}),
)


def _network(value: object) -> Network:
    if isinstance(value, str):
        try:
            return parse_network(value)
        except InvalidInput:
            pass
    # In words that do not repeat what was sent.
    raise InvalidInput(
        "network", "must be a network such as 10.1.0.0/16, no bits behind its prefix"
    )


class KeyBody(Body):
    """Until when a key may be used, and from where; empty ``networks`` mean from anywhere."""

    expires_at = instant(allow_none=True, load_default=None)
    networks = listed(Parsed(_network, shape=_NETWORK_SHAPE), _MOST_NETWORKS, load_default=list)


class ClientBody(KeyBody):
    """
    A client and its first key.

    ``reasons`` says whether AuthZEN answers tell it why; they tell of the policy.
    """

    name = text(CLIENT, required=True)
    scopes = listed(Text(choices=tuple(SCOPES)), len(SCOPES), least=1, required=True)
    reasons = flag(load_default=False)


class RevokeKeyBody(Body):
    """Which key is revoked; null means all of the client's, which has to be said."""

    key_id = Text(required=True, allow_none=True, longest=64)


class KeyAnswer(Answer):
    """What is known of a key: not the key itself."""

    id = Text(required=True)
    created_at = instant(required=True)
    expires_at = instant(required=True, allow_none=True)
    revoked_at = instant(required=True, allow_none=True)
    networks = fields.List(Text(), required=True)


class ClientAnswer(Answer):
    """A client with all its keys, the oldest first, revoked ones included."""

    name = Text(required=True)
    scopes = fields.List(Text(), required=True)
    reasons = flag(required=True)
    keys = fields.List(fields.Nested(KeyAnswer), required=True)


class ClientsAnswer(PagedAnswer):
    """A part of the clients, by name."""

    clients = fields.List(fields.Nested(ClientAnswer), required=True)


class NewKeyAnswer(Answer):
    """A key that was made; it is not shown again."""

    name = Text(required=True)
    key_id = Text(required=True)
    key = Text(required=True)


class RevokedAnswer(Answer):
    """How many keys were revoked that were not before."""

    name = Text(required=True)
    revoked = fields.Integer(required=True, strict=True)


_CLIENT = ClientBody()
_KEY = KeyBody()
_REVOKE = RevokeKeyBody()
_QUERY = PagedQuery()


def blueprint(desk: ClientDesk) -> Blueprint:
    """Build the routes around the desk for clients."""
    bp = Blueprint("clients", __name__, url_prefix="/v1/clients")

    @bp.get("")
    @needs("clients")
    @describes(_TAG, query=PagedQuery, answer=ClientsAnswer)
    def index() -> ResponseReturnValue:
        """List the clients and what is known of their keys."""
        part = wanted(_QUERY.read(read_query(_QUERY.fields)), "token", "clients")
        return part.answer("clients", desk.page(part.after, part.limit), _shown)

    @bp.post("")
    @needs("clients")
    @describes(
        _TAG, body=ClientBody, answer=NewKeyAnswer, status=201, problems=(409,), links=_STEPS
    )
    def add() -> ResponseReturnValue:
        """
        Make a client and show its key, once.

        A scope that the caller lacks is a 403 which names it; a name that is taken is a 409. The
        key keeps within the caller's own: ``networks`` beyond its networks, an ``expires_at``
        after its end, or none where it has one, and ``reasons`` where it is told none are a 400.
        """
        sent = _CLIENT.read(read_object())
        key = desk.add(
            sent["name"],
            sent["scopes"],
            caller(),
            expires_at=sent["expires_at"],
            networks=tuple(sent["networks"]),
            reasons=sent["reasons"],
        )
        return _new(sent["name"], key)

    @bp.post("/<name>/keys")
    @needs("clients")
    @describes(
        _TAG,
        body=KeyBody,
        answer=NewKeyAnswer,
        status=201,
        problems=(404,),
        path=_PATH,
        links=_STEPS,
    )
    def add_key(name: str) -> ResponseReturnValue:
        """
        Give a client one more key and show it, once.

        So that it can change over without a gap. A client that has a scope which the caller lacks
        gets none: 403. The key keeps within the caller's own, as for a new client; a client that
        is told reasons gets none from one that is not: a 400 that names ``reasons``.
        """
        sent = _KEY.read(read_object())
        networks = tuple(sent["networks"])
        return _new(
            name, desk.add_key(name, caller(), expires_at=sent["expires_at"], networks=networks)
        )

    @bp.post("/<name>/revoke")
    @needs("clients")
    @describes(_TAG, body=RevokeKeyBody, answer=RevokedAnswer, problems=(404,), path=_PATH)
    def revoke(name: str) -> ResponseReturnValue:
        """
        Revoke one key of a client, or all of them; from then on they are refused.

        Not those of a client that has a scope which the caller lacks: to stop a stronger client
        is a power of its own (403). The command line can.
        """
        sent = _REVOKE.read(read_object())
        return {"name": name, "revoked": desk.revoke(name, caller(), sent["key_id"])}

    return bp


def _new(name: str, key: str) -> Response:
    response = jsonify({"name": name, "key_id": key.split("_")[1], "key": key})
    response.status_code = 201
    return response


def _shown(client: Client) -> dict[str, Any]:
    return {
        "name": client.name,
        "scopes": sorted(client.scopes),
        "reasons": client.reasons,
        "keys": [_key_shown(one) for one in client.keys],
    }


def _key_shown(key: ClientKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "created_at": written(key.created_at),
        "expires_at": written(key.expires_at),
        "revoked_at": written(key.revoked_at),
        "networks": [str(one) for one in key.networks],
    }
