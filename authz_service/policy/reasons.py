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

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.errors import Problem
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
    return _PLACEHOLDER.sub(lambda match: particulars.get(match[1], ""), text)


def read(text: str) -> tuple[dict[str, Reason], list[Problem]]:
    """Read ``reasons.toml``; gives the reasons by code, in order, and what is wrong."""
    try:
        loaded = tomllib.loads(text)
    # A number of 5,000 digits is a ValueError as well, 10,000 brackets are a RecursionError.
    except (ValueError, RecursionError) as error:
        place = _LINE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        return {}, [Problem(FILE, line, column, f"is no TOML: {error}")]
    problems: list[str] = [f"`{name}` is not known here" for name in loaded if name != "reason"]
    tables = loaded.get("reason", [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        problems.append("`reason` must be a list of tables, each under [[reason]]")
        tables = []
    reasons: dict[str, Reason] = {}
    for number, table in enumerate(tables, start=1):
        reason, found = _reason(number, table)
        problems += found
        if reason is None:
            continue
        if reason.code in reasons:
            problems.append(f"reason {number}: the code `{reason.code}` stands twice")
        reasons[reason.code] = reason
    problems += [
        f"the reason `{code}` is missing, which the service gives by itself"
        for code in BUILT_IN_REASONS
        if code not in reasons
    ]
    return reasons, [Problem(FILE, 0, 0, problem) for problem in problems]


def _reason(number: int, table: Mapping[str, object]) -> tuple[Reason | None, list[str]]:
    where = f"reason {number}"
    problems: list[str] = []
    code, codigo = table.get("code"), table.get("codigo")
    if not isinstance(code, str) or _CODE.fullmatch(code) is None:
        problems.append(f"{where}: `code` must be lower-case letters, digits and hyphens")
    if not isinstance(codigo, str) or _CODIGO.fullmatch(codigo) is None:
        problems.append(f"{where}: `codigo` must be upper-case letters, digits and underscores")
    own = {name: value for name, value in table.items() if name not in _MEMBERS}
    texts, actions = {"": _texts(where, own, problems)}, table.get("action", {})
    if not isinstance(actions, dict) or not all(isinstance(one, dict) for one in actions.values()):
        problems.append(f"{where}: `action` must hold a table for each action")
        actions = {}
    for action, said in actions.items():
        texts[action] = _texts(f"{where}, action {action}", said, problems)
    kinds = {}
    for kind in _KINDS:
        said = table.get(kind, {})
        if not isinstance(said, dict):
            problems.append(f"{where}: `{kind}` must be a table")
        elif kind in table:
            kinds[kind] = _texts(f"{where}, {kind}", said, problems)
    if problems:
        return None, problems
    return Reason(str(code), str(codigo), texts, kinds), []


def _texts(where: str, table: Mapping[str, object], problems: list[str]) -> tuple[str, str]:
    said = []
    problems += [f"{where}: `{name}` is not known here" for name in table if name not in _LANGUAGES]
    for language in _LANGUAGES:
        text = table.get(language)
        if not isinstance(text, str) or not text.strip():
            problems.append(f"{where}: the text `{language}` is missing")
            continue
        problems += [
            f"{where}: `{{{name}}}` in `{language}` is none of: {', '.join(_PARTICULARS)}"
            for name in _PLACEHOLDER.findall(text)
            if name not in _PARTICULARS
        ]
        if set("{}") & set(_PLACEHOLDER.sub("", text)):
            problems.append(f"{where}: `{language}` has a brace without its other half")
        said.append(" ".join(text.split()))
    pt, en = said if len(said) == len(_LANGUAGES) else ("", "")
    return pt, en
