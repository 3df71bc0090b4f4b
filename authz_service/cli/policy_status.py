"""``authz policy status``: which policy every worker decides by, and whether it is the folder's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from authz_service.cli.calling import Verbs, fail, settings
from authz_service.domain.errors import Problem
from authz_service.domain.policies import WorkerPolicy
from authz_service.policy.live.content import look_into
from authz_service.policy.live.statuses import StatusBoard

_HEAD = ("WORKER", "PID", "DIGEST", "SINCE", "FROM", "LAST ATTEMPT", "OUTCOME", "QUESTIONS")
_SHOWN = 12


def add_to(parts: Verbs) -> None:
    """Add the verb to those of ``authz policy``."""
    part = parts.add_parser("status", help="show which policy every worker decides by")
    part.set_defaults(run=_status)


def _status(_options: argparse.Namespace) -> int:
    known = settings()
    workers = StatusBoard(known.policy_status).others()
    if not workers:
        return fail(f"no service runs on the data folder {known.data_dir}")
    print(_table([_HEAD, *map(_row, workers)]))
    return _verdict(known.policies, workers)


def _verdict(folder: Path, workers: Sequence[WorkerPolicy]) -> int:
    """Say whether all of *workers* decide by what *folder* holds at this moment."""
    held = look_into(folder)
    if held.problems:
        return fail(f"the folder {folder} cannot be read:", *map(str, held.problems))
    if held.passed_over:
        print(f"not read, for their names: {', '.join(held.passed_over)}")
    behind: list[str] = []
    kept_from: dict[tuple[Problem, ...], list[str]] = {}
    for one in workers:
        attempt = one.status.attempt
        if attempt is None or attempt.content != held.digest:
            behind.append(one.place)
        elif not one.status.current:
            kept_from.setdefault(attempt.problems, []).append(one.place)
    lines: list[str] = []
    if behind:
        lines.append(f"{_named(behind, 'has', 'have')} not tried what the folder holds now")
    for problems, places in kept_from.items():
        lines.append(f"{_named(places, 'does', 'do')} not decide by the folder, since:")
        lines += [f"    {problem}" for problem in problems]
    if lines:
        return fail(*lines)
    print("what the folder holds is in force")
    return 0


def _named(places: Sequence[str], one: str, several: str) -> str:
    if len(places) == 1:
        return f"worker {places[0]} {one}"
    return f"workers {', '.join(places)} {several}"


def _row(worker: WorkerPolicy) -> tuple[str, ...]:
    status, attempt = worker.status, worker.status.attempt
    return (
        worker.place,
        str(worker.pid),
        "none" if status.digest is None else status.digest[:_SHOWN],
        _moment(status.since),
        "-" if status.origin is None else status.origin.value,
        _moment(None if attempt is None else attempt.moment),
        "-" if attempt is None else attempt.outcome.value,
        "-" if attempt is None or attempt.questions is None else str(attempt.questions),
    )


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else moment.isoformat(timespec="seconds")


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in padded)
