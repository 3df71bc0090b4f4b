"""Decide: the main job. Gather facts, ask the policy, write it down, answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from authz_service.domain.decision import (
    Caller,
    DecisionRecord,
    Impossible,
    Question,
)
from authz_service.domain.entities import Thing
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.processes import Ambiguous
from authz_service.usecases.answers import Answer
from authz_service.usecases.asked import kept
from authz_service.usecases.before import Decided, Memory, Standing
from authz_service.usecases.deciding import (
    Known,
    Outcome,
    Sent,
    advice_again,
    advice_on,
    again,
    decided,
    described,
    given,
    recorded,
    subjects_of,
    written,
)
from authz_service.usecases.names import new_name, new_names
from authz_service.usecases.ports import (
    Alarm,
    Clock,
    DecisionLog,
    Entities,
    FactSource,
    Listener,
    Policies,
    Policy,
    Snapshot,
    Surrogates,
)

# A NamedTuple's own way to make one takes twice as long.
_new = tuple.__new__


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
        alarms: who hears of decisions in which rules have erred; none that is given again has.
        memory: how it has decided before.
    """

    policies: Policies
    facts: FactSource
    entities: Entities
    surrogates: Surrogates
    log: DecisionLog
    listeners: tuple[Listener, ...]
    clock: Clock
    alarms: tuple[Alarm, ...] = ()
    memory: Memory = field(default_factory=Memory, init=False, repr=False, compare=False)

    def decide(
        self,
        question: Question | Impossible,
        caller: Caller,
        *,
        advise: bool = False,
        looked: bool = False,
        request_id: str | None = None,
        instance: str | None = None,
    ) -> Answer:
        """
        Answer one question; see ``decide_all``.

        Args:
            question: what is asked.
            caller: who asks.
            advise: whether a denial is to say what would turn it.
            looked: whether the store was looked at for this request; see ``Truth``.
            request_id: the id of the request, free of CPFs, for the record.
            instance: Orquestra's number of the process instance, whatever the caller has sent for
                one; for the record, too.

        Raises:
            AmbiguousProcess: the process is named by a code that several have.
            Unavailable: no policy, no store or no log; then nobody is told anything.
        """
        instance = None if instance is None else kept(instance)
        # As ``_answers`` does, written out for what nearly every call asks: a question that was
        # asked before and nothing has changed since.
        if looked:
            started = time.perf_counter_ns()
            standing, policy = self.memory.standing, self.policies.current()
            one = standing.decided.get(id(question))
            if (
                one is not None
                and one.question() is question
                and standing.policy is policy
                and standing.state is self.facts.state
                and one.since <= (moment := self.clock()) < one.until
            ):
                name, decision, revision = new_name(), one.decision, standing.revision
                advice = advice_again(policy, question, one) if advise else None
                record = _new(
                    DecisionRecord,
                    (
                        name,
                        moment,
                        caller,
                        one.asked,
                        decision,
                        policy.digest,
                        revision,
                        (time.perf_counter_ns() - started) // 1000,
                        request_id,
                        instance,
                    ),
                )
                self._tell([record])
                return _new(Answer, (name, decision, revision, policy, question, one.facts, advice))
        [answer] = self._answers(
            (question,),
            caller,
            None,
            request_id,
            instance,
            looked=looked,
            advise=advise,
            whole=True,
        )
        return cast("Answer", answer)

    def _tell(self, records: Sequence[DecisionRecord]) -> None:
        """Write records down, and then let others hear of them."""
        self.log.write(records)
        for listener in self.listeners:
            listener(records)

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
        answers = self._answers(
            questions, caller, None, request_id, None, looked=looked, advise=advise, whole=True
        )
        return cast("list[Answer]", answers)

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
        return self._answers(
            questions, caller, until, request_id, None, looked=looked, advise=advise, whole=False
        )

    def _answers(
        self,
        questions: Sequence[Sent],
        caller: Caller,
        until: bool | None,  # noqa: FBT001 - it is the datum
        request_id: str | None,
        instance: str | None,
        *,
        looked: bool,
        advise: bool,
        whole: bool,
    ) -> list[Answer | Ambiguous | InvalidInput]:
        """Decide, write down what was decided, and only then give it."""
        started = time.perf_counter_ns()
        moment, policy = self.clock(), self.policies.current()
        state = self.facts.state if looked else None
        standing = self.memory.standing
        if state is not None and standing.state is state and standing.policy is policy:
            before = again(standing.decided, questions, moment, until)
            if before:
                names = new_names(len(before))
                request = (moment, caller, request_id, instance)
                told = given(before, names, questions, policy, standing.revision, advise=advise)
                self._tell(recorded(before, names, request, policy, standing.revision, started))
                return told
        else:
            # It holds facts of persons who may have been erased.
            self.memory.standing = Standing()
        outcomes, revision = self._anew(
            questions, moment, policy, until, started, looked=looked, whole=whole
        )
        digest, ids = policy.digest, new_names(len(outcomes))
        records: list[DecisionRecord] = []
        answers: list[Answer | Ambiguous | InvalidInput] = []
        for name, outcome in zip(ids, outcomes, strict=True):
            if not isinstance(outcome, tuple):
                answers.append(outcome)
                continue
            question, facts, decision, asked, latency = outcome
            advice = advice_on(policy, question, facts, decision) if advise else None
            records.append(
                _new(
                    DecisionRecord,
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
                    ),
                )
            )
            answers.append(
                _new(Answer, (name, decision, revision, policy, question, facts, advice))
            )
        if records:
            self._tell(records)
        erred = [one for one in records if one.decision.errors]
        if erred:
            for alarm in self.alarms:
                alarm(erred)
        return answers

    def _anew(
        self,
        questions: Sequence[Sent],
        moment: datetime,
        policy: Policy,
        until: bool | None,  # noqa: FBT001 - it is the datum
        started: int,
        *,
        looked: bool,
        whole: bool,
    ) -> tuple[list[Outcome | Ambiguous | InvalidInput], int]:
        """Decide, and remember what may be asked again; give the revision with it."""
        state = self.facts.state if looked else None
        asked, snapshot = self._gathered(
            questions, moment, looked=looked, heeded=policy.heeds_asserted
        )
        if whole:
            for facts in snapshot.facts:
                if isinstance(facts, Ambiguous):
                    raise AmbiguousProcess("process", facts.candidates)
        found = iter(snapshot.facts)
        known: list[Known] = [
            (one, next(found) if isinstance(one, Question) else None) for one in asked
        ]
        noted = decided(known, policy, until, started)
        # The facts were gathered after a look, and so are of this request.
        names = self.surrogates.surrogates(subjects_of(noted), looked=True)
        span, standing = snapshot.span, None
        if span is not None and state is not None and self.facts.state is state:
            standing = self.memory.of(state, policy, snapshot.revision)
        outcomes: list[Outcome | Ambiguous | InvalidInput] = []
        for one in noted:
            if not isinstance(one, tuple):
                outcomes.append(one)
                continue
            question, about, decision, note, latency = one
            asked_as = written(question, about, note, names)
            outcomes.append((question, about, decision, asked_as, latency))
            if standing is not None and span is not None and about is not None:
                this = cast("Question", question)
                standing.keep(this, Decided(this, about, decision, asked_as, span))
        return outcomes, snapshot.revision

    def _gathered(
        self, questions: Sequence[Sent], moment: datetime, *, looked: bool, heeded: bool
    ) -> tuple[Sequence[Sent], Snapshot]:
        """Give the questions with what is stored of entities, and the facts of what is one."""
        asked: Sequence[Sent] = questions
        if any(
            isinstance(one, Question) and Thing in (type(one.actor), type(one.resource))
            for one in questions
        ):
            asked = [
                described(one, self.entities) if isinstance(one, Question) else one
                for one in questions
            ]
        possible = [one for one in asked if isinstance(one, Question)]
        return asked, self.facts.gather(possible, moment, looked=looked, heeded=heeded)
