"""Explain: the same decision with everything behind it, given to nobody and not recorded."""

from __future__ import annotations

from dataclasses import dataclass

from authz_service.domain.decision import Decision, Impossible, Question
from authz_service.domain.errors import AmbiguousProcess
from authz_service.domain.facts import Facts
from authz_service.domain.processes import Ambiguous
from authz_service.usecases.decide import described
from authz_service.usecases.ports import Clock, Entities, FactSource, Policies


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    A decision and its grounds.

    Attributes:
        question: as the policy was asked it.
        decision: with reasons, the rules that spoke, and what every rule saw.
        facts: all that the policy could have read.
        policy_digest: which policy answered.
        store_revision: which state of the store the facts come from.
    """

    question: Question
    decision: Decision
    facts: Facts
    policy_digest: str
    store_revision: int


@dataclass(frozen=True, slots=True)
class Explainer:
    """Answers as the decision point would, and shows why."""

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
        return Explanation(asked, decision, facts, policy.digest, snapshot.revision)
