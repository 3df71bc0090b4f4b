"""
The evidence of a decision is sufficient: where it is the same, the answer is, whatever else is not.

Facts are found by wishes: first any that a policy can tell apart, then others of which nothing is
wished but the same evidence, and at random what else the rules look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random, SystemRandom

import pytest

from authz_service.domain.decision import Decision, Observation
from authz_service.domain.errors import PolicyInvalid
from authz_service.domain.facts import Facts
from authz_service.policy.border.probes import Probe
from authz_service.policy.bundle import build, collect
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import Said
from authz_service.policy.diagrams.diagram import Leaf, Step
from authz_service.policy.diagrams.engine import Head
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.diagrams.situations import Situations, Wish
from authz_service.policy.kinds import FORBID
from tests.policy.compiled import policy
from tests.policy.differential.facts import shown
from tests.policy.differential.policies import draw_policy
from tests.policy.differential.test_differential import drawing
from tests.policy.facts import OPEN

SHIPPED = Path(__file__).parents[2] / "policies"
SILENT = Said()
MANY_LOOKS = 3
"""Fewer looks leave little that could differ beside the evidence."""


class Questions:
    """
    Possible questions of one head, drawn at random.

    Args:
        on: the policy, explored.
        head: of which kind.
        random: what they are drawn from.

    Attributes:
        question: what is asked.
        looks: all that its rules look at.
    """

    def __init__(self, on: CompiledPolicy, head: Head, random: Random) -> None:
        self._on = on
        self._random = random
        self.question = replace(OPEN, action=head[1])
        exploration = on.explore()
        self._situations: Situations = exploration.situations(head)
        self._rules = [one for one in exploration.rules if one.head == head and one.leaves()]
        self.looks: set[Probe] = set()
        self._wishes: dict[Observation, set[Wish]] = {}
        for rule in self._rules:
            for leaf in rule.leaves():
                for step in leaf.steps:
                    self.looks.add(step.probe)
                    self._wishes.setdefault(step.told, set()).add((step.probe, step.outcome))

    def decide(self, known: Facts) -> Decision:
        """Ask the policy."""
        return self._on.evaluate(self.question, known)

    def any(self) -> Facts:
        """Draw facts that lead rules to some of their answers, as far as they can be together."""
        wishes: list[Step] = []
        erring = self._random.random() < 0.2
        for rule in self._random.sample(self._rules, len(self._rules)):
            answers: dict[Said, list[Leaf[Said]]] = {}
            for leaf in rule.leaves():
                answers.setdefault(leaf.answer, []).append(leaf)
            sound = [one for one in answers if one.error is None]
            said = self._random.choice([*answers] if erring else sound or [*answers])
            if rule.tree.rule.kind == FORBID and SILENT in answers and self._random.random() < 0.7:
                # With many forbids hardly anything would be allowed.
                said = SILENT
            wishes += self._random.choice(answers[said]).steps
        return self._with((), [(one.probe, one.outcome) for one in wishes])

    def shows(self, decision: Decision) -> bool:
        """
        Tell whether its evidence says all.

        Not of which of two CPFs in the rules it tells, since it hides both; nor is it known what it
        says where the rules were not explored to the end.
        """
        told = (self._wishes.get(one, ()) for one in decision.evidence)
        return all(len({probe for probe, _outcome in wishes}) == 1 for wishes in told)

    def alike(self, decision: Decision) -> Facts:
        """Draw facts of which the evidence of a decision is true, and anything else."""
        # Why a comparison had no answer is not told, and may be anything that can be.
        several = product(*(sorted(self._wishes[one], key=repr) for one in decision.evidence))
        evidence = next(one for one in several if self._situations.find(one) is not None)
        seen = {probe for probe, _outcome in evidence}
        others = [
            (one, self._random.choice(self._situations.outcomes(one)))
            for one in sorted(self.looks - seen, key=repr)
        ]
        return self._with(evidence, self._random.sample(others, len(others)))

    def _with(self, needed: Sequence[Wish], wanted: Sequence[Wish]) -> Facts:
        """Find facts with all that is needed, and of what is wanted one after the other."""
        found, wishes = self._situations.find(needed), list(needed)
        assert found is not None
        for wish in wanted:
            more = self._situations.find([*wishes, wish])
            if more is not None:
                found = more
                wishes.append(wish)
        made = self._situations.facts(found)
        assert not broken(made)
        return made


def hold(on: CompiledPolicy, random: Random, heads: int, pairs: int) -> Counter[str]:
    """
    Hold decisions about pairs of facts with the same evidence to be the same.

    Returns:
        How many pairs there were, and how many of them were allowed and not the same facts.
    """
    exploration = on.explore()
    known = [Questions(on, head, random) for head in exploration.heads()]
    asked = [one for one in known if len(one.looks) >= MANY_LOOKS]
    found: Counter[str] = Counter()
    for questions in random.sample(asked, min(heads, len(asked))):
        for _pair in range(pairs):
            facts = questions.any()
            decision = questions.decide(facts)
            if not questions.shows(decision):
                continue
            other = questions.alike(decision)
            same = questions.decide(other)
            assert (decision.allowed, decision.reasons) == (same.allowed, same.reasons), (
                shown(facts),
                shown(other),
                decision,
            )
            found.update({"pairs": 1, "allowed": decision.allowed, "others": facts != other})
    return found


def enough(found: Counter[str]) -> bool:
    """Tell whether allows were among the pairs, and facts that were not the same twice."""
    return found["allowed"] > found["pairs"] / 50 and found["others"] > found["pairs"] / 5


@pytest.mark.uncovered
@pytest.mark.soak
def test_the_same_evidence_is_the_same_decision_under_the_shipped_policies(
    request: pytest.FixtureRequest,
) -> None:
    """Who has what a record tells gets the answer and the reasons of that record."""
    soak = request.config.getoption("--soak")
    random = SystemRandom() if soak else drawing(1)
    found = hold(build(collect(SHIPPED)), random, 36, 400 if soak else 6)
    assert enough(found), found


@pytest.mark.uncovered
@pytest.mark.soak
def test_the_same_evidence_is_the_same_decision_under_any_policy(
    request: pytest.FixtureRequest,
) -> None:
    """The same under rules that nobody would write; a failure tells its seed."""
    soak = request.config.getoption("--soak")
    first, policies = (SystemRandom().randrange(2**32), 1_500) if soak else (0, 60)
    found: Counter[str] = Counter()
    for seed in range(first, first + policies):
        random = drawing(seed)
        try:
            on = policy(draw_policy(random).as_written)
        except PolicyInvalid:
            continue
        try:
            found += hold(on, random, 4, 5)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
    assert found["pairs"] > policies
    assert enough(found), found
