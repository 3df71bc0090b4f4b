"""``authz company``: foreign companies without legal representation (Estrangeiro)."""

from __future__ import annotations

import argparse
import sys

from authz_service import render
from authz_service.cli.calling import Verbs, read_text, service
from authz_service.domain.companies import Origin, Validation
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import ForeignId, Login
from authz_service.usecases.acts import OPERATOR

_PAGE = 200


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    company = verbs.add_parser(
        "company", help="foreign companies without legal representation (Estrangeiro)"
    )
    parts = company.add_subparsers(required=True, metavar="VERB")
    registering = parts.add_parser("register", help="register one and print its number")
    registering.add_argument("name", metavar="NAME")
    registering.add_argument("country", metavar="COUNTRY", help="two letters of ISO 3166, as DE")
    _add_representatives(registering)
    registering.set_defaults(run=_register)
    changing = parts.add_parser(
        "change", help="change what is registered; new data make it pending"
    )
    changing.add_argument("number", metavar="NUMBER", help="such as EX-0000123-0")
    changing.add_argument("--name")
    changing.add_argument("--country")
    _add_representatives(changing)
    changing.set_defaults(run=_change)
    for name, run, text in (
        ("validate", _validate, "say that it was looked at and found right"),
        ("withdraw", _withdraw, "let it count no more"),
        ("show", _show, "show what is registered"),
    ):
        part = parts.add_parser(name, help=text)
        part.add_argument("number", metavar="NUMBER", help="such as EX-0000123-0")
        part.set_defaults(run=run)
    listing = parts.add_parser("list", help="show all foreign companies")
    listing.add_argument("--validation", choices=list(Validation), type=Validation)
    listing.set_defaults(run=_list)


def _add_representatives(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--representative",
        action="append",
        metavar="LOGIN",
        help="a login of Orquestra that acts for it, or - to read them from standard input, one a"
        " line; may be given several times",
    )


def _logins(options: argparse.Namespace) -> tuple[Login, ...] | None:
    given = options.representative
    if given is None:
        return None
    texts = [text for one in given for text in (_read() if one == "-" else [one])]
    return tuple(Login.parse(one, "representative") for one in texts)


def _read() -> list[str]:
    """Give the lines of standard input; none is a slip, and would take away all who are there."""
    lines = [line.strip() for line in read_text("-").splitlines()]
    found = [line for line in lines if line]
    if not found:
        raise InvalidInput("representative", "is - and standard input holds no login")
    return found


def _register(options: argparse.Namespace) -> int:
    with service() as built:
        made = built.foreign_desk.register(
            options.name, options.country, _logins(options) or (), OPERATOR
        )
        print(made.id.formatted)
        print("registered; it may do nothing until it is validated", file=sys.stderr)
    return 0


def _change(options: argparse.Namespace) -> int:
    with service() as built:
        changed = built.foreign_desk.change(
            ForeignId.parse(options.number, "number"),
            OPERATOR,
            name=options.name,
            country=options.country,
            representatives=_logins(options),
        )
        print(render.company(changed))
    return 0


def _validate(options: argparse.Namespace) -> int:
    with service() as built:
        number = ForeignId.parse(options.number, "number")
        print(render.company(built.foreign_desk.validate(number, OPERATOR)))
    return 0


def _withdraw(options: argparse.Namespace) -> int:
    with service() as built:
        number = ForeignId.parse(options.number, "number")
        print(render.company(built.foreign_desk.withdraw(number, OPERATOR)))
    return 0


def _show(options: argparse.Namespace) -> int:
    with service() as built:
        number = ForeignId.parse(options.number, "number")
        known = built.lookup.company(number, OPERATOR, clear=True)
        if known.foreign is not None:
            print(render.company(known.foreign, representatives=True))
    return 0


def _list(options: argparse.Namespace) -> int:
    with service() as built:
        after = None
        while True:
            page = built.lookup.companies(Origin.FOREIGN, options.validation, after, _PAGE)
            for one in page.items:
                if one.foreign is not None:
                    print(render.company(one.foreign))
            after = page.next
            if after is None:
                return 0
