"""
Problems: whatever goes wrong leaves in one shape, the problem details of RFC 9457.

The error tree of the domain meets HTTP in one table. A problem says which member is wrong
and what it should be; it never repeats what was sent, and nothing unexpected is explained
to the caller: the application log has its type and its place, and no data either.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from authz_service.domain.errors import (
    ActRefused,
    AmbiguousProcess,
    AuthzError,
    CallerForbidden,
    CallerUnknown,
    Conflict,
    Crowded,
    InvalidInput,
    LogUnavailable,
    NotFound,
    PolicyUnavailable,
    SignInOff,
    SignInUnavailable,
    Stale,
    StoreBehind,
    StoreUnavailable,
    TokenRefused,
    TooManyRequests,
    Unavailable,
)
from authz_service.web.body import OverLimit
from authz_service.web.fields import BodyInvalid
from authz_service.web.lean.reply import Reply, as_json

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)

_URN = "urn:inmetro:authz:problem:"
_KINDS: tuple[tuple[type[AuthzError], int, str, str], ...] = (
    (AmbiguousProcess, 400, "ambiguous-process", "The name means more than one process"),
    (InvalidInput, 400, "invalid-input", "The request cannot be read"),
    (CallerUnknown, 401, "caller-unknown", "A valid key is needed"),
    (TokenRefused, 401, "token-refused", "The GOV.BR token proves nothing"),
    (TooManyRequests, 429, "too-many-requests", "Too many requests in a short time"),
    (CallerForbidden, 403, "caller-forbidden", "The key may not do this"),
    (ActRefused, 403, "act-refused", "The policy does not allow this"),
    (NotFound, 404, "not-found", "There is no such thing"),
    (Conflict, 409, "conflict", "It contradicts what is stored now"),
    (Stale, 412, "precondition-failed", "It has changed since you read it"),
    (SignInOff, 501, "sign-in-off", "Sign-in is switched off"),
    (SignInUnavailable, 503, "sign-in-unavailable", "Sign-in is not possible now"),
    (StoreBehind, 503, "store-behind", "The store has not come so far yet"),
    (Unavailable, 503, "unavailable", "No decision can be made now"),
)
"""The error tree in HTTP: the first row whose class fits counts."""

_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="authz"')
# RFC 6750, 3.1: so that nobody looks for the mistake in the key that came with the token.
_REFUSED_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="authz", error="invalid_token"')
# Seconds: a replica is behind for a moment, whatever else ails may take longer.
_BEHIND_FOR, _AILS_FOR = "1", "5"
# What ails a part may name its address; the caller hears only which part it is.
_AILING: tuple[tuple[type[Unavailable], str], ...] = (
    (PolicyUnavailable, "there is no valid policy"),
    (Crowded, "as many changes are under way as may be made at a time"),
    (StoreBehind, "the store has not come to the revision that was asked for"),
    (StoreUnavailable, "the database does not answer"),
    (LogUnavailable, "the decision log cannot be written or read"),
    (SignInUnavailable, "GOV.BR cannot be asked now"),
    (Unavailable, "a part of the service does not answer"),
)


@dataclass(frozen=True, slots=True)
class Problems:
    """
    Makes a problem of whatever went wrong.

    Attributes:
        refused: hears of each bound that was met: body, batch or depth.
        max_body: the longest body that is read, in bytes.
    """

    refused: Callable[[str], None]
    max_body: int

    def of(self, error: Exception, route: str) -> Reply:
        """Give the problem that *error* is; *route* is the template that was called."""
        if isinstance(error, RequestEntityTooLarge):
            self.refused("body")
            detail = f"the body must not be longer than {self.max_body} bytes"
            return _about_blank(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        if isinstance(error, HTTPException):
            return _http(error)
        if isinstance(error, OverLimit):
            self.refused(error.limit)
        for kind, status, name, title in _KINDS:
            if isinstance(error, kind):
                detail, members = _told(error, route)
                return _problem(status, _URN + name, title, detail, members, _headers_of(error))
        # Errors of starting and of the command line have no business in a request either.
        return _unexpected(error, route)


def _headers_of(error: AuthzError) -> tuple[tuple[str, str], ...]:
    if isinstance(error, TokenRefused):
        return (_REFUSED_CHALLENGE,)
    if isinstance(error, CallerUnknown):
        return (_CHALLENGE,)
    if isinstance(error, TooManyRequests):
        return (("Retry-After", str(error.seconds)),)
    if isinstance(error, StoreBehind):
        return (("Retry-After", _BEHIND_FOR),)
    return (("Retry-After", _AILS_FOR),) if isinstance(error, Unavailable) else ()


def _told(error: AuthzError, route: str) -> tuple[str, dict[str, Any]]:
    """Give the detail of an error and the members that its kind adds to the problem."""
    if isinstance(error, Unavailable):
        if not isinstance(error, StoreBehind):
            # Its message may name an address, for operators alone.
            _log.error("%s in %s: %s", type(error).__name__, route, error)
        return next(text for kind, text in _AILING if isinstance(error, kind)), {}
    members: dict[str, Any] = {}
    if isinstance(error, InvalidInput):
        members["field"] = error.field
    if isinstance(error, BodyInvalid) and len(error.errors) > 1:
        members["errors"] = [{"field": field, "message": text} for field, text in error.errors]
    if isinstance(error, TokenRefused):
        members |= {"cause": error.cause, "token": error.token}
    if isinstance(error, AmbiguousProcess):
        members["candidates"] = list(error.candidates)
    if isinstance(error, ActRefused):
        members["refusals"] = [
            {"processo": one.process, "reasons": list(one.reasons), "mensagem": one.message}
            for one in error.refusals
        ]
    return str(error), members


def _about_blank(
    status: HTTPStatus, detail: str, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Give a problem of no type but its status (RFC 9457, 4.2.1)."""
    return _problem(status.value, "about:blank", status.phrase, detail, {}, headers)


def _http(error: HTTPException) -> Reply:
    status = HTTPStatus(error.code or 500)
    # A 405 says what is allowed; the other headers of werkzeug describe its HTML.
    allowed = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    return _about_blank(status, status.description, tuple(allowed))


def _unexpected(error: Exception, route: str) -> Reply:
    # Neither the message nor the source lines: both could show what was sent.
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    _log.error("unexpected %s in %s at %s", type(error).__name__, route, " ".join(places))
    return _about_blank(HTTPStatus.INTERNAL_SERVER_ERROR, "the service failed")


def _problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    members: dict[str, Any],
    headers: tuple[tuple[str, str], ...],
) -> Reply:
    body = {"type": kind, "title": title, "status": status, "detail": detail, **members}
    return status, MEDIA_TYPE, headers, as_json(body)
