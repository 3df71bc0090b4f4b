"""
Catalogue: the processes that companies may request, imported from CSV or JSON.

An import adds and changes, it never removes: a process that is missing from the file
keeps its state, and is closed by a row that says so. A file with one bad row changes
nothing, and every bad row is named.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from authz_service.domain.decision import Caller
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import ProcessId, without_cpf
from authz_service.domain.processes import (
    ProcessDefinition,
    ProcessState,
    check_version,
    suggest_id,
)
from authz_service.usecases.acts import ActLog
from authz_service.usecases.stores import Catalogue

_COLUMNS = ("code", "title", "version", "id", "state")
_REQUIRED = ("code", "title", "version")


class CatalogueInvalid(InvalidInput):
    """
    A catalogue file with rows that cannot be taken, so none was.

    Attributes:
        problems: one sentence for each, with the row's number, the header not counted.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("catalogue", "; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class CatalogueImported:
    """
    What an import did.

    Attributes:
        added: processes that are new.
        changed: processes that differ from before.
        unchanged: how many were as they are.
    """

    added: tuple[ProcessDefinition, ...]
    changed: tuple[ProcessDefinition, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class Cataloguer:
    """
    Imports the catalogue.

    Attributes:
        catalogue: where it is kept.
        acts: where it is written down.
    """

    catalogue: Catalogue
    acts: ActLog

    def import_text(self, text: str, caller: Caller) -> CatalogueImported:
        """
        Take the processes of a CSV or JSON text, all or none.

        Columns or members: ``code``, ``title``, ``version``; optional ``id`` (else that of
        the process with the same code and title, else one made of both) and ``state`` (else
        as it was).

        Raises:
            CatalogueInvalid: it cannot be read, or a row is wrong.
            Conflict: somebody changed the catalogue meanwhile.
        """
        known = self.catalogue.processes()
        by_id = {process.id: process for process in known}
        wanted = _definitions(_rows(text), known)
        added = tuple(one for one in wanted if one.id not in by_id)
        changed = tuple(one for one in wanted if one.id in by_id and one != by_id[one.id])
        details = {
            "added": tuple(one.id.value for one in added),
            "changed": tuple(one.id.value for one in changed),
        }
        told = partial(self.acts.did, "catalogue.import", caller, details)
        self.catalogue.save_processes([*added, *changed], self.acts.clock(), told, known)
        return CatalogueImported(added, changed, len(wanted) - len(added) - len(changed))


def _rows(text: str) -> list[Mapping[str, object]]:
    """Read the rows of a text that is JSON if it begins like JSON, else CSV."""
    text = text.removeprefix("\ufeff")  # a spreadsheet's mark, of no meaning in UTF-8
    if text.lstrip()[:1] in ("[", "{"):
        return _json_rows(text)
    try:
        return _csv_rows(text)
    except csv.Error as error:
        raise CatalogueInvalid([f"is no CSV: {error}"]) from error


def _csv_rows(text: str) -> list[Mapping[str, object]]:
    header = text.lstrip().split("\n", 1)[0]
    # Brazilian spreadsheets separate by semicolons, since the comma is the decimal sign.
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in header else ",")
    columns = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise CatalogueInvalid([f"the header lacks: {', '.join(missing)}"])
    reader.fieldnames = columns
    return [dict(row) for row in reader]


def _json_rows(text: str) -> list[Mapping[str, object]]:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogueInvalid([f"is no JSON: {error}"]) from error
    rows = loaded.get("processes") if isinstance(loaded, dict) else loaded
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CatalogueInvalid(["must be a list of objects, or an object with `processes`"])
    return rows


def _definitions(
    rows: Sequence[Mapping[str, object]], known: Sequence[ProcessDefinition]
) -> list[ProcessDefinition]:
    found: dict[ProcessId, ProcessDefinition] = {}
    problems = []
    for number, row in enumerate(rows, start=1):
        try:
            process = _definition(row, known)
            require_harmless(process)
        except InvalidInput as error:
            problems.append(f"row {number}: {error}")
            continue
        if process.id in found:
            problems.append(f"row {number}: id: `{process.id}` stands in an earlier row")
        found[process.id] = process
    if not rows:
        problems.append("holds no process")
    problems += twins([*found.values(), *(one for one in known if one.id not in found)])
    if problems:
        raise CatalogueInvalid(problems)
    return list(found.values())


def twins(processes: Sequence[ProcessDefinition]) -> list[str]:
    """Give a sentence for each process that no name could tell from an earlier one."""
    names: dict[tuple[str, str], ProcessId] = {}
    problems = []
    for process in processes:
        twin = names.setdefault((process.code, process.title.casefold()), process.id)
        if twin != process.id:
            problems.append(f"`{twin}` and `{process.id}` have the same code and title")
    return problems


def require_harmless(process: ProcessDefinition) -> None:
    """
    Refuse texts that no log, no URL and no terminal may be given.

    The noun itself takes them: what is stored already has to stay readable.

    Raises:
        InvalidInput: id, code or title hold a CPF, or the title signs that cannot be seen.
    """
    if not process.title.isprintable():
        raise InvalidInput("title", "must hold visible characters only")
    # The id last: one that was made of code and title has what is wrong with them.
    texts = {"code": process.code, "title": process.title, "id": process.id.value}
    for field, text in texts.items():
        if without_cpf(text) != text:
            raise InvalidInput(field, "must not hold a CPF")


def _definition(row: Mapping[str, object], known: Sequence[ProcessDefinition]) -> ProcessDefinition:
    if None in row:
        raise InvalidInput("row", "has more cells than the header")
    unknown = sorted(name for name in row if name not in _COLUMNS)
    if unknown:
        raise InvalidInput(unknown[0], f"is none of: {', '.join(_COLUMNS)}")
    code, title = _cell(row, "code"), " ".join(_cell(row, "title").split())
    same = {(one.code, one.title): one.id for one in known}.get((code, title))
    given = row.get("id") or same or suggest_id(code, title)
    identity = given if isinstance(given, ProcessId) else ProcessId.parse(given)
    # A file without states must not open again what was closed.
    before = {one.id: one.state for one in known}.get(identity, ProcessState.OPEN)
    try:
        state = ProcessState(str(row.get("state") or before))
    except ValueError as error:
        raise InvalidInput("state", f"must be one of: {', '.join(ProcessState)}") from error
    return ProcessDefinition(identity, code, title, _version(row.get("version")), state)


def _cell(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(name, "must be a text that is not empty")
    return value.strip()


def _version(value: object) -> int:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit():
        return check_version(int(text[:8]), "version")
    if type(text) is int:
        return check_version(text, "version")
    raise InvalidInput("version", "must be a whole number")
