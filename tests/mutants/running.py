"""
Tries mutants: each in a copy of the tree, never in the tree itself.

Before the mutants of a target its tests have to pass as they are, on code that comes from the
copy; else every mutant would seem to be killed.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.finding import Mutant

SECONDS = 120
"""How long the tests of one mutant may take; a check whose absence hangs them is tested."""
AT_ONCE = 2

_NOT_COPIED = shutil.ignore_patterns(
    ".*", "*.egg-info", "__pycache__", "build", "var", "node_modules"
)


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "killed (timeout)"
    SURVIVED = "SURVIVED"
    EXCEPTED = "excepted"


class CannotRun(Exception):
    """The tests of a target say nothing about its mutants; holds what pytest printed."""


@dataclass(frozen=True, slots=True)
class Target:
    """
    One module and the tests that have to notice when a check of it is gone.

    Attributes:
        module: its path in the tree.
        tests: paths of test files and folders.
    """

    module: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """
    One mutant and what became of it.

    Attributes:
        target: where it was found.
        mutant: what was disabled.
        outcome: whether the tests noticed.
        seconds: how long they took.
    """

    target: Target
    mutant: Mutant
    outcome: Outcome
    seconds: float


@contextmanager
def copies(tree: Path, count: int = AT_ONCE) -> Iterator[queue.Queue[Path]]:
    """Give a queue of copies of *tree*, which are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        free: queue.Queue[Path] = queue.Queue()
        for number in range(count):
            free.put(Path(shutil.copytree(tree, Path(folder, str(number)), ignore=_NOT_COPIED)))
        yield free


def check_baseline(target: Target, free: queue.Queue[Path]) -> None:
    """
    See that the tests of *target* pass while nothing is disabled, and test the copy.

    Raises:
        CannotRun: they do not, or would test code from elsewhere.
    """
    copy = free.get()
    try:
        package = target.module.split("/", 1)[0]
        origin = f"import {package}; print({package}.__file__)"
        _, printed = _run(copy, [sys.executable, "-c", origin])
        if not Path(printed.strip()).is_relative_to(copy):
            raise CannotRun(f"the tests would import {package} from {printed.strip()}")
        code, printed = _run(copy, _pytest(target))
        if code != 0:
            raise CannotRun(f"the tests of {target.module} do not pass as they are:\n{printed}")
    finally:
        free.put(copy)


def try_all(
    pairs: Sequence[tuple[Target, Mutant]], free: queue.Queue[Path], workers: int = AT_ONCE
) -> Iterator[Trial]:
    """
    Try mutants, as many at once as there are workers; gives each trial when it ends.

    Raises:
        CannotRun: pytest itself failed, which says nothing about the mutant.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        trials: list[Future[Trial]] = [pool.submit(_try, *pair, free) for pair in pairs]
        for trial in as_completed(trials):
            yield trial.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _try(target: Target, mutant: Mutant, free: queue.Queue[Path]) -> Trial:
    copy = free.get()
    module = copy / target.module
    original = module.read_bytes()
    started = time.monotonic()
    try:
        module.write_bytes(mutant.applied(original.decode()).encode())
        outcome = _outcome(mutant, *_run(copy, _pytest(target)))
    finally:
        module.write_bytes(original)
        free.put(copy)
    return Trial(target, mutant, outcome, time.monotonic() - started)


def _outcome(mutant: Mutant, code: int | None, printed: str) -> Outcome:
    if code is None:
        return Outcome.TIMED_OUT
    if code == 0:
        return Outcome.SURVIVED if mutant.excepted is None else Outcome.EXCEPTED
    # 1: a test failed; 2: a test module could not be imported. Else pytest found no tests to run.
    if code in (1, 2):
        return Outcome.KILLED
    raise CannotRun(f"pytest ended with {code}:\n{printed}")


def _pytest(target: Target) -> list[str]:
    return [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *target.tests]


def _run(copy: Path, command: list[str]) -> tuple[int | None, str]:
    """Run *command* in *copy*; gives its exit code, or None if it took too long, and its output."""
    # No bytecode: a mutant of the same size within the same second would be taken for the original.
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command,
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            # The tests may have started processes of their own.
            os.killpg(process.pid, signal.SIGKILL)
            printed, _ = process.communicate()
            return None, printed
        return process.returncode, printed
