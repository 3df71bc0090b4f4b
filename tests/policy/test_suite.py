"""The tests beside the policies: what a run of them tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from authz_service.domain.decision import Decision, Question, RuleError
from authz_service.domain.facts import (
    Facts,
)
from authz_service.policy.bundle import collect_suites
from authz_service.policy.suites.suite import run
from authz_service.policy.suites.tables import SuiteInvalid
from tests.fakes.policies import ScriptedPolicy
from tests.policy.compiled import policy
from tests.policy.worlds import (
    ASKING,
    DELEGATION,
    WORLD,
    expected_of,
    facts,
)

RULES = """
permit(p: Person, "open", _r: Process, "first") if
    p.registered;
forbid(p: Person, "open", _r: Process, "second") if
    not p.confirmed;
permit(p: Person, "delegate", _r: Process, "third") if p.registred;
"""
TESTS = WORLD + ASKING.replace('"it"', '"só quem pode"').replace('"ana"', '["ana", "bia", "eva"]')


def told(folder: Path, text: str) -> list[str]:
    """Run one test file in a folder and give the lines of its differences as they are shown."""
    (folder / "sub").mkdir()
    (folder / "sub" / "a_test.toml").write_text(text, encoding="utf-8")
    return [
        line
        for one in run(policy(RULES), collect_suites(folder)).differences
        for line in str(one).split("\n")
    ]


def test_a_difference_reads_like_a_sentence(tmp_path: Path) -> None:
    """It says which file, case and question, what was expected, what is, and by which rule."""
    assert [
        "sub/a_test.toml: só quem pode: ana open P001 for acme",
        "    expected deny",
        "    but is   allow (first)",
        "    rule     rules.polar:2",
        "sub/a_test.toml: só quem pode: bia open P001 for acme",
        "    expected allow (first, third)",
        "    but is   deny (second)",
        "    rule     rules.polar:4",
    ] == told(tmp_path, TESTS + '[[case.allow]]\nperson = "bia"\nreasons = ["first", "third"]\n')


def test_a_difference_in_reasons_alone_counts(tmp_path: Path) -> None:
    """The right answer for another reason than the expected is a difference."""
    right = '[[case.allow]]\nperson = "ana"\nreasons = "first"\n'

    assert [
        "sub/a_test.toml: só quem pode: bia open P001 for acme",
        "    expected deny (no-permit)",
        "    but is   deny (second)",
        "    rule     rules.polar:4",
    ] == told(tmp_path, f'{TESTS}{right}[[case.deny]]\nperson = "bia"\nreasons = "no-permit"\n')


def test_an_error_in_a_rule_is_shown(tmp_path: Path) -> None:
    """A rule that errs is named with its cause."""
    assert [
        "sub/a_test.toml: it: ana delegate P001 for acme",
        "    expected allow (third)",
        "    but is   deny (policy-error)",
        "    rule     rules.polar:6",
        "    error    rules.polar:6: unknown-fact: reads `registred`, which Person does not have",
    ] == told(
        tmp_path,
        WORLD + ASKING.replace("open", "delegate") + '[[case.allow]]\nreasons = "third"\n',
    )


def test_a_run_counts_files_and_questions(tmp_path: Path) -> None:
    """Every test file below the folder is run, and hidden ones are left alone."""
    for file in ("a_test.toml", "sub/b_test.toml", "reasons.toml", ".c_test.toml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(TESTS, encoding="utf-8")

    report = run(policy(RULES), collect_suites(tmp_path))

    assert (2, 6) == (report.files, report.asked)
    assert {"a_test.toml", "sub/b_test.toml"} == {one.file for one in report.differences}


def test_a_run_tells_what_it_asks(tmp_path: Path) -> None:
    """Who watches hears every question with its facts, in the order of the files."""
    (tmp_path / "a_test.toml").write_text(TESTS, encoding="utf-8")
    heard: list[tuple[Question, Facts]] = []

    run(policy(RULES), collect_suites(tmp_path), lambda *asked: heard.append(asked))

    assert [(one.question, facts(one)) for one in expected_of(TESTS)] == heard


def test_an_empty_folder_asks_nothing(tmp_path: Path) -> None:
    """Where there are no tests, nothing was asked; who calls decides what that means."""
    report = run(policy(RULES), collect_suites(tmp_path))

    assert (0, 0, ()) == (report.files, report.asked, report.differences)


def test_a_broken_file_stops_the_run(tmp_path: Path) -> None:
    """A test that cannot be read is an error and not a pass."""
    (tmp_path / "a_test.toml").write_text("now = 1", encoding="utf-8")

    with pytest.raises(SuiteInvalid):
        run(policy(RULES), collect_suites(tmp_path))


def test_the_policy_is_asked_what_the_file_says(tmp_path: Path) -> None:
    """The policy gets the question and the facts at the frozen moment, nothing else."""
    asked: list[tuple[Question, Facts]] = []

    def answer(question: Question, known: Facts) -> Decision:
        asked.append((question, known))
        return Decision(
            allowed=False, reasons=("no-permit",), errors=(RuleError("a.polar:1", "x"),)
        )

    (tmp_path / "a_test.toml").write_text(WORLD + DELEGATION + ASKING, encoding="utf-8")
    report = run(ScriptedPolicy(answer), collect_suites(tmp_path))

    [one] = expected_of(WORLD + DELEGATION + ASKING)
    assert () == report.differences
    assert [(one.question, facts(one))] == asked
