"""``authz audit export``: records as CSV for people, or as JSON Lines for programs."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from authz_service.cli import progress
from authz_service.domain.errors import InvalidInput
from authz_service.usecases.records import Line, Searched

_MODE = 0o600

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, or strips before it looks."""

Cell = str | int | None


def _question(name: str) -> Callable[[Line], Cell]:
    return lambda record: record["question"].get(name) if "question" in record else None


def _entity(name: str) -> Callable[[Line], Cell]:
    def cell(record: Line) -> Cell:
        entity = record.get("question", {}).get("entity")
        found: Cell = None if entity is None else entity[name]
        return found

    return cell


def _member(name: str) -> Callable[[Line], Cell]:
    return lambda record: record.get(name)


def _decision(record: Line) -> Cell:
    return {True: "allowed", False: "denied", None: None}[record.get("decision")]


def _company(record: Line) -> Cell:
    told: Mapping[str, Any] = record.get("question", record.get("details", {}))
    company = told.get("company")
    return company if isinstance(company, str) else None


_COLUMNS: Mapping[str, Callable[[Line], Cell]] = {
    "moment": _member("moment"),
    "kind": _member("kind"),
    "id": _member("id"),
    "caller": lambda record: str(record["caller"]["name"]),
    "address": lambda record: record["caller"]["address"],
    "action": lambda record: record.get("act") or record["question"]["action"],
    "decision": _decision,
    "reasons": lambda record: " ".join(record.get("reasons", ())),
    "company": _company,
    "process": _question("process"),
    "named": _question("named"),
    "version": _question("version"),
    "actor": _question("actor"),
    "actor_type": _question("actor_type"),
    "actor_evidence": _question("actor_evidence"),
    "recipient": _question("recipient"),
    "entity_type": _entity("type"),
    "entity_id": _entity("id"),
    "instance": _question("instance"),
    "sign_in": _question("sign_in"),
    "delegation": _member("delegation"),
    "policy_digest": _member("policy_digest"),
    "store_revision": _member("store_revision"),
    "latency_us": _member("latency_us"),
    "request_id": _member("request_id"),
    "details": lambda record: _compact(record["details"]) if "details" in record else None,
}
"""The columns of the CSV; what the rules saw is in the JSON Lines alone."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only this verb takes."""
    parser.add_argument("--format", choices=("csv", "jsonl"), required=True)
    parser.add_argument(
        "--output", metavar="FILE", type=Path, required=True, help="must not exist yet"
    )


def write(parts: Iterable[Searched], options: argparse.Namespace) -> int:
    """
    Write all records to the file that *options* name, which only its owner can read.

    Raises:
        InvalidInput: the file exists.
        AuthzError, OSError: it cannot be written to its end; then it is not there.
    """
    to: Path = options.output
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        raise InvalidInput("--output", "names a file that exists") from None
    put = _csv if options.format == "csv" else _json_lines
    records = (record for part in parts for record in part.page.items)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            written = put(file, progress.through(records, "records exported"))
    except BaseException:
        to.unlink()
        raise
    print(f"{written} records written to {to}", file=sys.stderr)
    return 0


def _csv(file: TextIO, records: Iterable[Line]) -> int:
    """Write a header and a row for each record, and give how many records there are."""
    written = 0
    rows = csv.writer(file)
    rows.writerow(_COLUMNS)
    for written, record in enumerate(records, 1):  # noqa: B007 - told at the end
        rows.writerow(_safe(cell(record)) for cell in _COLUMNS.values())
    return written


def _json_lines(file: TextIO, records: Iterable[Line]) -> int:
    """Write each record as it stands in the log, and give how many there are."""
    written = 0
    for written, record in enumerate(records, 1):  # noqa: B007 - told at the end
        file.write(_compact(record) + "\n")
    return written


def _safe(cell: Cell) -> Cell:
    """Keep a spreadsheet from calculating what a caller has sent."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
