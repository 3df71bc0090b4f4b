"""
AuthZEN 1.0, Access Evaluations: what of a batch is decided, written down and told.

Which answers come back to which request is the business of tests/conformance; here the room
stands on fakes, so that the log and the facts behind an answer can be seen.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from authz_service.domain.decision import Caller, Decision, DecisionRecord, Question
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cpf
from authz_service.domain.nearest import Way
from tests.fakes.policies import GRANT, STEP_UP, allow_all, deny_all
from tests.fakes.service import COMPANY, MAX_BATCH, MEMBER, REPRESENTATIVE, Service

pytestmark = pytest.mark.usefixtures("layer")

ONE, PATH = "/access/v1/evaluation", "/access/v1/evaluations"

SUBJECT = {"type": "person", "id": MEMBER}
OTHER = {"type": "person", "id": REPRESENTATIVE}
OPEN, RENOUNCE = {"name": "open"}, {"name": "renounce"}


def process(name: str) -> dict[str, Any]:
    """Give a process in the name of the company."""
    return {"type": "process", "id": name, "properties": {"cnpj": COMPANY}}


A: dict[str, Any] = {"subject": SUBJECT, "action": OPEN, "resource": process("P001")}
"""A question that is right in every respect."""


def by_action(question: Question, _facts: Facts) -> Decision:
    """Allow to open, and nothing else."""
    allowed = question.action == "open"
    return Decision(allowed=allowed, reasons=("represents" if allowed else "no-permit",))


@pytest.fixture(name="service")
def _service() -> Service:
    """A service that allows to open."""
    return Service(by_action)


def ask(service: Service, items: object, **members: object) -> Any:
    """Ask a batch, and give the answers."""
    answer = service.post(PATH, {**members, "evaluations": items})
    assert 200 == answer.status_code
    assert {"evaluations"} == answer.get_json().keys()
    return answer.get_json()["evaluations"]


def decided(service: Service) -> list[DecisionRecord]:
    """Give the decisions in the log."""
    return [one for one in service.log.records if isinstance(one, DecisionRecord)]


def error(message: str) -> dict[str, Any]:
    """Give the answer to an item that cannot be decided."""
    return {"decision": False, "context": {"error": {"status": 400, "message": message}}}


def test_every_item_that_was_decided_is_in_the_log(service: Service) -> None:
    """In their order, on one state at one moment, and what is wrong is no decision."""
    items = [{}, {"action": RENOUNCE}, {"subject": None}, {"resource": {"type": "file", "id": "x"}}]
    answers = ask(service, items, **A)
    assert [True, False, False, False] == [one["decision"] for one in answers]
    records = decided(service)
    assert [
        ("open", True, "represents"),
        ("renounce", False, "no-permit"),
        ("open", False, "unknown-type"),
    ] == [(one.asked.action, one.decision.allowed, one.decision.reason) for one in records]
    assert 1 == len({(one.moment, one.policy_digest, one.store_revision) for one in records})


@pytest.mark.parametrize(
    ("semantic", "names", "answered", "logged"),
    [
        ("deny_on_first_deny", "oor o", [True, True, False], "oor"),
        ("deny_on_first_deny", "oeo", [True, False], "o"),
        ("deny_on_first_deny", "oao", [True, False], "o"),
        ("permit_on_first_permit", "roo", [False, True], "ro"),
        ("permit_on_first_permit", "eaoo", [False, False, True], "o"),
        ("permit_on_first_permit", "eoeo", [False, True], "o"),
        ("permit_on_first_permit", "rer", [False, False, False], "rr"),
        ("execute_all", "oera", [True, False, False, False], "or"),
    ],
)
def test_what_stands_after_the_end_of_a_batch_is_not_decided(
    service: Service, semantic: str, names: str, answered: list[bool], logged: str
) -> None:
    """An open, a renounce, an error, an ambiguous process: only what was decided is logged."""
    items = {
        "o": {"action": OPEN},
        "r": {"action": RENOUNCE},
        "e": {"action": {}},
        "a": {"resource": process("P061")},
    }
    wanted = [items[one] for one in names.replace(" ", "")]
    options = {"evaluations_semantic": semantic}
    answers = ask(service, wanted, options=options, **A)
    assert answered == [one["decision"] for one in answers]
    assert logged == "".join(one.asked.action[0] for one in decided(service))


def test_an_ambiguous_process_is_the_error_of_its_item(service: Service) -> None:
    """The others are decided; the message tells what the name could mean."""
    answers = ask(service, [{}, {"resource": process("P061")}, {"action": RENOUNCE}], **A)
    candidates = "P061 - Cadastro de Empresas v.1; P061 - Registro v.2"
    said = f"resource.id: names more than one process, say which: {candidates}"
    assert [{"decision": True}, error(said), {"decision": False}] == answers


@pytest.mark.parametrize("items", [None, [], ...], ids=["null", "empty", "absent"])
def test_one_ambiguous_question_is_refused_as_at_evaluation(
    service: Service, items: object
) -> None:
    """Without items this is one question, so the whole request is a 400 with the candidates."""
    body = {**A, "resource": process("P061"), "evaluations": items}
    if items is ...:
        del body["evaluations"]
    answer = service.post(PATH, body)
    assert (400, "resource.id") == (answer.status_code, answer.get_json()["field"])
    assert 2 == len(answer.get_json()["candidates"])


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (7, "evaluation: must be an object"),
        ({"subject": None}, "subject: must be an object"),
        ({"subject": {}}, "subject.type: is required; subject.id: is required"),
        ({"context": []}, "context: must be an object"),
        (
            {"resource": {"type": "process", "id": "P001"}},
            "resource.properties.cnpj: is required where there is no `company`",
        ),
        (
            {"action": {"name": "delegate", "properties": {"recipient": 1}}},
            "action.properties.recipient: must be a string",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_item_that_is_wrong_is_told_by_its_members(
    service: Service, item: object, message: str
) -> None:
    """The message names what is wrong and what it should be."""
    assert [error(message)] == ask(service, [item], **A)
    assert [] == decided(service)


def test_no_message_repeats_what_was_sent(service: Service) -> None:
    """Not even where a CPF stands in the place of a type, a name or a member."""
    odd: list[object] = [
        {"subject": MEMBER},
        {"subject": {"type": [MEMBER], "id": {MEMBER: MEMBER}}},
        {"context": MEMBER},
        {"action": {"name": "delegate", "properties": {"recipient": [MEMBER]}}},
        {"resource": {**process("P001"), "properties": {"cnpj": {MEMBER: 1}, "version": MEMBER}}},
        {MEMBER: 1, "subject": None},
        MEMBER,
    ]
    assert MEMBER not in json.dumps(ask(service, odd, **A))


def test_the_most_that_may_be_asked_is_told(service: Service) -> None:
    """One more is a 400 with the number, and nothing of it is decided."""
    answer = service.post(PATH, {**A, "evaluations": [{}] * (MAX_BATCH + 1)})
    problem = answer.get_json()
    assert (400, "evaluations") == (answer.status_code, problem["field"])
    assert f"evaluations: must hold at most {MAX_BATCH} in one request" == problem["detail"]
    assert [] == decided(service)
    assert MAX_BATCH == len(ask(service, [{}] * MAX_BATCH, **A))


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"evaluations": {}}, "evaluations"),
        ({"evaluations": "x"}, "evaluations"),
        ({"evaluations": [{}], "options": []}, "options"),
        (
            {"evaluations": [{}], "options": {"evaluations_semantic": "bogus"}},
            "options.evaluations_semantic",
        ),
        (
            {"evaluations": [{}], "options": {"evaluations_semantic": 1}},
            "options.evaluations_semantic",
        ),
        (
            {"evaluations": [], "options": {"evaluations_semantic": "bogus"}},
            "options.evaluations_semantic",
        ),
        ({"options": "x"}, "options"),
    ],
    ids=repr,
)
def test_what_is_wrong_with_the_whole_is_refused(
    service: Service, members: dict[str, object], field: str
) -> None:
    """Such a request is a 400 that names the member, and nothing of it is decided."""
    answer = service.post(PATH, {**A, **members})
    assert (400, field) == (answer.status_code, answer.get_json()["field"])
    assert [] == decided(service)


def test_an_item_takes_a_default_whole_or_not_at_all(service: Service) -> None:
    """Nothing below a key is merged: what one subject is said to be never sticks to another."""
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return deny_all(question, facts)

    service.policy.verdict = verdict
    defaults = {
        "subject": SUBJECT,
        "action": {"name": "delegate", "properties": {"recipient": REPRESENTATIVE, "soft": True}},
        "resource": process("P001"),
        "context": {"ip": "::1"},
    }
    items: list[object] = [
        {"action": {"name": "delegate"}},
        {"context": {"time": 1}},
        {"context": None},
        {"subject": OTHER},
    ]
    ask(service, items, **defaults)
    assert [
        (MEMBER, None, {}, {"ip": "::1"}),
        (MEMBER, Cpf(REPRESENTATIVE), {"soft": True}, {"time": 1}),
        (MEMBER, Cpf(REPRESENTATIVE), {"soft": True}, {}),
        (REPRESENTATIVE, Cpf(REPRESENTATIVE), {"soft": True}, {"ip": "::1"}),
    ] == [(cpf_of(one), one.recipient, one.properties, one.context) for one in seen]


def cpf_of(question: Question) -> str:
    """Give the digits of the person who acts."""
    assert isinstance(question.actor, Cpf)
    return question.actor.digits


def test_a_batch_has_no_names_of_decisions_for_who_asks_for_none(service: Service) -> None:
    """The same batch has the same answer each time, in body and headers."""
    answers = [service.post(PATH, {**A, "evaluations": [{}, {"action": RENOUNCE}, 7]})] * 3
    assert 1 == len({one.get_data() for one in answers})
    assert "Decision-Id" not in answers[0].headers


def test_without_policy_store_or_log_a_batch_is_refused(service: Service) -> None:
    """Then nobody is told anything: a 503 for the whole, never a yes."""
    service.log.broken = True
    assert 503 == service.post(PATH, {**A, "evaluations": [{}]}).status_code
    service.log.broken = False
    service.policies.policy = None
    assert 503 == service.post(PATH, {**A, "evaluations": [{}, 7]}).status_code
    assert [] == decided(service)


@pytest.mark.parametrize("path", [ONE, PATH])
def test_an_engine_that_fails_says_nothing_but_that(service: Service, path: str) -> None:
    """Row 67: whatever is raised is a 500 for the whole, without a word of it, and never a yes."""

    def verdict(_question: Question, _facts: Facts) -> Decision:
        raise RuntimeError(f"secret {MEMBER}")

    service.policy.verdict = verdict
    answer = service.post(
        path, {**A, "evaluations": [{}, 7]}, headers={"X-Request-ID": "it-is-mine"}
    )
    assert (500, "it-is-mine") == (answer.status_code, answer.headers["X-Request-ID"])
    assert "the service failed" == answer.get_json()["detail"]
    assert b"secret" not in answer.data
    assert [] == decided(service)


# Reasons


def key_with_reasons(service: Service) -> str:
    """Give a key whose client is told reasons."""
    return service.clients.add("curious", ("decide",), Caller("tests"), reasons=True)


def shown(service: Service, record: DecisionRecord, user: str, admin: str) -> dict[str, Any]:
    """Give the answer for a record as a client with reasons sees it."""
    status = "200" if record.decision.allowed else "403"
    return {
        "decision": record.decision.allowed,
        "context": {
            "decision_id": record.id,
            "reason_user": {status: user},
            "reason_admin": {status: admin},
        },
    }


def test_a_client_whose_setting_asks_is_told_reasons(service: Service) -> None:
    """In Portuguese for the user, with codes and in English for the administrator."""
    key = key_with_reasons(service)
    label, company = "P001 - Acreditação Inicial v.3", "52.420.282/0001-80"
    answer = service.post(ONE, A, key=key).get_json()
    [record] = decided(service)
    said = f"represents open {label} {company}"
    assert shown(service, record, f"pt {said}", f"represents: en {said}") == answer


def test_every_reason_stands_in_the_answer(service: Service) -> None:
    """All codes in their order; the text is that of the first."""
    several = Decision(allowed=False, reasons=("process-closed", "no-permit"))
    service.policy.verdict = lambda _question, _facts: several
    answer = service.post(ONE, A, key=key_with_reasons(service)).get_json()
    assert answer["context"]["reason_admin"]["403"].startswith(
        "process-closed, no-permit: en process-closed open"
    )


def test_each_answer_of_a_batch_has_its_own_reasons(service: Service) -> None:
    """By the name of its record; what is wrong has its error and nothing else."""
    items = [{}, {"action": RENOUNCE}, 7, {"subject": {"type": "person", "id": "nobody"}}]
    body = {**A, "evaluations": items}
    answers = service.post(PATH, body, key=key_with_reasons(service)).get_json()["evaluations"]
    records = decided(service)
    found = [one["context"].get("decision_id") for one in answers]
    assert [records[0].id, records[1].id, None, records[2].id] == found
    codes = [[*one["context"].get("reason_admin", {}).items()] for one in answers]
    assert [("200", "represents"), ("403", "no-permit"), ("403", "invalid-identifier")] == [
        (status, text.partition(":")[0]) for said in codes for status, text in said
    ]
    assert error("evaluation: must be an object") == answers[2]


@pytest.mark.parametrize("way", [STEP_UP, GRANT], ids=["step-up", "refusal"])
def test_a_denial_says_what_would_turn_it(service: Service, way: Way) -> None:
    """To the user in words, to programs as codes; and whether the person can do it alone."""
    service.policy.verdict, service.policy.ways = deny_all, (way,)
    key = key_with_reasons(service)
    one = service.post(ONE, A, key=key).get_json()["context"]
    [other] = service.post(PATH, {**A, "evaluations": [{}]}, key=key).get_json()["evaluations"]
    for context in (one, other["context"]):
        assert context["reason_user"]["403"].endswith(f" {way.pt}")
        assert way.step_up is context["step_up"]
        expected = [{"code": change.code, "by": change.by} for change in way.changes]
        assert expected == context["remedies"]


def test_where_nothing_helps_there_are_no_remedies(service: Service) -> None:
    """Nor is it said that a new sign-in would."""
    service.policy.verdict = deny_all
    context = service.post(ONE, A, key=key_with_reasons(service)).get_json()["context"]
    assert {"decision_id", "reason_user", "reason_admin"} == context.keys()


@pytest.mark.parametrize("verdict", [allow_all, deny_all])
def test_nobody_else_is_told_more_than_a_decision(service: Service, verdict: Any) -> None:
    """A bare decision has no context, not even a null one."""
    service.policy.verdict = verdict
    key_with_reasons(service)
    assert {"decision"} == service.post(ONE, A).get_json().keys()
    [one] = ask(service, [{}], **A)
    assert {"decision"} == one.keys()


def test_no_reason_names_a_person(service: Service) -> None:
    """A CPF that stands in the place of a process is taken out of its texts."""
    body = {**A, "resource": process(f"P001 {MEMBER}")}
    context = service.post(ONE, body, key=key_with_reasons(service)).get_json()["context"]
    assert "pt represents open P001 [cpf] 52.420.282/0001-80" == context["reason_user"]["200"]
    assert MEMBER not in json.dumps(context)
