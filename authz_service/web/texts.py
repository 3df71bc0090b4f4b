"""Texts that the domain itself reads and refuses, and lists, as members of request bodies."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length

from authz_service.domain.errors import InvalidInput
from authz_service.web.fields import Parsed
from authz_service.web.shapes import Shape

NAME: Shape = {
    "type": "string",
    "format": "name",
    "minLength": 1,
    "maxLength": 200,
    "examples": ["Keller Messtechnik GmbH"],
}
"""What a foreign company is called."""
COUNTRY: Shape = {"type": "string", "pattern": "^(?!BR$)[A-Z]{2}$", "examples": ["DE"]}
"""Where it is, ISO 3166-1 alpha-2."""
CODE: Shape = {"type": "string", "pattern": "^[A-Z][A-Z0-9]{0,15}$", "examples": ["P061"]}
"""Inmetro's code of a process."""
TITLE: Shape = {
    "type": "string",
    "format": "title",
    "minLength": 1,
    "maxLength": 170,
    "examples": ["Registro"],
}
"""Inmetro's title of a process: as long as a label with code and version is still read."""
CLIENT: Shape = {
    "type": "string",
    "pattern": "^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$",
    "format": "client",
    "examples": ["orquestra"],
}
"""What a client is called."""


def text(shape: Shape, **options: Any) -> Parsed[str]:
    """Describe a text of *shape*; the domain has the last word on what it may be."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise InvalidInput("text", "must be a string")
        most = shape.get("maxLength", len(value))
        if len(value) > most:
            raise InvalidInput("text", f"must have at most {most} characters")
        return value

    return Parsed(read, shape=shape, **options)


def listed(
    inner: fields.Field[Any], most: int, *, least: int | None = None, **options: Any
) -> fields.List[Any]:
    """Describe a list of at most *most* members, and of at least *least* if that is given."""
    wanted = f"must be at most {most}" if least is None else f"must be {least} to {most}"
    messages: dict[str, str | list[Any] | dict[Any, Any]] = {
        "required": "is required",
        "null": "must be a list",
        "invalid": "must be a list",
    }
    return fields.List(
        inner,
        validate=Length(min=least, max=most, error=wanted),
        error_messages=messages,
        **options,
    )
