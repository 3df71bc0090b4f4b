"""What `authz policy check` says of a policy folder: everything that is wrong in it, at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import collect, digest_of, strays
from authz_service.policy.judging import sandbox
from authz_service.policy.judging.stages import Progress


@dataclass(frozen=True, slots=True)
class Findings:
    """
    What was found in a folder.

    Attributes:
        digest: of the files that decide; None if they could not be read.
        files: how many files with rules there are.
        rules: how many permits and forbids could be read; None if nobody knows.
        problems: all that is wrong, in the order of files and lines.
    """

    digest: str | None
    files: int
    rules: int | None
    problems: tuple[Problem, ...]


def check(folder: Path, progress: Progress | None = None) -> Findings:
    """
    Check the files of *folder* that decide, and tell what else in it does nothing.

    Args:
        folder: the policy folder.
        progress: hears how far it is, from another thread.
    """
    try:
        sources = collect(folder)
    except PolicyInvalid as error:
        return Findings(None, 0, None, tuple(sorted(error.problems)))
    verdict = sandbox.examine(sources, progress=progress)
    problems = sorted([*verdict.problems, *verdict.unused, *strays(folder)])
    return Findings(digest_of(sources), len(sources) - 1, verdict.rules, tuple(problems))
