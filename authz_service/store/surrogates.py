"""The random names that stand for persons, logins and others' entities in the decision log."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from authz_service.domain.decision import Subject
from authz_service.domain.entities import EntityName
from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import Cpf, Login
from authz_service.store.database import Database
from authz_service.store.schema import other_surrogates, surrogates

_ATTEMPTS = 5
"""How often it is looked whether somebody else has named the same persons, before giving up."""

LOGIN = "login"
"""The type under which a login stands beside others' entities; no entity has it."""

_OF_PEOPLE = select(surrogates).where(surrogates.c.cpf.in_(bindparam("people", expanding=True)))
# Finds more than is wanted where two types share an id; the key is looked at afterwards.
_OF_OTHERS = select(other_surrogates).where(
    other_surrogates.c.type.in_(bindparam("types", expanding=True)),
    other_surrogates.c.id.in_(bindparam("ids", expanding=True)),
)
_PEOPLE_BEHIND = select(surrogates).where(
    surrogates.c.surrogate.in_(bindparam("names", expanding=True))
)
_OTHERS_BEHIND = select(other_surrogates).where(
    other_surrogates.c.surrogate.in_(bindparam("names", expanding=True))
)


@dataclass(frozen=True, slots=True)
class SqlSurrogates:
    """
    The port ``Surrogates`` on SQL.

    Attributes:
        database: where the pairing is kept.
    """

    database: Database

    def surrogates(
        self,
        subjects: Iterable[Subject],
        *,
        looked: bool = False,  # noqa: ARG002 - what is read now is new in any case
    ) -> Mapping[Subject, str]:
        """Give the surrogate of each, making one for which there is none yet."""
        wanted = list(dict.fromkeys(subjects))
        with self.database.read() as connection:
            names = _read(connection, wanted)
        if len(names) == len(wanted):
            return names
        # In one order, so that two who name the same persons do not wait for each other.
        ordered = sorted(wanted, key=_order)
        for _attempt in range(_ATTEMPTS):
            with suppress(Conflict):
                names = self._named(ordered)
                break
        else:
            names = self._named(ordered)
        return {one: names[one] for one in wanted}

    def _named(self, wanted: Sequence[Subject]) -> dict[Subject, str]:
        """
        Give names, and make those that are missing.

        No revision: a new name changes no fact that a decision depends on.

        Raises:
            Conflict: somebody else has named one of them meanwhile.
        """
        with self.database.add() as connection:
            names = _read(connection, wanted)
            new = {one: secrets.token_hex(16) for one in wanted if one not in names}
            for subject, surrogate in new.items():
                _add(connection, subject, surrogate)
        return names | new

    def known(self, subject: Subject) -> str | None:
        """Give the surrogate of one, or None if it has none; nothing is made."""
        with self.database.read() as connection:
            return _read(connection, [subject]).get(subject)

    def behind(self, surrogates: Iterable[str]) -> Mapping[str, Subject]:
        """Give who stands behind each, those apart whose pairing was erased."""
        names = {"names": list(dict.fromkeys(surrogates))}
        found: dict[str, Subject] = {}
        with self.database.read() as connection:
            for row in connection.execute(_PEOPLE_BEHIND, names):
                found[row.surrogate] = row.cpf
            for row in connection.execute(_OTHERS_BEHIND, names):
                found[row.surrogate] = _other(row.type, row.id)
        return found


def _read(connection: Connection, subjects: Sequence[Subject]) -> dict[Subject, str]:
    """Give the names of those that have one; asks only the tables that may hold one."""
    people = [one for one in subjects if isinstance(one, Cpf)]
    others = {_key(one): one for one in subjects if not isinstance(one, Cpf)}
    found: dict[Subject, str] = {}
    if people:
        for row in connection.execute(_OF_PEOPLE, {"people": people}):
            found[row.cpf] = row.surrogate
    if others:
        types, ids = ({key[part] for key in others} for part in (0, 1))
        for row in connection.execute(_OF_OTHERS, {"types": list(types), "ids": list(ids)}):
            if (row.type, row.id) in others:
                found[others[row.type, row.id]] = row.surrogate
    return found


def _add(connection: Connection, subject: Subject, surrogate: str) -> None:
    if isinstance(subject, Cpf):
        connection.execute(insert(surrogates).values(cpf=subject, surrogate=surrogate))
        return
    kind, identity = _key(subject)
    values = {"type": kind, "id": identity, "surrogate": surrogate}
    connection.execute(insert(other_surrogates).values(values))


def _key(subject: Login | EntityName) -> tuple[str, str]:
    return (LOGIN, subject.value) if isinstance(subject, Login) else (subject.type, subject.id)


def _order(subject: Subject) -> tuple[str, str]:
    return ("", subject.digits) if isinstance(subject, Cpf) else _key(subject)


def _other(kind: str, identity: str) -> Login | EntityName:
    return Login(identity) if kind == LOGIN else EntityName(kind, identity)
