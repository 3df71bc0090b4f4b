"""
Realistic edits of the shipped policies, and what catches each of them.

``edits.toml`` says what people do to the files by mistake. Each is done to a copy, which then goes
through what stands between an edit and the citizens: reading, exploring, and the tests.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import (
    build,
    collect,
    collect_suites,
    examined,
    strays,
)
from authz_service.policy.judging.findings import findings
from authz_service.policy.reading.examining import unused_reasons
from authz_service.policy.suites import suite
from authz_service.settings import SHIPPED_POLICIES

READING, EXPLORING, TESTS = "reading", "exploring", "tests"

PAGE = Path(__file__).parents[3] / "docs" / "policy-edits.md"
"""Where people read of the edits."""
BEGIN, END = "<!-- edits -->\n", "<!-- end of edits -->\n"
"""What the table stands between."""
BY = {READING: "`check`, reading", EXPLORING: "`check`, exploring", TESTS: "`test`"}
"""The verbs of ``authz policy``."""


@dataclass(frozen=True, slots=True)
class Edit:
    """
    Something that happens to one file.

    Attributes:
        name: what, in words.
        file: which file.
        caught: what catches it first: reading, exploring or the tests.
        old: what stands there, once; or None if the whole file is meant.
        new: what stands there afterwards.
        rename: the file's name afterwards, or None if it stays.
        remove: whether it is gone afterwards.
    """

    name: str
    file: str
    caught: str
    old: str | None = None
    new: str = ""
    rename: str | None = None
    remove: bool = False

    def do(self, folder: Path) -> None:
        """Do it to the policies in *folder*."""
        path = folder / self.file
        if self.remove:
            path.unlink()
        elif self.rename is not None:
            path.rename(folder / self.rename)
        else:
            text = path.read_text(encoding="utf-8")
            assert self.old is not None
            assert text.count(self.old) == 1, f"{self.name}: does not stand there once"
            path.write_text(text.replace(self.old, self.new), encoding="utf-8")


EDITS = [
    Edit(**one)
    for one in tomllib.loads((Path(__file__).parent / "edits.toml").read_text(encoding="utf-8"))[
        "edit"
    ]
]
"""All edits, in the order in which people read of them."""


@dataclass(frozen=True, slots=True)
class Caught:
    """
    What came of an edit.

    Attributes:
        by: what catches it first.
        says: where and what that finds first; empty if nothing does.
    """

    by: str
    says: str


@contextmanager
def done(edit: Edit) -> Iterator[Path]:
    """Give a copy of the shipped policies to which an edit was done."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "policies"
        shutil.copytree(SHIPPED_POLICIES, folder)
        edit.do(folder)
        yield folder


def caught(edit: Edit, *, wholly: bool = True) -> Caught:
    """
    Do an edit to a copy, and find out what catches it.

    Args:
        edit: the edit.
        wholly: explore also where only the tests are said to find something, which takes long.
    """
    with done(edit) as folder:
        sources = collect(folder)
        read = examined(sources)
        problems = [*strays(folder), *unused_reasons(read), *read.unasked]
        try:
            policy = build(sources)
        except PolicyInvalid as error:
            return Caught(READING, _first([*problems, *error.problems]))
        if problems := [*problems, *policy.flaws]:
            return Caught(READING, _first(problems))
        asked = wholly or edit.caught == EXPLORING
        if asked and (problems := findings(policy.explore())):
            return Caught(EXPLORING, _first(problems))
        for one in suite.run(policy, collect_suites(folder)).differences:
            return Caught(TESTS, f"{one.file}: {one.expected.case}")
        return Caught("nothing", "")


def _first(problems: Iterable[Problem]) -> str:
    first = min(problems)
    return f"`{first.check}` at {first.file}" + (f":{first.line}" if first.line else "")


def table(found: Iterable[tuple[Edit, Caught]]) -> str:
    """Give the table of what caught each edit."""
    rows = [
        "| edit | in | caught by | which says |",
        "|---|---|---|---|",
        *(f"| {edit.name} | `{edit.file}` | {BY[one.by]} | {one.says} |" for edit, one in found),
    ]
    return "\n".join(rows) + "\n"


def on_page() -> str:
    """Give the table that stands on the page."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
