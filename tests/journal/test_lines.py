"""A record's line is in the published form, and holds nobody's CPF."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from authz_service.domain.decision import (
    ActRecord,
    Asked,
    Caller,
    Decision,
    DecisionRecord,
    Observation,
    RuleError,
)
from authz_service.domain.identifiers import Cnpj, ProcessId
from authz_service.domain.people import Evidence
from authz_service.journal.lines import line
from tests.fakes.clock import NOON

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas" / "decision_record.json").read_text("utf-8")
)
CALLER = Caller("orquestra", frozenset({"decide"}), "10.0.0.1")
ASKED = Asked(
    action="open",
    actor="a" * 32,
    recipient="b" * 32,
    company=Cnpj.parse("52420282000180"),
    process=ProcessId("p061-registro"),
    named="P061 - Registro",
    version=2,
    delegation="d1",
    actor_evidence=Evidence.ASSERTED,
    instance="4711",
)
DECISION = DecisionRecord(
    id="c" * 32,
    moment=NOON,
    caller=CALLER,
    asked=ASKED,
    decision=Decision(
        allowed=False,
        reasons=("policy-error",),
        rules=("a.polar:3",),
        evidence=(Observation("process.state", "open"), Observation("person.registered", True)),
        errors=(RuleError("a.polar:3", "unknown-fact: reads `x`"),),
    ),
    policy_digest="d" * 64,
    store_revision=7,
    latency_us=1234,
)
ACT = ActRecord(
    id="e" * 32,
    moment=NOON,
    caller=Caller("operator"),
    act="client.key",
    details={"client": "x", "count": 1, "ok": True, "none": None, "scopes": ("a", "b")},
    store_revision=8,
)


def read(record: DecisionRecord | ActRecord) -> dict[str, Any]:
    """Read a record's line back, and hold it to the published schema."""
    written = line(record)
    assert written.endswith(b"\n")
    assert written.count(b"\n") == 1
    loaded: dict[str, Any] = json.loads(written)
    jsonschema.validate(loaded, SCHEMA)
    return loaded


def test_the_schema_is_one() -> None:
    """The published schema is itself valid."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_decision_is_written_whole() -> None:
    """Every part of a decision stands in its line under its published name."""
    assert {
        "schema": 1,
        "kind": "decision",
        "id": "c" * 32,
        "moment": "2026-11-20T15:00:00.000000Z",
        "caller": {"name": "orquestra", "address": "10.0.0.1"},
        "question": {
            "actor": "a" * 32,
            "actor_evidence": "asserted",
            "action": "open",
            "company": "52420282000180",
            "process": "p061-registro",
            "named": "P061 - Registro",
            "version": 2,
            "recipient": "b" * 32,
            "instance": "4711",
        },
        "delegation": "d1",
        "decision": False,
        "reasons": ["policy-error"],
        "rules": ["a.polar:3"],
        "evidence": [
            {"test": "process.state", "outcome": "open"},
            {"test": "person.registered", "outcome": True},
        ],
        "errors": [{"rule": "a.polar:3", "cause": "unknown-fact: reads `x`"}],
        "policy_digest": "d" * 64,
        "store_revision": 7,
        "latency_us": 1234,
    } == read(DECISION)


def test_a_question_about_nobody_is_written_as_such() -> None:
    """What could not be meant is null, and the line is still in the published form."""
    question = read(replace(DECISION, asked=Asked(action="open")))["question"]

    assert {"open", None} == set(question.values())


def test_an_act_is_written_whole() -> None:
    """An administrative act keeps its particulars."""
    assert {
        "schema": 1,
        "kind": "act",
        "id": "e" * 32,
        "moment": "2026-11-20T15:00:00.000000Z",
        "caller": {"name": "operator", "address": None},
        "act": "client.key",
        "details": {"client": "x", "count": 1, "ok": True, "none": None, "scopes": ["a", "b"]},
        "store_revision": 8,
    } == read(ACT)


def test_instants_are_written_in_utc() -> None:
    """Whatever the zone of an instant, its line has UTC."""
    brasilia = timezone(timedelta(hours=-3))
    moment = datetime(2026, 11, 20, 23, 59, 59, 123456, tzinfo=brasilia)

    assert "2026-11-21T02:59:59.123456Z" == read(replace(ACT, moment=moment))["moment"]


@pytest.mark.parametrize("text", ["ção", "a\nb", 'a"b', "\u2028", "\ud800", "\x00"])
def test_any_text_stays_one_line(text: str) -> None:
    """No text of a caller breaks a line, or keeps the others of its batch from being written."""
    named = read(replace(DECISION, asked=replace(ASKED, named=text)))["question"]["named"]

    assert text == named
