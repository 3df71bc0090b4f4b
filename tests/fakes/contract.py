"""The published contract as a referee: an answer that the document does not foresee is an error."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.test import run_wsgi_app

from authz_service.web.openapi import document, path_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_URI = "urn:document"
_PLAIN = "/components/schemas/Problem"


class Contract:
    """
    Holds answers to one OpenAPI document.

    Answers to requests that no operation describes, and failures of the service itself, are
    problems without a type of their own.
    """

    def __init__(self, published: dict[str, Any]) -> None:
        self.published = published
        resource = Resource.from_contents(published, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_URI, resource)
        self._validators: dict[str, Draft202012Validator] = {}

    def check(
        self, path: str | None, method: str, status: int, headers: Headers, body: bytes
    ) -> None:
        """Raise ``AssertionError`` if the document does not foresee this answer."""
        place = f"{method} {path}: {status}"
        operation = self.published["paths"].get(path, {}).get(method.lower())
        if operation is None or status == 500:
            assert status in (404, 405, 500), f"{place} is not in the document"
            if method != "HEAD":
                self._fits(_PLAIN, body, place)
            return
        assert str(status) in operation["responses"], f"{place} is not in the document"
        answer, pointer = self._resolved(
            operation["responses"][str(status)],
            f"/paths/{_escaped(path or '')}/{method.lower()}/responses/{status}",
        )
        for name, header in answer["headers"].items():
            required = self._resolved(header, "")[0]["required"]
            assert name in headers or not required, f"{place} lacks the header {name}"
        told = {name.lower() for name in answer["headers"]} | {"content-type", "content-length"}
        undocumented = {name.lower() for name, _ in headers} - told
        assert not undocumented - _UNSPOKEN, f"{place} has headers of its own: {undocumented}"
        media = headers.get("Content-Type", "").partition(";")[0]
        content = answer.get("content", {})
        if not content:
            assert body == b"", f"{place} has a body"
            return
        assert media in content, f"{place} is {media}, not {', '.join(content)}"
        if media.endswith("json"):
            self._fits(f"{pointer}/content/{_escaped(media)}/schema", body, place)

    def _resolved(self, part: dict[str, Any], pointer: str) -> tuple[dict[str, Any], str]:
        if "$ref" not in part:
            return part, pointer
        pointer = part["$ref"].removeprefix("#")
        found: Any = self.published
        for step in pointer.removeprefix("/").split("/"):
            found = found[step]
        return found, pointer

    def _fits(self, pointer: str, body: bytes, place: str) -> None:
        if pointer not in self._validators:
            self._validators[pointer] = Draft202012Validator(
                {"$ref": f"{_URI}#{pointer}"}, registry=self._registry
            )
        wrong = [
            f"{error.json_path}: {error.message}"
            for error in self._validators[pointer].iter_errors(json.loads(body))
        ]
        assert not wrong, f"{place} is not as it is published: {wrong}"


_UNSPOKEN = frozenset(
    {"allow", "content-security-policy", "x-content-type-options", "referrer-policy"}
)
"""Headers that belong to HTTP and to browsers, not to this service's contract."""


def _escaped(text: str) -> str:
    """Write a step of a JSON pointer inside a URI (RFC 6901, 6)."""
    pointer = text.replace("~", "~0").replace("/", "~1")
    return pointer.replace("{", "%7B").replace("}", "%7D")


@cache
def _contract(text: str) -> Contract:
    return Contract(json.loads(text))


class Documented:
    """
    A WSGI application in front of another, which lets only documented answers through.

    The document is that of *app* as it is when the first request comes.
    """

    def __init__(self, app: Flask, inner: WSGIApplication) -> None:
        self._app, self._inner = app, inner
        self._known: Contract | None = None

    @property
    def contract(self) -> Contract:
        """What the answers are held to."""
        if self._known is None:
            self._known = _contract(json.dumps(_document_of(self._app)))
        return self._known

    def __call__(self, environ: WSGIEnvironment, start: StartResponse, /) -> Iterable[bytes]:
        """Answer a request, or raise ``AssertionError``."""
        answered, status, headers = run_wsgi_app(self._inner, environ)  # buffered below
        body = b"".join(answered)
        try:
            rule, _ = self._app.url_map.bind_to_environ(environ).match(return_rule=True)
            path: str | None = path_of(rule)
        except HTTPException:
            path = None
        method = environ["REQUEST_METHOD"]
        self.contract.check(path, method, int(status.split()[0]), headers, body)
        start(status, list(headers))
        return [body]


_DOCUMENTS: dict[tuple[str, ...], dict[str, Any]] = {}


def _document_of(app: Flask) -> dict[str, Any]:
    """Give the document of *app*: the routes tell which, since it takes a moment to make."""
    key = tuple(sorted(f"{rule.rule} {rule.methods}" for rule in app.url_map.iter_rules()))
    if key not in _DOCUMENTS:
        _DOCUMENTS[key] = document(app, None)
    return _DOCUMENTS[key]
