"""``authz policy show``: the policy as decision tables that need no programmer to be read."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from authz_service.cli import judged
from authz_service.cli.calling import Verbs, settings
from authz_service.domain.errors import PolicyInvalid
from authz_service.policy.bundle import collect, digest_of, examined, policy_of
from authz_service.policy.showing.decision_tables import tables_of
from authz_service.policy.showing.table_words import Words
from authz_service.policy.showing.tables_html import html
from authz_service.policy.showing.tables_markdown import markdown


def add_to(parts: Verbs) -> None:
    """Add the verb to those of ``authz policy``."""
    part = parts.add_parser(
        "show",
        help="show the rules as decision tables",
        description="Made of what the rules answer, so a table says what they do. What `authz "
        "policy check` finds wrong is told on stderr; the tables show what comes of it.",
    )
    part.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)
    part.add_argument("--format", choices=("markdown", "html"), default="markdown")
    part.add_argument(
        "--language", choices=("pt", "en"), default="pt", help="Portuguese unless told otherwise"
    )
    part.add_argument(
        "--output", metavar="FILE", type=Path, help="where to write; otherwise to stdout"
    )
    part.set_defaults(run=_show)


def _show(options: argparse.Namespace) -> int:
    page = _page(options.folder or settings().policies, options.language, options.format)
    if options.output is None:
        print(page, end="")
    else:
        options.output.write_text(page, encoding="utf-8")
    return 0


def _page(folder: Path, language: str, form: str) -> str:
    sources = collect(folder)
    verdict = judged.verdict_on(sources)
    if verdict.rules is None:
        # What a child process did not survive is not tried here.
        raise PolicyInvalid(verdict.problems)
    found = examined(sources)
    policy = policy_of(found, digest_of(sources))
    for problem in verdict.problems:
        print(problem, file=sys.stderr)
    tables = tables_of(judged.explored(policy).rules, tuple(found.reasons))
    words = Words(language, policy)
    if form == "html":
        return html(tables, words, policy.digest, datetime.now(UTC))
    return markdown(tables, words, policy.digest)
