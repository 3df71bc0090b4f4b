"""
The page of the contract: the OpenAPI document in the order in which people read it.

Only what is shown is chosen here; how it looks stands in ``templates/``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from authz_service.web.examples import curl, resolved
from authz_service.web.fields import UNLESS

STYLE = Markup((files(__package__) / "templates" / "docs.css").read_text(encoding="utf-8"))  # noqa: S704 -- our own file
"""The style of the page, which stands in it."""
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""The style as a Content-Security-Policy names it, so that no other one counts."""

_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "object": "object",
}


@dataclass(frozen=True, slots=True)
class Member:
    """
    One member of a body or an answer, or one parameter.

    Attributes:
        name: its dotted name.
        required: whether it is always there.
        kind: what it holds, in words.
        says: what it means.
    """

    name: str
    required: bool
    kind: str
    says: Markup


@dataclass(frozen=True, slots=True)
class Reply:
    """
    One answer, or one kind of problem.

    Attributes:
        status: its status.
        says: when it is given.
        names: the names of its shapes.
        headers: the names of its headers.
        members: what it holds; nothing for a problem, whose shapes stand at the end of the page.
        about: what its shape means.
    """

    status: str
    says: Markup
    names: tuple[str, ...]
    headers: tuple[str, ...]
    members: tuple[Member, ...] = ()
    about: tuple[Markup, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One call.

    Attributes:
        id: its id, also of its place on the page.
        method: GET, POST and so on.
        path: the template of its path.
        summary: what it does, in a line.
        paragraphs: what else is to be said.
        scopes: the scopes that it needs.
        parameters: of path, query and header.
        body: the members of its body.
        body_about: what its body means.
        answers: how it succeeds.
        problems: how it fails.
        example: how one calls it in a shell.
    """

    id: str
    method: str
    path: str
    summary: Markup
    paragraphs: tuple[Markup, ...]
    scopes: tuple[str, ...]
    parameters: tuple[Member, ...]
    body: tuple[Member, ...]
    body_about: tuple[Markup, ...]
    answers: tuple[Reply, ...]
    problems: tuple[Reply, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """
    Calls that belong together.

    Attributes:
        name: what it is called.
        says: what it is about.
        operations: its calls.
    """

    name: str
    says: Markup
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """
    The whole page.

    Attributes:
        title: what the service is called.
        version: which version of it.
        paragraphs: what holds for every call.
        chapters: the calls.
        shapes: the shapes of problems, each with its members.
    """

    title: str
    version: str
    paragraphs: tuple[Markup, ...]
    chapters: tuple[Chapter, ...]
    shapes: tuple[Reply, ...]


def page_of(document: dict[str, Any]) -> Page:
    """Make the page of an OpenAPI document of this service."""
    info = document["info"]
    operations = [
        (found["tags"][0], _operation(method.upper(), path, found, document))
        for path, methods in document["paths"].items()
        for method, found in methods.items()
    ]
    chapters = (
        Chapter(
            one["name"],
            _prose(one["description"]),
            tuple(found for tag, found in operations if tag == one["name"]),
        )
        for one in document["tags"]
    )
    return Page(
        info["title"],
        info["version"],
        _paragraphs(info["description"]),
        tuple(chapters),
        tuple(_shapes(document)),
    )


def _operation(
    method: str, path: str, found: dict[str, Any], document: dict[str, Any]
) -> Operation:
    replies = [_reply(status, one, document) for status, one in found["responses"].items()]
    schema: dict[str, Any] = {}
    if "requestBody" in found:
        [content] = found["requestBody"]["content"].values()
        schema = content["schema"]
    return Operation(
        id=found["operationId"],
        method=method,
        path=path,
        summary=_prose(found["summary"]),
        paragraphs=_paragraphs(found["description"]),
        scopes=tuple(found["x-scopes"]),
        parameters=tuple(_parameter(one, document) for one in found["parameters"]),
        body=tuple(_members(schema, document)),
        body_about=_about(schema, document),
        answers=tuple(one for one, problem in replies if not problem),
        problems=tuple(one for one, problem in replies if problem),
        example=curl(method, path, found, document),
    )


def _reply(status: str, found: dict[str, Any], document: dict[str, Any]) -> tuple[Reply, bool]:
    """Give an answer, and whether it is a problem."""
    found = resolved(found, document)
    headers = tuple(found["headers"])
    says = _prose(found["description"])
    if "content" not in found:
        return Reply(status, says, (), headers), False
    [(media, content)] = found["content"].items()
    schema = content["schema"]
    names = tuple(_name(one) for one in schema.get("oneOf", [schema]))
    if media == "application/problem+json":
        return Reply(status, says, names, headers), True
    named = names if "$ref" in schema else (media,)
    members = tuple(_members(schema, document))
    return Reply(status, says, named, headers, members, _about(schema, document)), False


def _about(schema: dict[str, Any], document: dict[str, Any]) -> tuple[Markup, ...]:
    """Give what a whole body or answer means."""
    return _paragraphs(resolved(schema, document).get("description", ""))


def _shapes(document: dict[str, Any]) -> Iterator[Reply]:
    used = {
        _name(schema)
        for one in document["components"]["responses"].values()
        for content in one["content"].values()
        for schema in content["schema"].get("oneOf", [content["schema"]])
    }
    for name, schema in document["components"]["schemas"].items():
        if name in used:
            status = str(schema["properties"]["status"].get("const", ""))
            members = tuple(_members(schema, document))
            yield Reply(status, _prose(schema["description"]), (name,), (), members)


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _parameter(found: dict[str, Any], document: dict[str, Any]) -> Member:
    found = resolved(found, document)
    schema = found["schema"]
    says = _prose(found.get("description", ""))
    return Member(
        found["name"], found["required"], f"{found['in']}: {_kind(schema, document)}", says
    )


def _members(
    schema: dict[str, Any], document: dict[str, Any], inside: str = ""
) -> Iterator[Member]:
    schema = _object(schema, document)
    for name, member in schema.get("properties", {}).items():
        whole = f"{inside}.{name}" if inside else name
        required = name in schema.get("required", ())
        says = _meaning(member)
        yield Member(whole, required, _kind(member, document), says)
        inner = _object(member, document)
        if inner.get("type") == "array":
            inner, whole = _object(inner.get("items", {}), document), f"{whole}[]"
        yield from _members(inner, document, whole)


def _meaning(member: dict[str, Any]) -> Markup:
    if UNLESS in member:
        return _prose(f"Required without the header `{member[UNLESS]}`.")
    return _prose(member.get("description", ""))


def _object(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Give what a schema stands for; of an object or null, the object."""
    found = resolved(schema, document)
    if "anyOf" in found and "properties" not in found:
        return resolved(found["anyOf"][0], document)
    return found


def _kind(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """Say what a member holds."""
    found = resolved(schema, document)
    if "const" in found:
        return f"always {found['const']}"
    if "anyOf" in found and "properties" not in found:
        return " or ".join(_kind(one, document) for one in found["anyOf"])
    if "enum" in found:
        return "one of: " + ", ".join("null" if one is None else str(one) for one in found["enum"])
    kinds = found.get("type", "anything")
    words = [_WORDS.get(one, one) for one in ([kinds] if isinstance(kinds, str) else kinds)]
    if "array" in words:
        words[words.index("array")] = f"list of {_kind(found.get('items', {}), document)}"
    said = " or ".join(words)
    if found.get("format"):
        said += f", {found['format']}"
    if "minimum" in found:
        said += f" from {found['minimum']}"
    if "maximum" in found:
        said += f" to {found['maximum']}"
    if "maxLength" in found:
        said += f", at most {found['maxLength']} characters"
    if "maxItems" in found:
        said += f", at most {found['maxItems']}"
    return said


def _paragraphs(text: str) -> tuple[Markup, ...]:
    return tuple(_prose(one) for one in text.split("\n\n") if one.strip())


def _prose(text: str) -> Markup:
    """Give the little Markdown that our texts have, as HTML."""
    safe = str(escape(" ".join(text.split())))
    safe = _BOLD.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", safe))
    return Markup(safe)  # noqa: S704 -- escaped above
