"""How answers that differ from the expected ones are told: by cases, in columns, with grounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.known import facts_of
from authz_service.policy.border.probes import paths_of
from authz_service.policy.diagrams.combining import RuleAnswer
from authz_service.policy.diagrams.diagram import Step
from authz_service.policy.kinds import PERMIT
from authz_service.policy.suites.coverage import Reached
from authz_service.policy.suites.suite import Difference

MAX_SHOWN = 20
"""How many differences are told; one edit can turn hundreds of answers."""

_HEADINGS = ("question", "expected", "but is")
_WIDTH = 92


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What one rule answered, and why.

    Attributes:
        rule: where it stands, ``file:line``.
        said: ``permits``, ``forbids``, ``is silent``, or ``errs`` with the cause.
        because: what it saw that leaves it no other answer, as a rule would ask for it.
    """

    rule: str
    said: str
    because: tuple[str, ...]

    def lines(self) -> list[str]:
        """Tell it in lines of a bounded width, none of which breaks within an observation."""
        *others, last = self.because or ("whatever the facts are",)
        lines = [f"{self.rule} {self.said}:"]
        for part in (*(f"{one}," for one in others), last):
            if len(lines[-1]) + len(part) < _WIDTH:
                lines[-1] += f" {part}"
            else:
                lines.append(f"    {part}")
        return lines


@dataclass(frozen=True, slots=True)
class Explained:
    """
    A difference with what it comes from.

    Attributes:
        difference: the difference.
        grounds: the rules that spoke, and those that were expected to.
        unheard: the expected reasons that no rule gives to such a question.
    """

    difference: Difference
    grounds: tuple[Ground, ...]
    unheard: tuple[str, ...]


def explained(difference: Difference, reached: Reached) -> Explained:
    """Find the grounds of a difference in the explored policy that gave the answer."""
    expected, actual = difference.expected, difference.actual
    facts = facts_of(expected.question, expected.known, expected.moment)
    answers = reached.answers(expected.question, facts)
    missing = set(expected.reasons or ()).difference(actual.reasons, BUILT_IN_REASONS)
    # Where any permit would have done, all of them were expected.
    any_permit = expected.allowed and expected.reasons is None and not actual.rules
    grounds = []
    for answer in answers:
        awaited = missing & _reasons(answer) or (any_permit and answer.rule.kind == PERMIT)
        silent = awaited and not answer.said.reasons and not actual.errors
        if silent or answer.rule.place in actual.rules:
            grounds.append(_ground(answer))
    given = frozenset[str]().union(*map(_reasons, answers))
    return Explained(difference, tuple(grounds), tuple(sorted(missing - given)))


def _reasons(answer: RuleAnswer) -> frozenset[str]:
    """Give every reason that a rule can give to questions of this kind."""
    leaves = [] if answer.diagram is None else answer.diagram.every_leaf()
    return frozenset[str]().union(*(leaf.answer.reasons for leaf in leaves))


def _ground(answer: RuleAnswer) -> Ground:
    rule, said = answer.rule, answer.said
    if said.error is not None:
        return Ground(rule.place, f"errs ({said.error})", _told(answer.erring()))
    speaks = "permits" if rule.kind == PERMIT else "forbids"
    return Ground(rule.place, speaks if said.reasons else "is silent", _told(answer.same()))


def _told(steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(map(_seen, steps))


def _seen(step: Step) -> str:
    return step.condition or f"{' and '.join(paths_of(step.probe))} cannot be compared"


def lines_of(differences: Sequence[Difference], reached: Reached) -> Iterator[str]:
    """Tell differences, case by case; each question with its two answers, grounds below."""
    for _place, several in groupby(differences[:MAX_SHOWN], key=_case):
        case = [explained(one, reached) for one in several]
        first = case[0].difference
        yield f"{first.file}:{first.expected.line}  {first.expected.case}"
        rows = [_HEADINGS, *(_row(one.difference) for one in case)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        yield _columns(_HEADINGS, widths)
        for (grounds, unheard), same in groupby(case, key=_grounds):
            for one in same:
                yield _columns(_row(one.difference), widths)
            for ground in grounds:
                yield from (f"        {line}" for line in ground.lines())
            for reason in unheard:
                yield f"        no rule about such a question gives {reason}"
        yield ""
    if len(differences) > MAX_SHOWN:
        yield f"and {len(differences) - MAX_SHOWN} more"


def _case(one: Difference) -> tuple[str, int, str]:
    return one.file, one.expected.line, one.expected.case


def _grounds(one: Explained) -> tuple[tuple[Ground, ...], tuple[str, ...]]:
    return one.grounds, one.unheard


def _row(one: Difference) -> tuple[str, str, str]:
    return one.expected.asked, one.wanted, one.got


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"    {'  '.join(padded)}".rstrip()
