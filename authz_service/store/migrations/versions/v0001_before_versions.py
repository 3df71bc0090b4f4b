"""
The tables as they were when versions began to be counted.

Also adopts a database that was made before: what it lacks is added, what it has stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.schema import CreateColumn

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

metadata = sa.MetaData()


def _fixed(length: int) -> sa.types.TypeEngine[str]:
    # CHAR pads with blanks on PostgreSQL; SQLite knows only text, and had it named so.
    return sa.CHAR(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _up_to(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _current(name: str, column: sa.Column[object], *columns: sa.Column[object]) -> None:
    """Add an index by which only one row of its kind has no end in *column*."""
    without = column.is_(None)
    sa.Index(name, *columns, unique=True, sqlite_where=without, postgresql_where=without)


sa.Table(
    "store_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)
sa.Table(
    "people",
    metadata,
    sa.Column("cpf", _fixed(11), primary_key=True),
    sa.Column("registered_at", sa.BigInteger),
    sa.Column("confirmed_at", sa.BigInteger),
    sa.Column("observed_at", sa.BigInteger),
)
sa.Table(
    "surrogates",
    metadata,
    sa.Column("cpf", _fixed(11), primary_key=True),
    sa.Column("surrogate", _fixed(32), nullable=False, unique=True),
)
_standings = sa.Table(
    "standings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("company", _fixed(14), nullable=False),
    sa.Column("person", _fixed(11), nullable=False),
    sa.Column("role", _up_to(32), nullable=False),
    sa.Column("evidence", _up_to(32), nullable=False),
    sa.Column("observed_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("superseded_at", sa.BigInteger),
    sa.Column("cadastrador", sa.Boolean),
)
_current(
    "one_current_standing",
    _standings.c.superseded_at,
    _standings.c.company,
    _standings.c.person,
    _standings.c.evidence,
)
sa.Table(
    "sign_ins",
    metadata,
    sa.Column("id", _fixed(32), primary_key=True),
    sa.Column("handle", _up_to(64), nullable=False, unique=True),
    sa.Column("digest", _fixed(64), nullable=False, unique=True),
    sa.Column("client", _text(), nullable=False),
    sa.Column("person", _fixed(11), nullable=False),
    sa.Column("methods", sa.JSON, nullable=False),
    sa.Column("level", _up_to(32)),
    sa.Column("certificate_company", _fixed(14)),
    sa.Column("agent", sa.Boolean, nullable=False),
    sa.Column("authenticated_at", sa.BigInteger),
    sa.Column("began_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("companies", _up_to(32), nullable=False),
)
sa.Table(
    "spent_tokens",
    metadata,
    sa.Column("digest", _fixed(64), primary_key=True),
    sa.Column("ends_at", sa.BigInteger, nullable=False, index=True),
)
_bonds = sa.Table(
    "bonds",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("filial", _fixed(14), nullable=False),
    sa.Column("matriz", _fixed(14), nullable=False),
    sa.Column("proof", _text(), nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("last_day", sa.Date),
    sa.Column("superseded_at", sa.BigInteger),
)
_current("one_current_bond", _bonds.c.superseded_at, _bonds.c.filial)
sa.Table(
    "processes",
    metadata,
    sa.Column("id", _up_to(64), primary_key=True),
    sa.Column("code", _up_to(16), nullable=False),
    sa.Column("title", _text(), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", _up_to(32), nullable=False),
)
_delegations = sa.Table(
    "delegations",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", _up_to(64), nullable=False, unique=True),
    sa.Column("company", _fixed(14), nullable=False),
    sa.Column("member", _fixed(11), nullable=False),
    sa.Column("process", sa.ForeignKey("processes.id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("ended", _up_to(32)),
)
_current(
    "one_open_delegation",
    _delegations.c.ended,
    _delegations.c.company,
    _delegations.c.member,
    _delegations.c.process,
)
sa.Index("delegations_of_member", _delegations.c.company, _delegations.c.member)
sa.Table(
    "delegation_events",
    metadata,
    sa.Column("delegation", sa.ForeignKey("delegations.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", _up_to(32), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", _fixed(11), nullable=False),
    sa.Column("caller", _text(), nullable=False),
    sa.Column("why", _text()),
    sa.Column("last_day", sa.Date),
)
sa.Table(
    "clients",
    metadata,
    sa.Column("name", _up_to(64), primary_key=True),
    sa.Column("scopes", sa.JSON, nullable=False),
)
sa.Table(
    "client_keys",
    metadata,
    sa.Column("id", _up_to(64), primary_key=True),
    sa.Column("client", sa.ForeignKey("clients.name"), nullable=False, index=True),
    sa.Column("digest", _fixed(64), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("networks", sa.JSON, nullable=False),
)


def upgrade() -> None:
    """Make the tables that are not there, and in those that are the columns that they lack."""
    connection = op.get_bind()
    metadata.create_all(connection)
    found = sa.inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                described = CreateColumn(column).compile(dialect=connection.dialect)
                op.execute(f"ALTER TABLE {table.name} ADD COLUMN {described}")


def downgrade() -> None:
    """Refuse, since before this version none was counted."""
    raise CommandError("no version comes before 0001")
