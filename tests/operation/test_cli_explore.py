"""`authz policy explore` counts every way through the rules, and says whether all are known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.operation.house import called, furnish

DEAD = """permit(p: Person, "open", _process: Process, "represents") if
    p.confirmed and not p.registered;"""
ORDERED = """forbid(_person: Person, "open", process: Process, "process-closed") if
    process.code != nil and process.code < "P061" and process.code > "P060";"""
COUNTS = ("ways", "speaking", "silent", "erring")


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    furnish(tmp_path)
    return tmp_path


def test_the_shipped_policies_are_explored_to_the_end(home: Path) -> None:
    """Every rule stands there with its counts, none is dead, and the exit code is 0."""
    done = called(home, "policy", "explore")

    assert (0, "") == (done.returncode, done.stderr)
    *rules, total, dead, outcome = done.stdout.splitlines()[1:]
    assert all(re.fullmatch(r"\S+\.polar:\d+ +(permit|forbid)( +\d+){5}", one) for one in rules)
    assert re.fullmatch(rf"{len(rules)} rules( +\d+){{5}}", total)
    assert "never speak: none" == dead
    assert re.fullmatch(r"explored to the end in \d+\.\d\d seconds", outcome)


def test_a_program_reads_the_same(home: Path) -> None:
    """One document on stdout, in which the counts of the rules add up to those of all."""
    done = called(home, "policy", "explore", "policies", "--format", "json")

    assert (0, "") == (done.returncode, done.stderr)
    document = json.loads(done.stdout)
    total, rules = document["total"], document["rules"]
    assert {name: sum(one[name] for one in rules) for name in COUNTS} == {
        name: total[name] for name in COUNTS
    }
    for one in [total, *rules]:
        assert one["ways"] == one["speaking"] + one["silent"] + one["erring"]
        assert (True, False) == (one["complete"], one["dead"])
    assert document["seconds"] > 0
    assert re.fullmatch("[0-9a-f]{64}", document["digest"])


def test_a_rule_that_never_speaks_is_named(home: Path) -> None:
    """What is wrong with a rule does not keep it from being counted."""
    (home / "policies" / "dead.polar").write_text(DEAD, encoding="utf-8")

    done = called(home, "policy", "explore")

    assert 0 == done.returncode
    assert "never speak: dead.polar:1" in done.stdout.splitlines()


def test_what_cannot_be_explored_to_the_end_is_said(home: Path) -> None:
    """The rule is marked, the last line says so, and the exit code is 1."""
    (home / "policies" / "ordered.polar").write_text(ORDERED, encoding="utf-8")

    done = called(home, "policy", "explore")

    assert (1, "") == (done.returncode, done.stderr)
    [marked] = [one for one in done.stdout.splitlines() if one.startswith("ordered.polar:1 ")]
    assert marked.endswith("incomplete")
    assert "explored but not to the end in" in done.stdout


def test_what_is_no_policy_is_not_explored(home: Path) -> None:
    """The problems go to stderr, and the exit code is 1."""
    (home / "policies" / "broken.polar").write_text("permit(", encoding="utf-8")

    done = called(home, "policy", "explore")

    assert (1, "") == (done.returncode, done.stdout)
    assert "broken.polar:1:" in done.stderr
