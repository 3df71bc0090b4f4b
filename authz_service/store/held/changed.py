"""What was changed since a state that is held, as far as that is certain; see ``changes``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, select, type_coerce

from authz_service.domain.identifiers import Cpf
from authz_service.store.changes import Touched, part_of
from authz_service.store.columns import company_in
from authz_service.store.database import Database
from authz_service.store.schema import changes, store_revision

_MOST = 1_000
"""How many changes are looked at one by one; after more of them all is dropped."""

_SINCE = (
    select(
        store_revision.c.value,
        changes.c.revision,
        type_coerce(changes.c.at, BigInteger()),
        changes.c.part,
        type_coerce(changes.c.company, Text()),
        type_coerce(changes.c.person, Text()),
    )
    .join_from(
        store_revision,
        changes,
        changes.c.revision.between(
            bindparam("since", type_=BigInteger()), bindparam("until", type_=BigInteger())
        ),
        isouter=True,
    )
    .order_by(changes.c.revision)
)

Mark = tuple[object, ...]
"""What a revision's row says that never changes: when it was made, and the part and company."""


@dataclass(frozen=True, slots=True)
class Changed:
    """
    What happened between a held state and the present one.

    Attributes:
        revision: the present state.
        mark: what its row says, None if it has none.
        touched: what was changed, or None if it may have been anything.
    """

    revision: int
    mark: Mark | None
    touched: Sequence[Touched] | None


class Log:
    """The table ``changes`` of one database, read past SQLAlchemy."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since = database.text_of(_SINCE)

    def since(self, revision: int, mark: Mark | None) -> Changed:
        """
        Tell what was changed since *revision*, whose row said *mark*.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        rows = self._rows(revision)
        newest = rows[0][0]
        # One row for each revision from the held one on, and that one still says what it said.
        complete = len(rows) == newest - revision + 1 and _mark(rows[0]) == mark
        if mark is not None and complete:
            return Changed(newest, _mark(rows[-1]), [_touched(row) for row in rows[1:]])
        if rows[-1][1] != newest:
            rows = self._rows(newest)
            newest = rows[0][0]
        last = rows[-1]
        return Changed(newest, _mark(last) if last[1] == newest else None, None)

    def _rows(self, since: int) -> Sequence[Sequence[Any]]:
        return self._database.ask(
            self._since, {"since": since, "until": since + _MOST}, lambda rows: rows
        )


def _mark(row: Sequence[Any]) -> Mark:
    return tuple(row[1:5])


def _touched(row: Sequence[Any]) -> Touched:
    _newest, _revision, _at, part, company, person = row
    return Touched(
        part_of(part),
        None if company is None else company_in(company),
        None if person is None else Cpf(person),
    )
