"""``authz import``: take over what SGCI has today, from CSV."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from authz_service import render
from authz_service.cli.calling import Verbs, service
from authz_service.usecases.acts import OPERATOR
from authz_service.usecases.importing import KINDS

_SOME_LEFT_OUT = 3


def add_to(verbs: Verbs) -> None:
    """Add the verb."""
    importing = verbs.add_parser(
        "import", help="take over members, standing and delegations of SGCI from CSV"
    )
    for kind in KINDS:
        importing.add_argument(f"--{kind}", metavar="FILE", type=Path)
    importing.add_argument(
        "--dry-run", action="store_true", help="tell what would become of the rows; write nothing"
    )
    importing.set_defaults(run=_import, importing=importing)


def _import(options: argparse.Namespace) -> int:
    paths = {kind: getattr(options, kind) for kind in KINDS if getattr(options, kind) is not None}
    if not paths:
        options.importing.error(f"needs one of: {', '.join(f'--{kind}' for kind in KINDS)}")
    files = {kind: path.read_bytes() for kind, path in paths.items()}
    with service() as built, ExitStack() as bars:
        done = built.importer.import_files(files, OPERATOR, _bar(bars), dry_run=options.dry_run)
    for row in done.rejected:
        print(f"{paths[row.sheet]}:{row.line}: {row.message}")
    print(render.imported(done, dry_run=options.dry_run), file=sys.stderr)
    return _SOME_LEFT_OUT if done.rejected else 0


def _bar(bars: ExitStack) -> Callable[[str, int, int], None]:
    """Give what shows progress on the terminal: one bar for each thing that is done."""
    shown: dict[str, tqdm[NoReturn]] = {}

    def progress(doing: str, done: int, total: int) -> None:
        if doing not in shown:
            bar = tqdm(desc=doing, total=total, unit=" rows", file=sys.stderr, disable=None)
            shown[doing] = bars.enter_context(bar)
        shown[doing].update(done - shown[doing].n)

    return progress
