"""
Decoding without doubt: a document that msgspec reads as a strict parser would, or none.

msgspec takes the last of members that stand twice, and what ``body`` refuses of numbers and texts.
So whatever holds an escape is declined, and so are members that a shape does not name; fractions
and great integers are left to who uses what was decoded. Twice can only stand what then has more
colons than what was decoded has when it is written again: each member brings one, and every text
stands in both as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import UnsetType

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, parse_company
from authz_service.domain.processes import ProcessName

Shape = TypeVar("Shape")
Value = TypeVar("Value")

Scalar = str | bool | int | float | None
"""What may stand in a bag of members."""

MOST = 2**53 - 1
"""The greatest integer, either side of zero, that two parsers read alike (RFC 7493, 2.2)."""

_REMEMBERED = 32_768
# Spaces around an identifier count for nothing: a text of them must not fill the memory.
_LONGEST_NUMBER, _LONGEST_NAME = 24, 200

_encode = msgspec.json.Encoder().encode


def decoder(shape: type[Shape]) -> Callable[[bytes], Shape | None]:
    """Make what reads bytes as *shape*, a Struct without unknown members; None if in doubt."""
    decode = msgspec.json.Decoder(shape).decode

    def read(data: bytes) -> Shape | None:
        if b"\\" in data:
            return None
        try:
            found = decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return found if _encode(found).count(b":") == data.count(b":") else None

    return read


class Doubt(Exception):
    """What was decoded is not surely what the schemas read; they have to be asked."""


def bag(found: dict[str, Scalar] | UnsetType | None) -> dict[str, Scalar]:
    """Give the members of a bag, none if it is null or absent; raises ``Doubt`` over numbers."""
    if not found:
        return {}
    for value in found.values():
        kind = type(value)
        if kind is float or (kind is int and not -MOST <= value <= MOST):  # type: ignore[operator]
            raise Doubt
    return found


def _remembering(parse: Callable[[str], Value], longest: int) -> Callable[[str], Value]:
    """Give *parse* with a memory of texts that it took: the same ones come again."""
    known = lru_cache(_REMEMBERED)(parse)

    def read(text: str) -> Value:
        return known(text) if len(text) <= longest else parse(text)

    return read


def _named(text: str) -> ProcessName:
    return ProcessName.parse(text)


cpf: Callable[[str], Cpf] = _remembering(Cpf.parse, _LONGEST_NUMBER)
"""Reads a CPF; raises ``InvalidInput``."""
cnpj: Callable[[str], Cnpj] = _remembering(Cnpj.parse, _LONGEST_NUMBER)
"""Reads a CNPJ; raises ``InvalidInput``."""
company: Callable[[str], CompanyId] = _remembering(parse_company, _LONGEST_NUMBER)
"""Reads a CNPJ, or the number of a foreign company; raises ``InvalidInput``."""
_process = _remembering(_named, _LONGEST_NAME)


def process(text: str, version: int | None) -> ProcessName:
    """Read the name of a process; raises ``InvalidInput``, and ``Doubt`` over its version."""
    try:
        return _process(text) if version is None else ProcessName.parse(text, version)
    except InvalidInput as error:
        if error.field == "version":
            raise Doubt from None
        raise
