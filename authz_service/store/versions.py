"""
The database's version: which one is there, which one is needed, and the way between them.

The versions are the migrations in ``migrations/versions``, counted from ``0001``. Alembic goes
from one to the next; a new database is made as the newest at once. Every migration only adds,
so that the version of this service that does not know it goes on beside the one that does:
an upgrade with no moment of standstill is the database first, then one process after another.
So a database may be newer than this service, and must not be older.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    literal_column,
    select,
    table,
)

from authz_service.domain.errors import Conflict, InvalidInput, StoreUnavailable
from authz_service.store.schema import metadata, store_revision

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = ("0001", "0002")
"""Those that this service knows, the oldest first."""

NEEDED = VERSIONS[-1]
"""The one that this service reads and writes."""

UNCOUNTED = "0000"
"""What a database has that was made before versions were counted."""

# As Alembic makes it. Not among our tables: it is Alembic's.
_noted = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def version_of(connection: Connection) -> str | None:
    """Give the version of the database, or None if it is empty."""
    tables = inspect(connection)
    if tables.has_table(_noted.name):
        found = connection.execute(select(_noted.c.version_num)).scalar_one_or_none()
        if found is not None:
            return str(found)
    return UNCOUNTED if tables.has_table(store_revision.name) else None


def is_older(version: str) -> bool:
    """
    Tell whether a database of this version has to be upgraded before it can be used.

    Raises:
        StoreUnavailable: no release of this service has such versions.
    """
    if re.fullmatch(r"[0-9]{4}", version) is None:
        raise StoreUnavailable("the database is of a version that no release of this service has")
    return version < NEEDED


def require(version: str | None) -> None:
    """
    Require a version that this service can read and write.

    Raises:
        StoreUnavailable: there is none, or it is an older one.
    """
    if version is None:  # mutant: whoever asks has made it by then; the types do not know that
        raise StoreUnavailable("the database is empty: run `authz db upgrade`")
    if is_older(version):
        raise StoreUnavailable(
            f"the database has version {version} and {NEEDED} is needed: run `authz db upgrade`"
        )


def make(connection: Connection) -> None:
    """Make all tables in an empty database."""
    metadata.create_all(connection)
    connection.execute(insert(store_revision).values(id=1, value=0))
    _noted.create(connection, checkfirst=True)
    connection.execute(insert(_noted).values(version_num=NEEDED))


def upgrade(connection: Connection) -> None:
    """Bring an older database to the version that is needed, with all that is in it."""
    _alembic().upgrade(_config(connection), NEEDED)


def require_way_back(version: str | None, to: str) -> str:
    """
    Require that the database can be brought back from *version* to *to*; give *version*.

    Raises:
        InvalidInput: *to* is no earlier version that this service knows.
        Conflict: this service does not know *version*, so not the way back from it either.
        StoreUnavailable: no release of this service has such versions.
    """
    if version is None:
        raise InvalidInput("to", "must be an earlier version, and an empty database has none")
    if not is_older(version) and version not in VERSIONS:
        raise Conflict("the database is newer than this release: use the one that upgraded it")
    earlier = [one for one in VERSIONS if one < version]
    if to not in earlier:
        raise InvalidInput("to", f"must be an earlier version: {', '.join(earlier) or 'none'}")
    return version


def downgrade(connection: Connection, to: str) -> None:
    """Bring a database back to an earlier version, without what that one does not know."""
    _alembic().downgrade(_config(connection), to)


def lost(connection: Connection, there: str, to: str) -> dict[str, int]:
    """
    Count what a database of version *there* would lose on its way back to *to*.

    Returns:
        rows by the table that would go, and values by the column of a table that would stay.
    """
    before, after = _shapes(there, to)
    found = {}
    for name in sorted(before):
        rows = select(func.count()).select_from(table(name))
        if name not in after:
            found[name] = rows
            continue
        for column in sorted(before[name] - after[name]):
            found[f"{name}.{column}"] = rows.where(literal_column(column).is_not(None))
    return {name: int(connection.execute(rows).scalar_one()) for name, rows in found.items()}


def _shapes(there: str, to: str) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """
    Give the columns by table of one version and of another.

    Only the migrations know, so they are run on an empty database in memory.
    """
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            make(connection)
            if there != NEEDED:
                downgrade(connection, there)
            before = _columns(connection)
            downgrade(connection, to)
            return before, _columns(connection)
    finally:
        engine.dispose()


def _columns(connection: Connection) -> dict[str, set[str]]:
    tables = inspect(connection)
    return {
        name: {column["name"] for column in tables.get_columns(name)}
        for name in tables.get_table_names()
    }


def _alembic() -> ModuleType:
    # Most starts find the version that they need, and have no use for what takes so long to load.
    from alembic import command  # noqa: PLC0415

    return command


def _config(connection: Connection) -> Config:
    """Tell Alembic where the migrations are, and to use this connection and its transaction."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
