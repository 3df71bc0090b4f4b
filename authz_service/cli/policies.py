"""``authz policy``: the policy files."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from authz_service.cli import checking, exploring, policy_status, showing, testing
from authz_service.cli.calling import Verbs
from authz_service.settings import SHIPPED_POLICIES


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    policy = verbs.add_parser("policy", help="the policy files")
    parts = policy.add_subparsers(required=True, metavar="VERB")
    for part in (checking, testing, showing, exploring, policy_status):
        part.add_to(parts)
    copying = parts.add_parser("copy", help="copy the policies that came with the service, to edit")
    copying.add_argument("folder", metavar="FOLDER", type=Path, help="must not exist yet")
    copying.set_defaults(run=_copy)


def _copy(options: argparse.Namespace) -> int:
    shutil.copytree(SHIPPED_POLICIES, options.folder)
    print("copied; AUTHZ_POLICIES names the folder of the policies", file=sys.stderr)
    return 0
