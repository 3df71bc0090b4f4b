"""
What oso has answered, as a tree: a question that takes a known way never enters oso again.

An inner node is the probe that comes next, a branch its outcome, a leaf the answer. oso is
deterministic, so one way through the tree is one answer, whatever the values behind the outcomes
are; the differential test holds it to that. Nothing that a caller chooses is ever kept: probes
and outcomes come from the rules and from declared sets, and a tree has a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from authz_service.domain.decision import Observation
from authz_service.domain.facts import Facts
from authz_service.policy.border.probes import OPAQUE, Asks, Look, Outcome, Probe, look

MAX_LEAVES = 4_096
"""How many answers one tree keeps. A full one goes on answering what it knows."""

A = TypeVar("A")
"""What stands at a leaf."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    One probe on the way to an answer.

    Attributes:
        probe: what was looked at.
        outcome: what came out.
        told: the same for the record; its outcome is None where a comparison had no answer.
    """

    probe: Probe
    outcome: Outcome
    told: Observation

    @property
    def condition(self) -> str | None:
        """What was seen as a rule would ask for it, or None of what had no answer."""
        test, outcome = self.told.test, self.told.outcome
        if outcome is None:
            return None
        if isinstance(self.probe, Asks) and outcome == OPAQUE:
            return f"{test} != nil"
        if isinstance(outcome, str):
            return f'{test} = "{outcome}"'
        if outcome:
            return test
        return test.replace(" = ", " != ", 1) if " = " in test else f"not {test}"


@dataclass(slots=True, eq=False)
class Leaf(Generic[A]):
    """
    An answer.

    Attributes:
        answer: what oso said, or what was made of it.
        steps: the way here, each probe once.
        grounds: fewer steps that leave no answer but some, by which; found when first asked for.
    """

    answer: A
    steps: tuple[Step, ...]
    grounds: dict[str, tuple[Step, ...]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Node(Generic[A]):
    """
    A probe, and where its outcomes lead.

    Attributes:
        probe: what is looked at.
        look: asks facts for its outcome.
        yes: where true leads, or None as long as nobody came this way.
        no: where false leads, likewise.
        words: where words lead.
    """

    probe: Probe
    look: Look
    yes: Node[A] | Leaf[A] | None = None
    no: Node[A] | Leaf[A] | None = None
    words: dict[str, Node[A] | Leaf[A]] = field(default_factory=dict)

    def behind(self, outcome: Outcome) -> Node[A] | Leaf[A] | None:
        """Give where an outcome leads, or None as long as nobody came this way."""
        if isinstance(outcome, str):
            return self.words.get(outcome)
        return self.yes if outcome else self.no

    def put(self, outcome: Outcome, branch: Node[A] | Leaf[A]) -> None:
        """Keep where an outcome leads."""
        if isinstance(outcome, str):
            self.words[outcome] = branch
        elif outcome:
            self.yes = branch
        else:
            self.no = branch

    def branches(self) -> Iterator[tuple[Outcome, Node[A] | Leaf[A]]]:
        """Give the outcomes that are known, each with where it leads."""
        if self.yes is not None:
            yield True, self.yes
        if self.no is not None:
            yield False, self.no
        yield from self.words.items()


Branch = Node[A] | Leaf[A]
"""The root of a tree, or what an outcome leads to."""


class Diagram(Generic[A]):
    """
    One tree. Any number of threads may find; who learns holds the lock of the policy.

    Attributes:
        leaves: how many answers it keeps.
        complete: whether no other way through it is possible, as exploration has found.
    """

    def __init__(self, most: int = MAX_LEAVES) -> None:
        self.root: Branch[A] | None = None
        self.leaves = 0
        self.complete = False
        self._most = most

    def find(self, facts: Facts) -> Leaf[A] | None:
        """Give the answer about *facts*, or None if nobody came this way yet."""
        branch = self.root
        try:
            while isinstance(branch, Node):
                outcome = branch.look(facts)
                # By identity: 1 is equal to True, and no rule may take one for the other.
                if outcome is True:
                    branch = branch.yes
                elif outcome is False:
                    branch = branch.no
                elif type(outcome) is str:
                    branch = branch.words.get(outcome)
                else:
                    return None
        except AttributeError:
            # Facts that are not what the vocabulary says of them; oso's host says what is wrong.
            return None
        return branch

    def learn(self, steps: Sequence[Step], answer: A) -> Leaf[A] | None:
        """
        Keep an answer, and give its leaf; None if the tree is full, or does not lead there.

        Each thread sees a tree that is whole: a branch is finished before it is hung up.
        """
        if self.leaves >= self._most:
            return None
        leaf = Leaf(answer, tuple(steps))
        branch, above = self.root, None
        outcome: Outcome = True
        remaining = list(steps)
        while branch is not None and remaining:
            if isinstance(branch, Leaf) or branch.probe != remaining[0].probe:
                return None
            step = remaining.pop(0)
            above, outcome = branch, step.outcome
            branch = branch.behind(outcome)
        if branch is not None:
            # Another thread was faster.
            return branch if isinstance(branch, Leaf) and not remaining else None
        grown = _grown(remaining, leaf)
        if above is None:
            self.root = grown
        else:
            above.put(outcome, grown)
        self.leaves += 1
        return leaf

    def every_leaf(self) -> Iterator[Leaf[A]]:
        """Give all answers."""
        waiting = [] if self.root is None else [self.root]
        while waiting:
            branch = waiting.pop()
            if isinstance(branch, Leaf):
                yield branch
            else:
                waiting += [below for _outcome, below in branch.branches()]


def _grown(steps: Sequence[Step], leaf: Leaf[A]) -> Branch[A]:
    branch: Branch[A] = leaf
    for step in reversed(steps):
        node: Node[A] = Node(step.probe, look(step.probe))
        node.put(step.outcome, branch)
        branch = node
    return branch


def agreeing(branch: Branch[A], seen: Mapping[Probe, Outcome]) -> Iterator[Leaf[A]]:
    """Give the answers of a tree that what was *seen* leaves possible."""
    waiting = [branch]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Leaf):
            yield one
        elif one.probe in seen:
            known = one.behind(seen[one.probe])
            waiting += [] if known is None else [known]
        else:
            waiting += [below for _outcome, below in one.branches()]
