"""
All that the rules of one head look at, taken in at one glance.

What a rule answers depends on what comes out of its probes and on nothing else. So decisions can
be kept by the outcomes of all probes of all rules that a question concerns: each fact is read
once, however many rules ask for it, and a thousand rules about a process each are one look into
a table. That is straight-line Python, written here once for each head.

In what is written stand names of the vocabulary and of this module alone. What an administrator
has written, constants and names of members, comes in as values; what a caller sends is never
looked at when it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from types import CodeType
from typing import Final, cast

from authz_service.domain.facts import Facts
from authz_service.policy.border.probes import (
    Compares,
    Constant,
    IsNil,
    Outcome,
    Probe,
    Read,
    compared,
    fact_at,
    look,
    paths_of,
)
from authz_service.policy.kinds import Choice, Fact, Flag, Link, Opaque
from authz_service.policy.vocabulary import ACTORS

ABSENT: Final = ()
"""What is seen of a fact below something that is nil; no probe has such an outcome."""

Glance = Callable[[Facts], Hashable | None]
"""
Gives all that counts about facts; the same is the same to every rule. None of facts that are not
what the vocabulary says of them.
"""

NO_ORDER: Final = compared("Lt", None, 0)
"""What comes out where a number or a text is asked whether it is above or below nil."""

_EQUAL = {"Eq": True, "Neq": False}
_SIGNS = {"Eq": "==", "Neq": "!=", "Lt": "<", "Leq": "<=", "Gt": ">", "Geq": ">="}
_USUAL = frozenset((str, int, type(None)))
_ACTORS = frozenset(name.lower() for name in ACTORS)


def nothing(_facts: Facts) -> None:
    """See nothing, as long as it is not known what there is to look at."""


def glance(mark: Hashable, probes: Iterable[Probe]) -> Glance:
    """
    Give what sees what comes out of *probes*.

    Args:
        mark: the first that is seen, whatever the facts are; it keeps two heads apart.
        probes: what the rules of one head look at.
    """
    writer = _Writer(mark)
    for probe in dict.fromkeys(probes):
        writer.look(probe)
    return writer.written()


class _Writer:
    """
    Writes one glance.

    Every path has a variable. One below a link that may be nil is ``ABSENT`` where it is.
    """

    def __init__(self, mark: Hashable) -> None:
        self._values: dict[str, object] = {
            "ABSENT": ABSENT,
            "NO_ORDER": NO_ORDER,
            "other": _other,
            "mark": mark,
        }
        self._reads: list[str] = []
        self._checks: dict[str, list[str]] = {"bool": [], "str": []}
        self._tests: list[str] = []
        self._seen: list[str] = []
        self._variables: dict[str, str] = {}
        self._tables: dict[str, dict[object, object]] = {}

    def look(self, probe: Probe) -> None:
        """Have the outcome of one more probe seen."""
        if isinstance(probe, Read):
            self._closed(probe.path)
        elif isinstance(probe, IsNil) and _plain(probe.path):
            variable = self._variable(probe.path)
            self._see(f"{variable} is None", [variable] if _below_nil(probe.path) else [])
        elif isinstance(probe, Compares) and self._compares(probe):
            pass
        else:
            self._asks(probe)

    def written(self) -> Glance:
        """Give the function."""
        tests = [
            f"if not ({' is '.join(f'type({one})' for one in names)} is {kind}): return None"
            for kind, names in self._checks.items()
            if names
        ]
        body = [*self._reads, *tests, *self._tests, f"return (mark, {''.join(self._seen)})"]
        lines = "".join(f"        {line}\n" for line in body)
        text = (
            f"def glance(facts):\n    try:\n{lines}"
            "    except AttributeError:\n        return None\n"
        )
        exec(_compiled(text), self._values)  # noqa: S102 - no word in it is anybody's but ours
        return cast("Glance", self._values["glance"])

    def _see(self, expression: str, unless_absent: Iterable[str] = ()) -> None:
        for variable in unless_absent:
            expression = f"ABSENT if {variable} is ABSENT else {expression}"
        self._seen.append(f"({expression}), ")

    def _variable(self, path: str) -> str:
        """Give the variable of what stands at a path, and have it read once."""
        known = self._variables.get(path)
        if known is not None:
            return known
        above, _, name = path.rpartition(".")
        if not above:
            return self._read(path, f"facts.{'actor' if name in _ACTORS else 'resource'}")
        link = self._variable(above)
        value = f"{link}.{name}"
        if _below_nil(path):
            value = f"ABSENT if {link} is None or {link} is ABSENT else {value}"
        return self._read(path, value)

    def _read(self, path: str, value: str) -> str:
        variable = self._variables[path] = f"v{len(self._variables)}"
        self._reads.append(f"{variable} = {value}")
        return variable

    def _closed(self, path: str) -> None:
        # By exact type: 1 is equal to True, and a member of an Enum to its word.
        variable = self._variable(path)
        kind = "bool" if isinstance(fact_at(path)[0], Flag) else "str"
        if _below_nil(path):
            wrong = f"{variable} is not ABSENT and type({variable}) is not {kind}"
            self._tests.append(f"if {wrong}: return None")
        else:
            self._checks[kind].append(variable)
        self._seen.append(f"{variable}, ")

    def _compares(self, probe: Compares) -> bool:
        """Write a comparison of what is declared, if that is what it is, and tell whether."""
        left, right, sign = probe.left, probe.right, _SIGNS[probe.op]
        kinds = {_kind(side) for side in (left, right)}
        if kinds not in ({"str"}, {"int"}):
            return False
        one_of = kinds == {"str"} and probe.op in _EQUAL
        if isinstance(left, str) and isinstance(right, Constant) and one_of:
            self._is_one_of(left, right)
            return True
        one, other = self._side(left), self._side(right)
        [kind] = kinds
        names = [name for name, side in ((one, left), (other, right)) if isinstance(side, str)]
        usual = " is ".join([*(f"type({name})" for name in names), kind])
        rest = f'other("{probe.op}", {one}, {other})'
        if len(names) == 1 and probe.op not in _EQUAL:
            rest = f"NO_ORDER if {names[0]} is None else {rest}"
        self._see(f"{one} {sign} {other} if {usual} else {rest}")
        return True

    def _is_one_of(self, path: str, text: Constant) -> None:
        """Have it seen which one of the texts that it is compared with a fact is, if any."""
        variable = self._variable(path)
        table = self._tables.get(variable)
        if table is None:
            table = self._tables[variable] = {ABSENT: ABSENT}
            name = self._value(table.get)
            wrong = f"type({variable}) is not str and {variable} is not None"
            if _below_nil(path):
                wrong += f" and {variable} is not ABSENT"
            self._tests.append(f"if {wrong}: return None")
            self._seen.append(f"{name}({variable}), ")
        table[text.value] = text.value

    def _asks(self, probe: Probe) -> None:
        """Have the probe asked itself, as of what a caller asserts."""
        absent = [self._variable(link) for path in paths_of(probe) for link in _nil_above(path)]
        self._see(f"{self._value(look(probe))}(facts)")
        for link in dict.fromkeys(absent):
            self._seen[-1] = f"(ABSENT if {link} is None else {self._seen[-1][:-2]}), "

    def _side(self, side: str | Constant) -> str:
        return self._variable(side) if isinstance(side, str) else self._value(side.value)

    def _value(self, value: object) -> str:
        name = f"k{len(self._values)}"
        self._values[name] = value
        return name


def _kind(side: str | Constant) -> str:
    """Give the name of the type that a side of a comparison usually has, if that is declared."""
    if isinstance(side, Constant):
        return side.kind
    fact, member = fact_at(side)
    if member is not None or not isinstance(fact, Opaque):
        return ""
    return "int" if fact.form is None else "str"


def _plain(path: str) -> bool:
    """Tell whether what stands at a path is handed over as it is, and is nobody's to assert."""
    return isinstance(fact_at(path)[0], Flag | Choice | Opaque | Link)


@lru_cache(maxsize=4_096)
def _nil_above(path: str) -> tuple[str, ...]:
    """Give the links on the way to a path that may be nil, the first one first."""
    names = path.split(".")
    links = (".".join(names[:length]) for length in range(1, len(names)))
    return tuple(link for link in links if _may_be_nil(fact_at(link)[0]))


def _may_be_nil(fact: Fact) -> bool:
    return isinstance(fact, Link) and fact.may_be_nil


def _below_nil(path: str) -> bool:
    return bool(_nil_above(path))


def _other(op: str, left: object, right: object) -> Outcome | tuple[()]:
    """Compare what has not the type that it usually has."""
    if left is ABSENT or right is ABSENT:
        return ABSENT
    missing = left is None or right is None
    if missing and op in _EQUAL and _USUAL.issuperset((type(left), type(right))):
        return (left is right) is _EQUAL[op]  # mutant: only faster
    return compared(op, left, right)


@lru_cache(maxsize=1_024)
def _compiled(text: str) -> CodeType:
    # Heads that differ in constants alone, or in no more than the action, have one text.
    return compile(text, "<glance>", "exec")
