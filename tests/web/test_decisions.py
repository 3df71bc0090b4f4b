"""The decision log over HTTP: records as they were written, persons for whoever may know them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question, Subject
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login
from authz_service.domain.processes import ProcessName
from authz_service.journal.lines import line
from authz_service.web.decision_schemas import RecordAnswer
from authz_service.web.json_schemas import JsonSchemas
from tests.fakes.policies import deny_all
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service
from tests.usecases.house import CALLER, leaks

PATH = "/v1/decisions"
OTHER = "11144477735"
ABROAD = "EX00001230"
LOGIN = "anna.schmidt"
BADGE = EntityName("badge", "B-7")
WHY = {"why": "recurso administrativo 12/2026"}
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas" / "decision_record.json").read_text("utf-8")
)


def ask(service: Service, actor: Subject, company: str = COMPANY) -> str:
    """Ask whether somebody may open P001, and give the id of the decision."""
    named = Thing(actor) if isinstance(actor, EntityName) else actor
    of = ForeignId(company) if company.startswith("EX") else Cnpj(company)
    question = Question(named, "open", ProcessAsked(ProcessName("P001"), of))
    return service.point.decide(question, CALLER).id


@pytest.fixture(name="filled")
def _filled(service: Service) -> Service:
    """A service with six decisions and an act in its log, apart from those of its keys."""
    service.log.records.clear()
    service.entities.stored = {BADGE: {}}
    ask(service, Cpf(MEMBER))
    ask(service, Login(LOGIN), ABROAD)
    ask(service, BADGE)
    service.clock.advance(timedelta(minutes=1))
    body = {
        "actor": REPRESENTATIVE,
        "company": COMPANY,
        "member": MEMBER,
        "processes": ["p001"],
    }
    service.send("PUT", "/v1/delegations", body)
    service.clock.advance(timedelta(minutes=1))
    service.policy.verdict = deny_all
    asked = Question(Cpf(OTHER), "read_delegations", CompanyAsked(Cnpj(COMPANY)))
    service.point.decide(asked, CALLER)
    return service


def listed(service: Service, **query: Any) -> list[dict[str, Any]]:
    """Ask for records by GET, and give them."""
    answer = service.http.get(
        PATH, query_string=query, headers={"Authorization": f"Bearer {service.key}"}
    )
    assert 200 == answer.status_code, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["decisions"]
    return found


def searched(service: Service, **body: Any) -> list[dict[str, Any]]:
    """Ask for records by POST, and give them."""
    answer = service.post(f"{PATH}/search", body)
    assert 200 == answer.status_code, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["decisions"]
    return found


def written(service: Service) -> list[dict[str, Any]]:
    """Give what is in the log as it was written, the newest first."""
    return [json.loads(line(one)) for one in reversed(service.log.records)]


def surrogate(service: Service, subject: Subject) -> str:
    """Give the name of somebody in the log."""
    return service.store.surrogates.surrogates([subject])[subject]


def actions(found: list[dict[str, Any]]) -> list[str]:
    """Give what each record is about."""
    return [one["act"] if "act" in one else one["question"]["action"] for one in found]


# As it was written


def test_records_are_shown_as_they_were_written(filled: Service) -> None:
    """Decisions and acts, member by member, by list, by search and one by one."""
    before = written(filled)
    assert before == listed(filled)
    assert before == searched(filled)
    for record in before:
        answer = filled.send("GET", f"{PATH}/{record['id']}")
        assert (200, record) == (answer.status_code, answer.get_json())
    assert before == written(filled)


def test_no_answer_without_the_scope_for_it_holds_personal_data(filled: Service) -> None:
    """Persons and logins stand in records by their surrogates alone."""
    key = filled.key_for("decisions:read")
    texts = [
        filled.send("GET", PATH, key=key).get_data(as_text=True),
        filled.post(f"{PATH}/search", {}, key=key).get_data(as_text=True),
    ]
    forms = [MEMBER, REPRESENTATIVE, OTHER, LOGIN, BADGE.id]
    assert [] == [form for text in texts for form in forms if form in text]


@pytest.mark.parametrize(
    "name", ["0" * 32, "x", "%00", "%FF", "é", "A" * 32, "0" * 31, "0" * 33, MEMBER, "'; DROP"]
)
def test_what_is_no_record_is_not_found(filled: Service, name: str) -> None:
    """Any text in place of an id, however odd, is a 404."""
    shown = filled.send("GET", f"{PATH}/{name}")
    persons = filled.post(f"{PATH}/{name}/persons", WHY)
    assert (404, 404) == (shown.status_code, persons.status_code)


@pytest.mark.parametrize("name", ["x", "0", "A" * 32, "0" * 31, "0" * 33, "%00"])
def test_the_log_is_not_searched_for_what_can_be_no_id(filled: Service, name: str) -> None:
    """Every line holds a zero; to look at them all would take long."""
    filled.records.since = "2026-11-20T15:00:00.000000Z"
    problem = filled.send("GET", f"{PATH}/{name}").get_json()
    assert "there is no such record" == problem["detail"]


def test_a_record_that_was_not_reached_is_told_as_such(filled: Service) -> None:
    """The 404 says of before which moment there is no such record."""
    filled.records.since = "2026-11-20T15:00:00.000000Z"
    problem = filled.send("GET", f"{PATH}/{'0' * 32}").get_json()
    assert "of before 2026-11-20T15:00:00.000000Z" in problem["detail"]


@pytest.mark.parametrize("since", [None, "2026-11-20T15:00:00.000000Z"])
def test_a_list_says_from_when_on_it_may_be_incomplete(filled: Service, since: str | None) -> None:
    """Where what was written last is still being read; null where all is there."""
    filled.records.since = since
    for answer in (filled.send("GET", PATH), filled.post(f"{PATH}/search", {})):
        assert since == answer.get_json()["incomplete_since"]


# Filters

FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["read_delegations", "delegation.replace", "delegate", "open", "open", "open"]),
    ({"kind": "act"}, ["delegation.replace"]),
    ({"kind": "decision"}, ["read_delegations", "delegate", "open", "open", "open"]),
    ({"allowed": False}, ["read_delegations"]),
    ({"allowed": True}, ["delegate", "open", "open", "open"]),
    ({"reason": "no-permit"}, ["read_delegations"]),
    ({"policy": "0" * 64}, ["read_delegations", "delegate", "open", "open", "open"]),
    ({"policy": "1" * 64}, []),
    ({"action": "open"}, ["open", "open", "open"]),
    ({"action": "delegation.replace"}, ["delegation.replace"]),
    ({"company": ABROAD}, ["open"]),
    ({"company": "EX-0000123-0", "action": "open"}, ["open"]),
    ({"company": "52.420.282/0001-80", "kind": "act"}, ["delegation.replace"]),
    ({"process": "p001"}, ["delegate", "open", "open", "open"]),
    ({"client": "orquestra"}, ["read_delegations", "open", "open", "open"]),
    ({"client": "c0"}, ["delegation.replace", "delegate"]),
    ({"client": "nobody"}, []),
    ({"from": "2026-11-20T12:02:00-03:00"}, ["read_delegations"]),
    ({"to": "2026-11-20T15:01:00Z"}, ["open", "open", "open"]),
    (
        {"from": "2026-11-20T15:01:00Z", "to": "2026-11-20T15:02:00Z"},
        ["delegation.replace", "delegate"],
    ),
]


@pytest.mark.parametrize(("filters", "found"), FILTERS)
def test_a_list_is_filtered(filled: Service, filters: dict[str, Any], found: list[str]) -> None:
    """By GET and by POST alike, where only flags are written in another way."""
    query = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in filters.items()
    }
    assert found == actions(listed(filled, **query))
    assert found == actions(searched(filled, **filters))


def test_a_person_may_be_named_by_the_surrogate(filled: Service) -> None:
    """Whoever knows no more than the log does needs no scope for more."""
    key = filled.key_for("decisions:read")
    name = surrogate(filled, Cpf(MEMBER))
    expected = ["delegation.replace", "delegate", "open"]
    by_get = filled.send("GET", f"{PATH}?person={name}", key=key).get_json()["decisions"]
    by_post = filled.post(f"{PATH}/search", {"person": name}, key=key).get_json()["decisions"]
    assert expected == actions(by_get) == actions(by_post)


WRONG: list[tuple[str, Any]] = [
    ("kind", "deed"),
    ("allowed", "yes"),
    ("allowed", "True"),
    ("company", "52420282000181"),
    ("process", "x" * 65),
    ("from", "2026-11-20"),
    ("to", "2026-11-20T15:00:00"),
    ("person", MEMBER),
    ("person", "A" * 32),
    ("policy", "0" * 63),
    ("policy", "A" * 64),
    ("limit", "0"),
    ("limit", "201"),
    ("limit", "x"),
    ("token", "x"),
]


@pytest.mark.parametrize(("member", "value"), WRONG)
def test_a_query_that_cannot_be_read_is_refused(filled: Service, member: str, value: str) -> None:
    """A 400 names the member; a CPF in the place of a surrogate is not repeated."""
    answer = filled.http.get(
        PATH,
        query_string={member: value},
        headers={"Authorization": f"Bearer {filled.key}"},
    )
    assert (400, member) == (answer.status_code, answer.get_json()["field"])
    assert MEMBER not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("kind", "deed", "kind"),
        ("allowed", "true", "allowed"),
        ("company", 1, "company"),
        ("from", "soon", "from"),
        ("person", MEMBER, "person"),
        ("policy", "latest", "policy"),
        ("policy", 1, "policy"),
        ("cpf", "18762794605", "cpf"),
        ("login", "", "login"),
        ("login", MEMBER, "login"),
        ("page", {"token": "x"}, "page.token"),
        ("page", {"limit": "1"}, "page.limit"),
    ],
)
def test_a_search_that_cannot_be_read_is_refused(
    filled: Service, member: str, value: object, field: str
) -> None:
    """A 400 names the member."""
    answer = filled.post(f"{PATH}/search", {member: value})
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


# In parts


def whole(service: Service, *, by_post: bool, **asked: Any) -> Iterator[dict[str, Any]]:
    """Read a whole list in parts of two."""
    token = None
    while token != "":
        if by_post:
            page = {"limit": 2, "token": token}
            answer = service.post(f"{PATH}/search", {**asked, "page": page}).get_json()
        else:
            query = {"limit": 2, **asked} | ({} if token is None else {"token": token})
            headers = {"Authorization": f"Bearer {service.key}"}
            answer = service.http.get(PATH, query_string=query, headers=headers).get_json()
        yield answer
        token = answer["page"]["next_token"]


@pytest.mark.parametrize("by_post", [False, True], ids=["GET", "POST"])
def test_parts_make_up_the_whole(filled: Service, by_post: bool) -> None:
    """Each record is in exactly one part, the newest first."""
    filled.records.unreadable = 3
    parts = list(whole(filled, by_post=by_post))
    assert written(filled) == [one for part in parts for one in part["decisions"]]
    assert [2, 2, 2] == [part["page"]["count"] for part in parts]
    assert {3} == {part["unreadable"] for part in parts}
    assert ["page", "unreadable", "incomplete_since", "decisions"] == list(parts[0])


@pytest.mark.parametrize("by_post", [False, True], ids=["GET", "POST"])
def test_a_token_belongs_to_its_list(filled: Service, by_post: bool) -> None:
    """With another filter it is a 400 that names the token."""
    token = next(whole(filled, by_post=by_post, kind="decision"))["page"]["next_token"]
    if by_post:
        page = {"limit": 2, "token": token}
        answer = filled.post(f"{PATH}/search", {"kind": "act", "page": page})
    else:
        answer = filled.send("GET", f"{PATH}?kind=act&limit=2&token={token}")
    field = "page.token" if by_post else "token"
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("other", [{"login": LOGIN}, {"person": "0" * 32}, {}])
def test_a_token_of_a_search_about_somebody_is_for_no_other_kind_of_search(
    filled: Service, other: dict[str, str]
) -> None:
    """How somebody was named belongs to the list."""
    token = next(whole(filled, by_post=True, cpf=MEMBER))["page"]["next_token"]
    assert token
    answer = filled.post(f"{PATH}/search", {**other, "page": {"limit": 2, "token": token}})
    assert (400, "page.token") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("by", ["cpf", "person"])
def test_no_token_tells_about_whom_it_is(filled: Service, by: str) -> None:
    """At one place it is the same for both, so that trying all CPFs finds neither."""
    tokens = []
    for person in (MEMBER, REPRESENTATIVE):
        name = person if by == "cpf" else surrogate(filled, Cpf(person))
        body = {by: name, "page": {"limit": 1}}
        tokens.append(filled.post(f"{PATH}/search", body).get_json()["page"]["next_token"])
    assert tokens[0] == tokens[1] != ""


# In clear


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ({"cpf": MEMBER}, ["delegation.replace", "delegate", "open"]),
        ({"cpf": "187.627.946-04", "kind": "decision"}, ["delegate", "open"]),
        ({"cpf": OTHER}, ["read_delegations"]),
        ({"cpf": "52998224725"}, []),
        ({"login": LOGIN}, ["open"]),
        ({"login": "nobody"}, []),
    ],
    ids=["member", "member, decisions", "other", "never heard of", "login", "no such login"],
)
def test_what_is_about_somebody_is_found(
    filled: Service, named: dict[str, str], found: list[str]
) -> None:
    """By CPF or login in the body; that it was looked for is in the log, without either."""
    assert found == actions(searched(filled, **named))
    act = written(filled)[0]
    assert ("decisions.search", "c0") == (act["act"], act["caller"]["name"])
    people: list[Cpf | Login] = [Cpf(MEMBER), Cpf(OTHER), Cpf("52998224725"), Login(LOGIN)]
    assert [] == leaks(filled.log.records, people)


@pytest.mark.parametrize("named", [{"cpf": MEMBER}, {"login": LOGIN}])
def test_looking_for_somebody_takes_a_scope_of_its_own(
    filled: Service, named: dict[str, str]
) -> None:
    """Reading the log is not yet reading it about somebody; nothing is written down."""
    key = filled.key_for("decisions:read")
    before = len(filled.log.records)
    answer = filled.post(f"{PATH}/search", named, key=key)
    assert 403 == answer.status_code
    assert "`decisions:clear`" in answer.get_json()["detail"]
    assert before == len(filled.log.records)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cpf": MEMBER, "login": LOGIN}, "login"),
        ({"cpf": MEMBER, "person": "0" * 32}, "person"),
        ({"login": LOGIN, "person": "0" * 32}, "person"),
    ],
)
def test_only_one_is_looked_for(filled: Service, body: dict[str, str], field: str) -> None:
    """Two names of somebody are a mistake, not an intersection."""
    answer = filled.post(f"{PATH}/search", body)
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (Cpf(MEMBER), {"type": "person", "id": MEMBER}),
        (Login(LOGIN), {"type": "login", "id": LOGIN}),
        (BADGE, {"type": "badge", "id": "B-7"}),
    ],
    ids=["person", "login", "entity"],
)
def test_who_stands_behind_a_record_is_told(
    filled: Service, subject: Subject, shown: dict[str, str]
) -> None:
    """Under the surrogate that the record has, with the type and the name in clear."""
    name = ask(filled, subject)
    answer = filled.post(f"{PATH}/{name}/persons", WHY)
    expected = {"id": name, "persons": [{"surrogate": surrogate(filled, subject), **shown}]}
    assert (200, expected) == (answer.status_code, answer.get_json())


def test_telling_who_it_was_is_an_act(filled: Service) -> None:
    """Client, address, record and reason are in the log before the answer leaves."""
    name = ask(filled, Cpf(MEMBER))
    key = filled.key_for("decisions:clear")
    filled.post(f"{PATH}/{name}/persons", {"why": f"pedido de {MEMBER}"}, key=key)
    act = written(filled)[0]
    assert ("decisions.clear", {"name": "c1", "address": "127.0.0.1"}) == (
        act["act"],
        act["caller"],
    )
    assert {
        "decision": name,
        "persons": [surrogate(filled, Cpf(MEMBER))],
        "why": "pedido de [cpf]",
    } == act["details"]


def test_without_the_log_nobody_is_told(filled: Service) -> None:
    """A 503, and nobody's name in it."""
    name = ask(filled, Cpf(MEMBER))
    filled.log.broken = True
    for path, body in ((f"{PATH}/{name}/persons", WHY), (f"{PATH}/search", {"cpf": MEMBER})):
        answer = filled.post(path, body)
        assert 503 == answer.status_code
        assert MEMBER not in answer.get_data(as_text=True)


@pytest.mark.parametrize("body", [{}, {"why": None}, {"why": ""}, {"why": " "}, {"why": 1}])
def test_a_reason_is_required(filled: Service, body: dict[str, object]) -> None:
    """Without one nobody is told, and the 400 says what is missing."""
    name = ask(filled, Cpf(MEMBER))
    before = len(filled.log.records)
    answer = filled.post(f"{PATH}/{name}/persons", body)
    assert (400, "why") == (answer.status_code, answer.get_json()["field"])
    assert before == len(filled.log.records)


# The contract


def resolved(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Give a schema without references, words and the ways to say the same."""
    while "$ref" in schema:
        found: Any = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = {**found, **{key: one for key, one in schema.items() if key != "$ref"}}
    if "anyOf" in schema:
        [one] = [one for one in schema["anyOf"] if one != {"type": "null"}]
        inner = resolved(one, whole)
        return {**inner, "type": sorted({inner["type"], "null"})}
    plain: dict[str, Any] = {}
    for key, one in schema.items():
        if key in ("description", "title", "examples"):
            continue
        if key in ("properties", "$defs"):
            plain[key] = {name: resolved(inner, whole) for name, inner in one.items()}
        elif key in ("items", "additionalProperties") and isinstance(one, dict):
            plain[key] = resolved(one, whole)
        elif key in ("type", "required") and isinstance(one, list):
            plain[key] = sorted(one)
        else:
            plain[key] = one
    if "enum" in plain:
        plain["enum"] = sorted(plain["enum"], key=str)
        plain.setdefault("type", ["null", "string"] if None in plain["enum"] else "string")
    return plain


def test_the_answer_and_the_published_form_of_a_line_agree() -> None:
    """Member by member, for decisions and for acts; what both must have, the answer requires."""
    schemas = JsonSchemas("x", "1")
    reference = schemas.of(RecordAnswer)
    answer = resolved(reference, schemas.spec.to_dict())
    branches = [resolved(one, SCHEMA) for one in SCHEMA["oneOf"]]
    members: dict[str, Any] = {}
    for branch in branches:
        assert branch["additionalProperties"] is False
        members |= branch["properties"]
    members["kind"] = {"type": "string", "enum": ["act", "decision"]}
    members["schema"] = {"type": "integer", "const": 1}
    assert members == answer["properties"]
    common = set(branches[0]["required"]) & set(branches[1]["required"])
    assert common == set(answer["required"])
    assert answer["additionalProperties"] is False
