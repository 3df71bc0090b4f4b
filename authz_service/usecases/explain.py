"""Explain: the same decision with everything behind it, which lets nobody in."""

from __future__ import annotations

from dataclasses import dataclass

from authz_service.domain.decision import Caller, Decision, Impossible, Question
from authz_service.domain.errors import AmbiguousProcess
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Way
from authz_service.domain.processes import Ambiguous
from authz_service.usecases.acts import ActLog
from authz_service.usecases.asked import NO_PARTICULARS, asked_of, particulars_of
from authz_service.usecases.deciding import described
from authz_service.usecases.ports import Clock, Entities, FactSource, Policies, Surrogates, Text


@dataclass(frozen=True, slots=True)
class Explained:
    """
    A decision and its grounds.

    Attributes:
        decision: with reasons, the rules that spoke, and what it depends on.
        texts: what the reasons say to people, in their order.
        nearest: the ways in which a denial would be an allow, the lightest first.
        policy_digest: which policy answered.
        store_revision: which state of the store the facts come from.
    """

    decision: Decision
    texts: tuple[Text, ...]
    nearest: tuple[Way, ...]
    policy_digest: str
    store_revision: int


@dataclass(frozen=True, slots=True)
class Explanation(Explained):
    """
    A decision about what can be asked, and its grounds.

    Attributes:
        question: as the policy was asked it.
        facts: all that the policy could have read.
    """

    question: Question
    facts: Facts


@dataclass(frozen=True, slots=True)
class Explainer:
    """Answers as the decision point would, shows why, and leaves no trace."""

    policies: Policies
    facts: FactSource
    entities: Entities
    clock: Clock

    def explain(self, question: Question) -> Explanation | Impossible:
        """
        Decide *question* as of now, and keep the grounds; or tell why it is none.

        Raises:
            AmbiguousProcess: the process is named by a code that several have.
            Unavailable: no policy or no store.
        """
        asked = described(question, self.entities)
        if isinstance(asked, Impossible):
            return asked
        moment, policy = self.clock(), self.policies.current()
        snapshot = self.facts.gather([asked], moment)
        [facts] = snapshot.facts
        if isinstance(facts, Ambiguous):
            raise AmbiguousProcess("process", facts.candidates)
        decision = policy.evaluate(asked, facts)
        particulars = particulars_of(asked, None if facts.process is None else facts.process.label)
        return Explanation(
            decision=decision,
            texts=tuple(policy.text(one, asked.action, particulars) for one in decision.reasons),
            nearest=() if decision.allowed else policy.nearest(asked, facts),
            policy_digest=policy.digest,
            store_revision=snapshot.revision,
            question=asked,
            facts=facts,
        )


@dataclass(frozen=True, slots=True)
class ExplanationDesk:
    """
    Explains to callers, and writes down who saw the facts about whom.

    Attributes:
        explainer: explains.
        surrogates: the names of persons in the log.
        acts: where it is written down.
    """

    explainer: Explainer
    surrogates: Surrogates
    acts: ActLog

    def explain(self, question: Question | Impossible, caller: Caller) -> Explained:
        """
        Explain what would be decided now.

        Raises:
            AmbiguousProcess: the process is named by a code that several have.
            Unavailable: no policy, no store or no log; then nobody is shown anything.
        """
        found: Explanation | Impossible | Question = question
        if isinstance(found, Question):
            found = self.explainer.explain(found)
        if isinstance(found, Impossible):
            # No fact about anybody is in it, so nobody needs to know who saw it.
            return self._impossible(found)
        self._saw(found, caller)
        return found

    def _impossible(self, question: Impossible) -> Explained:
        policy = self.explainer.policies.current()
        return Explained(
            decision=Decision(allowed=False, reasons=(question.reason,)),
            texts=(policy.text(question.reason, question.action, NO_PARTICULARS),),
            nearest=(),
            policy_digest=policy.digest,
            store_revision=self.explainer.facts.gather((), self.explainer.clock()).revision,
        )

    def _saw(self, found: Explanation, caller: Caller) -> None:
        question = found.question
        people = [question.subject]
        people += [] if question.recipient is None else [question.recipient]
        asked = asked_of(question, found.facts, self.surrogates.surrogates(people))
        details = {
            "actor": asked.actor,
            "action": asked.action,
            "recipient": asked.recipient,
            "company": None if asked.company is None else asked.company.value,
            "process": None if asked.process is None else asked.process.value,
        }
        self.acts.did("explanation.read", caller, details, found.store_revision)
