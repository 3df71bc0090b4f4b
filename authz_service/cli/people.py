"""``authz person``: what is kept of a person, shown or forgotten (LGPD)."""

from __future__ import annotations

import argparse
import json
import sys

from authz_service.cli.calling import Verbs, secret, service
from authz_service.domain.decision import Subject
from authz_service.domain.entities import EntityName
from authz_service.domain.identifiers import Cpf, Login
from authz_service.usecases.acts import OPERATOR


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    person = verbs.add_parser("person", help="what is kept of a person (LGPD)")
    parts = person.add_subparsers(required=True, metavar="VERB", dest="verb")
    for name, text in (
        ("export", "show all that is kept, as JSON"),
        ("erase", "forget the person, and the pairing with the name in the decision log"),
    ):
        part = parts.add_parser(name, help=text)
        part.add_argument(
            "person", metavar="ID", help="the person's CPF, or - to read it from standard input"
        )
        kind = part.add_mutually_exclusive_group()
        kind.add_argument(
            "--login",
            action="store_true",
            help="it is a login of a foreign company's representative and no CPF",
        )
        kind.add_argument(
            "--type", metavar="TYPE", help="it is the id of another's entity of this type"
        )
        part.set_defaults(run=_person)


def _person(options: argparse.Namespace) -> int:
    person = _named(secret(options.person), options)
    with service() as built:
        if options.verb == "export":
            found = built.privacy.export(person, OPERATOR)
            print(json.dumps(found, ensure_ascii=False, indent=2))
            if not any(found.values()):
                print("nothing is kept", file=sys.stderr)
        elif built.privacy.erase(person, OPERATOR):
            print("erased; the log keeps its lines, without a name for the person", file=sys.stderr)
        else:
            print("nothing was kept, so nothing was erased", file=sys.stderr)
    return 0


def _named(text: str, options: argparse.Namespace) -> Subject:
    if options.type is not None:
        # Of a type that the file of entities has no more, names are kept all the same.
        return EntityName(options.type, text)
    return Login.parse(text) if options.login else Cpf.parse(text)
