"""
The policy as decision tables: what it answers to whom, row by row, as data.

They are made of what oso answered on every way that is possible in life, so they say what the
policy does and not what somebody thinks that it does. How they are read: where a row of an error
fits, it is denied; else where rows that deny fit, it is denied for all their reasons; else where
rows that allow fit, it is allowed for all of theirs; anything else is denied. A row fits if each
of its conditions does. A condition on what is not there, since its path leads through nothing,
does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from operator import eq

from authz_service.domain.decision import ACTIONS, OTHER_ACTION
from authz_service.policy.border.probes import ROOTS, Outcome, Probe, paths_of
from authz_service.policy.diagrams.combining import Said
from authz_service.policy.diagrams.engine import Head
from authz_service.policy.diagrams.exploring import ExploredRule
from authz_service.policy.diagrams.situations import once
from authz_service.policy.kinds import FORBID, Link, Members
from authz_service.policy.showing.minimising import Rows, Taken
from authz_service.policy.vocabulary import ACTORS, BY_TYPE, RESOURCES, VOCABULARY

Kinds = tuple[type, type]
"""The classes of the facts of an actor and of a resource."""


class Answer(IntEnum):
    """What a row answers; what comes first goes before the others."""

    ERROR = 0
    DENIED = 1
    ALLOWED = 2


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One probe of a row.

    Attributes:
        probe: what is looked at.
        outcomes: what may come out of it.
    """

    probe: Probe
    outcomes: frozenset[Outcome]


@dataclass(frozen=True, slots=True)
class Row:
    """
    What one rule answers under some conditions.

    Attributes:
        answer: what it makes of the question.
        reasons: the reasons that it gives, in their declared order; none of an error.
        errors: why it cannot be answered, in order; empty otherwise.
        rule: where the rule stands, ``file:line``.
        conditions: what has to be, all of it, in the order in which the rule looks.
    """

    answer: Answer
    reasons: tuple[str, ...]
    errors: tuple[str, ...]
    rule: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """
    All that the rules answer to questions of some kinds.

    Attributes:
        actions: the actions for which it holds, as policies see them.
        kinds: the actors and resources for which it holds.
        rows: what is answered; anything else is denied.
        unexplored: the places of rules that were not explored to the end: no row tells of them.
    """

    actions: tuple[str, ...]
    kinds: tuple[Kinds, ...]
    rows: tuple[Row, ...]
    unexplored: tuple[str, ...]

    @property
    def allows(self) -> bool:
        """Whether there is something that it allows, or may allow."""
        return bool(self.unexplored) or any(row.answer is Answer.ALLOWED for row in self.rows)

    def blocks(self) -> list[tuple[Row, ...]]:
        """Give the rows by what they answer, so that each part has few columns."""
        by_answer = [tuple(row for row in self.rows if row.answer is one) for one in Answer]
        return [rows for rows in by_answer if rows]


@dataclass(frozen=True, slots=True)
class Column:
    """
    What cells of one column are about.

    Attributes:
        paths: the path of a fact, or the two paths that are compared.
    """

    paths: tuple[str, ...]


_Content = tuple[tuple[Row, ...], tuple[str, ...]]
_NOTHING: _Content = ((), ())
_OWN = (*ACTIONS, OTHER_ACTION)


def tables_of(rules: Iterable[ExploredRule], codes: Sequence[str]) -> tuple[DecisionTable, ...]:
    """
    Make the tables of explored rules; those that say the same are one.

    Args:
        rules: every rule under every head that concerns it.
        codes: the declared reasons in their order.

    Returns:
        The tables: first those that allow something, by their actions, then the others, by actor
        and resource; both as the vocabulary has them. What has no table is denied.
    """
    heads: dict[Head, list[ExploredRule]] = {}
    for one in rules:
        heads.setdefault(one.head, []).append(one)
    contents = {head: _content(heads[head], codes) for head in sorted(heads, key=_by_head)}
    of_actions: dict[tuple[Kinds, _Content], list[str]] = {}
    for (actor, action, resource), content in contents.items():
        other = contents.get((actor, OTHER_ACTION, resource), _NOTHING)
        # An action that is like any other is one of those, if it has no title of its own; one
        # that is denied altogether is told where any other is not.
        if content != other or (content != _NOTHING and action in _OWN):
            of_actions.setdefault(((actor, resource), content), []).append(action)
    of_kinds: dict[tuple[tuple[str, ...], _Content], list[Kinds]] = {}
    for (kinds, content), actions in of_actions.items():
        of_kinds.setdefault((tuple(actions), content), []).append(kinds)
    tables = [
        DecisionTable(actions, tuple(kinds), rows, unexplored)
        for (actions, (rows, unexplored)), kinds in of_kinds.items()
    ]
    return tuple(sorted(tables, key=_by_use))


def _by_use(table: DecisionTable) -> tuple[bool, object]:
    actions = [_by_action(action) for action in table.actions]
    heads = [_by_head((actor, "", resource)) for actor, resource in table.kinds]
    return not table.allows, (actions, heads) if table.allows else (heads, actions)


def _content(rules: Sequence[ExploredRule], codes: Sequence[str]) -> _Content:
    rows = [row for rule in rules if rule.complete for row in _rows(rule, codes)]
    rows.sort(key=lambda row: (row.answer, [codes.index(code) for code in row.reasons]))
    return tuple(rows), tuple(rule.tree.rule.place for rule in rules if not rule.complete)


def _rows(rule: ExploredRule, codes: Sequence[str]) -> Iterator[Row]:
    """Give what a rule answers where it is not silent."""
    leaves = rule.leaves()
    rows, place = Rows(leaves), rule.tree.rule.place
    for taken in rows.covering(_erred):
        errors = {str(said.error) for said in rows.answers(taken)}
        yield Row(Answer.ERROR, (), tuple(sorted(errors)), place, _conditions(taken))
    answer = Answer.DENIED if rule.tree.rule.kind == FORBID else Answer.ALLOWED
    for given in sorted({tuple(sorted(leaf.answer.reasons, key=codes.index)) for leaf in leaves}):
        if given:
            for taken in rows.covering(partial(eq, Said(frozenset(given)))):
                yield Row(answer, given, (), place, _conditions(taken))


def _erred(said: Said) -> bool:
    return said.error is not None


def _conditions(taken: Taken) -> tuple[Condition, ...]:
    return tuple(Condition(probe, outcomes) for probe, outcomes in taken.items())


def column_of(probe: Probe) -> Column:
    """Give the column in which a condition on *probe* stands."""
    return Column(tuple(once(path) for path in paths_of(probe)))


def columns(rows: Iterable[Row]) -> list[Column]:
    """Give the columns of some rows: as the vocabulary has its facts, comparisons of two last."""
    found = {column_of(one.probe) for row in rows for one in row.conditions}
    return sorted(found, key=lambda one: (len(one.paths), [_by_path(path) for path in one.paths]))


def steps_to(path: str) -> Iterator[tuple[str, str]]:
    """
    Give each name of a path but the first, with the entity that it is a fact of.

    A member of a bag is no fact of its own, and is not given.
    """
    first, *names = path.split(".")
    entity = BY_TYPE[ROOTS[first]]
    for name in names:
        fact = entity.facts[name]
        yield entity.name, name
        if isinstance(fact, Members):
            return
        if isinstance(fact, Link):
            entity = BY_TYPE[fact.entity]


def _by_path(path: str) -> tuple[int, list[int], str]:
    places = [list(VOCABULARY[entity].facts).index(name) for entity, name in steps_to(path)]
    return list(ROOTS).index(path.partition(".")[0]), places, path


def _by_head(head: Head) -> tuple[int, int, tuple[int, str]]:
    actor, action, resource = head
    by, about = BY_TYPE[actor].name, BY_TYPE[resource].name
    return RESOURCES.index(about), ACTORS.index(by), _by_action(action)


def _by_action(action: str) -> tuple[int, str]:
    known = {name: number for number, name in enumerate((*ACTIONS, "", OTHER_ACTION))}
    return known.get(action, len(ACTIONS)), action
