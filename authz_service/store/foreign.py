"""Foreign companies without legal representation (Estrangeiro), and who represents them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select, update

from authz_service.domain.companies import ForeignCompany
from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import ForeignId, Login
from authz_service.store.changes import Part, Touched
from authz_service.store.database import Database
from authz_service.store.schema import foreign_companies, foreign_representatives
from authz_service.usecases.ports import Told

_CURRENT = foreign_representatives.c.ended_at.is_(None)
_WITH_REPRESENTATIVES = (
    select(foreign_companies, foreign_representatives.c.login)
    .join_from(
        foreign_companies,
        foreign_representatives,
        and_(foreign_representatives.c.company == foreign_companies.c.id, _CURRENT),
        isouter=True,
    )
    .order_by(foreign_companies.c.id, foreign_representatives.c.number)
)


@dataclass(frozen=True, slots=True)
class SqlForeignCompanies:
    """
    The port ``ForeignCompanies`` on SQL. Each write gives the new revision; see ``Told``.

    Attributes:
        database: where they are kept.
    """

    database: Database

    def find(self, company: ForeignId) -> ForeignCompany | None:
        """Give a company by its number."""
        with self.database.read() as connection:
            return _find(connection, company)

    def add(self, company: ForeignCompany, told: Told) -> int:
        """
        Keep a new company.

        Raises:
            Conflict: its number is taken.
        """
        with self.database.revise(told, _touched(company)) as (connection, revision):
            values = {"id": company.id, **_values(company)}
            connection.execute(insert(foreign_companies).values(values))
            _name(connection, company.id, company.representatives, company.registered_at)
        return revision

    def change(
        self, before: ForeignCompany, after: ForeignCompany, moment: datetime, told: Told
    ) -> int:
        """
        Replace what is kept of a company; the logins it had stay in its history, with an end.

        Raises:
            Conflict: what is kept is not *before* any more.
        """
        with self.database.revise(told, _touched(before)) as (connection, revision):
            if _find(connection, before.id) != before:
                raise Conflict("the company was changed meanwhile")
            this = foreign_companies.c.id == before.id
            connection.execute(update(foreign_companies).where(this).values(_values(after)))
            gone = set(before.representatives) - set(after.representatives)
            connection.execute(
                update(foreign_representatives)
                .where(
                    _CURRENT,
                    foreign_representatives.c.company == before.id,
                    foreign_representatives.c.login.in_(gone),
                )
                .values(ended_at=moment)
            )
            new = [one for one in after.representatives if one not in before.representatives]
            _name(connection, before.id, new, moment)
        return revision


def read_foreign(connection: Connection, *where: ColumnElement[bool]) -> list[ForeignCompany]:
    """Give the companies that *where* means with their representatives, by number, in one read."""
    rows = connection.execute(_WITH_REPRESENTATIVES.where(*where))
    return [_company(list(group)) for _, group in groupby(rows, key=lambda row: row.id)]


def _touched(company: ForeignCompany) -> Touched:
    return Touched(Part.FOREIGN_COMPANIES, company.id)


def _find(connection: Connection, company: ForeignId) -> ForeignCompany | None:
    found = read_foreign(connection, foreign_companies.c.id == company)
    return found[0] if found else None


def _values(company: ForeignCompany) -> dict[str, object]:
    return {
        "name": company.name,
        "country": company.country,
        "registered_at": company.registered_at,
        "validation": company.validation,
        "validated_at": company.validated_at,
    }


def _name(
    connection: Connection, company: ForeignId, logins: Iterable[Login], since: datetime
) -> None:
    for login in logins:
        values = {"company": company, "login": login, "since": since}
        connection.execute(insert(foreign_representatives).values(values))


def _company(rows: Sequence[Row[Any]]) -> ForeignCompany:
    """Make a company of its representatives, each of which comes with the company's own columns."""
    first = rows[0]
    return ForeignCompany(
        id=first.id,
        name=first.name,
        country=first.country,
        representatives=tuple(row.login for row in rows if row.login is not None),
        registered_at=first.registered_at,
        validation=first.validation,
        validated_at=first.validated_at,
    )
