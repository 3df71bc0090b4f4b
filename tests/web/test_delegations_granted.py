"""Delegations over HTTP, one by one: granted beside the others, searched, with their history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service

PATH = "/v1/delegations"
OTHER = "11144477735"
ACT: dict[str, Any] = {"actor": REPRESENTATIVE}
SEARCH: dict[str, Any] = {**ACT, "company": COMPANY}
GRANT: dict[str, Any] = {**SEARCH, "member": MEMBER, "processes": ["P001"]}


def granted(service: Service, **changes: object) -> list[dict[str, Any]]:
    """Grant as in GRANT with *changes*, and give the member's whole set."""
    answer = service.post(PATH, {**GRANT, **changes})
    assert 200 == answer.status_code, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["delegations"]
    return found


def searched(service: Service, **changes: object) -> dict[str, Any]:
    """Search as in SEARCH with *changes*, and give the answer."""
    answer = service.post(f"{PATH}/search", {**SEARCH, **changes})
    assert 200 == answer.status_code, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def processes(found: list[dict[str, Any]]) -> list[str]:
    """Give the processes of delegations."""
    return [one["process"] for one in found]


# Granting


def test_a_grant_leaves_the_others_as_they_are(service: Service) -> None:
    """The answer is the whole set that is in force, also what is without the new one."""
    granted(service, until="2026-12-31")
    found = granted(service, processes=["P061 - Registro v.2", "p061-cadastro"])
    assert ["p001", "p061-registro", "p061-cadastro"] == processes(found)
    assert ["2026-12-31", None, None] == [one["until"] for one in found]


def test_a_grant_answers_no_ended_ones(service: Service) -> None:
    """What was revoked is no part of the set."""
    [first] = granted(service)
    service.post(f"{PATH}/{first['id']}/revoke", ACT)
    assert ["p061-registro"] == processes(granted(service, processes=["p061-registro"]))


@pytest.mark.parametrize(
    ("change", "until"),
    [({}, "2026-12-31"), ({"until": None}, None), ({"until": "2027-01-31"}, "2027-01-31")],
    ids=["absent", "null", "a day"],
)
def test_the_last_day_is_that_of_a_replacement(
    service: Service, change: dict[str, object], until: str | None
) -> None:
    """Absent keeps the day of what is granted already, null takes it away, a day sets it."""
    granted(service, until="2026-12-31")
    assert [until] == [one["until"] for one in granted(service, **change)]


@pytest.mark.parametrize("value", ["all", "P001", [], None, {}])
def test_what_is_granted_has_to_be_listed(service: Service, value: object) -> None:
    """One process or more, by name: all is for replacing a set."""
    answer = service.post(PATH, {**GRANT, "processes": value})
    assert (400, "processes") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("member", ["actor", "company", "member", "processes"])
def test_what_a_grant_requires_is_required(service: Service, member: str) -> None:
    """A member that is missing is a 400 that names it."""
    body = {name: value for name, value in GRANT.items() if name != member}
    answer = service.post(PATH, body)
    assert (400, member) == (answer.status_code, answer.get_json()["field"])


# Searching


def test_a_search_is_answered_in_parts(service: Service) -> None:
    """Each delegation once, the oldest first; an empty token says that there are no more."""
    granted(service, processes=["p061-registro", "p001", "p061-cadastro"])
    first = searched(service, page={"limit": 2})
    rest = searched(service, page={"limit": 2, "token": first["page"]["next_token"]})
    assert ["page", "delegations"] == list(first)
    assert ["p061-registro", "p001"] == processes(first["delegations"])
    assert ["p061-cadastro"] == processes(rest["delegations"])
    assert ((2, True), (1, False)) == (
        (first["page"]["count"], bool(first["page"]["next_token"])),
        (rest["page"]["count"], bool(rest["page"]["next_token"])),
    )


def test_a_token_belongs_to_its_search(service: Service) -> None:
    """With another filter it is a 400 that names the token."""
    granted(service, processes=["p061-registro", "p001"])
    token = searched(service, page={"limit": 1})["page"]["next_token"]
    others: list[dict[str, object]] = [
        {"member": MEMBER},
        {"state": "in_force"},
        {"process": "p001"},
        {"company": "11222333000181"},
    ]
    for other in others:
        body = {**SEARCH, **other, "page": {"limit": 1, "token": token}}
        answer = service.post(f"{PATH}/search", body)
        assert (400, "page.token") == (answer.status_code, answer.get_json()["field"])


def test_a_token_does_not_tell_whose_delegations_it_is_of(service: Service) -> None:
    """With another member it is a right one, for a place that is not in that member's list."""
    granted(service, processes=["p061-registro", "p001"])
    token = searched(service, member=MEMBER, page={"limit": 1})["page"]["next_token"]
    body = {**SEARCH, "member": OTHER, "page": {"limit": 1, "token": token}}
    assert 409 == service.post(f"{PATH}/search", body).status_code


def test_a_part_after_what_was_erased_is_a_conflict(service: Service) -> None:
    """The list has to be begun anew."""
    granted(service, processes=["p061-registro", "p001"])
    token = searched(service, page={"limit": 1})["page"]["next_token"]
    service.store._tables.delegations = {}
    answer = service.post(f"{PATH}/search", {**SEARCH, "page": {"limit": 1, "token": token}})
    assert 409 == answer.status_code


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["p001", "p061-registro", "p061-cadastro"]),
        ({"state": None, "process": None}, ["p001", "p061-registro", "p061-cadastro"]),
        ({"state": "revoked"}, ["p001"]),
        ({"state": "expired"}, ["p061-registro"]),
        ({"state": "in_force"}, ["p061-cadastro"]),
        ({"state": "renounced"}, []),
        ({"process": "P001"}, ["p001"]),
        ({"process": "P061 - Registro v.2"}, ["p061-registro"]),
        ({"process": "p061-registro", "state": "in_force"}, []),
    ],
    ids=[
        "none",
        "null",
        "revoked",
        "expired",
        "in force",
        "renounced",
        "code",
        "label",
        "both",
    ],
)
def test_a_search_is_filtered(
    service: Service, filters: dict[str, object], found: list[str]
) -> None:
    """By the process, as it is named everywhere, and by how it stands now."""
    [first] = granted(service)
    service.post(f"{PATH}/{first['id']}/revoke", ACT)
    granted(service, processes=["p061-registro"], until="2026-11-20")
    granted(service, processes=["p061-cadastro"])
    service.clock.advance(timedelta(days=1))
    assert found == processes(searched(service, **filters)["delegations"])


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("process", "P999", "process"),
        ("process", "", "process"),
        ("process", 1, "process"),
        ("state", "none", "state"),
        ("state", "ended", "state"),
        ("page", {"limit": 0}, "page.limit"),
        ("page", {"limit": 201}, "page.limit"),
        ("page", {"limit": "2"}, "page.limit"),
        ("page", {"token": "x"}, "page.token"),
        ("page", None, "page"),
    ],
)
def test_a_search_that_cannot_be_read_is_refused(
    service: Service, member: str, value: object, field: str
) -> None:
    """A member that is wrong is a 400 that names it."""
    answer = service.post(f"{PATH}/search", {**SEARCH, member: value})
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


def test_a_code_that_several_have_is_told_with_its_candidates(service: Service) -> None:
    """As everywhere where a process is named."""
    problem = service.post(f"{PATH}/search", {**SEARCH, "process": "P061"}).get_json()
    assert ["P061 - Cadastro de Empresas v.1", "P061 - Registro v.2"] == problem["candidates"]


# The history of one


def test_one_delegation_is_shown_with_its_history(service: Service) -> None:
    """As in a list, ended ones too."""
    [shown] = granted(service)
    assert shown == service.post(f"{PATH}/{shown['id']}/history", ACT).get_json()
    service.post(f"{PATH}/{shown['id']}/renounce", {"actor": MEMBER, "why": "saí"})
    answer = service.post(f"{PATH}/{shown['id']}/history", ACT)
    found = answer.get_json()
    assert (200, "renounced") == (answer.status_code, found["state"])
    assert [("granted", None), ("renounced", "saí")] == [
        (one["kind"], one["why"]) for one in found["history"]
    ]
