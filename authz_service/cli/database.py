"""``authz db``: the database's version, its way up and down, and a copy of it."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

from authz_service.cli.calling import Verbs, settings
from authz_service.store import SqlStore


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
    down.set_defaults(run=_downgrade)
    backup = parts.add_parser("backup", help="copy an SQLite database while it is in use")
    backup.add_argument("file", metavar="FILE", type=Path, help="must not exist yet")
    backup.set_defaults(run=_backup)


def _store() -> closing[SqlStore]:
    # Not the whole service: that one refuses a database of another version.
    return closing(SqlStore(settings().database_url))


def _version(_options: argparse.Namespace) -> int:
    with _store() as store:
        there, needed = store.version()
        print(f"{there or 'empty'}, needed {needed}")
    return 0


def _upgrade(_options: argparse.Namespace) -> int:
    with _store() as store:
        before, _needed = store.version()
        store.upgrade()
        print(f"from {before or 'empty'} to {store.version()[0]}", file=sys.stderr)
    return 0


def _downgrade(options: argparse.Namespace) -> int:
    with _store() as store:
        before, _needed = store.version()
        store.downgrade(options.to)
        print(f"from {before or 'empty'} to {store.version()[0] or 'empty'}", file=sys.stderr)
    return 0


def _backup(options: argparse.Namespace) -> int:
    with _store() as store:
        store.backup(options.file)
    print("copied; the decision log is a file of its own", file=sys.stderr)
    return 0
