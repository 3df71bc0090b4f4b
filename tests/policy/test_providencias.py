"""What Orquestra's designers read about the codes of a denial is what a denial says."""

from __future__ import annotations

import re

from authz_service.policy.nearness.changes import MOVES
from tests.policy.providencias import PAGE, TABLES, anew

PAGE_NOW = PAGE.read_text(encoding="utf-8")


def test_every_code_of_a_denial_is_explained() -> None:
    """Each move has its row, with who does it and its sentence, and there is no other row."""
    assert anew(PAGE_NOW) == PAGE_NOW
    assert all(f"<!-- {name} -->\n\n{table}\n" in PAGE_NOW for name, table in TABLES.items())
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([a-z-]+)` \|", PAGE_NOW, re.MULTILINE)
    assert sorted((one.codigo, one.code) for one in MOVES) == sorted(rows)


def test_an_example_names_what_there_is() -> None:
    """The example has codes that there are, each with who does it."""
    codes = re.findall(r'"providencias": "([^"]+)", "por": "([^"]+)"', PAGE_NOW)
    by = {one.codigo: one.by.por for one in MOVES}
    assert codes
    assert all([by[one] for one in told.split()] == who.split() for told, who in codes)
