"""What a service has written into its decision log, as the tests of the running service read it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any


def text(data: Path) -> str:
    """Give all that stands in the log of the data folder *data*, headers of segments included."""
    found = sorted((data / "log").glob("*/*/*.jsonl*"))
    # A segment may end in half a line, which the next one does not go on with.
    return "\n".join(_read(one) for one in found if one.suffix in {".jsonl", ".gz"})


def records(data: Path) -> list[dict[str, Any]]:
    """Give the records of the log, in the order of their moments, without what chains them."""
    lines = [json.loads(line) for line in text(data).splitlines() if line.endswith('"}')]
    found = [one for one in lines if one["kind"] != "segment"]
    for one in found:
        del one["hash"]
    # Sorting keeps the order of each chain where moments are equal.
    return sorted(found, key=lambda one: str(one["moment"]))


def acts(data: Path) -> list[dict[str, Any]]:
    """Give the acts among them."""
    return [one for one in records(data) if one["kind"] == "act"]


def decisions(data: Path) -> list[dict[str, Any]]:
    """Give the decisions among them."""
    return [one for one in records(data) if one["kind"] == "decision"]


def _read(file: Path) -> str:
    content = file.read_bytes()
    return (gzip.decompress(content) if file.suffix == ".gz" else content).decode("utf-8")
