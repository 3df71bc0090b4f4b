"""Two layers, one implementation: what stands in front of Flask answers as Flask's views do."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from authz_service.domain.decision import Decision, DecisionRecord, Question, Record
from authz_service.domain.errors import StoreUnavailable
from authz_service.domain.facts import Facts
from authz_service.web import views
from authz_service.web.app import create_app, front
from authz_service.web.guards import needs, open_to_all
from authz_service.web.lean.front import Front
from authz_service.web.lean.operation import Call, Operation
from authz_service.web.lean.reply import Reply
from tests.fakes.policies import GRANT, STEP_UP, deny_all
from tests.fakes.service import MEMBER, Service
from tests.web.asked import NAMES, ONE, PATHS, SEVERAL, Asked, answered, requests


def told_reasons(service: Service) -> str:
    """Give the key of a client that is told reasons."""
    shell = next(iter(service.log.records)).caller
    return service.clients.add("told", ["decide"], shell, reasons=True)


def ways(service: Service) -> None:
    """Deny, with what would help."""
    service.policy.verdict = deny_all
    service.policy.ways = (STEP_UP, GRANT)


def as_ever(_service: Service) -> None:
    """Allow whatever is asked."""


def broken_store(service: Service) -> None:
    """Have the store fail once it knows who calls."""

    def fail(_question: Question, _facts: Facts) -> Decision:
        raise StoreUnavailable("the database did not answer")

    service.policy.verdict = fail


def broken_log(service: Service) -> None:
    """Have the decision log refuse."""
    service.log.broken = True


def no_policy(service: Service) -> None:
    """Have no policy."""
    service.policies.policy = None


def a_bug(service: Service) -> None:
    """Have the policy fail as nothing may."""

    def fail(_question: Question, _facts: Facts) -> Decision:
        raise ZeroDivisionError(MEMBER)

    service.policy.verdict = fail


@pytest.mark.parametrize("happens", [as_ever, ways, broken_store, broken_log, no_policy, a_bug])
def test_both_layers_answer_alike(happens: Any) -> None:
    """Status, headers with their order, and every byte are the same, whatever is sent."""
    service = Service()
    keys = [told_reasons(service), service.key_for("decide")]
    poor = service.key_for("metrics")
    app = create_app(service.parts)
    lean, flask = front(app), app.wsgi_app
    happens(service)
    seen = set()
    for asked, key in itertools.product(requests(), keys[: 2 if happens is ways else 1]):
        first, second = (answered(one, asked, key) for one in (flask, lean))
        assert first == second, (asked, key == keys[0])
        seen.add(first.status[:3])
    # A key without the scope; nothing that was sent counts then.
    first, second = (answered(one, Asked(), poor) for one in (flask, lean))
    assert ("403 FORBIDDEN", first) == (second.status, second)
    assert {"400", "401", "404", "405", "413", "503"} <= seen
    assert ("200" if happens in (as_ever, ways) else "500" if happens is a_bug else "503") in seen


def unnamed(record: Record) -> DecisionRecord:
    """Give a decision without its random names and its time."""
    assert isinstance(record, DecisionRecord)
    request = NAMES.sub("NAME", record.request_id or "")
    return record._replace(id="", latency_us=0, request_id=request)


def test_both_layers_write_the_same_records(service: Service) -> None:
    """What is written down of a request does not tell by which layer it came."""
    app = create_app(service.parts)
    written = []
    for layer in (front(app), app.wsgi_app):
        service.log.records.clear()
        for asked in requests():
            answered(layer, asked, service.key)
        written.append([unnamed(one) for one in service.log.records])
        assert MEMBER not in repr(written)
    lean, flask = written
    assert flask == lean
    assert len(lean) > 100


def test_whatever_is_no_operation_is_flask_s(service: Service) -> None:
    """The layer in front answers its POSTs alone, and touches nothing of other requests."""
    app = create_app(service.parts)
    handed: list[dict[str, Any]] = []

    def inner(environ: dict[str, Any], start: Any) -> list[bytes]:
        handed.append(environ)
        start("204 NO CONTENT", [])
        return []

    app.wsgi_app = inner  # type: ignore[assignment, method-assign]  # as Flask means it to be wrapped
    layer = front(app)
    passed = [
        asked
        for asked in requests()
        if asked.path not in PATHS or asked.method != "POST" or asked.odd in HANDSHAKES
    ]
    for asked in passed:
        environ = asked.environ(service.key)
        before = dict(environ)
        layer(environ, lambda *_: None)
        assert handed[-1] is environ
        assert before == environ
    assert len(passed) == len(handed) > 40


HANDSHAKES = [(("HTTP_UPGRADE", "websocket"),)]


def test_every_operation_is_a_route(service: Service) -> None:
    """The layer in front answers exactly the operations among the routes, under their paths."""
    app = create_app(service.parts)
    routes = {
        rule.rule: views.operation_of(app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        if rule.methods == {"POST"}
    }
    operations = {one.path: one for one in front(app).operations}
    assert set(PATHS) == set(operations)
    assert operations == {path: one for path, one in routes.items() if one is not None}


def careless(_call: Call) -> Reply:
    """Answer anybody."""
    return 200, "text/plain", (), b"secret"


def careless_too(_call: Call) -> Reply:
    """Answer anybody."""
    return careless(_call)


def guarded(_call: Call) -> Reply:
    """Answer whom the declaration lets in."""
    return careless(_call)


@pytest.mark.parametrize(
    "declared",
    [careless, open_to_all("a mistake")(careless_too)],
    ids=["undeclared", "open"],
)
def test_no_operation_is_open(service: Service, declared: Any) -> None:
    """An operation that anybody could call stops the start, in front of Flask as behind it."""
    layer = front(create_app(service.parts))
    with pytest.raises(TypeError):
        Front(
            lambda *_: [],
            [Operation("/x", declared)],
            gate=layer._gate,
            problems=layer._problems,
            audience=layer._audience,
        )


def test_an_operation_asks_for_all_its_scopes(service: Service) -> None:
    """Whatever an operation declares is asked for in front of Flask, before its body is read."""
    layer = front(create_app(service.parts))
    asking = Front(
        lambda *_: [],
        [Operation("/x", needs("decide", "search")(guarded))],
        gate=layer._gate,
        problems=layer._problems,
        audience=layer._audience,
    )
    asked = Asked("/x", b"{broken")
    statuses = [
        answered(asking, asked, service.key_for(*scopes)).status[:3]
        for scopes in (("decide",), ("search",), ("decide", "search"))
    ]
    assert ["403", "403", "200"] == statuses


def test_an_answer_is_one_list_of_bytes(service: Service) -> None:
    """Servers have a short way for an exact list of one, so that is what they are given."""
    layer = front(create_app(service.parts))
    for asked in (Asked(), Asked(body=b"{"), Asked(odd=(("HTTP_AUTHORIZATION", None),))):
        parts = layer(asked.environ(service.key), lambda *_: None)
        assert (list, [bytes]) == (type(parts), [type(part) for part in parts])


@pytest.mark.parametrize("lean", [True, False])
def test_who_hears_of_answers(service: Service, *, lean: bool) -> None:
    """All are counted; decisions that are in the log are told nobody, everything else is."""
    told: list[tuple[str, int, str]] = []
    parts = replace(
        service.parts, told=lambda route, status, _, request: told.append((route, status, request))
    )
    app = create_app(parts)
    layer = front(app) if lean else app.wsgi_app
    kept, mistaken = Asked(ONE), Asked(SEVERAL, b"{")
    for asked in (kept, mistaken, Asked("/v1/nothing"), Asked("/healthz", method="GET")):
        answered(layer, asked, service.key)
    assert [(SEVERAL, 400, "one"), ("unmatched", 404, "one"), ("/healthz", 200, "one")] == told
    assert [(ONE, 200), *((route, status) for route, status, _ in told)] == [
        (route, status) for route, status, seconds in service.answers if seconds >= 0
    ]


@pytest.mark.parametrize("lean", [True, False])
def test_counting_costs_no_answer(
    service: Service, caplog: pytest.LogCaptureFixture, *, lean: bool
) -> None:
    """A mistake of who listens is noted without its words, and the decision is given."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError(MEMBER)

    app = create_app(replace(service.parts, answered=fail))
    layer = front(app) if lean else app.wsgi_app
    assert "200" == answered(layer, Asked(), service.key).status[:3]
    assert ["ZeroDivisionError while counting an answer"] == caplog.messages
