"""``authz audit verify`` and ``heads``: whether the decision log is what was written, and proof."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from authz_service.cli import progress
from authz_service.cli.calling import Verbs, fail, settings
from authz_service.journal import heads, keys
from authz_service.journal.keeping import Keeper
from authz_service.journal.keys import PublicKey
from authz_service.journal.verifying import Report, Retention, verify
from authz_service.journal.walking import Walked


def add_to(group: Verbs) -> None:
    """Add the verbs to ``authz audit``."""
    verifying = group.add_parser(
        "verify",
        help="verify that nothing in the decision log was changed, removed or put in",
        description="Exit code 0: the log holds what was written, as far as heads tell. 1: it "
        "does not, and stderr names the first thing that is wrong in each chain.",
    )
    verifying.add_argument(
        "--heads", metavar="FILE", type=Path, help="a copy of the heads that was kept elsewhere"
    )
    verifying.add_argument(
        "--key",
        metavar="PUBLIC",
        type=Path,
        help="the public key, kept elsewhere; without, the one beside the log",
    )
    verifying.set_defaults(run=_verify)
    exporting = group.add_parser(
        "heads", help="sign how far the decision log has come, and write a copy to keep elsewhere"
    )
    exporting.add_argument("--output", metavar="FILE", type=Path, required=True)
    exporting.add_argument(
        "--public-key", metavar="FILE", type=Path, help="write the public key there as well"
    )
    exporting.set_defaults(run=_heads)


def _verify(options: argparse.Namespace) -> int:
    said = settings()
    log = said.log_folder
    beside = log / keys.PUBLIC
    key = options.key or (beside if beside.exists() else None)
    report = verify(
        log,
        None if key is None else PublicKey.read(key),
        options.heads,
        lambda segments: progress.through(segments, "segments verified"),
        Retention({"decision": said.log.keep_decisions_days, "act": said.log.keep_acts_days}),
    )
    print("\n".join(_lines(report, log)))
    if report.findings:
        return fail(*map(str, report.findings))
    return 0


def _lines(report: Report, log: Path) -> Iterator[str]:
    for one in report.signed:
        yield f"{one.name}: number {one.heads.sequence}, signed {one.heads.moment}"
    for walked in report.walked:
        found = f"{walked.chain}: segments {walked.segments}, records {walked.records}"
        yield "; ".join([found, *_coverage(report, walked)])
    yield from (f"note: {note}" for note in report.notes)
    if report.signed and report.signed[-1].name == heads.FILE:
        yield "note: without --heads, whoever holds the log's key may have written all anew"
    old = log.parent / "decisions.jsonl"
    if old.exists():
        yield f"note: {old.name} is of before chains: nothing shows whether it was changed"
    if not report.walked:
        yield "there is no decision log yet"
    elif not report.findings:
        yield "nothing was changed" if report.signed else "each chain is whole in itself"


def _coverage(report: Report, walked: Walked) -> Iterator[str]:
    """Say how much of a chain each file of heads covers."""
    if walked.finding is not None:
        yield "then wrong"
        return
    for one in report.signed:
        covered = walked.covered.get(one.name, 0)
        rest = walked.records - covered
        yield f"{one.name} covers " + (f"all but the last {rest}" if rest else "all of them")


def _heads(options: argparse.Namespace) -> int:
    log = settings().log_folder
    key = keys.own(log)
    kept = Keeper(log, key, {}, time.time).sign()
    if kept.heads is not None:
        keys.put(options.output, kept.heads, 0o644)
        if options.public_key is not None:
            keys.put(options.public_key, key.public.pem, 0o644)
        print(f"{options.output}: keep it where nobody who can write the log can", file=sys.stderr)
    return fail(*(f"the decision log: {flaw}" for flaw in kept.flaws)) if kept.flaws else 0
