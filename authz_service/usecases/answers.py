"""What the one who asked is told: a decision, with all that its words are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from authz_service.domain.decision import Decision, Impossible, Question
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Way
from authz_service.usecases.asked import NO_PARTICULARS, particulars_of
from authz_service.usecases.ports import Policy, Text


class Answer(NamedTuple):
    """
    What the one who asked is told. A tuple, since it is made with every decision.

    Attributes:
        id: the decision's name in the log.
        decision: yes or no, with reasons.
        revision: which state of the store it was decided on.
        policy: what has the words for it.
        question: what was asked.
        facts: what it was decided on, or None where nobody could be meant.
        advice: what would turn a denial, as far as who asked may know; None if nothing is
            known to, of an allow, and where no advice was wanted.
    """

    id: str
    decision: Decision
    revision: int
    policy: Policy
    question: Question | Impossible
    facts: Facts | None = None
    advice: Way | None = None

    def __repr__(self) -> str:
        # What was asked may name somebody anywhere.
        return f"Answer(id={self.id!r}, decision={self.decision!r}, revision={self.revision})"

    @property
    def process(self) -> str | None:
        """The label of the process that was meant, or None."""
        process = None if self.facts is None else self.facts.process
        return None if process is None else process.label

    @property
    def text(self) -> Text:
        """The first reason in words."""
        particulars: Mapping[str, str] = NO_PARTICULARS
        if isinstance(self.question, Question):
            particulars = particulars_of(self.question, self.process)
        return self.policy.text(self.decision.reason, self.question.action, particulars)

    @property
    def pt(self) -> str:
        """All that a citizen is told, in Portuguese."""
        return self.text.pt if self.advice is None else f"{self.text.pt} {self.advice.pt}"
