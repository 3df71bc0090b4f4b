"""
The file ``AUTHZ_ENTITIES``: what is known of entities of types that the domain does not own.

    {"entities": [{"type": "laboratory", "id": "L-17", "properties": {"state": "active"}}]}

It is read once, when the service starts, and strictly: whatever is not exactly of this form
keeps the service from starting, since a rule would find nil in its place without a word. A
complaint says where, counted from 0, and not what stands there: it may be personal data.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from authz_service.domain.entities import EntityName
from authz_service.domain.errors import InvalidInput, SettingsInvalid

_SETTING = "AUTHZ_ENTITIES"
_MAX_INTEGER = 2**53 - 1
_MAX_NUMBER_LENGTH = 1000
# Only names of this form are repeated in complaints: a name without digits holds no CPF.
_SAFE_NAME = re.compile(r"[A-Za-z_]{1,64}")
_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DescribedEntities:
    """
    The port ``Entities`` on what a file describes.

    Attributes:
        described: the properties of each entity.
        types: those of which an entity is described; a question about another is denied.
    """

    described: Mapping[EntityName, Mapping[str, object]] = field(default_factory=dict, repr=False)
    types: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        # Once: every question looks at them.
        object.__setattr__(self, "types", frozenset(name.type for name in self.described))

    def properties(self, name: EntityName) -> Mapping[str, object]:
        """Give what is said of an entity; nothing of one that is not described."""
        return self.described.get(name, _NOTHING)


def read_entities(path: Path) -> DescribedEntities:
    """
    Read the file of entities.

    Raises:
        SettingsInvalid: it cannot be read, is no I-JSON (RFC 7493), or is not of the form;
            names every problem with its place.
    """
    try:
        loaded = json.loads(
            path.read_bytes().decode("utf-8"),
            object_pairs_hook=_Pairs,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=lambda _name: _NO_NUMBER,
        )
    except OSError as error:
        raise SettingsInvalid([f"{_SETTING}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        message = f"must be UTF-8; byte {error.start} is not"
        raise SettingsInvalid([f"{_SETTING}: {message}"]) from None
    except json.JSONDecodeError as error:
        message = f"must be JSON; it cannot be read at line {error.lineno}, column {error.colno}"
        raise SettingsInvalid([f"{_SETTING}: {message}"]) from None
    except RecursionError:
        raise SettingsInvalid([f"{_SETTING}: must not nest that deep"]) from None
    reading = _Reading()
    described = reading.document(loaded)
    if reading.problems:
        raise SettingsInvalid(reading.problems)
    return DescribedEntities(described)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it is written: a member may stand in it twice."""


_NO_NUMBER = object()
"""Stands in the place of what only some parsers take for a number."""


def _integer(text: str) -> object:
    # The length first: `int` takes quadratic time, and refuses more than 4,300 digits.
    return int(text) if len(text) <= 17 and abs(int(text)) <= _MAX_INTEGER else _NO_NUMBER


def _float(text: str) -> object:
    number = float(text) if len(text) <= _MAX_NUMBER_LENGTH else math.inf
    return number if math.isfinite(number) else _NO_NUMBER


class _Reading:
    """
    One reading of a file.

    Attributes:
        problems: what is wrong with it, each with its place.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []

    def document(self, loaded: object) -> dict[EntityName, Mapping[str, object]]:
        """Give the properties of each entity; of what is wrong, only ``problems`` tell."""
        top = self._shaped(self._plain(loaded, ""), "", ("entities",))
        listed = [] if top is None else top.get("entities")
        if not isinstance(listed, list):
            self._note("entities", "must be a list")
            return {}
        described: dict[EntityName, Mapping[str, object]] = {}
        places: dict[EntityName, str] = {}
        for number, one in enumerate(listed):
            place = f"entities[{number}]"
            entity = self._shaped(one, place, ("type", "id", "properties"))
            if entity is None:
                continue
            properties = self._shaped(entity.get("properties", {}), f"{place}.properties")
            name = self._name(entity, place)
            if name in places:
                self._note(place, f"has the type and the id of {places[name]}")
            elif name is not None:
                places[name] = place
                described[name] = MappingProxyType(properties or {})
        return described

    def _name(self, entity: dict[str, Any], place: str) -> EntityName | None:
        for member in ("type", "id"):
            if not isinstance(entity.get(member), str):
                self._note(f"{place}.{member}", "must be a string")
                return None
        try:
            return EntityName(entity["type"], entity["id"])
        except InvalidInput as error:
            self._note(f"{place}.{error.field}", error.message)
            return None

    def _shaped(
        self, value: object, place: str, known: tuple[str, ...] = ()
    ) -> dict[str, Any] | None:
        """Give *value* if it is an object; of members, those *known* may be in it, if any are."""
        if not isinstance(value, dict):
            self._note(place, "must be an object")
            return None
        for name in value:
            if known and name not in known:
                self._note(_inside(place, name), f"is not one of: {', '.join(known)}")
        return value

    def _plain(self, value: object, place: str) -> object:
        """Give what was read as dicts and lists, and note what must not stand in any."""
        if isinstance(value, _Pairs):
            members: dict[str, object] = {}
            for name, member in value:
                inner = _inside(place, name)
                if name in members:
                    self._note(inner, "must not be given twice in one object")
                self._plain(name, inner)
                members[name] = self._plain(member, inner)
            return members
        if isinstance(value, list):
            return [self._plain(one, f"{place}[{number}]") for number, one in enumerate(value)]
        if value is _NO_NUMBER:
            self._note(place, f"must be a finite number, and an integer up to {_MAX_INTEGER}")
        if isinstance(value, str) and _UNKEEPABLE.search(value):
            self._note(place, "must not hold NUL or unpaired surrogates")
        return value

    def _note(self, place: str, message: str) -> None:
        self.problems.append(f"{_SETTING}: {place or 'the document'}: {message}")


def _inside(place: str, name: str) -> str:
    shown = name if _SAFE_NAME.fullmatch(name) else "?"
    return f"{place}.{shown}" if place else shown
