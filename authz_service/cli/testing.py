"""``authz policy test``: whether the policies answer as expected, and what their tests reach."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

from authz_service.cli import judged, progress
from authz_service.cli.calling import Verbs, fail, settings
from authz_service.domain.errors import PolicyInvalid
from authz_service.policy.bundle import collect_suites, strays
from authz_service.policy.suites import suite
from authz_service.policy.suites.coverage import Coverage, Reached, Share
from authz_service.policy.suites.differing import explained, lines_of
from authz_service.policy.suites.suite import Difference, Report


def add_to(parts: Verbs) -> None:
    """Add the verb."""
    part = parts.add_parser(
        "test",
        help="run the tests that stand beside the policies, and tell what they reach",
        description="Exit code 0: every answer is the expected one. 1: one is not, the policies "
        "or tests cannot be used, or too little is covered.",
    )
    part.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)
    part.add_argument(
        "--fail-under",
        metavar="PERCENT",
        type=percent,
        default=0,
        help="how much of the rules, and of the conditions, has to be covered; 0 unless given",
    )
    part.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="json: one document on stdout, with all differences and all that is not covered",
    )
    part.set_defaults(run=_test)


def percent(text: str) -> float:
    """Read a percentage, for argparse."""
    given = float(text)
    if not 0 <= given <= 100:
        raise argparse.ArgumentTypeError("must be from 0 to 100")
    return given


def _test(options: argparse.Namespace) -> int:
    folder = options.folder or settings().policies
    policy = judged.usable(folder)
    if misnamed := strays(folder):
        raise PolicyInvalid(misnamed)
    suites = collect_suites(folder)
    reached = Reached(judged.explored(policy))
    report = suite.run(policy, progress.through(suites, "files run"), reached.note)
    if not report.asked:
        return fail("there is nothing to ask: no *_test.toml beside the policies")
    coverage = reached.coverage()
    if options.format == "json":
        print(json.dumps(_document(report, reached, coverage), ensure_ascii=False, indent=2))
    else:
        _tell(report, reached, coverage)
    least = min(coverage.rules.percent, coverage.conditions.percent)
    if least < options.fail_under:
        return fail(f"less is covered than the {options.fail_under:g} % of --fail-under")
    return 1 if report.differences else 0


def _tell(report: Report, reached: Reached, coverage: Coverage) -> None:
    for line in lines_of(report.differences, reached):
        print(line, file=sys.stderr)
    gaps = sorted({*coverage.rules.gaps, *coverage.conditions.gaps})
    # First things first: while answers differ, they are what there is to do.
    if gaps and not report.differences:
        print("what no question of the tests reaches:", file=sys.stderr)
        for gap in gaps:
            print(f"    {gap}", file=sys.stderr)
    failed = len(report.differences)
    print(f"{report.files} files, {report.asked} questions, {failed} answered otherwise")
    print(f"covered: {_share(coverage.rules)} rules, {_share(coverage.conditions)} conditions")


def _share(share: Share) -> str:
    # What is short of all is never told as 100.
    return f"{math.floor(share.percent)} % of {share.of}"


def _document(report: Report, reached: Reached, coverage: Coverage) -> dict[str, object]:
    return {
        "files": report.files,
        "asked": report.asked,
        "differences": [_difference(one, reached) for one in report.differences],
        "coverage": {
            "rules": {**asdict(coverage.rules), "percent": coverage.rules.percent},
            "conditions": {**asdict(coverage.conditions), "percent": coverage.conditions.percent},
        },
    }


def _difference(one: Difference, reached: Reached) -> dict[str, object]:
    found = explained(one, reached)
    return {
        "file": one.file,
        "line": one.expected.line,
        "case": one.expected.case,
        "asked": one.expected.asked,
        "expected": {"allowed": one.expected.allowed, "reasons": one.expected.reasons},
        "actual": {"allowed": one.actual.allowed, "reasons": one.actual.reasons},
        "grounds": [asdict(ground) for ground in found.grounds],
        "unheard": found.unheard,
    }
