"""What the rows of a database say that its revisions changed, past what reads them in service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from authz_service.store import SqlStore
from authz_service.store.changes import Part, Touched
from authz_service.store.schema import changes


@dataclass(frozen=True, slots=True)
class Noted:
    """
    One revision that has a row.

    Attributes:
        number: counts the revisions of the store from 1 on.
        at: when it was made.
        touched: what it changed.
    """

    number: int
    at: datetime
    touched: Touched


def noted(store: SqlStore) -> list[Noted]:
    """Give the revisions that have a row, the oldest first."""
    with store.database.read() as connection:
        return [
            Noted(row.revision, row.at, Touched(Part(row.part), row.company, row.person))
            for row in connection.execute(select(changes).order_by(changes.c.revision))
        ]
