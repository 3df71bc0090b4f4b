"""Persons, what they are in companies, and which filial belongs to which matriz."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, insert, update

from authz_service.domain.people import Bond, Person, Standing
from authz_service.store.database import Database, put
from authz_service.store.schema import bonds, people, standings
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
        with self.database.revise(told) as (connection, revision):
            put(
                connection,
                people,
                {"cpf": person.cpf},
                {"registered_at": person.registered_at, "confirmed_at": person.confirmed_at},
            )
        return revision

    def save_standing(self, standing: Standing, told: Told) -> int:
        """Keep a standing; it supersedes the one of the same person, company and evidence."""
        with self.database.revise(told) as (connection, revision):
            _supersede(
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
                )
            )
        return revision

    def save_bond(self, bond: Bond, told: Told) -> int:
        """Keep a filial's bond; it supersedes the one that the filial had."""
        with self.database.revise(told) as (connection, revision):
            _supersede(connection, bonds, bond.recorded_at, bonds.c.filial == bond.filial)
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


def _supersede(
    connection: Connection, table: Table, moment: datetime, *same: ColumnElement[bool]
) -> None:
    connection.execute(
        update(table).where(table.c.superseded_at.is_(None), *same).values(superseded_at=moment)
    )
