"""The steps of a decision: what is asked, what the policy says of it, how it is written down."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

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
from authz_service.domain.errors import InvalidInput
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Way
from authz_service.domain.processes import Ambiguous
from authz_service.usecases.answers import Answer
from authz_service.usecases.asked import kept
from authz_service.usecases.before import Decided
from authz_service.usecases.noting import Note, asked_by, note_of
from authz_service.usecases.ports import Entities, Policy

# A NamedTuple's own way to make one takes twice as long.
_new = tuple.__new__

Sent = Question | Impossible | InvalidInput
"""A question, or why it is none."""
Known = tuple[Sent, Facts | Ambiguous | None]
"""A question, or why it is none, and what it is decided on."""
Outcome = tuple[Question | Impossible, Facts | None, Decision, Asked, int]
"""What was decided, on what, how, as records keep it, and microseconds after it was asked."""
Noted = tuple[Question | Impossible, Facts | None, Decision, Note | None, int]
"""The same with what is noted of it, before anybody has a name."""


def again(
    before: Mapping[int, Decided],
    questions: Sequence[Sent],
    moment: datetime,
    until: bool | None,  # noqa: FBT001 - it is the datum
) -> list[Decided] | None:
    """Find how questions were decided before, or give None if not all of them were."""
    found: list[Decided] = []
    for question in questions:
        one = before.get(id(question))
        if one is None or one.question() is not question or not one.since <= moment < one.until:
            return None
        found.append(one)
        if one.decision.allowed is until:
            break
    return found


def recorded(
    before: Sequence[Decided],
    names: Sequence[str],
    request: tuple[datetime, Caller, str | None, str | None],
    policy: Policy,
    revision: int,
    started: int,
) -> list[DecisionRecord]:
    """
    Give the records of decisions that are given again, all at once.

    Args:
        before: how the questions were decided.
        names: of the decisions, as many.
        request: when it was asked, who asks, the id of the request and Orquestra's instance.
        policy: what has decided.
        revision: on which state of the store.
        started: when it was asked, in nanoseconds.
    """
    moment, caller, request_id, instance = request
    digest, latency = policy.digest, (time.perf_counter_ns() - started) // 1000
    return [
        _new(
            DecisionRecord,
            (
                name,
                moment,
                caller,
                one.asked,
                one.decision,
                digest,
                revision,
                latency,
                request_id,
                instance,
            ),
        )
        for name, one in zip(names, before, strict=True)
    ]


def given(
    before: Sequence[Decided],
    names: Sequence[str],
    questions: Sequence[Sent],
    policy: Policy,
    revision: int,
    *,
    advise: bool,
) -> list[Answer | Ambiguous | InvalidInput]:
    """Give the answers to the first of *questions*, as they were decided before."""
    return [
        _new(
            Answer,
            (
                name,
                one.decision,
                revision,
                policy,
                question,
                one.facts,
                advice_again(policy, question, one) if advise else None,
            ),
        )
        for name, one, question in zip(names, before, questions, strict=False)
    ]


def advice_again(policy: Policy, question: Sent, one: Decided) -> Way | None:
    """Give what would turn a decision that was made before, or None."""
    if one.advice is None:
        # What was decided before was a question.
        asked = cast("Question", question)
        one.advice = (advice_on(policy, asked, one.facts, one.decision),)
    return one.advice[0]


def decided(
    known: Sequence[Known],
    policy: Policy,
    until: bool | None,  # noqa: FBT001 - it is the datum
    started: int,
) -> list[Noted | Ambiguous | InvalidInput]:
    """Decide questions in their order; see ``DecisionPoint.decide_each``."""
    outcomes: list[Noted | Ambiguous | InvalidInput] = []
    now = time.perf_counter_ns
    for question, facts in known:
        note = None
        if type(facts) is Facts:
            note = note_of(question, facts, policy)  # type: ignore[arg-type]  # else it has none
            decision = note.decision
        elif type(question) is Impossible:
            decision = Decision(allowed=False, reasons=(question.reason,))
        else:
            outcomes.append(facts or question)  # type: ignore[arg-type]  # one of the two is wrong
            if until is False:
                break
            continue
        latency = (now() - started) // 1000
        outcomes.append((question, facts, decision, note, latency))  # type: ignore[arg-type]  # as above
        if decision.allowed is until:
            break
    return outcomes


def written(
    question: Question | Impossible,
    facts: Facts | None,
    note: Note | None,
    names: Mapping[Subject, str],
) -> Asked:
    """Give the question as the record keeps it; *names* are those of subjects in it."""
    if note is None:
        return Asked(action=kept(question.action))
    # What is noted was a question, and was decided on facts.
    return asked_by(note, cast("Question", question), cast("Facts", facts), names)


def advice_on(
    policy: Policy, question: Question | Impossible, facts: Facts | None, decision: Decision
) -> Way | None:
    """Give what would turn a denial, or None."""
    if decision.allowed or facts is None:
        return None
    # What has facts is a question.
    return policy.advice(cast("Question", question), facts, decision)


def described(question: Question, entities: Entities) -> Question | Impossible:
    """Give the question with what is stored of entities in it; of an unknown type, it is none."""
    actor, resource = question.actor, question.resource
    if not (isinstance(actor, Thing) or isinstance(resource, Thing)):  # mutant: but not the same
        return question
    things = [one for one in (actor, resource) if isinstance(one, Thing)]
    if not all(one.name.type in entities.types for one in things):
        return Impossible(question.action, UNKNOWN_TYPE)
    if isinstance(actor, Thing):
        actor = actor.described(entities.properties(actor.name))
    if isinstance(resource, Thing):
        resource = resource.described(entities.properties(resource.name))
    return replace(question, actor=actor, resource=resource)


def subjects_of(outcomes: Sequence[Noted | Ambiguous | InvalidInput]) -> list[Subject]:
    """Give who was asked about, and is to be named in the log."""
    subjects: list[Subject] = []
    last: object = None
    for one in outcomes:
        if not isinstance(one, tuple):
            continue
        question = one[0]
        # Of a batch about one person, once.
        if type(question) is Question and (
            question.actor is not last or question.recipient is not None
        ):
            last = question.actor
            subjects.append(question.subject)
            if question.recipient is not None:
                subjects.append(question.recipient)
    return subjects
