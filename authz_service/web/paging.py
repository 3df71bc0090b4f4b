"""
Paging, the same everywhere: at most ``limit`` items, and a token for the page that follows.

In a query they stand as ``limit`` and ``token``, in a body inside ``page``, as in AuthZEN 1.0,
8.2. An answer begins with ``page``: ``next_token`` is empty at the end of the list.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from marshmallow import fields

from authz_service.domain.errors import InvalidInput
from authz_service.usecases.stores import Page
from authz_service.web.contract import Answer
from authz_service.web.fields import Body, Part, Text, whole

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

Item = TypeVar("Item")


class PageBody(Body):
    """Which part of a list is wanted."""

    limit = whole(1, MAX_LIMIT, load_default=DEFAULT_LIMIT)
    token = Text(
        longest=2000, load_default=None, allow_none=True, metadata={"format": "page-token"}
    )


class Paged(Body):
    """A body that asks for a part of a list; other bodies are derived from it."""

    page = Part(PageBody, load_default=lambda: {"limit": DEFAULT_LIMIT, "token": None})


class PagedQuery(PageBody):
    """A query that asks for a part of a list; other queries are derived from it."""

    limit = whole(1, MAX_LIMIT, load_default=DEFAULT_LIMIT, written=True)


class PageAnswer(Answer):
    """Where the part that was given ends."""

    next_token = fields.String(required=True)
    count = fields.Integer(required=True, strict=True)


class PagedAnswer(Answer):
    """An answer that is a part of a list; other answers are derived from it."""

    page = fields.Nested(PageAnswer, required=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    The part of a list that is wanted.

    Attributes:
        after: where the last page ended, or None for the first.
        limit: how many items at most.
        asked: what the list is of, as text; a token of another list is refused.
    """

    after: str | None
    limit: int
    asked: str = field(repr=False)

    def answer(
        self, name: str, page: Page[Item], shown: Callable[[Item], dict[str, Any]]
    ) -> dict[str, Any]:
        """Give the answer: the page, and its items under *name*."""
        token = "" if page.next is None else _token(self.asked, page.next)
        return {
            "page": {"next_token": token, "count": len(page.items)},
            name: [shown(item) for item in page.items],
        }


def wanted(page: Mapping[str, Any], where: str, *asked: str | int | date | None) -> Wanted:
    """
    Read which part of a list is wanted.

    Args:
        page: ``limit`` and ``token``, as a schema has read them.
        where: the dotted name of the token, for errors.
        asked: what the list is of: the route's name and every filter, each in full, but no
            person: of one only how it is named, such as ``cpf``. The seal is a plain digest, and
            whoever tries all CPFs would find the one in it; so a token goes on in the list of
            whomever the request names.

    Raises:
        InvalidInput: the token is none, or one of another list.
    """
    # As text, so that a member of an enumeration and its value ask for the same list.
    text = json.dumps([None if one is None else str(one) for one in asked])
    token = page["token"]
    return Wanted(None if not token else _after(token, text, where), page["limit"], text)


def _token(asked: str, after: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([_seal(asked, after), after]).encode()).decode()


def _seal(asked: str, after: str) -> str:
    """Tie a place to its list. Not a secret: it keeps honest callers from mixing up lists."""
    return hashlib.sha256(json.dumps([asked, after]).encode()).hexdigest()[:16]


def _after(token: str, asked: str, where: str) -> str:
    try:
        found = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        found = None
    match found:
        # Not every store can look for every text, and whoever makes tokens can make any.
        case [str() as seal, str() as after] if after.isprintable() and seal == _seal(asked, after):
            return after
    raise InvalidInput(where, "must be the `next_token` of the page before, of the same list")
