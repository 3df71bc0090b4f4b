"""``authz policy`` and ``authz explain``: the policy files, and one decision with its grounds."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from authz_service import render
from authz_service.cli.calling import Verbs, fail, read_text, service, settings
from authz_service.domain.decision import Impossible
from authz_service.domain.errors import PolicyInvalid, PolicyUnavailable
from authz_service.policy import sandbox, suite
from authz_service.policy.bundle import build, collect, strays
from authz_service.settings import SHIPPED_POLICIES
from authz_service.web.authzen import read_question


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    policy = verbs.add_parser("policy", help="the policy files")
    parts = policy.add_subparsers(required=True, metavar="VERB")
    for name, run, text in (
        ("check", _check, "compile, and report problems with file, line and column"),
        ("test", _test, "run the tests that stand beside the policies"),
    ):
        part = parts.add_parser(name, help=text)
        part.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)
        part.set_defaults(run=run)
    copying = parts.add_parser("copy", help="copy the policies that came with the service, to edit")
    copying.add_argument("folder", metavar="FOLDER", type=Path, help="must not exist yet")
    copying.set_defaults(run=_copy)
    explain = verbs.add_parser("explain", help="show one decision with its reasons and facts")
    explain.add_argument(
        "file", metavar="FILE", help="an AuthZEN evaluation request as JSON, or - for stdin"
    )
    explain.set_defaults(run=_explain)


def _check(options: argparse.Namespace) -> int:
    folder = _folder(options)
    sources = collect(folder)
    sandbox.check(sources)
    policy = build(sources)
    problems = sorted([*policy.flaws, *strays(folder)])
    if problems:
        raise PolicyInvalid(problems)
    print(f"{len(sources) - 1} files, {len(policy.rules)} rules, digest {policy.digest}")
    return 0


def _test(options: argparse.Namespace) -> int:
    folder = _folder(options)
    sources = collect(folder)
    sandbox.check(sources)
    if misnamed := strays(folder):
        raise PolicyInvalid(misnamed)
    report = suite.run(build(sources), folder)
    for difference in report.differences:
        print(difference, file=sys.stderr)
    failed = len(report.differences)
    print(f"{report.files} files, {report.asked} questions, {failed} answered otherwise")
    if not report.asked:
        return fail("there is nothing to ask: no *_test.toml beside the policies")
    return 1 if failed else 0


def _copy(options: argparse.Namespace) -> int:
    shutil.copytree(SHIPPED_POLICIES, options.folder)
    print("copied; AUTHZ_POLICIES names the folder of the policies", file=sys.stderr)
    return 0


def _explain(options: argparse.Namespace) -> int:
    question = read_question(read_text(options.file).encode())
    if isinstance(question, Impossible):
        return _impossible(question)
    with service() as built:
        built.load_policy()
        try:
            found = built.explainer.explain(question)
        except PolicyUnavailable:
            return fail(*map(str, built.policy.problems))
        if isinstance(found, Impossible):
            return _impossible(found)
        print(render.explanation(found.question, found, built.policy.current()))
    return 0


def _impossible(question: Impossible) -> int:
    return fail(f"denied before any rule is asked: {question.reason}")


def _folder(options: argparse.Namespace) -> Path:
    given: Path | None = options.folder
    return given or settings().policies
