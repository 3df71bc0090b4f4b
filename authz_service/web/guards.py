"""
Guards: every route says who may call it, and nothing answers before that is checked.

A view carries its declaration, ``@needs("decide")`` or visibly ``@open_to_all("why")``;
one without cannot be registered. The key is checked before a byte of the body is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from authz_service.domain.clients import SCOPES
from authz_service.domain.decision import Caller
from authz_service.domain.errors import CallerForbidden, CallerUnknown
from authz_service.usecases.clients import Clients, Held, key_id_of
from authz_service.usecases.ports import Truth
from authz_service.web.body import Environ
from authz_service.web.limits import Limits

View = TypeVar("View", bound=Callable[..., Any])

_DECLARED = "__access__"
# Whoever watches must see an overload, and is no part of it.
_UNCOUNTED = ("metrics",)
_REMEMBERED = 1_000
_Mark = tuple[bytes, str | None]


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


@dataclass(frozen=True, slots=True)
class Gate:
    """
    Checks requests against what is declared of whom they call, whoever serves them.

    Attributes:
        clients: knows whose a key is.
        limits: how much a client may ask for.
        truth: makes sure that a key that was revoked is no key.
        max_body: the longest body that is let in, in bytes.
        before: who has been let in, with the id of the key and what the store has of it, by the
            digest of the header that was shown and by the address; no key is kept.
    """

    clients: Clients
    limits: Limits
    truth: Truth
    max_body: int
    before: dict[_Mark, tuple[Caller, str, Held]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def admit(self, access: Access, environ: Environ) -> Admitted:
        """
        Give who calls, if it may.

        Args:
            access: the declaration, with scopes.
            environ: the request.

        Raises:
            CallerUnknown: there is no valid key.
            TooManyRequests: the client, or who shows wrong keys, has to wait.
            CallerForbidden: a scope is missing.
            StoreUnavailable: nobody can tell whether the key is valid.
        """
        address = environ.get("REMOTE_ADDR")
        shown: str = environ.get("HTTP_AUTHORIZATION", "")
        mark = (sha256(shown.encode("utf-8", "surrogatepass")).digest(), address)
        before = self.before.get(mark)
        admitted = revision = None
        if before is not None:
            revision = self.truth.look()
            caller, key_id, held = before
            if self.clients.still(key_id, held):
                admitted = caller, revision
            else:
                self.before.pop(mark, None)
        if admitted is None:
            key = _key(shown)
            admitted = self.limits.authenticated(key, address, partial(self._recognise, revision))
            caller, key_id = admitted[0], key_id_of(key)
            self._keep(mark, caller, key_id, address)
        if access.scopes != _UNCOUNTED:
            self.limits.take(caller.name)
        if not caller.scopes.issuperset(access.scopes):
            raise CallerForbidden(next(one for one in access.scopes if one not in caller.scopes))
        return admitted

    def _recognise(
        self, revision: int | None, key: str, address: str | None, digest: str
    ) -> Admitted:
        """Give who calls; *revision* is what the store was at if it was looked at before."""
        if revision is None:
            # Not before: those who only guess keys must not cost the store a look each.
            revision = self.truth.look()
        return self.clients.authenticate(key, address, digest, looked=True), revision

    def _keep(self, mark: _Mark, caller: Caller, key_id: str, address: str | None) -> None:
        held = self.clients.store.client_of_key(key_id, looked=True)
        # Only if that is what let it in: the key may have been revoked just now.
        if held is None:  # mutant: nobody is known by it
            return
        if self.clients.callers.get(held, address) is not caller:
            return
        if len(self.before) >= _REMEMBERED:
            self.before.clear()
        self.before[mark] = (caller, key_id, held)


Admitted = tuple[Caller, int]
"""Who calls, and the revision that the store was at when it called."""


def install(app: Flask, gate: Gate) -> None:
    """Have every request of *app* checked against the declaration of its view by *gate*."""

    @app.before_request
    def check() -> None:
        # An unknown path or method is told so without a key: routes are no secret.
        if request.endpoint is None:
            return
        access = access_of(current_app.view_functions[request.endpoint])
        if access.scopes:
            g.admitted = gate.admit(access, request.environ)


def demand(scope: str) -> None:
    """
    Have the caller hold *scope*, which the view at work needs in some cases only.

    Raises:
        CallerForbidden: the key lacks it.
    """
    if scope not in caller().scopes:
        raise CallerForbidden(scope)


def caller() -> Caller:
    """Give who calls; only a view that needs a scope has a caller."""
    return admitted()[0]


def admitted() -> Admitted:
    """Give who calls, and at which revision; only a view that needs a scope has a caller."""
    known: Admitted = g.admitted
    return known


def _key(header: str) -> str:
    if header[:7].lower() != "bearer " and header.lower() != "bearer":
        raise CallerUnknown("a key is needed: Authorization: Bearer KEY")
    return header[7:].strip()
