"""
What was decided before, as long as nothing has changed since.

The same question under the same policy, on the same state of the store and while time changes
nothing in the facts, has the same decision. Nothing is asked again then, neither store nor policy:
the next decision is another one, with a name and a record of its own, of the same content.
"""

from __future__ import annotations

import weakref
from datetime import datetime

from authz_service.domain.decision import Asked, Decision, Question
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Way

MOST = 65_536
"""How many questions are remembered."""


class Decided:
    """
    How a question was decided.

    Attributes:
        question: the question, as long as somebody else holds it: nothing of a request is held
            beyond it.
        facts: on what.
        decision: how.
        asked: the question as records keep it.
        since: the instant from which on the facts are these.
        until: the instant from which on they may be others.
        advice: what would turn it, once that was asked; in a tuple, since it may be None.
    """

    __slots__ = ("advice", "asked", "decision", "facts", "question", "since", "until")

    def __init__(
        self,
        question: Question,
        facts: Facts,
        decision: Decision,
        asked: Asked,
        span: tuple[datetime, datetime],
    ) -> None:
        self.question = weakref.ref(question)
        self.facts = facts
        self.decision = decision
        self.asked = asked
        self.since, self.until = span
        self.advice: tuple[Way | None] | None = None


class Standing:
    """
    What was decided on one state of the store, by one policy.

    Attributes:
        state: the state, ``FactSource.state``.
        policy: the policy.
        revision: the number of the state.
        decided: how questions were decided, by their identity.
    """

    __slots__ = ("decided", "policy", "revision", "state")

    def __init__(self, state: object = None, policy: object = None, revision: int = 0) -> None:
        self.state = state
        self.policy = policy
        self.revision = revision
        self.decided: dict[int, Decided] = {}

    def keep(self, question: Question, decided: Decided) -> None:
        """
        Remember how a question was decided; where there is no room, all others are forgotten.

        Not of one about an entity of another service, which is described anew each time, nor what
        has erred: it may have had no time.
        """
        if (
            type(question.actor) is Thing
            or type(question.resource) is Thing
            or decided.decision.errors
        ):
            return
        if len(self.decided) >= MOST:
            self.decided.clear()
        self.decided[id(question)] = decided


class Memory:
    """
    What one decision point remembers.

    Attributes:
        standing: what was decided on the last state, by the last policy; replaced as a whole.
    """

    __slots__ = ("standing",)

    def __init__(self) -> None:
        self.standing = Standing()

    def of(self, state: object, policy: object, revision: int) -> Standing:
        """Give what was decided on a state by a policy, and forget whatever else there is."""
        standing = self.standing
        if standing.state is not state or standing.policy is not policy:
            standing = self.standing = Standing(state, policy, revision)
        return standing
