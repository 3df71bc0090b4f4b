"""
The tests that stand beside the policies: facts, questions, and what is expected.

A file ``delegating_test.toml`` holds who is what in which company at one moment, and
cases. A case asks every combination of those who act, actions and what is acted on; what it
does not list under ``allow`` has to be denied. Everything has a name of the author's choice;
CPFs, CNPJs and numbers of foreign companies are made up where none is given.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from authz_service.domain.decision import Decision
from authz_service.domain.known import facts_of
from authz_service.policy.bundle import TEST_SUFFIX, below
from authz_service.policy.cases import Expected, questions
from authz_service.policy.tables import SuiteInvalid, Table
from authz_service.policy.text import Unreadable, decode
from authz_service.policy.world import World
from authz_service.usecases.ports import Policy


@dataclass(frozen=True, slots=True)
class Difference:
    """
    A question that the policy answers otherwise than expected.

    Attributes:
        file: the test file's path inside the policy folder.
        expected: the question and its expected answer.
        actual: what the policy answers.
    """

    file: str
    expected: Expected
    actual: Decision

    def __str__(self) -> str:
        wanted, got = self.expected, self.actual
        lines = [
            f"{self.file}: {wanted.case}: {wanted.asked}",
            f"    expected {_say(wanted.allowed, wanted.reasons)}",
            f"    but is   {_say(got.allowed, got.reasons)}",
        ]
        lines += [f"    rule     {place}" for place in got.rules]
        lines += [f"    error    {error.rule}: {error.cause}" for error in got.errors]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Report:
    """
    What a run of all test files found.

    Attributes:
        files: how many files were run.
        asked: how many questions were asked.
        differences: those answered otherwise than expected.
    """

    files: int
    asked: int
    differences: tuple[Difference, ...]


def _say(allowed: bool, reasons: Sequence[str] | None) -> str:  # noqa: FBT001 - it is the datum
    given = "" if reasons is None else f" ({', '.join(reasons)})"
    return ("allow" if allowed else "deny") + given


def run(policy: Policy, folder: Path) -> Report:
    """
    Run every test file below *folder* against *policy*.

    Raises:
        SuiteInvalid: a file is no test.
        OSError: a file or folder cannot be read.
    """
    paths = below(folder, TEST_SUFFIX)
    asked, differences = 0, []
    for path in paths:
        file = path.relative_to(folder).as_posix()
        for expected in read(file, path.read_bytes()):
            asked += 1
            facts = facts_of(expected.question, expected.known, expected.moment)
            actual = policy.evaluate(expected.question, facts)
            same_reasons = expected.reasons in (None, actual.reasons)
            if actual.allowed is not expected.allowed or not same_reasons:
                differences.append(Difference(file, expected, actual))
    return Report(len(paths), asked, tuple(differences))


def read(file: str, content: bytes) -> list[Expected]:
    """
    Read one test file.

    Raises:
        SuiteInvalid: names the file and the place in it.
    """
    try:
        loaded = tomllib.loads(decode(file, content))
    except Unreadable as error:
        raise SuiteInvalid(file, str(error)) from error
    # A number of 5,000 digits is a ValueError as well, 10,000 brackets are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise SuiteInvalid(file, f"is no TOML: {error}") from error
    try:
        world = World(Table(loaded))
        return [one for case in world.cases for one in questions(world, case)]
    except SuiteInvalid as error:
        raise SuiteInvalid(f"{file}: {error.field}", error.message) from error
