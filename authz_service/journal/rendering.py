"""
A record as the bytes that a chain takes: its JSON without the closing brace, in microseconds.

Most of a decision's line is the same again and again: the policy gives the same ``Decision`` for
the same situation, a client is the same ``Caller`` as before, and what is asked on facts that are
held is the same ``Asked``. What such an object renders to is kept by the object's identity, which
a reference to it keeps from being given to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.json import encode

from authz_service.domain.decision import Asked, Caller, Decision, DecisionRecord, Record
from authz_service.journal.lines import SCHEMA_VERSION, instant, line

_KEPT = 65_536
"""How many of each kind of object are kept in rendered form; beyond, all are rendered anew."""

_LINE = b'{"schema":%d,"kind":"decision","id":' % SCHEMA_VERSION + b'%b%b%b,"instance":%b%b%b%d'
"""The name, who asks, the question, the instance, the answer, the state, the latency."""

_NULL = b"null"

Kept = TypeVar("Kept")


class _Entity(Struct):
    type: str
    id: str


class _Question(Struct):
    """The members of ``question`` but the last, in their order; ``lines`` names them in full."""

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


class Renderer:
    """Gives records as bytes; any number of threads may ask the same one."""

    def __init__(self) -> None:
        # By the number of an object, with the object.
        self._callers: dict[int, tuple[Caller, bytes]] = {}
        self._decisions: dict[int, tuple[Decision, bytes]] = {}
        self._both: dict[int, tuple[Asked, Decision, bytes, bytes]] = {}
        self._state = ("", -1, b"")

    def body(self, record: Record) -> bytes:
        """Give the record's line without its closing brace and line feed."""
        if isinstance(record, DecisionRecord):
            return self.decisions([record])[0]
        return line(record)[:-2]

    def decisions(self, records: Sequence[DecisionRecord]) -> list[bytes]:
        """Give the lines of decisions, one or more, each as ``body`` does."""
        try:
            return [self._one(records[0])] if len(records) == 1 else self._fast(records)
        except (UnicodeEncodeError, OverflowError):
            # What UTF-8 or 64 bits cannot hold; the plain way has an answer to it.
            return [line(one)[:-2] for one in records]

    def _one(self, record: DecisionRecord) -> bytes:
        """Give the line of one decision, as ``_fast`` does."""
        name, moment, caller, asked, decision, digest, revision, latency, asker, instance = record
        known = self._both.get(id(asked))
        if known is None or known[1] is not decision:
            known = self._rendered(asked, decision)
        state = self._state
        if state[1] != revision or state[0] is not digest:
            state = self._of_state(digest, revision)
        return _LINE % (
            encode(name),
            self._asking(moment, caller, asker),
            known[2],
            _NULL if instance is None else encode(instance),
            known[3],
            state[2],
            latency,
        )

    def _fast(self, records: Sequence[DecisionRecord]) -> list[bytes]:
        known_of, bodies = self._both.get, []
        at = by = asker = under = None
        on, asking, state = -1, b"", b""
        for record in records:
            (
                name,
                moment,
                caller,
                asked,
                decision,
                digest,
                revision,
                latency,
                request_id,
                instance,
            ) = record
            # Those of one request have all of this in common, as the same objects.
            if not (moment is at and caller is by and request_id is asker):
                asking = self._asking(moment, caller, request_id)
                at, by, asker = moment, caller, request_id
            if not (revision == on and digest is under):
                state = self._of_state(digest, revision)[2]
                on, under = revision, digest
            known = known_of(id(asked))
            if known is None or known[1] is not decision:
                known = self._rendered(asked, decision)
            bodies.append(
                _LINE
                % (
                    encode(name),
                    asking,
                    known[2],
                    _NULL if instance is None else encode(instance),
                    known[3],
                    state,
                    latency,
                )
            )
        return bodies

    def _asking(self, moment: datetime, caller: Caller, request_id: str | None) -> bytes:
        """Give what stands between the name of a decision and its question."""
        known = self._callers.get(id(caller))
        if known is None:
            known = _keep(self._callers, id(caller), (caller, _caller(caller)))
        return b',"moment":"%bZ","caller":%b,"request_id":%b,' % (
            moment.isoformat("T", "microseconds")[:-6].encode()
            if moment.tzinfo is UTC
            else instant(moment)[:-1].encode(),
            known[1],
            encode(request_id),
        )

    def _rendered(self, asked: Asked, decision: Decision) -> tuple[Asked, Decision, bytes, bytes]:
        """Give what stands before the instance, and behind it up to what the decision says."""
        known = self._decisions.get(id(decision))
        if known is None:
            known = _keep(self._decisions, id(decision), (decision, _decision(decision)))
        behind = b'},"delegation":%b,%b' % (encode(asked.delegation), known[1])
        both = (asked, decision, _asked(asked), behind)
        if asked.actor is None or asked.entity is not None or asked.recipient is not None:
            # It is made anew each time, and does not come again.
            return both
        return _keep(self._both, id(asked), both)

    def _of_state(self, digest: str, revision: int) -> tuple[str, int, bytes]:
        """Give both, with what stands behind the decision up to the latency."""
        known = self._state
        if known[1] != revision or known[0] is not digest:
            text = b',"policy_digest":%b,"store_revision":%d,"latency_us":'
            known = self._state = (digest, revision, text % (encode(digest), revision))
        return known


def _keep(known: dict[int, Kept], number: int, one: Kept) -> Kept:
    """Keep one more; where there is no room, all others are forgotten."""
    if len(known) >= _KEPT:
        known.clear()
    known[number] = one
    return one


def _caller(caller: Caller) -> bytes:
    return encode({"name": caller.name, "address": caller.address})


def _asked(asked: Asked) -> bytes:
    evidence, company, process = asked.actor_evidence, asked.company, asked.process
    question = _Question(
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
    )
    return b'"question":%b' % encode(question)[:-1]


def _decision(decision: Decision) -> bytes:
    answering = _Answering(
        decision.allowed,
        decision.reasons,
        decision.rules,
        [_Seen(one.test, one.outcome) for one in decision.evidence],
        [_Erred(one.rule, one.cause) for one in decision.errors],
    )
    return encode(answering)[1:-1]
