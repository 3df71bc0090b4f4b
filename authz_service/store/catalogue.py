"""The process definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from authz_service.domain.processes import ProcessDefinition
from authz_service.store import schema
from authz_service.store.database import Database, put
from authz_service.usecases.ports import Told


@dataclass(frozen=True, slots=True)
class SqlCatalogue:
    """
    The port ``Catalogue`` on SQL.

    Attributes:
        database: where it is kept.
    """

    database: Database

    def processes(self) -> list[ProcessDefinition]:
        """Give all processes, by code and title."""
        with self.database.read() as connection:
            return read_catalogue(connection)

    def save_processes(self, processes: Sequence[ProcessDefinition], told: Told) -> int:
        """
        Add or replace these, by id, in one transaction; the others stay.

        Gives the new revision; see ``Told``.
        """
        with self.database.revise(told) as (connection, revision):
            for process in processes:
                put(
                    connection,
                    schema.processes,
                    {"id": process.id},
                    {
                        "code": process.code,
                        "title": process.title,
                        "version": process.version,
                        "state": process.state,
                    },
                )
        return revision


def read_catalogue(connection: Connection) -> list[ProcessDefinition]:
    """Give all processes, by code and title."""
    found = [
        ProcessDefinition(row.id, row.code, row.title, row.version, row.state)
        for row in connection.execute(select(schema.processes))
    ]
    # Sorted here and not in SQL: each database has its own order of accented letters.
    return sorted(found, key=lambda one: (one.code, one.title, one.id))
