"""Identities over HTTP: the tokens of one sign-in become a person, standing and a handle."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.decision import ActRecord
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.sign_in import Cause, Companies
from tests.fakes.clock import NOON
from tests.fakes.govbr import Answers, failing, listing
from tests.fakes.service import (
    COMPANY,
    MAX_BODY,
    REPRESENTATIVE,
    TOKEN,
    VERIFIED,
    Service,
)

PATH = "/v1/identities"
OTHER_COMPANY = "12ABC34501DE35"
SENT = {"access_token": TOKEN}
NOW = "2026-11-20T15:00:00Z"
NO_STRINGS: list[object] = [1, True, [TOKEN], {}]

SOCIO = Standing(
    Cnpj.parse(COMPANY),
    Cpf.parse(REPRESENTATIVE),
    Role.SOCIO,
    Evidence.GOVBR,
    NOON,
    ends_at=NOON + timedelta(days=30),
    cadastrador=True,
)


def test_a_sign_in_is_answered_whole(service: Service) -> None:
    """Person, standing, what the tokens told, and a handle that ends with the token."""
    service.companies.answers = listing(SOCIO)
    answer = service.post(PATH, SENT)
    said = answer.get_json()
    assert (201, "application/json") == (answer.status_code, answer.mimetype)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,64}", said["sign_in"])
    assert {
        "sign_in": said["sign_in"],
        "ends_at": "2026-11-20T16:00:00Z",
        "again": False,
        "person": {"cpf": REPRESENTATIVE, "registered_at": NOW, "confirmed_at": None},
        "level": "gold",
        "method": "password",
        "methods": ["passwd", "mfa", "otp"],
        "certificate": None,
        "second_factor": True,
        "certificate_company": None,
        "agent": False,
        "authenticated_at": "2026-11-20T14:55:00Z",
        "companies": "observed",
        "unanswered": [],
        "standing": [
            {
                "company": COMPANY,
                "role": "socio",
                "evidence": "govbr",
                "cadastrador": True,
                "observed_at": NOW,
                "ends_at": "2026-12-20T15:00:00Z",
                "in_force": True,
            }
        ],
        "notes": [],
    } == said


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"level": None}, {"level": None}),
        ({"authenticated_at": None}, {"authenticated_at": None}),
        (
            {"methods": ("x509", "x509_token"), "certificate_company": Cnpj.parse(COMPANY)},
            {"method": "certificate", "certificate": "device", "certificate_company": COMPANY},
        ),
        ({"methods": ("x509_vidaas",)}, {"method": "certificate", "certificate": "cloud"}),
        ({"methods": ()}, {"method": "other", "methods": [], "second_factor": False}),
        ({"notes": ("id_token-expired",)}, {"notes": ["id_token-expired"]}),
        ({"agent": True}, {"agent": True, "companies": "agent"}),
        ({"scopes": frozenset(("openid",))}, {"companies": "not_granted"}),
    ],
)
def test_what_the_tokens_told_is_shown(
    service: Service, changes: dict[str, Any], shown: dict[str, object]
) -> None:
    """Every fact of the sign-in is answered in the words that policies read, absence as null."""
    service.tokens.take(TOKEN, replace(VERIFIED, **changes))
    said = service.post(PATH, SENT).get_json()
    assert shown == {name: said[name] for name in shown}


def test_the_same_token_again_changes_nothing(service: Service) -> None:
    """A repeated call of the same client is a 200 with the same handle and asks nobody."""
    service.companies.answers = listing(SOCIO)
    first = service.post(PATH, SENT)
    service.companies.answers = listing()
    before = len(service.log.records)
    again = service.post(PATH, SENT)
    assert (201, 200) == (first.status_code, again.status_code)
    assert {**first.get_json(), "again": True, "unanswered": None} == again.get_json()
    assert 1 == len(service.companies.asked)
    assert before == len(service.log.records)


def test_the_token_of_another_client_is_refused(service: Service) -> None:
    """Whoever has got hold of a token that another client brought learns nothing by it."""
    service.post(PATH, SENT)
    answer = service.post(PATH, SENT, key=service.key_for("identities"))
    assert (401, "other-client") == (answer.status_code, answer.get_json()["cause"])
    assert [Cause.OTHER_CLIENT] == service.refused


@pytest.mark.parametrize(
    ("answers", "outcome", "unanswered", "roles"),
    [
        (listing(), "observed", [], []),
        (
            listing(outcome=Companies.PARTIAL, unanswered=frozenset((Cnpj.parse(COMPANY),))),
            "partial",
            [COMPANY],
            ["socio"],
        ),
        (failing, "failed", [], ["socio"]),
    ],
)
def test_what_became_of_the_companies_is_said(
    service: Service, answers: Answers, outcome: str, unanswered: list[str], roles: list[str]
) -> None:
    """A failed answer is still a sign-in: it says so, and what was known stays."""
    service.companies.answers = listing(SOCIO)
    service.post(PATH, SENT)
    service.companies.answers = answers
    service.clock.advance(timedelta(minutes=1))
    service.tokens.take("another", VERIFIED)
    answer = service.post(PATH, {"access_token": "another"})
    said = answer.get_json()
    assert (201, outcome, unanswered) == (answer.status_code, said["companies"], said["unanswered"])
    assert roles == [one["role"] for one in said["standing"]]


def test_standing_that_is_over_is_shown_as_such(service: Service) -> None:
    """An expired link is still listed, and not in force."""
    service.companies.answers = listing(replace(SOCIO, ends_at=NOON, cadastrador=None))
    [shown] = service.post(PATH, SENT).get_json()["standing"]
    assert (False, NOW, None) == (shown["in_force"], shown["ends_at"], shown["cadastrador"])


@pytest.mark.parametrize(("at_once", "confirmed_at"), [(False, None), (True, NOW)])
def test_a_setting_confirms_at_once(*, at_once: bool, confirmed_at: str | None) -> None:
    """Where Orquestra does not confirm, the first sign-in does, and the answer shows it."""
    service = Service(confirm_at_once=at_once)
    assert confirmed_at == service.post(PATH, SENT).get_json()["person"]["confirmed_at"]


def test_the_companies_of_the_certificate_are_asked_about_first(service: Service) -> None:
    """The person's own access token is what GOV.BR is asked with, the e-CNPJ's company first."""
    company = Cnpj.parse(OTHER_COMPANY)
    service.tokens.take(TOKEN, replace(VERIFIED, certificate_company=company))
    service.post(PATH, SENT)
    [asked] = service.companies.asked
    assert (REPRESENTATIVE, TOKEN, company) == (asked.person.digits, asked.token, asked.first)


@pytest.mark.parametrize("more", [{}, {"id_token": None}, {"email": "a@b.example", "cpf": 7}])
def test_an_id_token_is_optional(service: Service, more: dict[str, object]) -> None:
    """Absent and null are no id_token, and unknown members are ignored."""
    assert 201 == service.post(PATH, {**SENT, **more}).status_code
    assert [(TOKEN, None)] == service.tokens.asked


def test_an_id_token_goes_to_the_same_desk(service: Service) -> None:
    """An id_token of the same sign-in is verified with the access_token."""
    service.tokens.take(TOKEN, VERIFIED, id_token="id.of.it")
    assert 201 == service.post(PATH, {**SENT, "id_token": "id.of.it"}).status_code
    assert [(TOKEN, "id.of.it")] == service.tokens.asked


@pytest.mark.parametrize("id_token", ["", "id.of.another"])
def test_an_id_token_that_is_refused_is_named(service: Service, id_token: str) -> None:
    """The problem says which of the two tokens it is about; an empty text is a refused token."""
    service.tokens.take(TOKEN, VERIFIED, id_token="id.of.it")
    problem = service.post(PATH, {**SENT, "id_token": id_token}).get_json()
    assert (401, "pair", "id_token") == tuple(
        problem[name] for name in ("status", "cause", "token")
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "access_token"),
        ({"id_token": TOKEN}, "access_token"),
        *(({"access_token": value}, "access_token") for value in (None, *NO_STRINGS)),
        *(({**SENT, "id_token": value}, "id_token") for value in NO_STRINGS),
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"access_token": "a", "access_token": "b"}', "access_token"),
        (b'{"access_token": "\\u0000"}', "access_token"),
    ],
)
def test_what_cannot_be_read_is_refused(service: Service, body: object, field: str) -> None:
    """A member that is missing or no text is a 400 that names it, and nobody verifies anything."""
    answer = service.post(PATH, body)
    assert (400, field) == (answer.status_code, answer.get_json()["field"])
    assert [] == service.tokens.asked


@pytest.mark.parametrize("text", ["", " ", "é", "x" * (MAX_BODY - 100)])
def test_any_text_is_judged_as_a_token(service: Service, text: str) -> None:
    """However odd or long a text is, it is refused and counted as a token."""
    answer = service.post(PATH, {"access_token": text})
    assert (401, "malformed") == (answer.status_code, answer.get_json()["cause"])
    assert ([Cause.MALFORMED], [(text, None)]) == (service.refused, service.tokens.asked)


def test_the_limit_of_bodies_stays(service: Service) -> None:
    """A token beyond what the service reads of any body is a 413 like any other."""
    assert 413 == service.post(PATH, {"access_token": "x" * MAX_BODY}).status_code


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_a_problem_of_its_own(service: Service, cause: Cause) -> None:
    """A refused token is a 401 that says why and which, and that it is not the key."""
    service.tokens.refuse(TOKEN, cause, "it is as it should not be")
    answer = service.post(PATH, SENT)
    assert {
        "type": "urn:inmetro:authz:problem:token-refused",
        "title": "The GOV.BR token proves nothing",
        "status": 401,
        "detail": "the access_token is refused: it is as it should not be",
        "cause": cause.value,
        "token": "access_token",
    } == answer.get_json()
    assert (
        401,
        'Bearer realm="authz", error="invalid_token"',
        "application/problem+json",
    ) == (answer.status_code, answer.headers["WWW-Authenticate"], answer.mimetype)
    assert [cause] == service.refused


def off(service: Service) -> TestResponse:
    """Bring a token where no GOV.BR is configured."""
    service.switch_sign_in_off()
    return service.post(PATH, SENT)


def down(service: Service) -> TestResponse:
    """Bring a token while the keys cannot be had."""
    service.tokens.down = True
    return service.post(PATH, SENT)


def busy(service: Service) -> TestResponse:
    """Bring a token while as many wait for GOV.BR as may."""
    service.companies.busy = True
    return service.post(PATH, SENT)


@pytest.mark.parametrize(
    ("provoke", "status", "kind", "retry"),
    [
        (off, 501, "sign-in-off", None),
        (down, 503, "sign-in-unavailable", "5"),
        (busy, 503, "sign-in-unavailable", "5"),
    ],
)
def test_without_govbr_nothing_is_kept(
    service: Service,
    provoke: Callable[[Service], TestResponse],
    status: int,
    kind: str,
    retry: str | None,
) -> None:
    """Off says so for good, unreachable says when to come back; neither leaves a trace."""
    before = len(service.log.records)
    answer = provoke(service)
    problem = answer.get_json()
    assert (status, f"urn:inmetro:authz:problem:{kind}", retry) == (
        answer.status_code,
        problem["type"],
        answer.headers.get("Retry-After"),
    )
    assert before == len(service.log.records)
    assert service.store.registry.person(Cpf.parse(REPRESENTATIVE)) is None


def test_after_it_was_busy_the_same_token_is_taken(service: Service) -> None:
    """The caller may try again with the very token that came to nothing."""
    busy(service)
    service.companies.busy = False
    assert 201 == service.post(PATH, SENT).status_code


def test_a_sign_in_that_cannot_be_written_down_is_none(service: Service) -> None:
    """Without the decision log nothing is kept, and the answer is a 503 of that part."""
    service.log.broken = True
    answer = service.post(PATH, SENT)
    assert (503, "the decision log cannot be written or read") == (
        answer.status_code,
        answer.get_json()["detail"],
    )
    service.log.broken = False
    assert 201 == service.post(PATH, SENT).status_code


def test_a_sign_in_is_on_record(service: Service) -> None:
    """It is an act of the client that brought it, from where it called."""
    service.post(PATH, SENT)
    record = service.log.records[-1]
    assert isinstance(record, ActRecord)
    assert ("sign_in", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )
