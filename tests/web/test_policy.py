"""The policy in force over HTTP: every worker's, and why an edit is not in force."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.errors import Problem
from authz_service.domain.policies import Attempt, Origin, Outcome, PolicyStatus, WorkerPolicy
from tests.fakes.clock import NOON
from tests.fakes.service import Service

DIGEST = "d" * 64
PROBLEM = Problem("a.polar", 3, 4, "is wrong", "unknown-fact", "mend it")
SHOWN = {
    "file": "a.polar",
    "line": 3,
    "column": 4,
    "message": "is wrong",
    "check": "unknown-fact",
    "remedy": "mend it",
}
UNREAD = ("closed.polar.txt",)
NOON_SHOWN = "2026-11-20T15:00:00Z"


def status(outcome: Outcome, *problems: Problem) -> PolicyStatus:
    """Give a policy of the folder's, after an attempt with *outcome*."""
    return PolicyStatus(
        DIGEST,
        NOON,
        Origin.FOLDER,
        Attempt(NOON, "c", outcome, problems, None if problems else 7, UNREAD),
    )


def test_every_worker_is_told(service: Service) -> None:
    """One that refuses an edit says why, beside one that has not come to it."""
    service.workers = [
        WorkerPolicy("1", 12, status(Outcome.APPLIED)),
        WorkerPolicy("2", 34, status(Outcome.REFUSED, PROBLEM)),
    ]
    answer = service.send("GET", "/v1/policy")
    body: Any = answer.get_json()

    common = {"digest": DIGEST, "since": NOON_SHOWN, "source": "folder"}
    both = {"at": NOON_SHOWN, "passed_over": list(UNREAD)}
    applied = {**both, "outcome": "applied", "problem_count": 0, "problems": [], "questions": 7}
    refused = {**both, "outcome": "refused", "problem_count": 1, "problems": [SHOWN]}
    refused["questions"] = None
    assert (200, False) == (answer.status_code, body["current"])
    assert [
        {"worker": "1", "pid": 12, **common, "current": True, "attempt": applied},
        {"worker": "2", "pid": 34, **common, "current": False, "attempt": refused},
    ] == body["workers"]


@pytest.mark.parametrize(
    ("found", "current"),
    [
        (status(Outcome.APPLIED), True),
        (status(Outcome.POSTPONED, PROBLEM), False),
        (PolicyStatus(), False),
    ],
    ids=["in force", "has to wait", "nothing was tried"],
)
def test_it_is_current_where_the_folder_is_in_force(
    service: Service, found: PolicyStatus, current: bool
) -> None:
    """One member says whether anything has to be looked into, also where there is no policy."""
    service.workers = [WorkerPolicy("0", 1, found)]

    answer: Any = service.send("GET", "/v1/policy").get_json()
    assert (current, current) == (answer["current"], answer["workers"][0]["current"])


def test_workers_that_have_seen_different_folders_are_not_current(service: Service) -> None:
    """For a second after an edit one worker has it and another has not: it is not in force yet."""
    newer = PolicyStatus("e" * 64, NOON, Origin.FOLDER, Attempt(NOON, "d", Outcome.APPLIED))
    service.workers = [
        WorkerPolicy("1", 1, newer),
        WorkerPolicy("2", 2, status(Outcome.APPLIED)),
    ]

    answer: Any = service.send("GET", "/v1/policy").get_json()
    assert (False, [True, True]) == (
        answer["current"],
        [one["current"] for one in answer["workers"]],
    )


def test_problems_are_shown_up_to_a_number(service: Service) -> None:
    """The first twenty are shown, and how many there are."""
    service.workers = [WorkerPolicy("0", 1, status(Outcome.REFUSED, *[PROBLEM] * 21))]

    answer: Any = service.send("GET", "/v1/policy").get_json()
    attempt = answer["workers"][0]["attempt"]
    assert (21, [SHOWN] * 20) == (attempt["problem_count"], attempt["problems"])


def test_it_takes_its_own_scope(service: Service) -> None:
    """Problems quote the policy, so a key for the metrics does not show them."""
    key = service.key_for("metrics")

    assert 403 == service.send("GET", "/v1/policy", key=key).status_code
