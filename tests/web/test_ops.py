"""Operation over HTTP: alive, ready, counted."""

from __future__ import annotations

import pytest

from authz_service.usecases.ports import Ping
from tests.fakes.service import Service


def ping(name: str, ailment: str | None, *, vital: bool) -> Ping:
    """Give a part that always answers *ailment*."""
    return Ping(name, vital, lambda: ailment)


def test_healthz_answers_whatever_ails() -> None:
    """A process that can answer is alive, even if it can decide nothing."""
    service = Service(pings=(ping("database", "gone", vital=True),))
    service.policies.policy = None
    service.store.broken = True
    answer = service.http.get("/healthz")
    assert (200, {"status": "ok"}) == (answer.status_code, answer.get_json())


@pytest.mark.parametrize(
    ("pings", "status", "body"),
    [
        ((), 200, {"ready": True, "parts": {}}),
        (
            (ping("policy", None, vital=True), ping("database", None, vital=True)),
            200,
            {"ready": True, "parts": {"policy": "ok", "database": "ok"}},
        ),
        (
            (ping("policy", None, vital=True), ping("clock", "is 3 s off", vital=False)),
            200,
            {"ready": True, "parts": {"policy": "ok", "clock": "is 3 s off"}},
        ),
        (
            (ping("policy", "none is loaded", vital=True), ping("clock", None, vital=False)),
            503,
            {"ready": False, "parts": {"policy": "none is loaded", "clock": "ok"}},
        ),
    ],
)
def test_readyz_tells_what_ails(pings: tuple[Ping, ...], status: int, body: object) -> None:
    """Only a vital part makes a 503; whatever else ails is named."""
    answer = Service(pings=pings).http.get("/readyz")
    assert (status, body) == (answer.status_code, answer.get_json())


def test_metrics_leave_as_they_are(service: Service) -> None:
    """The exposition is the one answer that is no JSON."""
    answer = service.send("GET", "/metrics")
    assert (200, b"decisions_total 1.0\n") == (answer.status_code, answer.get_data())
    assert "text/plain; version=0.0.4" == answer.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_may_ask_by_head(service: Service, path: str) -> None:
    """Load balancers ask by HEAD: the status alone."""
    answer = service.http.head(path)
    assert (200, b"") == (answer.status_code, answer.get_data())


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/healthz", "/healthz", 200),
        ("POST", "/v1/people", "/v1/people", 400),
        ("POST", "/v1/delegations/abc/revoke", "/v1/delegations/<delegation_id>/revoke", 400),
        ("GET", "/v1/people", "unmatched", 405),
        ("GET", "/18762794604", "unmatched", 404),
    ],
)
def test_every_answer_is_counted_by_its_template(
    service: Service, method: str, path: str, route: str, status: int
) -> None:
    """The listener hears the route without its particulars, the status and a duration."""
    service.send(method, path, {})
    [(heard, code, seconds)] = service.answers
    assert (route, status) == (heard, code)
    assert 0 <= seconds < 5


def test_answers_without_a_key_are_counted_too(service: Service) -> None:
    """A refused caller is heard of as well."""
    service.http.post("/v1/people")
    assert [("/v1/people", 401)] == [answer[:2] for answer in service.answers]
