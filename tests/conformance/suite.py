"""
The vectors of the OpenID Foundation's conformance suite, where they lie beside the project.

They are read in place and never copied: ``../shared/authzen/conformance-suite.json``. Of them
those count that are about the APIs which this service has. Each runs twice: with a key, as it
stands there, and without one, when nothing but a 401 may come back.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.conformance.vector import NONE, OURS, Vector
from tests.operation.house import ROOT

FILE = ROOT.parent / "shared" / "authzen" / "conformance-suite.json"
ABSENT = "../shared/authzen/conformance-suite.json is not there"

_APIS = ("evaluation", "evaluations")
_KEYS = {"omit": NONE, "invalid": "Bearer authz_0123456789ab_nonsense"}
_REQUEST_ID = "conformance-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"


def every() -> list[Vector]:
    """Give the vectors about our APIs with a key and without one; none where the file is absent."""
    if not FILE.exists():
        return []
    tests = json.loads(FILE.read_text(encoding="utf-8"))["tests"]
    with_key = [_vector(one) for one in tests if one["api"] in _APIS]
    return [*with_key, *(_without_key(one) for one in with_key if one.key == OURS)]


def _vector(test: dict[str, Any]) -> Vector:
    request, expected = test["request"], test["expected"]
    headers = {
        name: text.replace("conformance-<uuid4>", _REQUEST_ID)
        for name, text in request["headers"].items()
    }
    raw = request.get("raw_body")
    brings = {}
    if "echo_header" in expected:
        brings[expected["echo_header"]] = headers[expected["echo_header"]]
    # The suite only warns where it is missing; we promise it.
    if "warn_unless_header" in expected:
        brings[expected["warn_unless_header"]] = "*"
    return Vector(
        row="suite",
        name=test["testName"].removeprefix("authzen-pdp-"),
        body=json.dumps(request["body"]).encode() if raw is None else raw.encode(),
        answers=tuple(_answer(status, expected.get("body")) for status in expected["status"]),
        path=test["path"],
        method=request["method"],
        headers=headers,
        key=_KEYS.get(request.get("auth", ""), OURS),
        brings=brings,
        times=expected.get("repeat", 1),
        loose=True,
    )


def _answer(status: int, body: Any) -> str:
    if body is None:
        return str(status)
    if "decision" in body:
        return f"{status} {json.dumps(body['decision'])}"
    return f"{status} {json.dumps([one['decision'] for one in body['evaluations']])}"


def _without_key(vector: Vector) -> Vector:
    name = f"{vector.name}, without a key"
    if vector.method != "POST":
        # Which methods there are is no secret.
        return replace(vector, name=name, key=NONE)
    brings = {**vector.brings, "WWW-Authenticate": "*"}
    return replace(vector, name=name, key=NONE, answers=("401",), brings=brings)
