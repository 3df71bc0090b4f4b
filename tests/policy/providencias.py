"""
The page about what would turn a denial, for Orquestra's designers: ``docs/providencias.md``.

What stands between ``<!-- NAME -->`` and ``<!-- fim -->`` is made of the moves; ``python -m
tests.policy.providencias`` writes the page anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from authz_service.policy.nearness.changes import MOVES
from authz_service.policy.nearness.moves import STEP_UP, Move

PAGE = Path(__file__).parents[2] / "docs" / "providencias.md"
"""The page."""

_MADE = re.compile(r"^<!-- (\w+) -->\n.*?^<!-- fim -->$", re.MULTILINE | re.DOTALL)


def _table(moves: Iterable[Move]) -> str:
    lines = ["| `providencias` | `code` | `por` | `by` | O que acontece |", "|---|---|---|---|---|"]
    lines += [
        f"| `{one.codigo}` | `{one.code}` | `{one.by.por}` | `{one.by.value}` | {one.pt} |"
        for one in moves
    ]
    return "\n".join(lines)


TABLES = {
    "entrada": _table(one for one in MOVES if one.weight == STEP_UP),
    "outras": _table(one for one in MOVES if one.weight != STEP_UP),
}
"""What is made, by its name."""


def anew(page: str) -> str:
    """Give the page with what is made as it is now."""
    return _MADE.sub(
        lambda found: f"<!-- {found[1]} -->\n\n{TABLES[found[1]]}\n\n<!-- fim -->", page
    )


if __name__ == "__main__":
    PAGE.write_text(anew(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
