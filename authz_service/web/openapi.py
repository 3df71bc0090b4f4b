"""
The published contract: an OpenAPI 3.1 document, made out of the routes that are served.

Nothing is written twice: who may call comes from the guards, shapes from the schemas, words
from the docstrings. What is left stands here: which problem has which status, and the rules
that hold for every call.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib import metadata
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from authz_service.domain.clients import SCOPES
from authz_service.web import problem_shapes
from authz_service.web.contract import Contract, contract_of
from authz_service.web.guards import Access, access_of
from authz_service.web.json_schemas import JsonSchemas, markdown
from authz_service.web.lean.operation import AT_LEAST, REVISION
from authz_service.web.shapes import Shape

DISTRIBUTION = "inmetro-authz-service"
"""The name under which this package is installed; its version is the document's."""

CHAPTERS = {
    "AuthZEN": "Decisions in the words of the AuthZEN Authorization API 1.0.",
    "Orquestra": "Decisions in the words of Orquestra's designers: flat, one text to steer by.",
    "Sign-in": "What GOV.BR says: sign-ins, and Orquestra's confirmation of a registration.",
    "Delegations": "What representatives hand to members of their company, and take back.",
    "People": "Persons: whether they have registered and are confirmed.",
    "Standing": "What a person is in a company (atuação).",
    "Companies": "Companies: what is known of them, and foreign ones, which Inmetro registers.",
    "Bonds": "The proof that a filial belongs to its matriz.",
    "Processes": "The catalogue of Orquestra's processes.",
    "Decisions": "The decision log, for auditors.",
    "Clients": "The programs that may call, and their keys.",
    "Operation": "Is it alive, can it decide, what has it counted, what does it publish.",
}
"""The chapters of the document in their order, each with what it is about."""

_ABOUT = """\
Who may open or delegate which process of Orquestra for which company: Inmetro's policy decision
point for the Cadastro Único.

**Keys.** Every call that needs a scope brings a key: `Authorization: Bearer KEY`. The scopes that
a call needs stand beside it, and in `x-scopes`.

**Bodies** are JSON objects in UTF-8, `Content-Type: application/json`, in the strict form of RFC
7493 (I-JSON): no member twice, integers from -(2^53 - 1) to 2^53 - 1 and without fraction or
exponent where a whole number is wanted, at most 32 levels of nesting, no text with NUL or half a
character. Members that nobody knows are ignored. Whatever breaks a schema is a 400, and nothing
has been done then. Answers have the members that stand here and no other.

Request line and headers together have at most 16 KiB; more is a 431. `x-unless` names the header
that makes a member unnecessary.

**Formats.** `cpf` and `cnpj` have valid check digits; `company` is a CNPJ or the number of a
foreign company; `login` has no spaces around it, no sign that cannot be seen, and no CPF in it;
`page-token` is what the page before has given; `entity-tags` is `*`, or a list of ETags;
`govbr-token` is a token of GOV.BR in compact form; `revision` is a whole number that a
`Store-Revision` has told.

**Problems** are `application/problem+json` (RFC 9457). They name the member that is wrong, and
never repeat what was sent. After a 503 the same call may be tried again.

**One truth.** When a call that changes something has returned, no decision that is asked for
afterwards contradicts it. Its answer says in `Store-Revision` which state of the store it left
behind, each decision on which state it was made. Where an operator has chosen to let replicas lag
by a bounded time, a question with `Store-Revision-At-Least` is answered on that state or a later
one, or not at all: a 503 `store-behind` says when to ask again.

**Request ids.** `X-Request-ID` comes back as it was sent; who sends none is given one.

**Persons.** A CPF never stands in a path, nor in a query but that of Orquestra's GET where it is
switched on, so lists about persons are asked for by POST.
"""

_REQUEST_ID = "X-Request-ID"
_HEADERS = {
    _REQUEST_ID: "The id of the request: as it was sent, or a new one.",
    "Cache-Control": "Whether the answer may be kept; most may not.",
    "WWW-Authenticate": "How to show a key, and whether it was the GOV.BR token that was refused.",
    "Retry-After": "Seconds after which the call may be tried again.",
    REVISION: "The revision that the store was at when the call had ended; absent where it did "
    f"not answer then. In `{AT_LEAST}` of a question it has the decision see what the call wrote.",
}
_MAY_LACK = frozenset({REVISION})
_OF_STATUS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
_JSON, _PROBLEM = "application/json", "application/problem+json"
_TEXT = {"type": "string"}
_OF_MEDIA = {_JSON: {"type": "object"}}
_TAGS = {"type": "string", "format": "entity-tags", "examples": ["*"]}
_REVISION = {"type": "string", "format": "revision", "pattern": "^[0-9]{1,16}$"}
_OF_HEADER: Mapping[str, Shape] = {
    "If-Match": _TAGS,
    "If-None-Match": _TAGS,
    "Govbr-Access-Token": {"type": "string", "format": "govbr-token"},
    AT_LEAST: _REVISION,
    REVISION: _REVISION,
}


def document(app: Flask, server: str | None) -> dict[str, Any]:
    """
    Make the OpenAPI document of *app*.

    Args:
        app: the application with all its routes.
        server: the address under which callers reach it, or None where nobody has said.

    Raises:
        TypeError: a view, or a field of a schema, does not say what it is.
    """
    schemas = JsonSchemas("Inmetro authorization service", metadata.version(DISTRIBUTION))
    paths: dict[str, dict[str, Any]] = {}
    responses: dict[str, Any] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        contract, access = contract_of(view), access_of(view)
        for method in sorted(rule.methods or ()):
            made = _operation(schemas, responses, rule, method, contract, access)
            summary, _, rest = inspect.cleandoc(view.__doc__ or "").partition("\n")
            said = [markdown(rest).strip(), _who(access)]
            made |= {"summary": markdown(summary), "description": "\n\n".join(filter(None, said))}
            paths.setdefault(path_of(rule), {})[method.lower()] = _in_order(made)
    found = schemas.spec.to_dict()
    return {
        "openapi": "3.1.0",
        "info": {**found["info"], "description": _ABOUT},
        "servers": [{"url": server or "/"}],
        "tags": list(_chapters(paths)),
        "paths": paths,
        "components": {
            "schemas": {**found["components"]["schemas"], **problem_shapes.all_shapes()},
            "responses": responses,
            "headers": {
                name: {
                    "description": says,
                    "required": name not in _MAY_LACK,
                    "schema": _schema(name),
                }
                for name, says in _HEADERS.items()
            },
            "parameters": {_REQUEST_ID: _header(_REQUEST_ID, "An id of the caller's choice.")},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "The key of a client."}
            },
        },
    }


def path_of(rule: Rule) -> str:
    """Give the template of a route as OpenAPI writes it: ``/v1/delegations/{delegation_id}``."""
    return rule.rule.replace("<", "{").replace(">", "}")


def _operation(
    schemas: JsonSchemas,
    responses: dict[str, Any],
    rule: Rule,
    method: str,
    contract: Contract,
    access: Access,
) -> dict[str, Any]:
    probe = method == "HEAD"
    made: dict[str, Any] = {
        "tags": [contract.tag],
        "operationId": f"{rule.endpoint}.head" if probe else rule.endpoint,
        "parameters": list(_parameters(schemas, rule, contract)),
        "responses": {},
        "security": [{"key": list(access.scopes)}] if access.scopes else [],
        "x-scopes": list(access.scopes),
    }
    if contract.body is not None:
        content = {_JSON: {"schema": schemas.of(contract.body)}}
        made["requestBody"] = {"required": True, "content": content}
    answers = {contract.status: HTTPStatus(contract.status).phrase, **contract.also}
    for status, says in answers.items():
        writes = method != "GET" and bool(access.scopes)
        made["responses"][str(status)] = _answer(
            schemas, contract, says, empty=probe, writes=writes
        )
    for status in _problems(contract, access, method) - answers.keys():
        wide = status in contract.problems
        shapes = problem_shapes.names(status, wide=wide)
        responses[".".join(shapes)] = _problem(status, shapes)
        made["responses"][str(status)] = {"$ref": f"#/components/responses/{'.'.join(shapes)}"}
    return made


def _in_order(operation: dict[str, Any]) -> dict[str, Any]:
    """Give an operation as people read it: what it is first, then what goes in and out."""
    first = ("tags", "operationId", "summary", "description", "parameters", "requestBody")
    found = {name: operation[name] for name in first if name in operation}
    found["responses"] = dict(sorted(operation["responses"].items()))
    return {**found, **operation, "responses": found["responses"]}


def _who(access: Access) -> str:
    if not access.scopes:
        return f"Open to all: {access.why}."
    return "\n".join(f"Needs the scope `{scope}`: {SCOPES[scope]}." for scope in access.scopes)


def _parameters(schemas: JsonSchemas, rule: Rule, contract: Contract) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        said = contract.path.get(name, "Its id, as an answer has given it.")
        shape = {"type": "string", "minLength": 1} if isinstance(said, str) else dict(said)
        says = said if isinstance(said, str) else shape.pop("description")
        yield {"name": name, "in": "path", "required": True, "description": says, "schema": shape}
    if contract.query is not None:
        for name, (shape, required) in schemas.members_of(contract.query).items():
            made = {"name": name, "in": "query", "required": required, "schema": shape}
            if "description" in shape:
                made["description"] = shape.pop("description")
            yield made
    for name, says in contract.headers.items():
        yield _header(name, says)
    yield {"$ref": f"#/components/parameters/{_REQUEST_ID}"}


def _header(name: str, says: str) -> dict[str, Any]:
    made = {"name": name, "in": "header", "required": False, "description": says}
    return {**made, "schema": _schema(name)}


def _schema(name: str) -> Shape:
    """Give the shape of a header."""
    return _OF_HEADER.get(name, _TEXT)


def _answer(
    schemas: JsonSchemas,
    contract: Contract,
    says: str,
    *,
    empty: bool,
    writes: bool,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": says,
        "headers": _headers(REVISION if writes else None),
    }
    for name, meaning in contract.answer_headers.items():
        shape = {"description": meaning, "required": True, "schema": _schema(name)}
        made["headers"][name] = shape
    if isinstance(contract.answer, str):
        content = {contract.answer: {"schema": _OF_MEDIA.get(contract.answer, _TEXT)}}
    else:
        content = {_JSON: {"schema": schemas.of(contract.answer)}}
    if not empty:
        made["content"] = content
    if contract.links:
        made["links"] = {
            link.name: {"operationId": link.to, "parameters": link.values}
            for link in contract.links
        }
    return made


def _problems(contract: Contract, access: Access, method: str) -> set[int]:
    """Give the statuses of the problems that a call may be answered with."""
    found = set(contract.problems)
    if access.scopes:
        # The key is looked for in the store, which may not answer.
        found |= {401, 403, 429, 503}
    if contract.query is not None:
        found.add(400)
    if contract.body is not None:
        found.add(400)
    if method not in ("GET", "HEAD"):
        # The server itself takes in no more, whether a body is read or not.
        found.add(413)
    return found


def _problem(status: int, shapes: tuple[str, ...]) -> dict[str, Any]:
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in shapes]
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _headers(_OF_STATUS.get(status)),
        "content": {_PROBLEM: {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}},
    }


def _headers(further: str | None = None) -> dict[str, Any]:
    names = filter(None, (_REQUEST_ID, "Cache-Control", further))
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _chapters(paths: dict[str, dict[str, Any]]) -> Iterator[dict[str, str]]:
    used = {tag for path in paths.values() for one in path.values() for tag in one["tags"]}
    unknown = sorted(used - CHAPTERS.keys())
    if unknown:
        raise TypeError(f"no chapter is called `{unknown[0]}`: {', '.join(CHAPTERS)}")
    for name, says in CHAPTERS.items():
        if name in used:
            yield {"name": name, "description": says}
