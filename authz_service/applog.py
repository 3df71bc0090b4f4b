"""
The application log: JSON lines on stderr, for operators, without personal data.

Not the decision log. Nothing here is meant to hold a CPF, masked or not; the formatter
takes out what looks like one all the same, since libraries log as well. Nor does an answer's
line tell who was answered where: addresses stand in the decision log, which fewer may read.
Only a refused token is told with its source, since no decision comes of it, and where it comes
from is what an operator can act upon.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from authz_service.domain.decision import Caller, DecisionRecord
from authz_service.domain.identifiers import without_cpf
from authz_service.domain.policies import Outcome, PolicyStatus
from authz_service.domain.sign_in import Cause

_LOG = logging.getLogger("authz")
_LONGEST_ID = 128
# Cleaning takes out at most three characters of four, so this is enough for the longest.
_LOOKED_AT = 8 * _LONGEST_ID
# Such as those that the service makes: no CPF is taken out of it.
_RANDOM_ID = re.compile("[0-9a-f]{32}")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: moment, level, logger, pid, message, what ``extra`` brought."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line for *record*."""
        moment = datetime.fromtimestamp(record.created, UTC)
        members: dict[str, object] = {
            "moment": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        members |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        # Before they become JSON, whose escapes would glue letters to numbers.
        texts = {name: _readable(value) for name, value in members.items()}
        return json.dumps(texts, ensure_ascii=True)


def _readable(value: object) -> object:
    """Give a number or a flag as it is, and everything else as a text without CPFs."""
    if value is None or type(value) in (bool, int, float):
        return value
    return without_cpf(str(value))


def configure() -> None:
    """Send everything to stderr, as JSON lines."""
    global _answers  # noqa: PLW0603 -- as logging itself, of which there is one in a process
    _answers = _Answers(sys.stderr.fileno())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # waitress warns of each request that finds no thread free, which only makes a load heavier.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # granian tells how its parts start and stop, which the supervisor knows.
    logging.getLogger("_granian").setLevel(logging.WARNING)


def erred(records: Sequence[DecisionRecord]) -> None:
    """Tell operators of rules that erred: the policy denies people for a mistake of its own."""
    for record in records:
        for error in record.decision.errors:
            _LOG.error(
                "a rule could not be answered, so the decision was a denial",
                extra={"rule": error.rule, "cause": error.cause, "decision": record.id},
            )


def policy_attempted(status: PolicyStatus) -> None:
    """Tell operators in one line what became of the attempt to take what the folder holds."""
    attempt = status.attempt
    if attempt is None:
        return
    extra: dict[str, object] = {
        "outcome": attempt.outcome.value,
        "policy": status.digest,
        "source": None if status.origin is None else status.origin.value,
        "questions": attempt.questions,
    }
    if attempt.passed_over:
        extra["passed_over"] = ", ".join(attempt.passed_over)
    if attempt.problems:
        extra |= {"problems": len(attempt.problems), "first": str(attempt.problems[0])}
    said = {
        Outcome.APPLIED: (logging.INFO, "what the policy folder holds is in force"),
        Outcome.REFUSED: (logging.ERROR, "what the policy folder holds was refused"),
        Outcome.POSTPONED: (logging.WARNING, "what the policy folder holds has to wait"),
    }
    level, message = said[attempt.outcome]
    _LOG.log(level, message, extra=extra)


def worker_died(place: str, code: int, seconds: float | None) -> None:
    """
    Tell operators of a worker that ended without being asked to.

    Args:
        place: which one.
        code: its exit code, or a signal as a negative number.
        seconds: in how many another takes its place, or None if none does.
    """
    how = f"exit code {code}" if code >= 0 else _name_of(-code)
    extra = {"worker": place, "how": how, "again_in": seconds}
    _LOG.error("a worker has ended", extra=extra)


def worker_not_started(place: str, error: OSError, seconds: float) -> None:
    """Tell operators that the system gives no process for a worker, until *seconds* have passed."""
    extra = {"worker": place, "cause": error.strerror, "again_in": seconds}
    _LOG.error("a worker cannot be started", extra=extra)


def worker_started(place: str, pid: int) -> None:
    """Tell operators that a worker has taken the place of one that died."""
    _LOG.warning("a worker was started again", extra={"worker": place, "its_pid": pid})


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def addresses_unknown() -> None:
    """Tell operators at the start that granian cannot tell who stands behind a proxy."""
    _LOG.warning(
        "granian cannot tell what a proxy has written from what a caller has: callers behind "
        "AUTHZ_TRUSTED_PROXIES have no address, and keys bound to networks are refused"
    )


def sign_in_off() -> None:
    """Tell operators at the start that no sign-in is taken."""
    _LOG.warning("sign-in is off: AUTHZ_GOVBR_ISSUER and AUTHZ_GOVBR_AUDIENCE are not set")


def token_refused(cause: Cause, caller: Caller) -> None:
    """Tell operators who brought a token that proves nothing, and why it does not."""
    extra = {"cause": cause.value, "client": caller.name, "address": caller.address}
    _LOG.warning("a token of GOV.BR was refused", extra=extra)


def answered(route: str, status: int, seconds: float, request_id: str) -> None:
    """Tell of one HTTP answer; *route* is a template, never a path, *request_id* the caller's."""
    if _RANDOM_ID.fullmatch(request_id) is None:
        # Whatever a caller sends for an id, a line stays a line; half a CPF would pass.
        request_id = without_cpf(request_id[:_LOOKED_AT])[:_LONGEST_ID]
    if _answers is None:
        extra = {"route": route, "status": status, "ms": round(seconds * 1000, 3)}
        _LOG.info("answered", extra=extra | {"request_id": request_id})
    else:
        _answers.write(route, status, seconds, request_id)


class _Answers:
    """
    Writes the lines about answers as the formatter would, in a tenth of its time.

    There is one for every decision, and a record of the library costs more than a decision.

    Args:
        descriptor: where lines go.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._second = (0, "")
        self._routes: dict[str, str] = {}

    def write(self, route: str, status: int, seconds: float, request_id: str) -> None:
        """Write one; *route* is one of a few, *request_id* free of CPFs."""
        now = time.time()
        whole, text = self._second
        if whole != int(now):
            whole = int(now)
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            self._second = (whole, text)
        told = self._routes.get(route)
        if told is None:
            told = self._routes[route] = json.dumps(without_cpf(route))
        line = (
            f'{{"moment": "{text}.{int((now - whole) * 1000):03}Z", "level": "info", '
            f'"logger": "authz", "pid": {os.getpid()}, "message": "answered", "route": {told}, '
            f'"status": {status}, "ms": {round(seconds * 1000, 3)}, '
            f'"request_id": {json.dumps(request_id)}}}\n'
        )
        # Nobody reads any more, or the disk is full: no reason to answer nobody.
        with suppress(OSError):
            os.write(self._descriptor, line.encode())


_answers: _Answers | None = None
"""Where ``configure`` has sent the lines about answers; the library has them until then."""
