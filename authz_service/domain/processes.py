"""
The catalogue of processes, and what a name from outside means in it.

Orquestra prints a process as ``P061 - Registro v.2``: code, title, version. Inmetro's
codes are not unique (P061 is both Cadastro de Empresas and Registro), so a process has
an id of its own, and a name counts only when it names exactly one process.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.identifiers import ProcessId

_VERSION_SUFFIX = re.compile(r"(?P<name>.*\S)\s+v\.?\s?(?P<version>[0-9]{1,6})", re.IGNORECASE)
_CODE = re.compile(r"[A-Z][A-Z0-9]{0,15}")
_MAX_VERSION = 999_999


class ProcessState(StrEnum):
    """Whether Inmetro takes requests for a process."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ProcessDefinition:
    """
    One process that companies may request.

    Attributes:
        id: the service's own name for it; stays when code, title or version change.
        code: Inmetro's code, such as ``P061``; not unique.
        title: Inmetro's title, in Portuguese.
        version: the newest version known, 1 or more.
        state: whether it takes requests.
    """

    id: ProcessId
    code: str
    title: str
    version: int
    state: ProcessState = ProcessState.OPEN

    def __post_init__(self) -> None:
        if _CODE.fullmatch(self.code) is None:
            raise InvalidInput("code", "must be a letter and up to 15 letters or digits")
        if not self.title.strip():
            raise InvalidInput("title", "must not be empty")
        check_version(self.version, "version")

    @property
    def label(self) -> str:
        """The form that Orquestra prints: ``P061 - Registro v.2``."""
        return f"{self.code} - {self.title} v.{self.version}"


@dataclass(frozen=True, slots=True)
class ProcessVersion:
    """
    A version that a process has had.

    Attributes:
        version: its number.
        since: when the catalogue came to know it, None if before the service kept that.
    """

    version: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ProcessName:
    """
    A process as a caller names it; whether it exists is a fact of the catalogue.

    Attributes:
        text: an id, a code, or a label without its version.
        version: the version that was named, or None for the newest.
    """

    text: str
    version: int | None = None

    @classmethod
    def parse(cls, value: object, version: object = None, field: str = "process") -> ProcessName:
        """
        Read a process's id, code or label, and its version where one stands beside it.

        Raises:
            InvalidInput: not a string, empty, longer than 200 characters, a version that is
                no whole number of 1 or more, or two versions that differ.
        """
        if not isinstance(value, str):
            raise InvalidInput(field, "must be a string")
        text = unicodedata.normalize("NFC", value).strip()
        if not text or len(text) > 200:
            raise InvalidInput(field, "must be a process's code or label")
        match = _VERSION_SUFFIX.fullmatch(text)
        labelled = None
        if match is not None:
            text = match["name"]
            labelled = check_version(int(match["version"]), field)
        beside = None if version is None else parse_version(version)
        if labelled is not None and beside is not None and labelled != beside:
            raise InvalidInput("version", "contradicts the version in the label")
        return cls(text, labelled if beside is None else beside)


def parse_version(value: object) -> int:
    """
    Read a version as a number or as Orquestra writes it: 3, "3", "v.3".

    Raises:
        InvalidInput: it is none of these, or out of bounds; names the field ``version``.
    """
    if isinstance(value, str):
        match = re.fullmatch(r"(?:v\.?\s?)?([0-9]{1,6})", value.strip(), re.IGNORECASE)
        if match is not None:
            return check_version(int(match[1]), "version")
    if type(value) is int:
        return check_version(value, "version")
    raise InvalidInput("version", "must be a whole number, such as 3 or `v.3`")


def check_version(version: int, field: str) -> int:
    """
    Give *version* back if it can be one.

    Raises:
        InvalidInput: below 1 or above 999999; names *field*.
    """
    if not 1 <= version <= _MAX_VERSION:
        raise InvalidInput(field, f"must be from 1 to {_MAX_VERSION}")
    return version


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """
    What stands in the place of a process that a name does not tell from others.

    Attributes:
        candidates: the labels it could mean, each of which names exactly one.
    """

    candidates: tuple[str, ...]


def _key(text: str) -> str:
    """Fold what people type differently: case, runs of spaces, composed accents."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def meaning(
    name: ProcessName, catalogue: Iterable[ProcessDefinition]
) -> ProcessDefinition | Ambiguous | None:
    """
    Give the one process that *name* means, those that it could mean, or None if there is none.

    A version never tells two processes apart: until the next import the catalogue may
    not know that the other one has reached the same version.
    """
    wanted = _key(name.text)
    found = []
    for process in catalogue:
        if name.text == process.id.value:
            return process
        if wanted in (_key(process.code), _key(f"{process.code} - {process.title}")):
            found.append(process)
    if len(found) > 1:
        return Ambiguous(tuple(sorted(process.label for process in found)))
    return found[0] if found else None


def resolve(
    name: ProcessName, catalogue: Iterable[ProcessDefinition], field: str = "process"
) -> ProcessDefinition | None:
    """
    Give the one process that *name* means, or None if there is none; see ``meaning``.

    Raises:
        AmbiguousProcess: several processes answer to the name; lists their labels.
    """
    found = meaning(name, catalogue)
    if isinstance(found, Ambiguous):
        raise AmbiguousProcess(field, found.candidates)
    return found


def suggest_id(code: str, title: str) -> ProcessId:
    """Make a readable id from code and title: ``p061-registro``."""
    folded = unicodedata.normalize("NFKD", f"{code} {title}")
    ascii_only = folded.encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
    return ProcessId.parse(slug[:64].strip("-"))
