"""The random names that stand for persons in the decision log."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from authz_service.domain.identifiers import Cpf
from authz_service.store.database import Database
from authz_service.store.schema import surrogates

_NAMES = select(surrogates).where(surrogates.c.cpf.in_(bindparam("people", expanding=True)))


@dataclass(frozen=True, slots=True)
class SqlSurrogates:
    """
    The port ``Surrogates`` on SQL.

    Attributes:
        database: where the pairing is kept.
    """

    database: Database

    def surrogates(self, people: Iterable[Cpf]) -> Mapping[Cpf, str]:
        """Give the surrogate of each, making one for whom there is none yet."""
        wanted = list(dict.fromkeys(people))
        with self.database.read() as connection:
            names = _read(connection, wanted)
        if len(names) == len(wanted):
            return names
        # No revision: a new name changes no fact that a decision depends on.
        with self.database.write() as connection:
            names = _read(connection, wanted)
            new = {cpf: secrets.token_hex(16) for cpf in wanted if cpf not in names}
            for cpf, surrogate in new.items():
                connection.execute(insert(surrogates).values(cpf=cpf, surrogate=surrogate))
        return names | new


def _read(connection: Connection, people: list[Cpf]) -> dict[Cpf, str]:
    return {row.cpf: row.surrogate for row in connection.execute(_NAMES, {"people": people})}
