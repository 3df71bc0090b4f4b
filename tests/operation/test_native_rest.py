"""The native calls over HTTP: a real server, a real database, and callers at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from authz_service.domain.clients import SCOPES
from tests import written
from tests.operation.house import SHIPPED, Answer, Running, free_port, furnish
from tests.postgres import running

MATRIZ, FILIAL = "52420282000180", "52420282000260"
SOCIO, MEMBER = "72268402517", "18762794604"
CSV = "code,title,version\nP001,Acreditação Inicial,3\nP061,Registro,2\n"
KELLER = {"name": "Keller GmbH", "country": "DE", "representatives": ["m.keller"]}
AT_ONCE = 8


class Native:
    """
    A running service with a small catalogue, and a key that may do everything.

    Attributes:
        folder: where it lives.
        service: the service.
        key: the key.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.key = furnish(folder, CSV, {"tests": SCOPES}, policies=SHIPPED, **settings)["tests"]
        self.service = Running(folder, AUTHZ_PORT=str(free_port()), **settings)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one request."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.send(method, path, body, key=self.key, headers=sent)

    def at_once(self, *calls: tuple[str, str, object, dict[str, str]]) -> list[int]:
        """Send requests at the same moment, and give their statuses, the lowest first."""
        with ThreadPoolExecutor(len(calls)) as pool:
            waiting = [
                pool.submit(self.call, method, path, body, **headers)
                for method, path, body, headers in calls
            ]
            return sorted(one.result().status for one in waiting)

    def acts(self) -> list[dict[str, Any]]:
        """Give the acts in the decision log."""
        return written.acts(self.folder / "var")


def tag_of(answer: Answer) -> str:
    """Give the tag of an answer; the server writes the header's name in its own way."""
    [tag] = [text for name, text in answer.headers.items() if name.lower() == "etag"]
    return tag


@pytest.fixture(name="native", scope="module", params=["sqlite", "postgres"])
def _native(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Native]:
    """Give a service on each database; all tests of this module share it."""
    with ExitStack() as stack:
        settings = {}
        if request.param == "postgres":
            settings["AUTHZ_DATABASE_URL"] = stack.enter_context(running()).new()
        native = Native(tmp_path_factory.mktemp("native"), **settings)
        stack.callback(native.service.kill)
        yield native


def test_a_foreign_company_from_registration_to_withdrawal(native: Native) -> None:
    """It is registered, found, changed on what was seen, validated, listed and withdrawn."""
    made = native.call("POST", "/v1/companies", KELLER)
    assert 201 == made.status
    path = made.headers["Location"]
    assert made.json == native.call("GET", path).json
    changed = native.call("PUT", path, {**KELLER, "country": "AT"}, If_Match=tag_of(made))
    assert (200, "AT") == (changed.status, changed.json["country"])
    late = native.call("PUT", path, KELLER, If_Match=tag_of(made))
    assert (412, "application/problem+json") == (late.status, late.headers["Content-Type"])
    validated = native.call("POST", f"{path}/validate", If_Match=tag_of(changed))
    assert (200, "validated") == (validated.status, validated.json["validation"])
    listed = native.call("GET", "/v1/companies?validation=validated").json["companies"]
    assert made.json["id"] in [one["id"] for one in listed]
    assert "withdrawn" == native.call("POST", f"{path}/withdraw").json["validation"]
    assert ["register", "lookup", "change", "validate", "withdraw"] == [
        one["act"].partition(".")[2]
        for one in native.acts()
        if one["details"].get("company") == made.json["id"]
    ]


def test_a_person_is_said_and_looked_up(native: Native) -> None:
    """What was asserted is shown again, and who looked is on record without the CPF."""
    native.call("POST", "/v1/people", {"cpf": SOCIO, "registered": True, "confirmed": False})
    native.call("POST", "/v1/standing", {"cpf": SOCIO, "company": MATRIZ, "role": "socio"})
    answer = native.call("POST", "/v1/people/lookup", {"cpf": SOCIO})
    assert 200 == answer.status
    assert (SOCIO, None) == (answer.json["person"]["cpf"], answer.json["person"]["confirmed_at"])
    assert [(MATRIZ, "socio")] == [
        (one["company"], one["role"]) for one in answer.json["standings"]
    ]
    assert native.acts()[-1]["act"] == "person.lookup"
    assert SOCIO not in written.text(native.folder / "var")


def test_standing_is_searched_page_by_page(native: Native) -> None:
    """The parts together are the whole, in the order of company, person and evidence."""
    for cpf in (SOCIO, MEMBER):
        native.call("POST", "/v1/standing", {"cpf": cpf, "company": FILIAL, "role": "contador"})
    found, token = [], None
    while token != "":
        page = {"limit": 1, "token": token}
        answer = native.call("POST", "/v1/standing/search", {"company": FILIAL, "page": page})
        assert 200 == answer.status
        found += [one["cpf"] for one in answer.json["standings"]]
        token = answer.json["page"]["next_token"]
        assert not any(cpf in token for cpf in (SOCIO, MEMBER))
    assert [MEMBER, SOCIO] == found


def test_a_bond_is_listed_by_both_companies(native: Native) -> None:
    """Recorded once, found from the filial and from the matriz."""
    said = {"filial": FILIAL, "matriz": MATRIZ, "proof": "SEI 1", "until": "2030-01-01"}
    made = native.call("POST", "/v1/bonds", said)
    assert 200 == made.status
    for company in (FILIAL, MATRIZ):
        assert [made.json] == native.call("GET", f"/v1/bonds?company={company}").json["bonds"]


def test_a_process_is_put_and_gets_a_version(native: Native) -> None:
    """It is added, found with its version, and knows the newer one when it is announced."""
    sent = {"code": "P070", "title": "Modelo", "version": 1, "state": "open"}
    assert 201 == native.call("PUT", "/v1/processes/p070", sent).status
    native.call("POST", "/v1/processes/p070/versions", {"version": 4})
    assert 409 == native.call("POST", "/v1/processes/p070/versions", {"version": 3}).status
    shown = native.call("GET", "/v1/processes/p070").json
    assert (4, [1, 4]) == (shown["version"], [one["version"] for one in shown["versions"]])
    listed = native.call("GET", "/v1/processes?code=P070").json["processes"]
    assert ["p070"] == [one["id"] for one in listed]


def test_a_client_is_made_and_revoked(native: Native) -> None:
    """Its key works over HTTP from the answer that shows it to the one that revokes it."""
    made = native.call("POST", "/v1/clients", {"name": "portal", "scopes": ["catalogue:read"]})
    assert 201 == made.status
    key = made.json["key"]
    assert 200 == native.service.send("GET", "/v1/processes", key=key).status
    assert 1 == native.call("POST", "/v1/clients/portal/revoke", {"key_id": None}).json["revoked"]
    assert 401 == native.service.send("GET", "/v1/processes", key=key).status
    text = native.call("GET", "/v1/clients").body.decode()
    assert key not in text
    assert made.json["key_id"] in text


def test_of_two_who_add_one_name_one_does(native: Native) -> None:
    """They do not merge: one client with one key, whose scopes are those of the one who won."""
    calls: list[tuple[str, str, object, dict[str, str]]] = [
        ("POST", "/v1/clients", {"name": "twin", "scopes": [scope]}, {})
        for scope in sorted(SCOPES)[:AT_ONCE]
    ]
    assert [201] + [409] * (AT_ONCE - 1) == native.at_once(*calls)
    clients = native.call("GET", "/v1/clients?limit=200").json["clients"]
    [twin] = [one for one in clients if one["name"] == "twin"]
    assert (1, 1) == (len(twin["scopes"]), len(twin["keys"]))


def test_of_two_who_change_what_they_saw_one_does(native: Native) -> None:
    """All saw the same company; one change is made, and the others are told that they are late."""
    made = native.call("POST", "/v1/companies", KELLER)
    path, tag = made.headers["Location"], tag_of(made)
    statuses = native.at_once(
        *(
            ("PUT", path, {**KELLER, "name": f"Keller {number}"}, {"If-Match": tag})
            for number in range(AT_ONCE)
        )
    )
    assert 200 == statuses[0]
    assert {409, 412} >= set(statuses[1:])


def test_processes_that_are_put_at_once_are_all_there(native: Native) -> None:
    """Who changes one process is not in the way of who changes another, and twins stay out."""
    calls: list[tuple[str, str, object, dict[str, str]]] = [
        (
            "PUT",
            f"/v1/processes/at-once-{number}",
            {"code": "P080", "title": f"Junto {number // 2}", "version": 1, "state": "open"},
            {},
        )
        for number in range(4)
    ]
    assert [201, 201, 409, 409] == native.at_once(*calls)
    listed = native.call("GET", "/v1/processes?code=P080").json["processes"]
    assert {"Junto 0", "Junto 1"} == {one["title"] for one in listed}
