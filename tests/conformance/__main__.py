"""
Prints how the service answers every vector: ours, and the conformance suite's if it is there.

    python -m tests.conformance

The exit code is 1 if any of them fails.
"""

# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.conformance import suite, vectors
from tests.conformance.asking import Fixture, Verdict

_WIDTHS = (6, 74, 34, 34)
_HEAD = ("row", "what is asked", "expected", "answered")


def main() -> int:
    """Ask everything, print a line for each vector and the totals, and give the exit code."""
    asked = [*vectors.every(), *suite.every()]
    failed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    _print(*_HEAD, "")
    with tempfile.TemporaryDirectory() as folder:
        fixture = Fixture(Path(folder))
        try:
            for vector in asked:
                verdict = fixture.check(vector)
                whose = "the suite's" if vector.row == "suite" else "our own"
                total[whose] += 1
                failed[whose] += verdict.wrong is not None
                _tell(verdict)
        finally:
            fixture.close()
    for whose, count in total.items():
        print(f"{whose} vectors: {count - failed[whose]} of {count} pass")
    if not suite.FILE.exists():
        print(f"the suite's vectors were not run: {suite.ABSENT}")
    return 1 if failed.total() else 0


def _tell(verdict: Verdict) -> None:
    vector = verdict.vector
    way = "" if vector.method == "POST" else f"{vector.method} "
    _print(
        vector.row,
        f"{way}{vector.path.rpartition('/')[2]}: {vector.name}",
        " or ".join(vector.answers),
        verdict.answered,
        "pass" if verdict.wrong is None else f"FAIL: {verdict.wrong}",
    )


def _print(*cells: str) -> None:
    shown = [_cut(cell, width).ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)]
    print("  ".join([*shown, *cells[len(_WIDTHS) :]]).rstrip())


def _cut(text: str, width: int) -> str:
    visible = ascii(text)[1:-1]
    return visible if len(visible) <= width else visible[: width - 3] + "..."


if __name__ == "__main__":
    sys.exit(main())
