"""A rule that could keep the service busy is told of before anybody asks it."""

from __future__ import annotations

import pytest

from authz_service.policy.bundle import Source, examined
from tests.policy.compiled import reasons

TWO_WAYS = "(p.registered or p.confirmed)"
HELPERS = "two(p: Person) if p.registered;\ntwo(p: Person) if p.confirmed;\n"


def several(number: int, condition: str) -> str:
    """Give a condition several times over."""
    return " and ".join([condition] * number)


WORK = {
    "alternatives that multiply": (several(10, TWO_WAYS), True),
    "a few of them": (several(9, TWO_WAYS), False),
    "in a negation": (f"not ({several(10, TWO_WAYS)})", True),
    "negations, of which each holds in one way": (several(20, f"not {TWO_WAYS}"), False),
    "a word twice in a list": (several(10, 'r.state in ["open", "open"]'), True),
    "two words in a list": (several(20, 'r.state in ["open", "closed"]'), False),
    "a number twice in a list": (several(10, "r.version in [1, 1.0]"), True),
    "helpers with two rules": (several(10, "two(p)"), True),
    "conditions one after the other": (several(50, "p.registered"), False),
}


@pytest.mark.parametrize(("condition", "expected"), WORK.values(), ids=WORK)
def test_a_rule_with_too_many_steps_is_told(condition: str, expected: bool) -> None:
    """What counts is how often oso may ask a condition, and not how long the rule is."""
    rule = f'permit(p: Person, "open", r: Process, "first") if r.version = 1 and {condition};\n'
    found = examined([Source("a.polar", (rule + HELPERS).encode()), reasons()])

    told = [one for one in found.problems if "steps for one question" in one.message]
    assert [("a.polar", 1, "too-large")] * expected == [
        (one.file, one.line, one.check) for one in told
    ]
