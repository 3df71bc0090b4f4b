"""Connections that are kept, and a book of what was answered on them."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests import written
from tests.operation.house import Answer


class TurnedAway(http.client.HTTPException):
    """The service was asked for more than it could answer, and said so."""


@dataclass
class Ledger:
    """
    What all callers heard.

    Attributes:
        decided: the decision of each answer by its name in the log.
        twice: names that more than one answer had.
        acts: how many calls that change something were answered.
        wrong: answers that should have been others, and calls that were not answered.
    """

    decided: dict[str, bool] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    acts: int = 0
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: Answer) -> None:
        """Take in the decisions that an answer names."""
        for name, decision in decisions_in(answer):
            with self._lock:
                if name in self.decided:
                    self.twice.append(name)
                self.decided[name] = decision

    def complain(self, what: str) -> None:
        """Take in something that must not be."""
        with self._lock:
            self.wrong.append(what)


def decisions_in(answer: Answer) -> list[tuple[str, bool]]:
    """Give name and decision of all that an answer decides."""
    if answer.status != 200:
        return []
    found = answer.json
    if "permitido" in found:
        return [(found["decisao_id"], found["permitido"])]
    if "evaluations" in found:
        return [(one["context"]["decision_id"], one["decision"]) for one in found["evaluations"]]
    if "decision" in found:
        return [(answer.headers["decision-id"], found["decision"])]
    return []


class Line:
    """
    A connection to the service, kept for as long as the service keeps it.

    Args:
        port: where the service listens at the moment.
        key: what is sent unless a call has another one.
        ledger: where answers are noted.
    """

    def __init__(self, port: Callable[[], int], key: str, ledger: Ledger) -> None:
        self.ledger = ledger
        self._port = port
        self._key = key
        self._kept: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: object = None, key: str | None = None) -> Answer:
        """
        Send one request, and note what it decides.

        Raises:
            OSError, http.client.HTTPException: there was no whole answer.
            TurnedAway: it was a 503 that says when to come again.
        """
        port = self._port()
        if self._kept is not None and self._kept.port != port:
            self.close()
        if self._kept is None:
            self._kept = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {key or self._key}"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        try:
            self._kept.request(method, path, data, headers)
            with self._kept.getresponse() as got:
                said = {name.lower(): text for name, text in got.getheaders()}
                answer = Answer(got.status, said, got.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if said.get("connection") == "close":
            self.close()
        if got.status == 503 and "retry-after" in said:
            raise TurnedAway(path, answer.body)
        self.ledger.note(answer)
        return answer

    def __enter__(self) -> Self:
        """Let the connection be closed in the end."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the connection; the next request makes another one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


@dataclass(frozen=True)
class Logged:
    """
    What the log says.

    Attributes:
        decisions: each decision by its name.
        times: how often each name stands there.
        opening: how many decisions there are about opening, which only a question is.
        torn: lines of which a part is missing.
    """

    decisions: Mapping[str, bool]
    times: Mapping[str, int]
    opening: int
    torn: list[str]


def logged(data: Path) -> Logged:
    """Read the log of the data folder *data*, which a killed process may have left torn."""
    found: list[dict[str, Any]] = []
    torn: list[str] = []
    for line in filter(None, written.text(data).splitlines()):
        try:
            found.append(json.loads(line))
        except ValueError:
            torn.append(line)
    made = [one for one in found if one["kind"] == "decision"]
    return Logged(
        {one["id"]: one["decision"] for one in made},
        Counter(one["id"] for one in made),
        sum(one["question"]["action"] == "open" for one in made),
        torn,
    )
