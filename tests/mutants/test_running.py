"""The mutation tool on a small tree of its own: what it tells apart, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import main
from tests.mutants.running import Target

GUARD = '''\
"""A module with checks."""


def guard(number):
    """Refuse some numbers."""
    if number is None or number < 0:
        raise ValueError
    if number > 9:
        return 9
    if number == 9:  # mutant: gives the same
        return 9
    return number
'''
TESTS = '''\
"""Tests of some of its checks."""

import pytest

from guarded import guard


@pytest.mark.parametrize("number", [-1, None])
def test_refused(number):
    with pytest.raises(ValueError):
        guard(number)
'''
ALL_TESTS = TESTS + "\n\ndef test_bounded():\n    assert 9 == guard(10)\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a tree with one guarded package and no tests yet."""
    # The plugins of this project take most of the second of each of the many runs.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    package = tmp_path / "guarded"
    package.mkdir()
    package.joinpath("__init__.py").write_text(GUARD)
    return tmp_path


def run(tree: Path, tests: str, *words: str) -> int:
    """Run the tool on *tree*."""
    tree.joinpath("test_guard.py").write_text(tests)
    return main(words, tree, [Target("guarded/__init__.py", ("test_guard.py",))])


def test_a_check_without_a_test_survives(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named by place and source, the exit code says so, and the tree is as it was."""
    assert 1 == run(tree, TESTS)
    printed = capsys.readouterr().out
    survivors = [line for line in printed.splitlines() if line.startswith("SURVIVED: ")]
    assert ["SURVIVED: guarded/__init__.py:8  `number > 9` -> False"] == [
        line.partition("  SURVIVED")[0] for line in survivors
    ]
    assert GUARD == tree.joinpath("guarded", "__init__.py").read_text()
    assert {"guarded", "test_guard.py"} == {path.name for path in tree.iterdir()}


def test_tested_and_excepted_checks_pass(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed mutants are counted, an excepted one is shown with its reason."""
    assert 0 == run(tree, ALL_TESTS)
    printed = capsys.readouterr().out.splitlines()
    assert ["5", "4", "1", "0"] == next(
        line.split()[1:] for line in printed if line.startswith("guarded/__init__.py  ")
    )
    assert printed[-1].startswith("excepted: guarded/__init__.py:10  `number == 9` -> False")
    assert printed[-1].endswith(": gives the same")


def test_an_exception_that_is_not_needed_is_reported(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reason that is not true any more does not stay in the source."""
    module = tree / "guarded" / "__init__.py"
    module.write_text(GUARD.replace("number == 9", "number == 7"))
    assert 1 == run(tree, ALL_TESTS + "    assert 9 == guard(7)\n")
    assert "guarded/__init__.py:10: the comment excepts nothing" in capsys.readouterr().out


def test_nothing_is_proved_by_tests_that_fail_anyway(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that fail while nothing is disabled would seem to kill every mutant."""
    assert 2 == run(tree, ALL_TESTS + "    assert 1 == guard(2)\n")
    assert "do not pass as they are" in capsys.readouterr().out


def test_a_word_that_means_no_target_is_told(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing error does not look like success."""
    assert 2 == run(tree, ALL_TESTS, "gaurd")
    assert "no target contains gaurd" in capsys.readouterr().out
