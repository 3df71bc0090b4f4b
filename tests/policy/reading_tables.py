"""Reads a decision table as a person does, apart from the code that makes and prints tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from authz_service.domain.decision import ACTIONS, OTHER_ACTION, Decision
from authz_service.domain.facts import Facts
from authz_service.policy.border.probes import outcome, paths_of
from authz_service.policy.showing.decision_tables import Answer, Condition, DecisionTable, Row
from authz_service.policy.vocabulary import ACTORS

NOTHING = object()
"""What stands at the end of a path that leads through nil."""


class Read(NamedTuple):
    """
    What a reader takes from a table.

    Attributes:
        allowed: yes or no.
        reasons: in their declared order.
        rules: the places of the rules that spoke for it, in order.
    """

    allowed: bool
    reasons: tuple[str, ...]
    rules: tuple[str, ...]


def read_of(decision: Decision) -> Read:
    """Give of a decision what a table tells."""
    return Read(decision.allowed, decision.reasons, tuple(sorted(set(decision.rules))))


def table_for(
    tables: Iterable[DecisionTable], action: str, kinds: tuple[type, type]
) -> DecisionTable | None:
    """Find the table for a question: the one that names its action, else that of any other."""
    fitting = [one for one in tables if kinds in one.kinds]
    named = [one for one in fitting if action in one.actions]
    if not named and action not in ACTIONS:
        named = [one for one in fitting if OTHER_ACTION in one.actions]
    assert len(named) <= 1
    return named[0] if named else None


def read(table: DecisionTable | None, facts: Facts, codes: Sequence[str]) -> Read:
    """Give what a table says of *facts*; *codes* are the declared reasons."""
    rows = [] if table is None else [row for row in table.rows if fits(row, facts)]
    for answer in Answer:
        speaking = [row for row in rows if row.answer is answer]
        if speaking:
            given = {code for row in speaking for code in row.reasons} or {"policy-error"}
            reasons = tuple(code for code in codes if code in given)
            places = tuple(sorted({row.rule for row in speaking}))
            return Read(answer is Answer.ALLOWED, reasons, places)
    return Read(allowed=False, reasons=("no-permit",), rules=())


def fits(row: Row, facts: Facts) -> bool:
    """Tell whether every condition of a row does."""
    return all(_holds(one, facts) for one in row.conditions)


def _holds(condition: Condition, facts: Facts) -> bool:
    values = [_value(path, facts) for path in paths_of(condition.probe)]
    if NOTHING in values:
        return False
    return outcome(condition.probe, values) in condition.outcomes


def _value(path: str, facts: Facts) -> object:
    first, *names = path.split(".")
    value: object = facts.actor if first.capitalize() in ACTORS else facts.resource
    for name in names:
        if value is None:
            return NOTHING
        value = value.get(name) if isinstance(value, dict) else getattr(value, name)
    return value
