"""
Few short rows instead of many long ways: what a tree of one rule says, in the form of a table.

A *row* names probes with the outcomes that it takes, all of which have to come out. It is sound by
construction: it leaves out no condition that keeps apart two ways with different answers. That is
decided over the ways that are possible in life, so the tree has to be explored to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_

from authz_service.policy.border.probes import IsNil, Outcome, Probe, paths_of
from authz_service.policy.diagrams.combining import Said
from authz_service.policy.diagrams.diagram import Leaf

Taken = Mapping[Probe, frozenset[Outcome]]
"""A row: the outcomes that it takes of each probe; a probe that it does not name is all one."""


class Rows:
    """
    The ways through one tree, ready to be put together.

    Sets of ways are kept as the bits of one number: there are thousands of comparisons of them.

    Args:
        leaves: every possible way.
    """

    def __init__(self, leaves: Sequence[Leaf[Said]]) -> None:
        self._leaves = leaves
        self._with: dict[Probe, dict[Outcome, int]] = {}
        for number, leaf in enumerate(leaves):
            for step in leaf.steps:
                known = self._with.setdefault(step.probe, {})
                known[step.outcome] = known.get(step.outcome, 0) | 1 << number
        self._nil = {
            probe.path: seen.get(True, 0)
            for probe, seen in self._with.items()
            if isinstance(probe, IsNil)
        }

    def covering(self, wanted: Callable[[Said], bool]) -> list[Taken]:
        """Give few rows that take every way whose answer is *wanted* and no other, in order."""
        chosen = [number for number, leaf in enumerate(self._leaves) if wanted(leaf.answer)]
        ours = reduce(or_, (1 << number for number in chosen), 0)
        found: dict[tuple[str, ...], Taken] = {}
        for number in chosen:
            for backwards in (True, False):
                row = self._widest(self._leaves[number], ours, backwards=backwards)
                found[in_order(row)] = row
        return self._fewest([found[name] for name in sorted(found)], ours)

    def answers(self, row: Taken) -> list[Said]:
        """Give the answers of the ways that a row certainly takes."""
        bits = self._certain(row)
        return [leaf.answer for number, leaf in enumerate(self._leaves) if bits >> number & 1]

    def _widest(self, leaf: Leaf[Said], ours: int, *, backwards: bool) -> Taken:
        """Leave out of one way what no answer depends on, then take every outcome that may be."""
        row = {step.probe: frozenset((step.outcome,)) for step in leaf.steps}
        order = list(reversed(row)) if backwards else list(row)
        # That there is something follows from what is asked of it, and goes last.
        for probe in sorted(order, key=lambda one: isinstance(one, IsNil)):
            without = {one: outcomes for one, outcomes in row.items() if one != probe}
            if not self._possible(without) & ~ours:
                row = without
        for probe in list(row):
            for outcome in sorted(self._with[probe], key=repr):
                wider = {**row, probe: row[probe] | {outcome}}
                if not self._possible(wider) & ~ours:
                    row = wider
        return row

    def _possible(self, row: Taken) -> int:
        """Give the ways that a row does not keep out."""
        out = 0
        for probe, outcomes in row.items():
            for outcome, ways in self._with[probe].items():
                if outcome not in outcomes:
                    out |= ways
            for path in paths_of(probe):
                for link, ways in self._nil.items():
                    if path.startswith(f"{link}."):
                        out |= ways
        return ~out & (1 << len(self._leaves)) - 1

    def _certain(self, row: Taken) -> int:
        """Give the ways on which all that a row names was seen to come out as it wants."""
        everything = (1 << len(self._leaves)) - 1
        return reduce(
            and_,
            (
                reduce(or_, (self._with[probe][outcome] for outcome in outcomes))
                for probe, outcomes in row.items()
            ),
            everything,
        )

    def _fewest(self, rows: Sequence[Taken], ours: int) -> list[Taken]:
        """Choose rows until every way is taken, those first that take most."""
        chosen: list[Taken] = []
        left = ours
        while left:
            best = max(rows, key=lambda row: ((self._certain(row) & left).bit_count(), -len(row)))
            chosen.append(best)
            left &= ~self._certain(best)
        for row in reversed(chosen):
            others = [self._certain(one) for one in chosen if one is not row]
            if not ours & ~reduce(or_, others, 0):
                chosen = [one for one in chosen if one is not row]
        return sorted(chosen, key=in_order)


def in_order(row: Taken) -> tuple[str, ...]:
    """Give what sorts rows the same way in every process."""
    return tuple(sorted(f"{probe} {sorted(map(repr, row[probe]))}" for probe in row))
