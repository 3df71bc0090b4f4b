"""The flat call for a foreign company: `login` and `empresa` instead of `cpf` and `cnpj`."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.companies import Validation
from authz_service.domain.decision import Decision, DecisionRecord, ProcessAsked, Question
from authz_service.domain.facts import Facts
from authz_service.domain.processes import ProcessName
from tests.domain.document import REPRESENTATIVE_ABROAD
from tests.domain.gathered import company_of
from tests.fakes.policies import allow_all
from tests.fakes.service import COMPANY, MEMBER, Service
from tests.fakes.store import untold
from tests.store.records import foreign

PATH = "/v1/orquestra/decisao"
VALIDATED = foreign(123, validation=Validation.VALIDATED)
REST = {"processo": "P001", "acao": "iniciar"}
ASKED: dict[str, Any] = {"login": REPRESENTATIVE_ABROAD.value, "empresa": "EX-0000123-0", **REST}


def by_standing(_question: Question, facts: Facts) -> Decision:
    """Allow while the actor's standing in the company is in force."""
    allowed = company_of(facts).standing.in_force
    return Decision(allowed=allowed, reasons=("represents" if allowed else "no-permit",))


def last_record(service: Service) -> DecisionRecord:
    """Give the decision that was written last."""
    record = service.log.records[-1]
    assert isinstance(record, DecisionRecord)
    return record


@pytest.fixture
def abroad() -> Service:
    """A service that knows a validated foreign company, and allows whoever represents it."""
    service = Service(by_standing, orquestra_get=True)
    service.store.foreign.add(VALIDATED, untold)
    return service


def test_a_representative_is_answered_in_the_same_form(abroad: Service) -> None:
    """The flat answer is that of a national company; the message names the foreign number."""
    answer = abroad.post(PATH, ASKED)
    assert 200 == answer.status_code
    label = "P001 - Acreditação Inicial v.3"
    assert {
        "permitido": True,
        "resultado": "PERMITIDO",
        "codigo": "REPRESENTS",
        "mensagem": f"pt represents open {label} EX-0000123-0",
        "nova_entrada": False,
        "providencias": "",
        "por": "",
        "decisao_id": last_record(abroad).id,
    } == answer.get_json()


@pytest.mark.parametrize(
    ("acao", "empresa"),
    [("iniciar", "EX00001230"), ("delegar", "ex-0000123-0"), ("iniciar", " EX0000123-0 ")],
)
def test_the_question_is_asked_in_our_words(abroad: Service, acao: str, empresa: str) -> None:
    """The pair becomes a login and a foreign company, however its number is written."""
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return allow_all(question, facts)

    abroad.policy.verdict = verdict
    sent = {**ASKED, "acao": acao, "empresa": empresa, "versao": 2, "instancia": 7}
    assert 200 == abroad.post(PATH, sent).status_code
    assert [
        Question(
            actor=REPRESENTATIVE_ABROAD,
            action={"iniciar": "open", "delegar": "delegate"}[acao],
            resource=ProcessAsked(ProcessName("P001", 2), VALIDATED.id),
        )
    ] == seen
    assert "7" == last_record(abroad).instance


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("login", "Anna.Schmidt", "NO_PERMIT"),
        ("login", "", "INVALID_IDENTIFIER"),
        ("login", " anna.schmidt", "INVALID_IDENTIFIER"),
        ("login", MEMBER, "INVALID_IDENTIFIER"),
        ("login", "x" * 129, "INVALID_IDENTIFIER"),
        ("empresa", "EX00001248", "NO_PERMIT"),
        ("empresa", "EX00001231", "INVALID_IDENTIFIER"),
        ("empresa", "", "INVALID_IDENTIFIER"),
        ("empresa", COMPANY, "INVALID_IDENTIFIER"),
        ("processo", "", "INVALID_IDENTIFIER"),
    ],
)
def test_who_is_not_known_is_denied(abroad: Service, member: str, value: str, code: str) -> None:
    """Another login or number, or what can be none, is a flat denial and on record."""
    answer = abroad.post(PATH, {**ASKED, member: value, "instancia": "7"})
    assert (200, "NEGADO", code) == (
        answer.status_code,
        answer.get_json()["resultado"],
        answer.get_json()["codigo"],
    )
    assert ("open", "7") == (last_record(abroad).asked.action, last_record(abroad).instance)


@pytest.mark.parametrize("validation", [Validation.PENDING, Validation.WITHDRAWN])
def test_until_validated_nothing_is_allowed(validation: Validation) -> None:
    """A company that the team has not found right, or withdrew, opens nothing."""
    service = Service(by_standing)
    service.store.foreign.add(foreign(123, validation=validation), untold)
    assert "NEGADO" == service.post(PATH, ASKED).get_json()["resultado"]


NATIONAL = {"cpf": MEMBER, "cnpj": COMPANY}
FOREIGN = {"login": ASKED["login"], "empresa": ASKED["empresa"]}


@pytest.mark.parametrize(
    ("pairs", "fields"),
    [
        ({}, ["cpf", "cnpj"]),
        ({"cpf": MEMBER}, ["cnpj"]),
        ({"cnpj": COMPANY}, ["cpf"]),
        ({"login": "x"}, ["empresa"]),
        ({"empresa": "EX00001230"}, ["login"]),
        (NATIONAL | FOREIGN, ["login", "empresa"]),
        (NATIONAL | {"empresa": "EX00001230"}, ["empresa"]),
        ({"cpf": MEMBER, "empresa": "EX00001230"}, ["empresa"]),
        ({"login": "x", "cnpj": COMPANY}, ["login"]),
        (FOREIGN | {"login": None}, ["login"]),
        (FOREIGN | {"login": 5}, ["login"]),
        (FOREIGN | {"empresa": 1230}, ["empresa"]),
        (FOREIGN | {"empresa": ["EX00001230"]}, ["empresa"]),
    ],
)
def test_exactly_one_pair_tells_who_asks(
    abroad: Service, pairs: dict[str, object], fields: list[str]
) -> None:
    """None, half of one, or parts of both are a 400 that names what is missing or too much."""
    answer = abroad.post(PATH, {**pairs, **REST})
    problem = answer.get_json()
    assert (400, fields[0]) == (answer.status_code, problem["field"])
    assert fields == [one["field"] for one in problem.get("errors", [problem])]
    for value in (MEMBER, "EX00001230"):
        assert value.encode() not in answer.get_data()


def test_a_form_that_serves_both_leaves_a_pair_empty(abroad: Service) -> None:
    """Empty texts beside the other pair are what was not filled in, by POST and by GET."""
    blank = {"cpf": "", "cnpj": "", "versao": "", "instancia": "", "sessao": ""}
    filled = {**ASKED, **blank}
    headers = {"Authorization": f"Bearer {abroad.key}"}
    national = {"cpf": MEMBER, "cnpj": COMPANY, "login": "", "empresa": "", **REST}

    answers = [
        abroad.post(PATH, filled),
        abroad.http.get(PATH, query_string=filled, headers=headers),
        abroad.post(PATH, national),
    ]
    assert [(200, True), (200, True), (200, False)] == [
        (one.status_code, one.get_json()["permitido"]) for one in answers
    ]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"cpf": "", "cnpj": ""}, 200),
        ({"login": "", "empresa": ""}, 200),
        ({"cpf": "", "cnpj": "", "login": "", "empresa": ""}, 400),
        ({"login": ""}, 400),
        ({"cpf": MEMBER, "cnpj": "", "login": "m.keller", "empresa": ""}, 400),
    ],
    ids=["national", "foreign", "both", "half", "half of each"],
)
def test_a_form_that_was_not_filled_in_is_nobody(
    abroad: Service, sent: dict[str, str], status: int
) -> None:
    """One blank pair is a denial, as any number that is nobody's; two of them tell nothing."""
    answer = abroad.post(PATH, {**sent, **REST})
    assert status == answer.status_code
    assert not answer.get_json().get("permitido")


def test_by_get_the_pair_is_as_good_as_by_post(abroad: Service) -> None:
    """Where the GET form is on, it takes either pair."""
    headers = {"Authorization": f"Bearer {abroad.key}"}
    answers = [
        abroad.http.get(PATH, query_string={**pair, **REST}, headers=headers)
        for pair in (FOREIGN, NATIONAL, NATIONAL | FOREIGN)
    ]
    assert [200, 200, 400] == [one.status_code for one in answers]
    assert "PERMITIDO" == answers[0].get_json()["resultado"]


def test_the_login_stands_in_no_record(abroad: Service) -> None:
    """A login is personal data: the log has a surrogate and says what it stands for."""
    abroad.post(PATH, {**ASKED, "instancia": "x"})
    record = last_record(abroad)
    assert "login" == record.asked.actor_type
    assert VALIDATED.id == record.asked.company
    assert record.asked.actor is not None
    behind = abroad.store.surrogates.behind([record.asked.actor])
    assert [REPRESENTATIVE_ABROAD] == list(behind.values())
    assert REPRESENTATIVE_ABROAD.value not in repr(record)
