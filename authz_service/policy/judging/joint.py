"""
Finds situations in which several rules answer as wanted, all at once.

The trees of explored rules are walked one after the other, and no further than what was seen so
far can be together with; which facts can be is for ``situations``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from authz_service.policy.diagrams.combining import Said
from authz_service.policy.diagrams.diagram import Leaf, Node
from authz_service.policy.diagrams.exploring import ExploredRule
from authz_service.policy.diagrams.searching import Values
from authz_service.policy.diagrams.situations import Situations, Wish


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    How one rule is to answer.

    Attributes:
        rule: the rule, under the head that all questions have.
        fits: tells whether an answer will do.
    """

    rule: ExploredRule
    fits: Callable[[Said], bool]


@dataclass(frozen=True, slots=True)
class Joint:
    """
    What came of a search.

    Attributes:
        values: a situation in which all rules answer as wanted, or None if there is none.
        needed: those of the other rules that there is none because of.
    """

    values: Values | None
    needed: tuple[ExploredRule, ...] = ()


def jointly(situations: Situations, musts: Sequence[Wanted], others: Sequence[Wanted]) -> Joint:
    """
    Find a possible situation in which every rule answers as wanted.

    Few of *others* get in the way as a rule, so only those that do take part in the search. One
    that was not explored to the end is taken to answer as wanted: what is told to be impossible
    is.

    Args:
        situations: those of the head that all the rules were explored under.
        musts: one or more rules that take part.
        others: the rules that may get in the way.
    """
    taken: list[Wanted] = []
    while (values := _first(situations, [*musts, *taken])) is not None:
        facts = situations.facts(values)
        for one in others:
            leaf = one.rule.tree.diagram.find(facts) if one.rule.complete else None
            if leaf is not None and not one.fits(leaf.answer):
                taken.append(one)
                break
        else:
            return Joint(values)
    for one in list(taken):
        rest = [other for other in taken if other is not one]
        if _first(situations, [*musts, *rest]) is None:
            taken = rest
    return Joint(None, tuple(one.rule for one in taken))


def _first(situations: Situations, wanted: Sequence[Wanted]) -> Values | None:
    """Go down one tree after the other, and give the first situation that they all lead to."""
    roots = [one.rule.tree.diagram.root for one in wanted]
    waiting: list[tuple[int, Node[Said] | Leaf[Said] | None, tuple[Wish, ...]]]
    waiting = [(0, roots[0], ())]
    while waiting:
        number, branch, wishes = waiting.pop()
        if isinstance(branch, Node):
            seen = dict(wishes)
            if branch.probe in seen:  # mutant: only faster
                waiting.append((number, branch.behind(seen[branch.probe]), wishes))
                continue
            for outcome, below in branch.branches():
                wider = (*wishes, (branch.probe, outcome))
                if situations.find(wider) is not None:
                    waiting.append((number, below, wider))
        elif branch is not None and wanted[number].fits(branch.answer):
            if number + 1 == len(wanted):
                return situations.find(wishes)
            waiting.append((number + 1, roots[number + 1], wishes))
    return None
