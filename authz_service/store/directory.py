"""
Long lists in parts: companies and standings, each part out of one state of the store.

A part begins behind the last thing of the part before, never at a number of things to be left
out: what is written meanwhile moves nothing from one part into another. Where a part ended is
told without a CPF, since it may come back in the path of a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, or_, select, tuple_, union

from authz_service.domain.companies import ForeignCompany, Origin, Validation
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, parse_company
from authz_service.domain.people import Bond, Standing
from authz_service.store.database import Database
from authz_service.store.foreign import read_foreign
from authz_service.store.registry import bond_in, standing_in
from authz_service.store.schema import bonds, delegations, foreign_companies, standings
from authz_service.usecases.stores import CompanyKnown, Page

_CURRENT_BOND = bonds.c.superseded_at.is_(None)
_CURRENT_STANDING = standings.c.superseded_at.is_(None)
_LAST_NUMBER = 2**31 - 1
_KEY = (standings.c.company, standings.c.person, standings.c.evidence)

# Where a national company can be known from; nobody registers it here.
_KNOWN_FROM: tuple[tuple[Column[Any], ColumnElement[bool] | None], ...] = (
    (standings.c.company, _CURRENT_STANDING),
    (bonds.c.filial, _CURRENT_BOND),
    (bonds.c.matriz, _CURRENT_BOND),
    (delegations.c.company, None),
)


@dataclass(frozen=True, slots=True)
class SqlDirectory:
    """
    The port ``Directory`` on SQL.

    Attributes:
        database: where everything is kept.
    """

    database: Database

    def company(self, company: CompanyId) -> CompanyKnown | None:
        """Give what is known of one company, or None if nothing is."""
        with self.database.read() as connection:
            if isinstance(company, ForeignId):
                these = read_foreign(connection, foreign_companies.c.id == company)
                return CompanyKnown(company, foreign=these[0]) if these else None
            known = [_source(*each).where(each[0] == company).limit(1) for each in _KNOWN_FROM]
            if connection.execute(_any_of(known)).first() is None:
                return None
            return CompanyKnown(company, bond=_bonds(connection, [company]).get(company))

    def companies(
        self, origin: Origin | None, validation: Validation | None, after: str | None, limit: int
    ) -> Page[CompanyKnown]:
        """
        Give companies: the national ones by their numbers, then the foreign ones by theirs.

        Raises:
            InvalidInput: *after* is nothing that a page ended with.
        """
        last = None if after is None else parse_company(after, "token")
        found: list[CompanyKnown] = []
        with self.database.read() as connection:
            if origin is not Origin.FOREIGN and validation is None:
                found += _national(connection, last, limit + 1)
            if origin is not Origin.NATIONAL and len(found) <= limit:
                foreign = _foreign(connection, validation, last, limit + 1 - len(found))
                found += [CompanyKnown(one.id, foreign=one) for one in foreign]
        return Page.of(found, limit, lambda one: one.id.value)

    def bonds(self, company: Cnpj, after: str | None, limit: int) -> Page[Bond]:
        """
        Give the current bonds in which a company is the filial or the matriz, by filial.

        Raises:
            InvalidInput: *after* is nothing that a page ended with; names ``token``.
        """
        filial = bonds.c.filial
        these = select(bonds).where(
            _CURRENT_BOND, or_(filial == company, bonds.c.matriz == company)
        )
        if after is not None:
            these = these.where(filial > Cnpj.parse(after, "token"))
        with self.database.read() as connection:
            rows = connection.execute(these.order_by(filial).limit(limit + 1)).all()
        return Page.of([bond_in(row) for row in rows], limit, lambda one: one.filial.value)

    def standings(
        self, company: Cnpj | None, person: Cpf | None, after: str | None, limit: int
    ) -> Page[Standing]:
        """
        Give current standings of a company, a person, or both; by company, person, evidence.

        Raises:
            InvalidInput: *after* is nothing that a page ended with, or the person with whom it
                ended was erased since.
        """
        number = None if after is None else _number(after)
        wanted = select(standings).where(_CURRENT_STANDING).order_by(*_KEY).limit(limit + 1)
        if company is not None:
            wanted = wanted.where(standings.c.company == company)
        if person is not None:
            wanted = wanted.where(standings.c.person == person)
        rows = None
        with self.database.read() as connection:
            behind = None if number is None else _behind(connection, number)
            if number is None or behind is not None:
                rows = connection.execute(wanted if behind is None else wanted.where(behind)).all()
        if rows is None:
            raise _another_list()
        part = Page.of(rows, limit, lambda row: str(row.id))
        return Page(tuple(standing_in(row) for row in part.items), part.next)


def _source(column: Column[Any], where: ColumnElement[bool] | None) -> Select[Any]:
    source = select(column.label("company"))
    return source if where is None else source.where(where)


def _any_of(sources: list[Select[Any]]) -> Select[Any]:
    """Give what any of *sources* has, once; each ends by itself, so none is read to its end."""
    together = union(*(select(one.subquery()) for one in sources)).subquery()
    return select(together.c.company)


def _national(connection: Connection, last: CompanyId | None, limit: int) -> list[CompanyKnown]:
    if isinstance(last, ForeignId):
        return []
    sources = []
    for column, where in _KNOWN_FROM:
        source = _source(column, where).distinct().order_by(column).limit(limit)
        sources.append(source if last is None else source.where(column > last))
    every = _any_of(sources)
    numbers = connection.execute(every.order_by(*every.selected_columns).limit(limit)).scalars()
    found = list(numbers)
    bound = _bonds(connection, found)
    return [CompanyKnown(one, bond=bound.get(one)) for one in found]


def _bonds(connection: Connection, companies: list[Cnpj]) -> dict[Cnpj, Bond]:
    these = select(bonds).where(_CURRENT_BOND, bonds.c.filial.in_(companies))
    return {row.filial: bond_in(row) for row in connection.execute(these)}


def _foreign(
    connection: Connection, validation: Validation | None, last: CompanyId | None, limit: int
) -> list[ForeignCompany]:
    number = foreign_companies.c.id
    numbers = select(number).order_by(number).limit(limit)
    if validation is not None:
        numbers = numbers.where(foreign_companies.c.validation == validation)
    if isinstance(last, ForeignId):
        numbers = numbers.where(number > last)
    return read_foreign(connection, number.in_(numbers))


def _number(after: str) -> int:
    # More digits than a number in the table may have, and no database could look for it.
    if not (after.isascii() and after.isdigit() and len(after) < 20) or int(after) > _LAST_NUMBER:
        raise _another_list()
    return int(after)


def _behind(connection: Connection, number: int) -> ColumnElement[bool] | None:
    """Tell what follows a standing, which may be past by now; None if it is gone altogether."""
    row = connection.execute(select(*_KEY).where(standings.c.id == number)).first()
    return None if row is None else tuple_(*_KEY) > tuple_(*row, types=[one.type for one in _KEY])


def _another_list() -> InvalidInput:
    return InvalidInput("token", "belongs to no list that can be gone on with; begin anew")
