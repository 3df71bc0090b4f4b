"""
Request bodies: strict I-JSON (RFC 7493) in, as AuthZEN 1.0 section 11.5 asks for.

Whatever two parsers could read differently is refused: names given twice, numbers that
a double cannot hold, unpaired surrogates, a guessed encoding. Every refusal is a 400
that says where, and never what was sent: a body may hold a CPF anywhere.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from authz_service.domain.errors import InvalidInput

Environ = Mapping[str, Any]
"""The request as the server gives it (PEP 3333)."""

WHOLE = "body"
"""The field that is named where the body as a whole is wrong."""

_JSON = "application/json"

_MAX_DEPTH = 32
_MAX_INTEGER = 2**53 - 1
_MAX_NUMBER_LENGTH = 1000
# A whole string, even one that never ends, or one bracket. Possessive, so that the time is
# linear in the length of the text whatever it holds.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[\[\]{}]', re.DOTALL)
_STEPS = MappingProxyType({"[": 1, "{": 1, "]": -1, "}": -1})
# Only names of this form are repeated in errors: a name without digits holds no CPF.
_SAFE_NAME = re.compile(r"[A-Za-z_]{1,64}")
_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


class OverLimit(InvalidInput):
    """
    What was sent is more than is taken at once.

    Attributes:
        limit: which bound it is above: ``batch`` or ``depth``.
    """

    def __init__(self, limit: str, field: str, message: str) -> None:
        super().__init__(field, message)
        self.limit = limit


def read_object() -> dict[str, Any]:
    """
    Give the JSON object that the current request of Flask brings.

    Raises:
        InvalidInput: another media type, or no JSON object in the strict sense.
        RequestEntityTooLarge: longer than the service takes.
    """
    longest = request.max_content_length
    if longest is None:
        raise RuntimeError("a body without a bound would be read")
    return parse_object(read_json(request.environ, longest))


def read_json(environ: Environ, longest: int) -> bytes:
    """
    Give the bytes that a request brings as JSON.

    Raises:
        InvalidInput: another media type, or fewer bytes than were announced.
        RequestEntityTooLarge: more than *longest* bytes.
    """
    media_type = environ.get("CONTENT_TYPE")
    if media_type != _JSON and _media_type(media_type) != _JSON:
        raise InvalidInput("Content-Type", f"must be {_JSON}")
    stream = environ["wsgi.input"]
    told = environ.get("CONTENT_LENGTH")
    length = None if told is None else _announced(told, environ)
    if length is None:
        # Such a stream ends by itself, or nobody knows where the next request begins.
        return _to_its_end(stream, longest) if environ.get("wsgi.input_terminated") else b""
    if length > longest:
        raise RequestEntityTooLarge
    data: bytes = stream.read(length)
    while len(data) < length:
        # A server that passes a body on as it comes may give it in parts.
        more = stream.read(length - len(data))
        if not more:
            raise InvalidInput(WHOLE, "must be as long as was announced")
        data += more
    return data


def _media_type(header: str | None) -> str:
    """Give the media type of a header without its parameters, which mean nothing in JSON."""
    return (header or "").partition(";")[0].strip(" \t").lower()


def _announced(told: str, environ: Environ) -> int | None:
    """Give the length of the body; None if it comes in chunks, 0 if the header is no length."""
    if (
        "HTTP_TRANSFER_ENCODING" in environ
        and "chunked" in environ["HTTP_TRANSFER_ENCODING"].lower()
    ):
        return None
    # `int` takes quadratic time, and other digits than ASCII's.
    return int(told[:18]) if told.isascii() and told.isdigit() else 0


def _to_its_end(stream: Any, longest: int) -> bytes:
    data = b""
    while more := stream.read(longest + 1 - len(data)):
        data += more
        if len(data) > longest:
            raise RequestEntityTooLarge
    return data


def read_query(names: Iterable[str], *, tolerant: bool = False) -> dict[str, str]:
    """
    Give the members of the current request's query, which *names* lists.

    Args:
        names: the members that are known.
        tolerant: whether others are passed over.

    Raises:
        InvalidInput: one is given twice, or holds what no text may hold; or one is not known,
            since a filter that is misspelt would answer with everything.
    """
    known = list(names)
    if not tolerant and not request.args.keys() <= set(known):
        listed = ", ".join(known)
        raise InvalidInput("query", f"has a member that is not known; there are: {listed}")
    query = {}
    for name in known:
        values = request.args.getlist(name)
        if len(values) > 1:
            raise InvalidInput(name, "must not be given twice")
        if values:
            query[name] = values[0]
    check_texts(query)
    return query


def parse_object(data: bytes) -> dict[str, Any]:
    """
    Read a JSON object out of UTF-8 bytes.

    Raises:
        InvalidInput: these are no UTF-8, no I-JSON, nested more than 32 levels deep, or
            another kind of value; names the member as far as that is safe to repeat.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(WHOLE, f"must be UTF-8; byte {error.start} is not") from None
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidInput(WHOLE, f"must be JSON; it cannot be read at {place}") from None
    if not isinstance(value, dict):
        raise InvalidInput(WHOLE, "must be a JSON object")
    # Raw control characters and raw surrogates are refused above: only an escape makes one.
    if "\\u" in text:
        check_texts(value)
    return value


def check_texts(value: object) -> None:
    """
    Refuse strings that no store and no log can keep.

    Raises:
        InvalidInput: a string, or a member's name, holds NUL or an unpaired surrogate.
    """
    for field, text in _texts(value, ()):
        if _UNKEEPABLE.search(text):
            name = ".".join(field) or WHOLE
            raise InvalidInput(name, "must not hold NUL or unpaired surrogates")


def _texts(value: object, field: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give every string in *value*, names of members included, with its place."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, member in value.items():
            inner = (*field, name if _SAFE_NAME.fullmatch(name) else "?")
            yield inner, name
            yield from _texts(member, inner)
    elif isinstance(value, list):
        for position, member in enumerate(value):
            yield from _texts(member, (*field, str(position)))


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the parser, which would recurse, sees it."""
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += _STEPS.get(match[0], 0)
        if depth > _MAX_DEPTH:
            raise OverLimit("depth", WHOLE, f"must not nest more than {_MAX_DEPTH} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            field = name if _SAFE_NAME.fullmatch(name) else WHOLE
            raise InvalidInput(field, "must not be given twice in one object")
        members[name] = value
    return members


def _integer(text: str) -> int:
    # The length first: `int` takes quadratic time, and refuses more than 4,300 digits.
    if len(text) > 17 or abs(int(text)) > _MAX_INTEGER:
        raise InvalidInput(WHOLE, f"must hold integers up to {_MAX_INTEGER} only")
    return int(text)


def _float(text: str) -> float:
    if len(text) > _MAX_NUMBER_LENGTH or not math.isfinite(float(text)):
        raise InvalidInput(WHOLE, "must hold numbers of double precision only")
    return float(text)


def _constant(name: str) -> NoReturn:
    raise InvalidInput(WHOLE, f"must be JSON, which has no {name}")
