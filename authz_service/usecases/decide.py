"""Decide: the main job. Gather facts, ask the policy, write it down, answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from authz_service.domain.decision import (
    UNKNOWN_TYPE,
    Asked,
    Caller,
    Decision,
    DecisionRecord,
    Impossible,
    ProcessAsked,
    Question,
    Subject,
)
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts, ProcessFacts
from authz_service.domain.identifiers import Cpf, Login, without_cpf
from authz_service.domain.people import Evidence
from authz_service.usecases.ports import (
    Clock,
    DecisionLog,
    Entities,
    FactSource,
    Listener,
    Policies,
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
    """

    id: str
    decision: Decision
    text: Text
    revision: int
    facts: Facts | None = None
    process: str | None = None


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

    def decide(self, question: Question | Impossible, caller: Caller) -> Answer:
        """Answer one question; see ``decide_all``."""
        [answer] = self.decide_all([question], caller)
        return answer

    def decide_all(
        self, questions: Sequence[Question | Impossible], caller: Caller
    ) -> list[Answer]:
        """
        Answer a batch as of one moment, under one policy and one state of the store.

        Raises:
            AmbiguousProcess: a process is named by a code that several have.
            Unavailable: no policy, no store or no log; then nobody is told anything.
        """
        started = time.perf_counter_ns()
        questions = [described(one, self.entities) for one in questions]
        moment, policy = self.clock(), self.policies.current()
        possible = [one for one in questions if isinstance(one, Question)]
        snapshot = self.facts.gather(possible, moment)
        known = iter(snapshot.facts)
        names = self.surrogates.surrogates(_subjects(possible))
        records, answers = [], []
        for question in questions:
            if isinstance(question, Impossible):
                decision = Decision(allowed=False, reasons=(question.reason,))
                asked = Asked(
                    action=_kept(question.action), instance=_kept_or_none(question.instance)
                )
                facts, process, particulars = None, None, {"cnpj": "", "processo": ""}
            else:
                facts = next(known)
                decision = policy.evaluate(question, facts)
                asked = _asked(question, facts, names)
                process = None if facts.process is None else facts.process.label
                particulars = _particulars(question, process)
            record = DecisionRecord(
                id=uuid.uuid4().hex,
                moment=moment,
                caller=caller,
                asked=asked,
                decision=decision,
                policy_digest=policy.digest,
                store_revision=snapshot.revision,
                latency_us=(time.perf_counter_ns() - started) // 1000,
            )
            text = policy.text(decision.reason, question.action, particulars)
            records.append(record)
            answers.append(Answer(record.id, decision, text, snapshot.revision, facts, process))
        self.log.write(records)
        for listener in self.listeners:
            listener(records)
        return answers


def described(question: Question | Impossible, entities: Entities) -> Question | Impossible:
    """Give the question with what is stored of entities in it; of an unknown type, it is none."""
    if isinstance(question, Impossible):
        return question
    actor, resource = question.actor, question.resource
    for one in (actor, resource):
        if isinstance(one, Thing) and one.name.type not in entities.types:
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


def _kept(text: str) -> str:
    """Give a text of the caller in a form that the log can keep: short, and without CPFs."""
    return without_cpf(text)[:64]


def _kept_or_none(text: str | None) -> str | None:
    return None if text is None else _kept(text)


def _asked(question: Question, facts: Facts, names: Mapping[Subject, str]) -> Asked:
    resource = question.resource
    named = resource.name if isinstance(resource, ProcessAsked) else None
    entity = None
    if isinstance(resource, Thing):
        entity = (resource.name.type, without_cpf(resource.name.id))
    return Asked(
        action=_kept(question.action),
        actor=names[question.subject],
        actor_type=_type(question.subject),
        recipient=None if question.recipient is None else names[question.recipient],
        company=None if isinstance(resource, Thing) else resource.company,
        entity=entity,
        process=None if facts.process is None else facts.process.id,
        named=None if named is None else without_cpf(named.text),
        version=facts.resource.version if isinstance(facts.resource, ProcessFacts) else None,
        delegation=facts.delegation,
        actor_evidence=Evidence(facts.question.actor_evidence),
        instance=_kept_or_none(question.instance),
        sign_in=facts.sign_in,
    )


def _type(subject: Subject) -> str:
    if isinstance(subject, Cpf):
        return "person"
    return "login" if isinstance(subject, Login) else subject.type


def _particulars(question: Question, process: str | None) -> dict[str, str]:
    """Give what the texts of reasons may speak of: the company and the process, no person."""
    resource = question.resource
    if isinstance(resource, Thing):
        return {"cnpj": "", "processo": ""}
    if process is None and isinstance(resource, ProcessAsked):
        process = without_cpf(resource.name.text)
    return {"cnpj": resource.company.formatted, "processo": process or ""}
