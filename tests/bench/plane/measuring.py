"""``python -m tests.bench http``: who is there, what is measured, and where it is written."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.bench.plane import arrivals, plots, report, scale, stages, starting, throughput, wrk
from tests.bench.plane.cerbos import VERSION, CerbosMissing, binary
from tests.bench.plane.effort import BASE, FULL, SHORT, Effort
from tests.bench.plane.seeding import CACHE, Load, stores
from tests.bench.plane.servers import ROOT, Contestant, contestants
from tests.bench.plane.throughput import Course, serving
from tests.bench.rounds import progress, said
from tests.postgres import Postgres

PARTS = ("throughput", "stages", "scale", "starting")
_NAME = "http.json"


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add what can be chosen."""
    parser.add_argument(
        "--short", action="store_true", help="a few minutes, to see it work; writes no document"
    )
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="measure this part; may be repeated"
    )


def measure(*, short: bool, only: Sequence[str] | None) -> None:
    """
    Measure, and write results, pictures and tables; what is not measured stays as it was.

    A short run writes into the cache: its figures are for nobody.
    """
    effort = SHORT if short else FULL
    folder = CACHE / "short" if short else ROOT / "docs" / "performance"
    document = folder / "performance.md" if short else folder.with_suffix(".md")
    folder.mkdir(parents=True, exist_ok=True)
    if short:
        document.write_text(f"{report.BEGIN}\n{report.END}\n")
    left_out: list[str] = []
    # Else who is measured would go on for ever after the benchmark was ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with _postgres(left_out) as server:
        found = _measured(effort, stores(server), only or PARTS, left_out)
    file = folder / _NAME
    earlier = json.loads(file.read_text()) if file.exists() else {}
    results = {
        **earlier,
        "when": f"{datetime.now(UTC):%d %B %Y}",
        "machine": _machine(),
        "effort": asdict(effort),
        "left_out": left_out,
        **found,
    }
    file.write_text(json.dumps(results, indent=1) + "\n")
    pictures = plots.draw(results, folder)
    prefix = "" if short else f"{folder.name}/"
    report.write(results, document, {part: f"{prefix}{name}" for part, name in pictures.items()})
    said(f"written: {file}, {document}")


def _measured(
    effort: Effort, kinds: Mapping[str, Load], parts: Sequence[str], left_out: list[str]
) -> dict[str, Any]:
    asked = throughput.course(effort, {kind: load(BASE) for kind, load in kinds.items()})
    everybody = _ready(asked, left_out)
    found: dict[str, Any] = {}
    if "throughput" in parts:
        found |= throughput.measure(effort, everybody, asked)
    if "stages" in parts:
        found["stages"] = stages.measure(effort, asked)
    if "scale" in parts:
        found["scale"] = scale.measure(effort, kinds, everybody)
    if "starting" in parts:
        found["starting"] = starting.measure(effort, everybody, asked)
    return found


def _ready(asked: Course, left_out: list[str]) -> list[Contestant]:
    """
    Give those that are there and decide every single question as it has to be.

    Raises:
        RunInvalid: somebody decides otherwise.
        RuntimeError: somebody does not come to answer.
    """
    if not wrk.installed():
        _leave_out(left_out, "wrk is not installed; its load is made by the benchmark itself")
    found = []
    for one in contestants():
        if one.database and one.database not in asked.seeds:
            continue
        progress(f"the same decisions: {one.name}")
        if one.speaks == "cerbos":
            try:
                binary()
            except CerbosMissing as error:
                _leave_out(left_out, f"{one.name}: {error}")
                continue
        with serving(one, asked) as running:
            if not running.has_loaded(one.library):
                _leave_out(left_out, f"{one.name}: it was not that server that answered")
                continue
            for mix in asked.mixes:
                requests = asked.requests(one, mix, running.port)
                arrivals.once(running.port, requests, None if one.constant else mix.granted, 8)
        found.append(one)
    return found


def _leave_out(left_out: list[str], what: str) -> None:
    left_out.append(what)
    said(f"left out: {what}")


@contextmanager
def _postgres(left_out: list[str]) -> Iterator[Postgres | None]:
    """Give a server of PostgreSQL, None where there are no binaries of it."""
    try:
        postgres.binaries()
    except pytest.skip.Exception as error:
        _leave_out(left_out, str(error))
        yield None
        return
    with postgres.running() as server:
        yield server


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("granian", "waitress"))
    return (
        f"{os.cpu_count()} cores ({_processor()}), CPython {platform.python_version()}, "
        f"{packages}, Cerbos {VERSION}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
