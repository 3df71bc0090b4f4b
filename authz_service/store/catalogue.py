"""The process definitions, and the versions that each has had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessVersion
from authz_service.store import schema
from authz_service.store.changes import Part, Touched
from authz_service.store.database import Database, put
from authz_service.store.schema import process_versions
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
            return _read(connection)

    def versions(self, process: ProcessId) -> list[ProcessVersion]:
        """Give the versions of a process that the catalogue has had, the oldest first."""
        kept = select(process_versions).where(process_versions.c.process == process)
        with self.database.read() as connection:
            rows = connection.execute(kept.order_by(process_versions.c.version))
            return [ProcessVersion(row.version, row.since) for row in rows]

    def save_processes(
        self,
        processes: Sequence[ProcessDefinition],
        moment: datetime,
        told: Told,
        seen: Sequence[ProcessDefinition] | None = None,
    ) -> int:
        """
        Add or replace these, by id, in one transaction; the others stay.

        A version that a process did not have before is kept with *moment*. Gives the new
        revision; see ``Told``.

        Raises:
            Conflict: all processes are not what was *seen* any more, where that is given.
        """
        with self.database.revise(told, Touched(Part.CATALOGUE)) as (connection, revision):
            if seen is not None and _read(connection) != list(seen):
                raise Conflict("the catalogue was changed meanwhile")
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
                _keep_version(connection, process, moment)
        return revision


def _keep_version(connection: Connection, process: ProcessDefinition, moment: datetime) -> None:
    """Keep the version that a process has now, unless it has had it before."""
    key = {"process": process.id, "version": process.version}
    had = select(process_versions).where(
        process_versions.c.process == process.id, process_versions.c.version == process.version
    )
    if connection.execute(had).first() is None:
        connection.execute(insert(process_versions).values(**key, since=moment))


def _read(connection: Connection) -> list[ProcessDefinition]:
    """Give all processes, by code and title."""
    return in_order(
        ProcessDefinition(row.id, row.code, row.title, row.version, row.state)
        for row in connection.execute(select(schema.processes))
    )


def in_order(processes: Iterable[ProcessDefinition]) -> list[ProcessDefinition]:
    """Sort by code and title; not in SQL, where each database has its own order of accents."""
    return sorted(processes, key=lambda one: (one.code, one.title, one.id))
