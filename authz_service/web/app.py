"""The application: routes, guards and problems put together around the parts it is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import RouteCallable
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from authz_service.domain.errors import AuthzError, Unavailable
from authz_service.usecases.clients import ClientDesk, Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import ExplanationDesk
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.ports import Ping, Truth
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import SignInDesk
from authz_service.web import (
    authzen,
    bonds,
    clients,
    companies,
    confirmations,
    crowding,
    decisions,
    delegations,
    docs,
    explanations,
    guards,
    identities,
    metadata,
    ops,
    orquestra,
    people,
    policy,
    processes,
    standing,
    views,
)
from authz_service.web.contract import contract_of
from authz_service.web.guards import Gate
from authz_service.web.lean.frame import NOT_KEPT, REQUEST_ID, Audience, request_id_of
from authz_service.web.lean.front import Front
from authz_service.web.lean.operation import REVISION
from authz_service.web.limits import Limits
from authz_service.web.problems import Problems
from authz_service.web.views import operation_of, operations_of

# Where an application keeps what is around its views, so that `front` has the same.
_AROUND = "authz.around"


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
        told: hears, with the id of the request, of those that are not in the decision log.
        truth: sees what other processes have written.
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
    told: Callable[[str, int, float, str], None]
    truth: Truth
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
    gate = Gate(parts.clients, parts.limits, parts.truth, parts.max_body)
    problems = Problems(parts.limits.refused, parts.max_body)
    audience = Audience(parts.answered, parts.told)
    app.extensions[_AROUND] = (gate, problems, audience)
    _frame(app, audience)
    _mark_writes(app, gate.truth)
    guards.install(app, gate)
    crowding.install(app)
    _have_problems(app, problems)
    app.register_blueprint(authzen.blueprint(parts.point, gate, max_batch=parts.max_batch))
    app.register_blueprint(metadata.blueprint(parts.pdp_id))
    app.register_blueprint(orquestra.blueprint(parts.point, gate, by_get=parts.orquestra_get))
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


def front(app: Flask) -> Front:
    """
    Give what answers the operations of *app* that need no Flask, and hands on all else to it.

    Args:
        app: made by ``create_app``, as it is served now.
    """
    gate, problems, audience = app.extensions[_AROUND]
    return Front(app.wsgi_app, operations_of(app), gate=gate, problems=problems, audience=audience)


def _frame(app: Flask, audience: Audience) -> None:
    """Give every answer its request id, keep most out of caches, and tell who listens."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id_of(request.environ)

    @app.after_request
    def end(response: Response) -> Response:
        # AuthZEN 1.0, 10.1.3: the same identifier back, whatever the answer is.
        response.headers[REQUEST_ID] = g.request_id
        response.headers.setdefault(*NOT_KEPT)
        status, seconds = response.status_code, time.perf_counter() - g.started
        logged = status == 200 and _is_decision()
        audience.hear(_route(), status, seconds, g.request_id, logged=logged)
        return response


def _is_decision() -> bool:
    """Tell whether the request at work is for a view that also answers without Flask."""
    view = current_app.view_functions.get(request.endpoint or "")
    return view is not None and operation_of(view) is not None


def _mark_writes(app: Flask, truth: Truth) -> None:
    """Have calls that may write say which revision the store was at when they had ended."""

    @app.after_request
    def mark(response: Response) -> Response:
        wrote = request.method != "GET" and response.status_code < 300
        if wrote and "admitted" in g and REVISION not in response.headers:
            # It is done: a store that does not answer now makes no failure of it.
            with suppress(Unavailable):
                # Asked for: what is announced may come after this answer has left.
                response.headers[REVISION] = str(truth.look(asking=True))
        return response


def _have_problems(app: Flask, problems: Problems) -> None:
    """Have *app* answer every error as a problem."""

    def answer(error: Exception) -> Response:
        return views.response(problems.of(error, _route()))

    app.register_error_handler(AuthzError, answer)
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(Exception, answer)


def _route() -> str:
    """Give the template of the route that was called, such as ``/v1/people``, or ``unmatched``."""
    return "unmatched" if request.url_rule is None else request.url_rule.rule
