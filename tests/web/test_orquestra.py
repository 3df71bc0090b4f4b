"""Orquestra's flat call: what a designer sends, and what a process can be steered by."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.decision import (
    Decision,
    DecisionRecord,
    ProcessAsked,
    Question,
)
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.processes import ProcessName
from tests.fakes.policies import GRANT, STEP_UP, allow_all, deny_all
from tests.fakes.service import COMPANY, MEMBER, Service

pytestmark = pytest.mark.usefixtures("layer")

PATH = "/v1/orquestra/decisao"
NO_STRINGS: list[object] = [None, 1, True, [], {}]
LABEL = "P001 - Acreditação Inicial v.3"
ASKED: dict[str, Any] = {"cpf": MEMBER, "cnpj": COMPANY, "processo": "P001", "acao": "iniciar"}


def last_record(service: Service) -> DecisionRecord:
    """Give the decision that was written last."""
    record = service.log.records[-1]
    assert isinstance(record, DecisionRecord)
    return record


def test_an_allow_is_flat(service: Service) -> None:
    """A permission says so as a flag and as a text, with code, message and the log's name."""
    answer = service.post(PATH, ASKED)
    assert (200, "application/json") == (answer.status_code, answer.mimetype)
    assert {
        "permitido": True,
        "resultado": "PERMITIDO",
        "codigo": "REPRESENTS",
        "mensagem": f"pt represents open {LABEL} 52.420.282/0001-80",
        "nova_entrada": False,
        "providencias": "",
        "por": "",
        "decisao_id": last_record(service).id,
    } == answer.get_json()


def test_a_deny_has_the_same_form_and_status(service: Service) -> None:
    """A denial is a 200 as well, since Orquestra takes anything else for a failed call."""
    service.policy.verdict = deny_all
    answer = service.post(PATH, ASKED)
    assert 200 == answer.status_code
    assert {
        "permitido": False,
        "resultado": "NEGADO",
        "codigo": "NO_PERMIT",
        "mensagem": f"pt no-permit open {LABEL} 52.420.282/0001-80",
        "nova_entrada": False,
        "providencias": "",
        "por": "",
        "decisao_id": last_record(service).id,
    } == answer.get_json()


def test_a_deny_says_what_would_turn_it(service: Service) -> None:
    """As a sentence for people, and as codes by which a process can go on."""
    service.policy.verdict, service.policy.ways = deny_all, (GRANT,)
    answer = service.post(PATH, ASKED).get_json()
    assert answer["mensagem"].endswith(
        "52.420.282/0001-80 Para obter a permissão, o que ainda faltar: o Inmetro reabre o "
        "processo; um sócio delega."
    )
    assert (False, "PROCESSO_REABERTO DELEGACAO_CONCEDIDA", "inmetro representante") == (
        answer["nova_entrada"],
        answer["providencias"],
        answer["por"],
    )


def test_a_new_sign_in_is_told_apart_from_a_refusal(service: Service) -> None:
    """A flag says that the person needs nobody else."""
    service.policy.verdict, service.policy.ways = deny_all, (STEP_UP,)
    answer = service.post(PATH, ASKED).get_json()
    assert (True, "ENTRADA_GOVBR", "pessoa") == (
        answer["nova_entrada"],
        answer["providencias"],
        answer["por"],
    )


def test_portuguese_is_readable_in_the_bytes(service: Service) -> None:
    """Accents leave as UTF-8, not as escapes, so that the message can be read anywhere."""
    assert "Acreditação Inicial".encode() in service.post(PATH, ASKED).get_data()


@pytest.mark.parametrize(("acao", "action"), [("iniciar", "open"), ("delegar", "delegate")])
def test_the_question_is_asked_in_our_words(service: Service, acao: str, action: str) -> None:
    """The designers' words become one question, without a recipient."""
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return allow_all(question, facts)

    service.policy.verdict = verdict
    service.post(PATH, {**ASKED, "acao": acao, "versao": "v.3", "instancia": "39170"})
    expected = Question(
        actor=Cpf(MEMBER),
        action=action,
        resource=ProcessAsked(ProcessName("P001", 3), Cnpj(COMPANY)),
    )
    assert [expected] == seen
    assert "39170" == last_record(service).instance


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("cpf", "187.627.946-04"),
        ("cnpj", "52.420.282/0001-80"),
        ("processo", LABEL),
        ("processo", "p001"),
        ("versao", 3),
        ("versao", "3"),
        ("versao", None),
        ("instancia", 39170),
        ("instancia", "x" * 64),
        ("instancia", None),
        ("instancia", ""),
        ("estranho", {"a": [None]}),
    ],
)
def test_what_orquestra_may_send_is_taken(service: Service, member: str, value: object) -> None:
    """Masked or raw, label or code, number or text: what means something reaches the policy."""
    answer = service.post(PATH, {**ASKED, member: value})
    assert (200, "PERMITIDO") == (answer.status_code, answer.get_json().get("resultado"))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("cpf", "18762794605"),
        ("cpf", ""),
        ("cpf", "{Requisitante.Login}"),
        ("cnpj", "52420282000181"),
        ("cnpj", ""),
        ("processo", ""),
        ("processo", "P" * 201),
    ],
)
def test_what_cannot_exist_is_denied(service: Service, member: str, value: str) -> None:
    """A malformed CPF, CNPJ or process is a flat denial, and the instance is on record."""
    answer = service.post(PATH, {**ASKED, member: value, "instancia": 39170})
    assert (200, "NEGADO") == (answer.status_code, answer.get_json()["resultado"])
    assert "INVALID_IDENTIFIER" == answer.get_json()["codigo"]
    assert ("open", "39170") == (
        last_record(service).asked.action,
        last_record(service).instance,
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *((name, wrong) for name in ASKED for wrong in NO_STRINGS),
        ("cpf", 18762794604),
        ("cnpj", 52420282000180),
        ("acao", "Iniciar"),
        ("acao", "open"),
        ("acao", ""),
        ("versao", "três"),
        ("versao", 0),
        ("versao", 3.5),
        ("versao", True),
        ("versao", {}),
        ("instancia", "x" * 65),
        ("instancia", True),
        ("instancia", 1.5),
        ("instancia", []),
    ],
)
def test_what_is_wrong_in_form_is_refused(service: Service, member: str, value: object) -> None:
    """A member of the wrong kind is a 400 that names it in the designers' word."""
    answer = service.post(PATH, {**ASKED, member: value})
    assert (400, member) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("member", ["cpf", "cnpj", "processo", "acao"])
def test_what_is_required_is_required(service: Service, member: str) -> None:
    """A member that is missing is a 400 that names it."""
    body = {name: value for name, value in ASKED.items() if name != member}
    answer = service.post(PATH, body)
    assert (400, member) == (answer.status_code, answer.get_json()["field"])


def test_an_ambiguous_process_is_refused_with_its_candidates(service: Service) -> None:
    """P061 names two processes: the designer is told which labels there are."""
    problem = service.post(PATH, {**ASKED, "processo": "P061"}).get_json()
    assert (400, "processo") == (problem["status"], problem["field"])
    assert ["P061 - Cadastro de Empresas v.1", "P061 - Registro v.2"] == problem["candidates"]


def test_two_versions_that_contradict_each_other_are_refused(service: Service) -> None:
    """A label and a versao that differ are a 400, not a guess."""
    answer = service.post(PATH, {**ASKED, "processo": LABEL, "versao": 2})
    assert (400, "versao") == (answer.status_code, answer.get_json()["field"])


def test_a_cpf_in_the_instance_does_not_reach_the_log(service: Service) -> None:
    """A form may hold anything, so whatever looks like a CPF is taken out of the instance."""
    service.post(PATH, {**ASKED, "instancia": f"pedido {MEMBER}"})
    assert "pedido [cpf]" == last_record(service).instance


def test_asking_by_get_is_off(service: Service) -> None:
    """Without the setting a GET, which would put a CPF into the URL, is a 405."""
    answer = service.http.get(PATH, query_string=ASKED, headers=bearer(service))
    assert (405, "POST") == (answer.status_code, answer.headers["Allow"])


def bearer(service: Service) -> dict[str, str]:
    """Give the header with the key that may do everything."""
    return {"Authorization": f"Bearer {service.key}"}


@pytest.fixture
def getting() -> Service:
    """A service that may be asked by GET."""
    return Service(orquestra_get=True)


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ({**ASKED, "versao": "3", "instancia": "39170", "outro": ["1", "2"]}, "PERMITIDO"),
        ({**ASKED, "processo": LABEL}, "PERMITIDO"),
        ({**ASKED, "cpf": "18762794605"}, "NEGADO"),
    ],
)
def test_asking_by_get_answers_the_same(
    getting: Service, query: dict[str, Any], result: str
) -> None:
    """With the setting the same names in the query get the same flat answer."""
    answer = getting.http.get(PATH, query_string=query, headers=bearer(getting))
    assert (200, result) == (answer.status_code, answer.get_json()["resultado"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"cpf={MEMBER}&cpf={MEMBER}&cnpj={COMPANY}&processo=P001&acao=iniciar", "cpf"),
        (f"cpf={MEMBER}&cnpj={COMPANY}&processo=P001%00&acao=iniciar", "processo"),
        (f"cnpj={COMPANY}&processo=P001&acao=iniciar", "cpf"),
        ("", "processo"),
    ],
)
def test_a_query_is_as_strict_as_a_body(getting: Service, query: str, field: str) -> None:
    """A member that is repeated, missing or holds NUL is a 400 that names it."""
    answer = getting.http.get(f"{PATH}?{query}", headers=bearer(getting))
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


def test_where_get_is_on_both_methods_are_allowed(getting: Service) -> None:
    """The GET form stands beside the POST form, which stays."""
    assert 200 == getting.post(PATH, ASKED).status_code
    allowed = getting.send("PUT", PATH, ASKED).headers["Allow"]
    assert {"GET", "POST"} == set(allowed.split(", "))
