"""The application: routes, guards and problems put together around the parts it is given."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import RouteCallable
from werkzeug.routing import Rule

from authz_service.usecases.clients import ClientDesk, Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import ExplanationDesk
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.ports import Ping
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import SignInDesk
from authz_service.web import (
    authzen,
    bonds,
    clients,
    companies,
    confirmations,
    decisions,
    delegations,
    docs,
    explanations,
    guards,
    identities,
    limits,
    metadata,
    ops,
    orquestra,
    people,
    policy,
    problems,
    processes,
    standing,
)
from authz_service.web.contract import contract_of
from authz_service.web.limits import Limits

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What the web room works with.

    Attributes:
        point: decides.
        explanation_desk: shows why.
        desk: replaces, grants, lists and ends delegations.
        decisions: finds records of the decision log.
        registrar: takes asserted persons, standing and bonds, and confirmations.
        lookup: shows what is known of persons and companies.
        foreign_desk: registers and validates foreign companies.
        process_desk: shows and changes the catalogue.
        sign_in_desk: takes sign-ins at GOV.BR, and proves who acts.
        clients: knows who calls.
        policies: tells which policy every worker decides by.
        pings: asked by ``/readyz``.
        metrics: gives the exposition and its content type.
        answered: hears of every answer: the route's template, the status, seconds.
        orquestra_get: whether Orquestra may ask by GET, which puts CPFs into URLs.
        max_body: the longest body that is read, in bytes.
        max_batch: the most evaluations in one request.
        pdp_id: the https address under which callers reach the service, or None if nobody says.
        limits: how much a client may ask for.
    """

    point: DecisionPoint
    explanation_desk: ExplanationDesk
    desk: DelegationDesk
    decisions: Decisions
    registrar: Registrar
    lookup: Lookup
    foreign_desk: ForeignDesk
    process_desk: ProcessDesk
    sign_in_desk: SignInDesk
    clients: Clients
    policies: policy.Workers
    pings: tuple[Ping, ...]
    metrics: Callable[[], tuple[bytes, str]]
    answered: Callable[[str, int, float], None]
    orquestra_get: bool
    max_body: int
    max_batch: int
    pdp_id: str | None = None
    limits: Limits = field(default_factory=Limits)


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
    """Flask that serves no view which does not declare who may call it, and how."""

    url_rule_class = _ExactRule

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: RouteCallable | None = None,
        *rest: Any,
        **options: Any,
    ) -> None:
        """Register a view; raises ``TypeError`` if it does not declare who may call it and how."""
        guards.access_of(view_func)
        contract_of(view_func)
        super().add_url_rule(rule, endpoint, view_func, *rest, **options)


def create_app(parts: Parts) -> Flask:
    """
    Build the WSGI application.

    Raises:
        TypeError: a view does not declare who may call it, or how.
    """
    app = _Service(__name__, static_folder=None)
    app.json = _Json(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["MAX_CONTENT_LENGTH"] = parts.max_body
    # A redirect would drop the body: one path is one resource, everything else is a 404.
    app.url_map.merge_slashes = False
    _frame(app, parts.answered)
    guards.install(app, parts.clients, parts.limits)
    problems.install(app)
    limits.install(app, parts.limits, parts.max_body)
    app.register_blueprint(authzen.blueprint(parts.point, max_batch=parts.max_batch))
    app.register_blueprint(metadata.blueprint(parts.pdp_id))
    app.register_blueprint(orquestra.blueprint(parts.point, by_get=parts.orquestra_get))
    app.register_blueprint(explanations.blueprint(parts.explanation_desk))
    app.register_blueprint(delegations.blueprint(parts.desk, parts.sign_in_desk))
    app.register_blueprint(decisions.blueprint(parts.decisions))
    app.register_blueprint(identities.blueprint(parts.sign_in_desk))
    app.register_blueprint(confirmations.blueprint(parts.registrar))
    app.register_blueprint(people.blueprint(parts.registrar, parts.lookup))
    app.register_blueprint(standing.blueprint(parts.registrar, parts.lookup))
    app.register_blueprint(companies.blueprint(parts.foreign_desk, parts.lookup))
    app.register_blueprint(bonds.blueprint(parts.registrar, parts.lookup))
    app.register_blueprint(processes.blueprint(parts.process_desk))
    app.register_blueprint(clients.blueprint(ClientDesk(parts.clients)))
    app.register_blueprint(policy.blueprint(parts.policies))
    app.register_blueprint(ops.blueprint(parts.pings, parts.metrics))
    app.register_blueprint(docs.blueprint(parts.pdp_id))
    return app


def request_id() -> str:
    """Give the id of the request at work: what the caller sent, or one of our own."""
    known: str = g.request_id
    return known


def _frame(app: Flask, answered: Callable[[str, int, float], None]) -> None:
    """Give every answer its request id, keep most out of caches, and tell who listens."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request.headers.get("X-Request-ID") or uuid.uuid4().hex

    @app.after_request
    def end(response: Response) -> Response:
        # AuthZEN 1.0, 10.1.3: the same identifier back, whatever the answer is.
        response.headers["X-Request-ID"] = request_id()
        response.headers.setdefault("Cache-Control", "no-store")
        seconds = time.perf_counter() - g.started
        try:
            answered(problems.route(), response.status_code, seconds)
        except Exception as error:  # noqa: BLE001 -- counting must not cost an answer
            _log.error("%s while counting an answer", type(error).__name__)
        return response
