"""Delegations and all that happened to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from authz_service.domain.delegation import ENDINGS, Change, Delegation, Event
from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.store.changes import Part, Touched
from authz_service.store.database import Database
from authz_service.store.schema import delegation_events, delegations
from authz_service.usecases.ports import Told

_HISTORIES = (
    select(delegations, delegation_events)
    .join_from(delegations, delegation_events)
    .order_by(delegations.c.number, delegation_events.c.position)
)


@dataclass(frozen=True, slots=True)
class SqlDelegations:
    """
    The port ``Delegations`` on SQL.

    Attributes:
        database: where they are kept.
    """

    database: Database

    def of_company(self, company: Cnpj, member: Cpf | None = None) -> list[Delegation]:
        """Give all of a company's delegations, or those of one member, oldest first."""
        with self.database.read() as connection:
            return _read(connection, *_theirs(company, member))

    def find(self, delegation_id: str) -> Delegation | None:
        """Give one delegation by its id."""
        with self.database.read() as connection:
            found = _read(connection, delegations.c.id == delegation_id)
        return found[0] if found else None

    def apply(
        self, change: Change, told: Told, unchanged: Callable[[], bool] = lambda: False
    ) -> int:
        """
        Do all of *change* in one transaction, and give the new revision; see ``Told``.

        Raises:
            Conflict: the store is not at ``change.revision`` any more and *unchanged* says no,
                or the delegations are not the ones that ``change.seen`` holds, or would become
                what cannot be: two open ones for one process, an unknown process, an event
                of a delegation that is not the member's.
        """
        touched = Touched(Part.DELEGATIONS, change.company, change.member)
        with self.database.revise(told, touched) as (connection, revision):
            # A reader beside this writer sees the state before it, which nobody else can change.
            if revision != change.revision + 1 and not unchanged():
                raise Conflict("the store was changed meanwhile")
            theirs = _read(connection, *_theirs(change.company, change.member))
            if set(theirs) != set(change.seen):
                raise Conflict("the delegations were changed meanwhile")
            lengths = {one.id: len(one.history) for one in theirs}
            # Before the grants: what ends makes room for what begins.
            for delegation_id, event in change.events:
                if delegation_id not in lengths:
                    raise Conflict("an event belongs to no delegation of this member")
                _append(connection, delegation_id, lengths[delegation_id], event)
                lengths[delegation_id] += 1
            for granted in change.granted:
                _grant(connection, granted)
        return revision


def _read(connection: Connection, *where: ColumnElement[bool]) -> list[Delegation]:
    """Give the delegations that *where* means with their histories, oldest first, in one read."""
    rows = connection.execute(_HISTORIES.where(*where))
    return [_delegation(list(group)) for _, group in groupby(rows, key=lambda row: row.number)]


def _delegation(rows: Sequence[Row[Any]]) -> Delegation:
    """Make a delegation of its events, each of which comes with the delegation's own columns."""
    first = rows[0]
    return Delegation(
        id=first.id,
        company=first.company,
        member=first.member,
        process=first.process,
        version=first.version,
        history=tuple(
            Event(row.kind, row.at, row.actor, row.caller, row.why, row.last_day) for row in rows
        ),
    )


def _theirs(company: Cnpj, member: Cpf | None) -> list[ColumnElement[bool]]:
    of_company = [delegations.c.company == company]
    return of_company if member is None else [*of_company, delegations.c.member == member]


def _grant(connection: Connection, granted: Delegation) -> None:
    connection.execute(
        insert(delegations).values(
            id=granted.id,
            company=granted.company,
            member=granted.member,
            process=granted.process,
            version=granted.version,
        )
    )
    for position, event in enumerate(granted.history):
        _append(connection, granted.id, position, event)


def _append(connection: Connection, delegation_id: str, position: int, event: Event) -> None:
    """Write one event, and whether the delegation is open after it."""
    connection.execute(
        insert(delegation_events).values(
            delegation=delegation_id,
            position=position,
            kind=event.kind,
            at=event.at,
            actor=event.actor,
            caller=event.caller,
            why=event.why,
            last_day=event.last_day,
        )
    )
    ended = event.kind if event.kind in ENDINGS else None
    connection.execute(
        update(delegations).where(delegations.c.id == delegation_id).values(ended=ended)
    )
