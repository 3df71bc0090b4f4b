"""
The tables of the index. They hold no personal data: persons are surrogates, as in the log.

A number in their names tells the form. A later form takes another, so that two versions of the
service beside each other on PostgreSQL do not take each other's tables for their own.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

FORM = 1
"""Which form of the index this is."""

_PREFIX = f"log_index_{FORM}_"

metadata = MetaData()

state = Table(
    f"{_PREFIX}state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # Drawn anew with each index: what a process has learnt of another one's terms is void.
    Column("era", String(32), nullable=False),
    # How many blocks and terms there have been; numbers are not given twice.
    Column("blocks", Integer, nullable=False),
    Column("terms", Integer, nullable=False),
)

segments = Table(
    f"{_PREFIX}segments",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("machine", String, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("chain", String, nullable=False),
    Column("segment", Integer, nullable=False),
    # How far it has been read, in uncompressed bytes, and how many lines of it are no records.
    Column("position", BigInteger, nullable=False),
    Column("unreadable", Integer, nullable=False),
    Index(f"{_PREFIX}segments_name", "machine", "kind", "chain", "segment", unique=True),
)

terms = Table(
    f"{_PREFIX}terms",
    metadata,
    # As bytes: a caller's text may hold a NUL, which PostgreSQL takes in no text.
    Column("term", LargeBinary, primary_key=True),
    Column("number", Integer, nullable=False),
    sqlite_with_rowid=False,
)

blocks = Table(
    f"{_PREFIX}blocks",
    metadata,
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("first_moment", BigInteger, nullable=False),
    Column("first_tie", BigInteger, nullable=False),
    Column("last_moment", BigInteger, nullable=False),
    Column("last_tie", BigInteger, nullable=False),
    Index(f"{_PREFIX}blocks_last", "last_moment", "block"),
    Index(f"{_PREFIX}blocks_first", "first_moment", "block"),
)

bits = Table(
    f"{_PREFIX}bits",
    metadata,
    Column("term", Integer, primary_key=True, autoincrement=False),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("bits", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


def _record() -> list[Column[int] | Column[bytes]]:
    """Give the columns of a record, sealed or not."""
    return [
        # Microseconds since 1970, and the last 48 bits of the id: the order of the list.
        Column("moment", BigInteger, nullable=False),
        Column("tie", BigInteger, nullable=False),
        Column("segment", Integer, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("length", Integer, nullable=False),
        # On PostgreSQL alone: other machines cannot read the file.
        Column("line", LargeBinary),
    ]


records = Table(
    f"{_PREFIX}records",
    metadata,
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    *_record(),
    Index(f"{_PREFIX}records_tie", "tie"),
    sqlite_with_rowid=False,
)

tail = Table(
    f"{_PREFIX}tail",
    metadata,
    Column("number", Integer, primary_key=True),
    *_record(),
    # The numbers of its terms, four bytes each.
    Column("terms", LargeBinary, nullable=False),
)
