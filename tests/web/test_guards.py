"""Guards: no route is open by accident, and nothing happens before the key is checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from authz_service.domain.clients import SCOPES, parse_network
from authz_service.domain.decision import Caller
from authz_service.web import guards
from tests.fakes.service import TOKEN, Service

pytestmark = pytest.mark.usefixtures("layer")

OPEN = {
    "/healthz",
    "/readyz",
    "/.well-known/authzen-configuration",
    "/openapi.json",
    "/docs",
}
PROVEN = {"Govbr-Access-Token": TOKEN}
"""Says who acts, where that has to be known; every other route takes no notice of it."""
SCOPES_OF_ROUTES = {
    ("POST", "/access/v1/evaluation"): ("decide",),
    ("POST", "/access/v1/evaluations"): ("decide",),
    ("POST", "/v1/orquestra/decisao"): ("decide",),
    ("GET", "/v1/orquestra/decisao"): ("decide",),
    ("PUT", "/v1/delegations"): ("delegations",),
    ("POST", "/v1/delegations"): ("delegations",),
    ("POST", "/v1/delegations/search"): ("delegations",),
    ("POST", "/v1/delegations/<delegation_id>/history"): ("delegations",),
    ("POST", "/v1/delegations/<delegation_id>/revoke"): ("delegations",),
    ("POST", "/v1/delegations/<delegation_id>/renounce"): ("delegations",),
    ("GET", "/v1/decisions"): ("decisions:read",),
    ("POST", "/v1/decisions/search"): ("decisions:read",),
    ("GET", "/v1/decisions/<decision_id>"): ("decisions:read",),
    ("POST", "/v1/decisions/<decision_id>/persons"): ("decisions:clear",),
    ("POST", "/v1/identities"): ("identities",),
    ("POST", "/v1/confirmations"): ("confirmations",),
    ("POST", "/v1/people"): ("standing:assert",),
    ("POST", "/v1/people/lookup"): ("people:read",),
    ("POST", "/v1/standing"): ("standing:assert",),
    ("POST", "/v1/standing/search"): ("people:read",),
    ("GET", "/v1/companies"): ("people:read",),
    ("POST", "/v1/companies"): ("companies",),
    ("GET", "/v1/companies/<company_id>"): ("people:read",),
    ("PUT", "/v1/companies/<company_id>"): ("companies",),
    ("POST", "/v1/companies/<company_id>/validate"): ("companies",),
    ("POST", "/v1/companies/<company_id>/withdraw"): ("companies",),
    ("POST", "/v1/bonds"): ("standing:assert",),
    ("GET", "/v1/bonds"): ("people:read",),
    ("GET", "/v1/processes"): ("catalogue:read",),
    ("GET", "/v1/processes/<process_id>"): ("catalogue:read",),
    ("PUT", "/v1/processes/<process_id>"): ("catalogue",),
    ("POST", "/v1/processes/<process_id>/versions"): ("catalogue",),
    ("GET", "/v1/clients"): ("clients",),
    ("POST", "/v1/clients"): ("clients",),
    ("POST", "/v1/clients/<name>/keys"): ("clients",),
    ("POST", "/v1/clients/<name>/revoke"): ("clients",),
    ("POST", "/v1/explanations"): ("explain",),
    ("GET", "/v1/policy"): ("policy:read",),
    ("GET", "/metrics"): ("metrics",),
}
"""What the contract says, written down a second time on purpose."""


def routes(app: Flask) -> Iterator[tuple[str, str, guards.Access]]:
    """Give method, template and declaration of everything that *app* serves."""
    for rule in app.url_map.iter_rules():
        access = guards.access_of(app.view_functions[rule.endpoint])
        for method in rule.methods or ():
            yield method, rule.rule, access


def guarded() -> list[tuple[str, str, tuple[str, ...]]]:
    """Give method, a path and the scopes of every route that needs a key."""
    return [
        (method, re.sub("<[^>]+>", "0" * 32, template), access.scopes)
        for method, template, access in routes(Service(orquestra_get=True).app)
        if access.scopes
    ]


@pytest.fixture
def whole() -> Service:
    """A service with every route there can be."""
    return Service(orquestra_get=True)


def test_little_is_open(whole: Service) -> None:
    """Whatever answers without a key is a probe or published, and says why it may."""
    opened = {
        (template, bool(access.why))
        for _, template, access in routes(whole.app)
        if not access.scopes
    }
    assert {(template, True) for template in OPEN} == opened


def test_every_route_needs_the_scopes_of_the_contract(whole: Service) -> None:
    """The routes, their methods and their scopes are exactly those that are promised."""
    served = {
        (method, template): access.scopes
        for method, template, access in routes(whole.app)
        if access.scopes
    }
    assert SCOPES_OF_ROUTES == served


@pytest.mark.parametrize("template", sorted(OPEN))
def test_what_is_open_needs_no_key(whole: Service, template: str) -> None:
    """The open routes answer without a key, and do not look at a wrong one."""
    wrong = {"Authorization": "Bearer wrong"}
    assert 200 == whole.http.get(template).status_code
    assert 200 == whole.http.get(template, headers=wrong).status_code


@pytest.mark.parametrize(("method", "path", "scopes"), guarded())
def test_without_a_key_nothing_is_answered(
    whole: Service, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    """A guarded route is a 401 that says how to come back, before the body is looked at."""
    answer = whole.http.open(path, method=method, data=b'{"broken', headers=PROVEN)
    assert (401, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert 'Bearer realm="authz"' == answer.headers["WWW-Authenticate"]
    assert "urn:inmetro:authz:problem:caller-unknown" == answer.get_json()["type"]
    assert [] == whole.tokens.asked


@pytest.mark.parametrize(("method", "path", "scopes"), guarded())
def test_each_scope_of_a_route_is_needed(
    whole: Service, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    """A key with every scope but one that the route needs is a 403 that names that one."""
    for scope in scopes:
        key = whole.key_for(*SCOPES.keys() - {scope})
        answer = whole.send(method, path, b'{"broken', key=key, headers=PROVEN)
        assert (403, "application/problem+json") == (answer.status_code, answer.mimetype)
        assert f"`{scope}`" in answer.get_json()["detail"]
        assert [] == whole.tokens.asked


@pytest.mark.parametrize(("method", "path", "scopes"), guarded())
def test_the_scopes_of_a_route_are_enough(
    whole: Service, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    """A key with exactly the scopes of a route gets past the guard."""
    answer = whole.send(method, path, {}, key=whole.key_for(*scopes), headers=PROVEN)
    # A 404 is of the thing that the path names, so the view has been reached.
    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize(("scopes", "status"), [((), 403), (("actor:assert",), 400)])
def test_a_scope_that_some_calls_need_is_asked_for_before_the_body(
    whole: Service, scopes: tuple[str, ...], status: int
) -> None:
    """Where nobody proves who acts, the view itself demands the scope for asserting it."""
    key = whole.key_for("delegations", *scopes)
    answer = whole.send("PUT", "/v1/delegations", b'{"broken', key=key)
    assert status == answer.status_code
    assert ("`actor:assert`" in answer.get_json()["detail"]) == (status == 403)


def headers_with(key: str) -> list[dict[str, str]]:
    """Give headers that do not show *key* as it has to be shown."""
    return [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": key},
        {"Authorization": f"Basic {key}"},
        {"Authorization": f"Bearer {key}x"},
        {"Authorization": f"Bearer {key[:-1]}"},
        {"Authorization": f"Bearer {key}, Bearer {key}"},
        {"Authorization": f"Bearer {key} x"},
        {"Authorization": f"Bearer {key.upper()}"},
        {"Authorization": "Bearer a_b_c"},
        {"Authorization": "Bearer authz__"},
        {"Authorization": "Bearer \xe9_\xe9_\xe9"},
        {"Authorization": "Bearer " + "x" * 5000},
        {"X-API-Key": key},
    ]


@pytest.mark.parametrize("position", range(16))
def test_what_is_not_exactly_a_valid_key_is_refused(service: Service, position: int) -> None:
    """A key that is absent, altered or shown in another way is a 401 that repeats nothing."""
    headers = headers_with(service.key)[position]
    answer = service.http.post("/v1/people", json={}, headers=headers)
    assert 401 == answer.status_code
    assert service.key[:12] not in answer.get_data(as_text=True) + str(answer.headers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(service: Service, scheme: str) -> None:
    """Authentication schemes are compared without case (RFC 9110, 11.1)."""
    headers = {"Authorization": f"{scheme} {service.key}"}
    assert 400 == service.http.post("/v1/people", json={}, headers=headers).status_code


def test_a_key_in_the_url_is_none(service: Service) -> None:
    """A key in the query is not looked at."""
    assert 401 == service.http.get(f"/metrics?access_token={service.key}").status_code


def test_a_revoked_key_is_refused_at_once(service: Service) -> None:
    """The next call after the revocation is a 401."""
    key = service.key_for("metrics")
    assert 200 == service.send("GET", "/metrics", key=key).status_code
    service.clients.revoke("c1", Caller("tests"))
    assert 401 == service.send("GET", "/metrics", key=key).status_code


def test_an_expired_key_is_refused(service: Service) -> None:
    """From the instant at which a key expires it is a 401."""
    expires = service.clock() + timedelta(minutes=1)
    key = service.clients.add("short", ["metrics"], Caller("tests"), expires_at=expires)
    assert 200 == service.send("GET", "/metrics", key=key).status_code
    service.clock.advance(timedelta(minutes=1))
    assert 401 == service.send("GET", "/metrics", key=key).status_code


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 401)])
def test_a_key_is_bound_to_its_networks(service: Service, network: str, status: int) -> None:
    """A key counts only from its networks, and headers of proxies do not change the source."""
    networks = (parse_network(network),)
    key = service.clients.add("bound", ["metrics"], Caller("tests"), networks=networks)
    headers = {"X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3"}
    assert status == service.send("GET", "/metrics", key=key, headers=headers).status_code


def test_an_unknown_path_is_not_found_without_a_key(service: Service) -> None:
    """Routes are no secret: a path that does not exist is a 404 for anybody."""
    assert 404 == service.http.get("/v1/nothing").status_code


def test_a_view_without_a_declaration_cannot_be_registered(service: Service) -> None:
    """Forgetting to say who may call a view stops the start, not the auditor."""
    with pytest.raises(TypeError, match="does not declare"):
        service.app.add_url_rule("/x", view_func=lambda: "x")


def test_a_view_that_came_in_another_way_is_not_served(service: Service) -> None:
    """A view put in place of a declared one without a declaration fails closed."""

    def careless() -> dict[str, Any]:
        return {"secret": True}

    service.app.view_functions["ops.healthz"] = careless
    assert 500 == service.http.get("/healthz").status_code


@pytest.mark.parametrize("scopes", [(), ("decides",), ("decide", "admin"), ("",)])
def test_a_declaration_names_scopes_that_exist(scopes: tuple[str, ...]) -> None:
    """A scope with a typing error would lock everybody out, so it stops the start."""
    with pytest.raises(ValueError, match="scope"):
        guards.needs(*scopes)
