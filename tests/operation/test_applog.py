"""The application log is JSON, and has no CPF in it, masked or not."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from authz_service import applog
from authz_service.domain.errors import Problem
from tests.journal.test_lines import ACT, DECISION


def formatted(message: str, **extra: object) -> dict[str, Any]:
    """Format one log record as the service does."""
    record = logging.LogRecord("some.library", logging.WARNING, "x.py", 1, message, (), None)
    vars(record).update(extra)
    loaded: dict[str, Any] = json.loads(applog.JsonFormatter().format(record))
    return loaded


def test_a_line_is_json_with_what_was_added() -> None:
    """Moment, level, logger and message stand beside what the caller of the log added."""
    line = formatted("hello", route="/healthz", status=200)

    assert line.pop("moment").endswith("Z")
    assert {
        "level": "warning",
        "logger": "some.library",
        "message": "hello",
        "route": "/healthz",
        "status": 200,
    } == line


@pytest.mark.parametrize(
    "cpf", ["72268402517", "722.684.025-17", "***.684.025-**", "722684025-17", "nº72268402517"]
)
def test_a_cpf_is_taken_out_wherever_it_stands(cpf: str) -> None:
    """In the message, in what was added, and in a traceback there is no CPF."""
    error = ValueError(f"no {cpf} here")
    record = logging.LogRecord(
        "x", logging.ERROR, "x.py", 1, f"for {cpf}:", (), (ValueError, error, None)
    )
    record.added = {"cpf": cpf}
    line = applog.JsonFormatter().format(record)

    assert cpf not in line
    assert 3 == line.count("[cpf]")


def test_a_cnpj_stays() -> None:
    """A company's number is public, and operators need it."""
    assert "52420282000180" == formatted("x", cnpj="52420282000180")["cnpj"]


def test_rules_that_erred_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """The log says which rule erred, why, and in which decision."""
    applog.heard([DECISION, ACT, replace(DECISION, decision=replace(DECISION.decision, errors=()))])

    [record] = caplog.records
    assert ("ERROR", "a.polar:3", "unknown-fact: reads `x`", DECISION.id) == (
        record.levelname,
        record.rule,  # type: ignore[attr-defined]  # brought by `extra`
        record.cause,  # type: ignore[attr-defined]  # brought by `extra`
        record.decision,  # type: ignore[attr-defined]  # brought by `extra`
    )


def test_an_invalid_policy_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Every problem of the policy has a line with its place."""
    applog.policy_problems([Problem("a.polar", 3, 4, "is wrong")])

    assert ["a.polar:3:4: is wrong"] == [vars(record)["problem"] for record in caplog.records]


def test_answers_are_told_by_their_route(caplog: pytest.LogCaptureFixture) -> None:
    """An answer's line has the template of its route, and its time in milliseconds."""
    with caplog.at_level(logging.INFO):
        applog.answered("/v1/delegations/<id>/revoke", 200, 0.0015)

    [record] = caplog.records
    assert ("/v1/delegations/<id>/revoke", 200, 1.5) == tuple(
        vars(record)[name] for name in ("route", "status", "ms")
    )
