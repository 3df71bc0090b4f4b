"""What is wrong between rules of which each is right by itself."""

from __future__ import annotations

from collections.abc import Sequence

from authz_service.domain.errors import Problem
from authz_service.policy.engine import FORBID, PERMIT
from authz_service.policy.syntax import DECIDING_ARITY, Rule

MAX_RULES = 9_999
"""How many permits and forbids there may be, so that each can have a name of six characters."""


def check_together(rules: Sequence[Rule]) -> list[Problem]:
    """Find unknown helpers, recursion, a mistyped permit or forbid, no permit at all."""
    heads = {(rule.name, rule.arity) for rule in rules}
    asked = {(call.name, call.arity) for rule in rules for call in rule.calls}
    calls: dict[str, set[str]] = {}
    problems = []
    for rule in rules:
        for call in rule.calls:
            where = (rule.file, call.line, call.column)
            if call.name in (PERMIT, FORBID):
                problems.append(Problem(*where, f"`{call.name}` is not for rules to ask"))
                continue
            calls.setdefault(rule.name, set()).add(call.name)
            if (call.name, call.arity) not in heads:
                message = f"there is no rule `{call.name}` with {call.arity} arguments"
                problems.append(Problem(*where, message))
    for rule in rules:
        where = (rule.file, rule.line, rule.column)
        if rule.name in _reachable(rule.name, calls):
            problems.append(Problem(*where, f"`{rule.name}` asks itself, over one rule or several"))
        # A misspelt forbid would forbid nothing, and nobody would hear of it.
        unasked = not rule.decides and (rule.name, rule.arity) not in asked
        if unasked and rule.arity == DECIDING_ARITY:
            message = f"`{rule.name}` is asked by no rule; is `permit` or `forbid` meant?"
            problems.append(Problem(*where, message))
    if sum(rule.decides for rule in rules) > MAX_RULES:
        problems.append(Problem(".", 0, 0, f"there are more than {MAX_RULES} rules"))
    if not any(rule.name == PERMIT for rule in rules):
        problems.append(Problem(".", 0, 0, "there is no `permit` rule, so nothing is ever allowed"))
    return problems


def _reachable(start: str, calls: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(calls.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += calls.get(name, ())
    return found
