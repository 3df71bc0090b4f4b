"""
The shapes of problems as JSON Schemas, all of them closed, and which statuses have which.

``problems`` makes them; a test holds the two together.
"""

from __future__ import annotations

from typing import Any

from authz_service.web.shapes import Shape

_TEXT: Shape = {"type": "string"}
_TEXTS: Shape = {"type": "array", "items": _TEXT}


def _object(**members: Shape) -> Shape:
    return {
        "type": "object",
        "properties": members,
        "required": sorted(members),
        "additionalProperties": False,
    }


_ERRORS: Shape = {
    "type": "array",
    "description": "All members that are wrong, where it is more than one.",
    "items": _object(field=_TEXT, message=_TEXT),
}
_FIELD: Shape = {"type": "string", "description": "The dotted name of the member that is wrong."}
_REFUSALS: Shape = {
    "type": "array",
    "description": "One for each question that the policy denied.",
    "items": _object(processo={"type": ["string", "null"]}, reasons=_TEXTS, mensagem=_TEXT),
}

_KINDS: dict[str, tuple[int, str, dict[str, Shape], dict[str, Shape]]] = {
    "InvalidInput": (400, "invalid-input", {"field": _FIELD}, {"errors": _ERRORS}),
    "AmbiguousProcess": (
        400,
        "ambiguous-process",
        {"field": _FIELD, "candidates": {**_TEXTS, "description": "The labels it could mean."}},
        {},
    ),
    "CallerUnknown": (401, "caller-unknown", {}, {}),
    "TokenRefused": (401, "token-refused", {"cause": _TEXT, "token": _TEXT}, {}),
    "CallerForbidden": (403, "caller-forbidden", {}, {}),
    "ActRefused": (403, "act-refused", {"refusals": _REFUSALS}, {}),
    "NotFound": (404, "not-found", {}, {}),
    "Conflict": (409, "conflict", {}, {}),
    "Stale": (412, "precondition-failed", {}, {}),
    "TooManyRequests": (429, "too-many-requests", {}, {}),
    "SignInOff": (501, "sign-in-off", {}, {}),
    "SignInUnavailable": (503, "sign-in-unavailable", {}, {}),
    "StoreBehind": (503, "store-behind", {}, {}),
    "Unavailable": (503, "unavailable", {}, {}),
}
"""Status, last part of the type, members that are always there, members that may be."""

PLAIN = "Problem"
"""The shape of a problem of HTTP itself, such as a 413: it has no type of its own."""

_NARROW = {
    400: ("InvalidInput",),
    401: ("CallerUnknown",),
    403: ("CallerForbidden",),
    503: ("Unavailable",),
}
_PLAIN_STATUSES = frozenset({405, 413, 431, 500})
# waitress answers a request that is no HTTP before the application sees it.
_ALSO_PLAIN = frozenset({400})


def names(status: int, *, wide: bool) -> tuple[str, ...]:
    """
    Give the names of the shapes that a problem with *status* may have.

    Args:
        status: the HTTP status.
        wide: whether an operation has said that it answers more than its key and form explain.
    """
    if status in _PLAIN_STATUSES:
        return (PLAIN,)
    if status in _NARROW and not wide:
        return (*_NARROW[status], PLAIN) if status in _ALSO_PLAIN else _NARROW[status]
    found = tuple(name for name, kind in _KINDS.items() if kind[0] == status)
    if not found:
        raise ValueError(f"no problem has the status {status}")
    return (*found, PLAIN) if status in _ALSO_PLAIN else found


def all_shapes() -> dict[str, dict[str, Any]]:
    """Give every shape by its name."""
    made = {name: _problem(name) for name in _KINDS}
    made[PLAIN] = _closed(
        "A problem of HTTP itself (RFC 9457).",
        {
            "type": {"const": "about:blank"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
        },
        {},
    )
    return made


def _problem(name: str) -> dict[str, Any]:
    status, kind, always, sometimes = _KINDS[name]
    return _closed(
        f"A problem (RFC 9457): `{kind}`, {status}.",
        {
            "type": {"const": f"urn:inmetro:authz:problem:{kind}"},
            "title": _TEXT,
            "status": {"const": status},
            "detail": _TEXT,
            **always,
        },
        sometimes,
    )


def _closed(says: str, always: dict[str, Shape], sometimes: dict[str, Shape]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": says,
        "properties": {**always, **sometimes},
        "required": sorted(always),
        "additionalProperties": False,
    }
