"""A policy text can kill the process that compiles it: it is a child, with limits."""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys

import pytest

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy import sandbox
from authz_service.policy.bundle import Source, build
from tests.policy.compiled import reasons

PERMIT = Source("a.polar", b'permit(_p: Person, "open", _r: Process, "first");')
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
    assert Problem("sub/b.polar", 1, 16, "`é` is not accepted") == there.value.problems[0]


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (PERMIT, []),
        (Source("sub/b.polar", "é".encode()), [["sub/b.polar", 1, 1, "`é` is not accepted"]]),
    ],
)
def test_the_child_answers_with_its_problems(source: Source, answer: list[list[object]]) -> None:
    """What the child writes is a list for each problem: file, line, column, message."""
    request = [[one.file, base64.b64encode(one.content).decode()] for one in (source, reasons())]

    assert answer == json.loads(sandbox.answer(json.dumps(request).encode()))


def test_the_child_has_limits() -> None:
    """Memory, processor time, open files and core dumps of the child are bounded."""
    child = run(
        "import resource as r\n"
        "from authz_service.policy.sandbox import limit\n"
        "limit()\n"
        "for one in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_NOFILE, r.RLIMIT_CORE):\n"
        "    print(*r.getrlimit(one))\n"
    )

    bounds = (sandbox.MAX_BYTES, sandbox.MAX_SECONDS // 2, 64, 0)
    assert [f"{bound} {bound}" for bound in bounds] == child.stdout.split("\n")[:-1], child.stderr


def test_a_lower_limit_of_the_system_stays() -> None:
    """Where the system allows less, the child takes what it may and does not fail."""
    child = run(
        "import resource as r\n"
        "from authz_service.policy.sandbox import limit\n"
        "r.setrlimit(r.RLIMIT_NOFILE, (20, 20))\n"
        "r.setrlimit(r.RLIMIT_CPU, (3, 3))\n"
        "limit()\n"
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
        "from authz_service.policy.runner import GuardedPolar\n"
        "GuardedPolar().load([('a', 'helper(_x) if ' + '[' * 100000 + ']' * 100000 + ' = 1;')])\n"
    )

    assert child.returncode < 0


def test_a_child_that_takes_too_long_is_ended() -> None:
    """A policy that cannot be compiled in time is refused, and says so."""
    with pytest.raises(PolicyInvalid) as caught:
        sandbox.check([PERMIT, reasons()], seconds=0.001)

    assert (Problem(".", 0, 0, "took more than 0.001 seconds to compile"),) == caught.value.problems


def test_a_child_that_dies_is_told() -> None:
    """A text that the child dies of is a problem of the policy, and nothing else dies."""
    # Thousands of helpers keep the child busy until its time of the processor is over; that
    # a system sets this lower, as here, it passes on to its children.
    chain = "''.join(f'a{n}(x)if a{n + 1}(x);' for n in range(12_000))"
    process = run(
        "import resource\n"
        "from authz_service.domain.errors import PolicyInvalid\n"
        "from authz_service.policy.bundle import Source\n"
        "from authz_service.policy.sandbox import check\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (2, 2))\n"
        "try:\n"
        f"    check([Source('a.polar', ({chain}).encode())])\n"
        "except PolicyInvalid as error:\n"
        "    print(error)\n"
    )

    assert (0, ".:0:0: killed the process that compiled it (SIGKILL)") == (
        process.returncode,
        process.stdout.strip(),
    )


def test_a_child_that_fails_is_told() -> None:
    """An error that nobody foresaw, as with a name that cannot be, is a refusal and no pass."""
    with pytest.raises(PolicyInvalid) as caught:
        sandbox.check([PERMIT, reasons(), Source("\udcff.polar", b"")])

    message = "ended the process that compiled it with exit code 1"
    assert (Problem(".", 0, 0, message),) == caught.value.problems


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
