"""
The tests that stand beside the policies: facts, questions, and what is expected.

A file ``delegating_test.toml`` holds who is what in which company at one moment, and
cases. A case asks every combination of those who act, actions and what is acted on; what it
does not list under ``allow`` has to be denied. Everything has a name of the author's choice;
CPFs, CNPJs and numbers of foreign companies are made up where none is given.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from authz_service.domain.decision import Decision, Question
from authz_service.domain.facts import Facts
from authz_service.domain.known import facts_of
from authz_service.policy.bundle import Source
from authz_service.policy.reading.text import Unreadable, decode
from authz_service.policy.reading.toml_places import Places
from authz_service.policy.suites.cases import Expected, questions
from authz_service.policy.suites.tables import SuiteInvalid, Table
from authz_service.policy.suites.world import World
from authz_service.usecases.ports import Policy

Watch = Callable[[Question, Facts], None]
"""Hears every question of a run, once it is answered."""


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

    @property
    def wanted(self) -> str:
        """The expected answer in words."""
        return _say(self.expected.allowed, self.expected.reasons)

    @property
    def got(self) -> str:
        """What the policy answers, in words."""
        return _say(self.actual.allowed, self.actual.reasons)

    def __str__(self) -> str:
        lines = [
            f"{self.file}: {self.expected.case}: {self.expected.asked}",
            f"    expected {self.wanted}",
            f"    but is   {self.got}",
        ]
        lines += [f"    rule     {place}" for place in self.actual.rules]
        lines += [f"    error    {error.rule}: {error.cause}" for error in self.actual.errors]
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


def run(policy: Policy, suites: Iterable[Source], watch: Watch | None = None) -> Report:
    """
    Run every test file of *suites* against *policy*; *watch* hears what is asked.

    Raises:
        SuiteInvalid: a file is no test.
    """
    files, asked, differences = 0, 0, []
    for suite in suites:
        files += 1
        for expected in read(suite.file, suite.content):
            asked += 1
            facts = facts_of(expected.question, expected.known, expected.moment)
            actual = policy.evaluate(expected.question, facts)
            if watch is not None:
                watch(expected.question, facts)
            same_reasons = expected.reasons in (None, actual.reasons)
            if actual.allowed is not expected.allowed or not same_reasons:
                differences.append(Difference(suite.file, expected, actual))
    return Report(files, asked, tuple(differences))


def read(file: str, content: bytes) -> list[Expected]:
    """
    Read one test file.

    Raises:
        SuiteInvalid: names the file and the place in it.
    """
    try:
        text = decode(file, content)
        loaded = tomllib.loads(text)
    except Unreadable as error:
        raise SuiteInvalid(file, str(error)) from error
    # A number of 5,000 digits is a ValueError as well, 10,000 brackets are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise SuiteInvalid(file, f"is no TOML: {error}") from error
    try:
        world = World(Table(loaded))
        places = Places(text)
        return [
            one
            for number, case in enumerate(world.cases, start=1)
            for one in questions(world, case, places.of("case", number)[0])
        ]
    except SuiteInvalid as error:
        raise SuiteInvalid(f"{file}: {error.field}", error.message) from error
