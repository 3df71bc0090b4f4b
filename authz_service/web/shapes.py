"""
JSON Schemas of single members: what the fields of requests read, and how answers write them.

A pattern says exactly what the parser behind it takes, so that a member that breaks its schema
is a 400. What no pattern can say stands in ``format``: the check digits of a CPF, say. A
member that keeps its schema and has its format is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]
"""The keywords of a JSON Schema of one member."""

# `str.strip` of the parser: these four, and no other space.
_SPACE = r"[ \t\r\n]*"
_CPF = r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}"
_CNPJ = r"[0-9A-Za-z]{2}\.?[0-9A-Za-z]{3}\.?[0-9A-Za-z]{3}/?[0-9A-Za-z]{4}-?[0-9]{2}"
_FOREIGN = r"[Ee][Xx]-?[0-9]{7}-?[0-9]"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"

LONGEST_LOGIN = 128
"""Characters of a login, as it is sent."""
VERSION = r"[ \t]*(?:[Vv]\.?[ \t]?)?[0-9]{1,6}[ \t]*"
"""A version as Orquestra writes it."""
DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
"""A day as ISO 8601 writes it."""
# `fromisoformat` alone takes weeks and basic forms.
INSTANT = rf"{DAY}T{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:Z|[+-]{_CLOCK})"
"""The profile of ISO 8601 of RFC 3339, 5.6, with the zone that it asks for."""


def _text(pattern: str, form: str, *examples: str) -> Shape:
    return {"type": "string", "format": form, "pattern": pattern, "examples": list(examples)}


CPF_ASKED = _text(f"^{_SPACE}{_CPF}{_SPACE}$", "cpf", "187.627.946-04", "18762794604")
CPF_SHOWN = _text("^[0-9]{11}$", "cpf", "18762794604")
CNPJ_ASKED = _text(f"^{_SPACE}{_CNPJ}{_SPACE}$", "cnpj", "52.420.282/0001-80", "52420282000180")
CNPJ_SHOWN = _text("^[0-9A-Z]{12}[0-9]{2}$", "cnpj", "52420282000180")
COMPANY_ASKED = _text(
    f"^{_SPACE}(?:{_CNPJ}|{_FOREIGN}){_SPACE}$", "company", "52420282000180", "EX-0000123-0"
)
COMPANY_SHOWN = _text("^(?:[0-9A-Z]{12}[0-9]{2}|EX[0-9]{8})$", "company", "52420282000180")
LOGIN: Shape = {
    "type": "string",
    "format": "login",
    "minLength": 1,
    "maxLength": LONGEST_LOGIN,
    "examples": ["m.keller"],
}
VERSION_ASKED: Shape = {
    "type": ["integer", "string"],
    "minimum": 1,
    "maximum": 999_999,
    # Zeros alone are no version.
    "pattern": f"^(?=.*[1-9]){VERSION}$",
    "examples": [3, "v.3"],
}
VERSION_OR_BLANK: Shape = {**VERSION_ASKED, "pattern": f"^$|^(?=.*[1-9]){VERSION}$"}
VERSION_SHOWN: Shape = {"type": "integer", "minimum": 1, "maximum": 999_999, "examples": [3]}
HANDLE: Shape = {"type": "string"}
FLAG: Shape = {"type": "boolean", "examples": [True]}
DAY_ASKED = _text(f"^{DAY}$", "date", "2099-12-31")
INSTANT_ASKED = _text(f"^{INSTANT}$", "date-time", "2099-12-31T23:59:59-03:00")
INSTANT_SHOWN = _text(f"^{INSTANT.partition('(?:Z|')[0]}Z$", "date-time", "2027-01-01T02:59:59Z")
BAG: Shape = {"type": ["object", "null"], "additionalProperties": True, "default": {}}


def whole(least: int, most: int) -> Shape:
    """Give the shape of a whole number from *least* to *most*."""
    return {"type": "integer", "minimum": least, "maximum": most, "examples": [least]}
