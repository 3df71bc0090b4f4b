"""
The schemas of bodies and answers as JSON Schemas, by apispec.

Requests are open, since unknown members are ignored; answers are closed, so that a member
which nobody published cannot leave the service unnoticed.
"""

from __future__ import annotations

import inspect
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from authz_service.web.contract import Answer
from authz_service.web.fields import UNLESS, Body, Members, Parsed


class _Converter(OpenAPIConverter):
    """Knows this service's own fields, and what its schemas promise beside their members."""

    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        """Give the JSON Schema of a body or an answer."""
        made: dict[str, Any] = self.fields2jsonschema(schema.fields)  # type: ignore[no-untyped-call] # apispec's
        made["description"] = _prose(type(schema))
        required = [
            one for one in made.get("required", ()) if UNLESS not in made["properties"][one]
        ]
        made["required"] = required
        if isinstance(schema, Answer):
            made["additionalProperties"] = False
        if isinstance(schema, Body):
            made.update(schema.moreover)
        return made

    def field2property(self, field: fields.Field[Any]) -> dict[str, Any]:
        """Give the JSON Schema of one member."""
        if not isinstance(field, Parsed):
            return dict(super().field2property(field))
        shape = field.shown if isinstance(field.root, Answer) else field.shape
        made = {**shape, **self.metadata2properties(field)}
        if isinstance(field, Members):
            return made if field.known is None else self._members(made, field.known)
        kinds = made["type"] if isinstance(made["type"], list) else [made["type"]]
        if field.allow_none and "null" not in kinds:
            made["type"] = [*kinds, "null"]
        if field.load_default is None:
            made["default"] = None
        elif isinstance(field.load_default, bool | int | str):
            made["default"] = field.load_default
        return made

    def _members(self, bag: dict[str, Any], known: type[Body]) -> dict[str, Any]:
        """Give the JSON Schema of a bag of which the service reads some members itself."""
        return {"anyOf": [self.reference(known), {"type": "null"}], "default": bag["default"]}

    def reference(self, schema: type[Schema]) -> dict[str, Any]:
        """Give a reference to the JSON Schema of *schema*."""
        found: dict[str, Any] = self.resolve_nested_schema(schema)  # type: ignore[no-untyped-call] # apispec's
        return found


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class JsonSchemas:
    """
    JSON Schemas out of marshmallow schemas, each under the name of its class.

    Args:
        title: of the document in which they will stand.
        version: of that document.
    """

    def __init__(self, title: str, version: str) -> None:
        self._plugin = _Plugin()
        self.spec = APISpec(title, version, "3.1.0", plugins=[self._plugin])

    def of(self, schema: type[Schema]) -> dict[str, Any]:
        """Give a reference to the JSON Schema of *schema*."""
        return self._converter.reference(schema)

    def members_of(self, schema: type[Body]) -> dict[str, tuple[dict[str, Any], bool]]:
        """
        Give the JSON Schema of each member of a query, and whether it is required.

        A query holds texts: there is no null in it.
        """
        found = {}
        for name, field in schema().fields.items():
            shape = self._converter.field2property(field)
            kinds = shape.get("type", "string")
            if isinstance(kinds, list):
                left = [kind for kind in kinds if kind != "null"]
                shape["type"] = left[0] if len(left) == 1 else left
            if "enum" in shape:
                shape["enum"] = [one for one in shape["enum"] if one is not None]
            if shape.get("default", 0) is None:
                del shape["default"]
            found[name] = shape, field.required
        return found

    @property
    def _converter(self) -> _Converter:
        converter = self._plugin.converter
        if not isinstance(converter, _Converter):
            raise TypeError("apispec has made a converter of its own")
        return converter


def _prose(kind: type[Schema]) -> str:
    """Give what a schema says of itself, as Markdown."""
    return markdown(inspect.cleandoc(kind.__doc__ or ""))


def markdown(docstring: str) -> str:
    """Give a docstring as Markdown: code stands between single backticks there."""
    return docstring.replace("``", "`")
