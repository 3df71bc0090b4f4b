"""
An example of a request, made out of its schema, so that it is one that the service reads.

Each member brings an example of its own; a schema whose members hang together brings a whole.
"""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import quote, urlencode

from authz_service.web.fields import UNLESS

_MISSING = object()


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Give a schema, or any other part, that a reference stands for; itself if there is none."""
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def example_of(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """Give an example of what *schema* takes; of an object, the members that it requires."""
    schema = resolved(schema, document)
    given = _given(schema)
    if given is not _MISSING:
        return given
    if "properties" in schema:
        # Who runs the example as it stands sends no header beside the key.
        wanted = {*schema.get("required", ()), *_spoken_for(schema)}
        return {
            name: example_of(member, document)
            for name, member in schema["properties"].items()
            if name in wanted
        }
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], document)
    kind = _kind(schema)
    if kind == "array":
        return [example_of(schema["items"], document)]
    return {"integer": schema.get("minimum", 1), "boolean": True, "object": {}}.get(kind, "text")


def _given(schema: dict[str, Any]) -> Any:
    """Give the example that a schema brings itself."""
    if "const" in schema:
        return schema["const"]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    return _MISSING


def _spoken_for(schema: dict[str, Any]) -> list[str]:
    """Give the members that only a header makes unnecessary."""
    return [name for name, member in schema["properties"].items() if UNLESS in member]


def _kind(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "string")
    return kinds if isinstance(kinds, str) else str(kinds[0])


def curl(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    """Give a request of *operation* as one runs it in a shell."""
    server = document["servers"][0]["url"].rstrip("/") or "https://authz.example"
    query = {}
    for parameter in operation["parameters"]:
        found = resolved(parameter, document)
        if not found["required"]:
            continue
        value = example_of(found["schema"], document)
        if found["in"] == "path":
            path = path.replace(f"{{{found['name']}}}", quote(str(value), safe=""))
        if found["in"] == "query":
            query[found["name"]] = value
    address = f"{server}{path}{'?' + urlencode(query) if query else ''}"
    lines = [f"curl {'--head' if method == 'HEAD' else '-X ' + method} {shlex.quote(address)}"]
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $AUTHZ_KEY"')
    if "requestBody" in operation:
        [content] = operation["requestBody"]["content"].values()
        body = json.dumps(example_of(content["schema"], document), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(lines)
