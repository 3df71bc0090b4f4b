"""Which policy every worker decides by, and why an edit of the files is not in force."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.policies import Attempt, Outcome, WorkerPolicy
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Text, flag, instant, whole, written
from authz_service.web.guards import needs

_TAG = "Operation"
_MOST = 2**31 - 1
_MOST_PROBLEMS = 20

Workers = Callable[[], Sequence[WorkerPolicy]]
"""Tells which policy every worker decides by."""


class PolicyProblemAnswer(Answer):
    """
    One thing wrong in a policy file; line and column are 0 where the whole is meant.

    ``check`` is a stable code of what found it, ``remedy`` what to do, empty if nobody can say.
    """

    file = Text(required=True)
    line = whole(0, _MOST, required=True)
    column = whole(0, _MOST, required=True)
    message = Text(required=True)
    check = Text(required=True)
    remedy = Text(required=True)


class AttemptAnswer(Answer):
    """
    The last attempt to put in force what the policy folder holds.

    ``refused`` is not tried again until the folder changes, ``postponed`` is. ``problems`` are
    the first of ``problem_count``. ``questions`` is how many its tests asked, null where it did
    not pass; ``passed_over`` are the first files that are not read for their names.
    """

    at = instant(required=True)
    outcome = Text(required=True, choices=tuple(Outcome))
    problem_count = whole(0, _MOST, required=True)
    problems = fields.List(fields.Nested(PolicyProblemAnswer), required=True)
    questions = whole(0, _MOST, required=True, allow_none=True)
    passed_over = fields.List(Text(), required=True)


class WorkerPolicyAnswer(Answer):
    """
    The policy that a worker decides by; null where there is none.

    ``source`` is ``last-good`` where it is the kept copy, since at the start what the folder
    held was not good. ``current`` says that what it held at the last attempt is in force.
    """

    worker = Text(required=True)
    pid = whole(0, _MOST, required=True)
    digest = Text(required=True, allow_none=True)
    since = instant(required=True, allow_none=True)
    source = Text(required=True, allow_none=True)
    current = flag(required=True)
    attempt = fields.Nested(AttemptAnswer, required=True, allow_none=True)


class PolicyAnswer(Answer):
    """The policy in force; ``current`` says that all workers decide by what the folder holds."""

    current = flag(required=True)
    workers = fields.List(fields.Nested(WorkerPolicyAnswer), required=True)


def blueprint(workers: Workers) -> Blueprint:
    """Build the route around the one who tells what the workers decide by."""
    bp = Blueprint("policy", __name__, url_prefix="/v1/policy")

    @bp.get("")
    @needs("policy:read")
    @describes(_TAG, answer=PolicyAnswer)
    def show() -> ResponseReturnValue:
        """Tell which policy is in force, since when, and what became of the last edit."""
        found = workers()
        return {"current": _agreed(found), "workers": [_worker(one) for one in found]}

    return bp


def _agreed(workers: Sequence[WorkerPolicy]) -> bool:
    """Tell whether all decide by what the folder holds, and have seen the same of it."""
    attempts = [one.status.attempt for one in workers]
    seen = {None if one is None else one.content for one in attempts}
    return len(seen) == 1 and all(one.status.current for one in workers)


def _worker(worker: WorkerPolicy) -> dict[str, Any]:
    status = worker.status
    return {
        "worker": worker.place,
        "pid": worker.pid,
        "digest": status.digest,
        "since": written(status.since),
        "source": None if status.origin is None else status.origin.value,
        "current": status.current,
        "attempt": None if status.attempt is None else _attempt(status.attempt),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": written(attempt.moment),
        "outcome": attempt.outcome.value,
        "problem_count": len(attempt.problems),
        "problems": [dataclasses.asdict(one) for one in attempt.problems[:_MOST_PROBLEMS]],
        "questions": attempt.questions,
        "passed_over": list(attempt.passed_over),
    }
