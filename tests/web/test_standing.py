"""Standing over HTTP: persons, roles and bonds that a caller asserts."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.decision import ActRecord, Decision, Question
from authz_service.domain.facts import CompanyFacts, Facts, ProcessFacts
from tests.fakes.policies import allow_all
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service

FILIAL = "52420282000260"
PERSON: dict[str, Any] = {"cpf": REPRESENTATIVE, "registered": True, "confirmed": True}
STANDING: dict[str, Any] = {"cpf": REPRESENTATIVE, "company": COMPANY, "role": "socio"}
BOND: dict[str, Any] = {"filial": FILIAL, "matriz": COMPANY, "proof": "SEI 0052600.1/2026"}
NOW = "2026-11-20T15:00:00Z"


def facts_about(service: Service, company: str = COMPANY) -> Facts:
    """Give what a policy reads when the representative asks to open P001."""
    seen: list[Facts] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(facts)
        return allow_all(question, facts)

    service.policy.verdict = verdict
    asked = {"cpf": REPRESENTATIVE, "cnpj": company, "processo": "P001", "acao": "iniciar"}
    service.post("/v1/orquestra/decisao", asked)
    return seen[-1]


def company_of(facts: Facts) -> CompanyFacts:
    """Give the company in whose name a process is asked about."""
    assert isinstance(facts.resource, ProcessFacts)
    return facts.resource.company


WRONG_FLAGS: list[object] = [None, 1, 0, "true", "", [], {}]


@pytest.mark.parametrize(
    ("registered", "confirmed", "shown"),
    [(True, True, (NOW, NOW)), (True, False, (NOW, None)), (False, False, (None, None))],
)
def test_a_person_is_registered_and_confirmed(
    service: Service, *, registered: bool, confirmed: bool, shown: tuple[str | None, str | None]
) -> None:
    """What is said about a person is answered, and is what policies read from then on."""
    said = {**PERSON, "registered": registered, "confirmed": confirmed}
    answer = service.post("/v1/people", said)
    assert 200 == answer.status_code
    assert {
        "cpf": REPRESENTATIVE,
        "registered_at": shown[0],
        "confirmed_at": shown[1],
    } == answer.get_json()
    actor = facts_about(service).actor
    assert (registered, confirmed) == (actor.registered, actor.confirmed)


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
    } == answer.get_json()
    standing = company_of(facts_about(service)).standing
    assert ("socio", "asserted", True) == (standing.role, standing.evidence, standing.in_force)


@pytest.mark.parametrize("until", [None, "2026-11-20"])
def test_a_bond_is_recorded(service: Service, until: str | None) -> None:
    """A filial's bond is kept with the place of its proof and its last day."""
    answer = service.post("/v1/bonds", {**BOND, "until": until})
    assert 200 == answer.status_code
    assert {**BOND, "recorded_at": NOW, "until": until} == answer.get_json()
    bond = company_of(facts_about(service, FILIAL)).bond
    assert (True, True) == (bond.recorded, bond.in_force)


@pytest.mark.parametrize(
    ("path", "body", "act"),
    [
        ("/v1/people", PERSON, "person.assert"),
        ("/v1/standing", STANDING, "standing.assert"),
        ("/v1/bonds", BOND, "bond.record"),
    ],
)
def test_what_is_asserted_is_on_record(
    service: Service, path: str, body: dict[str, Any], act: str
) -> None:
    """Each assertion is an administrative act of the calling program, from where it called."""
    service.post(path, body)
    record = service.log.records[-1]
    assert isinstance(record, ActRecord)
    assert (act, "c0", "127.0.0.1") == (record.act, record.caller.name, record.caller.address)


@pytest.mark.parametrize(
    ("path", "body", "member", "value"),
    [
        ("/v1/people", PERSON, "cpf", "72268402518"),
        ("/v1/people", PERSON, "cpf", 72268402517),
        ("/v1/people", PERSON, "cpf", None),
        *(
            ("/v1/people", PERSON, member, value)
            for member in ("registered", "confirmed")
            for value in WRONG_FLAGS
        ),
        ("/v1/standing", STANDING, "cpf", "x"),
        ("/v1/standing", STANDING, "company", "52420282000181"),
        ("/v1/standing", STANDING, "role", "Socio"),
        ("/v1/standing", STANDING, "role", "none"),
        ("/v1/standing", STANDING, "role", None),
        ("/v1/standing", STANDING, "role", ["socio"]),
        ("/v1/standing", STANDING, "ends_at", "2027-01-01"),
        ("/v1/standing", STANDING, "ends_at", "2027-01-01T00:00:00"),
        ("/v1/standing", STANDING, "ends_at", "2027-13-01T00:00:00Z"),
        ("/v1/standing", STANDING, "ends_at", "2027-W01-1T00:00:00Z"),
        ("/v1/standing", STANDING, "ends_at", "0001-01-01T00:00:00+14:00"),
        ("/v1/standing", STANDING, "ends_at", "9999-12-31T23:59:59-14:00"),
        ("/v1/standing", STANDING, "ends_at", 1798761600),
        ("/v1/bonds", BOND, "filial", "x"),
        ("/v1/bonds", BOND, "matriz", None),
        ("/v1/bonds", BOND, "matriz", FILIAL),
        ("/v1/bonds", BOND, "matriz", "12ABC34501DE35"),
        ("/v1/bonds", BOND, "proof", " "),
        ("/v1/bonds", BOND, "proof", "x" * 501),
        ("/v1/bonds", BOND, "proof", None),
        ("/v1/bonds", BOND, "until", "2026-02-30"),
    ],
)
def test_what_cannot_be_read_is_refused(
    service: Service, path: str, body: dict[str, Any], member: str, value: object
) -> None:
    """A member that is wrong is a 400 that names it, and no act is on record."""
    before = len(service.log.records)
    answer = service.post(path, {**body, member: value})
    assert (400, member) == (answer.status_code, answer.get_json()["field"])
    assert before == len(service.log.records)


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/people", PERSON), ("/v1/standing", STANDING), ("/v1/bonds", BOND)]
)
def test_what_is_required_is_required(service: Service, path: str, body: dict[str, Any]) -> None:
    """Each member that is missing is a 400 that names it."""
    for missing in body:
        rest = {name: value for name, value in body.items() if name != missing}
        answer = service.post(path, rest)
        assert (400, missing) == (answer.status_code, answer.get_json()["field"])


def test_nobody_is_confirmed_without_being_registered(service: Service) -> None:
    """Confirmation needs a registration, so the other order is a 400."""
    answer = service.post("/v1/people", {**PERSON, "registered": False})
    assert (400, "confirmed") == (answer.status_code, answer.get_json()["field"])


def test_member_and_representative_are_different_persons(service: Service) -> None:
    """What is said about one person says nothing about another."""
    service.post("/v1/people", {"cpf": MEMBER, "registered": True, "confirmed": True})
    assert not facts_about(service).actor.registered
