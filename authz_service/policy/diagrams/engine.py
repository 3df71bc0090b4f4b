"""
Asks every rule by itself, and keeps what it answered.

A question whose way is known walks one tree and gets the decision that stands at its end. Where
the whole way is not known, each rule is asked: its own tree first, and oso where that does not
lead on. One tree for each rule stays small; one for the question as a whole can be large, so it
is bounded, and only there for speed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from authz_service.domain.decision import BUILT_IN_REASONS, Decision, Question
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import without_cpf
from authz_service.policy.border.host import Misfit, OpaqueValue, Refused
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.diagrams.combining import LoadedRule, RuleAnswer, Said, combine
from authz_service.policy.diagrams.diagram import Diagram, Step

DECISION_SECONDS = 1.0
"""How long the rules of one decision may take together; what is not asked by then has erred."""
MAX_KEPT = 65_536
"""How many decisions one policy keeps, over all kinds of question."""

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
    """All trees of one head."""

    __slots__ = ("decisions", "trees")

    def __init__(self, trees: Sequence[RuleTree]) -> None:
        self.decisions: Diagram[Decision] = Diagram()
        self.trees = tuple(trees)


class Engine:
    """
    The rules of one policy, ready to be asked by many threads at once.

    Args:
        polar: with the rules loaded under names of their own.
        rules: which permits and forbids there are.
        reasons: the declared reason codes, in their order.
        most: how many decisions it keeps.

    Attributes:
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
        self._rank = {code: position for position, code in enumerate(reasons)}
        self._forests: dict[Head, _Forest] = {}
        self._trees: dict[tuple[str, type, str | None, type], RuleTree] = {}
        self._kept, self._most = 0, most
        # Finding takes no lock; it is held for the moment in which a leaf is hung up.
        self._learning = threading.Lock()
        self.runs = 0

    def evaluate(self, question: Question, facts: Facts) -> Decision:
        """Ask every rule, and combine; whatever goes wrong is a denial that says so."""
        head = self.head(question, facts)
        forest = self._forest(head)
        known = forest.decisions.find(facts)
        return self._combined(forest, head[1], facts) if known is None else known.answer

    def forget_decisions(self) -> None:
        """Decide anew from what each rule has answered, as its grounds are known better now."""
        with self._learning:
            self._kept = 0
            for forest in list(self._forests.values()):
                forest.decisions = Diagram()

    def head(self, question: Question, facts: Facts) -> Head:
        """Give what a question is by its classes."""
        return type(facts.actor), self._polar.action(question.action), type(facts.resource)

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
        return self._forests.setdefault(head, _Forest(trees))

    def _tree(self, rule: LoadedRule, head: Head) -> RuleTree:
        """Give the tree of a rule; to one that does not see the action, all actions are one."""
        actor, action, resource = head
        key = (rule.name, actor, action if rule.sees_action else None, resource)
        return self._trees.setdefault(key, RuleTree(rule, Diagram()))

    def _combined(self, forest: _Forest, action: str, facts: Facts) -> Decision:
        deadline = time.monotonic() + DECISION_SECONDS
        answers, lasting = [], True
        for tree in forest.trees:
            answer = self._known(tree, facts)
            if answer is None and time.monotonic() > deadline:
                message = f"deadline: the rules before took {DECISION_SECONDS} seconds"
                answer, lasting = RuleAnswer(tree.rule, Said(error=message)), False
            elif answer is None:
                answer, learnt = self._asked(tree, action, facts)
                lasting = lasting and learnt
            answers.append(answer)
        decision = combine(answers, self._rank)
        if lasting:
            with self._learning:
                if self._kept < self._most:
                    self._kept += forest.decisions.learn(_way(answers), decision) is not None
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
            if type(reason) is not str or reason not in self._rank:
                # Not its text: it may be a caller's.
                raise Refused("unknown-reason", "gives as its reason a fact, which is not declared")
        if type(reason) is not str:
            raise Refused("unbound-reason", "gives no reason: its last argument stays unbound")
        if reason not in self._rank:
            raise Refused("unknown-reason", f"gives the reason `{reason}`, which is not declared")
        if reason in BUILT_IN_REASONS:
            raise Refused("own-reason", f"gives the reason `{reason}`, which is the code's own")
        return reason


def _way(answers: Sequence[RuleAnswer]) -> list[Step]:
    """Give all that the rules looked at, each probe once."""
    return list({step.probe: step for answer in answers for step in answer.steps}.values())


def _cause(error: Exception) -> str:
    """Say in one line what went wrong; only a rule's own constants could hold a CPF."""
    if isinstance(error, Refused):
        return without_cpf(f"{error.check}: {error}")
    lines = [line for line in str(error).splitlines() if line and not line.startswith("\t")]
    last = lines[-1] if lines else "no further word"
    return without_cpf(f"{type(error).__name__}: {last}")[:300]
