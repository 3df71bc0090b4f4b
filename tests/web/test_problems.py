"""Problems: one shape for everything that goes wrong, and the same frame for every answer."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.decision import Decision, Question
from authz_service.domain.errors import PolicyInvalid, Unavailable
from authz_service.domain.facts import Facts
from tests.fakes.policies import deny_all
from tests.fakes.service import COMPANY, MAX_BODY, MEMBER, REPRESENTATIVE, TOKEN, Service

pytestmark = pytest.mark.usefixtures("layer")

EVALUATION = "/access/v1/evaluation"
A: dict[str, Any] = {
    "subject": {"type": "person", "id": MEMBER},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": COMPANY}},
}


def failing(error: Exception) -> Callable[[Question, Facts], Decision]:
    """Give a verdict that raises, as a bug would."""

    def verdict(_question: Question, _facts: Facts) -> Decision:
        raise error

    return verdict


def ok(service: Service, **options: Any) -> TestResponse:
    """Provoke a 200."""
    return service.post(EVALUATION, A, **options)


def bad_request(service: Service, **options: Any) -> TestResponse:
    """Provoke a 400."""
    return service.post(EVALUATION, b"{", **options)


def unauthorized(service: Service, **options: Any) -> TestResponse:
    """Provoke a 401."""
    return service.post(EVALUATION, A, key="wrong", **options)


def token_refused(service: Service, **options: Any) -> TestResponse:
    """Provoke a 401 by a token of GOV.BR."""
    return service.post("/v1/identities", {"access_token": "wrong"}, **options)


def forbidden(service: Service, **options: Any) -> TestResponse:
    """Provoke a 403 by a missing scope."""
    return service.post(EVALUATION, A, key=service.key_for("metrics"), **options)


def refused(service: Service, **options: Any) -> TestResponse:
    """Provoke a 403 by the policy."""
    service.policy.verdict = deny_all
    body = {"actor": REPRESENTATIVE, "company": COMPANY}
    return service.post("/v1/delegations/search", body, **options)


def not_found(service: Service, **options: Any) -> TestResponse:
    """Provoke a 404."""
    return service.post("/v1/nothing", A, **options)


def not_allowed(service: Service, **options: Any) -> TestResponse:
    """Provoke a 405."""
    return service.send("DELETE", EVALUATION, A, **options)


def conflict(service: Service, **options: Any) -> TestResponse:
    """Provoke a 409."""
    sent = {"actor": MEMBER, "company": COMPANY, "member": MEMBER, "processes": ["P001"]}
    [one] = service.send("PUT", "/v1/delegations", sent).get_json()["delegations"]
    path = f"/v1/delegations/{one['id']}/renounce"
    service.post(path, {"actor": MEMBER})
    return service.post(path, {"actor": MEMBER}, **options)


def stale(service: Service, **options: Any) -> TestResponse:
    """Provoke a 412."""
    headers = {"If-Match": '"another"', **options.pop("headers", {})}
    sent = {"version": 9}
    return service.post("/v1/processes/p001/versions", sent, headers=headers, **options)


def too_large(service: Service, **options: Any) -> TestResponse:
    """Provoke a 413."""
    return service.post(EVALUATION, b" " * (MAX_BODY + 1), **options)


def broken(service: Service, **options: Any) -> TestResponse:
    """Provoke a 500."""
    service.policy.verdict = failing(RuntimeError(f"no reason for {MEMBER}"))
    return service.post(EVALUATION, A, **options)


def sign_in_off(service: Service, **options: Any) -> TestResponse:
    """Provoke a 501."""
    service.switch_sign_in_off()
    return service.post("/v1/identities", {"access_token": TOKEN}, **options)


def sign_in_unavailable(service: Service, **options: Any) -> TestResponse:
    """Provoke a 503 by a GOV.BR that does not answer."""
    service.tokens.down = True
    return service.post("/v1/identities", {"access_token": TOKEN}, **options)


def unavailable(service: Service, **options: Any) -> TestResponse:
    """Provoke a 503."""
    service.policies.policy = None
    return service.post(EVALUATION, A, **options)


PROBLEMS = [
    (bad_request, 400, "invalid-input"),
    (unauthorized, 401, "caller-unknown"),
    (token_refused, 401, "token-refused"),
    (forbidden, 403, "caller-forbidden"),
    (refused, 403, "act-refused"),
    (not_found, 404, None),
    (not_allowed, 405, None),
    (conflict, 409, "conflict"),
    (stale, 412, "precondition-failed"),
    (too_large, 413, None),
    (broken, 500, None),
    (sign_in_off, 501, "sign-in-off"),
    (sign_in_unavailable, 503, "sign-in-unavailable"),
    (unavailable, 503, "unavailable"),
]
EVERYTHING = [ok, *(provoke for provoke, _, _ in PROBLEMS)]


@pytest.mark.parametrize(("provoke", "status", "kind"), PROBLEMS)
def test_every_error_has_one_shape(
    service: Service, provoke: Callable[[Service], TestResponse], status: int, kind: str | None
) -> None:
    """Type, title, status and detail stand in each problem, and the status says the same."""
    answer = provoke(service)
    problem = answer.get_json()
    assert (status, "application/problem+json") == (
        answer.status_code,
        answer.headers["Content-Type"],
    )
    assert (status, f"urn:inmetro:authz:problem:{kind}" if kind else "about:blank") == (
        problem["status"],
        problem["type"],
    )
    assert ["type", "title", "status", "detail"] == list(problem)[:4]
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize(
    ("provoke", "challenge"),
    [
        (unauthorized, 'Bearer realm="authz"'),
        (token_refused, 'Bearer realm="authz", error="invalid_token"'),
        (forbidden, None),
        (sign_in_off, None),
        (sign_in_unavailable, None),
    ],
)
def test_a_refused_token_is_not_taken_for_a_refused_key(
    service: Service, provoke: Callable[[Service], TestResponse], challenge: str | None
) -> None:
    """Every 401 carries a challenge (RFC 9110, 15.5.2), and the two kinds have different ones."""
    assert challenge == provoke(service).headers.get("WWW-Authenticate")


@pytest.mark.parametrize(
    ("provoke", "retry"), [(sign_in_off, None), (sign_in_unavailable, "5"), (unavailable, "5")]
)
def test_only_what_may_pass_invites_to_try_again(
    service: Service, provoke: Callable[[Service], TestResponse], retry: str | None
) -> None:
    """What is switched off stays so however often one asks."""
    assert retry == provoke(service).headers.get("Retry-After")


def test_govbr_that_cannot_be_asked_is_named(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller hears that it is GOV.BR, the operator at which route and why."""
    problem = sign_in_unavailable(service).get_json()
    assert ("Sign-in is not possible now", "GOV.BR cannot be asked now") == (
        problem["title"],
        problem["detail"],
    )
    [record] = caplog.records
    assert record.getMessage().startswith("SignInUnavailable in /v1/identities: ")


REQUEST_IDS = [
    "7f3c",
    "a b;c,d=\"e\" 'f' <g> {h} [i] \\ / ? # %00 ~",
    "x" * 200,
    "\xe9\xff",
    MEMBER,
]


@pytest.mark.parametrize("provoke", EVERYTHING)
@pytest.mark.parametrize("sent", REQUEST_IDS)
def test_the_request_id_comes_back(
    service: Service, provoke: Callable[..., TestResponse], sent: str
) -> None:
    """Rows 27 and 28: every answer repeats the caller's X-Request-ID to the letter."""
    assert sent == provoke(service, headers={"X-Request-ID": sent}).headers["X-Request-ID"]


@pytest.mark.parametrize("provoke", EVERYTHING)
@pytest.mark.parametrize("headers", [{}, {"X-Request-ID": ""}])
def test_without_a_request_id_one_is_made(
    service: Service, provoke: Callable[..., TestResponse], headers: dict[str, str]
) -> None:
    """Every answer has a request id of its own if the caller brought none."""
    made = {provoke(service, headers=headers).headers["X-Request-ID"] for _ in range(2)}
    assert 2 == len(made)
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


@pytest.mark.parametrize("provoke", EVERYTHING)
def test_no_answer_is_kept_in_a_cache(
    service: Service, provoke: Callable[[Service], TestResponse]
) -> None:
    """A decision is of its moment, so nothing may be stored on the way."""
    assert "no-store" == provoke(service).headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/access/v1/evaluation/",
        "//access/v1/evaluation",
        "/access//v1/evaluation",
        "/access/v1",
        "/access/v1/Evaluation",
        "/static/x",
        "/v1/delegations/",
        "/v1/delegations/a/b/revoke",
        f"/v1/people/{MEMBER}",
    ],
)
def test_no_path_redirects(service: Service, path: str) -> None:
    """Row 31: what is not exactly a route is a 404, since a redirect would drop the body."""
    assert 404 == service.post(path, A).status_code


@pytest.mark.parametrize("path", [EVALUATION, "/v1/people", "/metrics", "/healthz"])
def test_options_is_no_method_of_ours(service: Service, path: str) -> None:
    """Only declared methods are served; OPTIONS, which browsers send, is none of them."""
    answer = service.http.options(path)
    assert 405 == answer.status_code
    assert "OPTIONS" not in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("breaks", "detail"),
    [
        (lambda service: setattr(service.policies, "policy", None), "there is no valid policy"),
        (
            lambda service: setattr(service.log, "broken", True),
            "the decision log cannot be written or read",
        ),
        (lambda service: setattr(service.store, "broken", True), "the database does not answer"),
        (
            lambda service: setattr(service.policy, "verdict", failing(Unavailable(MEMBER))),
            "a part of the service does not answer",
        ),
    ],
)
@pytest.mark.parametrize("path", [EVALUATION, "/v1/orquestra/decisao"])
def test_without_a_vital_part_there_is_no_decision(
    service: Service, path: str, breaks: Callable[[Service], None], detail: str
) -> None:
    """No policy, store or log is a 503 that says which and when to try again, and no more."""
    breaks(service)
    flat = {"cpf": MEMBER, "cnpj": COMPANY, "processo": "P001", "acao": "iniciar"}
    answer = service.post(path, {**A, **flat})
    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
    assert detail == answer.get_json()["detail"]


@pytest.mark.parametrize(
    "error", [RuntimeError(MEMBER), RecursionError(MEMBER), PolicyInvalid([]), KeyError(MEMBER)]
)
def test_what_nobody_expected_is_told_to_nobody(
    service: Service, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """A bug is a bare 500; the log has its type, route and place, and nothing that was sent."""
    service.policy.verdict = failing(error)
    with caplog.at_level(logging.DEBUG):
        answer = service.post(EVALUATION, A, headers={"X-Request-ID": "caller's own"})
    assert 500 == answer.status_code
    assert "the service failed" == answer.get_json()["detail"]
    [line] = [record.getMessage() for record in caplog.records]
    assert f"unexpected {type(error).__name__} in {EVALUATION} at " in line
    assert "authz_service.usecases.decide:" in line
    assert MEMBER not in caplog.text
    assert "caller's own" not in caplog.text


def test_a_part_that_ails_is_logged_by_its_kind(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator reads which part failed at which route, and why."""
    service.log.broken = True
    service.post(EVALUATION, A)
    expected = f"LogUnavailable in {EVALUATION}: the decision log cannot be written"
    assert [expected] == [one.getMessage() for one in caplog.records]


def test_counting_must_not_cost_an_answer(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """If the listener of answers fails, the decision still leaves, with all its headers."""

    class Deaf(list[tuple[str, int, float]]):
        """A list that takes nothing."""

        def append(self, _item: tuple[str, int, float]) -> None:
            """Refuse."""
            raise OSError(MEMBER)

    service.answers = Deaf()
    answer = ok(service, headers={"X-Request-ID": "r"})
    assert (200, "r") == (answer.status_code, answer.headers["X-Request-ID"])
    assert ["OSError while counting an answer"] == [one.getMessage() for one in caplog.records]


@pytest.mark.parametrize("host", [f"{MEMBER} x", f"{MEMBER}/..", f"http://{MEMBER}", "x:y"])
def test_a_host_that_is_none_is_not_repeated(service: Service, host: str) -> None:
    """Whatever stands in Host, it neither makes the service fail nor comes back."""
    answer = service.post("/v1/nothing", A, headers={"Host": host})
    assert answer.status_code in (400, 404)
    assert host not in answer.get_data(as_text=True)
