"""
The declared reasons: their order, their codes, and what they say in Portuguese and English.

They stand in ``reasons.toml`` beside the policies. The order of the file is the order of
reasons in an answer, and the first is the one that a citizen reads.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.errors import Problem
from authz_service.policy.reading.telling import MAX_PROBLEMS, meant, shown
from authz_service.policy.reading.toml_places import Places, Steps
from authz_service.usecases.ports import Text

FILE = "reasons.toml"
"""The name of the file in the policy folder."""

_CODE = re.compile(r"[a-z][a-z0-9-]{1,62}")
_CODIGO = re.compile(r"[A-Z][A-Z0-9_]{1,62}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LANGUAGES = ("pt", "en")
_KINDS = ("foreign", "entity")
_MEMBERS = ("code", "codigo", "action", *_KINDS)
_PARTICULARS = ("cnpj", "processo")
_LISTED = ", ".join(_PARTICULARS)
_LINE = re.compile(r"line (\d+), column (\d+)")


@dataclass(frozen=True, slots=True)
class Reason:
    """
    One reason.

    Attributes:
        code: the stable code that rules give and the log keeps.
        codigo: the stable code that Orquestra's designers compare.
        texts: (pt, en) by action; under the empty name for every other action.
        kinds: (pt, en) for whatever action on a ``foreign`` company, or on what another service
            owns (``entity``), where they differ.
    """

    code: str
    codigo: str
    texts: Mapping[str, tuple[str, str]]
    kinds: Mapping[str, tuple[str, str]]

    def text(self, action: str, particulars: Mapping[str, str]) -> Text:
        """Give the texts for *action*, with the particulars in their places."""
        fitting = self.texts.get(action, self.texts[""])
        pt, en = self.kinds.get(_kind(particulars.get("cnpj", "")), fitting)
        return Text(self.codigo, _fill(pt, particulars), _fill(en, particulars))


def _kind(company: str) -> str:
    """Tell by the company's number, in the form for people, what a question is about."""
    if not company:
        return "entity"
    # No CNPJ in that form has a hyphen so early.
    return "foreign" if company.startswith("EX-") else "national"


def _fill(text: str, particulars: Mapping[str, str]) -> str:
    # Not `str.format`: a text of an administrator could walk through attributes with it.
    words = list(_pieces(text))
    words[1::2] = [particulars.get(name, "") for name in words[1::2]]
    return "".join(words)


@lru_cache(maxsize=1_024)
def _pieces(text: str) -> tuple[str, ...]:
    """Take a text of a policy apart: at every second place is the name of a particular."""
    return tuple(_PLACEHOLDER.split(text))


def read(text: str) -> tuple[dict[str, Reason], list[Problem]]:
    """
    Read ``reasons.toml``; gives the reasons by code, in order, and what is wrong.

    With problems the reasons are only good for knowing which codes are declared.
    """
    try:
        loaded = tomllib.loads(text)
    # A number of 5,000 digits is a ValueError as well, 10,000 brackets are a RecursionError.
    except (ValueError, RecursionError) as error:
        return {}, [no_toml(FILE, error)]
    return _Reader(Places(text)).read(loaded)


def no_toml(file: str, error: Exception) -> Problem:
    """Say that Python cannot read a TOML file, with the place where it stopped."""
    place = _LINE.search(str(error))
    line, column = (int(place[1]), int(place[2])) if place else (0, 0)
    remedy = "look for a quote, a bracket or a `=` that is missing there or above"
    return Problem(file, line, column, f"is no TOML: {error}", "toml", remedy)


class _Reader:
    """Reads the tables, and keeps what is wrong with its place."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._problems: list[Problem] = []

    def _note(self, steps: Steps, check: str, message: str, remedy: str) -> None:
        if len(self._problems) == MAX_PROBLEMS:
            return
        line, column = self._places.of(*steps)
        self._problems.append(Problem(FILE, line, column, message, check, remedy))

    def read(self, loaded: Mapping[str, object]) -> tuple[dict[str, Reason], list[Problem]]:
        for name in loaded:
            if name != "reason":
                remedy = meant(name, ("reason",), "leave it out")
                self._note((name,), "toml-unknown", f"`{shown(name)}` is not known here", remedy)
        tables = loaded.get("reason", [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            message = "`reason` must be a list of tables"
            self._note(("reason",), "toml-shape", message, "put each under [[reason]]")
            tables = []
        reasons: dict[str, Reason] = {}
        for number, table in enumerate(tables, start=1):
            reason = self._reason(number, table)
            if reason.code in reasons:
                message = f"reason {number}: the code `{reason.code}` stands twice"
                where = ("reason", number, "code")
                self._note(where, "reason-twice", message, "leave one of the two out")
            if _CODE.fullmatch(reason.code):
                reasons[reason.code] = reason
        for code in BUILT_IN_REASONS:
            if code not in reasons:
                message = f"the reason `{code}` is missing, which the service gives by itself"
                remedy = f'add a [[reason]] with code = "{code}"'
                self._note((), "reason-missing", message, remedy)
        return reasons, self._problems

    def _reason(self, number: int, table: Mapping[str, object]) -> Reason:
        where, said = ("reason", number), f"reason {number}"
        code, codigo = table.get("code"), table.get("codigo")
        if not isinstance(code, str) or _CODE.fullmatch(code) is None:
            message = f"{said}: `code` must be lower-case letters, digits and hyphens"
            self._note((*where, "code"), "reason-code", message, 'write as in code = "represents"')
        if not isinstance(codigo, str) or _CODIGO.fullmatch(codigo) is None:
            message = f"{said}: `codigo` must be upper-case letters, digits and underscores"
            remedy = 'write as in codigo = "REPRESENTANTE"'
            self._note((*where, "codigo"), "reason-code", message, remedy)
        own = {name: value for name, value in table.items() if name not in _MEMBERS}
        texts = {"": self._texts(where, said, own, (*_LANGUAGES, *_MEMBERS))}
        actions = table.get("action", {})
        if not isinstance(actions, dict) or not all(
            isinstance(one, dict) for one in actions.values()
        ):
            message = f"{said}: `action` must hold a table for each action"
            remedy = "write it under [reason.action.open] or another action"
            self._note((*where, "action"), "toml-shape", message, remedy)
            actions = {}
        for action, members in actions.items():
            place = (*where, "action", action)
            texts[action] = self._texts(place, f"{said}, action {shown(action)}", members)
        kinds = {}
        for kind in _KINDS:
            members = table.get(kind, {})
            if not isinstance(members, dict):
                message, remedy = f"{said}: `{kind}` must be a table", f"write [reason.{kind}]"
                self._note((*where, kind), "toml-shape", message, remedy)
            elif kind in table:
                kinds[kind] = self._texts((*where, kind), f"{said}, {kind}", members)
        return Reason(str(code), str(codigo), texts, kinds)

    def _texts(
        self,
        where: Steps,
        said: str,
        table: Mapping[str, object],
        known: tuple[str, ...] = _LANGUAGES,
    ) -> tuple[str, str]:
        for name in table:
            if name not in _LANGUAGES:
                message = f"{said}: `{shown(name)}` is not known here"
                remedy = meant(name, known, "leave it out")
                self._note((*where, name), "toml-unknown", message, remedy)
        pt, en = (self._text((*where, one), said, one, table.get(one)) for one in _LANGUAGES)
        return pt, en

    def _text(self, where: Steps, said: str, language: str, text: object) -> str:
        if not isinstance(text, str) or not text.strip():
            message = f"{said}: the text `{language}` is missing"
            self._note(where, "text-missing", message, f'add a line {language} = "..."')
            return ""
        for name in _PLACEHOLDER.findall(text):
            if name not in _PARTICULARS:
                message = f"{said}: `{{{shown(name)}}}` in `{language}` is none of: {_LISTED}"
                remedy = meant(name, _PARTICULARS, "write one of them, or no braces")
                self._note(where, "text-particular", message, remedy)
        if set("{}") & set(_PLACEHOLDER.sub("", text)):
            message = f"{said}: `{language}` has a brace without its other half"
            self._note(where, "text-particular", message, "write braces as in {cnpj}")
        return " ".join(text.split())
