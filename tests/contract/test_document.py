"""The published document: of every route, true to what is declared, and current in the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator

from authz_service.domain.clients import SCOPES
from authz_service.domain.errors import AuthzError
from authz_service.web import problem_shapes, problems
from authz_service.web.contract import Answer, Contract, contract_of, describes
from authz_service.web.examples import example_of, resolved
from authz_service.web.fields import Body, Text
from authz_service.web.guards import access_of, open_to_all
from authz_service.web.openapi import document, path_of
from tests.contract.published import PATH, written
from tests.fakes.service import Service

WHOLE = Service(orquestra_get=True)
DOCUMENT = document(WHOLE.app, None)
METHODS = ("get", "put", "post", "delete", "patch", "head")


def operations(found: dict[str, Any] = DOCUMENT) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give method, path and description of every operation."""
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def bodies() -> list[Any]:
    """Give every operation that takes a body."""
    return [
        pytest.param(method, path, operation, id=operation["operationId"])
        for method, path, operation in operations()
        if "requestBody" in operation
    ]


def objects(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every schema of an object inside *schema*, with its place."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield place, schema
        for name, inner in schema.items():
            yield from objects(inner, f"{place}/{name}")
    if isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from objects(inner, f"{place}/{number}")


def test_the_tree_has_the_present_document() -> None:
    """``schemas/openapi.json`` is what a service publishes; `make schemas` brings it up to date."""
    assert written() == PATH.read_text("utf-8")


def test_it_is_an_openapi_document() -> None:
    """It keeps the rules of OpenAPI 3.1."""
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_every_route_is_described() -> None:
    """Each route with each of its methods is an operation, and nothing else is."""
    routes = {
        (method.lower(), path_of(rule))
        for rule in WHOLE.app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    assert routes == {(method, path) for method, path, _ in operations()}


def test_who_may_call_is_what_the_guards_ask_for() -> None:
    """The scopes of each operation are those that its view declares, with what they let do."""
    for rule in WHOLE.app.url_map.iter_rules():
        access = access_of(WHOLE.app.view_functions[rule.endpoint])
        for operation in DOCUMENT["paths"][path_of(rule)].values():
            if operation["operationId"].removesuffix(".head") != rule.endpoint:
                continue
            assert list(access.scopes) == operation["x-scopes"]
            assert ([{"key": list(access.scopes)}] if access.scopes else []) == operation[
                "security"
            ]
            assert all(SCOPES[scope] in operation["description"] for scope in access.scopes)
            assert access.why in operation["description"]


def test_every_operation_says_what_it_does() -> None:
    """Summary, chapter and a name of its own, all of it in words."""
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    chapters = {one["name"] for one in DOCUMENT["tags"]}
    for _, _, operation in operations():
        assert operation["summary"].endswith((".", "0."))
        assert chapters >= set(operation["tags"])
        assert "``" not in operation["summary"] + operation["description"]


def test_links_lead_to_operations_that_take_what_they_bring() -> None:
    """A link names an operation that exists, and parameters that it has."""
    known = {
        operation["operationId"]: {
            resolved(one, DOCUMENT)["name"] for one in operation["parameters"]
        }
        for _, _, operation in operations()
    }
    links = [
        link
        for _, _, operation in operations()
        for answer in operation["responses"].values()
        for link in resolved(answer, DOCUMENT).get("links", {}).values()
    ]
    assert links
    for link in links:
        assert known[link["operationId"]] >= set(link["parameters"])


def test_answers_are_closed() -> None:
    """Every object that is answered has the members that are named, or says what else it has."""
    asked_for = {
        resolved(operation["requestBody"], DOCUMENT)["content"]["application/json"]["schema"][
            "$ref"
        ].rpartition("/")[2]
        for _, _, operation in operations()
        if "requestBody" in operation
    }
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if name in asked_for or not name.endswith("Answer"):
            continue
        for place, found in objects(schema, name):
            assert "additionalProperties" in found, place


def test_requests_are_open() -> None:
    """Members that nobody knows are ignored, so no body forbids them (AuthZEN 1.0, 10.1.1)."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if name.endswith("Body"):
            assert "additionalProperties" not in schema, name


def test_no_person_stands_in_a_url() -> None:
    """No parameter of a path or a query takes a CPF or a login, but for Orquestra's GET."""
    for _, path, operation in operations():
        if path == "/v1/orquestra/decisao":
            continue
        for one in operation["parameters"]:
            found = resolved(one, DOCUMENT)
            if found["in"] in ("path", "query"):
                assert found["schema"].get("format") not in ("cpf", "login"), path
                assert found["name"] not in ("cpf", "login"), path


@pytest.mark.parametrize(("method", "path", "operation"), bodies())
def test_the_example_of_a_body_keeps_its_schema(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    """What the page shows as an example is right by the document."""
    del method, path
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    assert [] == list(validator.iter_errors(example_of(schema, DOCUMENT)))


@pytest.mark.parametrize(("method", "path", "operation"), bodies())
def test_the_example_of_a_body_is_read(method: str, path: str, operation: dict[str, Any]) -> None:
    """What the page shows as an example is read by the service: it is no 400."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for one in operation["parameters"]:
        found = resolved(one, DOCUMENT)
        if found["in"] == "path":
            path = path.replace(f"{{{found['name']}}}", example_of(found["schema"], DOCUMENT))
    answer = Service().send(method.upper(), path, example_of(schema, DOCUMENT))
    assert answer.status_code != 400, answer.get_data(as_text=True)


def test_every_example_keeps_its_schema() -> None:
    """Each example that a schema brings is one of what it describes."""
    found = 0
    for name, schema in DOCUMENT["components"]["schemas"].items():
        members = {name: schema, **{f"{name}.{key}": one for key, one in _members(schema)}}
        for place, member in members.items():
            validator = Draft202012Validator({**member, "components": DOCUMENT["components"]})
            for example in member.get("examples", ()):
                found += 1
                assert [] == list(validator.iter_errors(example)), place
    assert found > 50


def _members(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, member in schema.get("properties", {}).items():
        yield name, member
        if "items" in member:
            yield f"{name}[]", member["items"]


def test_the_shapes_of_problems_are_those_of_the_problems() -> None:
    """Each kind of error has its shape with the same type and status, and no shape is left over."""
    kinds = {f"urn:inmetro:authz:problem:{name}": status for _, status, name, _ in problems._KINDS}
    shapes = {
        shape["properties"]["type"]["const"]: shape["properties"]["status"]["const"]
        for name, shape in problem_shapes.all_shapes().items()
        if name != problem_shapes.PLAIN
    }
    assert kinds == shapes
    assert all(issubclass(kind, AuthzError) for kind, *_ in problems._KINDS)


def test_a_status_that_no_problem_has_is_refused() -> None:
    """A view cannot promise a problem that does not exist."""
    with pytest.raises(ValueError, match="418"):
        problem_shapes.names(418, wide=False)


class _Alone(Body):
    """Nothing."""

    text = Text()


class _Empty(Answer):
    """Nothing."""


def test_a_view_without_a_contract_cannot_be_registered() -> None:
    """Forgetting to say what a view takes and answers stops the start."""

    @open_to_all("a test")
    def silent() -> str:
        return ""

    with pytest.raises(TypeError, match="@describes"):
        Service().app.add_url_rule("/x", view_func=silent)


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        pytest.param(describes("Nowhere", answer=_Empty), "no chapter", id="an unknown chapter"),
        pytest.param(
            describes("Operation", answer=_Empty, problems=(418,)), "418", id="an unknown problem"
        ),
    ],
)
def test_a_contract_that_cannot_be_published_is_an_error(
    contract: Callable[[Callable[[], str]], Callable[[], str]], message: str
) -> None:
    """What readers of the document could not understand does not get into it."""

    @open_to_all("a test")
    @contract
    def odd() -> str:
        """Be odd."""
        return ""

    app = Service().app
    app.add_url_rule("/odd", view_func=odd, methods=["POST"])
    with pytest.raises((TypeError, ValueError), match=message):
        document(app, None)


def test_what_a_view_declares_is_kept() -> None:
    """What stands on a view is what the document is made of."""

    @describes("Operation", answer=_Empty, body=_Alone, status=201)
    def view() -> None:
        """Do nothing."""

    found: Contract = contract_of(view)
    assert ("Operation", _Alone, _Empty, 201) == (
        found.tag,
        found.body,
        found.answer,
        found.status,
    )


@pytest.mark.parametrize(
    ("pdp_id", "url"), [(None, "/"), ("https://authz.example", "https://authz.example")]
)
def test_the_server_is_where_the_operator_says(pdp_id: str | None, url: str) -> None:
    """The address comes from the settings alone, never out of a request."""
    answer = Service(pdp_id=pdp_id).http.get("/openapi.json", headers={"Host": "evil.example"})
    assert [{"url": url}] == answer.get_json()["servers"]


def test_the_document_is_public_and_may_be_kept_for_a_while() -> None:
    """Nobody needs a key to read what may be asked, and proxies may keep it for minutes."""
    answer = Service().http.get("/openapi.json")
    assert (200, "application/json") == (answer.status_code, answer.mimetype)
    assert "public, max-age=300" == answer.headers["Cache-Control"]
