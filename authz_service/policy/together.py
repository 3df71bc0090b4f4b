"""What is wrong between rules of which each is right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from authz_service.domain.errors import Problem
from authz_service.policy.combining import FORBID, PERMIT
from authz_service.policy.syntax import DECIDING_ARITY, Rule

MAX_CHAIN = 16
"""How deep helpers may ask helpers. Each `not` on the way doubles what oso keeps: 700 of them
killed the process at the first question."""
MAX_RULES = 9_999
"""How many permits and forbids there may be, so that each can have a name of six characters."""


def check_together(rules: Sequence[Rule]) -> list[Problem]:
    """Find unknown helpers, recursion, long chains, mistyped deciders, no permit at all."""
    problems = [*_wrong_calls(rules), *_wrong_chains(rules), *_wrong_helpers(rules)]
    if sum(rule.decides for rule in rules) > MAX_RULES:
        problems.append(Problem(".", 0, 0, f"there are more than {MAX_RULES} rules"))
    if not any(rule.name == PERMIT for rule in rules):
        problems.append(Problem(".", 0, 0, "there is no `permit` rule, so nothing is ever allowed"))
    return problems


def _at(rule: Rule, message: str) -> Problem:
    return Problem(rule.file, rule.line, rule.column, message)


def _wrong_calls(rules: Sequence[Rule]) -> Iterator[Problem]:
    heads = {(rule.name, rule.arity) for rule in rules}
    for rule in rules:
        for call in rule.calls:
            where = (rule.file, call.line, call.column)
            if call.name in (PERMIT, FORBID):
                yield Problem(*where, f"`{call.name}` is not for rules to ask")
            elif (call.name, call.arity) not in heads:
                yield Problem(*where, f"there is no rule `{call.name}` with {call.arity} arguments")


def _wrong_chains(rules: Sequence[Rule]) -> Iterator[Problem]:
    calls: dict[str, set[str]] = {}
    for rule in rules:
        deciding = (PERMIT, FORBID)
        calls.setdefault(rule.name, set()).update(
            call.name for call in rule.calls if call.name not in deciding
        )
    for rule in rules:
        if rule.name in _reachable(rule.name, calls):
            yield _at(rule, f"`{rule.name}` asks itself, over one rule or several")
        elif rule.decides and _depth({call.name for call in rule.calls}, calls) > MAX_CHAIN:
            yield _at(rule, f"asks helpers of helpers, more than {MAX_CHAIN} deep")


def _wrong_helpers(rules: Sequence[Rule]) -> Iterator[Problem]:
    asked = {(call.name, call.arity) for rule in rules for call in rule.calls}
    homes: dict[tuple[str, int], str] = {}
    for rule in rules:
        if rule.decides:
            continue
        # A misspelt forbid would forbid nothing, and nobody would hear of it.
        if rule.arity == DECIDING_ARITY and (rule.name, rule.arity) not in asked:
            yield _at(rule, f"`{rule.name}` is asked by no rule; is `permit` or `forbid` meant?")
        # Alternatives that stand apart would widen each other unseen.
        home = homes.setdefault((rule.name, rule.arity), rule.file)
        if home != rule.file:
            yield _at(rule, f"there is a `{rule.name}` in `{home}` already")


def _depth(level: set[str], calls: dict[str, set[str]]) -> int:
    """Give how deep the helpers of *level* ask helpers; who asks himself counts as too deep."""
    depth = 0
    while level and depth <= MAX_CHAIN:
        depth, level = depth + 1, set().union(*(calls.get(name, ()) for name in level))
    return depth


def _reachable(start: str, calls: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(calls.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += calls.get(name, ())
    return found
