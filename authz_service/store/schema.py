"""
The tables, and the column types that turn what they hold into the nouns of the domain.

Everything here is as true for PostgreSQL as for SQLite. Nothing is ever deleted from
standings, bonds and delegations, but for a person who is erased: what is superseded or
ended says so, and a partial unique index sees to it that only one row of its kind is
current. A column that is added to a table here is nullable: ``Database.create`` adds it to
the databases that are there.

``privacy`` reads from here what is kept of persons: every column of the type ``CpfText``
says whose its row is, every column of the type ``Text`` may name anybody.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    CHAR,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from authz_service.domain.delegation import EventKind
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessState
from authz_service.domain.sign_in import Companies, Level

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An instant as whole microseconds since 1970 in UTC: exact, and no zone to get wrong."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Count the microseconds; an instant without a zone is a TypeError."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """Give the same instant in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class CpfText(TypeDecorator[Cpf]):
    """A CPF as its eleven digits: text, so that a leading zero stays."""

    impl = CHAR(11)
    cache_ok = True

    def process_bind_param(self, value: Cpf | None, _dialect: Dialect) -> str | None:
        """Give the digits."""
        return None if value is None else value.digits

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Cpf | None:
        """Give the CPF; it was parsed before it came here."""
        return None if value is None else Cpf(value)


class CnpjText(TypeDecorator[Cnpj]):
    """A CNPJ as its fourteen characters, upper case, compared byte for byte."""

    impl = CHAR(14)
    cache_ok = True

    def process_bind_param(self, value: Cnpj | None, _dialect: Dialect) -> str | None:
        """Give the characters."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Cnpj | None:
        """Give the CNPJ; it was parsed before it came here."""
        return None if value is None else Cnpj(value)


class ProcessIdText(TypeDecorator[ProcessId]):
    """The service's own name of a process."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: ProcessId | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> ProcessId | None:
        """Give the id; it was parsed before it came here."""
        return None if value is None else ProcessId(value)


def _one_of(kind: type[StrEnum]) -> Enum:
    """
    Make a column type for a closed set of words, kept as the text that they are.

    The database does not check the words: a later version with one more of them would
    have to rebuild the table on SQLite. Reading an unknown one is an error.
    """
    return Enum(
        kind,
        native_enum=False,
        length=32,
        values_callable=lambda words: [word.value for word in words],
    )


metadata = MetaData()

# One row, whose number grows with every change of what decisions may depend on.
store_revision = Table(
    "store_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("cpf", CpfText, primary_key=True),
    Column("registered_at", Instant),
    Column("confirmed_at", Instant),
    # When GOV.BR was asked for the companies, the last time that its answer was taken over.
    Column("observed_at", Instant),
)

# The only place where a CPF and its name in the decision log stand side by side.
surrogates = Table(
    "surrogates",
    metadata,
    Column("cpf", CpfText, primary_key=True),
    Column("surrogate", CHAR(32), nullable=False, unique=True),
)

standings = Table(
    "standings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("company", CnpjText, nullable=False),
    Column("person", CpfText, nullable=False),
    Column("role", _one_of(Role), nullable=False),
    Column("evidence", _one_of(Evidence), nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("ends_at", Instant),
    # When another one took its place; null while it is the current one.
    Column("superseded_at", Instant),
    Column("cadastrador", Boolean),
)
Index(
    "one_current_standing",
    standings.c.company,
    standings.c.person,
    standings.c.evidence,
    unique=True,
    sqlite_where=standings.c.superseded_at.is_(None),
    postgresql_where=standings.c.superseded_at.is_(None),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", CHAR(32), primary_key=True),
    Column("handle", String(64), nullable=False, unique=True),
    Column("digest", CHAR(64), nullable=False, unique=True),
    Column("client", Text, nullable=False),
    Column("person", CpfText, nullable=False),
    Column("methods", JSON, nullable=False),
    Column("level", _one_of(Level)),
    Column("certificate_company", CnpjText),
    Column("agent", Boolean, nullable=False),
    Column("authenticated_at", Instant),
    Column("began_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("companies", _one_of(Companies), nullable=False),
)

# Tokens whose sign-ins were erased with their persons. Nobody's: a digest tells a token to who
# has it, and no person.
spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("digest", CHAR(64), primary_key=True),
    Column("ends_at", Instant, nullable=False, index=True),
)

bonds = Table(
    "bonds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("filial", CnpjText, nullable=False),
    Column("matriz", CnpjText, nullable=False),
    Column("proof", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("last_day", Date),
    Column("superseded_at", Instant),
)
Index(
    "one_current_bond",
    bonds.c.filial,
    unique=True,
    sqlite_where=bonds.c.superseded_at.is_(None),
    postgresql_where=bonds.c.superseded_at.is_(None),
)

processes = Table(
    "processes",
    metadata,
    Column("id", ProcessIdText, primary_key=True),
    Column("code", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", _one_of(ProcessState), nullable=False),
)

delegations = Table(
    "delegations",
    metadata,
    # Counts in the order of writing: "oldest first" where two were granted at one instant.
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("company", CnpjText, nullable=False),
    Column("member", CpfText, nullable=False),
    Column("process", ForeignKey(processes.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    # How the last event ended it; null while it is open. Repeats the history, for the index.
    Column("ended", _one_of(EventKind)),
)
Index(
    "one_open_delegation",
    delegations.c.company,
    delegations.c.member,
    delegations.c.process,
    unique=True,
    sqlite_where=delegations.c.ended.is_(None),
    postgresql_where=delegations.c.ended.is_(None),
)
Index("delegations_of_member", delegations.c.company, delegations.c.member)

delegation_events = Table(
    "delegation_events",
    metadata,
    Column("delegation", ForeignKey(delegations.c.id), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("kind", _one_of(EventKind), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", CpfText, nullable=False),
    Column("caller", Text, nullable=False),
    Column("why", Text),
    Column("last_day", Date),
)

clients = Table(
    "clients",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("scopes", JSON, nullable=False),
)

client_keys = Table(
    "client_keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("client", ForeignKey(clients.c.name), nullable=False, index=True),
    Column("digest", CHAR(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("networks", JSON, nullable=False),
)
