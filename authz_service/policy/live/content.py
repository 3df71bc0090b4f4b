"""What the policy folder holds at one look: what decides, and the tests beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source, collect, collect_suites, digest_of, strays


@dataclass(frozen=True, slots=True)
class Content:
    """
    What the policy folder holds, or why that cannot be read.

    Attributes:
        sources: the files that decide.
        suites: the tests.
        problems: why it cannot be read; there is nothing else then.
        passed_over: the files that look as if they were meant, but are not read for their names.
    """

    sources: tuple[Source, ...] = ()
    suites: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Another one as soon as a byte, a name or a problem is another one."""
        if self.problems:
            return hashlib.sha256("\n".join(map(str, self.problems)).encode()).hexdigest()
        # Of what is not read the name alone counts, so that it is told.
        unread = [Source(file, b"") for file in self.passed_over]
        return digest_of([*self.sources, *self.suites, *unread])

    @property
    def policy(self) -> str:
        """The digest of the policy that it makes, whatever its tests are."""
        return digest_of(self.sources)


def look_into(folder: Path) -> Content:
    """Read all of *folder* that counts; what keeps it from being read is a problem."""
    try:
        sources, suites = collect(folder), collect_suites(folder)
        passed_over = tuple(_printable(one.file) for one in strays(folder))
        return Content(sources, suites, passed_over=passed_over)
    except PolicyInvalid as error:
        problems = (replace(one, file=_printable(one.file)) for one in error.problems)
        return Content(problems=tuple(problems))
    except OSError as error:
        return unreadable(f"cannot be read: {error.strerror}")


def unreadable(said: str) -> Content:
    """Give the content of a folder of which no more is known than what is *said*."""
    return Content(problems=(Problem(".", 0, 0, said, "unreadable"),))


def _printable(name: str) -> str:
    """Give *name* as it can be shown: one that is no UTF-8 could not even be written."""
    return name if name.isprintable() else ascii(name)
