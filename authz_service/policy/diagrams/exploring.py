"""
Explores a policy to the end: every way through every rule that is possible in life.

Each unseen outcome of a probe is a wish; a situation that grants it goes through oso like any
question, and what oso answers is learned. When no wish is left that can come true, the trees hold
everything that the policy can ever answer, which can then be checked instead of sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from authz_service.domain.decision import ACTIONS, OTHER_ACTION
from authz_service.domain.facts import ResourceFacts
from authz_service.policy.diagrams.combining import Said
from authz_service.policy.diagrams.diagram import Leaf, Node
from authz_service.policy.diagrams.engine import Engine, Head, RuleTree
from authz_service.policy.diagrams.searching import Values
from authz_service.policy.diagrams.situations import Situations, Wish
from authz_service.policy.reading.constants import Constants
from authz_service.policy.vocabulary import ACTORS, RESOURCES, VOCABULARY

MAX_WAYS = 1_000
"""How many ways through one rule are explored; a rule with more is too large to be understood."""

Progress = Callable[[int, int], None]
"""Hears how many of how many rules have been explored."""


@dataclass(frozen=True, slots=True)
class ExploredRule:
    """
    One rule, as questions of one head can meet it.

    Attributes:
        head: what the questions are by their classes.
        tree: the rule and its diagram.
        complete: whether there is no other way through it.
    """

    head: Head
    tree: RuleTree
    complete: bool

    def leaves(self) -> list[Leaf[Said]]:
        """Give every answer of the rule to such questions."""
        return list(self.tree.diagram.every_leaf())


class Exploration:
    """
    A policy, explored.

    Args:
        engine: the rules; what is explored is learned by it.
        constants: what stands in them.

    Attributes:
        rules: what was explored, in the order of the rules within each head.
    """

    def __init__(self, engine: Engine, constants: Constants) -> None:
        self._engine = engine
        self._constants = constants
        self._situations: dict[tuple[type, type], Situations] = {}
        self.rules: tuple[ExploredRule, ...] = ()

    def run(self, progress: Progress | None = None) -> None:
        """Explore every rule under every head that concerns it."""
        trees = [(head, tree) for head in self.heads() for tree in self._engine.trees(head)]
        explored = []
        for number, (head, tree) in enumerate(trees, start=1):
            tree.diagram.complete = self._to_the_end(head, tree)
            explored.append(ExploredRule(head, tree, tree.diagram.complete))
            if progress is not None:
                progress(number, len(trees))
        self.rules = tuple(explored)

    def heads(self) -> Iterator[Head]:
        """Give every kind of question that rules can tell apart."""
        actors = [VOCABULARY[name].type for name in ACTORS]
        resources = [VOCABULARY[name].type for name in RESOURCES]
        for resource in resources:
            own = (*ACTIONS, OTHER_ACTION)
            theirs = sorted(self._constants.actions.difference(own))
            for action in (*own, *theirs) if resource is ResourceFacts else own:
                for actor in actors:
                    yield actor, action, resource

    def situations(self, head: Head) -> Situations:
        """Give the situations in which questions of a head can be asked."""
        actor, _action, resource = head
        known = self._situations.get((actor, resource))
        if known is None:
            known = Situations(actor, resource, self._constants)
            self._situations[actor, resource] = known
        return known

    def _to_the_end(self, head: Head, tree: RuleTree) -> bool:
        """Ask oso about every way through one rule, and tell whether none is left."""
        situations, diagram, exact = self.situations(head), tree.diagram, True
        if diagram.root is None:
            self._ask(head, tree, situations.plain)
        if diagram.root is None:
            return False
        waiting: list[tuple[Node[Said] | Leaf[Said], tuple[Wish, ...]]] = [(diagram.root, ())]
        while waiting:
            branch, way = waiting.pop()
            if isinstance(branch, Leaf):
                continue
            for outcome in situations.outcomes(branch.probe):
                wishes = (*way, (branch.probe, outcome))
                if branch.behind(outcome) is None:
                    values = situations.find(wishes)
                    if values is None:
                        exact = exact and situations.exact(branch.probe)
                        continue
                    if diagram.leaves >= MAX_WAYS:
                        return False
                    self._ask(head, tree, values)
                below = branch.behind(outcome)
                if below is None:
                    # A time-out, say: it can be neither kept nor passed over.
                    return False
                waiting.append((below, wishes))
        return exact

    def _ask(self, head: Head, tree: RuleTree, values: Values) -> None:
        self._engine.ask(tree, head[1], self.situations(head).facts(values))
