"""Asks a running service what a vector says, and holds what comes back against it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.vector import MAX_BATCH, NONE, OURS, PDP_ID, Vector
from tests.operation.house import Running, called, free_port

HERE = Path(__file__).parent
JSON, PROBLEM = "application/json", "application/problem+json"


@dataclass(frozen=True)
class Came:
    """
    An answer as it came.

    Attributes:
        status: the HTTP status.
        headers: by their names in lower case.
        body: its bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Verdict:
    """
    How a vector went.

    Attributes:
        vector: what was asked.
        answered: what came back, in words.
        wrong: what is not as it should be, or None.
    """

    vector: Vector
    answered: str
    wrong: str | None


class Fixture:
    """The service on the certification fixture, in a process of its own, with a client's key."""

    def __init__(self, folder: Path) -> None:
        settings = {
            "AUTHZ_POLICIES": str(HERE / "policies"),
            "AUTHZ_ENTITIES": str(HERE / "entities.json"),
            "AUTHZ_PDP_ID": PDP_ID,
            "AUTHZ_MAX_BATCH": str(MAX_BATCH),
            "AUTHZ_REQUESTS_PER_MINUTE": "0",
            "AUTHZ_PORT": str(free_port()),
        }
        added = called(folder, "client", "add", "conformance", "--scope", "decide", **settings)
        if added.returncode:
            raise AssertionError(f"there is no key: {added.stderr}")
        self._key = added.stdout.strip()
        self._running = Running(folder, **settings)

    def close(self) -> None:
        """Stop the service."""
        if self._running.stop():
            raise AssertionError("the service did not stop well")

    def check(self, vector: Vector) -> Verdict:
        """Ask as often as *vector* says, and judge."""
        came = [self._ask(vector) for _ in range(vector.times)]
        first = told(came[0])
        if vector.loose:
            first = first.replace("!", "")
        return Verdict(vector, first, _wrong(vector, first, came))

    def _ask(self, vector: Vector) -> Came:
        connection = http.client.HTTPConnection("127.0.0.1", self._running.port, timeout=30)
        try:
            headers = {"Content-Type": JSON, **vector.headers}
            if vector.key != NONE:
                ours = f"Bearer {self._key}"
                headers["Authorization"] = ours if vector.key == OURS else vector.key
            connection.putrequest(
                vector.method, vector.path, skip_host="Host" in headers, skip_accept_encoding=True
            )
            for name, text in headers.items():
                if text is not None:
                    connection.putheader(name, text.encode("latin-1"))
            if vector.body is not None:
                connection.putheader("Content-Length", str(len(vector.body)))
            # Who is told early that a body is too long may find the door shut while sending it.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(vector.body)
            answer = connection.getresponse()
            known = {name.lower(): text for name, text in answer.getheaders()}
            return Came(answer.status, known, answer.read())
        finally:
            connection.close()


def told(came: Came) -> str:
    """
    Tell an answer in a few words: its status, and what it decides.

    A problem is told by its status alone, if it is one: an object that says what is wrong. What
    is no such thing is told as it came, so that it is like no expectation.
    """
    kind = came.headers.get("content-type")
    try:
        body = json.loads(came.body) if came.body else None
    except ValueError:
        return f"{came.status} {kind} {came.body!r:.60}"
    if came.status != 200:
        fits = kind == PROBLEM and isinstance(body, dict) and isinstance(body.get("detail"), str)
        # An answer to HEAD has no body.
        return (
            str(came.status)
            if fits or (kind == PROBLEM and body is None)
            else f"{came.status} {kind} {body}"
        )
    if kind != JSON or not isinstance(body, dict):
        return f"200 {kind} {body}"
    if body.keys() == {"evaluations"} and isinstance(body["evaluations"], list):
        return f"200 [{', '.join(_decision(one) for one in body['evaluations'])}]"
    return f"200 {_decision(body)}"


def _decision(body: Any) -> str:
    if body in ({"decision": True}, {"decision": False}):
        # `1 == True` in Python, and not in JSON.
        return json.dumps(body["decision"])
    error = body.get("context", {}).get("error", {}) if isinstance(body, dict) else {}
    if body == {"decision": False, "context": {"error": error}} and error.keys() == {
        "status",
        "message",
    }:
        return "false!"
    return json.dumps(body)


def _wrong(vector: Vector, answered: str, came: list[Came]) -> str | None:
    """Say what is not as *vector* wants it, or None."""
    if any(one.status >= 500 for one in came):
        return "an answer that says that the service failed"
    if answered not in vector.answers:
        return f"not {' or '.join(vector.answers)}"
    for name, text in vector.brings.items():
        given = came[0].headers.get(name.lower())
        if given is None or text not in ("*", given):
            return f"{name}: {given}"
    if len({one.body for one in came}) > 1:
        return "not the same each time"
    return None
