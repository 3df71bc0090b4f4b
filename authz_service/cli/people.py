"""``authz person``: what is kept of a person, shown or forgotten (LGPD)."""

from __future__ import annotations

import argparse
import json
import sys

from authz_service.cli.calling import OPERATOR, Verbs, secret, service
from authz_service.domain.identifiers import Cpf, Login


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
            "person", metavar="CPF", help="the person, or - to read it from standard input"
        )
        part.add_argument(
            "--login",
            action="store_true",
            help="it is a login of a foreign company's representative and no CPF",
        )
        part.set_defaults(run=_person)


def _person(options: argparse.Namespace) -> int:
    text = secret(options.person)
    person = Login.parse(text) if options.login else Cpf.parse(text)
    with service() as built:
        if options.verb == "export":
            found = built.privacy.export(person, OPERATOR)
            print(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            built.privacy.erase(person, OPERATOR)
            print("erased; the log keeps its lines, without a name for the person", file=sys.stderr)
    return 0
