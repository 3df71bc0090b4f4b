"""
How much of a policy its tests have reached: rules, and the conditions in them.

A rule is covered if it spoke in some question and was silent in another. A condition of a rule,
which is one probe, is covered if all that can come out of it and makes a difference to the rule
came out in some question. What can come out is known from exploration, so nothing impossible is
asked for; neither is an error, which the check tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from authz_service.domain.decision import OTHER_ACTION, Observation, Question
from authz_service.domain.facts import Facts
from authz_service.policy.border.probes import NIL, OPAQUE, Asks, Outcome, Probe
from authz_service.policy.diagrams.combining import RuleAnswer, Said
from authz_service.policy.diagrams.diagram import Branch, Leaf, Node
from authz_service.policy.diagrams.engine import Head
from authz_service.policy.diagrams.exploring import Exploration, ExploredRule

_MANY = 3
"""More words than these are told by the others."""
_ASSERTED = {NIL: "nil", OPAQUE: "anything else"}


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """
    Something that no question reached.

    Attributes:
        file: where the rule stands.
        line: the same.
        message: what never happened.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.message}"


@dataclass(frozen=True, slots=True)
class Share:
    """
    How many of how many were reached.

    Attributes:
        covered: so many were.
        of: so many there are.
        gaps: what the others lack, in the order of files and lines.
    """

    covered: int
    of: int
    gaps: tuple[Gap, ...]

    @property
    def percent(self) -> float:
        """The share in percent; 100 where there is nothing to reach."""
        return 100 * self.covered / self.of if self.of else 100.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    What tests reached.

    Attributes:
        rules: of the permits and forbids.
        conditions: of what these look at.
    """

    rules: Share
    conditions: Share


class Reached:
    """
    Notes which ways through the rules the questions of a run take.

    Args:
        exploration: the policy that is asked, explored.
    """

    def __init__(self, exploration: Exploration) -> None:
        self._heads: dict[Head, list[ExploredRule]] = {head: [] for head in exploration.heads()}
        self._rules: dict[str, list[ExploredRule]] = {}
        for rule in exploration.rules:
            self._heads[rule.head].append(rule)
            self._rules.setdefault(rule.tree.rule.name, []).append(rule)
        self._taken: dict[str, set[Leaf[Said]]] = {name: set() for name in self._rules}

    def note(self, question: Question, facts: Facts) -> None:
        """Note the ways that a question takes, as far as they are known."""
        for rule, leaf in self._ways(question, facts):
            self._taken[rule.tree.rule.name].add(leaf)

    def answers(self, question: Question, facts: Facts) -> list[RuleAnswer]:
        """Give what each rule answers to a question that concerns it, as far as that is known."""
        return [
            RuleAnswer(rule.tree.rule, leaf.answer, leaf.steps, leaf, rule.tree.diagram)
            for rule, leaf in self._ways(question, facts)
        ]

    def coverage(self) -> Coverage:
        """Give what was reached up to now."""
        rules = [_Rule(rules, self._taken[name]) for name, rules in self._rules.items()]
        return Coverage(
            rules=_share([rule.unheard() for rule in rules]),
            conditions=_share([gaps for rule in rules for gaps in rule.conditions()]),
        )

    def _ways(self, question: Question, facts: Facts) -> Iterator[tuple[ExploredRule, Leaf[Said]]]:
        actor, resource = type(facts.actor), type(facts.resource)
        rules = self._heads.get((actor, question.action, resource))
        if rules is None:
            # An action that no rule tells apart is to all of them another one.
            rules = self._heads[actor, OTHER_ACTION, resource]
        for rule in rules:
            leaf = rule.tree.diagram.find(facts)
            if leaf is not None:
                yield rule, leaf


def _share(items: Sequence[Sequence[Gap]]) -> Share:
    gaps = sorted(gap for item in items for gap in item)
    return Share(sum(not item for item in items), len(items), tuple(gaps))


class _Rule:
    """One permit or forbid under all its heads, with the ways that were taken through it."""

    def __init__(self, rules: Sequence[ExploredRule], taken: Collection[Leaf[Said]]) -> None:
        self._kind = rules[0].tree.rule.kind
        self._place = rules[0].tree.rule.place
        # Heads that the rule does not tell apart share a tree.
        diagrams = {id(rule.tree): rule.tree.diagram for rule in rules}.values()
        self._roots = [one.root for one in diagrams if one.root is not None]
        self._leaves = [leaf for one in diagrams for leaf in one.every_leaf()]
        self._taken = taken

    def unheard(self) -> list[Gap]:
        """Tell whether it never spoke, or was never silent although it can be."""
        gaps = []
        if not any(leaf.answer.reasons for leaf in self._taken):
            gaps.append(self._gap(f"the {self._kind} never spoke"))
        if any(map(_silent, self._leaves)) and not any(map(_silent, self._taken)):
            gaps.append(self._gap(f"the {self._kind} was never silent"))
        return gaps

    def conditions(self) -> Iterator[list[Gap]]:
        """Give for each condition what never came out of it."""
        told = {
            (step.probe, step.outcome): _told(step.probe, step.outcome, step.told)
            for leaf in self._leaves
            for step in leaf.steps
            if step.told.outcome is not None
        }
        seen = {(step.probe, step.outcome) for leaf in self._taken for step in leaf.steps}
        for probe, classes in _conditions(self._roots).items():
            everything = [told[probe, outcome] for one in classes for outcome in one]
            yield [
                self._gap(_never([told[probe, outcome] for outcome in one], everything))
                for one in classes
                if not any((probe, outcome) in seen for outcome in one)
            ]

    def _gap(self, message: str) -> Gap:
        file, _, line = self._place.rpartition(":")
        return Gap(file, int(line), message)


def _silent(leaf: Leaf[Said]) -> bool:
    return not leaf.answer.reasons and leaf.answer.error is None


def _conditions(roots: Iterable[Branch[Said]]) -> dict[Probe, list[list[Outcome]]]:
    """Give the probes of a rule, each with its outcomes in classes that make a difference."""
    leading: dict[Probe, dict[Outcome, dict[int, int]]] = {}
    for place, (probe, behind) in enumerate(_numbered(roots)):
        for outcome, number in behind.items():
            leading.setdefault(probe, {}).setdefault(outcome, {})[place] = number
    found = {probe: _classes(outcomes) for probe, outcomes in leading.items()}
    return {probe: classes for probe, classes in found.items() if len(classes) > 1}


def _numbered(roots: Iterable[Branch[Said]]) -> Iterator[tuple[Probe, dict[Outcome, int]]]:
    """
    Give the probe of each node, with the numbers of the trees behind it.

    Trees that answer alike on the same grounds have one number: a node without a difference
    behind it is as good as what is behind it. What leads to nothing but errors has none.
    """
    order = list(roots)
    for branch in order:
        if isinstance(branch, Node):
            order += [below for _outcome, below in branch.branches()]
    known: dict[object, int] = {}
    numbers: dict[Branch[Said], int] = {}
    for branch in reversed(order):
        if isinstance(branch, Leaf):
            if branch.answer.error is None:
                numbers[branch] = known.setdefault(branch.answer, len(known))
            continue
        behind = {
            outcome: numbers[below] for outcome, below in branch.branches() if below in numbers
        }
        yield branch.probe, behind
        different = set(behind.values())
        if len(different) == 1:
            [numbers[branch]] = different
        elif different:
            key = (branch.probe, frozenset(behind.items()))
            numbers[branch] = known.setdefault(key, len(known))


def _classes(outcomes: Mapping[Outcome, Mapping[int, int]]) -> list[list[Outcome]]:
    """Put together the outcomes that lead to trees of one number wherever both are possible."""
    classes: list[list[Outcome]] = []
    for outcome in sorted(outcomes, key=repr):
        for one in classes:
            if all(_alike(outcomes[outcome], outcomes[other]) for other in one):
                one.append(outcome)
                break
        else:
            classes.append([outcome])
    return classes


def _alike(one: Mapping[int, int], other: Mapping[int, int]) -> bool:
    return all(one[place] == other[place] for place in one.keys() & other.keys())


def _told(probe: Probe, outcome: Outcome, told: Observation) -> tuple[str, str]:
    """Give what a probe looked at, and what came out, in words."""
    if isinstance(probe, Asks) and isinstance(outcome, str):
        return probe.path, _ASSERTED[outcome]
    if isinstance(told.outcome, str):
        return told.test, f'"{told.outcome}"'
    return told.test, "true" if told.outcome else "false"


def _never(missing: Sequence[tuple[str, str]], everything: Sequence[tuple[str, str]]) -> str:
    test = missing[0][0]
    words = [word for _test, word in missing]
    others = [word for _test, word in everything if word not in words]
    if len(words) > _MANY:
        return f"{test} was never other than {_or(others)}"
    return f"{test} was never {_or(words)}"


def _or(words: Sequence[str]) -> str:
    *others, last = sorted(words, key=lambda word: (word == _ASSERTED[OPAQUE], word))
    return f"{', '.join(others)} or {last}" if others else last
