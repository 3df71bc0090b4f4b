"""
What a candidate policy goes through before it may decide: compile, then whatever asks it.

Everything in here runs in the child process of ``sandbox``. A stage gives problems; those of
``ASKING`` all run on a policy that compiled without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source, digest_of, examined, policy_of
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.judging.findings import findings
from authz_service.policy.reading.examining import unused_reasons
from authz_service.policy.reading.reasons import no_toml
from authz_service.policy.reading.telling import MAX_PROBLEMS
from authz_service.policy.reading.text import Unreadable
from authz_service.policy.reading.toml_places import Places
from authz_service.policy.suites import suite
from authz_service.policy.suites.suite import Difference
from authz_service.policy.suites.tables import SuiteInvalid

_EVERY = 50

Progress: TypeAlias = Callable[[str], None]
"""Hears in a few words how far the work is."""


@dataclass(slots=True)
class Candidate:
    """
    A policy that compiled.

    Attributes:
        policy: the policy, to be asked.
        suites: the test files.
        questions: how many questions these have asked so far.
    """

    policy: CompiledPolicy
    suites: tuple[Source, ...]
    questions: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What is to be said of a candidate.

    Attributes:
        rules: how many permits and forbids could be read; None if nobody knows.
        problems: why it may not decide; none if it may.
        unused: reasons that no rule gives, which harm nobody.
        questions: how many questions its tests asked; 0 if it did not come to them.
    """

    rules: int | None
    problems: tuple[Problem, ...]
    unused: tuple[Problem, ...]
    questions: int = 0


def judge(sources: Sequence[Source], suites: Sequence[Source], progress: Progress) -> Verdict:
    """Put a candidate through every stage; a text that kills oso kills this process."""
    progress(f"compile {len(sources)} files")
    found = examined(sources)
    rules = sum(rule.decides for rule in found.rules)
    unused = tuple(unused_reasons(found))
    try:
        policy = policy_of(found, digest_of(sources))
    except PolicyInvalid as error:
        return Verdict(rules, tuple(sorted([*error.problems, *found.unasked])), unused)
    problems = [*policy.flaws]
    candidate = Candidate(policy, tuple(suites))
    # What cannot be meant errs when it is asked: every stage would tell it again.
    if not problems:
        problems = [problem for stage in ASKING for problem in stage(candidate, progress)]
    told = tuple(sorted([*problems, *found.unasked]))
    return Verdict(rules, told, unused, candidate.questions)


def explored(candidate: Candidate, progress: Progress) -> Iterator[Problem]:
    """Explore every way through every rule, and tell what cannot be meant."""

    def tell(done: int, rules: int) -> None:
        if done % _EVERY == 0 or done == rules:
            progress(f"explore {done} of {rules}")

    yield from findings(candidate.policy.explore(tell))


def tests(candidate: Candidate, progress: Progress) -> Iterator[Problem]:
    """Run the test files, and tell every question that is answered otherwise than expected."""
    for number, one in enumerate(candidate.suites, start=1):
        progress(f"test file {number} of {len(candidate.suites)}: {one.file}")
        try:
            report = suite.run(candidate.policy, [one])
        except SuiteInvalid as error:
            yield from _no_test(one, error)
            continue
        candidate.questions += report.asked
        yield from map(_failed, report.differences[:MAX_PROBLEMS])


def _no_test(source: Source, error: SuiteInvalid) -> Iterator[Problem]:
    if isinstance(error.__cause__, Unreadable):
        yield from error.__cause__.problems
        return
    if isinstance(error.__cause__, ValueError | RecursionError):
        yield no_toml(source.file, error.__cause__)
        return
    field = error.field.removeprefix(f"{source.file}: ")
    steps = (int(one) if one.isdigit() else one for one in re.split("[ .]", field))
    place = Places(source.content.decode()).of(*steps)
    remedy = "see the form of a test file in README.md"
    yield Problem(source.file, *place, f"{field}: {error.message}", "test-invalid", remedy)


def _failed(difference: Difference) -> Problem:
    expected = difference.expected
    _asked, *said = (" ".join(line.split()) for line in str(difference).splitlines())
    return Problem(
        difference.file,
        expected.line,
        0,
        f"{expected.case}: {expected.asked}: {', '.join(said)}",
        "test-failed",
        "correct the rule, or the test if the new answer is meant",
    )


ASKING: tuple[Callable[[Candidate, Progress], Iterator[Problem]], ...] = (explored, tests)
"""The stages that ask a policy, each of which gives what is wrong with it."""
