"""Slowness and failure on command, for each part of the simulator."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any

from flask import Response, jsonify

PARTS = ("authorize", "token", "jwk", "userinfo", "empresas")
"""What can fail: the first part of a path."""

HUGE_BYTES = 4 * 1024 * 1024

_STATUSES = range(200, 600)

_DOCUMENTS = {
    "empty": b'{"keys":[]}',
    "malformed": b'{"keys":[{"kty":"RSA","e":"AQAB","kid":"rsa1"',
    "huge": b'{"keys":[],"padding":"' + b"x" * HUGE_BYTES + b'"}',
}


class NoSuchFault(ValueError):
    """No part of the simulator, or nothing that can go wrong with it."""


@dataclass(frozen=True)
class Fault:
    """
    What is wrong with a part.

    Attributes:
        delay: seconds before it answers.
        hang: whether it answers only when the fault is over.
        status: the status it fails with, or None.
        document: what it answers instead: empty, malformed or huge; or None.
        over: set when the fault is over.

    Raises:
        NoSuchFault: nothing of that kind can go wrong.
    """

    delay: float = 0.0
    hang: bool = False
    status: int | None = None
    document: str | None = None
    over: threading.Event = field(init=False, default_factory=threading.Event, compare=False)

    def __post_init__(self) -> None:
        if type(self.delay) not in (int, float) or not 0 <= self.delay < math.inf:
            raise NoSuchFault("delay must be a number of seconds")
        if type(self.hang) is not bool:
            raise NoSuchFault("hang must be true or false")
        if self.status is not None and (
            type(self.status) is not int or self.status not in _STATUSES
        ):
            raise NoSuchFault("status must be one of HTTP")
        if self.document is not None and self.document not in _DOCUMENTS:
            raise NoSuchFault(f"document must be one of {', '.join(_DOCUMENTS)}")


class Faults:
    """What is wrong now, by part."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}

    def set(self, part: str, fault: Fault) -> None:
        """
        Replace what is wrong with a part; what waited for the earlier fault goes on.

        Raises:
            NoSuchFault: there is no such part.
        """
        if part not in PARTS:
            raise NoSuchFault(f"part must be one of {', '.join(PARTS)}")
        with self._lock:
            earlier = self._faults.get(part)
            self._faults[part] = fault
        if earlier is not None:
            earlier.over.set()

    def clear(self) -> None:
        """Let everything be well again."""
        with self._lock:
            earlier, self._faults = self._faults, {}
        for fault in earlier.values():
            fault.over.set()

    def suffer(self, part: str) -> Response | None:
        """Wait as long as the fault of *part* wants, and give the answer that it forces."""
        fault = self._faults.get(part)
        if fault is None:
            return None
        fault.over.wait(None if fault.hang else fault.delay)
        if fault.status is not None:
            return failure(fault.status, "the simulator was told to fail")
        if fault.document is not None:
            return Response(_DOCUMENTS[fault.document], content_type="application/json")
        return None


def failure(status: int, description: str, error: str | None = None) -> Response:
    """Give an error as the manual prints it: the code as text, and ``erro_`` with one r."""
    body: dict[str, Any] = {"error": error or str(status), "erro_description": description}
    answer = jsonify(body)
    answer.status_code = status
    return answer
