"""
All that is kept of a person, shown or forgotten (LGPD art. 18).

A person is known by a CPF, or as the representative of a foreign company by a login. Whether
another's entity stands for a person only that service knows; what is kept of it is its name.

Nothing here names a table that holds persons: the columns of the type ``CpfText``, or else
``LoginText``, say whose a row is, and a row that belongs to such a row by a foreign key is of
the same person. Three things are exceptions. The names of others' entities in the log are
pairings of a text, which may be a login or spell a CPF. Who acted on a delegation to somebody
else does not own that line of its history, so the line stays and the person goes. And what a
sign-in is found by, its handle and the digest of its token, is a key and not the person's
data: it is not shown, and the digest outlives the person, and its token by a day, or the
token would bring the person back.

Free text is not looked through for what is shown, and a CPF in it is hidden there, since it
may be another person's. From what is kept it is taken out, as far as it is that person's. A login
has no form that it could be found by in a text, so it is not looked for there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    and_,
    delete,
    or_,
    select,
    tuple_,
    update,
)

from authz_service.domain.decision import Subject
from authz_service.domain.entities import EntityName
from authz_service.domain.identifiers import (
    ERASED,
    Cnpj,
    Cpf,
    ForeignId,
    Login,
    ProcessId,
    without_cpf,
)
from authz_service.store.columns import CpfText, LoginText
from authz_service.store.database import Database, revision_of
from authz_service.store.schema import (
    changes,
    delegation_events,
    metadata,
    other_surrogates,
    sign_ins,
)
from authz_service.store.sign_ins import spend
from authz_service.store.surrogates import LOGIN
from authz_service.store.translating import tell
from authz_service.usecases.ports import Told

_ACTED: Mapping[Column[Any], Cpf | None] = {
    delegation_events.c.actor: ERASED,
    changes.c.person: None,
}
"""Who is named in a row that is not that person's own, and what an erasure puts there."""

_KEYS: frozenset[Column[Any]] = frozenset((sign_ins.c.handle, sign_ins.c.digest))
"""What is never shown."""

_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
"""A digit of another script than ours, such as those of full width."""

_BETWEEN_DIGITS = r"[\W_]{0,3}"
"""As much as stands between groups, as in ``025 - 17``; people who spell use less."""


@dataclass(frozen=True, slots=True)
class SqlPersonalData:
    """
    The port ``PersonalData`` on SQL.

    Attributes:
        database: where it is kept.
    """

    database: Database

    def export(self, person: Subject) -> tuple[Mapping[str, Sequence[Mapping[str, object]]], int]:
        """
        Give every row about the person, by table, in values that JSON knows; the revision.

        Past rows are among them. Every table that may know the person is there, even if it
        does not. Instants are in UTC and days are civil ones, both as ISO 8601 writes them;
        the person's own CPF is in digits, those of others are masked.
        """
        with self.database.read() as connection:
            found = {}
            for table in metadata.sorted_tables:
                about = _about(table, person)
                if table is other_surrogates:
                    about = _paired(connection, person)
                if about is not None:
                    found[table.name] = _rows(connection, table, about, person)
            return found, revision_of(connection)

    def erase(self, person: Subject, told: Told) -> int | None:
        """
        Forget the person, the pairing with the surrogate included, and give the revision.

        None, and nothing is written or told, if nothing was kept.

        Delegations to the person go with their history. Where the person acted on those of
        others, the history keeps the act and ``ERASED`` in the place of the CPF. Where free
        text has the CPF, it says ``[cpf]`` instead. The digests of the person's tokens stay
        for a day after their end, without the person, so that none brings back what was erased.
        All else is gone from the files as well, once nobody reads an older state. A foreign
        company keeps its other representatives, and stays what it was.
        """
        revision = None
        with self.database.write() as connection:
            if _forget(connection, person):
                revision = self.database.count(connection)
                tell(told, revision)
        # Also where nothing was left: an earlier call may not have come to it.
        self.database.forget()
        return revision


def _forget(connection: Connection, person: Subject) -> bool:
    """Take the person out of all tables, and tell whether there was anything."""
    if isinstance(person, Cpf):
        spend(connection, person)
    changed = delete(other_surrogates).where(_paired(connection, person))
    rows = connection.execute(changed).rowcount
    # What belongs to a row goes before the row.
    for table in reversed(metadata.sorted_tables):
        belonging = _belonging(table, person)
        if belonging is not None:
            rows += connection.execute(delete(table).where(belonging)).rowcount
    if isinstance(person, Cpf):
        rows += _forget_mentions(connection, person)
    return rows > 0


def _forget_mentions(connection: Connection, cpf: Cpf) -> int:
    """Take the person out of what is not the person's own and stays; give how many places."""
    places = 0
    for column, erased in _ACTED.items():
        change = update(column.table).where(column == cpf).values({column: erased})
        places += connection.execute(change).rowcount
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Text):
                places += _take_out(connection, table, column, cpf)
    return places


def _paired(connection: Connection, person: Subject) -> ColumnElement[bool]:
    """Tell which names of logins and entities are the person's: its own, or ids with the CPF."""
    kind, identity = other_surrogates.c.type, other_surrogates.c.id
    if isinstance(person, Login):
        return and_(kind == LOGIN, identity == person.value)
    if isinstance(person, EntityName):
        return and_(kind == person.type, identity == person.id)
    pairs = connection.execute(select(kind, identity)).all()
    theirs = [(of, name) for of, name in pairs if _without(person, name) != name]
    return tuple_(kind, identity).in_(theirs)


def _belonging(table: Table, person: Subject) -> ColumnElement[bool] | None:
    """Tell which rows are the person's own, or None if those of this table are nobody's."""
    own = [column == person for column in _of_persons(table, person) if column not in _ACTED]
    for key in table.foreign_keys:
        belonging = _belonging(key.column.table, person)
        if belonging is not None:
            own.append(key.parent.in_(select(key.column).where(belonging)))
    return or_(*own) if own else None


def _about(table: Table, person: Subject) -> ColumnElement[bool] | None:
    """Tell which rows are the person's own or tell of what the person did, or None."""
    belonging = _belonging(table, person)
    named = [column == person for column in _of_persons(table, person)]
    found = named if belonging is None else [belonging, *named]
    return or_(*found) if found else None


def _of_persons(table: Table, person: Subject) -> list[Column[Any]]:
    """Give the columns that name persons as this one is named."""
    if isinstance(person, EntityName):
        return []
    kind = CpfText if isinstance(person, Cpf) else LoginText
    return [column for column in table.columns if isinstance(column.type, kind)]


def _rows(
    connection: Connection, table: Table, about: ColumnElement[bool], person: Subject
) -> list[Mapping[str, object]]:
    """Give rows in the order of the primary key; a number that only counts them is left out."""
    counter = table.autoincrement_column
    shown = [one for one in table.columns if one not in _KEYS and one is not counter]
    rows = connection.execute(select(*shown).where(about).order_by(*table.primary_key.columns))
    return [
        {column.name: _value(value, person) for column, value in zip(shown, row, strict=True)}
        for row in rows
    ]


def _value(value: object, whose: Subject) -> object:
    """Give a value as JSON knows it; of other persons only what may be shown."""
    match value:
        case Cpf():
            return value.digits if value == whose else value.masked
        case Login():
            return value.value
        case Cnpj() | ForeignId() | ProcessId() | StrEnum():
            return value.value
        case date():
            return value.isoformat()
        case str() if isinstance(whose, EntityName) and value == whose.id:
            return value
        case str():
            return without_cpf(value)
    return value


def _take_out(connection: Connection, table: Table, column: Column[Any], cpf: Cpf) -> int:
    """
    Replace the CPF in free text, however it is written, and give in how many texts.

    The database cannot find the candidates, since it knows neither the digits of other scripts
    nor what may stand between two of them. So each erasure reads all that was ever written
    here, 0.6 s for a hundred thousand texts, while other writers wait.
    """
    key = list(table.primary_key.columns)
    written = select(*key, column).where(column.is_not(None))
    found = [
        (name, without)
        for *name, text in connection.execute(written)
        if (without := _without(cpf, text)) != text
    ]
    for name, without in found:
        same = [part == value for part, value in zip(key, name, strict=True)]
        connection.execute(update(table).where(*same).values({column: without}))
    return len(found)


def _without(cpf: Cpf, text: str) -> str:
    """Give *text* with ``[cpf]`` for each place where the CPF stands by itself."""
    written = re.compile(rf"(?<!\d){_BETWEEN_DIGITS.join(cpf.digits)}(?!\d)")
    # One sign for one sign, so a place in the one is the same place in the other.
    in_ascii = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    parts, end = [], 0
    for match in written.finditer(in_ascii):
        parts.append(text[end : match.start()])
        end = match.end()
    return "[cpf]".join([*parts, text[end:]])
