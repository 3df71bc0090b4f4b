"""
A record as the bytes that a chain takes: its JSON without the closing brace, in microseconds.

Most of a decision's line is the same again and again: the policy gives the same ``Decision`` for
the same situation, and a client is the same ``Caller`` as before. What such an object renders to
is kept by the object's identity, which a reference to it keeps from being given to another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from msgspec import Raw, Struct
from msgspec.json import encode

from authz_service.domain.decision import Asked, Caller, Decision, DecisionRecord, Record
from authz_service.journal.lines import SCHEMA_VERSION, instant, line

_KEPT = 4096
"""How many decisions and callers are kept in rendered form; beyond, all are rendered anew."""

_DECISION = b'{"schema":%d,"kind":"decision",' % SCHEMA_VERSION

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

One = TypeVar("One")


class _Entity(Struct):
    type: str
    id: str


class _Question(Struct):
    """The members of ``question``, in their order; ``lines`` names them in full."""

    actor: str | None
    actor_type: str | None
    actor_evidence: str | None
    sign_in: str | None
    action: str
    company: str | None
    entity: _Entity | None
    process: str | None
    named: str | None
    version: int | None
    recipient: str | None
    instance: str | None


class _Asking(Struct):
    """What stands in a line before the decision."""

    id: str
    moment: str
    caller: Raw
    request_id: str | None
    question: _Question
    delegation: str | None


class _Answering(Struct):
    """What the decision says, in the order of the line."""

    decision: bool
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    evidence: list[_Seen]
    errors: list[_Erred]


class _Seen(Struct):
    test: str
    outcome: str | bool | None


class _Erred(Struct):
    rule: str
    cause: str


class _Kept(Generic[One]):
    """
    Gives what an object renders to, at once if it has been rendered before.

    Args:
        render: how it is rendered; objects are not changed afterwards.
    """

    def __init__(self, render: Callable[[One], bytes]) -> None:
        self._render = render
        self._known: dict[int, tuple[One, bytes]] = {}

    def of(self, one: One) -> bytes:
        known = self._known.get(id(one))
        if known is not None:
            return known[1]
        rendered = self._render(one)
        if len(self._known) >= _KEPT:
            self._known = {}
        self._known[id(one)] = (one, rendered)
        return rendered


class Renderer:
    """Gives records as bytes; any number of threads may ask the same one."""

    def __init__(self) -> None:
        self._decisions = _Kept(_decision)
        self._callers = _Kept(_caller)
        self._second = (_EPOCH, instant(_EPOCH)[:-7])

    def body(self, record: Record) -> bytes:
        """Give the record's line without its closing brace and line feed."""
        if isinstance(record, DecisionRecord):
            try:
                return self._fast(record)
            except (UnicodeEncodeError, OverflowError):
                # What UTF-8 or 64 bits cannot hold; the plain way has an answer to it.
                pass
        return line(record)[:-2]

    def _fast(self, record: DecisionRecord) -> bytes:
        asking = _Asking(
            record.id,
            self._instant(record.moment),
            Raw(self._callers.of(record.caller)),
            record.request_id,
            _question(record.asked),
            record.asked.delegation,
        )
        return b'%b%b,%b,"policy_digest":%b,"store_revision":%d,"latency_us":%d' % (
            _DECISION,
            encode(asking)[1:-1],
            self._decisions.of(record.decision),
            encode(record.policy_digest),
            record.store_revision,
            record.latency_us,
        )

    def _instant(self, moment: datetime) -> str:
        begin, text = self._second
        behind = moment - begin
        if behind.days or behind.seconds:
            # Most moments are of the second of the one before.
            begin = moment.replace(microsecond=0)
            text = instant(begin)[:-7]
            self._second = (begin, text)
            behind = moment - begin
        return f"{text}{behind.microseconds:06}Z"


def _caller(caller: Caller) -> bytes:
    return encode({"name": caller.name, "address": caller.address})


def _question(asked: Asked) -> _Question:
    evidence, company, process = asked.actor_evidence, asked.company, asked.process
    return _Question(
        asked.actor,
        asked.actor_type,
        None if evidence is None else evidence.value,
        asked.sign_in,
        asked.action,
        None if company is None else company.value,
        None if asked.entity is None else _Entity(*asked.entity),
        None if process is None else process.value,
        asked.named,
        asked.version,
        asked.recipient,
        asked.instance,
    )


def _decision(decision: Decision) -> bytes:
    answering = _Answering(
        decision.allowed,
        decision.reasons,
        decision.rules,
        [_Seen(one.test, one.outcome) for one in decision.evidence],
        [_Erred(one.rule, one.cause) for one in decision.errors],
    )
    return encode(answering)[1:-1]
