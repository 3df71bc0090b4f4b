"""Bonds over HTTP: recorded by a caller, and listed by either of the two companies."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.decision import ActRecord
from tests.fakes.service import COMPANY, Service
from tests.web.asserted import FILIAL, NOW, company_of, facts_about

BOND: dict[str, Any] = {"filial": FILIAL, "matriz": COMPANY, "proof": "SEI 0052600.1/2026"}
SECOND = "52420282000341"


@pytest.mark.parametrize("until", [None, "2026-11-20"])
def test_a_bond_is_recorded(service: Service, until: str | None) -> None:
    """A filial's bond is kept with the place of its proof and its last day."""
    answer = service.post("/v1/bonds", {**BOND, "until": until})
    assert 200 == answer.status_code
    assert {**BOND, "recorded_at": NOW, "until": until} == answer.get_json()
    bond = company_of(facts_about(service, FILIAL)).bond
    assert (True, True) == (bond.recorded, bond.in_force)


def test_what_is_recorded_is_an_act(service: Service) -> None:
    """A bond is an administrative act of the calling program, from where it called."""
    service.post("/v1/bonds", BOND)
    record = service.log.records[-1]
    assert isinstance(record, ActRecord)
    assert ("bond.record", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("filial", "x"),
        ("filial", "EX00001230"),
        ("matriz", None),
        ("matriz", FILIAL),
        ("matriz", "12ABC34501DE35"),
        ("proof", " "),
        ("proof", "x" * 501),
        ("proof", None),
        ("until", "2026-02-30"),
    ],
)
def test_what_cannot_be_read_is_refused(service: Service, member: str, value: object) -> None:
    """A member that is wrong is a 400 that names it, and no act is on record."""
    before = len(service.log.records)
    answer = service.post("/v1/bonds", {**BOND, member: value})
    assert (400, member) == (answer.status_code, answer.get_json()["field"])
    assert before == len(service.log.records)


def test_what_is_required_is_required(service: Service) -> None:
    """Each member that is missing is a 400 that names it."""
    for missing in BOND:
        rest = {name: value for name, value in BOND.items() if name != missing}
        answer = service.post("/v1/bonds", rest)
        assert (400, missing) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    ("company", "filiais"),
    [(COMPANY, [FILIAL, SECOND]), (FILIAL, [FILIAL]), ("11222333000181", [])],
    ids=["matriz", "filial", "neither"],
)
def test_bonds_are_listed_by_either_company(
    service: Service, company: str, filiais: list[str]
) -> None:
    """A matriz shows all its filiais, a filial its matriz, another company nothing."""
    service.post("/v1/bonds", BOND)
    service.post("/v1/bonds", {**BOND, "filial": SECOND})
    answer = service.send("GET", f"/v1/bonds?company={company}")
    assert 200 == answer.status_code
    assert filiais == [one["filial"] for one in answer.get_json()["bonds"]]


def test_the_bond_that_counts_is_listed(service: Service) -> None:
    """A later bond of a filial takes the place of the earlier one, in the list as well."""
    service.post("/v1/bonds", BOND)
    service.post("/v1/bonds", {**BOND, "proof": "SEI 2", "until": "2030-01-01"})
    listed = service.send("GET", f"/v1/bonds?company={FILIAL}").get_json()["bonds"]
    assert [{**BOND, "proof": "SEI 2", "recorded_at": NOW, "until": "2030-01-01"}] == listed


@pytest.mark.parametrize("query", ["", "?company=", "?company=EX00001230", "?company=x"])
def test_a_company_is_named_by_its_cnpj(service: Service, query: str) -> None:
    """Anything else is a 400 that names the member."""
    answer = service.send("GET", f"/v1/bonds{query}")
    assert (400, "company") == (answer.status_code, answer.get_json()["field"])
