"""
The tables; ``columns`` has the types that turn what they hold into the nouns of the domain.

Everything here is as true for PostgreSQL as for SQLite. Nothing is ever deleted from
standings, bonds and delegations, but for a person who is erased: what is superseded or
ended says so, and a partial unique index sees to it that only one row of its kind is
current. What is added here is made in databases that are there by one more of ``migrations``.

``privacy`` reads from here what is kept of persons: every column of the type ``CpfText``
says whose its row is, every column of the type ``Text`` may name anybody.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
)

from authz_service.domain.companies import Validation
from authz_service.domain.delegation import EventKind
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessState
from authz_service.domain.sign_in import Companies, Level
from authz_service.store.columns import (
    CnpjText,
    CompanyText,
    CpfText,
    ForeignIdText,
    Instant,
    LoginText,
    ProcessIdText,
    Word,
    fixed,
    free_text,
    up_to,
)

metadata = MetaData()

# One row, whose number grows with every change of what decisions may depend on.
store_revision = Table(
    "store_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)

# What each revision changed; ``changes.py`` says what the words mean.
changes = Table(
    "changes",
    metadata,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    # No Enum: a newer version, running beside this one, may write a word that this one lacks.
    Column("part", up_to(32), nullable=False),
    Column("company", CompanyText),
    Column("person", CpfText),
)
Index(
    "persons_in_changes",
    changes.c.at,
    sqlite_where=changes.c.person.is_not(None),
    postgresql_where=changes.c.person.is_not(None),
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
    Column("surrogate", fixed(32), nullable=False, unique=True),
)

# The same for who acts without a CPF: logins, and entities of types that are not ours.
other_surrogates = Table(
    "other_surrogates",
    metadata,
    # ``login``, or the type of the entity.
    Column("type", up_to(64), primary_key=True),
    Column("id", up_to(512), primary_key=True),
    Column("surrogate", fixed(32), nullable=False, unique=True),
)

standings = Table(
    "standings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("company", CnpjText, nullable=False),
    Column("person", CpfText, nullable=False),
    Column("role", Word(Role), nullable=False),
    Column("evidence", Word(Evidence), nullable=False),
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
# For whom GOV.BR answers, and whom somebody looks up.
Index(
    "standings_of_person",
    standings.c.person,
    sqlite_where=standings.c.superseded_at.is_(None),
    postgresql_where=standings.c.superseded_at.is_(None),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", fixed(32), primary_key=True),
    Column("handle", up_to(64), nullable=False, unique=True),
    Column("digest", fixed(64), nullable=False, unique=True),
    Column("client", free_text(), nullable=False),
    Column("person", CpfText, nullable=False),
    Column("methods", JSON, nullable=False),
    Column("level", Word(Level)),
    Column("certificate_company", CnpjText),
    Column("agent", Boolean, nullable=False),
    Column("authenticated_at", Instant),
    Column("began_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("companies", Word(Companies), nullable=False),
)

# Tokens whose sign-ins were erased with their persons. Nobody's: a digest tells a token to who
# has it, and no person.
spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("digest", fixed(64), primary_key=True),
    Column("ends_at", Instant, nullable=False, index=True),
)

bonds = Table(
    "bonds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("filial", CnpjText, nullable=False),
    Column("matriz", CnpjText, nullable=False),
    Column("proof", free_text(), nullable=False),
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
    Column("code", up_to(16), nullable=False),
    Column("title", free_text(), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Word(ProcessState), nullable=False),
)

process_versions = Table(
    "process_versions",
    metadata,
    Column("process", ForeignKey(processes.c.id), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # Null for what was there before the service kept it.
    Column("since", Instant),
)

foreign_companies = Table(
    "foreign_companies",
    metadata,
    Column("id", ForeignIdText, primary_key=True),
    Column("name", free_text(), nullable=False),
    Column("country", fixed(2), nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("validation", Word(Validation), nullable=False),
    Column("validated_at", Instant),
)

foreign_representatives = Table(
    "foreign_representatives",
    metadata,
    # Counts in the order in which they were named.
    Column("number", Integer, primary_key=True),
    Column("company", ForeignKey(foreign_companies.c.id), nullable=False),
    Column("login", LoginText, nullable=False),
    Column("since", Instant, nullable=False),
    Column("ended_at", Instant),
)
Index(
    "one_current_representative",
    foreign_representatives.c.company,
    foreign_representatives.c.login,
    unique=True,
    sqlite_where=foreign_representatives.c.ended_at.is_(None),
    postgresql_where=foreign_representatives.c.ended_at.is_(None),
)

delegations = Table(
    "delegations",
    metadata,
    # Counts in the order of writing: "oldest first" where two were granted at one instant.
    Column("number", Integer, primary_key=True),
    Column("id", up_to(64), nullable=False, unique=True),
    Column("company", CnpjText, nullable=False),
    Column("member", CpfText, nullable=False),
    Column("process", ForeignKey(processes.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    # How the last event ended it; null while it is open. Repeats the history, for the index.
    Column("ended", Word(EventKind)),
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
    Column("kind", Word(EventKind), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", CpfText, nullable=False),
    Column("caller", free_text(), nullable=False),
    Column("why", free_text()),
    Column("last_day", Date),
)

clients = Table(
    "clients",
    metadata,
    Column("name", up_to(64), primary_key=True),
    Column("scopes", JSON, nullable=False),
    # Null for the clients of before, and as good as false.
    Column("reasons", Boolean),
)

client_keys = Table(
    "client_keys",
    metadata,
    Column("id", up_to(64), primary_key=True),
    Column("client", ForeignKey(clients.c.name), nullable=False, index=True),
    Column("digest", fixed(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("networks", JSON, nullable=False),
)
