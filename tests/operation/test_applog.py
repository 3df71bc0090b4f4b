"""The application log is JSON, and has no CPF in it, masked or not."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authz_service import applog
from authz_service.domain.errors import Problem
from authz_service.domain.policies import Attempt, Origin, Outcome, PolicyStatus
from tests.effort import cleaned
from tests.fakes.clock import NOON
from tests.journal.test_lines import DECISION
from tests.operation.house import Running, environment, free_port, furnish


def formatted(message: str, **extra: object) -> dict[str, Any]:
    """Format one log record as the service does."""
    record = logging.LogRecord("some.library", logging.WARNING, "x.py", 1, message, (), None)
    vars(record).update(extra)
    loaded: dict[str, Any] = json.loads(applog.JsonFormatter().format(record))
    return loaded


def test_a_line_is_json_with_what_was_added() -> None:
    """Moment, level, logger, process and message stand beside what the caller of the log added."""
    line = formatted("hello", route="/healthz", status=200)

    assert line.pop("moment").endswith("Z")
    assert os.getpid() == line.pop("pid")
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
    applog.erred([DECISION, DECISION._replace(decision=replace(DECISION.decision, errors=()))])

    [record] = caplog.records
    assert ("ERROR", "a.polar:3", "unknown-fact: reads `x`", DECISION.id) == (
        record.levelname,
        record.rule,  # type: ignore[attr-defined]  # brought by `extra`
        record.cause,  # type: ignore[attr-defined]  # brought by `extra`
        record.decision,  # type: ignore[attr-defined]  # brought by `extra`
    )


PROBLEM = Problem("a.polar", 3, 4, "no value `187.627.946-04`")


TOLD = {
    "problems": 2,
    "first": "a.polar:3:4: no value `[cpf]`",
    "passed_over": "a.polar.txt, b-test.toml",
}


@pytest.mark.parametrize(
    ("outcome", "level", "told"),
    [
        (Outcome.APPLIED, "info", {}),
        (Outcome.REFUSED, "error", TOLD),
        (Outcome.POSTPONED, "warning", TOLD),
    ],
)
def test_an_attempt_at_the_policy_is_one_line(
    caplog: pytest.LogCaptureFixture, outcome: Outcome, level: str, told: dict[str, object]
) -> None:
    """It says what became of the edit, what is in force, and the first problem without a CPF."""
    problems = (PROBLEM, PROBLEM) if told else ()
    unread = ("a.polar.txt", "b-test.toml") if told else ()
    attempt = Attempt(NOON, "c", outcome, problems, None if told else 7, unread)
    with caplog.at_level(logging.INFO):
        applog.policy_attempted(PolicyStatus("d", NOON, Origin.LAST_GOOD, attempt))

    [line] = [json.loads(applog.JsonFormatter().format(one)) for one in caplog.records]
    expected = {"outcome": outcome.value, "policy": "d", "source": "last-good", **told}
    expected["questions"] = None if told else 7
    assert (level, expected) == (line["level"], {name: line[name] for name in expected})
    assert told.keys() == TOLD.keys() & line.keys()


def test_a_refusal_that_leaves_nothing_in_force_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """There is no digest then, and before the first attempt there is no line."""
    applog.policy_attempted(PolicyStatus())
    applog.policy_attempted(PolicyStatus(attempt=Attempt(NOON, "c", Outcome.REFUSED, (PROBLEM,))))

    [line] = [json.loads(applog.JsonFormatter().format(one)) for one in caplog.records]
    assert (None, None) == (line["policy"], line["source"])


def test_answers_are_told_by_their_route(caplog: pytest.LogCaptureFixture) -> None:
    """An answer's line has its route's template, its time in milliseconds, its request's id."""
    with caplog.at_level(logging.INFO):
        applog.answered("/v1/delegations/<id>/revoke", 200, 0.0015, "a-1")

    [record] = caplog.records
    assert ("/v1/delegations/<id>/revoke", 200, 1.5, "a-1") == tuple(
        vars(record)[name] for name in ("route", "status", "ms", "request_id")
    )


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("x" * 5000, "x" * 128),
        ("for 722.684.025-17", "for [cpf]"),
        # Cut off first, ten digits of it would stand there.
        ("x" * 117 + " 72268402517", "x" * 117 + " [cpf]"),
        ('"\n{', '"\n{'),
    ],
    ids=["long", "a CPF", "a CPF at the end", "signs of JSON"],
)
def test_whatever_a_caller_sends_for_an_id_is_a_text_of_one_line(
    caplog: pytest.LogCaptureFixture, sent: str, told: str
) -> None:
    """An id is the caller's own text: it is cut off, and holds no CPF."""
    with caplog.at_level(logging.INFO):
        applog.answered("/healthz", 200, 0.0, sent)

    line = applog.JsonFormatter().format(caplog.records[0])
    assert told == json.loads(line)["request_id"]
    assert 1 == len(line.splitlines())


def test_no_more_of_an_id_is_cleaned_than_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A header as long as the server takes is no work; what is told of it is full."""
    sent = "***.684.025-** " * 4_000
    with caplog.at_level(logging.INFO):
        [length] = cleaned(lambda: applog.answered("/healthz", 200, 0.0, sent))

    assert length <= 2_000
    assert ("[cpf] " * 22)[:128] == vars(caplog.records[0])["request_id"]


def test_an_answers_line_has_nobody_in_it(caplog: pytest.LogCaptureFixture) -> None:
    """Who asked from where stands in the decision log, which fewer people read."""
    with caplog.at_level(logging.INFO):
        applog.answered("/healthz", 200, 0.0, "a-1")

    line = json.loads(applog.JsonFormatter().format(caplog.records[0]))
    assert {
        *("moment", "level", "logger", "pid", "message"),
        *("route", "status", "ms", "request_id"),
    } == set(line)


CONFIGURED = """
import logging, sys
from authz_service import applog
route, status, ms, sent = sys.argv[1], 200, 1.234, sys.argv[2]
told = {"route": route, "status": status, "ms": ms}
applog.answered(route, status, 0.001234, sent)
applog.configure()
applog.answered(route, status, 0.001234, sent)
logging.getLogger("authz").info("answered", extra=told | {"request_id": sent})
"""


@pytest.mark.parametrize(
    "sent", ["0" * 32, "a-1", "for 722.684.025-17", '"\n{é', "\x1b[0m", "x" * 100]
)
def test_a_line_about_an_answer_is_like_all_others(sent: str) -> None:
    """It is written in a quicker way, once the log is configured, and nobody can tell."""
    done = subprocess.run(
        [sys.executable, "-c", CONFIGURED, "/v1/people/<id>", sent],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    quick, usual = done.stderr.splitlines()
    moments = [re.search(r'"moment": "(.{24})"', line) for line in (quick, usual)]
    first, second = [datetime.fromisoformat(one[1]) for one in moments if one is not None]
    assert timedelta() <= second - first < timedelta(seconds=5)
    assert json.loads(quick) | {"moment": ""} == json.loads(usual) | {"moment": ""}
    assert quick.split('"level"')[1] == usual.split('"level"')[1]


@pytest.mark.parametrize(
    ("code", "how"),
    [(0, "exit code 0"), (1, "exit code 1"), (-9, "SIGKILL"), (-11, "SIGSEGV"), (-99, "signal 99")],
)
def test_a_worker_that_has_ended_is_told(
    caplog: pytest.LogCaptureFixture, code: int, how: str
) -> None:
    """An operator reads which worker it was, how it ended, and when another takes its place."""
    applog.worker_died("2", code, 0.1)

    [record] = caplog.records
    assert ("ERROR", "2", how, 0.1) == (
        record.levelname,
        *(vars(record)[name] for name in ("worker", "how", "again_in")),
    )


def test_a_worker_that_is_there_again_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The number of the new process leads to its lines."""
    applog.worker_started("2", 4711)
    applog.worker_not_started("3", OSError(11, "Resource temporarily unavailable"), 2.0)

    started, refused = [vars(record) for record in caplog.records]
    assert ("2", 4711) == (started["worker"], started["its_pid"])
    assert ("3", "Resource temporarily unavailable", 2.0) == tuple(
        refused[name] for name in ("worker", "cause", "again_in")
    )


def test_granian_behind_a_proxy_is_told_at_the_start(tmp_path: Path) -> None:
    """Records will lack addresses, and keys bound to networks be refused: it is said beforehand."""
    furnish(tmp_path)
    settings = {"AUTHZ_SERVER": "granian", "AUTHZ_TRUSTED_PROXIES": "127.0.0.1"}
    running = Running(tmp_path, "serve", "--port", str(free_port()), **settings)
    try:
        told = running.err.read_text()
    finally:
        running.kill()
    assert "callers behind AUTHZ_TRUSTED_PROXIES have no address" in told
