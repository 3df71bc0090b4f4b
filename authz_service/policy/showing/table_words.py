"""What stands in decision tables, in words: Portuguese or English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from authz_service.domain.decision import ACTIONS, NO_PERMIT, OTHER_ACTION, POLICY_ERROR
from authz_service.domain.facts import LoginFacts, ResourceFacts
from authz_service.domain.identifiers import without_cpf
from authz_service.policy.border.probes import (
    NIL,
    OPAQUE,
    Compares,
    Constant,
    IsNil,
    Outcome,
    Probe,
    Read,
)
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.kinds import Choice, Fact, Opaque
from authz_service.policy.showing import portuguese
from authz_service.policy.showing.decision_tables import (
    Answer,
    Column,
    Condition,
    DecisionTable,
    Row,
    column_of,
    columns,
    steps_to,
)
from authz_service.policy.showing.table_texts import TEXTS
from authz_service.policy.vocabulary import BY_TYPE, VOCABULARY

NOT_ASKED: Final = "—"
"""What stands in a cell that does not matter."""

_SIGNS = {"Eq": "=", "Neq": "≠", "Lt": "<", "Leq": "≤", "Gt": ">", "Geq": "≥"}
_OPPOSITE = {"Eq": "Neq", "Neq": "Eq", "Lt": "Geq", "Leq": "Gt", "Gt": "Leq", "Geq": "Lt"}
_TURNED = {"Eq": "Eq", "Neq": "Neq", "Lt": "Gt", "Leq": "Geq", "Gt": "Lt", "Geq": "Leq"}
_FIRST, _SECOND = "①", "②"
_NATIONAL = {"cnpj": "{cnpj}", "processo": "{processo}"}
_FOREIGN = {"cnpj": "EX-…", "processo": "{processo}"}


@dataclass(frozen=True, slots=True)
class Heading:
    """
    What stands over a column.

    Attributes:
        group: what its facts belong to, such as ``empresa › atuação``.
        name: the fact.
        paths: how rules write it; two where two facts are compared.
    """

    group: str
    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """
    A fact of a table, explained.

    Attributes:
        name: what tables call it.
        meaning: what it is.
        words: what tables call its words, with what rules call them; none where that is the same.
        paths: how rules write it, depending on what they are about.
    """

    name: str
    meaning: str
    words: tuple[tuple[str, str], ...]
    paths: tuple[str, ...]


class Words:
    """
    Says what tables hold.

    Args:
        language: ``pt`` or ``en``.
        policy: whose reasons have texts.
    """

    def __init__(self, language: str, policy: CompiledPolicy) -> None:
        self.language = language
        self._policy = policy
        self._texts = TEXTS[language]

    def __getitem__(self, name: str) -> str:
        """Give one of the fixed words."""
        return self._texts[name]

    def actions(self, table: DecisionTable) -> str:
        """Give the actions of a table."""
        if set(table.actions) >= {*ACTIONS, OTHER_ACTION}:
            return self["any"]
        return "; ".join(self._action(action) for action in table.actions)

    def _action(self, action: str) -> str:
        titled = action in (*ACTIONS, OTHER_ACTION)
        return self[action] if titled else f"{self['action']} “{without_cpf(action)}”"

    def kinds(self, table: DecisionTable) -> str:
        """Give who acts on what in a table."""
        return "; ".join(
            f"{self[BY_TYPE[actor].name]} {self['on']} {self[BY_TYPE[resource].name]}"
            for actor, resource in table.kinds
        )

    def heading(self, column: Column) -> Heading:
        """Give what stands over a column."""
        if len(column.paths) == 1:
            *group, name = self._names(column.paths[0])
            return Heading(" › ".join(group), name, column.paths)
        first, second = (" › ".join(self._names(path)) for path in column.paths)
        return Heading(self["two"], f"{_FIRST} {first}, {_SECOND} {second}", column.paths)

    def _names(self, path: str) -> list[str]:
        """Give a fact's name in parts: in Portuguese two of them suffice, in English all."""
        names = path.split(".")
        if self.language == "en":
            return [name.replace("_", " ") for name in names]
        steps = list(steps_to(path))
        known = [portuguese.FACTS[entity][name].name for entity, name in steps]
        return [portuguese.ROOTS[names[0]], *known, *names[len(known) + 1 :]][-2:]

    def cell(self, row: Row, column: Column) -> str:
        """Give what a row wants of a column."""
        wanted = [self._wanted(one) for one in row.conditions if column_of(one.probe) == column]
        return f" {self['and']} ".join(wanted) or NOT_ASKED

    def _wanted(self, condition: Condition) -> str:
        probe = condition.probe
        said = [self._said(probe, one) for one in sorted(condition.outcomes, key=_in_order)]
        return f" {self['or']} ".join(dict.fromkeys(said))

    def _said(self, probe: Probe, outcome: Outcome) -> str:
        if isinstance(probe, Compares):
            return self._compared(probe, outcome)
        if isinstance(probe, IsNil):
            return self["nil" if outcome else "there"]
        if isinstance(outcome, bool):
            return self["true" if outcome else "false"]
        if isinstance(probe, Read):
            return self._word(probe.path, outcome)
        return self[{NIL: "unasserted", OPAQUE: "opaque"}[outcome]]

    def _word(self, path: str, word: str) -> str:
        if self.language == "en":
            return word
        [*_above, (entity, name)] = steps_to(path)
        return portuguese.FACTS[entity][name].words[word]

    def _compared(self, probe: Compares, outcome: Outcome) -> str:
        left, op, right = probe.left, probe.op, probe.right
        if isinstance(left, Constant):
            left, op, right = right, _TURNED[op], left
        other = self._constant(right, left) if isinstance(right, Constant) else _SECOND
        if isinstance(outcome, str):
            said = f"{self['incomparable']} {other}"
        else:
            said = f"{_SIGNS[op if outcome else _OPPOSITE[op]]} {other}"
        return said if isinstance(right, Constant) else f"{_FIRST} {said}"

    def _constant(self, constant: Constant, path: str | Constant) -> str:
        """Give a fixed value, but for one that names a person."""
        fact = _fact_at(path) if isinstance(path, str) else None
        if isinstance(fact, Opaque) and fact.personal:
            return f"[{str(path).rpartition('.')[2]}]"
        if isinstance(constant.value, bool):
            return self["true" if constant.value else "false"]
        if constant.value is None:
            return "nil"
        if isinstance(constant.value, str):
            return f"“{without_cpf(constant.value)}”"
        return without_cpf(str(constant.value))

    def answer(self, row: Row) -> str:
        """Give what a row answers."""
        return self[row.answer.name.lower()]

    def reasons(self, table: DecisionTable, row: Row) -> list[tuple[str, str]]:
        """Give the reasons of a row with their texts, or what is wrong with its rule."""
        if row.answer is Answer.ERROR:
            return [(POLICY_ERROR, "; ".join(row.errors))]
        return [(code, self._reason(table, code, _NATIONAL)) for code in row.reasons]

    def otherwise(self, table: DecisionTable) -> tuple[str, str]:
        """Give the reason, with its text, of what no row of a table is about."""
        actors = {actor for actor, _resource in table.kinds}
        # A login acts for foreign companies alone, so it is told what is true of those.
        particulars = _FOREIGN if actors == {LoginFacts} else _NATIONAL
        return NO_PERMIT, self._reason(table, NO_PERMIT, particulars)

    def _reason(self, table: DecisionTable, code: str, particulars: Mapping[str, str]) -> str:
        """Give the text of a reason, or none if it has several for what a table is about."""
        found = {
            self._policy.text(code, action, {} if resource is ResourceFacts else particulars)
            for action in table.actions
            for _actor, resource in table.kinds
        }
        said = {text.pt if self.language == "pt" else text.en for text in found}
        return said.pop() if len(said) == 1 else ""

    def facts(self, tables: Iterable[DecisionTable]) -> list[Explained]:
        """Explain every fact that some tables ask for; one that has two paths, once."""
        asked = columns(row for table in tables for row in table.rows)
        paths = dict.fromkeys(path for column in asked for path in column.paths)
        found: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[str]] = {}
        for path in paths:
            found.setdefault(self._explained(path), []).append(path)
        return [Explained(*explained, tuple(several)) for explained, several in found.items()]

    def _explained(self, path: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        fact = _fact_at(path)
        words = sorted(fact.words) if isinstance(fact, Choice) and self.language == "pt" else []
        # What leads to a fact says whose it is.
        meaning = " ".join(self._meaning(*step) for step in list(steps_to(path))[-2:])
        called = tuple((self._word(path, word), str(word)) for word in words)
        return " › ".join(self._names(path)), meaning, called

    def _meaning(self, entity: str, name: str) -> str:
        if self.language == "pt":
            return portuguese.FACTS[entity][name].meaning
        return VOCABULARY[entity].facts[name].meaning


def _fact_at(path: str) -> Fact | None:
    """Give the fact that a path leads to, of a bag's member the bag; None of an actor itself."""
    steps = list(steps_to(path))
    return VOCABULARY[steps[-1][0]].facts[steps[-1][1]] if steps else None


def _in_order(outcome: Outcome) -> tuple[bool, bool, str]:
    return isinstance(outcome, str), outcome is False, str(outcome)
