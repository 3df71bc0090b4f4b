"""
Asks every rule by itself, and keeps what it answered.

Each rule has a tree of its own, and oso is asked where that does not lead on. One tree for each
rule stays small; one for the question as a whole would not. So once the rules are explored, a
decision is kept by all that they looked at, which is seen at one ``glance``: who comes with the
same again gets the very same decision, and no tree is walked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from authz_service.domain.decision import BUILT_IN_REASONS, Decision, Question
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import without_cpf
from authz_service.policy.border.host import Misfit, OpaqueValue, Refused
from authz_service.policy.border.probes import Probe
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.diagrams.combining import LoadedRule, RuleAnswer, Said, combine
from authz_service.policy.diagrams.diagram import Diagram, Step
from authz_service.policy.diagrams.glance import Glance, glance, nothing

DECISION_SECONDS = 1.0
"""How long the rules of one decision may take together; what is not asked by then has erred."""
MAX_KEPT = 16_384
"""How many situations one policy keeps the decision of; the oldest goes where one more comes."""

Head = tuple[type, str, type]
"""What a question is by its classes: of the actor's facts, the action as Polar sees it, of the
resource's facts. Each head has trees of its own."""


@dataclass(frozen=True, slots=True)
class RuleTree:
    """
    A rule that a head concerns, with what it has answered to such questions.

    Attributes:
        rule: the rule.
        diagram: what it has answered.
    """

    rule: LoadedRule
    diagram: Diagram[Said]


class _Forest:
    """
    All trees of one head.

    Attributes:
        action: the head's.
        trees: the rules that it concerns.
        glance: sees what decisions are kept by; nothing as long as the rules are not explored.
        looks: the probes that it sees the outcomes of.
    """

    __slots__ = ("action", "glance", "looks", "trees")

    def __init__(self, action: str, trees: Sequence[RuleTree]) -> None:
        self.action = action
        self.trees = tuple(trees)
        self.glance: Glance = nothing
        self.looks: frozenset[Probe] = frozenset()

    def sees_all(self, answers: Sequence[RuleAnswer]) -> bool:
        """Tell whether the answers rest on nothing but what the glance sees."""
        return all(
            (one.diagram is not None and one.diagram.complete)
            or self.looks.issuperset(step.probe for step in one.steps)
            for one in answers
        )


class Engine:
    """
    The rules of one policy, ready to be asked by many threads at once.

    Args:
        polar: with the rules loaded under names of their own.
        rules: which permits and forbids there are.
        reasons: the declared reason codes, in their order.
        most: of how many situations it keeps the decision.

    Attributes:
        rank: the place of each declared reason in their order.
        runs: about how often oso was asked a rule; threads that ask at once may count as one.
    """

    def __init__(
        self,
        polar: GuardedPolar,
        rules: Sequence[LoadedRule],
        reasons: Sequence[str],
        most: int = MAX_KEPT,
    ) -> None:
        self._polar = polar
        self._rules = tuple(rules)
        self.rank = {code: position for position, code in enumerate(reasons)}
        self._forests: dict[Head, _Forest] = {}
        self._trees: dict[tuple[str, type, str | None, type], RuleTree] = {}
        self._kept: dict[Hashable, Decision] = {}
        self._alike: dict[Decision, Decision] = {}
        self._most = most
        # Finding takes no lock; it is held for the moment in which something is kept.
        self._learning = threading.Lock()
        self.runs = 0

    def evaluate(self, question: Question, facts: Facts) -> Decision:
        """Ask every rule, and combine; whatever goes wrong is a denial that says so."""
        named = (type(facts.actor), question.action, type(facts.resource))
        forest = self._forests.get(named) or self._forest(self.head(question, facts))
        seen = forest.glance(facts)
        return self._kept.get(seen) or self._combined(forest, seen, facts)

    def settle(self) -> None:
        """
        Decide at a glance from now on.

        Call it once, when the rules are explored: what a rule has not looked at by now keeps the
        decisions that depend on it from being kept.
        """
        for number, forest in enumerate(list(self._forests.values())):
            leaves = (leaf for tree in forest.trees for leaf in tree.diagram.every_leaf())
            looks = list(dict.fromkeys(step.probe for leaf in leaves for step in leaf.steps))
            forest.looks = frozenset(looks)
            forest.glance = glance(number, looks)

    def head(self, question: Question, facts: Facts) -> Head:
        """Give what a question is by its classes."""
        return self.named(type(facts.actor), question.action, type(facts.resource))

    def named(self, actor: type, action: str, resource: type) -> Head:
        """Give the head of what is asked by a class of facts, about a class, by *action*."""
        return actor, self._polar.action(action), resource

    def trees(self, head: Head) -> tuple[RuleTree, ...]:
        """Give the rules that questions of a head concern; the others have nothing to say."""
        return self._forest(head).trees

    def ask(self, tree: RuleTree, action: str, facts: Facts) -> RuleAnswer:
        """Ask one rule, over its tree if that leads to an answer; *action* as Polar sees it."""
        return self._known(tree, facts) or self._asked(tree, action, facts)[0]

    def _forest(self, head: Head) -> _Forest:
        known = self._forests.get(head)
        if known is not None:
            return known
        trees = [self._tree(rule, head) for rule in self._rules if rule.concerns(*head)]
        return self._forests.setdefault(head, _Forest(head[1], trees))

    def _tree(self, rule: LoadedRule, head: Head) -> RuleTree:
        """Give the tree of a rule; to one that does not see the action, all actions are one."""
        actor, action, resource = head
        key = (rule.name, actor, action if rule.sees_action else None, resource)
        return self._trees.setdefault(key, RuleTree(rule, Diagram()))

    def _combined(self, forest: _Forest, seen: Hashable | None, facts: Facts) -> Decision:
        deadline = time.monotonic() + DECISION_SECONDS
        answers, lasting = [], seen is not None
        for tree in forest.trees:
            answer = self._known(tree, facts)
            if answer is None and time.monotonic() > deadline:
                message = f"deadline: the rules before took {DECISION_SECONDS} seconds"
                answer, lasting = RuleAnswer(tree.rule, Said(error=message)), False
            elif answer is None:
                answer, learnt = self._asked(tree, forest.action, facts)
                lasting = lasting and learnt
            answers.append(answer)
        decision = combine(answers, self.rank)
        if lasting and forest.sees_all(answers):
            return self._keep(seen, decision)
        return decision

    def _keep(self, seen: Hashable, decision: Decision) -> Decision:
        """Keep a decision, and give the one object that stands for all that are equal to it."""
        with self._learning:
            if len(self._alike) >= self._most:
                self._alike.clear()
            decision = self._alike.setdefault(decision, decision)
            if len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[seen] = decision
        return decision

    def _known(self, tree: RuleTree, facts: Facts) -> RuleAnswer | None:
        leaf = tree.diagram.find(facts)
        if leaf is None:
            return None
        return RuleAnswer(tree.rule, leaf.answer, leaf.steps, leaf, tree.diagram)

    def _asked(self, tree: RuleTree, action: str, facts: Facts) -> tuple[RuleAnswer, bool]:
        """Ask oso; tell also whether the answer may be kept."""
        rule = tree.rule
        if rule.flaw is not None:
            return self._learnt(tree, (), Said(error=f"flaw: {rule.flaw}"))
        host = self._polar.fresh_host()
        lasting = True
        try:
            given = self._polar.run(rule.name, facts, action, host)
            # Which text a fact holds is no step of the way, so the next one may hold another.
            lasting = not any(isinstance(reason, OpaqueValue) for reason in given)
            said = Said(frozenset(self._declared(reason) for reason in given))
        except Exception as error:  # noqa: BLE001 - oso raises what it likes, and none of it may permit
            # A time-out says nothing about the next question, nor does a value out of its bounds.
            lasting = lasting and isinstance(error, Refused) and not isinstance(error, Misfit)
            said = Said(error=_cause(error))
        steps = tuple(Step(probe, *seen) for probe, seen in host.steps.items())
        self.runs += 1
        if not lasting:
            return RuleAnswer(rule, said, steps), False
        return self._learnt(tree, steps, said)

    def _learnt(
        self, tree: RuleTree, steps: tuple[Step, ...], said: Said
    ) -> tuple[RuleAnswer, bool]:
        with self._learning:
            if tree.diagram.complete:
                # Of facts that cannot be together: kept, it would spoil the grounds of others.
                return RuleAnswer(tree.rule, said, steps), False
            leaf = tree.diagram.learn(steps, said)
        return RuleAnswer(tree.rule, said, steps, leaf, tree.diagram), True

    def _declared(self, reason: object) -> str:
        """Give a reason back if it is a bound, declared text that rules may give."""
        if isinstance(reason, OpaqueValue):
            reason = reason.value
            if type(reason) is not str or reason not in self.rank:
                # Not its text: it may be a caller's.
                raise Refused("unknown-reason", "gives as its reason a fact, which is not declared")
        if type(reason) is not str:
            raise Refused("unbound-reason", "gives no reason: its last argument stays unbound")
        if reason not in self.rank:
            raise Refused("unknown-reason", f"gives the reason `{reason}`, which is not declared")
        if reason in BUILT_IN_REASONS:
            raise Refused("own-reason", f"gives the reason `{reason}`, which is the code's own")
        return reason


def _cause(error: Exception) -> str:
    """Say in one line what went wrong; only a rule's own constants could hold a CPF."""
    if isinstance(error, Refused):
        return without_cpf(f"{error.check}: {error}")
    lines = [line for line in str(error).splitlines() if line and not line.startswith("\t")]
    last = lines[-1] if lines else "no further word"
    return without_cpf(f"{type(error).__name__}: {last}")[:300]
