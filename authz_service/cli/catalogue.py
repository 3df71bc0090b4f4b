"""``authz catalogue``: the processes that may be requested."""

from __future__ import annotations

import argparse
import sys

from authz_service.cli.calling import Verbs, read_text, service
from authz_service.usecases.acts import OPERATOR


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    catalogue = verbs.add_parser("catalogue", help="the processes that may be requested")
    parts = catalogue.add_subparsers(required=True, metavar="VERB")
    importing = parts.add_parser("import", help="add and change processes from CSV or JSON")
    importing.add_argument("file", metavar="FILE", help="a file, or - for standard input")
    importing.set_defaults(run=_import)
    parts.add_parser("list", help="show all").set_defaults(run=_list)


def _import(options: argparse.Namespace) -> int:
    text = read_text(options.file)
    with service() as built:
        done = built.cataloguer.import_text(text, OPERATOR)
        for process in done.added:
            print(f"added    {process.id}  {process.label}")
        for process in done.changed:
            print(f"changed  {process.id}  {process.label}")
        print(
            f"{len(done.added)} added, {len(done.changed)} changed, {done.unchanged} unchanged",
            file=sys.stderr,
        )
    return 0


def _list(_options: argparse.Namespace) -> int:
    with service() as built:
        for process in built.store.catalogue.processes():
            print(f"{process.id}\t{process.label}\t{process.state}")
    return 0
