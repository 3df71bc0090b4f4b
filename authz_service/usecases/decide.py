"""Decide: the main job. Gather facts, ask the policy, write it down, answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, cast

from authz_service.domain.decision import (
    UNKNOWN_TYPE,
    Asked,
    Caller,
    Decision,
    DecisionRecord,
    Impossible,
    Question,
    Subject,
)
from authz_service.domain.entities import Thing
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Way
from authz_service.domain.processes import Ambiguous
from authz_service.usecases.answers import Answer
from authz_service.usecases.asked import (
    AskedBefore,
    kept,
    kept_or_none,
)
from authz_service.usecases.ports import (
    Clock,
    DecisionLog,
    Entities,
    FactSource,
    Listener,
    Policies,
    Policy,
    Surrogates,
)


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """
    The policy decision point (PDP): answers, and writes each answer down before giving it.

    Attributes:
        policies: where the current policy is.
        facts: what is known about the questions.
        entities: what is known of entities that the domain does not own.
        surrogates: the names under which persons stand in the log.
        log: where the records go first.
        listeners: who hears of them afterwards, the metrics among them.
        clock: the present instant.
        before: how questions were written down before.
    """

    policies: Policies
    facts: FactSource
    entities: Entities
    surrogates: Surrogates
    log: DecisionLog
    listeners: tuple[Listener, ...]
    clock: Clock
    before: AskedBefore = field(default_factory=AskedBefore)

    def decide(
        self,
        question: Question | Impossible,
        caller: Caller,
        *,
        advise: bool = False,
        looked: bool = False,
        request_id: str | None = None,
    ) -> Answer:
        """Answer one question; see ``decide_all``."""
        [answer] = self.decide_all(
            [question], caller, advise=advise, looked=looked, request_id=request_id
        )
        return answer

    def decide_all(
        self,
        questions: Sequence[Question | Impossible],
        caller: Caller,
        *,
        advise: bool = False,
        looked: bool = False,
        request_id: str | None = None,
    ) -> list[Answer]:
        """
        Answer a batch as of one moment, under one policy and one state of the store.

        Args:
            questions: what is asked.
            caller: who asks.
            advise: whether denials are to say what would turn them.
            looked: whether the store was looked at for this request; see ``Truth``.
            request_id: the id of the request, free of CPFs, for the record.

        Raises:
            AmbiguousProcess: a process is named by a code that several have; then no question
                of the batch is decided.
            Unavailable: no policy, no store or no log; then nobody is told anything.
        """
        batch = self._gathered(questions, looked=looked)
        for _question, facts in batch.known:
            if isinstance(facts, Ambiguous):
                raise AmbiguousProcess("process", facts.candidates)
        answers = self._answered(batch, caller, None, request_id, advise=advise)
        return [one for one in answers if isinstance(one, Answer)]

    def decide_each(
        self,
        questions: Sequence[Question | Impossible | InvalidInput],
        caller: Caller,
        *,
        until: bool | None = None,
        advise: bool = False,
        looked: bool = False,
        request_id: str | None = None,
    ) -> list[Answer | Ambiguous | InvalidInput]:
        """
        Answer a batch as ``decide_all`` does, but each question for itself.

        What names a process by a code that several have is no decision: its place holds what
        the name could mean. Nor is what could not be read: its place holds why, as it was given.

        Args:
            questions: what is asked, or why it cannot be read.
            caller: who asks.
            until: decide no further than to the first decision that is this, and give no more
                than that; a place without a decision counts as a no. None decides them all.
            advise: whether denials are to say what would turn them.
            looked: whether the store was looked at for this request; see ``Truth``.
            request_id: the id of the request, free of CPFs, for the record.

        Raises:
            Unavailable: no policy, no store or no log; then nobody is told anything.
        """
        batch = self._gathered(questions, looked=looked)
        return self._answered(batch, caller, until, request_id, advise=advise)

    def _gathered(
        self, questions: Sequence[Question | Impossible | InvalidInput], *, looked: bool
    ) -> _Batch:
        started = time.perf_counter_ns()
        asked = [
            described(one, self.entities) if isinstance(one, Question) else one for one in questions
        ]
        moment, policy = self.clock(), self.policies.current()
        possible = [one for one in asked if isinstance(one, Question)]
        snapshot = self.facts.gather(possible, moment, looked=looked)
        if len(possible) == len(asked):
            known: Sequence[_Known] = list(zip(possible, snapshot.facts, strict=True))
        else:
            facts = iter(snapshot.facts)
            known = [(one, next(facts) if isinstance(one, Question) else None) for one in asked]
        return _Batch(started, known, moment, policy, snapshot.revision)

    def _answered(
        self,
        batch: _Batch,
        caller: Caller,
        until: bool | None,  # noqa: FBT001 - it is the datum
        request_id: str | None,
        *,
        advise: bool,
    ) -> list[Answer | Ambiguous | InvalidInput]:
        """Decide, write down what was decided, and only then give it."""
        outcomes = batch.decided(until)
        # The facts were gathered after a look, and so are of this request.
        names = self.surrogates.surrogates(_subjects(outcomes), looked=True)
        digest, revision, moment = batch.policy.digest, batch.revision, batch.moment
        names_left = _names()
        records: list[DecisionRecord] = []
        answers: list[Answer | Ambiguous | InvalidInput] = []
        for one in outcomes:
            if not isinstance(one, _Decided):
                answers.append(one)
                continue
            name = next(names_left)
            record = DecisionRecord(
                name,
                moment,
                caller,
                self._asked(one, names),
                one.decision,
                digest,
                revision,
                one.latency_us,
                request_id,
            )
            records.append(record)
            advice = batch.advice(one) if advise else None
            answers.append(
                Answer(name, one.decision, revision, batch.policy, one.question, one.facts, advice)
            )
        self.log.write(records)
        for listener in self.listeners:
            listener(records)
        return answers

    def _asked(self, decided: _Decided, names: Mapping[Subject, str]) -> Asked:
        """Give the question as the record keeps it; *names* are those of subjects in it."""
        question = decided.question
        if isinstance(question, Impossible):
            return Asked(action=kept(question.action), instance=kept_or_none(question.instance))
        return self.before.asked_of(question, cast("Facts", decided.facts), names)


_LAST_BITS = 48
_LAST = (1 << _LAST_BITS) - 1


class _Decided(NamedTuple):
    """
    A decision on its way into the log.

    Attributes:
        question: what was decided.
        facts: on what, or None of what is impossible.
        decision: yes or no, with reasons.
        latency_us: microseconds since the batch was asked.
    """

    question: Question | Impossible
    facts: Facts | None
    decision: Decision
    latency_us: int


_Known = tuple[Question | Impossible | InvalidInput, Facts | Ambiguous | None]
"""A question, or why it is none, and what it is decided on."""


class _Batch(NamedTuple):
    """
    Questions with all that decides them.

    Attributes:
        started: when they were asked, by the counter of nanoseconds.
        known: each question, or why it is none, and what it is decided on.
        moment: the instant that they are decided for.
        policy: the policy that decides them.
        revision: which state of the store the facts come from.
    """

    started: int
    known: Sequence[_Known]
    moment: datetime
    policy: Policy
    revision: int

    def decided(
        self,
        until: bool | None,  # noqa: FBT001 - it is the datum
    ) -> list[_Decided | Ambiguous | InvalidInput]:
        """Decide them in their order; see ``DecisionPoint.decide_each``."""
        outcomes: list[_Decided | Ambiguous | InvalidInput] = []
        for question, facts in self.known:
            allowed = False
            if isinstance(question, InvalidInput):
                outcomes.append(question)
            elif isinstance(facts, Ambiguous):
                outcomes.append(facts)
            else:
                decision = self._decide(question, facts)
                latency = (time.perf_counter_ns() - self.started) // 1000
                outcomes.append(_Decided(question, facts, decision, latency))
                allowed = decision.allowed
            if allowed is until:
                break
        return outcomes

    def _decide(self, question: Question | Impossible, facts: Facts | None) -> Decision:
        if isinstance(question, Impossible):
            return Decision(allowed=False, reasons=(question.reason,))
        # Only what is impossible has none.
        return self.policy.evaluate(question, cast("Facts", facts))

    def advice(self, decided: _Decided) -> Way | None:
        """Give what would turn a denial, or None."""
        question, decision = decided.question, decided.decision
        if decision.allowed or isinstance(question, Impossible):
            return None
        return self.policy.advice(question, cast("Facts", decided.facts), decision)


def _names() -> Iterator[str]:
    """
    Give names of decisions that nobody else gives, 32 hexadecimal digits each.

    The system is asked for chance once a batch, since much of it takes long. The end is what
    tells decisions of one moment apart, so it is what goes on from one to the next.
    """
    chance = secrets.randbits(128)
    first, last = chance >> _LAST_BITS, chance & _LAST
    while True:
        yield f"{first:020x}{last:012x}"
        last = (last + 1) & _LAST


def described(question: Question, entities: Entities) -> Question | Impossible:
    """Give the question with what is stored of entities in it; of an unknown type, it is none."""
    actor, resource = question.actor, question.resource
    if not (isinstance(actor, Thing) or isinstance(resource, Thing)):
        return question
    things = [one for one in (actor, resource) if isinstance(one, Thing)]
    if not all(one.name.type in entities.types for one in things):
        return Impossible(question.action, UNKNOWN_TYPE, question.instance)
    if isinstance(actor, Thing):
        actor = actor.described(entities.properties(actor.name))
    if isinstance(resource, Thing):
        resource = resource.described(entities.properties(resource.name))
    return replace(question, actor=actor, resource=resource)


def _subjects(outcomes: Sequence[_Decided | Ambiguous | InvalidInput]) -> list[Subject]:
    subjects: list[Subject] = []
    for one in outcomes:
        if isinstance(one, _Decided) and isinstance(one.question, Question):
            subjects.append(one.question.subject)
            if one.question.recipient is not None:
                subjects.append(one.question.recipient)
    return subjects
