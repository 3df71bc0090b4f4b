"""What counts as a record is what the published schema says, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest

from authz_service.domain.decision import Asked, Record
from authz_service.journal.entries import record_of
from authz_service.journal.lines import line
from authz_service.journal.links import ORIGIN, chained
from tests.journal.test_lines import ACT, DECISION, SCHEMA

VALID: dict[str, Record] = {
    "decision": DECISION,
    "about nobody": DECISION._replace(asked=Asked(action="open")),
    "about an entity": DECISION._replace(asked=Asked(action="open", entity=("badge", "B-7"))),
    "act": ACT,
}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
STRANGE: list[object] = [
    None,
    True,
    1,
    -1,
    2,
    0.5,
    "",
    "x",
    "a" * 32,
    "A" * 32,
    "f" * 64,
    "x" * 65,
    "x" * 129,
    "2026-11-20T15:00:00.000000Z",
    "2026-11-20T15:00:00Z",
    [],
    ["x"],
    [1],
    [[]],
    {},
    {"x": 1},
    {"type": "badge", "id": "B-7"},
    {"type": "badge", "id": 7},
    {"type": "badge"},
    {"test": "x", "outcome": 1},
    [{"test": "x", "outcome": None}],
    [{"test": "x", "outcome": 1}],
    [{"rule": "x", "cause": "y"}],
    [{"rule": "x"}],
]
"""Put in the place of every member, they fit some and not others."""


def is_record(value: object) -> bool:
    """Tell whether a line with this value is taken for a record."""
    return record_of(json.dumps(value).encode()) is not None


def read(name: str) -> dict[str, Any]:
    """Give a record of VALID as its reader gets it."""
    loaded: dict[str, Any] = json.loads(chained(ORIGIN, [line(VALID[name])[:-2]])[0])
    return loaded


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the place of every member, at whatever depth."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for step, one in inner:
        yield (*above, step)
        if isinstance(one, dict | list):
            yield from places(one, (*above, step))


def changed(record: dict[str, Any], place: tuple[Any, ...], change: Callable[..., None]) -> Any:
    """Give a copy with a change at one place."""
    made = copy.deepcopy(record)
    inner: Any = made
    for step in place[:-1]:
        inner = inner[step]
    change(inner, place[-1])
    return made


def published(value: object) -> bool:
    """Tell whether the schema takes it."""
    return bool(VALIDATOR.is_valid(value))


@pytest.mark.parametrize("name", VALID)
def test_what_is_written_is_a_record(name: str) -> None:
    """Whatever the log writes is read."""
    assert is_record(read(name))


@pytest.mark.parametrize("member", ["sign_in", "actor_type", "entity"])
def test_older_lines_are_records(member: str) -> None:
    """What was written before the member was there is read."""
    old = read("decision")
    del old["question"][member]
    assert (True, True) == (is_record(old), published(old))


@pytest.mark.parametrize(
    ("name", "member"), [("decision", "request_id"), ("decision", "hash"), ("act", "hash")]
)
def test_lines_of_before_chains_are_records(name: str, member: str) -> None:
    """So is what was written before lines had a hash, and decisions the id of their request."""
    old = read(name)
    del old[member]
    assert (True, True) == (is_record(old), published(old))


def test_a_line_feed_belongs_to_no_id() -> None:
    """Python's own reading of the published patterns would take one at the end."""
    assert not is_record({**read("act"), "id": "e" * 32 + "\n"})


@pytest.mark.parametrize("value", [None, True, 1, "x", [], {}, [{}], {"kind": "decision"}])
def test_other_json_is_no_record(value: object) -> None:
    """A line of JSON is not yet a record."""
    assert not is_record(value)


@pytest.mark.parametrize("name", VALID)
def test_it_agrees_with_the_published_schema_on_every_change(name: str) -> None:
    """One member absent, one too many, or one strange: both say the same."""
    record = read(name)
    unlike = []
    for place in places(record):

        def without(inner: Any, step: Any) -> None:
            del inner[step]

        def beside(inner: Any, step: Any) -> None:
            if isinstance(inner, dict):
                inner[f"{step}_"] = "x"

        cases = [changed(record, place, without), changed(record, place, beside)]
        for strange in STRANGE:

            def instead(inner: Any, step: Any, strange: object = strange) -> None:
                inner[step] = strange

            cases.append(changed(record, place, instead))
        unlike += [(place, one) for one in cases if is_record(one) is not published(one)]
    assert [] == unlike
