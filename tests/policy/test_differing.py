"""An answer that is not the expected one: told once for its case, with the rules it comes from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from authz_service.policy.bundle import Source, build, collect, collect_suites
from authz_service.policy.suites import suite
from authz_service.policy.suites.coverage import Reached
from authz_service.policy.suites.differing import MAX_SHOWN, lines_of
from tests.policy.compiled import policy
from tests.policy.worlds import ASKING, CASE, DELEGATION, STANDING, WORLD

SHIPPED = Path(__file__).parents[2] / "policies"
LINE = 1 + len(WORLD.splitlines())
ASKED = "ana open P001 for acme"
BIA = ASKING.replace('"ana"', '"bia"')
PERMIT = 'permit(p: Person, "open", _r: Process, "first") if p.registered and p.confirmed;\n'
FORBID = 'forbid(_p: Person, "open", r: Process, "second") if r.state = "open";\n'
ERRING = """forbid(p: Person, "open", r: Process, "second") if
    (p.confirmed or not p.confirmed) and r.company.standing.days > 7;"""
LONG = """permit(p: Person, "open", r: Process, "first") if
    r.question.recipient != nil and r.question.recipient.registered and
    r.company.standing.role != "none" and r.question.recipient.cpf != p.cpf;"""


def told(rules: str, text: str) -> list[str]:
    """Give the lines about what *rules* answer otherwise than a test file expects."""
    compiled = policy(rules)
    reached = Reached(compiled.explore())
    source = Source("a_test.toml", text.encode())
    return list(lines_of(suite.run(compiled, [source]).differences, reached))


def below(lines: list[str]) -> list[str]:
    """Give what stands below the questions of one case."""
    return [line.strip() for line in lines if line.startswith("        ")]


def test_a_difference_is_told_with_its_place_and_both_answers() -> None:
    """First the case with its line, then the question, what was expected, and what is."""
    assert [
        f"a_test.toml:{LINE}  it",
        "    question                expected  but is",
        "    ana open P001 for acme  deny      allow (first)",
        "        rules.polar:1 permits: person.registered, person.confirmed",
        "",
    ] == told(PERMIT, WORLD + ASKING)


GROUNDS = {
    "who should have been let in, and the rule that was to do it": (
        PERMIT,
        BIA + '[[case.allow]]\nreasons = "first"\n',
        ["rules.polar:1 is silent: not person.confirmed"],
    ),
    "without an expected reason any permit was": (
        PERMIT + PERMIT.replace('"first"', '"third"'),
        BIA + "[[case.allow]]\n",
        [
            "rules.polar:1 is silent: not person.confirmed",
            "rules.polar:2 is silent: not person.confirmed",
        ],
    ),
    "a rule that overrules, and not the one that spoke": (
        PERMIT + FORBID,
        ASKING + '[[case.allow]]\nreasons = "first"\n',
        ['rules.polar:2 forbids: process.state = "open"'],
    ),
    "the same without an expected reason": (
        PERMIT + FORBID,
        BIA + "[[case.allow]]\n",
        ['rules.polar:2 forbids: process.state = "open"'],
    ),
    "a forbid that was expected to speak, and the permit that did": (
        PERMIT + FORBID.replace('"open";', '"closed";'),
        ASKING + '[[case.deny]]\nreasons = "second"\n',
        [
            "rules.polar:1 permits: person.registered, person.confirmed",
            'rules.polar:2 is silent: process.state = "open"',
        ],
    ),
    "a reason that no rule gives": (
        PERMIT,
        ASKING + '[[case.allow]]\nreasons = ["first", "third"]\n',
        [
            "rules.polar:1 permits: person.registered, person.confirmed",
            "no rule about such a question gives third",
        ],
    ),
    "no silent rule whose reason another one gives": (
        PERMIT + PERMIT.replace("p.confirmed", "not p.confirmed"),
        ASKING + '[[case.allow]]\nreasons = ["first", "third"]\n',
        [
            "rules.polar:1 permits: person.registered, person.confirmed",
            "no rule about such a question gives third",
        ],
    ),
    "no forbid where any permit was expected": (
        PERMIT + FORBID.replace('"open";', '"closed";'),
        BIA + "[[case.allow]]\n",
        ["rules.polar:1 is silent: not person.confirmed"],
    ),
    "a reason that the code gives": (
        PERMIT,
        ASKING + '[[case.deny]]\nreasons = "no-permit"\n',
        ["rules.polar:1 permits: person.registered, person.confirmed"],
    ),
    "a rule without a condition": (
        'permit(_p: Person, "open", _r: Process, "first");\n',
        ASKING,
        ["rules.polar:1 permits: whatever the facts are"],
    ),
    "a rule that errs, and no other": (
        PERMIT + ERRING,
        BIA + '[[case.allow]]\nreasons = "first"\n',
        [
            "rules.polar:2 errs (comparison: nil has no order):",
            "process.company.standing.days cannot be compared",
        ],
    ),
    "what is not, and what is nil": (
        LONG,
        f'{ASKING}recipient = "bia"\n{STANDING}',
        [
            "rules.polar:1 permits: process.question.recipient != nil,",
            'process.question.recipient.registered, process.company.standing.role = "socio",',
            "person.cpf != process.question.recipient.cpf",
        ],
    ),
}


@pytest.mark.parametrize(("rules", "text", "grounds"), GROUNDS.values(), ids=GROUNDS)
def test_the_rules_are_told_that_count(rules: str, text: str, grounds: list[str]) -> None:
    """Those that spoke for the answer, and those that were expected to, with what they saw."""
    assert grounds == below(told(rules, WORLD + text))


def test_only_what_decides_is_told() -> None:
    """Of all that a rule looked at, what leaves it no other answer."""
    rules = 'permit(p: Person, "open", r: Process, "first") if p.confirmed and r.state = "open";'
    closed = ASKING.replace("P001", "P015") + '[[case.allow]]\nreasons = "first"\n'

    assert ['rules.polar:1 is silent: process.state = "closed"'] == below(
        told(rules, WORLD + closed)
    )


def test_questions_of_a_case_with_the_same_grounds_stand_together() -> None:
    """The grounds stand once below them; the columns are as wide as the widest of the case."""
    actors = ASKING.replace('"ana"', '["ana", "bia", "eva"]')
    rules = (
        'permit(p: Person, "open", _r: Process, "first") if p.registered;\n'
        'permit(p: Person, "open", _r: Process, "second") if not p.registered;\n'
    )

    assert [
        f"a_test.toml:{LINE}  it",
        "    question                expected  but is",
        "    ana open P001 for acme  deny      allow (first)",
        "    bia open P001 for acme  deny      allow (first)",
        "        rules.polar:1 permits: person.registered",
        "    eva open P001 for acme  deny      allow (second)",
        "        rules.polar:2 permits: not person.registered",
        "",
    ] == told(rules, WORLD + actors)


def test_cases_stand_apart_even_under_one_name() -> None:
    """Two cases of one name have two lines."""
    lines = told(PERMIT, WORLD + ASKING + ASKING)

    second = LINE + len(ASKING.splitlines())
    assert [f"a_test.toml:{LINE}  it", f"a_test.toml:{second}  it"] == [
        line for line in lines if line.startswith("a_test.toml")
    ]


@pytest.mark.parametrize("more", [0, 1, 7])
def test_after_many_the_others_are_counted(more: int) -> None:
    """One edit can turn hundreds of answers; the first of them say what is wrong."""
    names = [f'"P{number:03}"' for number in range(100, 100 + MAX_SHOWN + more)]
    case = f"{CASE}processes = [{', '.join(names)}]\n"

    lines = told(PERMIT, WORLD + case)

    assert MAX_SHOWN == len([line for line in lines if line.startswith("    ana open")])
    assert ([f"and {more} more"] if more else []) == [line for line in lines if "more" in line]


def test_nothing_different_is_told_by_nothing() -> None:
    """Where every answer is the expected one there is nothing to say."""
    assert [] == told(PERMIT, WORLD + DELEGATION + BIA)


def test_the_page_for_administrators_shows_what_is_told(tmp_path: Path) -> None:
    """The example of a failing test is what comes of the edit that it names."""
    folder = tmp_path / "policies"
    shutil.copytree(SHIPPED, folder)
    file = folder / "standing.polar"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("standing.days <= 7", "standing.days <= 3"), encoding="utf-8")
    compiled = build(collect(folder))
    reached = Reached(compiled.explore())
    lines = list(lines_of(suite.run(compiled, collect_suites(folder)).differences, reached))

    page = (SHIPPED / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```\n(standing_test\.toml:.*?)```", page, re.DOTALL)

    assert shown.splitlines() == lines[: lines.index("")]
