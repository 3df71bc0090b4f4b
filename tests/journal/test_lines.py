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
from authz_service.domain.identifiers import Cnpj, ForeignId, ProcessId
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
    actor_type="person",
    recipient="b" * 32,
    company=Cnpj.parse("52420282000180"),
    process=ProcessId("p061-registro"),
    named="P061 - Registro",
    version=2,
    delegation="d1",
    actor_evidence=Evidence.ASSERTED,
    sign_in="f" * 32,
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
    request_id="r-1",
    instance="4711",
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
        "request_id": "r-1",
        "question": {
            "actor": "a" * 32,
            "actor_type": "person",
            "actor_evidence": "asserted",
            "sign_in": "f" * 32,
            "action": "open",
            "company": "52420282000180",
            "entity": None,
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
    record = DECISION._replace(asked=Asked(action="open"), instance=None)
    question = read(record)["question"]

    assert {"open", None} == set(question.values())


def test_a_question_about_nobody_has_its_instance() -> None:
    """What Orquestra asked in vain can be found by its number, too."""
    question = read(DECISION._replace(asked=Asked(action="open")))["question"]

    assert {"action": "open", "instance": "4711"} == {
        name: value for name, value in question.items() if value is not None
    }


def test_a_question_without_a_sign_in_says_so() -> None:
    """A new line always has the member, so that null means none and not unknown."""
    question = read(DECISION._replace(asked=replace(ASKED, sign_in=None)))["question"]

    assert "sign_in" in question
    assert question["sign_in"] is None


@pytest.mark.parametrize("lacking", [["sign_in"], ["sign_in", "actor_type", "entity"]])
def test_a_line_of_before_is_still_in_the_published_form(lacking: list[str]) -> None:
    """Logs are kept for years, so the schema takes lines that were written without a member."""
    old = read(DECISION)
    for member in lacking:
        del old["question"][member]

    jsonschema.validate(old, SCHEMA)


def test_a_question_of_a_login_about_a_foreign_company_is_written_whole() -> None:
    """The company stands under its number, the login under a surrogate that says what it is."""
    asked = replace(ASKED, actor_type="login", company=ForeignId.of_number(123), sign_in=None)
    question = read(DECISION._replace(asked=asked))["question"]

    expected = ("login", "a" * 32, "EX00001230", None)
    assert expected == tuple(question[it] for it in ("actor_type", "actor", "company", "entity"))


def test_a_question_about_anothers_entity_is_written_whole() -> None:
    """The entity stands there by type and id, and then there is no company."""
    asked = Asked("read", actor="a" * 32, actor_type="user", entity=("laboratory", "L-17"))
    question = read(DECISION._replace(asked=asked))["question"]

    assert {"type": "laboratory", "id": "L-17"} == question["entity"]
    assert ("user", None) == (question["actor_type"], question["company"])


@pytest.mark.parametrize(
    "entity",
    ["L-17", {}, {"type": "a"}, {"type": "a", "id": None}, {"type": "a", "id": "b", "c": 1}],
)
def test_what_is_no_entity_is_not_in_the_published_form(entity: object) -> None:
    """An entity has a type and an id, and nothing else of it is written down."""
    wrong = read(DECISION)
    wrong["question"]["entity"] = entity

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


@pytest.mark.parametrize("handle", ["", "z" * 32, "F" * 32, "f" * 31, 5, "pA2_handle-of-a-sign-in"])
def test_what_is_no_id_of_a_sign_in_is_not_in_the_published_form(handle: object) -> None:
    """A handle that slipped into the log in the place of an id would be noticed."""
    wrong = read(DECISION)
    wrong["question"]["sign_in"] = handle

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_a_sign_in_is_an_act_like_any_other() -> None:
    """The particulars that the sign-in desk writes fit the published form."""
    details: dict[str, str | int | bool | tuple[str, ...] | None] = {
        "person": "a" * 32,
        "sign_in": "f" * 32,
        "method": "certificate",
        "level": None,
        "certificate_company": "52420282000180",
        "agent": False,
        "companies": "partial",
        "standing": ("52420282000180:socio",),
        "unanswered": ("11222333000181",),
    }
    written = read(replace(ACT, act="sign_in", details=details))

    listed = {"standing": ["52420282000180:socio"], "unanswered": ["11222333000181"]}
    assert ("sign_in", details | listed) == (written["act"], written["details"])


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
    named = read(DECISION._replace(asked=replace(ASKED, named=text)))["question"]["named"]

    assert text == named
