"""Decide: the main job. Gather facts, ask the policy, write it down, answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

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
from authz_service.usecases.asked import (
    NO_PARTICULARS,
    asked_of,
    kept,
    kept_or_none,
    particulars_of,
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
    Text,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the one who asked is told.

    Attributes:
        id: the decision's name in the log.
        decision: yes or no, with reasons.
        text: the first reason in words.
        revision: which state of the store it was decided on.
        facts: what it was decided on, or None where nobody could be meant.
        process: the label of the process that was meant, or None.
        advice: what would turn a denial, as far as who asked may know; None if nothing is
            known to, of an allow, and where no advice was wanted.
    """

    id: str
    decision: Decision
    text: Text
    revision: int
    facts: Facts | None = None
    process: str | None = None
    advice: Way | None = None

    @property
    def pt(self) -> str:
        """All that a citizen is told, in Portuguese."""
        return self.text.pt if self.advice is None else f"{self.text.pt} {self.advice.pt}"


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
    """

    policies: Policies
    facts: FactSource
    entities: Entities
    surrogates: Surrogates
    log: DecisionLog
    listeners: tuple[Listener, ...]
    clock: Clock

    def decide(
        self, question: Question | Impossible, caller: Caller, *, advise: bool = False
    ) -> Answer:
        """Answer one question; see ``decide_all``."""
        [answer] = self.decide_all([question], caller, advise=advise)
        return answer

    def decide_all(
        self,
        questions: Sequence[Question | Impossible],
        caller: Caller,
        *,
        advise: bool = False,
    ) -> list[Answer]:
        """
        Answer a batch as of one moment, under one policy and one state of the store.

        Args:
            questions: what is asked.
            caller: who asks.
            advise: whether denials are to say what would turn them.

        Raises:
            AmbiguousProcess: a process is named by a code that several have; then no question
                of the batch is decided.
            Unavailable: no policy, no store or no log; then nobody is told anything.
        """
        batch = self._gathered(questions)
        for known in batch.known:
            if isinstance(known, Ambiguous):
                raise AmbiguousProcess("process", known.candidates)
        return [
            one for one in self._answered(batch, caller, advise=advise) if isinstance(one, Answer)
        ]

    def decide_each(
        self,
        questions: Sequence[Question | Impossible | InvalidInput],
        caller: Caller,
        *,
        until: bool | None = None,
        advise: bool = False,
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

        Raises:
            Unavailable: no policy, no store or no log; then nobody is told anything.
        """
        return self._answered(self._gathered(questions), caller, until=until, advise=advise)

    def _gathered(self, questions: Sequence[Question | Impossible | InvalidInput]) -> _Batch:
        started = time.perf_counter_ns()
        asked = [
            one if isinstance(one, InvalidInput) else described(one, self.entities)
            for one in questions
        ]
        moment, policy = self.clock(), self.policies.current()
        possible = [one for one in asked if isinstance(one, Question)]
        snapshot = self.facts.gather(possible, moment)
        gathered = zip(possible, snapshot.facts, strict=True)
        known = [_known(*next(gathered)) if isinstance(one, Question) else one for one in asked]
        return _Batch(started, known, moment, policy, snapshot.revision)

    def _answered(
        self, batch: _Batch, caller: Caller, *, until: bool | None = None, advise: bool
    ) -> list[Answer | Ambiguous | InvalidInput]:
        """Decide, write down what was decided, and only then give it."""
        outcomes = list(batch.decided(until))
        decided = [one for one in outcomes if isinstance(one, _Decided)]
        asked = [one.about.question for one in decided if isinstance(one.about, _Known)]
        names = self.surrogates.surrogates(_subjects(asked))
        records: list[DecisionRecord] = []
        answers: list[Answer | Ambiguous | InvalidInput] = []
        for one in outcomes:
            if not isinstance(one, _Decided):
                answers.append(one)
                continue
            records.append(batch.record(one, caller, names))
            answers.append(batch.answer(one, records[-1].id, advise=advise))
        self.log.write(records)
        for listener in self.listeners:
            listener(records)
        return answers


@dataclass(frozen=True, slots=True)
class _Known:
    """A question and what it is decided on."""

    question: Question
    facts: Facts


def _known(question: Question, facts: Facts | Ambiguous) -> _Known | Ambiguous:
    return facts if isinstance(facts, Ambiguous) else _Known(question, facts)


@dataclass(frozen=True, slots=True)
class _Decided:
    """
    A decision on its way into the log.

    Attributes:
        about: what was decided.
        decision: yes or no, with reasons.
        latency_us: microseconds since the batch was asked.
    """

    about: _Known | Impossible
    decision: Decision
    latency_us: int


@dataclass(frozen=True, slots=True)
class _Batch:
    """
    Questions with all that decides them.

    Attributes:
        started: when they were asked, by the counter of nanoseconds.
        known: each question with what it is decided on, or why it cannot be.
        moment: the instant that they are decided for.
        policy: the policy that decides them.
        revision: which state of the store the facts come from.
    """

    started: int
    known: Sequence[_Known | Impossible | Ambiguous | InvalidInput]
    moment: datetime
    policy: Policy
    revision: int

    def decided(
        self,
        until: bool | None,  # noqa: FBT001 - it is the datum
    ) -> Iterator[_Decided | Ambiguous | InvalidInput]:
        """Decide them in their order; see ``DecisionPoint.decide_each``."""
        for known in self.known:
            outcome = self._decide(known) if isinstance(known, (_Known, Impossible)) else known
            yield outcome
            allowed = isinstance(outcome, _Decided) and outcome.decision.allowed
            if allowed is until:
                return

    def _decide(self, about: _Known | Impossible) -> _Decided:
        if isinstance(about, Impossible):
            decision = Decision(allowed=False, reasons=(about.reason,))
        else:
            decision = self.policy.evaluate(about.question, about.facts)
        return _Decided(about, decision, (time.perf_counter_ns() - self.started) // 1000)

    def record(
        self, decided: _Decided, caller: Caller, names: Mapping[Subject, str]
    ) -> DecisionRecord:
        """Give the line of the log; *names* are those of subjects in it."""
        about = decided.about
        if isinstance(about, Impossible):
            asked = Asked(action=kept(about.action), instance=kept_or_none(about.instance))
        else:
            asked = asked_of(about.question, about.facts, names)
        return DecisionRecord(
            id=uuid.uuid4().hex,
            moment=self.moment,
            caller=caller,
            asked=asked,
            decision=decided.decision,
            policy_digest=self.policy.digest,
            store_revision=self.revision,
            latency_us=decided.latency_us,
        )

    def answer(self, decided: _Decided, record: str, *, advise: bool) -> Answer:
        """Give what the one who asked is told; *record* is the decision's name in the log."""
        about, decision = decided.about, decided.decision
        if isinstance(about, Impossible):
            text = self.policy.text(decision.reason, about.action, NO_PARTICULARS)
            return Answer(record, decision, text, self.revision)
        question, facts = about.question, about.facts
        process = None if facts.process is None else facts.process.label
        particulars = particulars_of(question, process)
        text = self.policy.text(decision.reason, question.action, particulars)
        advice = None
        if advise and not decision.allowed:
            advice = self.policy.advice(question, facts, decision)
        return Answer(record, decision, text, self.revision, facts, process, advice)


def described(question: Question | Impossible, entities: Entities) -> Question | Impossible:
    """Give the question with what is stored of entities in it; of an unknown type, it is none."""
    if isinstance(question, Impossible):
        return question
    actor, resource = question.actor, question.resource
    things = [one for one in (actor, resource) if isinstance(one, Thing)]
    if not things:
        return question
    if not all(one.name.type in entities.types for one in things):
        return Impossible(question.action, UNKNOWN_TYPE, question.instance)
    if isinstance(actor, Thing):
        actor = actor.described(entities.properties(actor.name))
    if isinstance(resource, Thing):
        resource = resource.described(entities.properties(resource.name))
    return replace(question, actor=actor, resource=resource)


def _subjects(questions: Sequence[Question]) -> list[Subject]:
    subjects = [question.subject for question in questions]
    subjects += [one.recipient for one in questions if one.recipient is not None]
    return list(dict.fromkeys(subjects))
