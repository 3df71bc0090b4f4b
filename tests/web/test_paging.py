"""Paging: every list is given in parts that are complete, and only its own tokens go on in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.companies import Origin
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Bond, Evidence, Role, Standing
from authz_service.usecases.stores import Page
from authz_service.web.paging import MAX_LIMIT, wanted
from tests.fakes.clock import NOON
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service
from tests.fakes.store import untold

FILIAIS = ("52420282000260", "52420282000341", "52420282000422")
OTHER = "11222333000181"
FIRST: Mapping[str, object] = {}
"""What asks for the first page, as long as pages are where nobody says."""


@dataclass(frozen=True)
class Listed:
    """
    A list of the service.

    Attributes:
        name: the member under which its items stand, and its name in tests.
        path: where it is asked for.
        body: what asks for it by POST, or None where a query does.
        other: another list at the same place, as ``path`` and ``body``.
    """

    name: str
    path: str
    body: dict[str, Any] | None = None
    other: tuple[str, dict[str, Any] | None] = ("", None)

    @property
    def where(self) -> str:
        """The dotted name before ``token`` and ``limit`` in errors."""
        return "" if self.body is None else "page."

    def ask(
        self, service: Service, page: Mapping[str, object] = FIRST, *, other: bool = False
    ) -> TestResponse:
        """Ask for a part of it, or of the other list."""
        path, body = self.other if other else (self.path, self.body)
        if body is not None:
            return service.post(path, {**body, "page": dict(page)})
        sign = "&" if "?" in path else "?"
        query = "&".join(f"{name}={value}" for name, value in page.items())
        return service.send("GET", f"{path}{sign}{query}")


LISTS = [
    Listed("companies", "/v1/companies", other=("/v1/companies?origin=national", None)),
    Listed("processes", "/v1/processes", other=("/v1/processes?state=open", None)),
    Listed("clients", "/v1/clients", other=("/v1/processes", None)),
    Listed(
        "bonds",
        f"/v1/bonds?company={COMPANY}",
        other=(f"/v1/bonds?company={FILIAIS[0]}&", None),
    ),
    Listed(
        "standings",
        "/v1/standing/search",
        {"company": COMPANY},
        ("/v1/standing/search", {"company": COMPANY, "cpf": MEMBER}),
    ),
]
IDS = [one.name for one in LISTS]


@pytest.fixture(name="full")
def _full(service: Service) -> Service:
    """Give a service in which every list has several items."""
    matriz = Cnpj.parse(COMPANY)
    for filial in FILIAIS:
        service.store.registry.save_bond(Bond(Cnpj.parse(filial), matriz, "SEI", NOON), untold)
    for company in (COMPANY, OTHER):
        for person in (MEMBER, REPRESENTATIVE):
            for evidence in (Evidence.ASSERTED, Evidence.GOVBR):
                one = Standing(Cnpj.parse(company), Cpf.parse(person), Role.SOCIO, evidence, NOON)
                service.store.registry.save_standing(one, untold)
    for name in ("Adler", "Berg", "Camus"):
        sent: dict[str, object] = {"name": name, "country": "DE", "representatives": []}
        assert 201 == service.post("/v1/companies", sent).status_code
    for _ in range(3):
        service.key_for("metrics")
    return service


def walked(service: Service, asked: Listed, limit: int) -> list[list[Any]]:
    """Give the parts of a list, one after the other, and see that each says how long it is."""
    parts: list[list[Any]] = []
    page: dict[str, object] = {"limit": limit}
    while True:
        answer = asked.ask(service, page).get_json()
        assert ["page", asked.name] == list(answer)
        parts.append(answer[asked.name])
        assert len(parts[-1]) == answer["page"]["count"] <= limit
        if not answer["page"]["next_token"]:
            return parts
        page["token"] = answer["page"]["next_token"]


@pytest.mark.parametrize("asked", LISTS, ids=IDS)
@pytest.mark.parametrize("limit", [1, 2, 3, 4, MAX_LIMIT])
def test_the_parts_of_a_list_are_the_list(full: Service, asked: Listed, limit: int) -> None:
    """Whatever the limit is, the parts hold everything once, in one order, and none is empty."""
    whole = asked.ask(full).get_json()[asked.name]
    assert len(whole) >= 3
    parts = walked(full, asked, limit)
    assert whole == [one for part in parts for one in part]
    assert all(parts)
    assert -(-len(whole) // limit) == len(parts)


@pytest.mark.parametrize("asked", LISTS, ids=IDS)
def test_a_token_of_another_list_is_refused(full: Service, asked: Listed) -> None:
    """A list that is filtered otherwise is another list."""
    token = asked.ask(full, {"limit": 1}).get_json()["page"]["next_token"]
    assert 200 == asked.ask(full, {"limit": 1, "token": token}).status_code
    answer = asked.ask(full, {"limit": 1, "token": token}, other=True)
    assert (400, asked.where + "token") == (answer.status_code, answer.get_json()["field"])


def _made(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


GARBAGE = {
    "no base64": "%%%",
    "no token": "abc",
    "no ASCII": "Zé",
    "no JSON": base64.urlsafe_b64encode(b"[").decode(),
    "no UTF-8": base64.urlsafe_b64encode(b"[\xff]").decode(),
    "no list": _made("x"),
    "one member": _made(["x"]),
    "a number": _made([1, 2]),
    "another seal": _made(["0" * 16, "p001"]),
    "too deep": base64.urlsafe_b64encode(b"[" * 1400).decode(),
    "too long": "A" * 2001,
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("asked", LISTS, ids=IDS)
def test_what_is_no_token_is_refused(full: Service, asked: Listed, token: str) -> None:
    """Whatever stands there instead is a 400 that names the token and repeats nothing."""
    sent = token.replace("%", "%25") if asked.body is None else token
    answer = asked.ask(full, {"token": sent})
    assert (400, asked.where + "token") == (answer.status_code, answer.get_json()["field"])
    assert token not in answer.get_data(as_text=True)


@pytest.mark.parametrize("asked", LISTS, ids=IDS)
def test_a_token_that_was_changed_is_refused(full: Service, asked: Listed) -> None:
    """A token whose place was changed is no token any more."""
    token = asked.ask(full, {"limit": 1}).get_json()["page"]["next_token"]
    seal, after = json.loads(base64.urlsafe_b64decode(token))
    answer = asked.ask(full, {"token": _made([seal, after + "0"])})
    assert (400, asked.where + "token") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("asked", LISTS, ids=IDS)
@pytest.mark.parametrize("limit", [0, 201, -1, "x", "", "1.5", "0x1", "٣"])
def test_a_limit_is_a_number_from_1_to_200(full: Service, asked: Listed, limit: object) -> None:
    """Anything else is a 400 that names the limit."""
    answer = asked.ask(full, {"limit": limit})
    assert (400, asked.where + "limit") == (answer.status_code, answer.get_json()["field"])


def test_nothing_in_a_query_is_given_twice(full: Service) -> None:
    """A name that stands twice in a query is a 400 that names it."""
    answer = full.send("GET", "/v1/processes?limit=1&limit=2")
    assert (400, "limit") == (answer.status_code, answer.get_json()["field"])


def _next(*asked: str | date | None, after: str = "x") -> str:
    part = wanted({"token": None, "limit": 1}, "token", *asked)
    shown: Callable[[str], dict[str, Any]] = lambda item: {"item": item}  # noqa: E731 -- one word
    token: str = part.answer("items", Page(("a",), after), shown)["page"]["next_token"]
    return token


SAME: list[tuple[tuple[str | date | None, ...], tuple[str | date | None, ...]]] = [
    (("a", Origin.FOREIGN), ("a", "foreign")),
    (("a", datetime(2026, 1, 1, tzinfo=UTC)), ("a", datetime(2026, 1, 1, tzinfo=UTC))),
]
DIFFERENT: list[tuple[tuple[str | date | None, ...], tuple[str | date | None, ...]]] = [
    (("a",), ("b",)),
    (("a", None), ("a",)),
    (("a", None), ("a", "None")),
    (("a", "b"), ("a,b",)),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_equal_filters_ask_for_one_list(
    first: tuple[str | date | None, ...], second: tuple[str | date | None, ...]
) -> None:
    """It counts what a filter says, not how it was read."""
    part = wanted({"token": _next(*first), "limit": 1}, "token", *second)
    assert "x" == part.after


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_other_filters_ask_for_another_list(
    first: tuple[str | date | None, ...], second: tuple[str | date | None, ...]
) -> None:
    """No two lists share their tokens, those of persons apart: nobody is in what is sealed."""
    with pytest.raises(InvalidInput, match=r"^where: "):
        wanted({"token": _next(*first), "limit": 1}, "where", *second)


@pytest.mark.parametrize("after", ["\0", "a\nb", "\ud800", "\x7f"])
def test_no_token_brings_what_a_store_cannot_look_for(after: str) -> None:
    """Also in a token that is sealed as it should be: whoever makes tokens can make any."""
    with pytest.raises(InvalidInput, match=r"^token: "):
        wanted({"token": _next("a", after=after), "limit": 1}, "token", "a")


def test_a_list_that_is_empty_is_a_list(service: Service) -> None:
    """There is one part, with nothing in it, and nothing follows."""
    answer = service.send("GET", f"/v1/bonds?company={OTHER}")
    assert {"page": {"next_token": "", "count": 0}, "bonds": []} == answer.get_json()


def test_a_token_goes_on_in_the_list_of_whom_the_request_names(full: Service) -> None:
    """Nobody is in it, or whoever tries all CPFs would find whose list it is of."""
    search, page = "/v1/standing/search", {"limit": 1}
    asked = {"cpf": MEMBER, "page": page}
    token = full.post(search, asked).get_json()["page"]["next_token"]
    answer = full.post(search, {"cpf": REPRESENTATIVE, "page": {**page, "token": token}})
    assert 200 == answer.status_code
    assert [REPRESENTATIVE] == [one["cpf"] for one in answer.get_json()["standings"]]


@pytest.mark.parametrize(
    "path", ["/v1/processes", "/v1/companies", "/v1/decisions", "/v1/clients", "/v1/bonds"]
)
def test_a_filter_that_is_misspelt_is_refused(path: str) -> None:
    """It would answer with everything; the error lists the filters and repeats no name."""
    answer = Service().send("GET", f"{path}?clinet=x&cpf=18762794604")

    assert (400, "query") == (answer.status_code, answer.get_json()["field"])
    assert "limit, token" in answer.get_json()["detail"] or "company" in answer.get_json()["detail"]
    assert "clinet" not in answer.get_data(as_text=True)
