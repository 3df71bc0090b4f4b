"""Standing over HTTP: asserted by a caller, and looked for by company and person."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.decision import ActRecord
from authz_service.domain.identifiers import Cpf
from authz_service.usecases.stores import Page
from authz_service.web.paging import wanted
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service
from tests.web.asserted import NOW, company_of, facts_about

STANDING: dict[str, Any] = {"cpf": REPRESENTATIVE, "company": COMPANY, "role": "socio"}
OTHER = "11222333000181"
SEARCH = "/v1/standing/search"


@pytest.mark.parametrize(
    ("ends_at", "shown"),
    [
        (None, None),
        ("2027-01-01T00:00:00-03:00", "2027-01-01T03:00:00Z"),
        ("2027-01-01T00:00:00.25Z", "2027-01-01T00:00:00.250000Z"),
    ],
)
def test_a_standing_is_asserted(service: Service, ends_at: str | None, shown: str | None) -> None:
    """A role in a company is kept as asserted evidence, its end given in UTC."""
    answer = service.post("/v1/standing", {**STANDING, "ends_at": ends_at})
    assert 200 == answer.status_code
    assert {
        "cpf": REPRESENTATIVE,
        "company": COMPANY,
        "role": "socio",
        "evidence": "asserted",
        "observed_at": NOW,
        "ends_at": shown,
        "cadastrador": None,
    } == answer.get_json()
    standing = company_of(facts_about(service)).standing
    assert ("socio", "asserted", True) == (standing.role, standing.evidence, standing.in_force)


def test_what_is_asserted_is_on_record(service: Service) -> None:
    """An assertion is an administrative act of the calling program, from where it called."""
    service.post("/v1/standing", STANDING)
    record = service.log.records[-1]
    assert isinstance(record, ActRecord)
    assert ("standing.assert", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("cpf", "x"),
        ("company", "52420282000181"),
        ("company", "EX00001230"),
        ("role", "Socio"),
        ("role", "none"),
        ("role", None),
        ("role", ["socio"]),
        ("ends_at", "2027-01-01"),
        ("ends_at", "2027-01-01T00:00:00"),
        ("ends_at", "2027-13-01T00:00:00Z"),
        ("ends_at", "2027-W01-1T00:00:00Z"),
        ("ends_at", "0001-01-01T00:00:00+14:00"),
        ("ends_at", "9999-12-31T23:59:59-14:00"),
        ("ends_at", 1798761600),
    ],
)
def test_what_cannot_be_read_is_refused(service: Service, member: str, value: object) -> None:
    """A member that is wrong is a 400 that names it, and no act is on record."""
    before = len(service.log.records)
    answer = service.post("/v1/standing", {**STANDING, member: value})
    assert (400, member) == (answer.status_code, answer.get_json()["field"])
    assert before == len(service.log.records)


def test_what_is_required_is_required(service: Service) -> None:
    """Each member that is missing is a 400 that names it."""
    for missing in STANDING:
        rest = {name: value for name, value in STANDING.items() if name != missing}
        answer = service.post("/v1/standing", rest)
        assert (400, missing) == (answer.status_code, answer.get_json()["field"])


# Looking for


@pytest.fixture(name="known")
def _known(service: Service) -> Service:
    """Give a service that knows two persons in one company, and one of them in another."""
    for cpf, company in ((REPRESENTATIVE, COMPANY), (MEMBER, COMPANY), (MEMBER, OTHER)):
        said = {"cpf": cpf, "company": company, "role": "socio"}
        assert 200 == service.post("/v1/standing", said).status_code
    return service


SEARCHES: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "a company": ({"company": COMPANY}, [(COMPANY, MEMBER), (COMPANY, REPRESENTATIVE)]),
    "a person": ({"cpf": MEMBER}, [(OTHER, MEMBER), (COMPANY, MEMBER)]),
    "both": ({"cpf": MEMBER, "company": COMPANY}, [(COMPANY, MEMBER)]),
    "null as absent": ({"cpf": MEMBER, "company": None}, [(OTHER, MEMBER), (COMPANY, MEMBER)]),
    "none": ({"cpf": REPRESENTATIVE, "company": OTHER}, []),
}


@pytest.mark.parametrize(("body", "found"), SEARCHES.values(), ids=SEARCHES)
def test_standing_is_found_by_company_and_person(
    known: Service, body: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """What is listed is what was asked for, by company and person."""
    answer = known.post(SEARCH, body)
    assert 200 == answer.status_code
    shown = answer.get_json()["standings"]
    assert found == [(one["company"], one["cpf"]) for one in shown]


def test_who_was_seen_is_on_record(known: Service) -> None:
    """The act names the company that was asked about and the surrogates of those shown."""
    known.post(SEARCH, {"company": COMPANY})
    record = known.log.records[-1]
    assert isinstance(record, ActRecord)
    names = [known.store.surrogates.known(Cpf.parse(one)) for one in (MEMBER, REPRESENTATIVE)]
    assert ("standing.search", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )
    assert {"company": COMPANY, "person": None, "people": tuple(names)} == record.details
    assert not any(one in repr(record) for one in (MEMBER, REPRESENTATIVE))


def test_who_was_asked_about_is_on_record(known: Service) -> None:
    """A person is named by surrogate, once, however many companies there are."""
    known.post(SEARCH, {"cpf": MEMBER})
    record = known.log.records[-1]
    assert isinstance(record, ActRecord)
    name = known.store.surrogates.known(Cpf.parse(MEMBER))
    assert {"company": None, "person": name, "people": (name,)} == record.details


def test_nothing_is_shown_that_is_not_on_record(known: Service) -> None:
    """Without the log nobody sees anybody."""
    known.log.broken = True
    answer = known.post(SEARCH, {"company": COMPANY})
    assert 503 == answer.status_code
    assert MEMBER not in answer.get_data(as_text=True)


@pytest.mark.parametrize("body", [{}, {"company": None, "cpf": None}, {"page": {"limit": 1}}])
def test_one_of_company_and_person_has_to_be_given(service: Service, body: dict[str, Any]) -> None:
    """Nobody lists everybody: a search for neither is a 400."""
    answer = service.post(SEARCH, body)
    assert (400, "company") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"company": "x"}, "company"),
        ({"company": "EX00001230"}, "company"),
        ({"cpf": 1}, "cpf"),
        ({"company": COMPANY, "page": 1}, "page"),
        ({"company": COMPANY, "page": {"limit": "2"}}, "page.limit"),
        ({"company": COMPANY, "page": {"token": 2}}, "page.token"),
    ],
)
def test_a_search_that_cannot_be_read_is_refused(
    service: Service, body: dict[str, Any], field: str
) -> None:
    """A member that is wrong is a 400 that names it."""
    answer = service.post(SEARCH, body)
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


def test_looking_takes_its_own_scope(service: Service) -> None:
    """Who may assert may not look."""
    answer = service.post(SEARCH, {"company": COMPANY}, key=service.key_for("standing:assert"))
    assert 403 == answer.status_code


def test_a_place_that_the_store_does_not_know_is_no_token(known: Service) -> None:
    """Such as one that ended with a person who was erased since: a 400 that names the token."""
    part = wanted({"token": None, "limit": 1}, "", "standing", COMPANY, None)
    token = part.answer("x", Page((1,), "999"), lambda _: {})["page"]["next_token"]
    answer = known.post(SEARCH, {"company": COMPANY, "page": {"token": token}})
    assert (400, "page.token") == (answer.status_code, answer.get_json()["field"])
