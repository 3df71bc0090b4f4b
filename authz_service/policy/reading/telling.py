"""How a problem is told: its place, what of a file may be shown, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from lark import Token

from authz_service.domain.errors import Problem

MAX_PROBLEMS = 100
"""How many problems of one kind are told; who has more has another file than he thinks."""

FOREIGN = {
    "True": "`true`",
    "False": "`false`",
    "None": "`nil`",
    "null": "`nil`",
    "none": '`nil`, or the word `"none"`',
    "nulo": "`nil`",
    "verdadeiro": "`true`",
    "falso": "`false`",
    "AND": "`and`",
    "OR": "`or`",
    "NOT": "`not`",
    "e": "`and`",
    "ou": "`or`",
    "nao": "`not`",
    "se": "`if`",
}
"""What people write who know another language, and what it is called in a policy."""

_MAX_SHOWN = 40
_MAX_COMPARED = 500  # comparing one name with 10,000 would take a second


def at(file: str, token: Token, check: str, message: str, remedy: str = "") -> Problem:
    """Give the problem that stands at *token* of *file*."""
    return Problem(file, token.line or 0, token.column or 0, message, check, remedy)


def shown(text: str) -> str:
    """Give the beginning of a text of a file as people can read it."""
    return "".join(one if one.isprintable() else f"U+{ord(one):04X}" for one in text[:_MAX_SHOWN])


def meant(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Ask for the one of *known* that is most like *name*; *otherwise* where none is."""
    lowered = {one.lower(): one for one in sorted(known, reverse=True)[:_MAX_COMPARED]}
    alike = difflib.get_close_matches(name[:_MAX_SHOWN].lower(), lowered, n=1)
    return f"did you mean `{lowered[alike[0]]}`?" if alike else otherwise
