"""A reply to a request: what both Flask and a bare WSGI server can send."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import msgspec

STATUS_LINES: Mapping[int, str] = MappingProxyType(
    {one.value: f"{one.value} {one.phrase.upper()}" for one in HTTPStatus}
)
"""What stands in the first line of an answer, by its status."""

JSON = "application/json"
"""The media type of answers that succeed."""

_encode = msgspec.json.Encoder().encode

Reply = tuple[int, str, tuple[tuple[str, str], ...], bytes]
"""
What is answered: status, media type, further headers with their values, and the body.

The headers that every answer has are added by whoever sends it.
"""


def as_json(shown: object) -> bytes:
    """Write an answer as JSON in UTF-8, members in the order in which they stand."""
    return _encode(shown)
