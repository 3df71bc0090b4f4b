"""
Guards: every route says who may call it, and nothing answers before that is checked.

A view carries its declaration, ``@needs("decide")`` or visibly ``@open_to_all("why")``;
one without cannot be registered. The key is checked before a byte of the body is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue

from authz_service.domain.clients import SCOPES
from authz_service.domain.decision import Caller
from authz_service.domain.errors import CallerForbidden, CallerUnknown
from authz_service.usecases.clients import Clients
from authz_service.web.limits import Limits

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

_DECLARED = "__access__"
# Whoever watches must see an overload, and is no part of it.
_UNCOUNTED = ("metrics",)


@dataclass(frozen=True, slots=True)
class Access:
    """
    Who may call a view.

    Attributes:
        scopes: all the scopes that a key needs; none means that the route is open.
        why: why it is open, empty where it is not.
    """

    scopes: tuple[str, ...]
    why: str = ""


def needs(*scopes: str) -> Callable[[View], View]:
    """
    Declare that a view takes a key with all of *scopes*.

    Raises:
        ValueError: no scope, or one that does not exist.
    """
    if not scopes or not SCOPES.keys() >= set(scopes):
        raise ValueError(f"needs at least one scope, and only known ones: {scopes}")
    return _declare(Access(scopes))


def open_to_all(why: str) -> Callable[[View], View]:
    """Declare that a view answers anybody, and *why* it may."""
    return _declare(Access((), why))


def _declare(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _DECLARED, access)
        return view

    return mark


def access_of(view: object) -> Access:
    """
    Give what a view declares.

    Raises:
        TypeError: it declares nothing, so it must not be served.
    """
    access = getattr(view, _DECLARED, None)
    if not isinstance(access, Access):
        raise TypeError(f"{view!r} does not declare who may call it: @needs or @open_to_all")
    return access


def install(app: Flask, clients: Clients, limits: Limits) -> None:
    """Have every request of *app* checked against the declaration of its view, and *limits*."""

    @app.before_request
    def check() -> None:
        # An unknown path or method is told so without a key: routes are no secret.
        if request.endpoint is None:
            return
        access = access_of(current_app.view_functions[request.endpoint])
        if not access.scopes:
            return
        caller = limits.authenticated(_key(), request.remote_addr, clients.authenticate)
        if access.scopes != _UNCOUNTED:
            limits.take(caller.name)
        for scope in access.scopes:
            if scope not in caller.scopes:
                raise CallerForbidden(scope)
        g.caller, g.limits = caller, limits


def demand(scope: str) -> None:
    """
    Have the caller hold *scope*, which the view at work needs in some cases only.

    Raises:
        CallerForbidden: the key lacks it.
    """
    if scope not in caller().scopes:
        raise CallerForbidden(scope)


def count_batch(evaluations: int) -> None:
    """
    Count the request at work as one for each of its *evaluations*.

    Raises:
        TooManyRequests: the client may not ask so many now.
    """
    limits: Limits = g.limits
    limits.take_batch(caller().name, evaluations)


def _key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise CallerUnknown("a key is needed: Authorization: Bearer KEY")
    return key.strip()


def caller() -> Caller:
    """Give who calls; only a view that needs a scope has a caller."""
    known: Caller = g.caller
    return known
