"""No CPF, token or handle comes back in an error, and none reaches the application log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.identifiers import Cpf
from authz_service.domain.sign_in import Cause
from authz_service.usecases.govbr import Seen
from tests.fakes.govbr import digest_of
from tests.fakes.policies import allow_all, deny_all
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, VERIFIED, Service

WRONG = "18762794605"
MASKED = "187.627.946-04"
PEOPLE = (MEMBER, REPRESENTATIVE, WRONG)


def forms(digits: str) -> list[str]:
    """Give the ways in which a CPF could be written, half hidden ones included."""
    dotted = f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"
    return [digits, dotted, Cpf(digits).masked, digits[3:9], f"{digits[3:6]}.{digits[6:9]}"]


def shown(answer: TestResponse) -> str:
    """Give all that an answer shows."""
    return answer.get_data(as_text=True) + str(answer.headers)


EVALUATION = "/access/v1/evaluation"
DECISAO = "/v1/orquestra/decisao"
FLAT: dict[str, Any] = {"cpf": MEMBER, "cnpj": COMPANY, "processo": "P001", "acao": "iniciar"}
SET: dict[str, Any] = {
    "actor": REPRESENTATIVE,
    "company": COMPANY,
    "member": MEMBER,
    "processes": ["P001"],
}
ASKED: dict[str, Any] = {
    "subject": {"type": "person", "id": MEMBER},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": COMPANY}},
}

REFUSED: list[tuple[str, str, object]] = [
    ("POST", EVALUATION, f'{{"subject": {{"id": "{MEMBER}"'.encode()),
    ("POST", EVALUATION, f'{{"{MEMBER}": 1, "{MEMBER}": 2}}'.encode()),
    ("POST", EVALUATION, f'{{"{MASKED}": "\\u0000"}}'.encode()),
    ("POST", EVALUATION, f'{{"a": {MEMBER}{MEMBER}}}'.encode()),
    ("POST", EVALUATION, f'["{MEMBER}"]'.encode()),
    ("POST", EVALUATION, f'"{MEMBER}"'.encode()),
    ("POST", EVALUATION, {MEMBER: MEMBER}),
    ("POST", EVALUATION, {**ASKED, "subject": MEMBER}),
    ("POST", EVALUATION, {**ASKED, "subject": {"type": "person", "id": int(MEMBER)}}),
    ("POST", EVALUATION, {**ASKED, "subject": {"type": "person", "id": [MEMBER]}}),
    ("POST", EVALUATION, {**ASKED, "context": MEMBER}),
    (
        "POST",
        EVALUATION,
        {**ASKED, "action": {"name": "delegate", "properties": {"recipient": int(MEMBER)}}},
    ),
    (
        "POST",
        EVALUATION,
        {**ASKED, "resource": {"type": "process", "id": MEMBER, "properties": {"cnpj": 1}}},
    ),
    (
        "POST",
        EVALUATION,
        {
            **ASKED,
            "resource": {
                "type": "process",
                "id": "P001",
                "properties": {"cnpj": COMPANY, "version": MEMBER},
            },
        },
    ),
    (
        "POST",
        EVALUATION,
        {
            **ASKED,
            "resource": {"type": "process", "id": "P061", "properties": {"cnpj": COMPANY}},
        },
    ),
    ("POST", DECISAO, {**FLAT, "cpf": int(MEMBER)}),
    ("POST", DECISAO, {**FLAT, "acao": MEMBER}),
    ("POST", DECISAO, {**FLAT, "versao": MEMBER}),
    ("POST", DECISAO, {**FLAT, "instancia": [MEMBER]}),
    ("POST", DECISAO, {**FLAT, "processo": "P061"}),
    ("GET", f"{DECISAO}?cpf={MEMBER}&cpf={WRONG}", None),
    ("GET", f"{DECISAO}?cpf={MEMBER}&acao={MEMBER}", None),
    ("PUT", "/v1/delegations", {**SET, "actor": WRONG}),
    ("PUT", "/v1/delegations", {**SET, "member": WRONG}),
    ("PUT", "/v1/delegations", {**SET, "company": MEMBER}),
    ("PUT", "/v1/delegations", {**SET, "processes": [MEMBER, MASKED]}),
    ("PUT", "/v1/delegations", {**SET, "processes": MEMBER}),
    ("PUT", "/v1/delegations", {**SET, "until": MEMBER}),
    ("PUT", "/v1/delegations", {**SET, "why": MEMBER * 50}),
    ("PUT", "/v1/delegations", SET),
    ("POST", "/v1/delegations/search", SET),
    ("POST", f"/v1/delegations/{MEMBER}/revoke", SET),
    ("POST", f"/v1/delegations/{MASKED}/renounce", SET),
    ("POST", "/v1/people", {"cpf": WRONG, "registered": True, "confirmed": True}),
    ("POST", "/v1/people", {"cpf": MEMBER, "registered": MEMBER, "confirmed": True}),
    ("POST", "/v1/people", {"cpf": MEMBER, "registered": False, "confirmed": True}),
    ("POST", "/v1/standing", {"cpf": WRONG, "company": MEMBER, "role": MEMBER}),
    ("POST", "/v1/standing", {"cpf": MEMBER, "company": COMPANY, "role": MEMBER}),
    ("POST", "/v1/bonds", {"filial": MEMBER, "matriz": COMPANY, "proof": MEMBER}),
    ("POST", "/v1/bonds", {"filial": COMPANY, "matriz": COMPANY, "proof": MEMBER}),
    ("POST", "/v1/confirmations", {"cpf": WRONG}),
    ("POST", "/v1/confirmations", {"cpf": REPRESENTATIVE}),
    ("POST", "/v1/confirmations", {"cpf": int(MEMBER)}),
    ("POST", "/v1/identities", {"access_token": MEMBER}),
    ("POST", "/v1/identities", {"access_token": [MEMBER]}),
    ("POST", "/v1/identities", {"access_token": MASKED, "id_token": int(MEMBER)}),
    ("POST", EVALUATION, {**ASKED, "context": {"sign_in": int(MEMBER)}}),
    ("POST", DECISAO, {**FLAT, "sessao": [MEMBER]}),
    ("PUT", "/v1/delegations", {**SET, "sign_in": int(MEMBER)}),
    ("GET", f"/v1/people/{MEMBER}", None),
    ("DELETE", f"{DECISAO}?cpf={MEMBER}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REFUSED)
@pytest.mark.parametrize("key", [None, "wrong", MEMBER])
def test_no_refusal_repeats_a_cpf(
    method: str, path: str, body: object, key: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A 4xx shows no CPF that was sent, raw or masked, and the log has none either."""
    service = Service(deny_all, orquestra_get=True)
    with caplog.at_level(logging.DEBUG):
        answer = service.send(method, path, body, key=key)
    assert 400 <= answer.status_code < 500
    told = shown(answer) + caplog.text
    assert [] == [form for digits in PEOPLE for form in forms(digits) if form in told]


@pytest.mark.parametrize("member", ["processo", "instancia", "cpf"])
def test_a_cpf_in_the_wrong_place_does_not_come_back_in_an_answer(
    service: Service, member: str
) -> None:
    """Orquestra's message names no person, also if the form filled a CPF into another field."""
    answer = service.post(DECISAO, {**FLAT, member: f"{MEMBER}"})
    assert 200 == answer.status_code
    assert [] == [form for form in forms(MEMBER) if form in shown(answer)]


def test_the_key_never_comes_back(service: Service) -> None:
    """No answer shows the key that it was asked with, whatever its status."""
    for method, path, body in [*REFUSED, ("POST", EVALUATION, ASKED), ("GET", "/metrics", None)]:
        assert service.key not in shown(service.send(method, path, body))


def test_the_decision_log_holds_no_cpf(service: Service) -> None:
    """Whatever is asked and done over HTTP, persons stand in the log as surrogates."""
    service.post(EVALUATION, ASKED)
    service.post(EVALUATION, {**ASKED, "action": {"name": f"open {MEMBER}"}})
    service.post(DECISAO, {**FLAT, "processo": MASKED, "instancia": int(MEMBER)})
    service.post("/v1/people", {"cpf": MEMBER, "registered": True, "confirmed": True})
    service.post("/v1/standing", {"cpf": MEMBER, "company": COMPANY, "role": "socio"})
    service.send("PUT", "/v1/delegations", {**SET, "why": f"a pedido de {MEMBER}"})
    written = json.dumps([repr(record) for record in service.log.records])
    assert [] == [form for digits in PEOPLE for form in forms(digits) if form in written]


EMAIL = "ana.souza@example.com"
PHONE = "61999887766"
ACCESS = f"access.{EMAIL}.{PHONE}.{REPRESENTATIVE}"
IDENTITY = f"id.{EMAIL}.{PHONE}.{REPRESENTATIVE}"
"""What a token holds, in a form in which it could be found again."""
TOKENS = {"access_token": ACCESS, "id_token": IDENTITY}
HEADER = {"Govbr-Access-Token": ACCESS}
SECRETS = (ACCESS, IDENTITY, EMAIL, PHONE, digest_of(ACCESS))
ACTS: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "/v1/delegations", {**SET, "email": EMAIL}),
    ("POST", "/v1/delegations/search", {**SET, "phone_number": PHONE}),
    ("POST", f"/v1/delegations/{'0' * 32}/revoke", SET),
    ("POST", f"/v1/delegations/{'0' * 32}/renounce", SET),
]


def found_in(text: str, *secrets: str) -> list[str]:
    """Give the secrets, and the CPFs in whatever form, that stand in *text*."""
    people = [form for digits in PEOPLE for form in forms(digits)]
    return [one for one in (*SECRETS, *secrets, *people) if one in text]


@pytest.fixture
def knowing(service: Service) -> Service:
    """A service that takes the tokens of this module."""
    service.tokens.take(ACCESS, VERIFIED, id_token=IDENTITY)
    return service


@pytest.mark.parametrize("cause", [None, *Cause])
def test_no_refused_token_comes_back(
    service: Service, cause: Cause | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither answer nor log shows anything of a token, or of the body beside it."""
    if cause is not None:
        service.tokens.refuse(ACCESS, cause)
    with caplog.at_level(logging.DEBUG):
        answers = [service.post("/v1/identities", TOKENS)]
        answers += [service.send(how, path, body, headers=HEADER) for how, path, body in ACTS]
    assert {401} == {answer.status_code for answer in answers}
    assert [] == found_in("".join(shown(answer) for answer in answers) + caplog.text)
    assert [] == found_in(repr(service.log.records))


def surprised(person: Cpf, _moment: datetime) -> Seen:
    """Fail as a bug would, with a message that holds everything."""
    raise RuntimeError(f"{ACCESS} of {person.digits}")


BREAKS: dict[str, Callable[[Service], None]] = {
    "off": Service.switch_sign_in_off,
    "down": lambda service: setattr(service.tokens, "down", True),
    "busy": lambda service: setattr(service.companies, "busy", True),
    "unlogged": lambda service: setattr(service.log, "broken", True),
    "surprised": lambda service: setattr(service.companies, "answers", surprised),
}


@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS)
def test_no_token_comes_back_from_what_fails(
    knowing: Service, breaks: Callable[[Service], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Switched off, unreachable, broken or surprised: the token and the person stay unsaid."""
    breaks(knowing)
    with caplog.at_level(logging.DEBUG):
        answer = knowing.post("/v1/identities", TOKENS)
    assert answer.status_code in (500, 501, 503)
    assert [] == found_in(shown(answer) + caplog.text)


def test_a_sign_in_leaves_nothing_of_the_token_behind(
    knowing: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Decision log and application log know a sign-in by its own name, the person by surrogate."""
    with caplog.at_level(logging.DEBUG):
        answer = knowing.post("/v1/identities", {**TOKENS, "email": EMAIL})
        handle = answer.get_json()["sign_in"]
        knowing.post(EVALUATION, {**ASKED, "context": {"sign_in": handle}})
        knowing.post(DECISAO, {**FLAT, "cpf": REPRESENTATIVE, "sessao": handle})
        knowing.post("/v1/confirmations", {"cpf": REPRESENTATIVE})
        for method, path, body in ACTS:
            knowing.send(method, path, {**body, "sign_in": handle})
            knowing.send(method, path, body, headers=HEADER)
    assert 201 == answer.status_code
    assert [] == found_in(repr(knowing.log.records) + caplog.text, handle)


def test_only_the_one_who_brought_the_token_gets_the_handle(knowing: Service) -> None:
    """No other answer shows the handle or the token, allowed or denied."""
    handle = knowing.post("/v1/identities", TOKENS).get_json()["sign_in"]
    asked = {**ASKED, "context": {"sign_in": handle}}
    answers = []
    for verdict in (allow_all, deny_all):
        knowing.policy.verdict = verdict
        answers.append(knowing.post(EVALUATION, asked))
        answers.append(knowing.post(DECISAO, {**FLAT, "sessao": handle}))
        answers.append(knowing.post("/v1/confirmations", {"cpf": REPRESENTATIVE}))
        answers += [knowing.send(how, path, body, headers=HEADER) for how, path, body in ACTS]
    told = "".join(shown(answer) for answer in answers)
    assert [] == [one for one in (handle, *SECRETS) if one in told]


def test_the_answer_to_a_sign_in_shows_no_token(knowing: Service) -> None:
    """What is answered is what was proved, without the proof."""
    answer = knowing.post("/v1/identities", TOKENS)
    assert [] == [one for one in SECRETS if one in shown(answer)]
