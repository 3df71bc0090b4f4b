"""The handle of a sign-in in a question: what it makes readable, and that nobody reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.decision import Decision, DecisionRecord, Question
from authz_service.domain.errors import InvalidInput
from authz_service.domain.facts import Facts
from authz_service.web.authzen import read_question
from tests.fakes.policies import allow_all
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, TOKEN, Service

EVALUATION = "/access/v1/evaluation"
DECISAO = "/v1/orquestra/decisao"
ABSENT = type("Absent", (), {"__repr__": lambda _: "absent"})()
HANDLE = "a-handle_of-somebody-0123456789"

Ask = Callable[[Service, object, str], TestResponse]


def by_authzen(service: Service, handle: object, cpf: str = REPRESENTATIVE) -> TestResponse:
    """Ask as AuthZEN does, with the handle in the context, among other things."""
    context = {"ip": "10.0.0.1"} if handle is ABSENT else {"ip": "10.0.0.1", "sign_in": handle}
    return service.post(EVALUATION, question(context, cpf))


def question(context: object, cpf: str = REPRESENTATIVE) -> dict[str, Any]:
    """Give an evaluation request with *context*."""
    return {
        "subject": {"type": "person", "id": cpf},
        "action": {"name": "open"},
        "resource": {"type": "process", "id": "P001", "properties": {"cnpj": COMPANY}},
        "context": context,
    }


def flat(handle: object, cpf: str) -> dict[str, Any]:
    """Give Orquestra's question with the handle."""
    asked = {"cpf": cpf, "cnpj": COMPANY, "processo": "P001", "acao": "iniciar"}
    return asked if handle is ABSENT else {**asked, "sessao": handle}


def by_post(service: Service, handle: object, cpf: str = REPRESENTATIVE) -> TestResponse:
    """Ask as Orquestra does."""
    return service.post(DECISAO, flat(handle, cpf))


def by_get(service: Service, handle: object, cpf: str = REPRESENTATIVE) -> TestResponse:
    """Ask as an Orquestra that can only GET does."""
    headers = {"Authorization": f"Bearer {service.key}"}
    return service.http.get(DECISAO, query_string=flat(handle, cpf), headers=headers)


WAYS = [by_authzen, by_post, by_get]
FIELDS = [(by_authzen, "context.sign_in"), (by_post, "sessao")]


@pytest.fixture
def service() -> Service:
    """A service that may be asked in every way."""
    return Service(orquestra_get=True)


def seen_by(service: Service) -> list[tuple[Question, Facts]]:
    """Give a list that fills with the questions that reach the policy, and their facts."""
    seen: list[tuple[Question, Facts]] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append((question, facts))
        return allow_all(question, facts)

    service.policy.verdict = verdict
    return seen


def signed_in(service: Service) -> str:
    """Bring the representative's token, and give the handle."""
    said = service.post("/v1/identities", {"access_token": TOKEN}).get_json()
    return str(said["sign_in"])


@pytest.mark.parametrize("ask", WAYS)
def test_a_handle_makes_the_sign_in_readable(service: Service, ask: Ask) -> None:
    """Level and method of this sign-in are facts, and the actor is then known by GOV.BR."""
    handle, seen = signed_in(service), seen_by(service)
    assert 200 == ask(service, handle, REPRESENTATIVE).status_code
    [(asked, facts)] = seen
    sign_in = facts.question.sign_in
    assert handle == asked.sign_in
    assert sign_in is not None
    assert ("gold", "password", 5) == (sign_in.level, sign_in.method, sign_in.minutes)
    assert "govbr" == facts.question.actor_evidence


@pytest.mark.parametrize("ask", WAYS)
def test_a_handle_of_somebody_else_says_nothing(service: Service, ask: Ask) -> None:
    """With the handle of another person's sign-in the question is answered as without one."""
    handle, seen = signed_in(service), seen_by(service)
    assert 200 == ask(service, handle, MEMBER).status_code
    [(_, facts)] = seen
    assert (None, "asserted") == (facts.question.sign_in, facts.question.actor_evidence)


@pytest.mark.parametrize("ask", WAYS)
def test_a_handle_ends_with_its_token(service: Service, ask: Ask) -> None:
    """From the instant at which the token ends the handle is worth nothing."""
    handle, seen = signed_in(service), seen_by(service)
    service.clock.advance(timedelta(hours=1))
    assert 200 == ask(service, handle, REPRESENTATIVE).status_code
    assert seen[0][1].question.sign_in is None


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize("handle", [HANDLE, "x", "A-_9" * 16])
def test_what_can_be_a_handle_is_looked_for(service: Service, ask: Ask, handle: str) -> None:
    """Up to 64 letters, digits, hyphens and underscores: one that nobody has is no sign-in."""
    seen = seen_by(service)
    assert 200 == ask(service, handle, REPRESENTATIVE).status_code
    [(asked, facts)] = seen
    assert (handle, None) == (asked.sign_in, facts.question.sign_in)


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize(
    "handle",
    [ABSENT, "", " ", "x" * 65, "a b", "a.b", "é", "\u0662", "a\n", "' or 1=1", "{Sessao}", TOKEN],
    ids=ascii,
)
def test_what_can_be_no_handle_is_none(service: Service, ask: Ask, handle: object) -> None:
    """An empty form field or any odd text is no sign-in, and never reaches the store."""
    seen = seen_by(service)
    assert 200 == ask(service, handle, REPRESENTATIVE).status_code
    assert [None] == [asked.sign_in for asked, _ in seen]


@pytest.mark.parametrize("ask", [by_authzen, by_post])
def test_null_is_no_handle(service: Service, ask: Ask) -> None:
    """Null is as absent, as everywhere."""
    seen = seen_by(service)
    assert 200 == ask(service, None, REPRESENTATIVE).status_code
    assert [None] == [asked.sign_in for asked, _ in seen]


@pytest.mark.parametrize(("ask", "field"), FIELDS)
@pytest.mark.parametrize("value", [1, True, False, 1.5, [], {}, [HANDLE], {"id": HANDLE}])
def test_a_handle_is_a_text(service: Service, ask: Ask, field: str, value: object) -> None:
    """Any other kind of value is a 400 that names the member."""
    answer = ask(service, value, REPRESENTATIVE)
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


def test_the_form_of_the_handle_counts_before_what_the_question_means(service: Service) -> None:
    """Also a question about nobody is a 400 if its structure is wrong."""
    nobody = {**question({"sign_in": 7}), "subject": {"type": "robot", "id": "x"}}
    nothing = {**question({"sign_in": 7}), "resource": {"type": "record", "id": "x"}}
    for body in (nobody, nothing):
        answer = service.post(EVALUATION, body)
        assert (400, "context.sign_in") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("handle", [HANDLE, "no handle at all", "", None])
def test_no_rule_reads_the_handle(service: Service, handle: object) -> None:
    """The bag that policies read has everything of the context but the handle."""
    seen = seen_by(service)
    by_authzen(service, handle)
    [(asked, facts)] = seen
    assert {"ip": "10.0.0.1"} == asked.context == facts.question.context


def test_a_handle_given_twice_in_a_query_is_refused(service: Service) -> None:
    """Which of the two it would be is nobody's guess."""
    query = f"cpf={MEMBER}&cnpj={COMPANY}&processo=P001&acao=iniciar&sessao=a&sessao=b"
    headers = {"Authorization": f"Bearer {service.key}"}
    answer = service.http.get(f"{DECISAO}?{query}", headers=headers)
    assert (400, "sessao") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("ask", WAYS)
def test_the_record_names_the_sign_in_without_the_handle(service: Service, ask: Ask) -> None:
    """The log tells which sign-in it was; whoever reads it cannot use it."""
    handle = signed_in(service)
    ask(service, handle, REPRESENTATIVE)
    record = service.log.records[-1]
    assert isinstance(record, DecisionRecord)
    assert record.asked.sign_in is not None
    assert handle not in repr(service.log.records)


def test_the_command_line_reads_the_same(service: Service) -> None:
    """What is explained is the question that would be asked, the handle out of the bag."""
    asked = read_question(json.dumps(question({"sign_in": HANDLE, "ip": "::1"})).encode())
    assert isinstance(asked, Question)
    assert (HANDLE, {"ip": "::1"}) == (asked.sign_in, asked.context)
    assert HANDLE not in repr(asked)
    with pytest.raises(InvalidInput, match=r"^context\.sign_in: "):
        read_question(json.dumps(question({"sign_in": 1})).encode())
