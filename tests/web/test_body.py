"""Strict JSON: what two parsers could read differently is no request."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from werkzeug.exceptions import RequestEntityTooLarge

from authz_service.domain.errors import InvalidInput
from authz_service.web.body import parse_object, read_json


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"{}", {}),
        (b' \r\n\t{"a" : [1, -2.5e3, true, null]} ', {"a": [1, -2500.0, True, None]}),
        ('{"título":"Acreditação"}'.encode(), {"título": "Acreditação"}),
        (rb'{"a":"\u00e9\ud83d\ude00\"\\"}', {"a": 'é\U0001f600"\\'}),
        (b'{"a":9007199254740991}', {"a": 9007199254740991}),
        (b'{"a":-9007199254740991}', {"a": -9007199254740991}),
        (b'{"a":1.7976931348623157e308}', {"a": 1.7976931348623157e308}),
        (b'{"a":{"b":1},"c":{"b":1}}', {"a": {"b": 1}, "c": {"b": 1}}),
        (b'{"__proto__":{},"":1}', {"__proto__": {}, "": 1}),
        (b'{"a":"' + b"[{" * 100 + b'"}', {"a": "[{" * 100}),
        (rb'{"a":"\"' + b"[" * 100 + b'"}', {"a": '"' + "[" * 100}),
        (b'{"a":[' + b"[]," * 99 + b"[]]}", {"a": [[]] * 100}),
    ],
)
def test_an_object_in_strict_json_is_read(sent: bytes, read: dict[str, object]) -> None:
    """What RFC 7493 allows is taken, whatever its order, spacing and escapes."""
    assert read == parse_object(sent)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (b"", "body"),
        (b"  \n", "body"),
        (b'{"a":1', "body"),
        (b'{"a":1,}', "body"),
        (b'{"a":[1,]}', "body"),
        (b"{}{}", "body"),
        (b"{'a':1}", "body"),
        (b"{a:1}", "body"),
        (b'{"a":01}', "body"),
        (b'{"a":.5}', "body"),
        (b'{"a":"\t"}', "body"),
        (rb'{"a":"\x41"}', "body"),
        (b'{"a":"abc\\', "body"),
        (b"[]", "body"),
        (b'[{"a":1}]', "body"),
        (b"null", "body"),
        (b"true", "body"),
        (b"42", "body"),
        (b'"x"', "body"),
        (b"\xef\xbb\xbf{}", "body"),
        ('{"a":1}'.encode("utf-16"), "body"),
        ('{"a":1}'.encode("utf-16-le"), "body"),
        ('{"a":1}'.encode("utf-32"), "body"),
        (b'{"a":"\xff"}', "body"),
        (b'{"a":"\xc0\x80"}', "body"),
        (b'{"a":"\xed\xa0\x80"}', "body"),
        (rb'{"a":"\ud800"}', "a"),
        (rb'{"a":"\udc00\ud800"}', "a"),
        (rb'{"a":[0,{"b":"\ud800"}]}', "a.1.b"),
        (rb'{"\ud800":1}', "?"),
        (rb'{"a":"x\u0000"}', "a"),
        (rb'{"18762794604":"\u0000"}', "?"),
        (b'{"a":1,"a":1}', "a"),
        (rb'{"id":1,"\u0069d":1}', "id"),
        (b'{"a":{"b":1,"b":2}}', "b"),
        (b'{"18762794604":1,"18762794604":2}', "body"),
        (b'{"a":NaN}', "body"),
        (b'{"a":Infinity}', "body"),
        (b'{"a":-Infinity}', "body"),
        (b'{"a":1e400}', "body"),
        (b'{"a":-1e400}', "body"),
        (b'{"a":9007199254740992}', "body"),
        (b'{"a":-9007199254740992}', "body"),
        (b'{"a":' + b"1" * 5000 + b"}", "body"),
        (b'{"a":0.' + b"1" * 5000 + b"}", "body"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "body"),
    ],
)
def test_anything_else_is_refused(sent: bytes, field: str) -> None:
    """What is no I-JSON object is refused, and the member is named where that is safe."""
    with pytest.raises(InvalidInput) as refused:
        parse_object(sent)
    assert field == refused.value.field
    assert "187" not in str(refused.value)


def test_thirty_two_levels_are_the_limit() -> None:
    """The last level that is allowed is read."""
    sent = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"
    assert ["a"] == list(parse_object(sent))


@pytest.mark.parametrize(
    "sent",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"a":"' + rb"\"" * 500_000,
        b'{"a":[' + b"[]," * 40 + b'"' + rb"\"" * 200_000,
        b"[" * 33 + b'""' * 500_000,
        b'{"a":' + b"9" * 1_000_000 + b"}",
        b'{"a":1e' + b"9" * 1_000_000 + b"}",
        b'{"a":0.' + b"9" * 1_000_000 + b"}",
    ],
)
def test_a_hostile_megabyte_costs_no_time(sent: bytes) -> None:
    """Nesting, unfinished strings and endless numbers are refused in linear time."""
    started = time.perf_counter()
    with pytest.raises(InvalidInput):
        parse_object(sent)
    assert time.perf_counter() - started < 2


class Drops(io.RawIOBase):
    """A stream that gives what it has in drops of two bytes, as it comes in."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """Give at most two bytes."""
        return self._data.read(min(size, 2))


def environ(data: bytes, **more: str | bool) -> dict[str, Any]:
    """Give a request with a body of JSON."""
    return {"CONTENT_TYPE": "application/json", "wsgi.input": Drops(data), **more}


ENDS: dict[str, Any] = {"wsgi.input_terminated": True}
CHUNKED: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "gzip, Chunked"}


@pytest.mark.parametrize(
    ("more", "read"),
    [
        ({"CONTENT_LENGTH": "5"}, b"12345"),
        ({"CONTENT_LENGTH": "5", **ENDS}, b"12345"),
        ({"CONTENT_LENGTH": "3"}, b"123"),
        ({"CONTENT_LENGTH": "0"}, b""),
        ({"CONTENT_LENGTH": ""}, b""),
        ({"CONTENT_LENGTH": "-1"}, b""),
        ({"CONTENT_LENGTH": "five"}, b""),
        ({"CONTENT_LENGTH": "\u0665"}, b""),
        ({}, b""),
        (ENDS, b"12345"),
        (CHUNKED, b""),
        ({**CHUNKED, **ENDS}, b"12345"),
        ({**CHUNKED, **ENDS, "CONTENT_LENGTH": "1"}, b"12345"),
    ],
)
def test_a_body_is_as_long_as_announced(more: dict[str, Any], read: bytes) -> None:
    """Or as long as it comes, where the server knows its end; else nothing is read at all."""
    assert read == read_json(environ(b"12345", **more), 5)


@pytest.mark.parametrize(
    "more", [{"CONTENT_LENGTH": "6"}, {"CONTENT_LENGTH": "9" * 5000}, ENDS, {**CHUNKED, **ENDS}]
)
def test_a_body_that_is_too_long_is_not_read(more: dict[str, Any]) -> None:
    """What is announced as too long costs nothing, and what comes in chunks not much more."""
    sent = environ(b"1" * 1_000, **more)
    with pytest.raises(RequestEntityTooLarge):
        read_json(sent, 5)
    assert sent["wsgi.input"]._data.tell() <= 6


def test_a_body_that_ends_too_early_is_none() -> None:
    """Whoever hangs up in the middle has asked nothing."""
    with pytest.raises(InvalidInput) as refused:
        read_json(environ(b"12345", CONTENT_LENGTH="6"), 6)
    assert "body" == refused.value.field
