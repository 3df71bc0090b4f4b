"""What the verbs about rules share: a policy that a child process has survived, and its ways."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from authz_service.cli import progress
from authz_service.domain.errors import PolicyInvalid
from authz_service.policy.bundle import Source, build, collect
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.exploring import Exploration
from authz_service.policy.judging import sandbox
from authz_service.policy.judging.findings import CHECKS
from authz_service.policy.judging.stages import Verdict


def verdict_on(sources: Sequence[Source]) -> Verdict:
    """Give what a child process says of *sources*, and show how far it is."""
    with progress.judging() as judged:
        return sandbox.examine(sources, progress=judged)


def usable(folder: Path) -> CompiledPolicy:
    """
    Compile what *folder* holds; what exploring finds wrong, ``authz policy check`` tells.

    Raises:
        PolicyInvalid: with every problem that keeps the rules from being asked at all.
    """
    sources = collect(folder)
    problems = verdict_on(sources).problems
    if any(problem.check not in CHECKS for problem in problems):
        raise PolicyInvalid(problems)
    return build(sources)


def explored(policy: CompiledPolicy) -> Exploration:
    """
    Explore *policy* and show how far that is.

    The child has done it before, under limits, but the trees that it made end with it.
    """
    with progress.exploring() as told:
        return policy.explore(told)
