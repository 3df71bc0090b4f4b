"""
Whether a line of the log is a record, in the published form ``schemas/decision_record.json``.

A reader meets lines that a power cut has torn, that somebody has edited, or that a later
version has written; what it gives to others is in the form that others know, or is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from authz_service.journal.lines import SCHEMA_VERSION

Check = Callable[[object], bool]


def is_record(value: object) -> bool:
    """Tell whether a JSON value is a record in the published form."""
    return isinstance(value, dict) and any(form(value) for form in (_DECISION, _ACT))


def _text(value: object) -> bool:
    return isinstance(value, str)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _whole(value: object) -> bool:
    return type(value) is int


def _count(value: object) -> bool:
    return type(value) is int and value >= 0


def _action(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 64


def _request_id(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 128


def _like(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _exactly(*values: object) -> Check:
    # With its type: to Python, true is 1.
    return lambda value: any(type(value) is type(one) and value == one for one in values)


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _each(check: Check, least: int = 0) -> Check:
    return lambda value: (
        isinstance(value, list) and len(value) >= least and all(check(one) for one in value)
    )


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Make the check of an object that has these members and no others."""
    known = {**required, **(optional or {})}

    def check(value: object) -> bool:
        return (
            isinstance(value, dict)
            and value.keys() >= required.keys()
            and all(name in known and known[name](one) for name, one in value.items())
        )

    return check


def _details(value: object) -> bool:
    return isinstance(value, dict) and all(_detail(one) for one in value.values())


def _detail(value: Any) -> bool:
    return value is None or isinstance(value, str | int) or _each(_text)(value)


_NAME = _like("[0-9a-f]{32}")
_COMMON = {
    "schema": _exactly(SCHEMA_VERSION),
    "id": _NAME,
    "moment": _like(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
    "caller": _object({"name": _text, "address": _or_null(_text)}),
    "store_revision": _count,
}
_HASH = _like("[0-9a-f]{64}")
_QUESTION = _object(
    {
        "actor": _or_null(_NAME),
        "actor_evidence": _exactly("govbr", "asserted", None),
        "action": _action,
        "company": _or_null(_text),
        "process": _or_null(_text),
        "named": _or_null(_text),
        "version": _or_null(_whole),
        "recipient": _or_null(_NAME),
        "instance": _or_null(_text),
    },
    # Older lines lack them.
    {
        "sign_in": _or_null(_NAME),
        "actor_type": _or_null(_text),
        "entity": _or_null(_object({"type": _text, "id": _text})),
    },
)
_DECISION = _object(
    {
        **_COMMON,
        "kind": _exactly("decision"),
        "question": _QUESTION,
        "delegation": _or_null(_text),
        "decision": _flag,
        "reasons": _each(_text, least=1),
        "rules": _each(_text),
        "evidence": _each(
            _object({"test": _text, "outcome": lambda one: one is None or _text(one) or _flag(one)})
        ),
        "errors": _each(_object({"rule": _text, "cause": _text})),
        "policy_digest": _like("[0-9a-f]{64}"),
        "latency_us": _count,
    },
    {"request_id": _or_null(_request_id), "hash": _HASH},
)
_ACT = _object(
    {**_COMMON, "kind": _exactly("act"), "act": _text, "details": _details}, {"hash": _HASH}
)
