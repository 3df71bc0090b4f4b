"""
Compiles and tests candidate policies in a child process with limits, before anyone else does.

oso is native code: 10,000 nested brackets kill the process, and long chains keep it busy
for minutes. ``syntax`` refuses what is known to do so; what is not known kills the child.
Run as a module, this file is that child: sources come in on stdin, problems go out on stdout,
and how far it is on stderr. What it does stands in ``stages``.
"""

from __future__ import annotations

import base64
import json
import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import astuple
from threading import Thread
from typing import BinaryIO

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source
from authz_service.policy.judging import stages
from authz_service.policy.judging.stages import Progress, Verdict

_CHILD = "authz_service.policy.judging.sandbox"
MAX_SECONDS = 60
"""How long the child may take, by the wall clock; half of it by the processor's."""
MAX_BYTES = 2 * 1024**3
"""How much address space the child may have."""
NO_VERDICT = frozenset(("timeout", "stopped"))
"""The checks that say nothing of a policy: on another day the same text may pass."""
_STOPPED = (-signal.SIGKILL, -signal.SIGXCPU)
_PROGRESS = "progress: "
_MAX_LINE = 1_000
_REMEDY = "is the machine busy? otherwise take out what was added last, or split it"


def check(
    sources: Sequence[Source],
    suites: Sequence[Source] = (),
    *,
    seconds: float = MAX_SECONDS,
    progress: Progress | None = None,
) -> int:
    """
    Compile *sources* in a child process, check them, run *suites*, and forget the result.

    This is the gate that a policy has to pass before anybody is decided by it.

    Args:
        sources: the files that decide.
        suites: the test files.
        seconds: how long the child may take, by the wall clock.
        progress: hears how far the child is, from another thread.

    Returns:
        how many questions the tests asked.

    Raises:
        PolicyInvalid: with the problems that the child found, or how it died.
    """
    verdict = examine(sources, suites, seconds=seconds, progress=progress)
    if verdict.problems:
        raise PolicyInvalid(verdict.problems)
    return verdict.questions


def examine(
    sources: Sequence[Source],
    suites: Sequence[Source] = (),
    *,
    seconds: float = MAX_SECONDS,
    progress: Progress | None = None,
) -> Verdict:
    """Do as ``check`` does, and give all that the child says. Never raises for a policy's sake."""
    request = json.dumps([_packed(sources), _packed(suites)])
    returned, answered = _run(request.encode(), seconds, progress or _nobody)
    if returned is None:
        message = f"took more than {seconds} seconds to compile, check and test"
        return _refused(message, "timeout", _REMEDY)
    if returned != 0:
        # The system stops it for its time of the processor, or for want of memory.
        stopped = returned in _STOPPED
        remedy = _REMEDY if stopped else "take out what was added last"
        return _refused(_death(returned), "stopped" if stopped else "killed", remedy)
    rules, problems, unused, questions = json.loads(answered)
    return Verdict(rules, _problems(problems), _problems(unused), questions)


def _run(request: bytes, seconds: float, progress: Progress) -> tuple[int | None, bytes]:
    """Give the child's exit code, None if it took too long, and its answer."""
    processor_seconds = max(1, math.ceil(seconds / 2))
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as said:
        try:
            child = subprocess.Popen(  # noqa: S603 - this Python, with a number for an argument
                [sys.executable, "-I", "-m", _CHILD, str(processor_seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=writing,
            )
        finally:
            os.close(writing)
        # Not by `communicate`, which would tell of it only at the end.
        listener = Thread(target=_listen, args=(said, progress), daemon=True)
        listener.start()
        try:
            answered, _none = child.communicate(request, timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return None, b""
        finally:
            listener.join()
    return child.returncode, answered


def _listen(said: BinaryIO, progress: Progress) -> None:
    while line := said.readline(_MAX_LINE):
        text = line.decode(errors="replace")
        if text.startswith(_PROGRESS):
            progress(text.removeprefix(_PROGRESS).rstrip("\n"))


def _nobody(_said: str) -> None:
    """Hear nothing."""


def _refused(message: str, check_code: str, remedy: str) -> Verdict:
    return Verdict(None, (Problem(".", 0, 0, message, check_code, remedy),), ())


def _packed(sources: Sequence[Source]) -> list[list[str]]:
    return [[one.file, base64.b64encode(one.content).decode()] for one in sources]


def _unpacked(packed: Sequence[Sequence[str]]) -> list[Source]:
    return [Source(file, base64.b64decode(content)) for file, content in packed]


def _problems(fields: Sequence[Sequence[str]]) -> tuple[Problem, ...]:
    return tuple(Problem(*one) for one in fields)  # type: ignore[arg-type]  # as `answer` wrote it


def _death(code: int) -> str:
    if code < 0:
        return f"killed the process that compiled it ({signal.Signals(-code).name})"
    return f"ended the process that compiled it with exit code {code}"


def answer(request: bytes, progress: Progress) -> str:
    """Put what *request* holds through all stages, and give the verdict as JSON."""
    sources, suites = (_unpacked(one) for one in json.loads(request))
    verdict = stages.judge(sources, suites, progress)
    lists = [[astuple(one) for one in part] for part in (verdict.problems, verdict.unused)]
    return json.dumps([verdict.rules, *lists, verdict.questions])


def limit(
    processor_seconds: int,
) -> None:  # pragma: no cover - it binds for good; a test reads it back in a child
    """Bound what this process may use; for good, so only for a child."""
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MAX_BYTES),
        (resource.RLIMIT_CPU, processor_seconds),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _soft, hard = resource.getrlimit(which)
        # Nobody may raise a limit that the system has set lower.
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (bound, bound))


def _say(said: str) -> None:  # pragma: no cover - the child, which coverage does not follow
    sys.stderr.write(f"{_PROGRESS}{said}\n")
    sys.stderr.flush()


if __name__ == "__main__":  # pragma: no cover - the child, which coverage does not follow
    limit(int(sys.argv[1]))
    sys.stdout.write(answer(sys.stdin.buffer.read(), _say))
