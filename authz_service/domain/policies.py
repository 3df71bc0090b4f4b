"""Which policy a process decides by, and what became of the last attempt to replace it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from authz_service.domain.errors import Problem
from authz_service.domain.time import require_aware


class Origin(StrEnum):
    """Where the policy in force was read."""

    FOLDER = "folder"
    LAST_GOOD = "last-good"
    """The copy that is kept of the last one that was good, since the folder's is not."""


class Outcome(StrEnum):
    """What became of an attempt to put in force what the policy folder holds."""

    APPLIED = "applied"
    REFUSED = "refused"
    """It is not good; nothing is tried again until the folder changes."""
    POSTPONED = "postponed"
    """
    It could not be checked to the end, as on a busy machine, or not be written down, as on a full
    disk; it is tried again.
    """


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    An attempt to put in force what the policy folder held.

    Attributes:
        moment: when it was.
        content: SHA-256 of what the folder held, tests included, hexadecimal.
        outcome: what became of it.
        problems: why it was not applied; no personal data in them.
        questions: how many its tests asked, all answered as they expect; None where it did not
            come to that, or where another answer was given.
        passed_over: the first files that look as if they were meant, but are not read for their
            names; no personal data in them.
    """

    moment: datetime
    content: str
    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    questions: int | None = None
    passed_over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_aware(self.moment, "moment")


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """
    Which policy one process decides by.

    Attributes:
        digest: that of the policy in force, or None if there is none.
        since: since when this policy is in force, restarts included, or None.
        origin: where it was read, or None.
        attempt: the last one, or None before the first.
    """

    digest: str | None = None
    since: datetime | None = None
    origin: Origin | None = None
    attempt: Attempt | None = None

    def __post_init__(self) -> None:
        if self.since is not None:
            require_aware(self.since, "since")

    @property
    def current(self) -> bool:
        """Whether what the folder held at the last attempt is in force."""
        return self.attempt is not None and self.attempt.outcome is Outcome.APPLIED


@dataclass(frozen=True, slots=True)
class WorkerPolicy:
    """
    Which policy one worker decides by.

    Attributes:
        place: the worker's, such as ``1``; ``0`` where one process serves alone.
        pid: the number of its process.
        status: its policy.
    """

    place: str
    pid: int
    status: PolicyStatus
