"""
One request to a running service and what has to come back, about the certification fixture.

An answer is told by a few words, see ``asking.told``: ``200 true``, ``200 [true, false!]`` with
an ``!`` where an item has its own error, or the status of a problem.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
METADATA = "/.well-known/authzen-configuration"
PDP_ID = "https://pdp.example"
MAX_BATCH = 60
OURS, NONE = "ours", "none"
"""Which key comes with a request; anything else is the header ``Authorization`` itself."""

ALICE = {"type": "user", "id": "alice"}
BOB = {"type": "user", "id": "bob"}
FIRST, SECOND = {"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}
READ, WRITE = {"name": "read"}, {"name": "write"}
METADATA_TOLD = "200 " + json.dumps(
    {
        "policy_decision_point": PDP_ID,
        "access_evaluation_endpoint": PDP_ID + EVALUATION,
        "access_evaluations_endpoint": PDP_ID + EVALUATIONS,
    }
)
"""The whole document about the decision point."""

A: dict[str, Any] = {"subject": ALICE, "action": READ, "resource": FIRST}
"""A request that is allowed."""


@dataclass(frozen=True)
class Vector:
    """
    One request and what has to come back.

    Attributes:
        row: the row of the checklist, or ``suite``.
        name: what it is about; unique within the row.
        body: what is sent, or None for no body at all.
        answers: the answers that are right, in the words of ``asking.told``.
        path: the path that is asked.
        method: the HTTP method.
        headers: further headers; a ``Content-Type`` of None sends none.
        key: ``OURS``, ``NONE``, or the text of the header ``Authorization``.
        brings: headers that the answer has to have; ``*`` stands for any value.
        times: how often it is asked; the body has to be the same each time.
        loose: whether errors of items are not looked at.
    """

    row: str
    name: str
    body: bytes | None
    answers: tuple[str, ...]
    path: str = EVALUATION
    method: str = "POST"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    key: str = OURS
    brings: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    loose: bool = False

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


def vector(row: int, name: str, body: object, *answers: str, **options: Any) -> Vector:
    """Make a vector whose body is JSON, unless it is bytes or None already."""
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return Vector(str(row), name, sent, answers, **options)


def changed(path: str, value: object) -> dict[str, Any]:
    """Give request A with the member at the dotted *path* set."""
    body = copy.deepcopy(A)
    *way, last = path.split(".")
    inner = body
    for step in way:
        inner = inner.setdefault(step, {})
    inner[last] = value
    return body


def without(path: str) -> dict[str, Any]:
    """Give request A without the member at the dotted *path*."""
    body = copy.deepcopy(A)
    *way, last = path.split(".")
    inner = body
    for step in way:
        inner = inner[step]
    del inner[last]
    return body


def short(value: object) -> str:
    """Give a value as JSON, cut."""
    text = json.dumps(value)
    return text if len(text) <= 24 else text[:21] + "..."
