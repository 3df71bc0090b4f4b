"""
What each worker says of its policy, in one file of its own, so that any of them can tell of all.

A file is believed as long as its writer holds a lock on it, which the system lets go of when
that process ends in whatever way. So a worker that is gone misleads nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from authz_service.domain.errors import Problem
from authz_service.domain.policies import Attempt, Origin, Outcome, PolicyStatus, WorkerPolicy
from authz_service.policy.live.disk import alone

MOST_PROBLEMS = 100
"""How many problems of an attempt are told; whoever mends those sees the others."""

_ENDING = ".json"


def in_order(workers: Iterable[WorkerPolicy]) -> list[WorkerPolicy]:
    """Give *workers* by their places, of which ``2`` comes before ``10``."""
    return sorted(workers, key=lambda one: (len(one.place), one.place, one.pid))


class StatusBoard:
    """
    Where the workers of a data folder say which policy they decide by.

    Args:
        folder: where the files are; made at the first ``post``, for the owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Not the number of a process: containers that share a folder may have the same.
        self._mine = folder / f"{secrets.token_hex(8)}{_ENDING}"
        self._held: int | None = None

    def post(self, worker: WorkerPolicy) -> None:
        """
        Say what this process decides by, in the place of what it said before.

        Raises:
            OSError: it cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(self._folder):
            if self._held is None:
                self._sweep()
                self._held = os.open(self._mine, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._held, fcntl.LOCK_EX)
            os.ftruncate(self._held, 0)
            os.pwrite(self._held, json.dumps(_written(worker)).encode(), 0)

    def others(self) -> list[WorkerPolicy]:
        """
        Give what every other process says that lives, by their places.

        Raises:
            OSError: the folder cannot be read.
        """
        if not self._folder.exists():
            return []
        with alone(self._folder):
            found = [_read(path) for path in self._files() if path != self._mine]
        return in_order(worker for worker in found if worker is not None)

    def close(self) -> None:
        """Say nothing any more."""
        if self._held is not None:
            self._mine.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None

    def _sweep(self) -> None:
        """Take away what workers have left that were killed."""
        for path in self._files():
            with path.open("rb") as file:
                if _free(file.fileno()):
                    path.unlink()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_ENDING}"))


def _free(descriptor: int) -> bool:
    """Tell whether nobody holds a file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _written(worker: WorkerPolicy) -> dict[str, Any]:
    status, attempt = worker.status, worker.status.attempt
    return {
        "place": worker.place,
        "pid": worker.pid,
        "digest": status.digest,
        "since": _text(status.since),
        "origin": status.origin,
        "attempt": None
        if attempt is None
        else {
            "moment": _text(attempt.moment),
            "content": attempt.content,
            "outcome": attempt.outcome,
            "problems": [astuple(one) for one in attempt.problems[:MOST_PROBLEMS]],
            "questions": attempt.questions,
            "passed_over": attempt.passed_over,
        },
    }


def _read(path: Path) -> WorkerPolicy | None:
    """Read what a process says; None if it is gone, or what it says is of another version."""
    with path.open("rb") as file:
        if _free(file.fileno()):
            return None
        try:
            return _worker(json.load(file))
        except Exception:  # noqa: BLE001 -- one odd file may not keep the others from being told
            return None


def _worker(found: Any) -> WorkerPolicy:
    said, since, origin = found["attempt"], found["since"], found["origin"]
    status = PolicyStatus(
        _as(str | None, found["digest"]),
        None if since is None else datetime.fromisoformat(since),
        None if origin is None else Origin(origin),
        None if said is None else _attempt(said),
    )
    return WorkerPolicy(_as(str, found["place"]), _as(int, found["pid"]), status)


def _attempt(said: Any) -> Attempt:
    return Attempt(
        datetime.fromisoformat(said["moment"]),
        _as(str, said["content"]),
        Outcome(said["outcome"]),
        tuple(map(_problem, said["problems"])),
        _as(int | None, said["questions"]),
        tuple(_as(str, file) for file in said["passed_over"]),
    )


def _problem(fields: Any) -> Problem:
    file, line, column, *texts = fields
    return Problem(_as(str, file), _as(int, line), _as(int, column), *(_as(str, t) for t in texts))


def _as(kind: Any, value: Any) -> Any:
    """Give *value* if it is of a *kind*; what shows it relies on that."""
    if not isinstance(value, kind):
        raise TypeError("not as it is written")
    return value


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
