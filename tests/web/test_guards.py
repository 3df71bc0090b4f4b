"""Guards: no route is open by accident, and nothing happens before the key is checked."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from authz_service.domain.clients import SCOPES, Client, ClientKey, parse_network
from authz_service.domain.decision import Caller
from authz_service.domain.errors import CallerForbidden, CallerUnknown
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Person
from authz_service.store import SqlStore
from authz_service.store.schema import client_keys, clients, store_revision
from authz_service.usecases.acts import ActLog
from authz_service.usecases.clients import Clients
from authz_service.usecases.ports import Told
from authz_service.usecases.stores import ClientStore
from authz_service.web import guards
from authz_service.web.limits import Limits
from tests.fakes.clock import FrozenClock
from tests.fakes.log import ListLog
from tests.fakes.service import MEMBER, TOKEN, Service
from tests.fakes.store import untold
from tests.store.holding import HeldStore

pytestmark = pytest.mark.usefixtures("layer")

OPEN = {
    "/healthz",
    "/readyz",
    "/.well-known/authzen-configuration",
    "/openapi.json",
    "/docs",
}
PROVEN = {"Govbr-Access-Token": TOKEN}
"""Says who acts, where that has to be known; every other route takes no notice of it."""
SCOPES_OF_ROUTES = {
    ("POST", "/access/v1/evaluation"): ("decide",),
    ("POST", "/access/v1/evaluations"): ("decide",),
    ("POST", "/v1/orquestra/decisao"): ("decide",),
    ("GET", "/v1/orquestra/decisao"): ("decide",),
    ("PUT", "/v1/delegations"): ("delegations",),
    ("POST", "/v1/delegations"): ("delegations",),
    ("POST", "/v1/delegations/search"): ("delegations",),
    ("POST", "/v1/delegations/<delegation_id>/history"): ("delegations",),
    ("POST", "/v1/delegations/<delegation_id>/revoke"): ("delegations",),
    ("POST", "/v1/delegations/<delegation_id>/renounce"): ("delegations",),
    ("GET", "/v1/decisions"): ("decisions:read",),
    ("POST", "/v1/decisions/search"): ("decisions:read",),
    ("GET", "/v1/decisions/<decision_id>"): ("decisions:read",),
    ("POST", "/v1/decisions/<decision_id>/persons"): ("decisions:clear",),
    ("POST", "/v1/identities"): ("identities",),
    ("POST", "/v1/confirmations"): ("confirmations",),
    ("POST", "/v1/people"): ("standing:assert",),
    ("POST", "/v1/people/lookup"): ("people:read",),
    ("POST", "/v1/standing"): ("standing:assert",),
    ("POST", "/v1/standing/search"): ("people:read",),
    ("GET", "/v1/companies"): ("people:read",),
    ("POST", "/v1/companies"): ("companies",),
    ("GET", "/v1/companies/<company_id>"): ("people:read",),
    ("PUT", "/v1/companies/<company_id>"): ("companies",),
    ("POST", "/v1/companies/<company_id>/validate"): ("companies",),
    ("POST", "/v1/companies/<company_id>/withdraw"): ("companies",),
    ("POST", "/v1/bonds"): ("standing:assert",),
    ("GET", "/v1/bonds"): ("people:read",),
    ("GET", "/v1/processes"): ("catalogue:read",),
    ("GET", "/v1/processes/<process_id>"): ("catalogue:read",),
    ("PUT", "/v1/processes/<process_id>"): ("catalogue",),
    ("POST", "/v1/processes/<process_id>/versions"): ("catalogue",),
    ("GET", "/v1/clients"): ("clients",),
    ("POST", "/v1/clients"): ("clients",),
    ("POST", "/v1/clients/<name>/keys"): ("clients",),
    ("POST", "/v1/clients/<name>/revoke"): ("clients",),
    ("POST", "/v1/explanations"): ("explain",),
    ("GET", "/v1/policy"): ("policy:read",),
    ("GET", "/metrics"): ("metrics",),
}
"""What the contract says, written down a second time on purpose."""


def routes(app: Flask) -> Iterator[tuple[str, str, guards.Access]]:
    """Give method, template and declaration of everything that *app* serves."""
    for rule in app.url_map.iter_rules():
        access = guards.access_of(app.view_functions[rule.endpoint])
        for method in rule.methods or ():
            yield method, rule.rule, access


def guarded() -> list[tuple[str, str, tuple[str, ...]]]:
    """Give method, a path and the scopes of every route that needs a key."""
    return [
        (method, re.sub("<[^>]+>", "0" * 32, template), access.scopes)
        for method, template, access in routes(Service(orquestra_get=True).app)
        if access.scopes
    ]


@pytest.fixture
def whole() -> Service:
    """A service with every route there can be."""
    return Service(orquestra_get=True)


def test_little_is_open(whole: Service) -> None:
    """Whatever answers without a key is a probe or published, and says why it may."""
    opened = {
        (template, bool(access.why))
        for _, template, access in routes(whole.app)
        if not access.scopes
    }
    assert {(template, True) for template in OPEN} == opened


def test_every_route_needs_the_scopes_of_the_contract(whole: Service) -> None:
    """The routes, their methods and their scopes are exactly those that are promised."""
    served = {
        (method, template): access.scopes
        for method, template, access in routes(whole.app)
        if access.scopes
    }
    assert SCOPES_OF_ROUTES == served


@pytest.mark.parametrize("template", sorted(OPEN))
def test_what_is_open_needs_no_key(whole: Service, template: str) -> None:
    """The open routes answer without a key, and do not look at a wrong one."""
    wrong = {"Authorization": "Bearer wrong"}
    assert 200 == whole.http.get(template).status_code
    assert 200 == whole.http.get(template, headers=wrong).status_code


@pytest.mark.parametrize(("method", "path", "scopes"), guarded())
def test_without_a_key_nothing_is_answered(
    whole: Service, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    """A guarded route is a 401 that says how to come back, before the body is looked at."""
    answer = whole.http.open(path, method=method, data=b'{"broken', headers=PROVEN)
    assert (401, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert 'Bearer realm="authz"' == answer.headers["WWW-Authenticate"]
    assert "urn:inmetro:authz:problem:caller-unknown" == answer.get_json()["type"]
    assert [] == whole.tokens.asked


@pytest.mark.parametrize(("method", "path", "scopes"), guarded())
def test_each_scope_of_a_route_is_needed(
    whole: Service, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    """A key with every scope but one that the route needs is a 403 that names that one."""
    for scope in scopes:
        key = whole.key_for(*SCOPES.keys() - {scope})
        answer = whole.send(method, path, b'{"broken', key=key, headers=PROVEN)
        assert (403, "application/problem+json") == (answer.status_code, answer.mimetype)
        assert f"`{scope}`" in answer.get_json()["detail"]
        assert [] == whole.tokens.asked


@pytest.mark.parametrize(("method", "path", "scopes"), guarded())
def test_the_scopes_of_a_route_are_enough(
    whole: Service, method: str, path: str, scopes: tuple[str, ...]
) -> None:
    """A key with exactly the scopes of a route gets past the guard."""
    answer = whole.send(method, path, {}, key=whole.key_for(*scopes), headers=PROVEN)
    # A 404 is of the thing that the path names, so the view has been reached.
    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize(("scopes", "status"), [((), 403), (("actor:assert",), 400)])
def test_a_scope_that_some_calls_need_is_asked_for_before_the_body(
    whole: Service, scopes: tuple[str, ...], status: int
) -> None:
    """Where nobody proves who acts, the view itself demands the scope for asserting it."""
    key = whole.key_for("delegations", *scopes)
    answer = whole.send("PUT", "/v1/delegations", b'{"broken', key=key)
    assert status == answer.status_code
    assert ("`actor:assert`" in answer.get_json()["detail"]) == (status == 403)


def headers_with(key: str) -> list[dict[str, str]]:
    """Give headers that do not show *key* as it has to be shown."""
    return [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": key},
        {"Authorization": f"Basic {key}"},
        {"Authorization": f"Bearer {key}x"},
        {"Authorization": f"Bearer {key[:-1]}"},
        {"Authorization": f"Bearer {key}, Bearer {key}"},
        {"Authorization": f"Bearer {key} x"},
        {"Authorization": f"Bearer {key.upper()}"},
        {"Authorization": "Bearer a_b_c"},
        {"Authorization": "Bearer authz__"},
        {"Authorization": "Bearer \xe9_\xe9_\xe9"},
        {"Authorization": "Bearer " + "x" * 5000},
        {"X-API-Key": key},
    ]


@pytest.mark.parametrize("position", range(16))
def test_what_is_not_exactly_a_valid_key_is_refused(service: Service, position: int) -> None:
    """A key that is absent, altered or shown in another way is a 401 that repeats nothing."""
    headers = headers_with(service.key)[position]
    answer = service.http.post("/v1/people", json={}, headers=headers)
    assert 401 == answer.status_code
    assert service.key[:12] not in answer.get_data(as_text=True) + str(answer.headers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(service: Service, scheme: str) -> None:
    """Authentication schemes are compared without case (RFC 9110, 11.1)."""
    headers = {"Authorization": f"{scheme} {service.key}"}
    assert 400 == service.http.post("/v1/people", json={}, headers=headers).status_code


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "a key is needed: Authorization: Bearer KEY"),
        ("", "a key is needed: Authorization: Bearer KEY"),
        ("Basic abcdef", "a key is needed: Authorization: Bearer KEY"),
        ("Bearerabc", "a key is needed: Authorization: Bearer KEY"),
        ("Bearer", "the key is not valid"),
        ("bearer", "the key is not valid"),
        ("Bearer x", "the key is not valid"),
    ],
)
def test_who_shows_none_is_told_how(service: Service, header: str | None, detail: str) -> None:
    """Another scheme is no key at all; an empty key is a wrong one."""
    headers = {} if header is None else {"Authorization": header}
    answer = service.http.post("/v1/people", json={}, headers=headers)
    assert (401, detail) == (answer.status_code, answer.get_json()["detail"])


def test_a_key_in_the_url_is_none(service: Service) -> None:
    """A key in the query is not looked at."""
    assert 401 == service.http.get(f"/metrics?access_token={service.key}").status_code


def test_a_revoked_key_is_refused_at_once(service: Service) -> None:
    """The next call after the revocation is a 401."""
    key = service.key_for("metrics")
    assert 200 == service.send("GET", "/metrics", key=key).status_code
    service.clients.revoke("c1", Caller("tests"))
    assert 401 == service.send("GET", "/metrics", key=key).status_code


def test_an_expired_key_is_refused(service: Service) -> None:
    """From the instant at which a key expires it is a 401."""
    expires = service.clock() + timedelta(minutes=1)
    key = service.clients.add("short", ["metrics"], Caller("tests"), expires_at=expires)
    assert 200 == service.send("GET", "/metrics", key=key).status_code
    service.clock.advance(timedelta(minutes=1))
    assert 401 == service.send("GET", "/metrics", key=key).status_code


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 401)])
def test_a_key_is_bound_to_its_networks(service: Service, network: str, status: int) -> None:
    """A key counts only from its networks, and headers of proxies do not change the source."""
    networks = (parse_network(network),)
    key = service.clients.add("bound", ["metrics"], Caller("tests"), networks=networks)
    headers = {"X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3"}
    assert status == service.send("GET", "/metrics", key=key, headers=headers).status_code


def test_an_unknown_path_is_not_found_without_a_key(service: Service) -> None:
    """Routes are no secret: a path that does not exist is a 404 for anybody."""
    assert 404 == service.http.get("/v1/nothing").status_code


def test_a_view_without_a_declaration_cannot_be_registered(service: Service) -> None:
    """Forgetting to say who may call a view stops the start, not the auditor."""
    with pytest.raises(TypeError, match="does not declare who may call it: @needs or @open_to_all"):
        service.app.add_url_rule("/x", view_func=lambda: "x")


def test_a_view_that_came_in_another_way_is_not_served(service: Service) -> None:
    """A view put in place of a declared one without a declaration fails closed."""

    def careless() -> dict[str, Any]:
        return {"secret": True}

    service.app.view_functions["ops.healthz"] = careless
    assert 500 == service.http.get("/healthz").status_code


@pytest.mark.parametrize("scopes", [(), ("decides",), ("decide", "admin"), ("",)])
def test_a_declaration_names_scopes_that_exist(scopes: tuple[str, ...]) -> None:
    """A scope with a typing error would lock everybody out, so it stops the start."""
    with pytest.raises(ValueError, match="scope"):
        guards.needs(*scopes)


# Who was let in before

ADDRESS, ELSEWHERE = "10.1.2.3", "192.0.2.7"
DECIDING = guards.Access(("decide",))
BOTH = guards.Access(("decide", "search"))


class Meanwhile:
    """
    The port ``ClientStore``: passes on, and lets something happen when a key was looked for.

    ``happening`` holds what another thread does at the end of each search, the next one first.
    """

    def __init__(self, store: ClientStore) -> None:
        self._store = store
        self.happening: list[Callable[[], object]] = []

    def clients(self) -> list[Client]:
        """Pass on."""
        return self._store.clients()

    def client_of_key(
        self, key_id: str, *, looked: bool = False
    ) -> tuple[Client, ClientKey] | None:
        """Give what there is, and let something happen behind it."""
        found = self._store.client_of_key(key_id, looked=looked)
        if self.happening:
            self.happening.pop(0)()
        return found

    def add_client(self, client: Client, told: Told) -> int:
        """Pass on."""
        return self._store.add_client(client, told)

    def save_client(self, client: Client, told: Told) -> int:
        """Pass on."""
        return self._store.save_client(client, told)


class Door:
    """
    A gate over a real store whose clients are held, and another process that changes them.

    ``key`` is that of the client ``bpm``, which may decide and search.
    """

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/store.db"
        self.store = HeldStore(self.url)
        self.store.create()
        self.plain = SqlStore(self.url, busy_timeout=30)
        self.clock = FrozenClock()
        self.acts = ActLog(ListLog(), (), self.clock)
        self.others = Clients(self.plain.clients, self.acts, self.clock)
        self.found = Meanwhile(self.store.held)
        self.gate = guards.Gate(
            Clients(self.found, self.acts, self.clock), Limits(), self.store.held, 1_000
        )
        self.key = self.others.add("bpm", ["decide", "search"], Caller("tests"))

    def close(self) -> None:
        """Close the stores."""
        self.plain.close()
        self.store.close()

    def enter(
        self,
        key: str | None = None,
        address: str = ADDRESS,
        access: guards.Access = DECIDING,
        scheme: str = "Bearer",
    ) -> Caller:
        """Come in with a key."""
        header = f"{scheme} {self.key if key is None else key}"
        environ = {"REMOTE_ADDR": address, "HTTP_AUTHORIZATION": header}
        caller, revision = self.gate.admit(access, environ)
        assert self.store.held.look() == revision
        return caller

    @property
    def client(self) -> Client:
        """The client as it is stored."""
        return next(one for one in self.plain.clients.clients() if one.name == "bpm")

    def change(self, **members: Any) -> None:
        """Change the client, as another process does."""
        self.plain.clients.save_client(replace(self.client, **members), untold)

    def change_key(self, **members: Any) -> None:
        """Change its key."""
        [key] = self.client.keys
        self.change(keys=(replace(key, **members),))

    def remove(self) -> None:
        """Remove the client, as nobody does but whoever has the database in hand."""
        with self.plain.database.engine.begin() as connection:
            connection.execute(delete(client_keys))
            connection.execute(delete(clients))
            connection.execute(update(store_revision).values(value=store_revision.c.value + 1))


@pytest.fixture(name="door")
def _door(tmp_path: Path) -> Iterator[Door]:
    """Give a door of which one client has the key."""
    with closing(Door(tmp_path)) as door:
        yield door


def test_who_was_let_in_is_known_again(door: Door) -> None:
    """The same header from the same address is the same caller, the very object."""
    first = door.enter()
    assert ("bpm", frozenset({"decide", "search"}), ADDRESS) == (
        first.name,
        first.scopes,
        first.address,
    )
    assert [True] * 3 == [door.enter() is first for _ in range(3)]
    assert 1 == len(door.gate.before)
    assert [first, "bearer"] == [door.enter(scheme="bearer"), "bearer"]
    assert ELSEWHERE == door.enter(address=ELSEWHERE).address
    assert 3 == len(door.gate.before)


def test_what_is_written_of_others_keeps_nobody_out(door: Door) -> None:
    """Another client, a person, a name: the same caller is still let in, of the new revision."""
    first = door.enter()
    door.others.add("other", ["decide"], Caller("tests"))
    door.plain.registry.save_person(Person(Cpf(MEMBER)), untold)
    assert first == door.enter() == door.enter()


REFUSED: dict[str, Callable[[Door], object]] = {
    "revoked": lambda door: door.others.revoke("bpm", Caller("tests")),
    "expires at once": lambda door: door.change_key(expires_at=door.clock()),
    "from elsewhere": lambda door: door.change_key(networks=(parse_network("192.0.2.0/24"),)),
    "another digest": lambda door: door.change_key(digest="0" * 64),
    "removed": lambda door: door.remove(),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_key_that_is_none_any_more_is_refused_at_once(
    door: Door, change: Callable[[Door], object]
) -> None:
    """However often it was let in: when the call that changed it has returned, and from then on."""
    for _ in range(3):
        door.enter()
    change(door)
    for _ in range(3):
        with pytest.raises(CallerUnknown):
            door.enter()


def test_a_key_that_was_known_expires_in_time(door: Door) -> None:
    """Nothing is written then: the last instant before it lets in, and it does not."""
    ends = door.clock() + timedelta(minutes=1)
    key = door.others.add("short", ["decide"], Caller("tests"), expires_at=ends)
    first = door.enter(key)
    door.clock.moment = ends - timedelta(microseconds=1)
    assert door.enter(key) is first
    door.clock.moment = ends
    for _ in range(2):
        with pytest.raises(CallerUnknown):
            door.enter(key)
    door.clock.moment = ends - timedelta(seconds=1)
    assert first == door.enter(key)


def test_scopes_that_were_taken_are_missing_at_once(door: Door) -> None:
    """And those that were given are there, for the same header."""
    assert [door.enter(access=BOTH)] * 2 == [door.enter(access=BOTH) for _ in range(2)]
    door.change(scopes=frozenset({"decide"}))
    for _ in range(2):
        with pytest.raises(CallerForbidden, match="search"):
            door.enter(access=BOTH)
    assert frozenset({"decide"}) == door.enter().scopes
    door.change(scopes=frozenset({"decide", "search", "metrics"}), reasons=True)
    assert (frozenset({"decide", "search", "metrics"}), True) == (
        door.enter(access=BOTH).scopes,
        door.enter(access=BOTH).reasons,
    )


def test_who_was_let_in_from_one_address_is_not_from_another(door: Door) -> None:
    """A key counts from its networks alone, though its header is known."""
    door.change_key(networks=(parse_network("10.0.0.0/8"),))
    for _ in range(3):
        assert ADDRESS == door.enter().address
        with pytest.raises(CallerUnknown):
            door.enter(address=ELSEWHERE)
    assert [ADDRESS] == [address for _, address in door.gate.before]


def test_a_wrong_header_is_not_remembered(door: Door) -> None:
    """Nor is one that is almost right; and none is taken for the right one."""
    door.enter()
    for wrong in (f"{door.key}x", door.key[:-1], door.key.upper(), "", "a_b_c", "\udc80"):
        for _ in range(2):
            with pytest.raises(CallerUnknown):
                door.enter(wrong)
    with pytest.raises(CallerUnknown):
        door.enter(scheme="Basic")
    assert 1 == len(door.gate.before)


def test_no_key_is_kept(door: Door) -> None:
    """Whatever is remembered of those who were let in: neither the header nor the secret."""
    door.enter()
    secret = door.key.split("_", 2)[2]
    told = f"{door.gate!r} {door.gate.before!r}"
    assert [False] * 3 == [one in told for one in (secret, door.key, secret[:16])]
    [(digest, _address)] = door.gate.before
    assert sha256(f"Bearer {door.key}".encode()).digest() == digest


def test_not_all_who_were_let_in_are_remembered(door: Door) -> None:
    """Whoever has many addresses fills no memory; all are let in all the same."""
    sizes = []
    for number in range(1_010):
        address = f"10.0.{number // 256}.{number % 256}"
        assert address == door.enter(address=address).address
        sizes.append(len(door.gate.before))
    assert (1_000, 10) == (max(sizes), sizes[-1])


@pytest.mark.parametrize("before", [0, 1, 2], ids=["at once", "then", "later"])
def test_a_key_that_changes_while_it_is_let_in_is_refused_next(door: Door, before: int) -> None:
    """Another thread sees a revocation in the midst of it: who was let in is not known by that."""

    def revoke() -> None:
        door.others.revoke("bpm", Caller("tests"))
        door.store.held.look()

    door.found.happening = [*[lambda: None] * before, revoke]
    environ = {"REMOTE_ADDR": ADDRESS, "HTTP_AUTHORIZATION": f"Bearer {door.key}"}
    while door.found.happening:
        assert "bpm" == door.gate.admit(DECIDING, environ)[0].name
    for _ in range(2):
        with pytest.raises(CallerUnknown):
            door.enter()


def test_many_threads_are_refused_once_a_key_is_revoked(door: Door) -> None:
    """When the call has returned, no thread lets anybody in with it, however many know it."""
    revoked = threading.Event()
    late: list[bool] = []

    def knock() -> None:
        for _ in range(100_000):
            after = revoked.is_set()
            try:
                door.gate.admit(
                    DECIDING,
                    {"REMOTE_ADDR": ADDRESS, "HTTP_AUTHORIZATION": f"Bearer {door.key}"},
                )
            except CallerUnknown:
                return
            late.append(after)

    threads = [threading.Thread(target=knock) for _ in range(3)]
    for one in threads:
        one.start()
    while len(late) < 100:
        time.sleep(0.001)
    door.others.revoke("bpm", Caller("tests"))
    revoked.set()
    for one in threads:
        one.join()
    assert not any(late)
