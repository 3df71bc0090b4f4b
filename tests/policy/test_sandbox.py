"""A policy text can kill the process that compiles it: it is a child, with limits."""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from authz_service.domain.errors import PolicyInvalid
from authz_service.policy.bundle import Source, build
from authz_service.policy.judging import sandbox
from tests.policy.compiled import reasons

PERMIT = Source("a.polar", b'permit(_p: Person, "open", _r: Process, "first");')
FIRST = reasons(["first"])
ASKS = """now = 2026-11-20T12:00:00-03:00
[people]
ana = {}
[companies]
acme = {}
[processes]
P001 = {}
[[case]]
name = "só o sócio"
people = ["ana"]
actions = ["open"]
processes = ["P001"]
company = "acme"
[[case.deny]]
"""
BAD = Source("sub/b.polar", 'helper(p) if p.é;\n"'.encode())


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


def test_a_sound_policy_passes() -> None:
    """What the child compiles without a problem is accepted."""
    sandbox.check([PERMIT, reasons()])


def test_problems_come_back_as_they_are() -> None:
    """The child tells the same problems, places and accents included, as building here would."""
    sources = [PERMIT, BAD, reasons()]

    with pytest.raises(PolicyInvalid) as there:
        sandbox.check(sources)
    with pytest.raises(PolicyInvalid) as here:
        build(sources)

    assert here.value.problems == there.value.problems
    [first, *_others] = there.value.problems
    assert "sub/b.polar:1:16: `é` is not accepted" == str(first).split(";")[0]


TESTS = Source("a_test.toml", ASKS.encode())
WRONG = Source("b_test.toml", ASKS.replace("deny", "allow").encode())


def answered(*files: Source, suites: Sequence[Source] = ()) -> tuple[list[Any], list[str]]:
    """Give what the child would write, and which stages it would tell of."""
    packed = [
        [[one.file, base64.b64encode(one.content).decode()] for one in part]
        for part in (files, suites)
    ]
    said: list[str] = []
    return json.loads(sandbox.answer(json.dumps(packed).encode(), said.append)), said


def test_the_child_answers_with_its_problems() -> None:
    """What it writes: how many rules there are, the problems member by member, unused reasons."""
    rules, problems, unused, questions = answered(PERMIT, BAD, reasons(["first", "late"]))[0]

    assert (1, 0) == (rules, questions)
    assert ["sub/b.polar", 1, 16, "`é` is not accepted", "refused"] == problems[0][:5]
    assert ["no rule gives the reason `late`"] == [one[3] for one in unused]


def test_the_child_runs_the_tests_of_what_compiles() -> None:
    """A question that is answered otherwise than expected is a problem, at the case's place."""
    [rules, problems, unused, questions], said = answered(PERMIT, FIRST, suites=[TESTS, WRONG])

    assert (1, [], 2) == (rules, unused, questions)
    message = (
        "só o sócio: ana open P001 for acme: expected deny, but is allow (first), rule a.polar:1"
    )
    remedy = "correct the rule, or the test if the new answer is meant"
    assert [["a_test.toml", 8, 0, message, "test-failed", remedy]] == problems
    assert [
        "compile 2 files",
        "explore 1 of 1",
        "test file 1 of 2: a_test.toml",
        "test file 2 of 2: b_test.toml",
    ] == (said)


def test_a_helper_that_no_rule_asks_is_told() -> None:
    """An alternative under another name says nothing; the gate tells it, with what is meant."""
    helpers = (
        "delegates(c: Company) if c.bond.in_force;\n"
        "delegate(c: Company) if c.bond.recorded;\n"
        "delegates(c: Company, _p: Person) if c.bond.recorded;\n"
        "seen(s: Standing) if s.in_force;\n"
        'permit(_p: Person, "open", r: Process, "first") if delegates(r.company);\n'
    )
    [_rules, problems, *_others], _said = answered(Source("a.polar", helpers.encode()), FIRST)

    otherwise = "ask it where it is meant, or leave it out"
    assert [
        ["a.polar", 2, 1, "`delegate` is asked by no rule", "helper-unasked"],
        ["a.polar", 3, 1, "`delegates` is asked by no rule", "helper-unasked"],
        ["a.polar", 4, 1, "`seen` is asked by no rule", "helper-unasked"],
    ] == [one[:5] for one in problems]
    assert ["did you mean `delegates`?", otherwise, otherwise] == [one[5] for one in problems]


def test_a_helper_that_no_rule_asks_is_told_beside_what_is_wrong() -> None:
    """It is told of a policy that does not compile as well, but not where rules are unreadable."""
    orphan = Source("c.polar", b"seen(s: Standing) if s.in_force;")
    bad = Source("d.polar", b'permit(_p: Person, "open", _r: Process, "first") if cut;')
    asks = Source("d.polar", b'permit(_p: Person, "open", r: Process, "first") if seen(r) cut;')

    checks = [
        [one[4] for one in answered(PERMIT, orphan, other, FIRST)[0][1]] for other in (bad, asks)
    ]
    assert ["helper-unasked", "refused"] == checks[0]
    assert "helper-unasked" not in checks[1]


def test_a_flawed_policy_is_not_tested() -> None:
    """What errs whenever it is asked would fail every test once more."""
    flawed = Source("c.polar", b'forbid(_p: Person, _a, r: Process, "first") if r.state = "opne";')
    [_rules, problems, *_others], said = answered(PERMIT, flawed, FIRST, suites=[TESTS])

    assert (["unknown-value"], ["compile 3 files"]) == ([one[4] for one in problems], said)


NO_TESTS = {
    "bytes of another encoding": ("é".encode("latin-1"), (1, 1, "encoding")),
    "no TOML": (b"now = \n", (1, 7, "toml")),
    "a mistake in a case": (
        ASKS.replace("[[case.deny]]", "x = 1").encode(),
        (8, 1, "test-invalid"),
    ),
    "a mistake in a table": (
        ASKS.replace("acme = {}", "acme = { x = 1 }").encode(),
        (5, 1, "test-invalid"),
    ),
    "a mistake at the top": (b"x = 1\n", (0, 0, "test-invalid")),
}


@pytest.mark.parametrize(("content", "place"), NO_TESTS.values(), ids=NO_TESTS)
def test_a_test_that_is_none_is_told(content: bytes, place: tuple[int, int, str]) -> None:
    """With its place where that is known; the other tests are run all the same."""
    bad = Source("bad_test.toml", content)
    [_rules, problems, *_others], _said = answered(PERMIT, FIRST, suites=[bad, TESTS])

    [[file, line, column, _message, check, remedy], failed] = sorted(problems, reverse=True)
    assert ("bad_test.toml", *place) == (file, line, column, check)
    assert remedy
    assert "test-failed" == failed[4]


def test_an_edit_that_fails_its_tests_is_refused() -> None:
    """The gate is one for compiling and testing, and tells how far it is."""
    said: list[str] = []
    with pytest.raises(PolicyInvalid) as caught:
        sandbox.check([PERMIT, FIRST], [TESTS], progress=said.append)

    assert ["test-failed"] == [one.check for one in caught.value.problems]
    assert ["compile 2 files", "explore 1 of 1", "test file 1 of 1: a_test.toml"] == said


def test_the_child_has_limits() -> None:
    """Memory, processor time, open files and core dumps of the child are bounded."""
    child = run(
        "import resource as r\n"
        "from authz_service.policy.judging.sandbox import limit\n"
        "limit(10)\n"
        "for one in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_NOFILE, r.RLIMIT_CORE):\n"
        "    print(*r.getrlimit(one))\n"
    )

    bounds = (sandbox.MAX_BYTES, 10, 64, 0)
    assert [f"{bound} {bound}" for bound in bounds] == child.stdout.split("\n")[:-1], child.stderr


def test_a_lower_limit_of_the_system_stays() -> None:
    """Where the system allows less, the child takes what it may and does not fail."""
    child = run(
        "import resource as r\n"
        "from authz_service.policy.judging.sandbox import limit\n"
        "r.setrlimit(r.RLIMIT_NOFILE, (20, 20))\n"
        "r.setrlimit(r.RLIMIT_CPU, (3, 3))\n"
        "limit(10)\n"
        "print(*r.getrlimit(r.RLIMIT_NOFILE), *r.getrlimit(r.RLIMIT_CPU))\n"
    )

    assert "20 20 3 3" == child.stdout.strip(), child.stderr


def test_this_process_is_not_limited() -> None:
    """Checking bounds the child alone."""
    before = resource.getrlimit(resource.RLIMIT_AS)

    sandbox.check([PERMIT, reasons()])

    assert before == resource.getrlimit(resource.RLIMIT_AS)


def test_brackets_kill_the_process_that_compiles_them() -> None:
    """Why there is a child at all: oso dies of what it is given, and takes its process along."""
    child = run(
        "from authz_service.policy.border.runner import GuardedPolar\n"
        "GuardedPolar().load([('a', 'helper(_x) if ' + '[' * 100000 + ']' * 100000 + ' = 1;')])\n"
    )

    assert child.returncode < 0


def test_a_child_that_takes_too_long_is_ended() -> None:
    """A policy that cannot be compiled in time is refused, and says so."""
    with pytest.raises(PolicyInvalid) as caught:
        sandbox.check([PERMIT, reasons()], seconds=0.001)

    [problem] = caught.value.problems
    assert "took more than 0.001 seconds to compile, check and test" == problem.message
    assert "timeout" == problem.check
    assert problem.check in sandbox.NO_VERDICT


def test_a_child_that_dies_is_told() -> None:
    """A text that the child dies of is a problem of the policy, and nothing else dies."""
    # Thousands of rules keep the child busy until its time of the processor is over; that
    # a system sets this lower, as here, it passes on to its children.
    many = "''.join(f'a{n}(x)if x.b and x.c;' for n in range(10_000))"
    process = run(
        "import resource\n"
        "from authz_service.domain.errors import PolicyInvalid\n"
        "from authz_service.policy.bundle import Source\n"
        "from authz_service.policy.judging.sandbox import check\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (2, 2))\n"
        "try:\n"
        f"    check([Source(f'{{n}}.polar', ({many}).encode()) for n in range(9)])\n"
        "except PolicyInvalid as error:\n"
        "    print(error)\n"
        "    print(error.problems[0].check)\n"
    )

    said, check = process.stdout.splitlines()
    assert (0, ".:0:0: killed the process that compiled it (SIGKILL)", "stopped") == (
        process.returncode,
        said.split(";")[0],
        check,
    )
    assert check in sandbox.NO_VERDICT


def test_a_child_that_fails_is_told() -> None:
    """An error that nobody foresaw, as with a name that cannot be, is a refusal and no pass."""
    with pytest.raises(PolicyInvalid) as caught:
        sandbox.check([PERMIT, reasons(), Source("\udcff.polar", b"")])

    assert "killed" not in sandbox.NO_VERDICT
    message = "ended the process that compiled it with exit code 1"
    assert [(message, "killed")] == [(one.message, one.check) for one in caught.value.problems]


def test_a_child_that_cannot_be_started_leaves_nothing_open() -> None:
    """A service that is short of processes for an hour does not run out of files as well."""
    process = run(
        "import os, sys\n"
        "from authz_service.policy.judging.sandbox import check\n"
        "sys.executable = '/nowhere'\n"
        "before = os.listdir('/proc/self/fd')\n"
        "for _ in range(3):\n"
        "    try:\n"
        "        check([])\n"
        "    except FileNotFoundError:\n"
        "        print('not started')\n"
        "print(len(os.listdir('/proc/self/fd')) - len(before))\n"
    )

    assert ["not started"] * 3 + ["0"] == process.stdout.splitlines(), process.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-11, "killed the process that compiled it (SIGSEGV)"),
        (-9, "killed the process that compiled it (SIGKILL)"),
        (1, "ended the process that compiled it with exit code 1"),
    ],
)
def test_a_death_has_a_name(code: int, message: str) -> None:
    """How the child ended is said in words."""
    assert message == sandbox._death(code)
