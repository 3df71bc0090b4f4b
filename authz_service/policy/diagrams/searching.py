"""
Finds values that go together: a small search over variables with few values each.

It knows nothing of policies. Wherever nothing is wanted, a plain value stands; only what gets in
the way of a wish is looked for, and what was found for wishes that hang together is kept, since
the same come again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Values = Mapping[str, object]
"""A value for each variable."""


@dataclass(frozen=True, slots=True, eq=False)
class Bond:
    """
    Variables whose values have to go together.

    Attributes:
        names: which.
        holds: tells whether their values do, given in this order.
    """

    names: tuple[str, ...]
    holds: Callable[..., bool]

    def fits(self, values: Values) -> bool:
        """Tell whether *values* go together."""
        return self.holds(*[values[name] for name in self.names])


class Search:
    """
    Variables, with what binds them to each other.

    Args:
        domains: the possible values of each variable, the plainest first.
        bonds: what binds them; some values go together.

    Attributes:
        domains: as given, with what was added.
        plain: values that go together, plain ones as far as they do.
    """

    def __init__(self, domains: Mapping[str, list[object]], bonds: Sequence[Bond]) -> None:
        self.domains = dict(domains)
        self._bound: dict[str, list[Bond]] = {}
        self._islands = {name: name for name in domains}
        self._known: dict[frozenset[object], Values | None] = {}
        for bond in bonds:
            for name in bond.names:
                self._bound.setdefault(name, []).append(bond)
                self._islands[_root(self._islands, name)] = _root(self._islands, bond.names[0])
        self.plain: dict[str, object] = {name: values[0] for name, values in domains.items()}
        while broken := [bond for bond in bonds if not bond.fits(self.plain)]:
            found = self._found({name: self.domains[name] for name in broken[0].names})
            if found is None:
                raise ValueError("no values go together")
            self.plain.update(found)

    def add(self, name: str, values: list[object]) -> None:
        """Add a variable that nothing binds."""
        self.domains[name] = values
        self._islands[name] = name
        self.plain[name] = values[0]

    def find(self, wishes: Iterable[tuple[object, Bond]]) -> Values | None:
        """
        Give values that go together and fit every wish, or None if there are none.

        Args:
            wishes: each with what it is known by.
        """
        values = dict(self.plain)
        for group in self._groups(list(wishes)):
            key = frozenset(name for name, _bond in group)
            if key not in self._known:
                self._known[key] = self._granted([bond for _name, bond in group])
            found = self._known[key]
            if found is None:
                return None
            values.update(found)
        return values

    def _groups(self, wishes: Sequence[tuple[object, Bond]]) -> Iterable[list[tuple[object, Bond]]]:
        """Put together the wishes that can get in each other's way."""
        islands: dict[str, str] = {}
        for _name, bond in wishes:
            own = [_root(self._islands, name) for name in bond.names]
            for name in own:
                islands.setdefault(name, name)
                islands[_root(islands, name)] = _root(islands, own[0])
        groups: dict[str, list[tuple[object, Bond]]] = {}
        for wish in wishes:
            island = _root(islands, _root(self._islands, wish[1].names[0]))
            groups.setdefault(island, []).append(wish)
        return groups.values()

    def _granted(self, wishes: Sequence[Bond]) -> Values | None:
        domains: dict[str, list[object]] = {}
        between: dict[str, list[Bond]] = {}
        for wish in wishes:
            for name in wish.names:
                domains.setdefault(name, self.domains[name])
                between.setdefault(name, []).append(wish)
        for wish in wishes:
            if len(wish.names) == 1:
                [name] = wish.names
                domains[name] = [value for value in domains[name] if wish.holds(value)]
        return self._found(domains, between)

    def _found(
        self, narrow: Mapping[str, list[object]], wished: Mapping[str, Sequence[Bond]] | None = None
    ) -> Values | None:
        """
        Give values for the variables of *narrow* that go with the plain ones elsewhere.

        Variables whose plain value gets in the way join the search, a bond at a time: the fewer
        take part, the shorter it is.
        """
        domains = dict(narrow)
        while True:
            found = self._first(domains, wished or {})
            if found is None:
                return None
            values = {**self.plain, **found}
            bound = (bond for name in found for bond in self._bound.get(name, ()))
            broken = next((bond for bond in bound if not bond.fits(values)), None)
            if broken is None:
                return found
            for name in broken.names:
                domains.setdefault(name, self.domains[name])

    def _first(
        self, domains: Mapping[str, list[object]], wished: Mapping[str, Sequence[Bond]]
    ) -> dict[str, object] | None:
        """Give the first values out of *domains* that go together, looking at no others."""
        order = sorted(domains, key=lambda name: len(domains[name]) > 1)
        place = {name: number for number, name in enumerate(order)}
        due: list[dict[Bond, None]] = [{} for _ in order]
        for name in order:
            for bond in (*self._bound.get(name, ()), *wished.get(name, ())):
                if all(one in place for one in bond.names):
                    due[max(place[one] for one in bond.names)][bond] = None
        values: dict[str, object] = {}
        choices = [iter(domains[order[0]])]
        while choices:
            number = len(choices) - 1
            for value in choices[-1]:
                values[order[number]] = value
                if all(bond.fits(values) for bond in due[number]):
                    break
            else:
                choices.pop()
                continue
            if len(choices) == len(order):
                return values
            choices.append(iter(domains[order[number + 1]]))
        return None


def _root(islands: Mapping[str, str], name: str) -> str:
    while islands[name] != name:
        name = islands[name]
    return name
