"""Foreign companies, names for who has no CPF, versions of processes, reasons, changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _fixed(length: int) -> sa.types.TypeEngine[str]:
    return sa.CHAR(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _up_to(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables and the column; each process begins its history with what it is now."""
    op.create_table(
        "changes",
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("part", _up_to(32), nullable=False),
        sa.Column("company", _up_to(16)),
        sa.Column("person", _fixed(11)),
    )
    known = sa.text("person IS NOT NULL")
    op.create_index(
        "persons_in_changes", "changes", ["at"], sqlite_where=known, postgresql_where=known
    )
    op.create_table(
        "other_surrogates",
        sa.Column("type", _up_to(64), primary_key=True),
        sa.Column("id", _up_to(512), primary_key=True),
        sa.Column("surrogate", _fixed(32), nullable=False, unique=True),
    )
    op.create_table(
        "process_versions",
        sa.Column("process", _up_to(64), sa.ForeignKey("processes.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("since", sa.BigInteger),
    )
    op.execute("INSERT INTO process_versions (process, version) SELECT id, version FROM processes")
    op.create_table(
        "foreign_companies",
        sa.Column("id", _up_to(16), primary_key=True),
        sa.Column("name", _text(), nullable=False),
        sa.Column("country", _fixed(2), nullable=False),
        sa.Column("registered_at", sa.BigInteger, nullable=False),
        sa.Column("validation", _up_to(32), nullable=False),
        sa.Column("validated_at", sa.BigInteger),
    )
    op.create_table(
        "foreign_representatives",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("company", _up_to(16), sa.ForeignKey("foreign_companies.id"), nullable=False),
        sa.Column("login", _up_to(128), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    current = sa.text("ended_at IS NULL")
    op.create_index(
        "one_current_representative",
        "foreign_representatives",
        ["company", "login"],
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
    op.add_column("clients", sa.Column("reasons", sa.Boolean))
    current = sa.text("superseded_at IS NULL")
    op.create_index(
        "standings_of_person",
        "standings",
        ["person"],
        sqlite_where=current,
        postgresql_where=current,
    )


def downgrade() -> None:
    """Take away what the version before does not know, and what is in it."""
    op.drop_index("standings_of_person", "standings")
    op.drop_column("clients", "reasons")
    for table in (
        "foreign_representatives",
        "foreign_companies",
        "process_versions",
        "other_surrogates",
        "changes",
    ):
        op.drop_table(table)
