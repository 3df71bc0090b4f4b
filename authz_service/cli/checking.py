"""``authz policy check``: everything that is wrong in a policy folder, for people or programs."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from authz_service.cli import progress
from authz_service.cli.calling import Verbs, settings
from authz_service.policy.judging.checking import Findings, check

CANNOT = 2
"""The exit code where there is nothing to check."""


def add_to(parts: Verbs) -> None:
    """Add the verb."""
    part = parts.add_parser(
        "check",
        help="compile, and report problems with file, line, column and remedy",
        description="Exit code 0: nothing is wrong. 1: something is. 2: there is no such folder.",
    )
    part.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)
    part.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="json: one document on stdout, with all problems",
    )
    part.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    folder = options.folder or settings().policies
    if not folder.is_dir():
        print(f"{folder}: there is no policy folder of this name", file=sys.stderr)
        return CANNOT
    with progress.judging() as judged:
        findings = check(folder, judged)
    if options.format == "json":
        print(json.dumps(asdict(findings), ensure_ascii=False, indent=2))
    else:
        _tell(findings)
    return 1 if findings.problems else 0


def _tell(findings: Findings) -> None:
    for problem in findings.problems:
        print(problem, file=sys.stderr)
    rules = "no" if findings.rules is None else findings.rules
    outcome = f"digest {findings.digest}"
    if findings.problems:
        count = len(findings.problems)
        outcome = f"{count} problem{'s' if count > 1 else ''}"
    print(f"{findings.files} files, {rules} rules, {outcome}")
