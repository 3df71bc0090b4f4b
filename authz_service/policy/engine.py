"""
Asks every rule by itself and combines their answers.

The combination stands here and not in Polar, where an administrator could change it:
any forbid denies; no permit denies; an error in any rule denies with ``policy-error``,
wherever the rule stands. A decision is a union over the rules, so their order in the
files never matters.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from authz_service.domain.decision import (
    BUILT_IN_REASONS,
    NO_PERMIT,
    POLICY_ERROR,
    Decision,
    Observation,
    Question,
    RuleError,
)
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import without_cpf
from authz_service.policy.host import Refused
from authz_service.policy.runner import GuardedPolar

PERMIT, FORBID = "permit", "forbid"
DECISION_SECONDS = 1.0
"""How long the rules of one decision may take together; what is not asked by then has erred."""


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
    """

    name: str
    kind: str
    place: str
    flaw: str | None = None
    action: str | None = None
    by: type | None = None
    about: type | None = None

    def concerns(self, action: str, facts: Facts) -> bool:
        """Tell whether its head could match *action*, as Polar sees it, and *facts*."""
        return (
            self.action in (None, action)
            and self.by in (None, type(facts.actor))
            and self.about in (None, type(facts.resource))
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What one rule answered.

    Attributes:
        rule: which rule.
        reasons: the reasons it gave; none if it was silent.
        seen: what it observed on the way.
        error: why it could not be answered, or None.
    """

    rule: LoadedRule
    reasons: frozenset[str] = frozenset()
    seen: tuple[Observation, ...] = ()
    error: str | None = None


class Engine:
    """
    The rules of one policy, ready to be asked by many threads at once.

    Args:
        polar: with the rules loaded under names of their own.
        rules: which permits and forbids there are.
        reasons: the declared reason codes, in their order.
    """

    def __init__(
        self, polar: GuardedPolar, rules: Sequence[LoadedRule], reasons: Sequence[str]
    ) -> None:
        self._polar = polar
        self._rules = tuple(rules)
        self._rank = {code: position for position, code in enumerate(reasons)}

    def evaluate(self, question: Question, facts: Facts) -> Decision:
        """Ask every rule, and combine; whatever goes wrong is a denial that says so."""
        deadline = time.monotonic() + DECISION_SECONDS
        action = self._polar.action(question.action)
        return combine(
            [self._ask(rule, action, facts, deadline) for rule in self._rules], self._rank
        )

    def _ask(self, rule: LoadedRule, action: str, facts: Facts, deadline: float) -> Outcome:
        if time.monotonic() > deadline:
            message = f"deadline: the rules before took {DECISION_SECONDS} seconds"
            return Outcome(rule, error=message)
        if rule.flaw is not None and rule.concerns(action, facts):
            return Outcome(rule, error=f"flaw: {rule.flaw}")
        host = self._polar.fresh_host()
        try:
            given = self._polar.run(rule.name, facts, action, host)
            reasons = frozenset(self._known(reason) for reason in given)
        except Exception as error:  # noqa: BLE001 - oso raises what it likes, and none of it may permit
            return Outcome(rule, seen=tuple(host.observations), error=_cause(error))
        return Outcome(rule, reasons, tuple(host.observations))

    def _known(self, reason: object) -> str:
        """Give a reason back if it is a bound, declared text that rules may give."""
        if type(reason) is not str:
            raise Refused("unbound-reason", "gives no reason: its last argument stays unbound")
        if reason not in self._rank:
            raise Refused("unknown-reason", f"gives the reason `{reason}`, which is not declared")
        if reason in BUILT_IN_REASONS:
            raise Refused("own-reason", f"gives the reason `{reason}`, which is the code's own")
        return reason


def combine(outcomes: Iterable[Outcome], rank: dict[str, int]) -> Decision:
    """Turn what the rules answered into one decision; *rank* gives the order of reasons."""
    outcomes = list(outcomes)
    erred = [one for one in outcomes if one.error is not None]
    if erred:
        errors = tuple(sorted(RuleError(one.rule.place, str(one.error)) for one in erred))
        return Decision(
            allowed=False,
            reasons=(POLICY_ERROR,),
            rules=_places(erred),
            evidence=_evidence(erred),
            errors=errors,
        )
    forbids = [one for one in outcomes if one.reasons and one.rule.kind == FORBID]
    if forbids:
        return Decision(
            allowed=False,
            reasons=_ordered(forbids, rank),
            rules=_places(forbids),
            evidence=_evidence(forbids),
        )
    permits = [one for one in outcomes if one.reasons and one.rule.kind == PERMIT]
    if not permits:
        return Decision(allowed=False, reasons=(NO_PERMIT,), evidence=_evidence(outcomes))
    # The silence of every forbid is part of why it was allowed.
    silent = [one for one in outcomes if one.rule.kind == FORBID]
    return Decision(
        allowed=True,
        reasons=_ordered(permits, rank),
        rules=_places(permits),
        evidence=_evidence([*permits, *silent]),
    )


def _ordered(outcomes: Iterable[Outcome], rank: dict[str, int]) -> tuple[str, ...]:
    given = frozenset().union(*(one.reasons for one in outcomes))
    return tuple(sorted(given, key=rank.__getitem__))


def _places(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return tuple(sorted(one.rule.place for one in outcomes))


def _evidence(outcomes: Iterable[Outcome]) -> tuple[Observation, ...]:
    return tuple(sorted({one for outcome in outcomes for one in outcome.seen}, key=repr))


def _cause(error: Exception) -> str:
    """Say in one line what went wrong; only a rule's own constants could hold a CPF."""
    if isinstance(error, Refused):
        return without_cpf(f"{error.check}: {error}")
    lines = [line for line in str(error).splitlines() if line and not line.startswith("\t")]
    last = lines[-1] if lines else "no further word"
    return without_cpf(f"{type(error).__name__}: {last}")[:300]
