"""Documents name what the code names, all of it and nothing else."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from authz_service.domain.clients import SCOPES
from authz_service.domain.sign_in import Cause, Companies

TREE = Path(__file__).parents[1]


def rows(document: str, heading: str) -> list[str]:
    """Give what stands in backticks in the first column of the table under *heading*."""
    text = (TREE / document).read_text(encoding="utf-8")
    table = text.partition(heading)[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    return re.findall(r"`([^`]+)`", " ".join(first[1:]))


@pytest.mark.parametrize(
    ("heading", "words"), [("| `cause` | Meaning |", Cause), ("| `companies` | What", Companies)]
)
def test_operators_find_every_word_that_a_sign_in_answers(
    heading: str, words: type[StrEnum]
) -> None:
    """Each cause and each outcome has its row on the page about GOV.BR."""
    assert sorted(words) == sorted(rows("docs/govbr.md", heading))


def test_operators_find_every_scope() -> None:
    """The README's table has the scopes that there are, in their words."""
    readme = (TREE / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{scope}` | {meaning} |" in readme for scope, meaning in SCOPES.items())
