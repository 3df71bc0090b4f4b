"""
A record as one line of JSON, in the published form ``schemas/decision_record.json``.

This is the plain way, by the standard library: it takes every text there is, and the tests hold
the fast way, ``rendering``, to it byte by byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from authz_service.domain.decision import ActRecord, Asked, Caller, DecisionRecord, Record

Clock = Callable[[], float]
"""Gives the present instant in seconds since 1970."""

SCHEMA_VERSION = 1
"""The version of the form; grows when a reader of old lines could misunderstand new ones."""


def line(record: Record) -> bytes:
    """Give the record's line, UTF-8, with its line feed, before it has a place in a chain."""
    members = _decision(record) if isinstance(record, DecisionRecord) else _act(record)
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate cannot come this far, but a log that fails on one would fail closed
    # for everybody else in the same batch.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _decision(record: DecisionRecord) -> dict[str, Any]:
    decision = record.decision
    return {
        "schema": SCHEMA_VERSION,
        "kind": "decision",
        "id": record.id,
        "moment": instant(record.moment),
        "caller": _caller(record.caller),
        "request_id": record.request_id,
        "question": {**_question(record.asked), "instance": record.instance},
        "delegation": record.asked.delegation,
        "decision": decision.allowed,
        "reasons": list(decision.reasons),
        "rules": list(decision.rules),
        "evidence": [{"test": one.test, "outcome": one.outcome} for one in decision.evidence],
        "errors": [{"rule": one.rule, "cause": one.cause} for one in decision.errors],
        "policy_digest": record.policy_digest,
        "store_revision": record.store_revision,
        "latency_us": record.latency_us,
    }


def _act(record: ActRecord) -> dict[str, Any]:
    return {
        "schema": SCHEMA_VERSION,
        "kind": "act",
        "id": record.id,
        "moment": instant(record.moment),
        "caller": _caller(record.caller),
        "act": record.act,
        "details": dict(record.details),
        "store_revision": record.store_revision,
    }


def _question(asked: Asked) -> dict[str, Any]:
    entity = None if asked.entity is None else dict(zip(("type", "id"), asked.entity, strict=True))
    return {
        "actor": asked.actor,
        "actor_type": asked.actor_type,
        "actor_evidence": None if asked.actor_evidence is None else asked.actor_evidence.value,
        "sign_in": asked.sign_in,
        "action": asked.action,
        "company": None if asked.company is None else asked.company.value,
        "entity": entity,
        "process": None if asked.process is None else asked.process.value,
        "named": asked.named,
        "version": asked.version,
        "recipient": asked.recipient,
    }


def _caller(caller: Caller) -> dict[str, str | None]:
    return {"name": caller.name, "address": caller.address}


def instant(moment: datetime) -> str:
    """Give an instant in the form of the log, in which later ones are later texts."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def horizon(now: float, days: int) -> str | None:
    """
    Give the instant from which on records are kept, in the form of the log; None if all are.

    Args:
        now: the present instant, in seconds since 1970.
        days: how long records are kept at least; 0 for ever.
    """
    if not days:
        return None
    return instant(datetime.fromtimestamp(now, UTC) - timedelta(days=days))
