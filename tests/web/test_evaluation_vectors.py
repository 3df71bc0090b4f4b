"""
AuthZEN 1.0, Access Evaluation: a table of requests and what has to come back.

The policy behind it allows whatever it is asked, so a ``false`` is the door's own answer
and a ``true`` shows that the question was understood.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from authz_service.domain.decision import (
    CompanyAsked,
    Decision,
    DecisionRecord,
    ProcessAsked,
    Question,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import Facts, PersonFacts
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from tests.fakes.policies import allow_all, deny_all
from tests.fakes.service import COMPANY, MAX_BODY, MEMBER, REPRESENTATIVE, Service

PATH = "/access/v1/evaluation"
ABSENT = object()

A: dict[str, Any] = {
    "subject": {"type": "person", "id": MEMBER},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": COMPANY}},
}
"""A request that is right in every respect."""


def changed(path: str, value: object) -> dict[str, Any]:
    """Give request A with the member at the dotted *path* set, or taken away."""
    body = copy.deepcopy(A)
    *way, last = path.split(".")
    inner = body
    for step in way:
        inner = inner.setdefault(step, {})
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return body


def know(service: Service) -> None:
    """Let entities of two types of others be known, with a property each."""
    service.entities.stored[EntityName("user", "alice")] = {"role": "admin", "team": 7}
    service.entities.stored[EntityName("record", "r-1")] = {"status": "active"}


def name_of(value: object) -> str | None:
    """Give a readable name to a member's value in a table, and leave the rest to pytest."""
    return "absent" if value is ABSENT else None


@pytest.mark.parametrize("decision", [True, False])
def test_the_answer_is_a_decision_and_nothing_else(service: Service, *, decision: bool) -> None:
    """Rows 1 and 2: allow and deny are both a 200 whose body holds one boolean."""
    service.policy.verdict = allow_all if decision else deny_all
    answer = service.post(PATH, A)
    assert 200 == answer.status_code
    assert "application/json" == answer.headers["Content-Type"]
    assert {"decision": decision} == answer.get_json()


def test_the_decision_can_be_found_in_the_log_by_its_header(service: Service) -> None:
    """Decision-Id names the record that was written for the answer."""
    answer = service.post(PATH, A)
    record = service.log.records[-1]
    assert isinstance(record, DecisionRecord)
    assert record.id == answer.headers["Decision-Id"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("context", {"time": "2026-11-20T12:00-03:00", "ip": "10.0.0.1", "deep": [{"a": None}]}),
        ("subject.properties", {"role": "admin", "tags": ["a", 1, None, {"b": True}]}),
        ("resource.properties.anything", [1, 2.5, "x"]),
        ("action.properties", {"soft": True}),
        ("context", None),
        ("subject.properties", None),
        ("action.properties", None),
        ("action.properties", {"recipient": None}),
        ("resource.properties.version", None),
        ("context", {}),
        ("unknown", {"a": 1}),
        ("unknown", None),
        ("__proto__", {"isAdmin": True}),
        ("subject.unknown", 1),
        ("subject.__proto__", {}),
        ("action.unknown", None),
        ("action.id", 7),
        ("resource.unknown", [None]),
        ("evaluations", [{"subject": None}, 7]),
        ("options", {"evaluations_semantic": "bogus"}),
        ("page", "no page"),
        ("subject.id", "187.627.946-04"),
        ("subject.id", " 18762794604 "),
        ("resource.id", "p001"),
        ("resource.id", "P001 - Acreditação Inicial v.3"),
        ("resource.id", "P001 - Acreditac\u0327a\u0303o Inicial"),
        ("resource.id", "P999"),
        ("resource.properties.cnpj", "52.420.282/0001-80"),
        ("resource.properties.cnpj", "12.abc.345/01de-35"),
        ("resource.properties.version", 3),
        ("resource.properties.version", "3"),
        ("resource.properties.version", "v.3"),
        ("resource", {"type": "company", "id": COMPANY}),
        ("action.properties", {"recipient": REPRESENTATIVE}),
        ("action.name", "no such action"),
        ("subject", {"type": "login", "id": "m.keller"}),
        ("subject.type", "user"),
        ("subject", {"type": "user", "id": "alice", "properties": {"role": ["x"]}}),
        ("resource", {"type": "record", "id": "r-1", "properties": {"cnpj": 7}}),
        ("resource.properties", {"company": COMPANY}),
        ("resource.properties", {"company": "52.420.282/0001-80", "cnpj": None}),
        ("resource.properties", {"company": "ex-0000123-0", "version": "v.3"}),
        ("resource.properties.company", None),
        ("resource", {"type": "company", "id": "EX00001230"}),
    ],
)
def test_what_is_well_formed_reaches_the_policy(service: Service, path: str, value: object) -> None:
    """Rows 4, 5, 6, 14: optional members may be there, and unknown ones change nothing."""
    know(service)
    answer = service.post(PATH, changed(path, value))
    assert (200, {"decision": True}) == (answer.status_code, answer.get_json())


def test_the_order_of_members_means_nothing(service: Service) -> None:
    """Row 7: the same members in another order are the same request."""
    turned = {name: dict(reversed(A[name].items())) for name in reversed(A)}
    assert {"decision": True} == service.post(PATH, turned).get_json()


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("subject.type", "user", "unknown-type"),
        ("subject.type", "Person", "unknown-type"),
        ("subject.type", "", "unknown-type"),
        ("resource.type", "record", "unknown-type"),
        ("resource.type", "", "unknown-type"),
        ("resource", {"type": "record", "id": "1", "properties": {"cnpj": 1}}, "unknown-type"),
        ("resource", {"type": "person", "id": MEMBER}, "unknown-type"),
        ("resource", {"type": "login", "id": "weber"}, "unknown-type"),
        ("subject", {"type": "company", "id": COMPANY}, "unknown-type"),
        ("subject", {"type": "process", "id": "P001"}, "unknown-type"),
        ("subject", {"type": "no type", "id": "x"}, "unknown-type"),
        ("subject", {"type": "user", "id": ""}, "invalid-identifier"),
        ("subject", {"type": "user", "id": "x" * 513}, "invalid-identifier"),
        ("subject", {"type": "login", "id": ""}, "invalid-identifier"),
        ("subject", {"type": "login", "id": " weber"}, "invalid-identifier"),
        ("subject", {"type": "login", "id": MEMBER}, "invalid-identifier"),
        ("subject", {"type": "login", "id": "x" * 129}, "invalid-identifier"),
        ("resource.properties", {"company": "EX-0000123-1"}, "invalid-identifier"),
        ("resource.properties", {"company": "52420282000181"}, "invalid-identifier"),
        ("resource.properties", {"cnpj": "EX-0000123-0"}, "invalid-identifier"),
        ("resource.properties", {"company": ""}, "invalid-identifier"),
        ("resource", {"type": "company", "id": "EX-0000123-1"}, "invalid-identifier"),
        ("subject.id", "", "invalid-identifier"),
        ("subject.id", "alice", "invalid-identifier"),
        ("subject.id", "18762794605", "invalid-identifier"),
        ("subject.id", "00000000000", "invalid-identifier"),
        ("subject.id", "1876279460", "invalid-identifier"),
        ("subject.id", "\u0661\u0668762794604", "invalid-identifier"),
        ("subject.id", "x" * 20_000, "invalid-identifier"),
        ("resource.id", "", "invalid-identifier"),
        ("resource.id", "   ", "invalid-identifier"),
        ("resource.id", "P" * 201, "invalid-identifier"),
        ("resource.id", "P001 v.0", "invalid-identifier"),
        ("resource.properties.cnpj", "", "invalid-identifier"),
        ("resource.properties.cnpj", "52420282000181", "invalid-identifier"),
        ("resource.properties.cnpj", "00000000000000", "invalid-identifier"),
        ("resource", {"type": "company", "id": "52420282000181"}, "invalid-identifier"),
        ("resource", {"type": "company", "id": "p001"}, "invalid-identifier"),
        ("action.properties", {"recipient": "18762794605"}, "invalid-identifier"),
        ("action.properties", {"recipient": ""}, "invalid-identifier"),
    ],
)
def test_what_cannot_exist_is_a_no(service: Service, path: str, value: object, reason: str) -> None:
    """Rows 8 and 15: a malformed or unknown identifier is a false with its reason in the log."""
    answer = service.post(PATH, changed(path, value))
    record = service.log.records[-1]
    assert (200, {"decision": False}) == (answer.status_code, answer.get_json())
    assert isinstance(record, DecisionRecord)
    assert (record.id, reason) == (answer.headers["Decision-Id"], record.decision.reason)


WRONG_STRINGS: list[object] = [ABSENT, None, 1, False, {}, ["a"]]
WRONG_OBJECTS: list[object] = [None, [], True, "x", 1]


@pytest.mark.parametrize("value", WRONG_STRINGS, ids=name_of)
@pytest.mark.parametrize(
    "path",
    [
        "subject.type",
        "subject.id",
        "action.name",
        "resource.type",
        "resource.id",
        "resource.properties.cnpj",
    ],
)
def test_required_strings_are_required(service: Service, path: str, value: object) -> None:
    """Rows 10 and 12: a required string that is missing or no string is a 400 that names it."""
    answer = service.post(PATH, changed(path, value))
    assert (400, path) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("value", [ABSENT, *WRONG_OBJECTS], ids=name_of)
@pytest.mark.parametrize("path", ["subject", "action", "resource"])
def test_required_objects_are_required(service: Service, path: str, value: object) -> None:
    """Rows 10 and 11: a required object that is missing or no object is a 400 that names it."""
    answer = service.post(PATH, changed(path, value))
    assert (400, path) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({}, "cnpj"),
        ({"cnpj": None, "company": None}, "cnpj"),
        ({"company": 7}, "company"),
        ({"company": ["EX-0000123-0"]}, "company"),
        ({"cnpj": COMPANY, "company": COMPANY}, "company"),
        ({"cnpj": COMPANY, "company": "EX-0000123-0"}, "company"),
        ({"cnpj": "", "company": ""}, "company"),
    ],
    ids=repr,
)
def test_a_process_is_asked_about_for_one_company(
    service: Service, properties: dict[str, object], field: str
) -> None:
    """Its properties name one, by ``cnpj`` or by ``company``; none and both are a 400."""
    answer = service.post(PATH, changed("resource.properties", properties))
    expected = (400, f"resource.properties.{field}")
    assert expected == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    ("path", "first", "count"),
    [
        ("subject", "subject.type", 2),
        ("action", "action.name", 1),
        ("resource", "resource.type", 2),
    ],
)
def test_an_empty_object_lacks_its_members(
    service: Service, path: str, first: str, count: int
) -> None:
    """Row 11: of an empty object every required member is named."""
    problem = service.post(PATH, changed(path, {})).get_json()
    assert (400, first) == (problem["status"], problem["field"])
    assert count == len(problem.get("errors", [problem]))


@pytest.mark.parametrize("value", [[], [1], True, "x", 1, 0, "", False])
@pytest.mark.parametrize(
    "path", ["subject.properties", "action.properties", "resource.properties", "context"]
)
def test_optional_objects_are_objects(service: Service, path: str, value: object) -> None:
    """Row 13: properties and context that are there and no objects are a 400."""
    answer = service.post(PATH, changed(path, value))
    assert (400, path) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("resource.properties.version", "three"),
        ("resource.properties.version", ""),
        ("resource.properties.version", 0),
        ("resource.properties.version", 1_000_000),
        ("resource.properties.version", 3.0),
        ("resource.properties.version", True),
        ("resource.properties.version", [3]),
        ("action.properties.recipient", 18762794604),
        ("action.properties.recipient", ["18762794604"]),
        ("action.properties.recipient", {}),
    ],
)
def test_optional_members_that_the_service_reads_are_checked(
    service: Service, path: str, value: object
) -> None:
    """A version or a recipient of the wrong kind is a 400 that names it."""
    answer = service.post(PATH, changed(path, value))
    assert (400, path) == (answer.status_code, answer.get_json()["field"])


def test_two_versions_that_contradict_each_other_are_refused(service: Service) -> None:
    """A label and a property that name different versions are a 400, whatever else is wrong."""
    body = changed("resource.properties.version", 2)
    body["resource"]["id"] = "P001 - Acreditação Inicial v.3"
    body["subject"] = {"type": "user", "id": "nobody"}
    body["resource"]["properties"]["cnpj"] = "no company"
    answer = service.post(PATH, body)
    assert 400 == answer.status_code
    assert "resource.properties.version" == answer.get_json()["field"]


@pytest.mark.parametrize(
    ("path", "value"), [("subject.id", "nobody"), ("subject.type", "user"), ("resource.id", "")]
)
def test_a_wrong_structure_counts_before_an_impossible_identifier(
    service: Service, path: str, value: str
) -> None:
    """A request that is both malformed and about nobody is a 400."""
    body = changed(path, value)
    del body["resource"]["properties"]["cnpj"]
    answer = service.post(PATH, body)
    assert (400, "resource.properties.cnpj") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("name", ["P061", "p061", " P061 ", "P061 v.2"])
def test_an_ambiguous_process_is_refused_with_its_candidates(service: Service, name: str) -> None:
    """P061 names two processes, so the caller has to say which."""
    answer = service.post(PATH, changed("resource.id", name))
    problem = answer.get_json()
    assert (400, "resource.id") == (answer.status_code, problem["field"])
    assert "urn:inmetro:authz:problem:ambiguous-process" == problem["type"]
    assert ["P061 - Cadastro de Empresas v.1", "P061 - Registro v.2"] == problem["candidates"]


def test_the_question_holds_what_was_sent(service: Service) -> None:
    """Person, process, version, company, recipient, context and properties reach the policy."""
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return allow_all(question, facts)

    service.policy.verdict = verdict
    body = changed("context", {"ip": "10.0.0.1", "deep": {"a": [1, None]}})
    body["action"] = {"name": "delegate", "properties": {"recipient": REPRESENTATIVE, "soft": True}}
    body["resource"]["properties"]["version"] = "v.3"
    body["subject"]["properties"] = {"id": REPRESENTATIVE, "registered": True}
    service.post(PATH, body)
    expected = Question(
        actor=Cpf(MEMBER),
        action="delegate",
        resource=ProcessAsked(ProcessName("P001", 3), Cnpj(COMPANY)),
        actor_evidence=Evidence.ASSERTED,
        recipient=Cpf(REPRESENTATIVE),
        context={"ip": "10.0.0.1", "deep": {"a": [1, None]}},
        properties={"soft": True},
    )
    assert [expected] == seen


def test_a_company_is_a_resource_of_its_own(service: Service) -> None:
    """Resource type company asks about the establishment as a whole."""
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return deny_all(question, facts)

    service.policy.verdict = verdict
    service.post(PATH, changed("resource", {"type": "company", "id": "52.420.282/0001-80"}))
    assert [CompanyAsked(Cnpj(COMPANY))] == [question.resource for question in seen]


def test_a_foreign_company_and_its_login_reach_the_policy(service: Service) -> None:
    """Subject type login, and a company's own number as a resource and of a process."""
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return deny_all(question, facts)

    service.policy.verdict = verdict
    body = changed("subject", {"type": "login", "id": "M.Keller"})
    body["resource"]["properties"] = {"company": "ex-0000123-0", "version": 2}
    service.post(PATH, body)
    service.post(PATH, {**body, "resource": {"type": "company", "id": "EX00001230"}})
    number = ForeignId("EX00001230")
    assert [
        (Login("M.Keller"), ProcessAsked(ProcessName("P001", 2), number)),
        (Login("M.Keller"), CompanyAsked(number)),
    ] == [(one.actor, one.resource) for one in seen]


def test_what_is_said_of_anothers_entity_counts_before_what_is_stored(service: Service) -> None:
    """Each property by itself, of subject and resource; nothing below a property is merged."""
    know(service)
    seen: list[Question] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(question)
        return deny_all(question, facts)

    service.policy.verdict = verdict
    said = {"role": {"deep": None}, "new": True}
    service.post(PATH, changed("subject", {"type": "user", "id": "alice", "properties": said}))
    service.post(PATH, changed("resource", {"type": "record", "id": "r-1"}))
    service.post(PATH, changed("resource", {"type": "record", "id": "R-1"}))
    alice, record = EntityName("user", "alice"), EntityName("record", "r-1")
    assert Thing(alice, {"role": {"deep": None}, "team": 7, "new": True}) == seen[0].actor
    assert Thing(record, {"status": "active"}) == seen[1].resource
    assert Thing(EntityName("record", "R-1"), {}) == seen[2].resource


def test_what_a_caller_says_about_a_person_is_no_fact(service: Service) -> None:
    """Row 16: properties of the subject and members beside them never become facts."""
    seen: list[Facts] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(facts)
        return deny_all(question, facts)

    service.policy.verdict = verdict
    body = changed("subject.id", REPRESENTATIVE)
    body["subject"]["properties"] = {"registered": True, "confirmed": True, "id": MEMBER}
    body["subject"]["registered"] = True
    service.post(PATH, body)
    assert [PersonFacts(REPRESENTATIVE, registered=False, confirmed=False)] == [
        facts.actor for facts in seen
    ]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b" ",
        b'{"subject":',
        json.dumps(A).encode()[:-1] + b",}",
        json.dumps(A).encode() * 2,
        b"[" + json.dumps(A).encode() + b"]",
        b"[]",
        b"null",
        b"true",
        b"42",
        b'"x"',
        b"{}",
        json.dumps(changed("context", {"n": float("nan")})).encode(),
        json.dumps(changed("context", {"n": float("inf")})).encode(),
        json.dumps(changed("context", {"n": 0})).replace('"n": 0', '"n": 1e400').encode(),
        json.dumps(changed("context", {"n": 0})).replace('"n": 0', '"n": ' + "9" * 5000).encode(),
        json.dumps(A).replace('"id"', '"id": "x", "id"', 1).encode(),
        json.dumps(A).replace('"id"', r'"\u0069d": "x", "id"', 1).encode(),
        json.dumps(A).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(A).encode(),
        json.dumps(A).replace("open", "\xff").encode("latin-1"),
        json.dumps(A).replace("open", r"\ud800").encode(),
        json.dumps(A).replace("open", r"\u0000").encode(),
        json.dumps(A).replace(MEMBER, MEMBER + r"\u0000").encode(),
        b"[" * 30_000,
        b'{"a":' * 6_000,
    ],
    ids=lambda sent: repr(sent[:12]),
)
def test_what_is_no_json_object_is_refused(service: Service, sent: bytes) -> None:
    """Rows 15, 17, 18, 22 to 25: a body that is no I-JSON object is a 400, never a 500."""
    answer = service.post(PATH, sent)
    assert (400, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert [] == [one for one in service.log.records if isinstance(one, DecisionRecord)]


def test_a_body_that_is_too_long_is_refused(service: Service) -> None:
    """Row 25: more than the service reads is a 413 in the shape of every problem."""
    answer = service.post(PATH, b" " * (MAX_BODY + 1))
    assert (413, "application/problem+json") == (answer.status_code, answer.mimetype)


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/foo+json",
        "application/x+json",
        "application/jsonx",
        "application/json, text/plain",
        "json",
    ],
)
def test_another_media_type_is_refused(service: Service, media_type: str) -> None:
    """Row 19: only application/json is read, and anything else is a 400, not a 415."""
    headers = {"Content-Type": media_type}
    answer = service.post(PATH, json.dumps(A).encode(), headers=headers)
    assert (400, "Content-Type") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON",
        " application/json ; x=y",
    ],
)
def test_the_media_type_may_have_parameters_case_and_spaces(
    service: Service, media_type: str
) -> None:
    """Row 20: what means application/json is taken however it is written."""
    headers = {"Content-Type": media_type}
    assert 200 == service.post(PATH, json.dumps(A).encode(), headers=headers).status_code


def test_the_answer_is_json_whatever_the_caller_accepts(service: Service) -> None:
    """Row 21: Accept does not change the form of the answer."""
    answer = service.post(PATH, A, headers={"Accept": "text/html"})
    assert (200, "application/json") == (answer.status_code, answer.mimetype)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_post_asks(service: Service, method: str) -> None:
    """Row 26: another method is a 405 that says which one is allowed."""
    answer = service.send(method, PATH, A)
    assert (405, "POST") == (answer.status_code, answer.headers["Allow"])


def test_the_same_question_gets_the_same_answer(service: Service) -> None:
    """Row 29: three times the same body brings three times the same bytes."""
    assert 1 == len({service.post(PATH, A).get_data() for _ in range(3)})
