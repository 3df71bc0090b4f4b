"""The parts of the store in memory that are about foreign companies, and its lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from authz_service.domain.companies import ForeignCompany, Origin, Validation
from authz_service.domain.errors import Conflict, InvalidInput
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, parse_company
from authz_service.domain.people import Bond, Standing
from authz_service.usecases.ports import Told
from authz_service.usecases.stores import CompanyKnown, Page
from tests.fakes.tables import Tables

Item = TypeVar("Item")


class MemoryForeignCompanies:
    """The port ``ForeignCompanies``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def find(self, company: ForeignId) -> ForeignCompany | None:
        """Give a company by its number."""
        return self._tables.well().foreign.get(company)

    def add(self, company: ForeignCompany, told: Told) -> int:
        """Keep a new company, if its number is free."""
        tables = self._tables.well()
        if company.id in tables.foreign:
            raise Conflict("what is to be written contradicts what is stored")
        new = tuple(
            (company.id, one, company.registered_at, None) for one in company.representatives
        )
        return tables.revise(
            told, foreign={**tables.foreign, company.id: company}, named=(*tables.named, *new)
        )

    def change(
        self, before: ForeignCompany, after: ForeignCompany, moment: datetime, told: Told
    ) -> int:
        """Replace what is kept of a company, if it is what the caller saw."""
        tables = self._tables.well()
        if tables.foreign.get(before.id) != before:
            raise Conflict("the company was changed meanwhile")
        named = [
            (company, login, since, moment)
            if company == before.id and end is None and login not in after.representatives
            else (company, login, since, end)
            for company, login, since, end in tables.named
        ]
        new = [one for one in after.representatives if one not in before.representatives]
        named += [(before.id, one, moment, None) for one in new]
        current = tuple(one for company, one, _, end in named if company == before.id and not end)
        kept = replace(after, representatives=current)
        return tables.revise(told, foreign={**tables.foreign, before.id: kept}, named=tuple(named))


class MemoryDirectory:
    """The port ``Directory``: makes the whole list each time, and cuts a page out of it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ended: list[tuple[str, str, str]] = []

    def company(self, company: CompanyId) -> CompanyKnown | None:
        """Give what is known of one company, or None."""
        return next((one for one in self._companies() if one.id == company), None)

    def companies(
        self, origin: Origin | None, validation: Validation | None, after: str | None, limit: int
    ) -> Page[CompanyKnown]:
        """Give companies: national ones, then foreign ones, by number."""
        last = None if after is None else parse_company(after, "token")
        found = [
            one
            for one in self._companies()
            if origin in (None, Origin.NATIONAL if one.foreign is None else Origin.FOREIGN)
            and validation in (None, None if one.foreign is None else one.foreign.validation)
        ]
        if last is not None:
            found = [one for one in found if _place(one.id) > _place(last)]
        return _page(found, limit, lambda one: one.id.value)

    def _companies(self) -> list[CompanyKnown]:
        tables = self._tables.well()
        bonds = tables.bonds.values()
        national = {one.company for one in tables.standings.values()}
        national |= {number for one in bonds for number in (one.filial, one.matriz)}
        national |= {one.company for one in tables.delegations.values()}
        known = [CompanyKnown(one, bond=tables.bonds.get(one)) for one in national]
        known += [CompanyKnown(one.id, foreign=one) for one in tables.foreign.values()]
        return sorted(known, key=lambda one: _place(one.id))

    def bonds(self, company: Cnpj, after: str | None, limit: int) -> Page[Bond]:
        """Give the current bonds in which a company is the filial or the matriz, by filial."""
        last = None if after is None else Cnpj.parse(after, "token")
        found = [
            one
            for one in sorted(self._tables.well().bonds.values(), key=lambda one: one.filial)
            if company in (one.filial, one.matriz) and (last is None or one.filial > last)
        ]
        return _page(found, limit, lambda one: one.filial.value)

    def standings(
        self, company: Cnpj | None, person: Cpf | None, after: str | None, limit: int
    ) -> Page[Standing]:
        """Give current standings; where a page ended is a number that the fake remembers."""
        found = sorted(
            (
                one
                for one in self._tables.well().standings.values()
                if company in (None, one.company) and person in (None, one.person)
            ),
            key=_key,
        )
        if after is not None:
            last = self._last(after)
            found = [one for one in found if _key(one) > last]
        return _page(found, limit, self._remember)

    def _last(self, after: str) -> tuple[str, str, str]:
        tables = self._tables
        there = {_key(one) for one in tables.standings.values()}
        there |= {_key(one) for one, _end in tables.past}
        if len(after) < 9 and after.isdigit() and int(after) < len(self._ended):
            last = self._ended[int(after)]
            if last in there:
                return last
        raise InvalidInput("token", "belongs to no list that can be gone on with")

    def _remember(self, last: Standing) -> str:
        self._ended.append(_key(last))
        return str(len(self._ended) - 1)


def _key(standing: Standing) -> tuple[str, str, str]:
    return standing.company.value, standing.person.digits, standing.evidence.value


def _place(company: CompanyId) -> tuple[bool, str]:
    return isinstance(company, ForeignId), company.value


def _page(found: Sequence[Item], limit: int, ended: Callable[[Item], str]) -> Page[Item]:
    items = tuple(found[:limit])
    return Page(items, ended(items[-1]) if len(found) > limit else None)
