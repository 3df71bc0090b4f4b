"""``authz db``: the database's version, its way up and down, and a copy of it."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from authz_service.bootstrap import Upkeep, upkeep
from authz_service.cli.calling import Verbs, fail, settings
from authz_service.usecases.acts import OPERATOR


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    database = verbs.add_parser("db", help="the database: version, upgrade, back-up")
    parts = database.add_subparsers(required=True, metavar="VERB")
    parts.add_parser("version", help="show its version, and the one that is needed").set_defaults(
        run=_version
    )
    parts.add_parser("upgrade", help="bring it to the version that is needed").set_defaults(
        run=_upgrade
    )
    down = parts.add_parser("downgrade", help="bring it back to an earlier version")
    down.add_argument("to", metavar="VERSION", help="such as 0001")
    down.add_argument(
        "--yes", action="store_true", help="do it; without, only what would be lost is told"
    )
    down.set_defaults(run=_downgrade)
    backup = parts.add_parser("backup", help="copy an SQLite database while it is in use")
    backup.add_argument("file", metavar="FILE", type=Path, help="must not exist yet")
    backup.set_defaults(run=_backup)


def _upkeep() -> closing[Upkeep]:
    # Not the whole service: that one refuses a database of another version.
    return closing(upkeep(settings()))


def _version(_options: argparse.Namespace) -> int:
    with _upkeep() as built:
        there, needed = built.store.version()
        print(f"{there or 'empty'}, needed {needed}")
    return 0


def _upgrade(_options: argparse.Namespace) -> int:
    with _upkeep() as built:
        before, _needed = built.store.version()
        built.store.upgrade()
        print(f"from {before or 'empty'} to {built.store.version()[0]}", file=sys.stderr)
    return 0


def _downgrade(options: argparse.Namespace) -> int:
    with _upkeep() as built:
        if not options.yes:
            return fail(
                f"what version {options.to} does not know would be lost:",
                *(f"    {name}: {rows}" for name, rows in built.store.lost(options.to).items()),
                "nothing was done; `--yes` does it",
            )
        before, _needed = built.store.version()
        details = {"from": before, "to": options.to}
        told = partial(built.acts.did, "database.downgrade", OPERATOR, details)
        built.store.downgrade(options.to, told)
        print(f"from {before or 'empty'} to {built.store.version()[0] or 'empty'}", file=sys.stderr)
    return 0


def _backup(options: argparse.Namespace) -> int:
    with _upkeep() as built:
        # Where it went is the operator's matter, and no log's.
        told = partial(built.acts.did, "database.backup", OPERATOR, {})
        built.store.backup(options.file, told)
    print("copied; the decision log is a file of its own", file=sys.stderr)
    return 0
