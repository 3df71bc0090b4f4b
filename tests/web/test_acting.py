"""Who acts on delegations: proven by a token of GOV.BR in a header, or asserted in the body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from authz_service.domain.decision import ActRecord, Decision, DecisionRecord, Question
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Evidence
from authz_service.domain.sign_in import Cause
from tests.fakes.policies import allow_all
from tests.fakes.service import (
    COMPANY,
    MEMBER,
    MEMBERS_TOKEN,
    REPRESENTATIVE,
    TOKEN,
    VERIFIED,
    Service,
)

PATH = "/v1/delegations"
OTHER = "11144477735"
SEARCH: dict[str, Any] = {"company": COMPANY}
SET: dict[str, Any] = {**SEARCH, "member": MEMBER, "processes": ["P001"]}
PROVEN = {"Govbr-Access-Token": TOKEN}
BY_MEMBER = {"Govbr-Access-Token": MEMBERS_TOKEN}
CALLS = [
    ("PUT", PATH, SET, PROVEN),
    ("POST", PATH, SET, PROVEN),
    ("POST", f"{PATH}/search", SEARCH, PROVEN),
    ("POST", f"{PATH}/{{id}}/history", {}, PROVEN),
    ("POST", f"{PATH}/{{id}}/revoke", {}, PROVEN),
    ("POST", f"{PATH}/{{id}}/renounce", {}, BY_MEMBER),
]
HANDLE = "a-handle_of-somebody-0123456789"


@pytest.fixture
def granted(service: Service) -> str:
    """The id of a delegation that the representative has granted to the member."""
    body = {**SET, "actor": REPRESENTATIVE}
    [shown] = service.send("PUT", PATH, body).get_json()["delegations"]
    return str(shown["id"])


def questions_to(service: Service) -> list[Question]:
    """Give a list that fills with the questions that reach the policy."""
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return allow_all(question, facts)

    service.policy.verdict = verdict
    return seen


def signed_in(service: Service) -> str:
    """Bring the representative's token, and give the handle."""
    said = service.post("/v1/identities", {"access_token": TOKEN}).get_json()
    return str(said["sign_in"])


@pytest.mark.parametrize(("method", "path", "body", "headers"), CALLS)
def test_a_token_needs_no_scope_for_asserting(
    service: Service, granted: str, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    """With a token of the person who acts, a key for delegations alone is enough."""
    key = service.key_for("delegations")
    answer = service.send(method, path.format(id=granted), body, key=key, headers=headers)
    assert 200 == answer.status_code, answer.get_data(as_text=True)


def test_the_person_of_the_token_acts(service: Service) -> None:
    """History, questions and record know the person by GOV.BR, not by the caller's word."""
    seen = questions_to(service)
    [shown] = service.send("PUT", PATH, SET, headers=PROVEN).get_json()["delegations"]
    assert (REPRESENTATIVE, [REPRESENTATIVE]) == (shown["grantor"], shown["backers"])
    assert [(Cpf(REPRESENTATIVE), Evidence.GOVBR)] == [
        (one.actor, one.actor_evidence) for one in seen
    ]
    decided, acted = service.log.records[-2:]
    assert isinstance(decided, DecisionRecord)
    assert isinstance(acted, ActRecord)
    assert (Evidence.GOVBR, "govbr") == (
        decided.asked.actor_evidence,
        acted.details["actor_evidence"],
    )


def test_without_a_token_the_person_is_asserted(service: Service) -> None:
    """Policies can tell an act that a caller vouches for from one that GOV.BR proves."""
    seen = questions_to(service)
    service.send("PUT", PATH, {**SET, "actor": REPRESENTATIVE})
    assert [(Cpf(REPRESENTATIVE), Evidence.ASSERTED)] == [
        (one.actor, one.actor_evidence) for one in seen
    ]


def test_only_the_member_renounces(service: Service, granted: str) -> None:
    """The token decides whose delegation it is, whatever else is true of the caller."""
    path = f"{PATH}/{granted}/renounce"
    assert 404 == service.post(path, {}, headers=PROVEN).status_code
    ended = service.post(path, {}, headers=BY_MEMBER).get_json()
    assert ("renounced", MEMBER) == (ended["state"], ended["history"][-1]["actor"])


@pytest.mark.parametrize("actor", [REPRESENTATIVE, "722.684.025-17"])
def test_the_body_may_name_the_same_person(service: Service, actor: str) -> None:
    """A caller that always names who acts goes on doing so beside the token."""
    answer = service.send("PUT", PATH, {**SET, "actor": actor}, headers=PROVEN)
    assert 200 == answer.status_code


@pytest.mark.parametrize(("method", "path", "body", "headers"), CALLS)
@pytest.mark.parametrize("actor", [OTHER, "72268402518", "", None, 72268402517, [REPRESENTATIVE]])
def test_the_body_may_name_nobody_else(
    service: Service,
    granted: str,
    method: str,
    path: str,
    body: dict[str, object],
    headers: dict[str, str],
    actor: object,
) -> None:
    """An actor who is not the one of the token is a 400 that names the member; nothing is done."""
    before = len(service.log.records)
    sent = {**body, "actor": actor}
    answer = service.send(method, path.format(id=granted), sent, headers=headers)
    assert (400, "actor") == (answer.status_code, answer.get_json()["field"])
    assert before == len(service.log.records)


@pytest.mark.parametrize(("method", "path", "body", "_headers"), CALLS)
def test_without_a_token_somebody_has_to_be_named(
    service: Service,
    granted: str,
    method: str,
    path: str,
    body: object,
    _headers: dict[str, str],
) -> None:
    """An act of nobody is a 400."""
    answer = service.send(method, path.format(id=granted), body)
    assert (400, "actor") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(("method", "path", "_body", "_headers"), CALLS)
@pytest.mark.parametrize("sent", [b"{broken", b" " * 40_000])
def test_asserting_is_refused_before_the_body_is_read(
    service: Service,
    method: str,
    path: str,
    _body: object,
    _headers: dict[str, str],
    sent: bytes,
) -> None:
    """Without a token the scope is asked for as the guards ask: what was sent plays no part."""
    key = service.key_for("delegations", "decide", "standing:assert")
    answer = service.send(method, path.format(id="0" * 32), sent, key=key)
    assert 403 == answer.status_code
    assert "`actor:assert`" in answer.get_json()["detail"]


@pytest.mark.parametrize(("method", "path", "_body", "_headers"), CALLS)
@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("sent", [b"{broken", {**SET, "actor": REPRESENTATIVE}])
def test_a_refused_token_never_falls_back_on_the_body(
    service: Service,
    granted: str,
    method: str,
    path: str,
    _body: object,
    _headers: dict[str, str],
    cause: Cause,
    sent: object,
) -> None:
    """Whatever the body says and the key may do, a token that is refused is a 401 and no act."""
    service.tokens.refuse(TOKEN, cause)
    before = len(service.log.records)
    answer = service.send(method, path.format(id=granted), sent, headers=PROVEN)
    problem = answer.get_json()
    assert (401, cause.value, "access_token") == (
        answer.status_code,
        problem["cause"],
        problem["token"],
    )
    assert 'Bearer realm="authz", error="invalid_token"' == answer.headers["WWW-Authenticate"]
    assert ([cause], before) == (service.refused, len(service.log.records))


@pytest.mark.parametrize("text", ["", " ", f"{TOKEN},{TOKEN}", f"Bearer {TOKEN}", "\xe9"])
def test_a_header_that_is_no_token_is_refused(service: Service, text: str) -> None:
    """An empty header is a token that proves nothing, not the absence of one."""
    sent = {**SEARCH, "actor": REPRESENTATIVE}
    answer = service.post(f"{PATH}/search", sent, headers={"Govbr-Access-Token": text})
    assert (401, "malformed") == (answer.status_code, answer.get_json()["cause"])
    assert [Cause.MALFORMED] == service.refused


def test_a_power_of_attorney_proves_no_act(service: Service) -> None:
    """Who came by Procuração Eletrônica does not act here in the own name."""
    service.tokens.take(TOKEN, replace(VERIFIED, agent=True))
    answer = service.post(f"{PATH}/search", SEARCH, headers=PROVEN)
    assert (401, "agent") == (answer.status_code, answer.get_json()["cause"])


def test_a_token_that_another_client_brought_proves_nothing(service: Service) -> None:
    """A token acts through the client that ingested it, and through no other."""
    signed_in(service)
    key = service.key_for("delegations", "actor:assert")
    answer = service.post(f"{PATH}/search", SEARCH, headers=PROVEN, key=key)
    assert (401, "other-client") == (answer.status_code, answer.get_json()["cause"])


def switch_off(service: Service) -> None:
    """Let no GOV.BR be configured."""
    service.switch_sign_in_off()


def lose_the_keys(service: Service) -> None:
    """Let GOV.BR's keys not be had."""
    service.tokens.down = True


@pytest.mark.parametrize(
    ("breaks", "status", "kind"),
    [(switch_off, 501, "sign-in-off"), (lose_the_keys, 503, "sign-in-unavailable")],
)
def test_without_govbr_a_token_is_not_taken_on_trust(
    service: Service, breaks: Callable[[Service], None], status: int, kind: str
) -> None:
    """A header that cannot be verified is no act, also where the caller could have asserted it."""
    breaks(service)
    sent = {**SEARCH, "actor": REPRESENTATIVE}
    answer = service.post(f"{PATH}/search", sent, headers=PROVEN)
    assert (status, f"urn:inmetro:authz:problem:{kind}") == (
        answer.status_code,
        answer.get_json()["type"],
    )
    assert 200 == service.post(f"{PATH}/search", sent).status_code


def test_the_sign_in_of_the_token_counts(service: Service) -> None:
    """Policies read the sign-in of a token that was brought before."""
    handle, seen = signed_in(service), questions_to(service)
    service.post(f"{PATH}/search", SEARCH, headers=PROVEN)
    assert [handle] == [one.sign_in for one in seen]


@pytest.mark.parametrize("brought", [True, False])
def test_beside_a_token_no_handle_is_looked_at(service: Service, *, brought: bool) -> None:
    """The token says which sign-in it is; a handle in the body does not change that."""
    handle = signed_in(service) if brought else None
    seen = questions_to(service)
    service.post(f"{PATH}/search", {**SEARCH, "sign_in": HANDLE}, headers=PROVEN)
    assert [handle] == [one.sign_in for one in seen]


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ({}, None),
        ({"sign_in": None}, None),
        ({"sign_in": ""}, None),
        ({"sign_in": "no handle"}, None),
        ({"sign_in": "x" * 65}, None),
        ({"sign_in": HANDLE}, HANDLE),
        ({"sign_in": "x" * 64}, "x" * 64),
    ],
)
def test_an_asserted_actor_may_bring_a_handle(
    service: Service, sent: dict[str, object], asked: str | None
) -> None:
    """Policies can read the sign-in that the caller says the person acts in."""
    seen = questions_to(service)
    service.post(f"{PATH}/search", {**SEARCH, "actor": REPRESENTATIVE, **sent})
    assert [asked] == [one.sign_in for one in seen]


@pytest.mark.parametrize("value", [1, True, [], {}, [HANDLE]])
@pytest.mark.parametrize("headers", [{}, PROVEN])
def test_a_handle_is_a_text(service: Service, value: object, headers: dict[str, str]) -> None:
    """Any other kind of value is a 400 that names the member."""
    sent = {**SEARCH, "actor": REPRESENTATIVE, "sign_in": value}
    answer = service.post(f"{PATH}/search", sent, headers=headers)
    assert (400, "sign_in") == (answer.status_code, answer.get_json()["field"])


def test_beside_a_token_everything_that_is_wrong_is_named(service: Service) -> None:
    """Only the actor may be absent: all other members are as required as ever."""
    problem = service.send("PUT", PATH, {"until": "soon"}, headers=PROVEN).get_json()
    assert {"company", "member", "processes", "until"} == {
        one["field"] for one in problem["errors"]
    }
