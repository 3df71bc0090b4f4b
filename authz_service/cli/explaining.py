"""``authz explain``: one decision with its grounds, and what would turn it."""

from __future__ import annotations

import argparse
from contextlib import closing

from authz_service import render
from authz_service.bootstrap import upkeep
from authz_service.cli.calling import Verbs, fail, read_text, service, settings
from authz_service.domain.decision import Impossible
from authz_service.domain.errors import PolicyUnavailable
from authz_service.web.authzen import read_question


def add_to(verbs: Verbs) -> None:
    """Add the verb."""
    explain = verbs.add_parser(
        "explain", help="show one decision with its reasons and facts, and what would turn it"
    )
    explain.add_argument(
        "file", metavar="FILE", help="an AuthZEN evaluation request as JSON, or - for stdin"
    )
    explain.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> int:
    question = read_question(read_text(options.file).encode())
    if isinstance(question, Impossible):
        return _impossible(question)
    if not _known():
        return fail(
            "there is no database, so nothing is known to explain by; AUTHZ_DATA_DIR, "
            f"now {settings().data_dir}, has to name the data folder of the service"
        )
    with service() as built:
        built.load_policy()
        try:
            found = built.explainer.explain(question)
        except PolicyUnavailable:
            return fail(*map(str, built.policy.problems))
        if isinstance(found, Impossible):
            return _impossible(found)
        print(render.explanation(found))
    return 0


def _known() -> bool:
    """Tell whether there is a database: who only looks makes none, and learns nothing of it."""
    with closing(upkeep(settings())) as there:
        return there.store.version()[0] is not None


def _impossible(question: Impossible) -> int:
    return fail(f"denied before any rule is asked: {question.reason}")
