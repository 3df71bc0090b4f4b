"""
ETags: what a caller decided on is what is there, or nothing is written (RFC 9110, 13.1.1).

An answer that shows a thing carries the tag of its state; whoever changes the thing may send
that tag back as ``If-Match``, and is refused where somebody else was faster. Without the header,
or with ``*``, whatever is there is replaced; with ``If-None-Match: *`` nothing is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Response, jsonify, request

from authz_service.domain.errors import InvalidInput

Kept = TypeVar("Kept")

# RFC 9110, 8.8.3: opaque, and without a way to write a quote in it.
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"(?:[ \t]*(?:,[ \t]*)+|[ \t]*$)')

IF_MATCH = {"If-Match": "the ETag of what the caller has seen: 412 if it is another one by now"}
"""The header, for ``@describes``."""

IF_NONE_MATCH = {"If-None-Match": "`*` to add what is not there yet: 412 if it is by now"}
"""The header, for ``@describes``."""

ETAG = {"ETag": "the state that is shown, for If-Match"}
"""The header, for ``@describes``."""


def etag(shown: Mapping[str, Any]) -> str:
    """Give the tag of a thing as it is shown, quotes not included."""
    text = json.dumps(shown, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def tagged(shown: Mapping[str, Any], tag: str | None = None) -> Response:
    """Give an answer with the tag of what it shows, or with *tag* where that is another's."""
    response = jsonify(shown)
    response.set_etag(etag(shown) if tag is None else tag)
    return response


def seen(shown: Callable[[Kept], Mapping[str, Any]]) -> Callable[[Kept | None], bool]:
    """
    Give what tells whether a thing, or none, is what the current request's headers ask for.

    Args:
        shown: how the thing is shown, as it was when the caller saw its tag.

    Raises:
        InvalidInput: a header is neither ``*`` nor a list of tags.
    """
    asked = "If-Match" in request.headers
    named = named_tags()
    unwanted = "If-None-Match" in request.headers
    others = _tags("If-None-Match")

    def fits(kept: Kept | None) -> bool:
        if kept is None:
            return not asked
        tag = etag(shown(kept))
        if unwanted and (others is None or tag in others):
            return False
        return named is None or tag in named

    return fits


def named_tags() -> frozenset[str] | None:
    """
    Give the tags of which the current request's ``If-Match`` names one or more.

    None where there is no such header, or ``*``: whatever is there will do. A weak tag is left
    out, since it is nobody's under strong comparison (RFC 9110, 8.8.3.2).

    Raises:
        InvalidInput: the header is neither ``*`` nor a list of tags.
    """
    found = _tags("If-Match")
    return None if found is None else frozenset(tag for tag, weak in found.items() if not weak)


def _tags(header: str) -> dict[str, bool] | None:
    """Give the tags in a header, with whether each is weak; None for ``*`` or no such header."""
    text = request.headers.get(header, "*").strip(" \t")
    if text == "*":
        return None
    # Empty elements of a list mean nothing (RFC 9110, 5.6.1.2).
    text = text.strip(" \t,")
    found: dict[str, bool] = {}
    position = 0
    while position < len(text) or not position:
        tag = _TAG.match(text, position)
        if tag is None:
            raise InvalidInput(header, "must be `*` or a list of entity tags")
        found[tag[2]] = tag[1] is not None and found.get(tag[2], True)
        position = tag.end()
    return found
