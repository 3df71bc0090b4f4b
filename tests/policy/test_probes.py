"""What a rule looks at has one name, however it is written, and one outcome wherever it is seen."""

from __future__ import annotations

import pytest

from authz_service.domain.facts import CompanyFacts, ProcessFacts
from authz_service.policy.border.probes import (
    OPAQUE,
    Asks,
    Compares,
    Constant,
    IsNil,
    Probe,
    Read,
    comparison,
    constant,
    fact_at,
    look,
    outcome,
    paths_of,
    value_at,
)
from authz_service.policy.kinds import Link
from tests.policy.facts import asserting, facts

NIL = constant(None)
RECIPIENT = "process.question.recipient"
KIND = "process.question.context.kind"
STATE = "process.state"
OPEN_STATE = constant("open")
BETWEEN_ENTITIES = "an entity is compared with nil only; compare what names it"
BETWEEN_LISTS = "a list or object of the caller cannot be compared"
KNOWN_BY_ONE_NAME: dict[str, tuple[str, str | Constant, str | Constant, tuple[Probe, bool]]] = {
    "nil behind": ("Eq", RECIPIENT, NIL, (IsNil(RECIPIENT), False)),
    "nil before": ("Eq", NIL, RECIPIENT, (IsNil(RECIPIENT), False)),
    "anything but nil": ("Neq", RECIPIENT, NIL, (IsNil(RECIPIENT), True)),
    "an entity": ("Neq", "process", NIL, (IsNil("process"), True)),
    "a list may be asserted": ("Eq", NIL, KIND, (Compares("Eq", KIND, NIL), False)),
    "two constants": ("Eq", NIL, NIL, (Compares("Eq", NIL, NIL), False)),
    "a constant before": ("Eq", OPEN_STATE, STATE, (Compares("Eq", STATE, OPEN_STATE), False)),
    "an order has sides": ("Lt", OPEN_STATE, STATE, (Compares("Lt", OPEN_STATE, STATE), False)),
}


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"), KNOWN_BY_ONE_NAME.values(), ids=KNOWN_BY_ONE_NAME
)
def test_a_comparison_has_one_name(
    op: str, left: str | Constant, right: str | Constant, expected: tuple[Probe, bool]
) -> None:
    """Whether something is nil, and whether two values are equal, is one probe in either order."""
    assert expected == comparison(op, left, right)


@pytest.mark.parametrize(
    ("path", "entity"), [("process", ProcessFacts), ("process.company", CompanyFacts)]
)
def test_a_path_leads_to_a_fact(path: str, entity: type) -> None:
    """A path of one name leads to what a question is about."""
    fact, member = fact_at(path)

    assert isinstance(fact, Link)
    assert (entity, None) == (fact.entity, member)


SEEN: dict[str, tuple[Probe, object]] = {
    "a word": (Read(STATE), "open"),
    "a flag": (Read("person.confirmed"), True),
    "nil": (IsNil(RECIPIENT), True),
    "a list": (Asks(KIND), OPAQUE),
    "two words": (Compares("Lt", STATE, "process.code"), False),
    "a word and a constant": (Compares("Geq", STATE, OPEN_STATE), True),
    "two flags": (Compares("Lt", "person.confirmed", "person.registered"), False),
    "a number and a flag": (Compares("Eq", "process.version", "person.registered"), False),
    "two numbers": (Compares("Leq", "process.version", constant(3)), True),
    "two entities": (Compares("Eq", "process", "process"), BETWEEN_ENTITIES),
    "two lists": (Compares("Eq", KIND, KIND), BETWEEN_LISTS),
    "twice nil": (Compares("Lt", RECIPIENT, NIL), "nil has no order"),
}


@pytest.mark.parametrize(("probe", "expected"), SEEN.values(), ids=SEEN)
def test_a_probe_has_one_outcome(probe: Probe, expected: object) -> None:
    """Whether facts are looked at or the values in them, and whatever is faster."""
    about = facts(asserting({"kind": ["a"]}))
    values = [value_at(path)(about) for path in paths_of(probe)]

    assert (expected, expected) == (look(probe)(about), outcome(probe, values))
