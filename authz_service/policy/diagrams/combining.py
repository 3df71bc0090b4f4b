"""
What the rules answered, taken together: one decision and what it rests on.

The combination stands here and not in Polar, where an administrator could change it:
any forbid denies; no permit denies; an error in any rule denies with ``policy-error``,
wherever the rule stands. A decision is a union over the rules, so their order in the
files never matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from authz_service.domain.decision import (
    NO_PERMIT,
    POLICY_ERROR,
    Decision,
    Observation,
    RuleError,
)
from authz_service.policy.diagrams.diagram import Diagram, Leaf, Step, agreeing
from authz_service.policy.kinds import FORBID, PERMIT


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """
    A permit or forbid as the engine asks it.

    Attributes:
        name: the name of its own under which it is loaded.
        kind: ``permit`` or ``forbid``.
        place: where it stands, ``file:line``.
        flaw: why it cannot be meant, so that it errs whenever it is asked, or None.
        action: the one action that it is about, or None for any.
        by: the class of facts of those whom it is about, or None for any.
        about: the class of facts of what it is about, or None for any.
        sees_action: whether what it answers may depend on the action.
    """

    name: str
    kind: str
    place: str
    flaw: str | None = None
    action: str | None = None
    by: type | None = None
    about: type | None = None
    sees_action: bool = True

    def concerns(self, actor: type, action: str, resource: type) -> bool:
        """Tell whether its head could match facts of such classes; *action* as Polar sees it."""
        return (
            self.action in (None, action)
            and self.by in (None, actor)
            and self.about in (None, resource)
        )


@dataclass(frozen=True, slots=True)
class Said:
    """
    What one rule answers, wherever the same way leads.

    Attributes:
        reasons: the reasons it gave; none if it was silent.
        error: why it could not be answered, or None.
    """

    reasons: frozenset[str] = frozenset()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """
    What one rule answered to one question.

    Attributes:
        rule: which rule.
        said: what it answered.
        steps: what it looked at on the way.
        leaf: where the answer is kept, or None if it is not.
        diagram: what the rule has answered to questions of this head, or None outside of any.
    """

    rule: LoadedRule
    said: Said
    steps: tuple[Step, ...] = ()
    leaf: Leaf[Said] | None = None
    diagram: Diagram[Said] | None = None

    def same(self) -> tuple[Step, ...]:
        """Give steps that leave it no other answer."""
        return self._ground("same", lambda said: said == self.said)

    def unerring(self) -> tuple[Step, ...]:
        """Give steps that leave it no error."""
        return self._ground("unerring", lambda said: said.error is None)

    def erring(self) -> tuple[Step, ...]:
        """Give steps that leave it nothing but an error."""
        return self._ground("erring", lambda said: said.error is not None)

    def _ground(self, name: str, wanted: Callable[[Said], bool]) -> tuple[Step, ...]:
        """
        Leave out one step after the other that no answer depends on.

        Only where every way is known: elsewhere all steps stay, which is a ground as well.
        """
        leaf, diagram = self.leaf, self.diagram
        if leaf is None or diagram is None or diagram.root is None or not diagram.complete:
            return self.steps
        found = leaf.grounds.get(name)
        if found is None:
            kept = {step.probe: step for step in self.steps}
            for step in self.steps:
                del kept[step.probe]
                seen = {one.probe: one.outcome for one in kept.values()}
                if not all(wanted(other.answer) for other in agreeing(diagram.root, seen)):
                    kept[step.probe] = step
            found = leaf.grounds[name] = tuple(kept.values())
        return found


def combine(answers: Iterable[RuleAnswer], rank: Mapping[str, int]) -> Decision:
    """
    Turn what the rules answered into one decision; *rank* gives the order of reasons.

    Its evidence is sufficient: whatever else differs between two questions of the same action and
    kinds, where these observations are the same, the answer and its reasons are.
    """
    answers = list(answers)
    erred = [one for one in answers if one.said.error is not None]
    if erred:
        errors = tuple(sorted(RuleError(one.rule.place, str(one.said.error)) for one in erred))
        return Decision(
            allowed=False,
            reasons=(POLICY_ERROR,),
            rules=_places(erred),
            evidence=_told(one.erring() for one in erred),
            errors=errors,
        )
    forbids = [one for one in answers if one.rule.kind == FORBID]
    permits = [one for one in answers if one.rule.kind == PERMIT]
    forbidding = [one for one in forbids if one.said.reasons]
    if forbidding:
        return Decision(
            allowed=False,
            reasons=_ordered(forbidding, rank),
            rules=_places(forbidding),
            evidence=_told(
                [*(one.same() for one in forbids), *(one.unerring() for one in permits)]
            ),
        )
    permitting = [one for one in permits if one.said.reasons]
    return Decision(
        allowed=bool(permitting),
        reasons=_ordered(permitting, rank) or (NO_PERMIT,),
        rules=_places(permitting),
        # The silence of the others is part of why it was allowed.
        evidence=_told(one.same() for one in answers),
    )


def _ordered(answers: Sequence[RuleAnswer], rank: Mapping[str, int]) -> tuple[str, ...]:
    given = frozenset[str]().union(*(one.said.reasons for one in answers))
    return tuple(sorted(given, key=rank.__getitem__))


def _places(answers: Iterable[RuleAnswer]) -> tuple[str, ...]:
    return tuple(sorted(one.rule.place for one in answers))


def _told(grounds: Iterable[Sequence[Step]]) -> tuple[Observation, ...]:
    told = {step.told for ground in grounds for step in ground}
    return tuple(sorted(told, key=lambda one: (one.test, str(one.outcome))))
