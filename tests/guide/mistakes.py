"""The mistakes of the guide, each made in a copy of the shipped policies."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from authz_service.policy.bundle import collect, strays
from authz_service.policy.judging import stages
from authz_service.settings import SHIPPED_POLICIES

_ROW = re.compile(
    r"^(?P<made>\| `(?P<file>[^`]+)` \| `(?P<old>[^`]+)` \| `(?P<new>[^`]+)` \|)"
    r".*\| (?P<remedy>[^|]+) \|$"
)


def told(table: str) -> str:
    """Give *table* with what is said first of each mistake, in its last column but one."""
    head, line, *rows = table.splitlines(keepends=True)
    return "".join([head, line, *map(_told, rows)])


def _told(row: str) -> str:
    found = _ROW.match(row)
    assert found is not None, f"no mistake: {row}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "politicas"
        shutil.copytree(SHIPPED_POLICIES, folder)
        path = folder / found["file"]
        text = path.read_text("utf-8")
        assert found["old"] in text, f"{found['file']} has no `{found['old']}`"
        path.write_text(text.replace(found["old"], found["new"], 1), "utf-8")
        judged = stages.judge(collect(folder), (), lambda _said: None)
        problems = sorted((*strays(folder), *judged.problems))
        assert problems, f"nothing is wrong: {row}"
    return f"{found['made']} {problems[0]} | {found['remedy']} |\n"
