"""
What an explored policy shows that cannot be meant, and that no reading of its text could find.

A rule that can never speak, a permit that is overruled wherever it speaks, a situation in which a
rule errs and so denies everybody in it. Each is judged over all ways through the rules and over
every kind of question that a rule concerns, so what is told is so, and not only likely.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from authz_service.domain.errors import Problem
from authz_service.policy.border.probes import (
    NIL,
    ROOTS,
    Asks,
    Compares,
    IsNil,
    Outcome,
    Probe,
    Read,
    compared,
    fact_at,
    paths_of,
)
from authz_service.policy.diagrams.combining import RuleAnswer, Said
from authz_service.policy.diagrams.diagram import Leaf, Node, Step
from authz_service.policy.diagrams.engine import Head
from authz_service.policy.diagrams.exploring import MAX_WAYS, Exploration, ExploredRule
from authz_service.policy.diagrams.situations import Situations, Wish, once
from authz_service.policy.judging.joint import Wanted, jointly
from authz_service.policy.kinds import PERMIT, Choice, Fact, Link
from authz_service.policy.vocabulary import BY_TYPE

CHECKS: Final = frozenset(
    ("never-speaks", "always-overruled", "errs", "too-many-ways", "no-answer")
)
"""The codes of all problems that are found here."""

_MAX_NAMED = 5
# What comes out of a probe because there is nothing where it looks.
_NOTHING_THERE: Final[Mapping[type[Probe], Outcome]] = {
    Asks: NIL,
    IsNil: True,
    Compares: compared("Lt", None, 0),
}


def findings(exploration: Exploration) -> list[Problem]:
    """Find what cannot be meant in an explored policy in which reading has found nothing."""
    return sorted(_Judge(exploration).problems())


@dataclass(frozen=True, slots=True)
class _Mistake:
    """
    What is wrong in a rule, however many ways lead there.

    Attributes:
        cause: what goes wrong.
        paths: what the rule looked at last.
    """

    cause: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """
    A mistake under one head.

    Attributes:
        rule: the rule, under this head.
        ground: steps that leave it nothing but an error.
    """

    rule: ExploredRule
    ground: tuple[Step, ...]


class _Judge:
    """Judges every rule of one exploration."""

    def __init__(self, exploration: Exploration) -> None:
        self._exploration = exploration
        self._rules: dict[str, list[ExploredRule]] = {}
        self._permits: dict[Head, list[ExploredRule]] = {}
        self._forbids: dict[Head, list[ExploredRule]] = {}
        for rule in exploration.rules:
            self._rules.setdefault(rule.tree.rule.name, []).append(rule)
            of_kind = self._permits if rule.tree.rule.kind == PERMIT else self._forbids
            of_kind.setdefault(rule.head, []).append(rule)

    def problems(self) -> Iterator[Problem]:
        """Give all problems, rule by rule; a rule is judged over all its heads together."""
        for rules in self._rules.values():
            mistakes = _mistakes(rules)
            for mistake, shown in mistakes.items():
                yield self._errs(mistake, shown)
            if not all(rule.complete for rule in rules):
                yield from self._unexplored(rules)
            elif not any(leaf.answer.reasons for rule in rules for leaf in rule.leaves()):
                if not mistakes:
                    yield _never_speaks(rules[0])
            elif rules[0].tree.rule.kind == PERMIT:
                yield from self._overruled(rules)

    def _unexplored(self, rules: Sequence[ExploredRule]) -> Iterator[Problem]:
        """
        Say why a rule could not be explored to the end.

        That it orders texts, or what a caller asserts, is no problem: there is always another
        value in between, so that nothing can be said of all of them.
        """
        if any(rule.tree.diagram.leaves >= MAX_WAYS for rule in rules):
            message = f"there are more than {MAX_WAYS} ways through the rule"
            remedy = "split it into several rules with fewer conditions each"
            yield _problem(rules[0], "too-many-ways", message, remedy)
        elif any(map(self._unanswered, rules)):
            message = "the rule ends without an answer in some situation, and so denies there"
            remedy = "write `= true` after what a caller asserts; or make the rule simpler"
            yield _problem(rules[0], "no-answer", message, remedy)

    def _unanswered(self, rule: ExploredRule) -> bool:
        """Tell whether there is a possible way through a rule that was asked and not kept."""
        situations = self._exploration.situations(rule.head)
        waiting: list[tuple[Node[Said] | Leaf[Said] | None, tuple[Wish, ...]]]
        waiting = [(rule.tree.diagram.root, ())]
        while waiting:
            branch, way = waiting.pop()
            if branch is None and not (way and _asserted(*way[-1])):
                return True
            if isinstance(branch, Node):
                for outcome in situations.outcomes(branch.probe):
                    wishes = (*way, (branch.probe, outcome))
                    if situations.find(wishes) is not None:
                        waiting.append((branch.behind(outcome), wishes))
        return False

    def _overruled(self, rules: Sequence[ExploredRule]) -> Iterator[Problem]:
        """
        Find out whether a permit ever speaks where no forbid does.

        Where a rule errs, nothing is permitted either: that is told by itself.
        """
        needed: set[str] = set()
        for rule in rules:
            situations = self._exploration.situations(rule.head)
            found = jointly(situations, [Wanted(rule, _speaks)], self._kept_silent(rule))
            if found.values is not None:
                return
            needed |= {one.tree.rule.place for one in found.needed}
        message = f"is overruled wherever it speaks, by the forbid at {_listed(needed)}"
        remedy = "narrow the forbid, or leave the permit out"
        yield _problem(rules[0], "always-overruled", message, remedy)

    def _kept_silent(self, rule: ExploredRule) -> list[Wanted]:
        """Want every other forbid of a head to be silent."""
        forbids = self._forbids.get(rule.head, ())
        return [Wanted(one, _is_silent) for one in forbids if one is not rule]

    def _errs(self, mistake: _Mistake, shown: Sequence[_Shown]) -> Problem:
        """Tell a mistake by the plainest situation in which it shows."""
        plainest = min(shown, key=lambda one: len(one.ground))
        situations = self._exploration.situations(plainest.rule.head)
        wishes = [(step.probe, step.outcome) for step in plainest.ground]
        values = situations.find(wishes) or {}
        nil = [path for path in mistake.paths if values.get(once(path), path) is None]
        told = [said for step in plainest.ground if (said := step.condition) is not None]
        for path in nil:
            if f"{path} = nil" not in told:
                told.append(f"{path} = nil{_so(situations, wishes, path)}")
        where = f"where {' and '.join(dict.fromkeys(told))}" if told else "always"
        message = (
            f"errs, and so denies everybody, {where} ({_about(plainest.rule.head)}): "
            f"{mistake.cause}{self._locked_out(shown)}"
        )
        remedy = "write the classes of its arguments, such as `process: Process`"
        if nil:
            remedy = f"ask before whether `{nil[0]}` is `!= nil`"
        return _problem(plainest.rule, "errs", message, remedy)

    def _locked_out(self, shown: Sequence[_Shown]) -> str:
        """Name the permits that would permit where a rule errs: some of the time, or always."""
        everybody: dict[str, bool] = {}
        for rule in {one.rule.head: one.rule for one in shown}.values():
            situations = self._exploration.situations(rule.head)
            for permit in self._permits.get(rule.head, ()):
                both = [Wanted(permit, _speaks), Wanted(rule, _fails)]
                if jointly(situations, both, self._kept_silent(rule)).values is not None:
                    place = permit.tree.rule.place
                    free = [Wanted(permit, _speaks), Wanted(rule, _answers)]
                    known = rule.complete and permit.complete
                    out = known and jointly(situations, free, ()).values is None
                    everybody[place] = out and everybody.get(place, True)
        whom = {
            "everybody": [place for place, out in everybody.items() if out],
            "some of those": [place for place, out in everybody.items() if not out],
        }
        return "".join(
            f"; it locks out {who} whom {_listed(places)} would permit"
            for who, places in whom.items()
            if places
        )


def _mistakes(rules: Sequence[ExploredRule]) -> dict[_Mistake, list[_Shown]]:
    found: dict[_Mistake, list[_Shown]] = {}
    for rule in rules:
        for leaf in rule.leaves():
            if leaf.answer.error is not None and not _only_asserted(leaf):
                cause = leaf.answer.error.partition(": ")[2]
                mistake = _Mistake(cause, paths_of(leaf.steps[-1].probe) if leaf.steps else ())
                tree = rule.tree
                answer = RuleAnswer(tree.rule, leaf.answer, leaf.steps, leaf, tree.diagram)
                found.setdefault(mistake, []).append(_Shown(rule, answer.erring()))
    return found


def _only_asserted(leaf: Leaf[Said]) -> bool:
    """
    Tell whether what errs is that a caller asserts a value of the wrong kind.

    Nobody but that caller is denied then. What a caller leaves out is another matter.
    """
    return any(_asserted(step.probe, step.outcome) for step in leaf.steps[-1:])


def _asserted(probe: Probe, outcome: Outcome) -> bool:
    """Tell whether a caller asserted what was looked at, whatever it is."""
    told = any("." in path and fact_at(path)[1] is not None for path in paths_of(probe))
    return told and outcome != _NOTHING_THERE.get(type(probe))


def _speaks(said: Said) -> bool:
    return bool(said.reasons)


def _fails(said: Said) -> bool:
    return said.error is not None


def _answers(said: Said) -> bool:
    return said.error is None


def _is_silent(said: Said) -> bool:
    return not said.reasons


def _so(situations: Situations, wishes: Sequence[Wish], path: str) -> str:
    """Name the first word beside a fact that has to be there, such as the role ``none``."""
    beside = path.rpartition(".")[0]
    seen = {probe for probe, _outcome in wishes}
    for name, fact in _facts_at(beside).items():
        probe = Read(f"{beside}.{name}")
        if probe in seen:
            break
        if isinstance(fact, Choice):
            words = [
                word
                for word in situations.outcomes(probe)
                if situations.find([*wishes, (probe, word)]) is not None
            ]
            if len(words) == 1:
                return f' (so {name} = "{words[0]}")'
    return ""


def _facts_at(path: str) -> Mapping[str, Fact]:
    """Give the facts of the entity at a path, by their names; none of what a caller asserts."""
    if "." not in path:  # mutant: the same comes out below
        return BY_TYPE[ROOTS[path]].facts
    fact, _member = fact_at(path)
    return BY_TYPE[fact.entity].facts if isinstance(fact, Link) else {}


def _about(head: Head) -> str:
    actor, action, resource = head
    return f'{BY_TYPE[actor].name}, "{action}", {BY_TYPE[resource].name}'


def _listed(places: Iterable[str]) -> str:
    """Name rules in the order of files and lines, and of many only how many there are."""
    several = sorted(map(_file_and_line, places))
    named = ", ".join(f"{file}:{line}" for file, line in several[:_MAX_NAMED])
    more = len(several) - _MAX_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _file_and_line(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return file, int(line)


def _never_speaks(rule: ExploredRule) -> Problem:
    message = "can never speak: in no possible situation do all its conditions hold"
    remedy = "see which of them exclude each other, or leave the rule out"
    return _problem(rule, "never-speaks", message, remedy)


def _problem(rule: ExploredRule, check: str, message: str, remedy: str) -> Problem:
    file, line = _file_and_line(rule.tree.rule.place)
    return Problem(file, line, 0, message, check, remedy)
