"""AuthZEN's metadata: what anybody may know, from the settings and from nowhere else."""

from __future__ import annotations

import pytest

from tests.fakes.service import PDP_ID, Service

PATH = "/.well-known/authzen-configuration"
DOCUMENT = {
    "policy_decision_point": PDP_ID,
    "access_evaluation_endpoint": f"{PDP_ID}/access/v1/evaluation",
    "access_evaluations_endpoint": f"{PDP_ID}/access/v1/evaluations",
}


def test_it_tells_what_is_answered_where(service: Service) -> None:
    """Rows 61, 62: without a key, exactly the APIs that are served, and nothing empty."""
    answer = service.http.get(PATH)
    assert (200, "application/json") == (answer.status_code, answer.headers["Content-Type"])
    assert DOCUMENT == answer.get_json()


def test_what_it_tells_is_served(service: Service) -> None:
    """A question at each endpoint of the document reaches this service."""
    endpoints = [url.removeprefix(PDP_ID) for name, url in DOCUMENT.items() if "endpoint" in name]
    body = {
        "subject": {"type": "user", "id": "x"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "1"},
    }
    found = [service.post(path, body).get_json() for path in endpoints]
    assert [{"decision": False}] * 2 == found


def test_it_may_be_kept(service: Service) -> None:
    """Row 65: by anybody, for an hour; a decision by nobody."""
    assert "public, max-age=3600" == service.http.get(PATH).headers["Cache-Control"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"X-Forwarded-Prefix": "/evil", "X-Original-URL": "https://evil.example/"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_request_changes_it(service: Service, headers: dict[str, str]) -> None:
    """Row 63: who sends another host is told the same as everybody."""
    assert DOCUMENT == service.http.get(PATH, headers=headers).get_json()


def test_without_the_setting_there_is_none() -> None:
    """The operator has not said under which address callers come, so nobody is told one."""
    answer = Service(pdp_id=None).http.get(PATH)
    assert (404, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert "no-store" == answer.headers["Cache-Control"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD"])
def test_it_is_only_read(service: Service, method: str) -> None:
    """Row 65: another method is a 405 that says which one is allowed."""
    answer = service.http.open(PATH, method=method)
    assert (405, "GET") == (answer.status_code, answer.headers["Allow"])
