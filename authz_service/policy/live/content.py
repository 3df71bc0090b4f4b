"""What the policy folder holds at one look: what decides, and the tests beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source, collect, collect_suites, digest_of


@dataclass(frozen=True, slots=True)
class Content:
    """
    What the policy folder holds, or why that cannot be read.

    Attributes:
        sources: the files that decide.
        suites: the tests.
        problems: why it cannot be read; there is nothing else then.
    """

    sources: tuple[Source, ...] = ()
    suites: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def digest(self) -> str:
        """Another one as soon as a byte, a name or a problem is another one."""
        if self.problems:
            return hashlib.sha256("\n".join(map(str, self.problems)).encode()).hexdigest()
        return digest_of([*self.sources, *self.suites])

    @property
    def policy(self) -> str:
        """The digest of the policy that it makes, whatever its tests are."""
        return digest_of(self.sources)


def look_into(folder: Path) -> Content:
    """Read all of *folder* that counts; what keeps it from being read is a problem."""
    try:
        return Content(collect(folder), collect_suites(folder))
    except PolicyInvalid as error:
        return Content(problems=error.problems)
    except OSError as error:
        said = f"cannot be read: {error.strerror}"
        return Content(problems=(Problem(".", 0, 0, said, "unreadable"),))
