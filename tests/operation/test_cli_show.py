"""`authz policy show` prints what the rules answer, whatever state the rules are in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.operation.house import ROOT, called, furnish, succeeded


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    furnish(tmp_path)
    return tmp_path


def edit(home: Path, file: str, old: str, new: str) -> None:
    """Change what stands in one policy file."""
    path = home / "policies" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_tables_of_a_folder_are_printed(home: Path) -> None:
    """Markdown in Portuguese to stdout, which is the page in the documents."""
    done = called(home, "policy", "show", str(ROOT / "policies"))

    assert (0, "") == (done.returncode, done.stderr)
    assert (ROOT / "docs" / "policy-tables.md").read_text(encoding="utf-8") == done.stdout


def test_a_web_page_is_written_to_a_file(home: Path) -> None:
    """HTML in English, of the policies that the settings name, with the moment it was made."""
    wanted = ("--format", "html", "--language", "en", "--output", "rules.html")
    succeeded(called(home, "policy", "show", *wanted))

    text = (home / "rules.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in text
    assert "<h2>Open a process</h2>" in text
    assert re.search(r'<time datetime="20\d\d-[^"]+\+00:00">', text)


def test_a_policy_that_the_check_refuses_is_shown_with_what_is_wrong(home: Path) -> None:
    """Who looks for a mistake sees the problem, and in the table whom it would lock out."""
    edit(home, "opening.polar", "person.confirmed and", "person.confirmd and")

    done = called(home, "policy", "show")

    assert 0 == done.returncode
    assert "opening.polar:15" in done.stderr
    assert "confirmd" in done.stderr
    assert re.search(r"\*\*erro: negado\*\* \| `policy-error`: .*confirmd", done.stdout)


def test_what_is_no_policy_is_not_shown(home: Path) -> None:
    """Problems that forbid to compile are told, and nothing is printed."""
    edit(home, "opening.polar", "person.confirmed and", "person.confirmed or and")

    done = called(home, "policy", "show")

    assert (1, "") == (done.returncode, done.stdout)
    assert "opening.polar:15" in done.stderr


def test_where_no_file_can_be_written_it_says_so(home: Path) -> None:
    """A wrong place for the page is an error in one line, not a traceback."""
    done = called(home, "policy", "show", "--output", "nowhere/rules.md")

    assert (1, "nowhere/rules.md: No such file or directory\n") == (done.returncode, done.stderr)
