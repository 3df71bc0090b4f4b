"""How long everybody takes to the first answer, and what is resident in memory then."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.plane.effort import Effort
from tests.bench.plane.servers import Contestant
from tests.bench.plane.throughput import Course, Row, serving
from tests.bench.rounds import progress


def measure(effort: Effort, everybody: Sequence[Contestant], asked: Course) -> list[Row]:
    """Start everybody in turn, answer one question, and stop."""
    rows: list[Row] = [{"contestant": one.name, "seconds": [], "memory": []} for one in everybody]
    for number in range(2 * effort.rounds + 1):
        for row, one in zip(rows, everybody, strict=True):
            progress(f"starting, round {number + 1}: {one.name}")
            with serving(one, asked) as running:
                row["seconds"].append(running.started)
                row["memory"].append(running.memory())
    return rows
