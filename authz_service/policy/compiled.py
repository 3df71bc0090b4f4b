"""One policy, ready to be asked: what the rest of the service holds of this room."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from authz_service.domain.decision import Decision, Question
from authz_service.domain.errors import Problem
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Way
from authz_service.policy.diagrams.combining import LoadedRule
from authz_service.policy.diagrams.engine import Engine, RuleTree
from authz_service.policy.diagrams.exploring import Exploration, Progress
from authz_service.policy.diagrams.replaying import replayed
from authz_service.policy.nearness.advising import Nearby
from authz_service.policy.reading.constants import Constants
from authz_service.policy.reading.reasons import Reason
from authz_service.usecases.ports import Text
from authz_service.usecases.replaying import Case, Replayed

# Texts are kept, unless a caller has made them long.
_TEXTS, _LONGEST_KEPT = 4_096, 2_048


class CompiledPolicy:
    """
    One immutable version of the rules, ready to be asked by many threads at once.

    Args:
        engine: asks the rules.
        reasons: the declared reasons by code.
        digest: SHA-256 of the sources, hexadecimal.
        rules: the permits and forbids in it.
        flaws: what cannot be meant, so that rules err when they are asked.
        constants: what stands in the rules.
    """

    def __init__(
        self,
        engine: Engine,
        reasons: Mapping[str, Reason],
        digest: str,
        rules: Sequence[LoadedRule],
        flaws: Sequence[Problem],
        constants: Constants,
    ) -> None:
        self._engine = engine
        self._reasons = reasons
        self._constants = constants
        self._exploration: Exploration | None = None
        self._exploring = threading.Lock()
        self._texts: dict[tuple[object, ...], Text] = {}
        self._nearby = Nearby(self.evaluate, self._trees)
        self.digest = digest
        self.heeds_asserted = constants.asserted
        self.rules = tuple(rules)
        self.flaws = tuple(flaws)

    def evaluate(self, question: Question, facts: Facts) -> Decision:
        """Answer; never raises, since whatever goes wrong is a denial that says so."""
        return self._engine.evaluate(question, facts)

    def nearest(self, question: Question, facts: Facts) -> tuple[Way, ...]:
        """Give the ways in which a denial would be an allow, the lightest first."""
        return self._nearby.nearest(question, facts)

    def advice(self, question: Question, facts: Facts, decision: Decision) -> Way | None:
        """Give what who gets the denial *decision* may be told of the nearest allow, or None."""
        return self._nearby.advice(question, facts, decision)

    def replay(self, case: Case) -> Replayed:
        """Give what follows from the evidence of a record alone; see ``usecases.replaying``."""
        self.explore()
        return replayed(case, self._engine, self._constants)

    def _trees(self, question: Question, facts: Facts) -> tuple[RuleTree, ...]:
        self.explore()
        return self._engine.trees(self._engine.head(question, facts))

    def text(self, reason: str, action: str, particulars: Mapping[str, str]) -> Text:
        """Give the texts of *reason* for *action*, with ``{cnpj}`` and ``{processo}`` filled in."""
        # A company's members start the same processes again and again.
        key = (reason, action, *particulars.items())
        known = self._texts.get(key)
        if known is None:
            known = self._reasons[reason].text(action, particulars)
            texts = (action, known.pt, known.en, *particulars.values())
            if sum(map(len, texts)) <= _LONGEST_KEPT:
                if len(self._texts) >= _TEXTS:
                    self._texts.clear()
                self._texts[key] = known
        return known

    @property
    def runs(self) -> int:
        """How often oso was asked a rule."""
        return self._engine.runs

    def explore(self, progress: Progress | None = None) -> Exploration:
        """
        Explore every way through the rules, once; from then on no decision enters oso.

        Args:
            progress: hears how far it is.
        """
        with self._exploring:
            if self._exploration is None:
                exploration = Exploration(self._engine, self._constants)
                exploration.run(progress)
                self._engine.settle()
                self._exploration = exploration
            return self._exploration
