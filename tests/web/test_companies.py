"""Companies over HTTP: foreign ones registered and validated, and all of them looked up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.decision import ActRecord
from authz_service.domain.identifiers import ForeignId, Login
from tests.fakes.service import COMPANY, Service

KELLER: dict[str, Any] = {
    "name": "Keller Messtechnik GmbH",
    "country": "DE",
    "representatives": ["m.keller", "a.braun"],
}
FILIAL = "52420282000260"
BOND = {"filial": FILIAL, "matriz": COMPANY, "proof": "SEI 1"}
NOW = "2026-11-20T15:00:00Z"
NOBODY = "EX00001230"


def register(service: Service, **changes: object) -> TestResponse:
    """Register a company."""
    answer = service.post("/v1/companies", {**KELLER, **changes})
    assert 201 == answer.status_code
    return answer


def path_of(answer: TestResponse) -> str:
    """Give the path of the company that an answer shows."""
    return f"/v1/companies/{answer.get_json()['id']}"


def acts(service: Service) -> list[ActRecord]:
    """Give the acts on record, those about keys left out."""
    found = [one for one in service.log.records if isinstance(one, ActRecord)]
    return [one for one in found if not one.act.startswith("client.")]


# Registering


def test_a_foreign_company_is_registered(service: Service) -> None:
    """It gets a number of its own and the address where it is found, and is pending."""
    answer = register(service)
    shown = answer.get_json()
    assert ForeignId.parse(shown["id"]).value == shown["id"]
    assert {
        "id": shown["id"],
        "origin": "foreign",
        "name": "Keller Messtechnik GmbH",
        "country": "DE",
        "validation": "pending",
        "registered_at": NOW,
        "validated_at": None,
        "representatives": ["a.braun", "m.keller"],
    } == shown
    assert path_of(answer) == answer.headers["Location"]
    found = service.send("GET", answer.headers["Location"])
    assert (shown, answer.headers["ETag"]) == (found.get_json(), found.headers["ETag"])


def test_registering_is_on_record(service: Service) -> None:
    """The act names the company by number and its representatives by surrogate."""
    shown = register(service).get_json()
    [record] = acts(service)
    names = tuple(
        str(service.store.surrogates.known(Login.parse(one))) for one in KELLER["representatives"]
    )
    assert ("company.register", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )
    assert {"company": shown["id"], "country": "DE", "representatives": names} == record.details
    assert "keller" not in repr(record)


WRONG: list[tuple[str, object]] = [
    ("name", None),
    ("name", 1),
    ("name", ""),
    ("name", "  "),
    ("name", "x" * 201),
    ("name", "a\u0007b"),
    ("name", "Maria 187.627.946-04"),
    ("country", None),
    ("country", "BR"),
    ("country", "de"),
    ("country", "DEU"),
    ("country", ""),
    ("representatives", None),
    ("representatives", "m.keller"),
    ("representatives", {"m.keller": 1}),
    ("representatives.1", ["m.keller", ""]),
    ("representatives.0", [" m.keller"]),
    ("representatives.0", ["18762794604"]),
    ("representatives.0", ["x" * 129]),
    ("representatives.0", [1]),
    ("representatives", ["m.keller", "m.keller"]),
    ("representatives", [f"login-{number}" for number in range(21)]),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_cannot_be_read_is_refused(service: Service, field: str, value: object) -> None:
    """A member that is wrong is a 400 that names it and repeats nothing, and no act."""
    company = path_of(register(service))
    before = len(acts(service))
    sent = {**KELLER, field.partition(".")[0]: value}
    for answer in (service.post("/v1/companies", sent), service.send("PUT", company, sent)):
        assert (400, field) == (answer.status_code, answer.get_json()["field"])
        assert "18762794604" not in answer.get_data(as_text=True)
    assert before == len(acts(service))


def test_what_is_required_is_required(service: Service) -> None:
    """Each member that is missing is a 400 that names it, when changing as well."""
    company = path_of(register(service))
    for missing in KELLER:
        rest = {name: value for name, value in KELLER.items() if name != missing}
        for answer in (service.post("/v1/companies", rest), service.send("PUT", company, rest)):
            assert (400, missing) == (answer.status_code, answer.get_json()["field"])


# Changing, validating, withdrawing


def test_a_company_is_validated(service: Service) -> None:
    """It is, from then on; the answer shows no representatives, whom nobody asked to see."""
    company = path_of(register(service))
    service.clock.advance(timedelta(hours=1))
    answer = service.post(f"{company}/validate", {})
    shown = answer.get_json()
    assert ("validated", "2026-11-20T16:00:00Z") == (shown["validation"], shown["validated_at"])
    assert "representatives" not in shown
    found = service.send("GET", company)
    assert shown | {"representatives": ["a.braun", "m.keller"]} == found.get_json()
    assert answer.headers["ETag"] == found.headers["ETag"]


def test_what_is_new_has_not_been_validated(service: Service) -> None:
    """A new representative makes the company pending; taking one away does not."""
    company = path_of(register(service))
    service.post(f"{company}/validate", {})
    fewer = service.send("PUT", company, {**KELLER, "representatives": ["m.keller"]})
    assert ("validated", ["m.keller"]) == (
        fewer.get_json()["validation"],
        fewer.get_json()["representatives"],
    )
    more = service.send("PUT", company, {**KELLER, "representatives": ["m.keller", "new"]})
    assert ("pending", None) == (more.get_json()["validation"], more.get_json()["validated_at"])


def test_a_company_that_was_withdrawn_stays_withdrawn(service: Service) -> None:
    """It can neither be changed nor validated any more: a 409, and withdrawing it again is none."""
    company = path_of(register(service))
    assert "withdrawn" == service.post(f"{company}/withdraw", {}).get_json()["validation"]
    assert 409 == service.post(f"{company}/validate", {}).status_code
    assert 409 == service.send("PUT", company, KELLER).status_code
    assert 200 == service.post(f"{company}/withdraw", {}).status_code


def test_no_body_is_needed_where_none_is_read(service: Service) -> None:
    """Validating and withdrawing take a bare POST."""
    company = path_of(register(service))
    key = {"Authorization": f"Bearer {service.key}"}
    assert 200 == service.http.post(f"{company}/validate", headers=key).status_code
    assert 200 == service.http.post(f"{company}/withdraw", headers=key).status_code


STEPS = [("PUT", ""), ("POST", "/validate"), ("POST", "/withdraw")]
STEP_IDS = ["change", "validate", "withdraw"]


@pytest.mark.parametrize(("method", "step"), STEPS, ids=STEP_IDS)
def test_two_clerks_do_not_undo_each_other(service: Service, method: str, step: str) -> None:
    """Who acts on what another has changed meanwhile gets a 412, and nothing is done."""
    made = register(service)
    company = path_of(made)
    first = {"If-Match": made.headers["ETag"]}
    changed = service.send("PUT", company, {**KELLER, "name": "Keller AG"}, headers=first)
    assert 200 == changed.status_code
    before = len(acts(service))
    late = service.send(method, company + step, KELLER, headers=first)
    assert (412, "urn:inmetro:authz:problem:precondition-failed") == (
        late.status_code,
        late.get_json()["type"],
    )
    assert before == len(acts(service))
    assert changed.get_json() == service.send("GET", company).get_json()
    again = service.send(
        method, company + step, KELLER, headers={"If-Match": changed.headers["ETag"]}
    )
    assert 200 == again.status_code


@pytest.mark.parametrize("tag", ["*", " * ", '"other", {tag}', "{tag}", ",{tag} ,, W/{tag}"])
def test_any_of_several_tags_will_do(service: Service, tag: str) -> None:
    """If-Match may name several states, or any."""
    made = register(service)
    headers = {"If-Match": tag.format(tag=made.headers["ETag"])}
    assert 200 == service.send("PUT", path_of(made), KELLER, headers=headers).status_code


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ("W/{tag}", 412),
        ('"other"', 412),
        ('""', 412),
        ("", 400),
        (",", 400),
        ("x", 400),
        ('"', 400),
        ("*x", 400),
        ("{tag} {tag}", 400),
        ("*, {tag}", 400),
        ("w/{tag}", 400),
        ("é", 400),
    ],
)
@pytest.mark.parametrize(("method", "step"), STEPS, ids=STEP_IDS)
def test_a_tag_that_is_not_the_state_is_refused(
    service: Service, method: str, step: str, tag: str, status: int
) -> None:
    """A weak tag and another one are a 412, what is no tag a 400; nothing changes."""
    made = register(service)
    headers = {"If-Match": tag.format(tag=made.headers["ETag"])}
    sent = {**KELLER, "name": "Keller AG"}
    answer = service.send(method, path_of(made) + step, sent, headers=headers)
    assert status == answer.status_code
    assert answer.get_json().get("field") == (None if status == 412 else "If-Match")
    assert made.get_json() == service.send("GET", path_of(made)).get_json()


@pytest.mark.parametrize(("method", "step"), STEPS, ids=STEP_IDS)
@pytest.mark.parametrize("company", [NOBODY, COMPANY, "18762794604", "x"])
def test_only_foreign_companies_are_acted_on(
    service: Service, method: str, step: str, company: str
) -> None:
    """A number that is nobody's, a CNPJ and what is no number are a 404 that repeats nothing."""
    answer = service.send(method, f"/v1/companies/{company}{step}", KELLER)
    assert 404 == answer.status_code
    assert "18762794604" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(("method", "step"), [("POST", None), *STEPS])
def test_acting_takes_its_own_scope(service: Service, method: str, step: str | None) -> None:
    """Who may only look may not act."""
    path = "/v1/companies" if step is None else path_of(register(service)) + step
    answer = service.send(method, path, KELLER, key=service.key_for("people:read"))
    assert (403, "`companies`") == (
        answer.status_code,
        answer.get_json()["detail"].rpartition(" ")[2],
    )


def test_nothing_is_kept_that_is_not_on_record(service: Service) -> None:
    """Without the log no company is registered."""
    service.log.broken = True
    assert 503 == service.post("/v1/companies", KELLER).status_code
    service.log.broken = False
    assert [] == service.send("GET", "/v1/companies").get_json()["companies"]


# Looking


def test_representatives_are_for_those_who_register_them(service: Service) -> None:
    """Logins are personal data: who may only look up sees the company without them."""
    company = path_of(register(service))
    reader = service.key_for("people:read")
    clerk = service.key_for("people:read", "companies")
    assert "representatives" not in service.send("GET", company, key=reader).get_json()
    seen = service.send("GET", company, key=clerk).get_json()
    assert ["a.braun", "m.keller"] == seen["representatives"]


def test_the_tag_tells_nothing_of_representatives_to_those_who_see_none(service: Service) -> None:
    """Two companies that differ in them alone would else be told apart, and logins guessed."""
    company = path_of(register(service))
    reader = service.key_for("people:read")
    before = service.send("GET", company, key=reader).headers["ETag"]
    service.send("PUT", company, {**KELLER, "representatives": ["someone.else"]})
    assert before == service.send("GET", company, key=reader).headers["ETag"]


def test_who_sees_representatives_is_on_record(service: Service) -> None:
    """Such a call is an act with their surrogates; a call that shows none is no act."""
    company = path_of(register(service))
    before = len(acts(service))
    service.send("GET", company, key=service.key_for("people:read"))
    assert before == len(acts(service))
    shown = service.send("GET", company).get_json()
    record = acts(service)[-1]
    assert (before + 1, "company.lookup") == (len(acts(service)), record.act)
    names = {service.store.surrogates.known(Login.parse(one)) for one in shown["representatives"]}
    people = record.details["people"]
    assert isinstance(people, tuple)
    assert (shown["id"], names) == (record.details["company"], set(people))


def test_a_company_without_representatives_is_shown_without_an_act(service: Service) -> None:
    """Nobody is seen, so there is nothing to write down."""
    company = path_of(register(service, representatives=[]))
    before = len(acts(service))
    assert [] == service.send("GET", company).get_json()["representatives"]
    assert before == len(acts(service))


def test_a_national_company_is_shown_with_its_bond(service: Service) -> None:
    """What is known of it is its number, and the bond of a filial to its matriz."""
    bond = service.post("/v1/bonds", BOND).get_json()
    filial = service.send("GET", f"/v1/companies/{FILIAL}")
    assert {"id": FILIAL, "origin": "national", "bond": bond} == filial.get_json()
    matriz = service.send("GET", f"/v1/companies/{COMPANY}")
    assert {"id": COMPANY, "origin": "national", "bond": None} == matriz.get_json()


@pytest.mark.parametrize("company", ["ex-0000123-0", "52.420.282-0001-80", COMPANY, "x", "0" * 14])
def test_a_company_of_which_nothing_is_known_is_not_found(service: Service, company: str) -> None:
    """It is a 404, and so is what is no company's number."""
    assert 404 == service.send("GET", f"/v1/companies/{company}").status_code


def test_a_number_is_read_as_people_write_it(service: Service) -> None:
    """With its hyphens and in small letters, it is the same company."""
    made = register(service).get_json()
    written = ForeignId.parse(made["id"]).formatted.lower()
    assert made == service.send("GET", f"/v1/companies/{written}").get_json()


FILTERS: dict[str, tuple[str, list[str]]] = {
    "all": ("", [COMPANY, FILIAL, "Adler", "Berg", "Camus"]),
    "national": ("?origin=national", [COMPANY, FILIAL]),
    "foreign": ("?origin=foreign", ["Adler", "Berg", "Camus"]),
    "validated": ("?validation=validated", ["Berg"]),
    "pending": ("?origin=foreign&validation=pending", ["Adler"]),
    "withdrawn": ("?validation=withdrawn", ["Camus"]),
    "national and validated": ("?origin=national&validation=validated", []),
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.values(), ids=FILTERS)
def test_companies_are_listed_by_origin_and_validation(
    service: Service, query: str, expected: list[str]
) -> None:
    """Foreign ones as registered, national ones as soon as anything is recorded of them."""
    service.post("/v1/bonds", BOND)
    register(service, name="Adler")
    service.post(f"{path_of(register(service, name='Berg'))}/validate", {})
    service.post(f"{path_of(register(service, name='Camus'))}/withdraw", {})
    listed = service.send("GET", f"/v1/companies{query}").get_json()["companies"]
    assert sorted(expected) == sorted(one.get("name", one["id"]) for one in listed)
    assert not any("representatives" in one for one in listed)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("origin=Foreign", "origin"),
        ("origin=", "origin"),
        ("validation=yes", "validation"),
        ("origin=foreign&origin=foreign", "origin"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(service: Service, query: str, field: str) -> None:
    """It is a 400 that names it, never another list than was asked for."""
    answer = service.send("GET", f"/v1/companies?{query}")
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("path", ["/v1/companies", f"/v1/companies/{COMPANY}"])
def test_looking_takes_its_own_scope(service: Service, path: str) -> None:
    """Who may register may not look up."""
    answer = service.send("GET", path, key=service.key_for("companies"))
    assert 403 == answer.status_code
