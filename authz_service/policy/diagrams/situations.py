"""
Finds situations: facts that are possible in life, and under which probes come out as wanted.

Every fact is a variable with a few values: a closed fact has its words; of an opaque one only
those values count that the rules' own constants tell apart. ``possible`` says which values can
stand together. What is wanted of some of them is then a small search (``searching``).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any, cast

from authz_service.domain.facts import Facts
from authz_service.policy.border.probes import (
    Compares,
    Outcome,
    Probe,
    fact_at,
    outcome,
    paths_of,
)
from authz_service.policy.diagrams.possible import ABSENT, CONSTRAINTS
from authz_service.policy.diagrams.searching import Bond, Search, Values
from authz_service.policy.kinds import Asserted, Choice, Fact, Flag, Link, Members, Opaque
from authz_service.policy.reading.constants import Constants
from authz_service.policy.vocabulary import BY_TYPE, VOCABULARY

THERE = Asserted({})
"""The value of a link that is not nil: like any entity, it is compared with nil alone."""
# The question of a process and that of its company are one.
_TWICE, _ONCE = "process.company.question", "process.question"
_CHAIN = 8
"""How many numbers about one question can stand one above the other: days, minutes, versions."""
_ORDER = ("Lt", "Leq", "Gt", "Geq")

# What one fact can be, another may have to be as well: a company is named by its CNPJ.
_EXAMPLES = tuple(
    sorted(
        {
            cast("str", json.loads(fact.example))
            for entity in VOCABULARY.values()
            for fact in entity.facts.values()
            if isinstance(fact, Opaque) and fact.form is not None
        }
    )
)

Wish = tuple[Probe, Outcome]
"""What is to come out of a probe."""


def once(path: str) -> str:
    """Give the one path of what two paths lead to."""
    return path.replace(_TWICE, _ONCE, 1) if path.startswith(_TWICE) else path


class Situations:
    """
    All possible facts of one kind of question, as far as rules can tell them apart.

    Args:
        actor: the class of the actor's facts.
        resource: the class of the resource's facts.
        constants: what stands in the rules.
    """

    def __init__(self, actor: type, resource: type, constants: Constants) -> None:
        self._texts = sorted(constants.texts)
        # Above the highest number a fact can stand, above that another one, and so on.
        self._numbers = _around(constants.numbers, _CHAIN if constants.between else 1)
        self._roots = {BY_TYPE[one].name.lower(): one for one in (actor, resource)}
        domains = dict(self._declared())
        nilable = [path for path, values in domains.items() if values == [None, THERE]]
        bonds = self._bonds((actor, resource), frozenset(domains), nilable)
        self._search = Search(domains, list(bonds))
        self._outcomes: dict[Probe, tuple[Outcome, ...]] = {}

    def outcomes(self, probe: Probe) -> tuple[Outcome, ...]:
        """Give whatever can come out of a probe by itself, and what may if a value is missing."""
        known = self._outcomes.get(probe)
        if known is None:
            several = product(*(self._domain(once(path)) for path in paths_of(probe)))
            found = dict.fromkeys(cast("Outcome", outcome(probe, values)) for values in several)
            if not self.exact(probe):
                found |= {True: None, False: None}
            known = self._outcomes[probe] = tuple(found)
        return known

    def exact(self, probe: Probe) -> bool:
        """Tell whether no value is missing that could make a difference to a probe."""
        if not isinstance(probe, Compares) or probe.op not in _ORDER:
            return True
        # Between two texts there is always another, and not every one has the form of the fact.
        facts = [fact_at(path)[0] for path in paths_of(probe)]
        return all(isinstance(fact, Opaque) and fact.form is None for fact in facts)

    @property
    def plain(self) -> Values:
        """The values that stand wherever nothing is wished."""
        return self._search.plain

    def find(self, wishes: Iterable[Wish]) -> Values | None:
        """Give values under which every wish comes true, or None if they cannot be together."""
        return self._search.find([(wish, self._wished(*wish)) for wish in wishes])

    def _wished(self, probe: Probe, wanted: Outcome) -> Bond:
        paths = [once(path) for path in paths_of(probe)]
        for path in paths:
            self._domain(path)
        if len(set(paths)) < len(paths):  # mutant: only faster
            return Bond((paths[0],), lambda value: _same(outcome(probe, (value, value)), wanted))
        return Bond(tuple(paths), lambda *values: _same(outcome(probe, values), wanted))

    def facts(self, values: Values) -> Facts:
        """Make the facts that have *values*."""
        actor, resource = (self._made(root, kind, values) for root, kind in self._roots.items())
        return Facts(actor, resource)

    def _made(self, path: str, kind: type, values: Values) -> Any:
        made: dict[str, Any] = {}
        for name, fact in BY_TYPE[kind].facts.items():
            below = f"{path}.{name}"
            if isinstance(fact, Members):
                prefix = f"{once(below)}."
                made[name] = {
                    path.removeprefix(prefix): value
                    for path, value in values.items()
                    if path.startswith(prefix) and value is not None
                }
            elif not isinstance(fact, Link):
                made[name] = values[once(below)]
            elif fact.may_be_nil and values[once(below)] is None:
                made[name] = None
            else:
                made[name] = self._made(below, fact.entity, values)
        return kind(**made)

    def _declared(self) -> Iterator[tuple[str, list[object]]]:
        for root, kind in self._roots.items():
            yield from self._below(root, kind)

    def _below(self, path: str, kind: type) -> Iterator[tuple[str, list[object]]]:
        for name, fact in BY_TYPE[kind].facts.items():
            below = f"{path}.{name}"
            if isinstance(fact, Link):
                if fact.may_be_nil and once(below) == below:  # mutant: none is at two paths
                    yield below, [None, THERE]
                if once(below) == below:
                    yield from self._below(below, fact.entity)
            elif not isinstance(fact, Members):
                yield below, self._values(fact)

    def _domain(self, path: str) -> list[object]:
        """Give the values at a path; members of a bag are found as rules ask for them."""
        if path not in self._search.domains:
            fact, member = fact_at(path)
            asserted: list[object] = [
                None,
                True,
                False,
                *self._numbers,
                "another text",
                *self._texts,
                [],
            ]
            self._search.add(path, self._values(fact) if member is None else asserted)
        return self._search.domains[path]

    def _values(self, fact: Fact) -> list[object]:
        if isinstance(fact, Flag):
            return [False, True]
        if isinstance(fact, Choice):
            # What is plainest first: it is what a situation shows where it does not matter.
            words = [str(word) for word in fact.words]
            return sorted(words, key=lambda word: (word != "none", word == "unknown", word))
        if isinstance(fact, Opaque) and fact.form is None:
            return [*self._numbers, None]
        if isinstance(fact, Link | Members):
            return [THERE]
        example = cast("str", json.loads(fact.example))
        form = re.compile(fact.form or "")
        texts = [text for text in (*_EXAMPLES, *self._texts) if form.fullmatch(text)]
        return [*dict.fromkeys((example, _beside(example), *texts)), None]

    def _bonds(
        self, kinds: tuple[type, type], known: frozenset[str], nilable: Sequence[str]
    ) -> Iterator[Bond]:
        """Turn what can be together into bonds, wherever facts of its class stand."""
        places = [(root, kind) for root, kind in self._roots.items()]
        found: list[tuple[str, type]] = [("", Facts)]
        while places:
            path, kind = places.pop()
            found.append((path, kind))
            for name, fact in BY_TYPE[kind].facts.items():
                below = f"{path}.{name}"
                if isinstance(fact, Link) and once(below) == below:
                    places.append((below, fact.entity))
        for one in CONSTRAINTS:
            if one.concerns(*kinds):
                for path, kind in found:
                    reads = tuple(self._absolute(path, read) for read in one.reads)
                    # The question of a process is that of its company already.
                    if kind is one.at and len(set(reads)) == len(reads):  # mutant: only faster
                        yield _bond(path, reads, one.holds, known, nilable)

    def _absolute(self, path: str, read: str) -> str:
        if path:
            return once(f"{path}.{read}")
        first, _, rest = read.partition(".")
        actor, resource = self._roots
        return once(f"{actor if first == 'actor' else resource}.{rest}")


def _bond(
    at: str,
    reads: tuple[str, ...],
    holds: Callable[..., bool],
    known: frozenset[str],
    nilable: Sequence[str],
) -> Bond:
    """Make a bond of what stands at *reads*; where nothing is at *at*, it binds nothing."""
    over = [link for link in nilable if any(read.startswith(f"{link}.") for read in reads)]
    if not over and known.issuperset(reads):  # mutant: only faster
        return Bond(reads, holds)
    names = tuple(dict.fromkeys((*(read for read in reads if read in known), *over)))
    above = [link for link in over if f"{at}.".startswith(f"{link}.")]

    def hold(*values: object) -> bool:
        given = dict(zip(names, values, strict=True))
        if any(given[link] is None for link in above):
            return True
        gone = tuple(f"{link}." for link in over if given[link] is None)
        return holds(
            *(ABSENT if read.startswith(gone) else given.get(read, THERE) for read in reads)
        )

    return Bond(names, hold)


def _same(found: object, wanted: Outcome) -> bool:
    # By type as well: 1 is equal to True.
    return type(found) is type(wanted) and found == wanted


def _around(numbers: Iterable[float], far: int) -> list[int]:
    """Give the whole numbers from 0 on that *numbers* tell apart: at each, and *far* around it."""
    found = set(range(far + 2))
    for number in numbers:
        found |= set(range(math.floor(number) - far, math.ceil(number) + far + 1))
    return sorted(number for number in found if number >= 0)


def _beside(text: str) -> str:
    """Give another text of the same form."""
    last = text[-1]
    return text[:-1] + ({"9": "8", "z": "y", "Z": "Y"}.get(last) or chr(ord(last) + 1))
