"""``authz settings``: every setting with its default and its meaning."""

from __future__ import annotations

import argparse

from authz_service.cli.calling import Verbs
from authz_service.settings import example, table


def add_to(verbs: Verbs) -> None:
    """Add the verb."""
    showing = verbs.add_parser("settings", help="show all settings")
    showing.add_argument(
        "--env", action="store_true", help="as an environment file with every default"
    )
    showing.set_defaults(run=_settings)


def _settings(options: argparse.Namespace) -> int:
    print(example() if options.env else table())
    return 0
