"""``authz client``: the programs that may call, and their keys."""

from __future__ import annotations

import argparse
import sys

from authz_service import render
from authz_service.cli.calling import Verbs, instant, service
from authz_service.domain.clients import SCOPES, parse_network
from authz_service.usecases.acts import OPERATOR


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    client = verbs.add_parser("client", help="the programs that may call, and their keys")
    parts = client.add_subparsers(required=True, metavar="VERB", dest="verb")
    adding = parts.add_parser("add", help="add a client and print its key, once")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument(
        "--scope", action="append", required=True, metavar="SCOPE", help=", ".join(SCOPES)
    )
    adding.add_argument(
        "--reasons", action="store_true", help="tell it the reasons of AuthZEN decisions"
    )
    key = parts.add_parser("key", help="give a client one more key, and print it, once")
    key.add_argument("name", metavar="NAME")
    for part in (adding, key):
        part.add_argument("--expires", type=instant, metavar="INSTANT")
        part.add_argument("--network", action="append", default=[], metavar="CIDR")
        part.set_defaults(run=_add)
    revoking = parts.add_parser("revoke", help="revoke one key of a client, or all")
    revoking.add_argument("name", metavar="NAME")
    revoking.add_argument("--key", metavar="ID", help="the id of one key; without it, all")
    revoking.set_defaults(run=_revoke)
    parts.add_parser("list", help="show all clients and their keys").set_defaults(run=_list)


def _add(options: argparse.Namespace) -> int:
    networks = tuple(parse_network(one) for one in options.network)
    with service() as built:
        if options.verb == "add":
            key = built.clients.add(
                options.name,
                options.scope,
                OPERATOR,
                expires_at=options.expires,
                networks=networks,
                reasons=options.reasons,
            )
        else:
            key = built.clients.add_key(
                options.name, OPERATOR, expires_at=options.expires, networks=networks
            )
        print(key)
        print("this key is not shown again", file=sys.stderr)
    return 0


def _revoke(options: argparse.Namespace) -> int:
    with service() as built:
        count = built.clients.revoke(options.name, OPERATOR, options.key)
        print(f"{count} keys revoked", file=sys.stderr)
    return 0


def _list(_options: argparse.Namespace) -> int:
    with service() as built:
        print(render.clients(built.clients.list()))
    return 0
