"""The written table of comparisons says what stock oso says about plain values."""

from __future__ import annotations

import itertools

import pytest
from polar.exceptions import PolarRuntimeError, UnsupportedError
from polar.polar import Polar

from authz_service.policy.border.comparison import SIGNS, Incomparable, compare

VALUES = (None, True, False, 0, 1, 3, -1, 1.0, 2.5, -0.0, "", "1", "a", "b", "á", "aa")


class Plain:
    """A Python object as stock oso sees it, with two attributes."""

    def __init__(self, x: object, y: object) -> None:
        self.x = x
        self.y = y


@pytest.fixture(scope="module", name="stock")
def _stock() -> Polar:
    polar = Polar()
    polar.register_class(Plain)
    polar.load_str(
        "".join(f"ask_{name}(p) if p.x {sign} p.y;\n" for name, sign in SIGNS.items())
        + "allow(_a, _b, _c);"
    )
    return polar


def stock_says(stock: Polar, name: str, x: object, y: object) -> bool | str:
    """Give what stock oso makes of a comparison."""
    try:
        return bool(list(stock.query_rule(f"ask_{name}", Plain(x, y))))
    except (UnsupportedError, PolarRuntimeError):
        return "error"


def we_say(name: str, x: object, y: object) -> bool | str:
    """Give what the table makes of a comparison."""
    try:
        return compare(name, x, y, entities=frozenset({Plain}))
    except Incomparable:
        return "error"


@pytest.mark.parametrize("name", SIGNS)
def test_the_table_is_that_of_stock_oso(stock: Polar, name: str) -> None:
    """Every pair of plain values compares as in oso 0.27.3, errors included."""
    for x, y in itertools.product(VALUES, VALUES):
        assert stock_says(stock, name, x, y) == we_say(name, x, y), (name, x, y)


def test_entities_are_compared_with_nil_only(stock: Polar) -> None:
    """An entity is never nil, as in oso; beside anything else, itself included, it is an error."""
    one, other = Plain(1, 1), Plain(1, 1)

    for name in SIGNS:
        assert stock_says(stock, name, one, None) == we_say(name, one, None)
        assert stock_says(stock, name, None, one) == we_say(name, None, one)
        for value in (one, other, "a", 1, True):
            assert ("error", "error") == (we_say(name, one, value), we_say(name, value, one))


@pytest.mark.parametrize("value", [[1], {"a": 1}, (1,), object(), b"a", type("T", (str,), {})("a")])
def test_everything_else_is_incomparable(value: object) -> None:
    """What is neither plain nor an entity compares with nothing, not even with itself."""
    for name in SIGNS:
        for pair in ((value, value), (value, 1), (None, value)):
            assert "error" == we_say(name, *pair)
