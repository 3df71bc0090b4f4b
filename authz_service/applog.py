"""
The application log: JSON lines on stderr, for operators, without personal data.

Not the decision log. Nothing here is meant to hold a CPF, masked or not; the formatter
takes out what looks like one all the same, since libraries log as well.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from authz_service.domain.decision import Caller, DecisionRecord, Record
from authz_service.domain.errors import Problem
from authz_service.domain.identifiers import without_cpf
from authz_service.domain.sign_in import Cause

_LOG = logging.getLogger("authz")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: moment, level, logger, message, and what ``extra`` brought."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line for *record*."""
        moment = datetime.fromtimestamp(record.created, UTC)
        members: dict[str, object] = {
            "moment": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def heard(records: Sequence[Record]) -> None:
    """Tell operators of rules that erred: the policy denies people for a mistake of its own."""
    for record in records:
        if isinstance(record, DecisionRecord):
            for error in record.decision.errors:
                _LOG.error(
                    "a rule could not be answered, so the decision was a denial",
                    extra={"rule": error.rule, "cause": error.cause, "decision": record.id},
                )


def policy_problems(problems: Sequence[Problem]) -> None:
    """Tell operators why there is no valid policy."""
    for problem in problems:
        _LOG.error("the policy is not valid", extra={"problem": str(problem)})


def sign_in_off() -> None:
    """Tell operators at the start that no sign-in is taken."""
    _LOG.warning("sign-in is off: AUTHZ_GOVBR_ISSUER and AUTHZ_GOVBR_AUDIENCE are not set")


def token_refused(cause: Cause, caller: Caller) -> None:
    """Tell operators who brought a token that proves nothing, and why it does not."""
    extra = {"cause": cause.value, "client": caller.name, "address": caller.address}
    _LOG.warning("a token of GOV.BR was refused", extra=extra)


def answered(route: str, status: int, seconds: float) -> None:
    """Tell of one HTTP answer; *route* is a template, never a path."""
    _LOG.info(
        "answered",
        extra={"route": route, "status": status, "ms": round(seconds * 1000, 3)},
    )
