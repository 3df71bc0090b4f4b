"""What the check of a folder tells: all that is wrong, and what does nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from authz_service.policy.bundle import collect, digest_of
from authz_service.policy.judging.checking import check
from authz_service.policy.judging.stages import judge
from tests.policy.compiled import reasons

PERMIT = 'permit(_p: Person, "open", _r: Process, "first");\n'
SHIPPED = Path(__file__).parents[2] / "policies"


def fill(folder: Path, rules: str, *codes: str) -> None:
    """Write one file of rules, and reasons."""
    (folder / "a.polar").write_text(rules, encoding="utf-8")
    (folder / "reasons.toml").write_bytes(reasons(codes).content)


def test_the_shipped_policies_pass() -> None:
    """Nothing is wrong in what comes with the service, no reason is unused."""
    said: list[str] = []
    found = check(SHIPPED, said.append)

    assert () == found.problems
    assert digest_of(collect(SHIPPED)) == found.digest
    assert (6, True) == (found.files, (found.rules or 0) > 20)
    assert "compile 7 files" == said[0]
    assert said[-1].startswith("explore ")


def test_exploring_tells_how_far_it_is_now_and_then() -> None:
    """Who waits sees it go on, and is not told of each rule for each kind of question."""
    said: list[str] = []
    judge(collect(SHIPPED), (), said.append)

    told = [one.split() for one in said if one.startswith("explore ")]
    kinds = int(told[-1][-1])

    assert 1 < len(told) < kinds / 10
    assert ["explore", str(kinds), "of", str(kinds)] == told[-1]


def test_the_guide_shows_what_is_told(tmp_path: Path) -> None:
    """The mistake in README.md is told as it stands there."""
    folder = tmp_path / "policies"
    shutil.copytree(SHIPPED, folder)
    file = folder / "opening.polar"
    file.write_text(file.read_text("utf-8").replace('"in_force"', '"in_froce"'), "utf-8")

    [problem] = check(folder).problems

    assert f"\n{problem}\n" in (SHIPPED / "README.md").read_text("utf-8")


def test_everything_is_told_in_order(tmp_path: Path) -> None:
    """Mistakes, unused reasons and misnamed files, of a policy that would compile or not."""
    fill(tmp_path, f"{PERMIT}cut;", "first", "late")
    (tmp_path / "b.polar.txt").touch()

    found = check(tmp_path)

    assert (1, 1) == (found.files, found.rules)
    assert ["refused", "not-read", "reason-unused"] == [one.check for one in found.problems]

    fill(tmp_path, PERMIT, "first", "late")
    assert ["not-read", "reason-unused"] == [one.check for one in check(tmp_path).problems]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder without reasons is a finding, too; then nothing else is known."""
    (tmp_path / "a.polar").write_text(PERMIT, encoding="utf-8")

    found = check(tmp_path)

    assert (None, 0, None) == (found.digest, found.files, found.rules)
    assert ["unreadable"] == [one.check for one in found.problems]


def test_tests_are_not_run(tmp_path: Path) -> None:
    """A test that would fail is not the check's affair."""
    fill(tmp_path, PERMIT, "first")
    (tmp_path / "a_test.toml").write_text("x = ", encoding="utf-8")

    assert () == check(tmp_path).problems


@pytest.mark.parametrize("bad", ["a\nb.polar"])
def test_a_name_that_cannot_be_printed_is_told(tmp_path: Path, bad: str) -> None:
    """As the service would refuse it."""
    fill(tmp_path, PERMIT, "first")
    (tmp_path / bad).touch()

    [problem] = check(tmp_path).problems
    assert ("unreadable", "rename it") == (problem.check, problem.remedy)
