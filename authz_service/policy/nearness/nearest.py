"""
Finds the nearest allow: the smallest sets of moves that turn a denial, and the facts in them.

A decision turns if some permit speaks, every forbid is silent and no rule errs. So the search
walks the tree of a permit, and of each rule that stands in the way: wherever the facts lead
elsewhere than to the answer that is wanted, only a move that changes the outcome of that probe can
help. What is found has no move too much: no part of it turns the decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from authz_service.domain.decision import Decision
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import Change, Difference, Way
from authz_service.policy.border.probes import Outcome, Probe, paths_of
from authz_service.policy.diagrams.combining import Said
from authz_service.policy.diagrams.diagram import Branch, Leaf
from authz_service.policy.diagrams.engine import RuleTree
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.kinds import PERMIT
from authz_service.policy.nearness.changes import MOVES
from authz_service.policy.nearness.changing import differing, put, short, told
from authz_service.policy.nearness.moves import STEP_UP, Move

MOST_CHANGES = 4
"""How many moves a way may have."""
MOST_WAYS = 3
"""How many ways are given."""
MOST_LOOKS = 50_000
"""How many nodes of trees are walked through for one denial; the shipped policies need far less."""

Evaluate = Callable[[Facts], Decision]
"""What the policy answers about facts, to the question at hand."""
Wanted = Callable[[Said], bool]
"""Whether what a rule says is as it has to be."""

_PATH = re.compile(r"\b(?:person|process|company|resource)(?:\.\w+)*")
_Steps = frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _State:
    """
    Where some moves lead.

    Attributes:
        steps: the moves, each with the number of its variant.
        facts: what the facts are then.
        by: which move has set which fact last, by short paths.
    """

    steps: _Steps
    facts: Facts
    by: Mapping[str, str]

    @property
    def codes(self) -> frozenset[str]:
        """The moves."""
        return frozenset(code for code, _variant in self.steps)


_Found = tuple[int, int, list[tuple[int, Move]], _State]


def nearest(
    facts: Facts,
    trees: Sequence[RuleTree],
    evaluate: Evaluate,
    moves: Sequence[Move] = MOVES,
    most: int = MOST_WAYS,
) -> tuple[Way, ...]:
    """
    Give the ways in which what is denied about *facts* would be allowed, the lightest first.

    No two differ in the same facts, as where two moves lead to one end: the lighter one is given.
    The smallest is among them, unless one alone is wanted or it has more than ``MOST_CHANGES``
    moves. None is given for a denial that only other rules would turn.

    Args:
        facts: what was denied.
        trees: the rules that the question concerns, explored; of one that is too large for
            that, what is known of it counts.
        evaluate: answers about other facts.
        moves: what can happen.
        most: how many ways are wanted.
    """
    known = {one.code: (position, one) for position, one in enumerate(moves)}
    ways: list[_Found] = []
    for state in _Search(trees, moves).ways(facts):
        steps = sorted((known[code] for code in state.codes), key=lambda step: step[0])
        if not steps:
            return ()  # it is allowed as it is
        ways.append((max(one.weight for _at, one in steps), len(steps), steps, state))
    ways.sort(key=lambda way: (way[0], way[1], [at for at, _one in way[2]]))

    def made(of: Iterable[_Found]) -> Iterator[Way]:
        given: set[frozenset[Difference]] = set()
        for _weight, _size, steps, state in of:
            way = _way(facts, [one for _at, one in steps], state, evaluate)
            # Where the facts of one move are not needed, another way is nearer.
            if all(one.differences for one in way.changes):
                differences = frozenset(one for change in way.changes for one in change.differences)
                if differences not in given:
                    given.add(differences)
                    yield way

    shown = list(islice(made(ways), most))
    if len(shown) > 1:
        fewest = min(len(one.changes) for one in shown)
        nearer = sorted((one for one in ways if one[1] < fewest), key=lambda way: way[1])
        shown[-1:] = [*islice(made(nearer), 1)] or shown[-1:]
    return tuple(shown)


def _way(facts: Facts, steps: Sequence[Move], state: _State, evaluate: Evaluate) -> Way:
    values = needed(facts, differing(facts, state.facts), evaluate)
    found: dict[str, list[Difference]] = {}
    for one in told(facts, values):
        path = short(one.fact)
        by = state.by.get(path) or state.by[path.rpartition(".")[0]]
        found.setdefault(by, []).append(one)
    changes = (
        Change(one.code, one.codigo, one.by, one.pt, one.en, tuple(found.get(one.code, ())))
        for one in steps
    )
    return Way(tuple(changes), all(one.weight == STEP_UP for one in steps))


def _speaks(said: Said) -> bool:
    return bool(said.reasons) and said.error is None


def _is_silent(said: Said) -> bool:
    return not said.reasons and said.error is None


def _errs_not(said: Said) -> bool:
    return said.error is None


class _Search:
    """
    Goes from one situation to the next, the fewest moves first.

    Args:
        trees: the rules.
        moves: what can happen.
    """

    def __init__(self, trees: Sequence[RuleTree], moves: Sequence[Move]) -> None:
        self._trees = trees
        self._moves = {one.code: one for one in moves}
        self._found: list[_State] = []
        self._reached: dict[tuple[_Steps, str], tuple[_State, ...]] = {}
        self._looks = 0

    def ways(self, facts: Facts) -> list[_State]:
        """Give all that turns the decision and of which no part does."""
        start = _State(frozenset(), facts, {})
        permits = [one for one in self._trees if one.rule.kind == PERMIT]
        others = {
            id(one): _errs_not if one.rule.kind == PERMIT else _is_silent for one in self._trees
        }
        waiting: list[list[tuple[_State, RuleTree]]] = [[] for _size in range(MOST_CHANGES + 1)]
        waiting[0] = [(start, one) for one in permits]
        seen: set[tuple[_Steps, int]] = set()
        for size in range(MOST_CHANGES + 1):
            for state, permit in waiting[size]:
                if (state.steps, id(permit)) in seen or self._is_more(state):  # mutant: faster
                    continue
                seen.add((state.steps, id(permit)))
                way = self._in_the_way(state.facts, permit, others)
                if way is None:
                    self._found.append(state)
                    continue
                for one in self._walk(way[0].diagram.root, state, way[1]):
                    waiting[len(one.steps)].append((one, permit))
        return [one for one in self._found if not self._is_more(one, beside=one)]

    def _in_the_way(
        self, facts: Facts, permit: RuleTree, others: Mapping[int, Wanted]
    ) -> tuple[RuleTree, Wanted] | None:
        """Give the first rule that does not say what it has to, with what that is."""
        wanted = [(permit, _speaks), *((one, others[id(one)]) for one in self._trees)]
        for tree, right in wanted:
            leaf = tree.diagram.find(facts)
            if leaf is None or not right(leaf.answer):
                return tree, right
        return None

    def _is_more(self, state: _State, beside: _State | None = None) -> bool:
        """Tell whether another way that was found is in it: all of its moves, or lighter ones."""
        codes = state.codes
        lighter = {one for code in codes for one in self._moves[code].over}
        return any(one is not beside and one.codes <= codes | lighter for one in self._found)

    def _walk(self, branch: Branch[Said] | None, state: _State, wanted: Wanted) -> Iterator[_State]:
        """Give where moves lead a rule to what is wanted, which it does not say without them."""
        waiting = [(branch, state)]
        while waiting:
            at, now = waiting.pop()
            self._looks += 1
            if at is None or self._looks > MOST_LOOKS:
                continue
            if isinstance(at, Leaf):
                if now.steps != state.steps and wanted(at.answer):  # mutant: only faster
                    yield now
                continue
            outcome = cast("Outcome", at.look(now.facts))
            waiting.append((at.behind(outcome), now))
            if len(now.steps) == MOST_CHANGES:  # mutant: only faster
                continue
            for code in _moving(at.probe, tuple(self._moves.values())):
                for one in self._reach(self._moves[code], now):
                    # Two facts that are compared may both have to differ.
                    several = len(paths_of(at.probe)) > 1
                    changed = cast("Outcome", at.look(one.facts))
                    if several or changed != outcome:
                        waiting.append((at, one) if several else (at.behind(changed), one))

    def _reach(self, move: Move, state: _State) -> tuple[_State, ...]:
        """Give where a move leads, if need be over what has to happen before it."""
        key = (state.steps, move.code)
        known = self._reached.get(key)
        if known is None:
            found = () if move.code in state.codes else tuple(self._fresh(move, state))
            known = self._reached[key] = tuple(
                one for one in found if len(one.steps) <= MOST_CHANGES and not self._is_more(one)
            )
        return known

    def _fresh(self, move: Move, state: _State) -> Iterator[_State]:
        made = [values for values in move.make(state.facts) if values]
        for variant, values in enumerate(made):
            yield _State(
                state.steps | {(move.code, variant)},
                put(state.facts, values),
                {**state.by, **dict.fromkeys(values, move.code)},
            )
        if not made:
            for code in move.after:
                for before in self._reach(self._moves[code], state):
                    yield from self._reach(move, before)


@lru_cache(maxsize=4_096)
def _moving(probe: Probe, moves: tuple[Move, ...]) -> tuple[str, ...]:
    """Give the moves that can change the outcome of a probe."""
    tests = [short(path) for path in paths_of(probe)]
    return tuple(
        move.code
        for move in moves
        if any(touches(changed, test) for changed in move.changes for test in tests)
    )


@lru_cache(maxsize=65_536)
def touches(changed: str, test: str) -> bool:
    """Tell whether a change of one fact can change what a look at another gives."""
    return f"{changed}.".startswith(f"{test}.") or f"{test}.".startswith(f"{changed}.")


def needed(facts: Facts, values: Mapping[str, Any], evaluate: Evaluate) -> dict[str, Any]:
    """
    Give the fewest of *values* that turn the decision about *facts* and are possible together.

    Args:
        facts: what was denied.
        values: what makes it an allow, by short paths.
        evaluate: answers about facts.
    """
    waiting: list[frozenset[str]] = [frozenset()]
    seen = set(waiting)
    for chosen in waiting:
        taken = {path: value for path, value in values.items() if path in chosen}
        left = [path for path in values if path not in chosen]
        turning = _turning(put(facts, taken), left, values, evaluate)
        if turning is None:
            return taken
        for path in turning:
            more = chosen | {path}
            if more not in seen:
                seen.add(more)
                waiting.append(more)
    # Facts that could not be together to begin with: all that the moves did is told.
    return dict(values)


def _turning(
    facts: Facts, left: Sequence[str], values: Mapping[str, Any], evaluate: Evaluate
) -> list[str] | None:
    """Give which of the values that are *left* can help, or None where none has to."""
    wrong = broken(facts)
    if wrong:
        # Nobody has such facts, so no rule is asked about them.
        read = {path.rpartition(".")[2] for path in wrong[0].reads}
        return [
            path for path in left if path.rpartition(".")[2] in read or is_dataclass(values[path])
        ]
    decision = evaluate(facts)
    if decision.allowed:
        return None
    if decision.errors:
        return list(left)
    tests = _tests(decision)
    return [path for path in left if any(touches(path, test) for test in tests)]


def _tests(decision: Decision) -> list[str]:
    """Give the short paths of what a decision rests on."""
    return [short(path) for one in decision.evidence for path in _PATH.findall(one.test)]
