"""The search finds values that go together wherever there are some, and never others."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise, product
from random import Random

import pytest

from authz_service.policy.diagrams.searching import Bond, Search


def equal(one: str, other: str) -> Bond:
    """Bind two variables to one value."""
    return Bond((one, other), lambda left, right: left == right)


def wish(name: str, value: object) -> tuple[object, Bond]:
    """Wish for a value."""
    return (name, value), Bond((name,), lambda found: found == value)


def test_without_wishes_everything_is_plain() -> None:
    """The first values stand, as far as they go together."""
    search = Search({"a": [1, 2], "b": [2, 1], "c": [5]}, [equal("a", "b")])

    found = search.find([])

    assert found is not None
    assert found["a"] == found["b"]
    assert 5 == found["c"]


def test_what_is_bound_to_a_wish_changes_with_it() -> None:
    """Along a chain of bonds, however far."""
    names = [f"v{number}" for number in range(12)]
    bonds = [equal(one, other) for one, other in pairwise(names)]
    search = Search({name: [1, 2, 3] for name in names}, bonds)

    assert dict.fromkeys(names, 3) == search.find([wish("v11", 3)])


def test_wishes_that_cannot_be_together_find_nothing() -> None:
    """Neither at once nor over a chain."""
    search = Search({name: [1, 2] for name in "abc"}, [equal("a", "b"), equal("b", "c")])

    assert search.find([wish("a", 1), wish("c", 2)]) is None
    assert search.find([wish("a", 3)]) is None
    assert {"a": 2, "b": 2, "c": 2} == search.find([wish("a", 2), wish("c", 2)])


def test_a_wish_can_bind_what_nothing_bound_before() -> None:
    """Two variables that a wish compares are looked for together."""
    search = Search({"a": [1, 2], "b": [3, 2]}, [])

    found = search.find([("same", equal("a", "b"))])

    assert {"a": 2, "b": 2} == found


def test_a_variable_can_come_later() -> None:
    """Its first value is plain, and it can be wished for."""
    search = Search({"a": [1]}, [])
    search.add("b", [None, 7])

    assert {"a": 1, "b": None} == search.find([])
    assert {"a": 1, "b": 7} == search.find([wish("b", 7)])


def test_values_that_never_go_together_are_an_error() -> None:
    """There is no situation at all then, and nothing to search."""
    with pytest.raises(ValueError, match="no values go together"):
        Search({"a": [1], "b": [2]}, [equal("a", "b")])


def fits(bonds: list[Bond], values: Mapping[str, object]) -> bool:
    """Tell whether values go together by every bond."""
    return all(bond.fits(values) for bond in bonds)


@pytest.mark.parametrize("seed", range(40))
def test_it_finds_what_trying_everything_finds(seed: int) -> None:
    """For random bonds and wishes there are values exactly if one of all combinations fits."""
    random = Random(seed)  # noqa: S311 - it makes examples
    names = [f"v{number}" for number in range(6)]
    domains: dict[str, list[object]] = {name: [*range(random.randint(2, 3))] for name in names}
    every = [dict(zip(names, values, strict=True)) for values in product(*domains.values())]
    truth = random.choice(every)
    bonds = []
    for _ in range(6):
        bound = tuple(random.sample(names, random.randint(1, 3)))
        allowed = {tuple(one[name] for name in bound) for one in random.sample(every, 12)}
        allowed.add(tuple(truth[name] for name in bound))
        bonds.append(Bond(bound, lambda *values, allowed=allowed: values in allowed))
    search = Search(domains, bonds)

    for _ in range(30):
        wishes = [
            wish(name, random.choice(domains[name]))
            for name in random.sample(names, random.randint(0, 4))
        ]
        wanted = [bond for _name, bond in wishes]

        found = search.find(wishes)

        assert any(fits([*bonds, *wanted], one) for one in every) is (found is not None)
        assert found is None or fits([*bonds, *wanted], found)
