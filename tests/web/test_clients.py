"""Clients over HTTP: keys made and revoked by callers who give no more than they have."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.clients import SCOPES, parse_network
from authz_service.domain.decision import ActRecord, Caller
from tests.fakes.service import Service

PORTAL: dict[str, Any] = {"name": "portal", "scopes": ["decide", "metrics"]}
NOW = "2026-11-20T15:00:00Z"
LATER = "2026-11-20T16:00:00Z"


def add(service: Service, **changes: object) -> TestResponse:
    """Add a client."""
    answer = service.post("/v1/clients", {**PORTAL, **changes})
    assert 201 == answer.status_code
    return answer


def listed(service: Service, name: str = "portal") -> dict[str, Any]:
    """Give a client as the list shows it."""
    answer = service.send("GET", "/v1/clients")
    found: list[dict[str, Any]] = answer.get_json()["clients"]
    return next(one for one in found if one["name"] == name)


def acts(service: Service) -> list[tuple[str, str]]:
    """Give the acts on record, and who did them."""
    found = [one for one in service.log.records if isinstance(one, ActRecord)]
    return [(one.act, one.caller.name) for one in found]


def works(service: Service, key: str) -> bool:
    """Tell whether a key opens the metrics."""
    return 200 == service.send("GET", "/metrics", key=key).status_code


# Making


def test_a_client_is_made_with_a_key(service: Service) -> None:
    """The answer has the key, which works at once and may do what was said and no more."""
    shown = add(service).get_json()
    assert {"name": "portal", "key_id": shown["key"].split("_")[1], "key": shown["key"]} == shown
    assert works(service, shown["key"])
    assert 403 == service.send("GET", "/v1/clients", key=shown["key"]).status_code


def test_a_client_is_listed_without_its_keys(service: Service) -> None:
    """Of a key its id, its times and its networks; neither the key nor its digest."""
    sent = {
        **PORTAL,
        "reasons": True,
        "expires_at": "2026-11-20T13:00:00-03:00",
        "networks": ["10.1.0.0/16", "::1"],
    }
    told = service.clients.add("told", list(SCOPES), Caller("tests"), reasons=True)
    key = service.post("/v1/clients", sent, key=told).get_json()
    assert {
        "name": "portal",
        "scopes": ["decide", "metrics"],
        "reasons": True,
        "keys": [
            {
                "id": key["key_id"],
                "created_at": NOW,
                "expires_at": LATER,
                "revoked_at": None,
                "networks": ["10.1.0.0/16", "::1/128"],
            }
        ],
    } == listed(service)
    [[kept]] = [one.keys for one in service.clients.list() if one.name == "portal"]
    text = json.dumps(service.send("GET", "/v1/clients").get_json())
    assert not any(one in text for one in (kept.digest, key["key"], key["key"].split("_", 2)[2]))


def test_a_client_is_told_no_reasons_unless_it_is_said(service: Service) -> None:
    """Reasons tell of the policy, so they are off where nobody speaks of them."""
    add(service)
    assert (False, []) == (listed(service)["reasons"], listed(service)["keys"][0]["networks"])


def test_making_is_on_record(service: Service) -> None:
    """The act names the client, the key by its id, and who made it."""
    key = add(service).get_json()
    record = service.log.records[-1]
    assert isinstance(record, ActRecord)
    assert ("client.key", "c0", "portal", key["key_id"]) == (
        record.act,
        record.caller.name,
        record.details["client"],
        record.details["key"],
    )
    assert key["key"].split("_", 2)[2] not in repr(record)


def test_a_name_is_given_once(service: Service) -> None:
    """A second client of one name is a 409, and the first keeps what it may do."""
    key = add(service).get_json()["key"]
    answer = service.post("/v1/clients", {**PORTAL, "scopes": ["search"]})
    assert 409 == answer.status_code
    assert works(service, key)
    assert (["decide", "metrics"], 1) == (listed(service)["scopes"], len(listed(service)["keys"]))


def test_a_client_gets_one_more_key(service: Service) -> None:
    """Both work, so that it can change over without a gap, each with limits of its own."""
    first = add(service).get_json()["key"]
    answer = service.post(
        "/v1/clients/portal/keys", {"expires_at": LATER, "networks": ["127.0.0.0/8"]}
    )
    assert (201, "portal") == (answer.status_code, answer.get_json()["name"])
    second = answer.get_json()["key"]
    assert works(service, first)
    assert works(service, second)
    service.clock.advance(timedelta(hours=1))
    assert (True, False) == (works(service, first), works(service, second))


def test_a_key_is_refused_from_elsewhere(service: Service) -> None:
    """A key that was given for one network opens nothing from another."""
    assert not works(service, add(service, networks=["10.1.0.0/16"]).get_json()["key"])


WRONG: list[tuple[str, object]] = [
    ("name", None),
    ("name", 1),
    ("name", ""),
    ("name", "Portal"),
    ("name", "x" * 65),
    ("name", "18762794604"),
    ("scopes", None),
    ("scopes", "decide"),
    ("scopes", []),
    ("scopes", {"decide": 1}),
    ("scopes.0", ["18762794604"]),
    ("scopes.1", ["decide", "Decide"]),
    ("scopes.0", [None]),
    ("reasons", None),
    ("reasons", 1),
    ("expires_at", "2026-11-20"),
    ("expires_at", 1),
    ("networks", None),
    ("networks", "10.1.0.0/16"),
    ("networks", ["10.1.0.0/16"] * 51),
    ("networks.0", ["18762794604"]),
    ("networks.0", ["10.0.0.1/8"]),
    ("networks.1", ["10.0.0.0/8", 167772160]),
    ("networks.0", [None]),
]

LIMITS = [(field, value) for field, value in WRONG if field.startswith(("expires", "networks"))]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_cannot_be_read_is_refused(service: Service, field: str, value: object) -> None:
    """A member that is wrong is a 400 that names it and repeats nothing, and nothing is made."""
    before = acts(service)
    answer = service.post("/v1/clients", {**PORTAL, field.partition(".")[0]: value})
    assert (400, field) == (answer.status_code, answer.get_json()["field"])
    assert "18762794604" not in answer.get_data(as_text=True)
    assert before == acts(service)


@pytest.mark.parametrize(("field", "value"), LIMITS)
def test_a_key_that_cannot_be_read_is_refused(service: Service, field: str, value: object) -> None:
    """The limits of one more key are read as those of the first one are."""
    add(service)
    sent = {field.partition(".")[0]: value}
    answer = service.post("/v1/clients/portal/keys", sent)
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("missing", ["name", "scopes"])
def test_what_is_required_is_required(service: Service, missing: str) -> None:
    """Each member that is missing is a 400 that names it."""
    rest = {name: value for name, value in PORTAL.items() if name != missing}
    answer = service.post("/v1/clients", rest)
    assert (400, missing) == (answer.status_code, answer.get_json()["field"])


# Revoking


def test_one_key_is_revoked(service: Service) -> None:
    """It opens nothing from then on, the others do, and the list says when it was."""
    first = add(service).get_json()
    second = service.post("/v1/clients/portal/keys", {}).get_json()
    service.clock.advance(timedelta(hours=1))
    answer = service.post("/v1/clients/portal/revoke", {"key_id": first["key_id"]})
    assert {"name": "portal", "revoked": 1} == answer.get_json()
    assert (False, True) == (works(service, first["key"]), works(service, second["key"]))
    ends = {one["id"]: one["revoked_at"] for one in listed(service)["keys"]}
    assert {first["key_id"]: LATER, second["key_id"]: None} == ends


def test_all_keys_are_revoked_if_that_is_said(service: Service) -> None:
    """Null means all of them, and again there is none left; to say nothing revokes nothing."""
    sent = {"key_id": None}
    keys = [add(service).get_json(), service.post("/v1/clients/portal/keys", {}).get_json()]
    silent = service.post("/v1/clients/portal/revoke", {"key": keys[0]["key_id"]})
    assert (400, "key_id") == (silent.status_code, silent.get_json()["field"])
    assert all(works(service, one["key"]) for one in keys)
    answer = service.post("/v1/clients/portal/revoke", sent)
    assert 2 == answer.get_json()["revoked"]
    assert not any(works(service, one["key"]) for one in keys)
    assert 0 == service.post("/v1/clients/portal/revoke", sent).get_json()["revoked"]


def test_revoking_is_on_record(service: Service) -> None:
    """The act names the keys by their ids, and who revoked them."""
    key = add(service).get_json()
    service.post("/v1/clients/portal/revoke", {"key_id": None})
    record = service.log.records[-1]
    assert isinstance(record, ActRecord)
    assert ("client.revoke", "c0", {"client": "portal", "keys": (key["key_id"],)}) == (
        record.act,
        record.caller.name,
        record.details,
    )


@pytest.mark.parametrize("name", ["nobody", "Portal", "18762794604", "x" * 99])
@pytest.mark.parametrize("step", ["keys", "revoke"])
def test_a_client_that_is_none_is_not_found(service: Service, step: str, name: str) -> None:
    """It is a 404 that repeats nothing."""
    answer = service.post(f"/v1/clients/{name}/{step}", {"key_id": None})
    assert 404 == answer.status_code
    assert name not in answer.get_data(as_text=True)


def test_a_key_that_is_none_is_not_found(service: Service) -> None:
    """Nor is what was sent repeated: it may be a whole key, or another client's."""
    key = add(service).get_json()
    others = service.key_for("decide").split("_")[1]
    for sent in ("mine", others, key["key"][:64]):
        answer = service.post("/v1/clients/portal/revoke", {"key_id": sent})
        assert 404 == answer.status_code
        assert sent not in answer.get_data(as_text=True)
    assert works(service, key["key"])


@pytest.mark.parametrize("key", [1, [], {}, "x" * 65])
def test_the_id_of_a_key_is_a_short_text(service: Service, key: object) -> None:
    """Anything else is a 400 that names it."""
    add(service)
    answer = service.post("/v1/clients/portal/revoke", {"key_id": key})
    assert (400, "key_id") == (answer.status_code, answer.get_json()["field"])


def test_a_key_that_would_never_be_valid_is_not_made(service: Service) -> None:
    """An end in the past is a mistake, and nothing is made."""
    answer = service.post("/v1/clients", {**PORTAL, "expires_at": "2020-01-01T00:00:00Z"})
    assert (400, "expires_at") == (answer.status_code, answer.get_json()["field"])


# No more than one has


@pytest.fixture(name="weak")
def _weak(service: Service) -> str:
    """Give a key that may make clients which ask for decisions."""
    return service.key_for("clients", "decide")


def lacks(answer: TestResponse, scope: str) -> bool:
    """Tell whether an answer is a 403 that names *scope*."""
    return (403, f"the key lacks the scope `{scope}`") == (
        answer.status_code,
        answer.get_json()["detail"],
    )


def test_what_one_has_one_can_give(service: Service, weak: str) -> None:
    """The same scopes or fewer, making clients among them; such a client can be revoked again."""
    for name, scopes in (("a", ["decide"]), ("b", ["clients", "decide"])):
        sent = {"name": name, "scopes": scopes}
        assert 201 == service.post("/v1/clients", sent, key=weak).status_code
        assert 201 == service.post(f"/v1/clients/{name}/keys", {}, key=weak).status_code
        answer = service.post(f"/v1/clients/{name}/revoke", {"key_id": None}, key=weak)
        assert 2 == answer.get_json()["revoked"]


@pytest.mark.parametrize("scope", sorted(SCOPES.keys() - {"clients", "decide"}))
def test_what_one_lacks_one_cannot_give(service: Service, weak: str, scope: str) -> None:
    """A scope that the caller lacks is a 403 that names it, and nothing is made."""
    before = acts(service)
    sent = {"name": "strong", "scopes": ["decide", scope]}
    assert lacks(service.post("/v1/clients", sent, key=weak), scope)
    assert before == acts(service)
    assert "strong" not in [one.name for one in service.clients.list()]


@pytest.mark.parametrize("step", ["keys", "revoke"])
def test_a_stronger_client_is_left_alone(service: Service, weak: str, step: str) -> None:
    """Neither a key for it, with which one would be as strong, nor an end to it."""
    key = add(service).get_json()["key"]
    before = acts(service)
    answer = service.post(f"/v1/clients/portal/{step}", {"key_id": None}, key=weak)
    assert lacks(answer, "metrics")
    assert before == acts(service)
    assert works(service, key)


@pytest.mark.parametrize("path", ["/v1/clients", "/v1/clients/c1/keys"])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, None),
        ({"networks": []}, "networks"),
        ({"networks": ["127.0.0.0/8", "10.0.0.0/8"]}, "networks"),
        ({"expires_at": None}, "expires_at"),
        ({"expires_at": "2026-11-20T16:00:01Z"}, "expires_at"),
    ],
)
def test_a_key_keeps_within_the_one_that_made_it(
    service: Service, weak: str, path: str, changes: dict[str, object], field: str | None
) -> None:
    """Beyond its networks or its end is a 400 that names the member, and no key is made."""
    networks = (parse_network("127.0.0.0/8"),)
    until = datetime.fromisoformat(LATER)
    bound = service.clients.add_key("c1", Caller("tests"), expires_at=until, networks=networks)
    before = acts(service)
    sent = {"networks": ["127.0.0.0/16"], "expires_at": LATER, **changes}
    if path == "/v1/clients":
        sent |= {"name": "new", "scopes": ["decide"]}
    answer = service.post(path, sent, key=bound)
    if field is None:
        assert 201 == answer.status_code
        return
    assert (400, field, before) == (answer.status_code, answer.get_json()["field"], acts(service))
    # Without bounds of one's own there are none.
    assert 201 == service.post(path, sent, key=weak).status_code


def test_reasons_are_given_by_who_is_told_them(service: Service, weak: str) -> None:
    """Anybody else gets a 400 that names them, and so does who asks for the name of the shell."""
    sent = {"name": "new", "scopes": ["decide"], "reasons": True}
    for changes, field in (({}, "reasons"), ({"name": "operator", "reasons": False}, "name")):
        answer = service.post("/v1/clients", {**sent, **changes}, key=weak)
        assert (400, field) == (answer.status_code, answer.get_json()["field"])


def test_one_can_revoke_oneself(service: Service, weak: str) -> None:
    """A client whose key was stolen can end it, and is refused from then on."""
    answer = service.post("/v1/clients/c1/revoke", {"key_id": None}, key=weak)
    assert (200, 1) == (answer.status_code, answer.get_json()["revoked"])
    assert 401 == service.post("/v1/clients/c1/revoke", {"key_id": None}, key=weak).status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/clients"),
        ("POST", "/v1/clients"),
        ("POST", "/v1/clients/c0/keys"),
        ("POST", "/v1/clients/c0/revoke"),
    ],
)
def test_clients_take_their_own_scope(service: Service, method: str, path: str) -> None:
    """Who has every other scope may do nothing with clients."""
    key = service.key_for(*(SCOPES.keys() - {"clients"}))
    assert lacks(service.send(method, path, PORTAL, key=key), "clients")


def test_no_key_is_shown_that_is_not_on_record(service: Service) -> None:
    """Without the log nobody gets a key."""
    service.log.broken = True
    answer = service.post("/v1/clients", PORTAL)
    assert 503 == answer.status_code
    assert "authz_" not in answer.get_data(as_text=True)
