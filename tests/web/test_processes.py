"""Processes over HTTP: the catalogue listed, shown, and changed one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from authz_service.domain.decision import ActRecord
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service

P001: dict[str, Any] = {
    "code": "P001",
    "title": "Acreditação Inicial",
    "version": 3,
    "state": "open",
}
NOW = "2026-11-20T15:00:00Z"
LATER = "2026-11-20T16:00:00Z"


def acts(service: Service) -> list[ActRecord]:
    """Give the acts on record, those about keys left out."""
    found = [one for one in service.log.records if isinstance(one, ActRecord)]
    return [one for one in found if not one.act.startswith("client.")]


def shown(service: Service, process: str = "p001") -> dict[str, Any]:
    """Give a process as it is shown."""
    found: dict[str, Any] = service.send("GET", f"/v1/processes/{process}").get_json()
    return found


FILTERS: dict[str, tuple[str, list[str]]] = {
    "all": ("", ["p001", "p061-cadastro", "p061-registro"]),
    "a code": ("?code=P061", ["p061-cadastro", "p061-registro"]),
    "closed": ("?state=closed", ["p061-registro"]),
    "a code and open": ("?code=P061&state=open", ["p061-cadastro"]),
    "another code": ("?code=P06", []),
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.values(), ids=FILTERS)
def test_processes_are_listed_by_code_and_state(
    service: Service, query: str, expected: list[str]
) -> None:
    """What is listed is what was asked for, by id."""
    closed = {"code": "P061", "title": "Registro", "version": 2, "state": "closed"}
    assert 200 == service.send("PUT", "/v1/processes/p061-registro", closed).status_code
    listed = service.send("GET", f"/v1/processes{query}").get_json()["processes"]
    assert expected == [one["id"] for one in listed]


def test_a_process_is_listed_as_orquestra_prints_it(service: Service) -> None:
    """Each item has the label beside its parts."""
    [first, *_] = service.send("GET", "/v1/processes?limit=1").get_json()["processes"]
    assert {"id": "p001", **P001, "label": "P001 - Acreditação Inicial v.3"} == first


@pytest.mark.parametrize(
    ("query", "field"),
    [("state=Open", "state"), ("state=", "state"), ("code=" + "P" * 17, "code")],
)
def test_a_filter_that_cannot_be_read_is_refused(service: Service, query: str, field: str) -> None:
    """It is a 400 that names it, never another list than was asked for."""
    answer = service.send("GET", f"/v1/processes?{query}")
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


def test_a_process_is_shown_with_its_versions(service: Service) -> None:
    """Those that the catalogue has had, with the moment from which it knew each."""
    service.clock.advance(timedelta(hours=1))
    service.post("/v1/processes/p001/versions", {"version": 5})
    assert {
        "id": "p001",
        **P001,
        "version": 5,
        "label": "P001 - Acreditação Inicial v.5",
        "versions": [{"version": 3, "since": NOW}, {"version": 5, "since": LATER}],
    } == shown(service)


@pytest.mark.parametrize("process", ["p002", "P001", "p001-", "18762794604", "x" * 65])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("POST", "/versions")])
def test_what_is_no_process_is_not_found(
    service: Service, method: str, rest: str, process: str
) -> None:
    """An id that is nobody's and what is no id are a 404 that repeats nothing."""
    answer = service.send(method, f"/v1/processes/{process}{rest}", {"version": 9})
    assert 404 == answer.status_code
    assert "18762794604" not in answer.get_data(as_text=True)


# Putting


def test_a_process_is_added(service: Service) -> None:
    """It is a 201, shows the process with its first version, and is there from then on."""
    sent = {"code": "P070", "title": "Verificação  de\tModelo", "version": 1, "state": "open"}
    answer = service.send("PUT", "/v1/processes/p070", sent)
    assert 201 == answer.status_code
    assert {
        "id": "p070",
        "code": "P070",
        "title": "Verificação de Modelo",
        "version": 1,
        "state": "open",
        "label": "P070 - Verificação de Modelo v.1",
        "versions": [{"version": 1, "since": NOW}],
    } == answer.get_json()
    found = service.send("GET", "/v1/processes/p070")
    assert answer.get_json() == found.get_json()
    assert answer.headers["ETag"] == found.headers["ETag"]


def test_a_process_is_replaced(service: Service) -> None:
    """What was said before counts no more; a lower version mends a mistake."""
    sent = {"code": "P001", "title": "Acreditação", "version": 2, "state": "closed"}
    answer = service.send("PUT", "/v1/processes/p001", sent)
    assert 200 == answer.status_code
    found = answer.get_json()
    assert sent == {name: found[name] for name in sent}
    assert [2, 3] == [one["version"] for one in found["versions"]]


def test_delegations_go_along_with_the_id(service: Service) -> None:
    """A process that was renamed is still the one that was delegated."""
    delegated = {
        "actor": REPRESENTATIVE,
        "company": COMPANY,
        "member": MEMBER,
        "processes": ["P001"],
    }
    service.send("PUT", "/v1/delegations", delegated)
    service.send("PUT", "/v1/processes/p001", {**P001, "code": "P901", "title": "Outro"})
    search = {"actor": REPRESENTATIVE, "company": COMPANY, "member": MEMBER}
    [one] = service.post("/v1/delegations/search", search).get_json()["delegations"]
    assert "p001" in str(one)


def test_a_change_is_on_record(service: Service) -> None:
    """The act says what the process is from now on, and whether it is new."""
    service.send("PUT", "/v1/processes/p001", {**P001, "state": "closed"})
    [record] = acts(service)
    assert ("process.put", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )
    assert {"process": "p001", **P001, "state": "closed", "new": False} == record.details


def test_what_changes_nothing_is_no_act(service: Service) -> None:
    """The same again is a 200, and nothing is written."""
    assert 200 == service.send("PUT", "/v1/processes/p001", P001).status_code
    assert 200 == service.post("/v1/processes/p001/versions", {"version": 3}).status_code
    assert [] == acts(service)


def test_no_two_processes_have_the_same_name(service: Service) -> None:
    """Code and title together name one process, so a second one is a 409 that tells which."""
    sent = {"code": "P061", "title": "REGISTRO", "version": 1, "state": "open"}
    answer = service.send("PUT", "/v1/processes/p061-outro", sent)
    assert 409 == answer.status_code
    assert "`p061-registro`" in answer.get_json()["detail"]
    assert [] == acts(service)


WRONG: list[tuple[str, object]] = [
    ("code", None),
    ("code", 1),
    ("code", ""),
    ("code", "p001"),
    ("code", "P" * 17),
    ("code", "P-1"),
    ("code", "P18762794604"),
    ("title", None),
    ("title", ""),
    ("title", " "),
    ("title", "x" * 171),
    ("title", "a\u0007b"),
    ("title", "de Maria 187.627.946-04"),
    ("version", None),
    ("version", 0),
    ("version", "3"),
    ("version", 1.0),
    ("version", True),
    ("version", 1_000_000),
    ("state", None),
    ("state", "Open"),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_cannot_be_read_is_refused(service: Service, field: str, value: object) -> None:
    """A member that is wrong is a 400 that names it, and no act."""
    answer = service.send("PUT", "/v1/processes/p001", {**P001, field: value})
    assert (400, field) == (answer.status_code, answer.get_json()["field"])
    assert [] == acts(service)


def test_what_is_required_is_required(service: Service) -> None:
    """Each member that is missing is a 400 that names it."""
    for missing in P001:
        rest = {name: value for name, value in P001.items() if name != missing}
        answer = service.send("PUT", "/v1/processes/p001", rest)
        assert (400, missing) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("process", ["P001", "p001-", "x" * 65, "p-18762794604"])
def test_an_id_has_to_be_one(service: Service, process: str) -> None:
    """What is put under another id is a 400 that names it and repeats nothing."""
    answer = service.send("PUT", f"/v1/processes/{process}", P001)
    assert (400, "id") == (answer.status_code, answer.get_json()["field"])
    assert process not in answer.get_data(as_text=True)


# Announcing


def test_a_newer_version_is_announced(service: Service) -> None:
    """The process has it from then on, and the act says so."""
    answer = service.post("/v1/processes/p001/versions", {"version": 4})
    assert (200, 4) == (answer.status_code, answer.get_json()["version"])
    [record] = acts(service)
    assert ("process.version", 4) == (record.act, record.details["version"])


def test_a_lower_version_is_refused(service: Service) -> None:
    """A version that is older than what is known contradicts it: 409."""
    answer = service.post("/v1/processes/p001/versions", {"version": 2})
    assert 409 == answer.status_code
    assert (3, []) == (shown(service)["version"], acts(service))


@pytest.mark.parametrize("version", [None, 0, "4", "v.4", 1.5, True, 1_000_000])
def test_a_version_is_a_whole_number(service: Service, version: object) -> None:
    """Anything else is a 400 that names it."""
    answer = service.post("/v1/processes/p001/versions", {"version": version})
    assert (400, "version") == (answer.status_code, answer.get_json()["field"])


# Tags


STEPS: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "", {**P001, "version": 6}),
    ("POST", "/versions", {"version": 6}),
]


@pytest.mark.parametrize(("method", "rest", "sent"), STEPS, ids=["put", "announce"])
def test_two_clerks_do_not_undo_each_other(
    service: Service, method: str, rest: str, sent: dict[str, Any]
) -> None:
    """Who changes what another has changed meanwhile gets a 412, and nothing is done."""
    seen = {"If-Match": service.send("GET", "/v1/processes/p001").headers["ETag"]}
    changed = service.send("PUT", "/v1/processes/p001", {**P001, "version": 5}, headers=seen)
    assert 200 == changed.status_code
    late = service.send(method, f"/v1/processes/p001{rest}", sent, headers=seen)
    assert (412, 5) == (late.status_code, shown(service)["version"])
    now = {"If-Match": changed.headers["ETag"]}
    again = service.send(method, f"/v1/processes/p001{rest}", sent, headers=now)
    assert (200, 6) == (again.status_code, shown(service)["version"])


def test_a_change_of_another_process_is_no_hindrance(service: Service) -> None:
    """The tag is that of the one process, whatever happens in the rest of the catalogue."""
    seen = {"If-Match": service.send("GET", "/v1/processes/p001").headers["ETag"]}
    service.post("/v1/processes/p061-registro/versions", {"version": 9})
    answer = service.post("/v1/processes/p001/versions", {"version": 4}, headers=seen)
    assert 200 == answer.status_code


@pytest.mark.parametrize(
    ("process", "headers", "status"),
    [
        ("p001", {"If-None-Match": "*"}, 412),
        ("p070", {"If-None-Match": "*"}, 201),
        ("p001", {"If-Match": "*"}, 200),
        ("p070", {"If-Match": "*"}, 412),
        ("p070", {"If-Match": '"x"'}, 412),
        ("p001", {"If-None-Match": '"x"'}, 200),
        ("p001", {"If-None-Match": "{tag}"}, 412),
        ("p001", {"If-None-Match": 'W/{tag}, "x"'}, 412),
        ("p070", {"If-None-Match": "{tag}"}, 201),
        ("p001", {"If-Match": "*", "If-None-Match": "*"}, 412),
        ("p001", {"If-None-Match": "x"}, 400),
        ("p070", {"If-Match": "x"}, 400),
    ],
)
def test_what_is_to_be_there_can_be_said(
    service: Service, process: str, headers: dict[str, str], status: int
) -> None:
    """If-None-Match: * only adds, If-Match: * only replaces; both together do neither."""
    tag = service.send("GET", "/v1/processes/p001").headers["ETag"]
    asked = {name: text.format(tag=tag) for name, text in headers.items()}
    sent = {"code": "P070", "title": "Novo", "version": 1, "state": "open"}
    answer = service.send("PUT", f"/v1/processes/{process}", sent, headers=asked)
    assert status == answer.status_code


# Scopes


@pytest.mark.parametrize("path", ["/v1/processes", "/v1/processes/p001"])
def test_reading_takes_its_own_scope(service: Service, path: str) -> None:
    """Who may change the catalogue may not read it by that alone."""
    assert 403 == service.send("GET", path, key=service.key_for("catalogue")).status_code
    assert 200 == service.send("GET", path, key=service.key_for("catalogue:read")).status_code


@pytest.mark.parametrize(("method", "rest", "sent"), STEPS, ids=["put", "announce"])
def test_changing_takes_its_own_scope(
    service: Service, method: str, rest: str, sent: dict[str, Any]
) -> None:
    """Who may only read may not change."""
    key = service.key_for("catalogue:read")
    answer = service.send(method, f"/v1/processes/p001{rest}", sent, key=key)
    assert 403 == answer.status_code


def test_nothing_is_kept_that_is_not_on_record(service: Service) -> None:
    """Without the log nothing changes."""
    service.log.broken = True
    answer = service.post("/v1/processes/p001/versions", {"version": 4})
    assert (503, 3) == (answer.status_code, shown(service)["version"])
