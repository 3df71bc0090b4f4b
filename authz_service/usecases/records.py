"""What the decision log can be asked: the port, and what goes through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from authz_service.domain.identifiers import CompanyId
from authz_service.usecases.stores import Page

Line = Mapping[str, Any]
"""A record of the decision log, in the form of ``schemas/decision_record.json``."""


@dataclass(frozen=True, slots=True)
class Sought:
    """
    Which records of the decision log are wanted; None is any.

    Attributes:
        since: those of this instant and later ones.
        until: those of before this instant.
        kind: ``decision`` or ``act``.
        company: decisions about this company, and acts that name it.
        process: decisions about the process of this id.
        allowed: decisions with this outcome.
        reason: decisions with this reason, whether it was shown or not.
        action: decisions about this action, and acts of this name.
        client: those of this client.
        person: those in which this surrogate stands.
    """

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    company: CompanyId | None = None
    process: str | None = None
    allowed: bool | None = None
    reason: str | None = None
    action: str | None = None
    client: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """
    What came of looking for one record.

    Attributes:
        record: the record, or None.
        since: the moment of the oldest record that was looked at; None where all were, or
            where that cannot be told.
    """

    record: Line | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Searched:
    """
    A part of the decision log.

    Attributes:
        page: records, the newest first. There may be a next page even after none: one call
            looks at a bounded part of the log.
        unreadable: lines that were met on the way and are no records, torn ones say.
    """

    page: Page[Line]
    unreadable: int = 0


class Records(Protocol):
    """Gives what stands in the decision log. Raises ``LogUnavailable``."""

    def find(self, record_id: str) -> Found:
        """Look for a record by its id, in a bounded time."""

    def search(self, sought: Sought, after: str | None, limit: int) -> Searched:
        """
        Give records that were written before the place *after*, at most *limit*.

        Raises:
            Conflict: the log has no such place any more.
        """


def surrogates_in(record: Line) -> tuple[str, ...]:
    """Give the texts of a record that may be surrogates: who acts and who receives, or details."""
    if record["kind"] == "decision":
        question = record["question"]
        found = [question["actor"], question["recipient"]]
    else:
        found = list(_flat(record["details"].values()))
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str)))


def _flat(values: Iterable[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value
