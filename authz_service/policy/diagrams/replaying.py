"""
Decides again what a record tells of, from its evidence alone.

Every rule is followed along what was seen. Where its tree asks what nobody has looked at, every
way is taken that facts can go that have the evidence. So what is told to follow from it does; of
the rest it is told what else would have to be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from authz_service.domain.decision import NO_PERMIT, POLICY_ERROR, Observation
from authz_service.domain.facts import (
    CompanyFacts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    SubjectFacts,
)
from authz_service.policy.border.probes import Outcome, Probe
from authz_service.policy.diagrams.combining import LoadedRule, Said
from authz_service.policy.diagrams.diagram import Leaf, agreeing
from authz_service.policy.diagrams.engine import Engine, RuleTree
from authz_service.policy.diagrams.evidence import wish_of, with_constants
from authz_service.policy.diagrams.situations import Situations, Wish
from authz_service.policy.kinds import FORBID
from authz_service.policy.reading.constants import Constants
from authz_service.usecases.replaying import Case, Replayed

_ACTORS = {"person": PersonFacts, "login": LoginFacts}
_RESOURCES = {"process": ProcessFacts, "company": CompanyFacts}


@dataclass(frozen=True, slots=True)
class Ways:
    """
    What a rule may answer to whoever has the evidence.

    Attributes:
        rule: the rule.
        said: every answer that is possible.
        asks: the tests that tell them apart.
        lost: whether it may also answer what was never explored.
    """

    rule: LoadedRule
    said: frozenset[Said]
    asks: tuple[str, ...] = ()
    lost: bool = False

    @property
    def errs(self) -> bool:
        """Whether it errs, whatever else is the case."""
        return not self.lost and all(one.error is not None for one in self.said)

    @property
    def may_err(self) -> bool:
        """Whether it errs in some case."""
        return self.lost or any(one.error is not None for one in self.said)

    @property
    def sure(self) -> frozenset[str]:
        """The reasons that it gives, whatever else is the case."""
        every = [one.reasons for one in self.said]
        return frozenset() if self.lost else every[0].intersection(*every[1:])

    @property
    def possible(self) -> frozenset[str]:
        """The reasons that it gives in some case, of those that were explored."""
        return frozenset[str]().union(*(one.reasons for one in self.said))


def replayed(case: Case, engine: Engine, constants: Constants) -> Replayed:
    """
    Give what the rules of an explored policy answer to all who have the evidence of *case*.

    Args:
        case: what a record tells.
        engine: asks the rules.
        constants: what stands in them.
    """
    head = engine.named(
        _ACTORS.get(case.actor, SubjectFacts),
        case.action,
        _RESOURCES.get(case.resource, ResourceFacts),
    )
    read = [wish for one in case.evidence if (wish := wish_of(one)) is not None]
    situations = _situations(head[0], head[2], with_constants(constants, read))
    trees = engine.trees(head)
    values = situations.find(read)
    for tree in trees:
        if values is not None and not tree.diagram.complete:
            # Which way the evidence goes was not explored, but it can be gone now.
            engine.ask(tree, head[1], situations.facts(values))
    evidence = Evidence(case.evidence, trees, situations)
    return _combined([evidence.ways(tree) for tree in trees], engine.rank)


@lru_cache(maxsize=64)
def _situations(actor: type, resource: type, constants: Constants) -> Situations:
    """Give the situations of one kind of question; most evidence compares with the same."""
    return Situations(actor, resource, constants)


class Evidence:
    """
    What a record tells, in terms of what the rules of one head look at.

    Args:
        told: the observations of the record.
        trees: the rules.
        situations: which facts can be together.
    """

    def __init__(
        self, told: Sequence[Observation], trees: Sequence[RuleTree], situations: Situations
    ) -> None:
        self._situations = situations
        self._tests: dict[Probe, str] = {}
        meant: dict[Observation, dict[Wish, None]] = {}
        for tree in trees:
            for leaf in tree.diagram.every_leaf():
                for step in leaf.steps:
                    self._tests.setdefault(step.probe, step.told.test)
                    meant.setdefault(step.told, {})[step.probe, step.outcome] = None
        # What can have been told so is one thing as a rule; of two hidden CPFs it is either.
        self._several: list[dict[Wish, None]] = []
        self._known: dict[Probe, Outcome] = {}
        for one in told:
            wishes = meant.get(one, {})
            wish = next(iter(wishes)) if len(wishes) == 1 else wish_of(one)
            if wish is not None:
                self._known[wish[0]] = wish[1]
            if len(wishes) > 1:
                self._several.append(wishes)
        # That two values could not be compared is enough to err, whatever the cause was.
        several = [{probe for probe, _outcome in wishes} for wishes in self._several]
        self._looked_at = {
            *self._known,
            *(probe for one in several if len(one) == 1 for probe in one),
        }
        # What stands in a record of another version may be impossible to this one.
        self._bound = situations.find(self._known.items()) is not None

    def ways(self, tree: RuleTree) -> Ways:
        """Give what a rule may answer."""
        diagram = tree.diagram
        leaves = [] if diagram.root is None else list(agreeing(diagram.root, self._known))
        if len({leaf.answer for leaf in leaves}) > 1:
            leaves = [leaf for leaf in leaves if self._fits(leaf)]
        # Of a rule that was not explored to the end, ways that are known from end to end count.
        looks = {step.probe for leaf in leaves for step in leaf.steps}
        lost = not leaves or not (diagram.complete or self._looked_at.issuperset(looks))
        said = frozenset(leaf.answer for leaf in leaves)
        return Ways(tree.rule, said, self._asks(leaves) if len(said) > 1 else (), lost)

    def _fits(self, leaf: Leaf[Said]) -> bool:
        """Tell whether facts with the evidence can take the way to a leaf."""
        way: dict[Probe, Outcome] = {step.probe: step.outcome for step in leaf.steps}
        if any(_contradicts(way, wishes) for wishes in self._several):
            return False
        exact = all(map(self._situations.exact, way))
        wishes = {**way, **self._known}.items()
        return not (self._bound and exact) or self._situations.find(wishes) is not None

    def _asks(self, leaves: Sequence[Leaf[Said]]) -> tuple[str, ...]:
        outcomes: dict[Probe, set[Outcome]] = {}
        for leaf in leaves:
            for step in leaf.steps:
                outcomes.setdefault(step.probe, set()).add(step.outcome)
        return tuple(self._tests[probe] for probe, found in outcomes.items() if len(found) > 1)


def _contradicts(way: Mapping[Probe, Outcome], wishes: Iterable[Wish]) -> bool:
    """Tell whether what was told as any of *wishes* is none of them on a way."""
    return all(way.get(probe, outcome) != outcome for probe, outcome in wishes)


def _combined(rules: Sequence[Ways], rank: Mapping[str, int]) -> Replayed:
    """Combine what rules may answer as ``combining.combine`` does what they have answered."""
    erring = [one for one in rules if one.errs]
    if erring:
        others = [one for one in rules if one.may_err and not one.errs]
        return Replayed(
            allowed=False,
            reasons=(POLICY_ERROR,),
            rules=_places(erring),
            others=_places(others),
        )
    forbids = [one for one in rules if one.rule.kind == FORBID]
    permits = [one for one in rules if one.rule.kind != FORBID]
    lost = any(one.lost for one in permits)
    # Whoever permits nothing is denied, whatever else is the case.
    denied = any(one.sure for one in forbids) or not (lost or any(one.possible for one in permits))
    uncertain = [one for one in rules if one.may_err]
    if uncertain:
        return _open(False if denied else None, uncertain)
    if any(one.possible for one in forbids):
        return _said(forbids, rank, allowed=False) or _open(False if denied else None, forbids)
    if not any(one.possible for one in permits):
        return Replayed(allowed=False, reasons=(NO_PERMIT,))
    allowed = True if any(one.sure for one in permits) else None
    return _said(permits, rank, allowed=True) or _open(allowed, permits)


def _said(rules: Sequence[Ways], rank: Mapping[str, int], *, allowed: bool) -> Replayed | None:
    """Give the decision of rules that speak for it, or None if their reasons are not known."""
    sure = frozenset[str]().union(*(one.sure for one in rules))
    if sure != frozenset[str]().union(*(one.possible for one in rules)):
        return None
    speaking, others = _speaking(rules)
    return Replayed(allowed, tuple(sorted(sure, key=rank.__getitem__)), speaking, others)


def _open(allowed: bool | None, rules: Sequence[Ways]) -> Replayed:  # noqa: FBT001 - it is the datum
    asks = {test for one in rules for test in one.asks}
    speaking, others = _speaking(rules)
    return Replayed(allowed, None, speaking, others, tuple(sorted(asks)))


def _speaking(rules: Sequence[Ways]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the places of the rules that speak, and of those that may."""
    may = (one for one in rules if not one.sure and (one.lost or one.possible))
    return _places(one for one in rules if one.sure), _places(may)


def _places(rules: Iterable[Ways]) -> tuple[str, ...]:
    return tuple(sorted(one.rule.place for one in rules))
