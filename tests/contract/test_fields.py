"""Fields and their shapes: what a shape refuses is refused, and what it takes is read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from authz_service.web import fields

MADE: dict[str, fields.Parsed[Any]] = {
    "cpf": fields.cpf(),
    "cnpj": fields.cnpj(),
    "company": fields.company(),
    "login": fields.login(),
    "version": fields.version(),
    "handle": fields.handle(),
    "flag": fields.flag(),
    "day": fields.day(),
    "instant": fields.instant(),
    "whole": fields.whole(1, 200),
}
NAMES = list(MADE)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=200),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def shape_of(name: str) -> dict[str, Any]:
    """Give the JSON Schema of a field, null included where it may be null."""
    field = MADE[name]
    assert field.shape is not None
    shape = dict(field.shape)
    if field.allow_none:
        kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
        shape["type"] = [*kinds, "null"]
    return shape


def matches(shape: dict[str, Any], value: object) -> bool:
    """Tell whether a value keeps a shape; patterns are ECMA's, where `$` is the very end."""
    pattern = str(shape.get("pattern", "")).replace("$", r"\Z")
    exact = {**shape, "pattern": pattern} if pattern else shape
    return Draft202012Validator(exact).is_valid(value)


def read(name: str, value: object) -> bool:
    """Tell whether a field reads a value."""
    try:
        MADE[name].deserialize(value)
    except ValidationError:
        return False
    return True


def near(name: str) -> st.SearchStrategy[object]:
    """Give texts that are nearly what the field wants: of its alphabet, and altered examples."""
    examples = [one for one in shape_of(name).get("examples", []) if isinstance(one, str)]
    alphabet = sorted({*"".join(examples), *" \t\n\r\x0b\x1c\u00a0.-/:+TZtzvVeExX019٣a\x00"})
    text = st.text(st.sampled_from(alphabet), max_size=30)
    if not examples:
        return text

    @st.composite
    def altered(draw: st.DrawFn) -> str:
        example = draw(st.sampled_from(examples))
        at = draw(st.integers(0, len(example)))
        gone = draw(st.integers(0, 2))
        return example[:at] + draw(text.map(lambda one: one[:2])) + example[at + gone :]

    return st.one_of(text, altered())


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_what_a_shape_refuses_is_refused(name: str, data: st.DataObject) -> None:
    """A member that breaks the published schema is never read."""
    value = data.draw(st.one_of(ANYTHING, near(name)))
    if not matches(shape_of(name), value):
        assert not read(name, value)


@pytest.mark.parametrize("name", ["version", "handle", "flag", "whole"])
@given(data=st.data())
def test_what_a_shape_without_a_format_takes_is_read(name: str, data: st.DataObject) -> None:
    """A member that keeps the published schema is read; 3.0 for 3 is the one exception."""
    value = data.draw(st.one_of(ANYTHING, near(name)))
    if matches(shape_of(name), value) and not isinstance(value, float):
        assert read(name, value)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_read(name: str) -> None:
    """What a schema shows as an example is one."""
    for example in shape_of(name).get("examples", []):
        assert read(name, example)


@given(st.dates(), st.datetimes(timezones=st.timezones()))
def test_every_day_and_instant_can_be_said(day: date, moment: datetime) -> None:
    """Whatever ISO 8601 writes with a whole number of minutes to UTC keeps the schemas."""
    assert matches(shape_of("day"), day.isoformat())
    assert read("day", day.isoformat())
    text = moment.isoformat()
    if matches(shape_of("instant"), text) and 1 < moment.year < 9999:
        assert read("instant", text)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cpf", "18762794604"),
        ("cnpj", "52420282000180"),
        ("company", "EX00001230"),
        ("version", 3),
        ("instant", "2027-01-01T02:59:59Z"),
    ],
)
def test_answers_are_narrower_than_requests(name: str, shown: object) -> None:
    """What this service writes has one form, which a request may have as well."""
    field = MADE[name]
    assert matches(dict(field.shown), shown)
    assert matches(shape_of(name), shown)
    loose = [one for one in shape_of(name)["examples"] if one != shown]
    assert not all(matches(dict(field.shown), one) for one in loose)
