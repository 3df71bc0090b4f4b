"""
Problems: whatever goes wrong leaves in one shape, the problem details of RFC 9457.

The error tree of the domain meets HTTP in one table. A problem says which member is wrong
and what it should be; it never repeats what was sent, and nothing unexpected is explained
to the caller: the application log has its type and its place, and no data either.
"""

from __future__ import annotations

import json
import logging
import traceback
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from authz_service.domain.errors import (
    ActRefused,
    AmbiguousProcess,
    AuthzError,
    CallerForbidden,
    CallerUnknown,
    Conflict,
    InvalidInput,
    LogUnavailable,
    NotFound,
    PolicyUnavailable,
    SignInOff,
    SignInUnavailable,
    Stale,
    StoreUnavailable,
    TokenRefused,
    TooManyRequests,
    Unavailable,
)
from authz_service.web.fields import BodyInvalid

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
    (Unavailable, 503, "unavailable", "No decision can be made now"),
)
"""The error tree in HTTP: the first row whose class fits counts."""

_HEADERS = MappingProxyType(
    {401: {"WWW-Authenticate": 'Bearer realm="authz"'}, 503: {"Retry-After": "5"}}
)
# RFC 6750, 3.1: so that nobody looks for the mistake in the key that came with the token.
_REFUSED_CHALLENGE = 'Bearer realm="authz", error="invalid_token"'
# What ails a part may name its address; the caller hears only which part it is.
_AILING: tuple[tuple[type[Unavailable], str], ...] = (
    (PolicyUnavailable, "there is no valid policy"),
    (StoreUnavailable, "the database does not answer"),
    (LogUnavailable, "the decision log cannot be written or read"),
    (SignInUnavailable, "GOV.BR cannot be asked now"),
    (Unavailable, "a part of the service does not answer"),
)


def install(app: Flask) -> None:
    """Have *app* answer every error as a problem."""
    app.register_error_handler(AuthzError, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def answer(error: AuthzError) -> Response:
    """Give the problem that an error of the tree is."""
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            detail, members = _told(error)
            response = _problem(status, _URN + name, title, detail, members)
            if isinstance(error, TokenRefused):
                response.headers["WWW-Authenticate"] = _REFUSED_CHALLENGE
            if isinstance(error, TooManyRequests):
                response.headers["Retry-After"] = str(error.seconds)
            return response
    # Errors of starting and of the command line have no business in a request.
    return _unexpected(error)


def _told(error: AuthzError) -> tuple[str, dict[str, Any]]:
    """Give the detail of an error and the members that its kind adds to the problem."""
    if isinstance(error, Unavailable):
        # Its message may name an address, for operators alone.
        _log.error("%s in %s: %s", type(error).__name__, route(), error)
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


def about_blank(status: HTTPStatus, detail: str) -> Response:
    """Give a problem of no type but its status (RFC 9457, 4.2.1)."""
    return _problem(status, "about:blank", status.phrase, detail, {})


def _http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    response = about_blank(status, status.description)
    # A 405 says what is allowed; the other headers of werkzeug describe its HTML.
    allowed = error.get_headers()
    response.headers.extend([(name, value) for name, value in allowed if name == "Allow"])
    return response


def _unexpected(error: Exception) -> Response:
    # Neither the message nor the source lines: both could show what was sent.
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    _log.error("unexpected %s in %s at %s", type(error).__name__, route(), " ".join(places))
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return about_blank(status, "the service failed")


def _problem(status: int, kind: str, title: str, detail: str, members: dict[str, Any]) -> Response:
    body = {"type": kind, "title": title, "status": int(status), "detail": detail, **members}
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status=int(status),
        headers=_HEADERS.get(int(status)),
        content_type=MEDIA_TYPE,
    )


def route() -> str:
    """Give the template of the route that was called, such as ``/v1/people``, or ``unmatched``."""
    return "unmatched" if request.url_rule is None else request.url_rule.rule
