"""
What a denial says of the nearest allow, and to whom.

Who may see the facts behind a decision is told every way (``nearest``). Who was denied is told one
(``advice``), and no more of others than the reasons tell already: whether somebody has signed up,
what somebody is in a company, and whether a delegation exists must not be found out by asking.
So facts that the reasons do not depend on are veiled: the way is that of a stranger in the same
situation, and reads alike for all who are denied for the same reasons.

Two things are told as they are. What the acting person can do at once, by signing in, tells of
the person's own standing what the allow that follows would tell. And to whom a sign-in of the own
proves to be the acting person, the own facts are no secret.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import replace

from authz_service.domain.decision import Decision, Question
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Way
from authz_service.policy.diagrams.engine import RuleTree
from authz_service.policy.nearness.changes import MOVES
from authz_service.policy.nearness.likeness import Looks, looks_of, situation
from authz_service.policy.nearness.moves import STEP_UP
from authz_service.policy.nearness.nearest import nearest
from authz_service.policy.nearness.veils import RECIPIENT, STRANGER, seen_by_denied

_log = logging.getLogger(__name__)

MOST_KEPT = 4_096
"""How many pieces of advice are kept."""


class _NotKept:
    """Stands where no advice is kept, which is not the advice that nothing helps."""


_NOT_KEPT = _NotKept()
_STEPS_UP = tuple(one for one in MOVES if one.weight == STEP_UP)


class Nearby:
    """
    Gives the nearest allow under one policy; any number of threads may ask.

    Args:
        evaluate: what the policy answers.
        trees: gives the rules that a question concerns, explored; for each head one tuple.
        most: how many pieces of advice are kept.
    """

    def __init__(
        self,
        evaluate: Callable[[Question, Facts], Decision],
        trees: Callable[[Question, Facts], tuple[RuleTree, ...]],
        most: int = MOST_KEPT,
    ) -> None:
        self._most = most
        self._evaluate = evaluate
        self._trees = trees
        self._kept: dict[Hashable, Way | None] = {}
        self._looks: dict[tuple[int, type, type], Looks] = {}
        self._keeping = threading.Lock()

    def nearest(self, question: Question, facts: Facts) -> tuple[Way, ...]:
        """Give the ways in which a denial would be an allow, the lightest first."""
        trees = self._trees(question, facts)
        return nearest(facts, trees, lambda one: self._evaluate(question, one))

    def advice(self, question: Question, facts: Facts, decision: Decision) -> Way | None:
        """
        Give what who is denied may be told of the nearest allow, or None.

        Args:
            question: what was asked.
            facts: what it was decided on.
            decision: the denial.
        """
        if decision.errors:
            # The rules are to be mended, not the facts.
            return None
        trees = self._trees(question, facts)
        key = situation(facts, self._of(trees, facts))
        # Of one head there is one tuple of trees, kept with what it is known by.
        whole = None if key is None else (id(trees), key)
        # In one step: another thread may be forgetting it.
        kept = self._kept.get(whole, _NOT_KEPT)
        if not isinstance(kept, _NotKept):
            return kept
        try:
            found = self._advised(question, facts, decision, trees)
        except Exception as error:  # noqa: BLE001 - no denial fails for what would help against it
            _log.error("%s while looking for what would turn a denial", type(error).__name__)
            return None
        if whole is None:
            return found
        with self._keeping:
            if len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[whole] = found
        return found

    def _of(self, trees: tuple[RuleTree, ...], facts: Facts) -> Looks:
        # Where no rule is concerned, the empty tuple is that of several heads.
        head = (id(trees), type(facts.actor), type(facts.resource))
        known = self._looks.get(head)
        if known is None:
            known = self._looks[head] = looks_of(trees, *head[1:])
        return known

    def _advised(
        self,
        question: Question,
        facts: Facts,
        decision: Decision,
        trees: tuple[RuleTree, ...],
    ) -> Way | None:
        def evaluate(one: Facts) -> Decision:
            return self._evaluate(question, one)

        for shown, moves in (
            (seen_by_denied(RECIPIENT, facts, decision, evaluate), _STEPS_UP),
            (seen_by_denied(STRANGER, facts, decision, evaluate), MOVES),
        ):
            ways = () if shown is None else nearest(shown, trees, evaluate, moves, 1)
            if ways:
                return _told(ways[0])
        return None


def _told(way: Way) -> Way:
    """Leave out the facts: they are of one question, and what is kept is told to many."""
    return replace(way, changes=tuple(replace(one, differences=()) for one in way.changes))
