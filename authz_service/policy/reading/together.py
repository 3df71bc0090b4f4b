"""What is wrong between rules of which each is right by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from itertools import islice

from authz_service.domain.errors import Problem
from authz_service.policy.kinds import FORBID, PERMIT
from authz_service.policy.reading.heads import DECIDING_ARITY
from authz_service.policy.reading.steps import MAX_STEPS, too_many_steps
from authz_service.policy.reading.syntax import Call, Rule
from authz_service.policy.reading.telling import MAX_PROBLEMS, meant

MAX_CHAIN = 16
"""How deep helpers may ask helpers. Each `not` on the way doubles what oso keeps: 700 of them
killed the process at the first question."""
MAX_RULES = 9_999
"""How many permits and forbids there may be, so that each can have a name of six characters."""

Asked = Mapping[str, Collection[str]]
"""The helpers that the rules of a name ask, by that name."""


def check_together(
    rules: Sequence[Rule], broken: Collection[str] = (), *, whole: bool = True
) -> list[Problem]:
    """
    Find unknown helpers, recursion, long chains, mistyped deciders, no permit at all.

    Args:
        rules: those that could be read.
        broken: the names that occur in those that could not.
        whole: whether every file could be read; if not, what is missing may stand there.
    """
    calls: dict[str, set[str]] = {}
    for rule in rules:
        named = {call.name for call in rule.calls} - {PERMIT, FORBID}
        calls.setdefault(rule.name, set()).update(named)
    order = _order(calls)
    kinds = [
        _asked_deciders(rules),
        _unknown_helpers(rules, broken) if whole else iter(()),
        _recursion(rules, calls, frozenset(order)),
        _long_chains(rules, calls, order),
        _too_many_steps(rules, order),
        _like_deciders(rules, broken) if whole else iter(()),
        _in_two_files(rules),
    ]
    problems = [one for kind in kinds for one in islice(kind, MAX_PROBLEMS)]
    if sum(rule.decides for rule in rules) > MAX_RULES:
        message = f"there are more than {MAX_RULES} rules"
        problems.append(Problem(".", 0, 0, message, "too-large", "say more with one rule"))
    if whole and PERMIT not in broken and not any(rule.name == PERMIT for rule in rules):
        message = "there is no `permit` rule, so nothing is ever allowed"
        problems.append(Problem(".", 0, 0, message, "no-permit", "write one"))
    return problems


def _at(rule: Rule, check: str, message: str, remedy: str) -> Problem:
    return Problem(rule.file, rule.line, rule.column, message, check, remedy)


def _at_call(rule: Rule, call: Call, message: str, remedy: str) -> Problem:
    return Problem(rule.file, call.line, call.column, message, "unknown-helper", remedy)


def _asked_deciders(rules: Sequence[Rule]) -> Iterator[Problem]:
    for rule in rules:
        for call in rule.calls:
            if call.name in (PERMIT, FORBID):
                message = f"`{call.name}` is not for rules to ask"
                yield _at_call(rule, call, message, "write what both need as a helper rule")


def _unknown_helpers(rules: Sequence[Rule], broken: Collection[str]) -> Iterator[Problem]:
    arities: dict[str, set[int]] = {}
    for rule in rules:
        arities.setdefault(rule.name, set()).add(rule.arity)
    helpers = [name for name in arities if name not in (PERMIT, FORBID)]
    for rule in rules:
        for call in rule.calls:
            takes = arities.get(call.name, set())
            if call.arity in takes or call.name in (PERMIT, FORBID) or call.name in broken:
                continue
            message = f"there is no rule `{call.name}` with {call.arity} arguments"
            if takes:
                remedy = f"it takes {' or '.join(map(str, sorted(takes)))}"
            else:
                remedy = meant(call.name, helpers, f"write a rule `{call.name}`")
            yield _at_call(rule, call, message, remedy)


def _order(calls: Asked) -> list[str]:
    """Give the names that end somewhere, each behind those that it asks."""
    sorter = TopologicalSorter(calls)
    # What leads into no circle can be had all the same.
    with suppress(CycleError):
        sorter.prepare()
    found: list[str] = []
    while ready := sorter.get_ready():
        found += ready
        sorter.done(*ready)
    return found


def _recursion(rules: Sequence[Rule], calls: Asked, ending: Collection[str]) -> Iterator[Problem]:
    suspects = islice(sorted(calls.keys() - ending), MAX_PROBLEMS)
    circular = {name for name in suspects if name in _reachable(name, calls)}
    for rule in rules:
        if rule.name in circular:
            message = f"`{rule.name}` asks itself, over one rule or several"
            yield _at(rule, "recursion", message, "ask for a fact instead")


def _reachable(start: str, calls: Asked) -> set[str]:
    found: set[str] = set()
    waiting = list(calls[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += calls.get(name, ())
    return found


def _long_chains(rules: Sequence[Rule], calls: Asked, order: Sequence[str]) -> Iterator[Problem]:
    depth: dict[str, int] = {}
    for name in order:
        depth[name] = 1 + max((depth[one] for one in calls.get(name, ())), default=-1)
    for rule in rules:
        if rule.decides and max((depth.get(one.name, 0) for one in rule.calls), default=0) >= (
            MAX_CHAIN
        ):
            message = f"asks helpers of helpers, more than {MAX_CHAIN} deep"
            yield _at(rule, "too-large", message, "put some of them together")


def _too_many_steps(rules: Sequence[Rule], order: Sequence[str]) -> Iterator[Problem]:
    for rule in too_many_steps(rules, order):
        message = f"may take more than {MAX_STEPS} steps for one question"
        remedy = "write fewer alternatives: `or`, helpers of one name, helpers asked twice"
        yield _at(rule, "too-large", message, remedy)


def _like_deciders(rules: Sequence[Rule], broken: Collection[str]) -> Iterator[Problem]:
    """Find helpers that look like a permit or forbid: a misspelt forbid would forbid nothing."""
    for rule in _unasked(rules, broken):
        if rule.arity == DECIDING_ARITY:
            remedy = meant(rule.name, (PERMIT, FORBID), "is `permit` or `forbid` meant?")
            yield _at(rule, "helper-unasked", f"`{rule.name}` is asked by no rule", remedy)


def unasked(rules: Sequence[Rule], broken: Collection[str]) -> list[Problem]:
    """
    Find the other helpers that no rule asks, as an alternative whose name is misspelt.

    A policy can be made with them; what they were to say, it does not.
    """
    asked: dict[int, set[str]] = {}
    for call in (call for rule in rules for call in rule.calls):
        asked.setdefault(call.arity, set()).add(call.name)
    problems = []
    for rule in islice(_unasked(rules, broken), MAX_PROBLEMS):
        if rule.arity != DECIDING_ARITY:
            otherwise = "ask it where it is meant, or leave it out"
            remedy = meant(rule.name, asked.get(rule.arity, ()), otherwise)
            message = f"`{rule.name}` is asked by no rule"
            problems.append(_at(rule, "helper-unasked", message, remedy))
    return problems


def _unasked(rules: Sequence[Rule], broken: Collection[str]) -> Iterator[Rule]:
    asked = {(call.name, call.arity) for rule in rules for call in rule.calls}
    for rule in rules:
        known = (rule.name, rule.arity) in asked or rule.name in broken
        if not rule.decides and not known:
            yield rule


def _in_two_files(rules: Sequence[Rule]) -> Iterator[Problem]:
    """Find helpers whose alternatives stand apart: they would widen each other unseen."""
    homes: dict[tuple[str, int], str] = {}
    for rule in rules:
        home = homes.setdefault((rule.name, rule.arity), rule.file)
        if home != rule.file and not rule.decides:
            message = f"there is a `{rule.name}` in `{home}` already"
            yield _at(rule, "helper-twice", message, "choose another name, or move it there")
