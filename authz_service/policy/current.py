"""Where the current policy is to be had, or why there is none."""

from __future__ import annotations

from pathlib import Path

from authz_service.domain.errors import PolicyInvalid, PolicyUnavailable, Problem
from authz_service.policy import sandbox
from authz_service.policy.bundle import build, collect
from authz_service.policy.compiled import CompiledPolicy


class CurrentPolicy:
    """
    Holds the policy of a folder; without a valid one nothing is decided.

    Args:
        folder: the policy folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._policy: CompiledPolicy | None = None
        self.problems: tuple[Problem, ...] = ()

    def load(self) -> None:
        """Compile the folder in a child process, then here; a failure keeps what there was."""
        try:
            sources = collect(self._folder)
            sandbox.check(sources)
            self._policy = build(sources)
            self.problems = self._policy.flaws
        except PolicyInvalid as error:
            self.problems = error.problems

    def current(self) -> CompiledPolicy:
        """
        Give the policy in force.

        Raises:
            PolicyUnavailable: there is none.
        """
        if self._policy is None:
            raise PolicyUnavailable("no valid policy is loaded")
        return self._policy

    def flaw(self) -> str | None:
        """Give the first thing that is wrong with the policy in force or its last edit, or None."""
        if self._policy is None or not self.problems:
            return None
        return f"{len(self.problems)} problems, the first: {self.problems[0]}"

    def ailment(self) -> str | None:
        """Give why there is no policy, or None if there is one."""
        if self._policy is not None:
            return None
        first = self.problems[0] if self.problems else "it was never loaded"
        return f"no valid policy is loaded: {first}"
