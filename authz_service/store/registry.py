"""Persons, what they are in companies, and which filial belongs to which matriz."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, insert, select, update

from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Bond, Evidence, Person, Standing
from authz_service.store.changes import Part, Touched
from authz_service.store.database import Database, put
from authz_service.store.schema import bonds, people, standings
from authz_service.store.translating import tell
from authz_service.usecases.ports import Told


@dataclass(frozen=True, slots=True)
class SqlRegistry:
    """
    The port ``Registry`` on SQL. Each write gives the new revision; see ``Told``.

    Attributes:
        database: where it is kept.
    """

    database: Database

    def save_person(self, person: Person, told: Told) -> int:
        """Keep a person; what an earlier call said about registration is replaced."""
        touched = Touched(Part.PEOPLE, person=person.cpf)
        with self.database.revise(told, touched) as (connection, revision):
            keep_person(connection, person)
        return revision

    def save_standing(self, standing: Standing, told: Told) -> int:
        """
        Keep a standing; it supersedes the one of the same person, company and evidence.

        Raises:
            Conflict: it is asserted, and GOV.BR has answered about this person: what GOV.BR
                says counts, also when it lists nothing.
        """
        touched = Touched(Part.STANDINGS, standing.company, standing.person)
        with self.database.revise(told, touched) as (connection, revision):
            if standing.evidence is Evidence.ASSERTED:
                _require_unanswered(connection, standing.person)
            keep_standing(connection, standing)
        return revision

    def save_bond(self, bond: Bond, told: Told) -> int:
        """Keep a filial's bond; it supersedes the one that the filial had."""
        touched = Touched(Part.BONDS, bond.filial)
        with self.database.revise(told, touched) as (connection, revision):
            supersede(connection, bonds, bond.recorded_at, bonds.c.filial == bond.filial)
            connection.execute(
                insert(bonds).values(
                    filial=bond.filial,
                    matriz=bond.matriz,
                    proof=bond.proof,
                    recorded_at=bond.recorded_at,
                    last_day=bond.last_day,
                )
            )
        return revision

    def confirm(self, cpf: Cpf, moment: datetime, told: Told) -> Person | None:
        """
        Keep that Orquestra confirmed a person at *moment*, and give the person.

        None if the person has not registered. Then, and if the person is confirmed already,
        nothing is written: there is no new revision, and *told* is not called.
        """
        with self.database.write() as connection:
            person = read_person(connection, cpf)
            if person is None or person.registered_at is None:
                return None
            if person.confirmed_at is None:
                person = replace(person, confirmed_at=moment)
                keep_person(connection, person)
                touched = Touched(Part.PEOPLE, person=cpf)
                tell(told, self.database.count(connection, touched))
        return person

    def person(self, cpf: Cpf) -> Person | None:
        """Give a person, or None if nobody has spoken of the CPF."""
        with self.database.read() as connection:
            return read_person(connection, cpf)

    def standing_of(self, cpf: Cpf) -> list[Standing]:
        """Give all current standings of a person, by company and evidence."""
        current = select(standings).where(
            standings.c.superseded_at.is_(None), standings.c.person == cpf
        )
        with self.database.read() as connection:
            found = [standing_in(row) for row in connection.execute(current)]
        return sorted(found, key=lambda one: (one.company, one.evidence))


def _require_unanswered(connection: Connection, cpf: Cpf) -> None:
    if last_answer(connection, cpf) is not None:
        raise Conflict("GOV.BR has answered about this person, and what it says counts")


def standing_in(row: Row[Any]) -> Standing:
    """Make a standing of a row of ``standings``."""
    return Standing(
        company=row.company,
        person=row.person,
        role=row.role,
        evidence=row.evidence,
        observed_at=row.observed_at,
        ends_at=row.ends_at,
        cadastrador=row.cadastrador,
    )


def bond_in(row: Row[Any]) -> Bond:
    """Make a bond of a row of ``bonds``."""
    return Bond(row.filial, row.matriz, row.proof, row.recorded_at, row.last_day)


def read_person(connection: Connection, cpf: Cpf) -> Person | None:
    """Give a person, or None if nobody has spoken of the CPF."""
    row = connection.execute(select(people).where(people.c.cpf == cpf)).first()
    return None if row is None else Person(row.cpf, row.registered_at, row.confirmed_at)


def last_answer(connection: Connection, cpf: Cpf) -> datetime | None:
    """Give when GOV.BR was asked, the last time that its answer was taken over, or None."""
    asked = select(people.c.observed_at).where(people.c.cpf == cpf)
    return connection.execute(asked).scalar_one_or_none()


def keep_person(connection: Connection, person: Person) -> None:
    """Keep what is known of the registration; when GOV.BR was asked stays as it is."""
    put(
        connection,
        people,
        {"cpf": person.cpf},
        {"registered_at": person.registered_at, "confirmed_at": person.confirmed_at},
    )


def keep_standing(connection: Connection, standing: Standing) -> None:
    """Keep a standing; it supersedes the one of the same person, company and evidence."""
    supersede(
        connection,
        standings,
        standing.observed_at,
        standings.c.company == standing.company,
        standings.c.person == standing.person,
        standings.c.evidence == standing.evidence,
    )
    connection.execute(
        insert(standings).values(
            company=standing.company,
            person=standing.person,
            role=standing.role,
            evidence=standing.evidence,
            observed_at=standing.observed_at,
            ends_at=standing.ends_at,
            cadastrador=standing.cadastrador,
        )
    )


def supersede(
    connection: Connection, table: Table, moment: datetime, *these: ColumnElement[bool]
) -> None:
    """Let the current ones among *these* rows be past from *moment* on."""
    connection.execute(
        update(table).where(table.c.superseded_at.is_(None), *these).values(superseded_at=moment)
    )
