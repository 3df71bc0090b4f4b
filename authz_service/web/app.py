"""The application: routes, guards and problems put together around the parts it is given."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import RouteCallable
from werkzeug.routing import Rule

from authz_service.usecases.clients import Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.ports import Ping
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import SignInDesk
from authz_service.web import (
    authzen,
    confirmations,
    delegations,
    guards,
    identities,
    ops,
    orquestra,
    problems,
    standing,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What the web room works with.

    Attributes:
        point: decides.
        desk: replaces, lists and ends delegations.
        registrar: takes asserted persons, standing and bonds, and confirmations.
        sign_in_desk: takes sign-ins at GOV.BR, and proves who acts.
        clients: knows who calls.
        pings: asked by ``/readyz``.
        metrics: gives the exposition and its content type.
        answered: hears of every answer: the route's template, the status, seconds.
        orquestra_get: whether Orquestra may ask by GET, which puts CPFs into URLs.
        max_body: the longest body that is read, in bytes.
    """

    point: DecisionPoint
    desk: DelegationDesk
    registrar: Registrar
    sign_in_desk: SignInDesk
    clients: Clients
    pings: tuple[Ping, ...]
    metrics: Callable[[], tuple[bytes, str]]
    answered: Callable[[str, int, float], None]
    orquestra_get: bool
    max_body: int


class _ExactRule(Rule):
    """A route with the methods that it declares; werkzeug would add HEAD to every GET."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.methods = set(options["methods"])


class _Json(DefaultJSONProvider):
    """Answers in the order in which they are written, accents readable."""

    ensure_ascii = False
    sort_keys = False


class _Service(Flask):
    """Flask that serves no view without a declaration of who may call it."""

    url_rule_class = _ExactRule

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: RouteCallable | None = None,
        *rest: Any,
        **options: Any,
    ) -> None:
        """Register a view; raises ``TypeError`` if it does not declare who may call it."""
        guards.access_of(view_func)
        super().add_url_rule(rule, endpoint, view_func, *rest, **options)


def create_app(parts: Parts) -> Flask:
    """
    Build the WSGI application.

    Raises:
        TypeError: a view does not declare who may call it.
    """
    app = _Service(__name__, static_folder=None)
    app.json = _Json(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["MAX_CONTENT_LENGTH"] = parts.max_body
    # A redirect would drop the body: one path is one resource, everything else is a 404.
    app.url_map.merge_slashes = False
    _frame(app, parts.answered)
    guards.install(app, parts.clients)
    problems.install(app)
    app.register_blueprint(authzen.blueprint(parts.point))
    app.register_blueprint(orquestra.blueprint(parts.point, by_get=parts.orquestra_get))
    app.register_blueprint(delegations.blueprint(parts.desk, parts.sign_in_desk))
    app.register_blueprint(identities.blueprint(parts.sign_in_desk))
    app.register_blueprint(confirmations.blueprint(parts.registrar))
    app.register_blueprint(standing.blueprint(parts.registrar))
    app.register_blueprint(ops.blueprint(parts.pings, parts.metrics))
    return app


def _frame(app: Flask, answered: Callable[[str, int, float], None]) -> None:
    """Give every answer its request id, keep it out of caches, and tell who listens."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        # AuthZEN 1.0, 10.1.3: the same identifier back, whatever the answer is.
        response.headers["X-Request-ID"] = request.headers.get("X-Request-ID") or uuid.uuid4().hex
        response.headers["Cache-Control"] = "no-store"
        seconds = time.perf_counter() - g.started
        try:
            answered(problems.route(), response.status_code, seconds)
        except Exception as error:  # noqa: BLE001 -- counting must not cost an answer
            _log.error("%s while counting an answer", type(error).__name__)
        return response
