"""
Compiles candidate policies in a child process with limits, before anyone else does.

oso is native code: 10,000 nested brackets kill the process, and long chains keep it busy
for minutes. ``syntax`` refuses what is known to do so; what is not known kills the child.
Run as a module, this file is that child: sources come in on stdin, problems go out on stdout.
"""

from __future__ import annotations

import base64
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source, build

MAX_SECONDS = 20
"""How long the child may take, by the wall clock; half of it by the processor's."""
MAX_BYTES = 2 * 1024**3
"""How much address space the child may have."""


def check(sources: Sequence[Source], *, seconds: float = MAX_SECONDS) -> None:
    """
    Build *sources* in a child process and forget the result.

    Args:
        sources: the files that decide.
        seconds: how long the child may take, by the wall clock.

    Raises:
        PolicyInvalid: with the problems that the child found, or how it died.
    """
    request = json.dumps(
        [[source.file, base64.b64encode(source.content).decode()] for source in sources]
    )
    try:
        child = subprocess.run(
            [sys.executable, "-I", "-m", "authz_service.policy.sandbox"],
            input=request.encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"took more than {seconds} seconds to compile"
        raise PolicyInvalid([Problem(".", 0, 0, message)]) from error
    if child.returncode != 0:
        raise PolicyInvalid([Problem(".", 0, 0, _death(child.returncode))])
    problems = [Problem(*fields) for fields in json.loads(child.stdout)]
    if problems:
        raise PolicyInvalid(problems)


def _death(code: int) -> str:
    if code < 0:
        return f"killed the process that compiled it ({signal.Signals(-code).name})"
    return f"ended the process that compiled it with exit code {code}"


def answer(request: bytes) -> str:
    """Build what *request* holds, and give the problems as JSON."""
    sources = [Source(file, base64.b64decode(content)) for file, content in json.loads(request)]
    try:
        build(sources)
        problems: tuple[Problem, ...] = ()
    except PolicyInvalid as error:
        problems = error.problems
    return json.dumps([[one.file, one.line, one.column, one.message] for one in problems])


def limit() -> None:  # pragma: no cover - it binds for good; a test reads it back in a child
    """Bound what this process may use; for good, so only for a child."""
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MAX_BYTES),
        (resource.RLIMIT_CPU, MAX_SECONDS // 2),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _soft, hard = resource.getrlimit(which)
        # Nobody may raise a limit that the system has set lower.
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (bound, bound))


if __name__ == "__main__":  # pragma: no cover - the child, which coverage does not follow
    limit()
    sys.stdout.write(answer(sys.stdin.buffer.read()))
