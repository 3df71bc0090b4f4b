"""
What Schemathesis has to know of this service beside the document: formats, and I-JSON's limits.

JSON Schema has no words for check digits, nor for the limits that hold for a body as a whole;
the document says both in words. Here the same is said in code, and nothing else is left out.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

import schemathesis
from hypothesis import strategies as st

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login, without_cpf
from tests.contract.seeds import CLIENT, COMPANIES, FOREIGN, PEOPLE, TOKENS

_MAX_DEPTH = 32
_MAX_INTEGER = 2**53 - 1


def _check_digits(digits: str, parse: Any) -> str:
    """Give *digits* with the two check digits that make them right."""
    for check in range(100):
        try:
            parse(f"{digits}{check:02}")
        except InvalidInput:
            continue
        return f"{digits}{check:02}"
    return ""


def _login(text: str) -> bool:
    try:
        Login.parse(text)
    except InvalidInput:
        return False
    return len(text) <= 128


_DIGIT = st.sampled_from("0123456789")
_CPFS = st.text(_DIGIT, min_size=9, max_size=9).map(lambda text: _check_digits(text, Cpf.parse))
_CNPJS = st.text(_DIGIT, min_size=12, max_size=12).map(lambda text: _check_digits(text, Cnpj.parse))
_FOREIGN_IDS = st.integers(0, 9_999_999).map(lambda number: ForeignId.of_number(number).value)
_TOKENS = json.loads(os.environ[TOKENS])
_VISIBLE = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=60
).filter(lambda text: text == text.strip() and without_cpf(text) == text)

# Mostly those that the service knows, or nearly every answer would be a no.
_CPF = st.one_of(st.sampled_from(PEOPLE), _CPFS.filter(bool))
_CNPJ = st.one_of(st.sampled_from(COMPANIES), _CNPJS.filter(bool))
schemathesis.openapi.format("cpf", _CPF)
schemathesis.openapi.format("cnpj", _CNPJ)
schemathesis.openapi.format("company", st.one_of(_CNPJ, st.sampled_from(FOREIGN), _FOREIGN_IDS))
schemathesis.openapi.format("login", _VISIBLE.filter(_login))
schemathesis.openapi.format("name", _VISIBLE)
schemathesis.openapi.format("title", _VISIBLE)
schemathesis.openapi.format("page-token", st.just(""))
schemathesis.openapi.format("entity-tags", st.sampled_from(["*", '"a"', '"a", W/"b"']))
schemathesis.openapi.format("govbr-token", st.sampled_from([*_TOKENS, "none"]))
schemathesis.openapi.format("revision", st.sampled_from(["0", "1"]))
schemathesis.openapi.format("network", st.sampled_from(["10.1.0.0/16", "fd00::/8", "127.0.0.1"]))


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Leave out bodies beyond I-JSON's limits, and 3.0 for 3: the document says so in words."""
    del context
    return _within(body, 1)


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out the client that asks: without its key everything else would be a 401."""
    del context
    return (case.path_parameters or {}).get("name") != CLIENT


EXCEPTIONS = (
    ("bonds.record", "matriz", "two members that have to fit each other"),
    ("clients.", "expires_at", "an instant that is over, or later than the caller's own end"),
    ("clients.", "networks", "the networks of the key that asks"),
    ("clients.", "reasons", "whether the caller is told reasons itself"),
    ("confirmations.confirm", "cpf", "whether a person has registered"),
    ("delegations.", "actor", "whether a token proves who acts, and whom"),
    ("delegations.", "process", "whether a process exists, and how many a name means"),
    ("delegations.", "processes", "as above"),
    ("delegations.", "until", "a day that is over"),
    ("authzen.", "resource.id", "how many processes a name means"),
    ("authzen.", "resource.properties.version", "two versions that have to agree"),
    ("orquestra.", "processo", "how many processes a name means"),
    ("orquestra.", "versao", "two versions that have to agree"),
    ("orquestra.decide_by_get", "cpf", "parameters that have to stand together"),
    ("orquestra.decide_by_get", "cnpj", "as above"),
    ("orquestra.decide_by_get", "login", "as above"),
    ("orquestra.decide_by_get", "empresa", "as above"),
)
"""
What keeps its schema and is refused with a 400 all the same, since it depends on more than the
shape of one member: how the operation's name begins, the member that the problem names, and what
it depends on.
"""


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Leave out what stands in ``EXCEPTIONS``, and what no operation can help."""
    del context
    if response.status_code == 431:
        # Of the HTTP server: no operation has heard of the request.
        return False
    if failure.code == "ST205":
        # `search` could be an id: a GET there is a 404 of the operation with the id.
        return not case.path.endswith("/search")
    if failure.code != "ST202" or response.status_code != 400:
        return True
    field = str(response.json().get("field", ""))
    operation = case.operation.definition.raw["operationId"]
    return not any(
        operation.startswith(name) and f"{field}.".startswith(f"{member}.")
        for name, member, _ in EXCEPTIONS
    )


def _within(value: Any, depth: int) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth <= _MAX_DEPTH and all(_within(one, depth + 1) for one in inner)
    if isinstance(value, int):
        return abs(value) <= _MAX_INTEGER
    return not isinstance(value, float) or (math.isfinite(value) and not value.is_integer())
