"""The file of a SQLite database: what names it, how it comes to be, how it is opened."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from authz_service.domain.errors import InvalidInput

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    # What is deleted is overwritten; sorting leaves no copies in other files.
    "secure_delete=ON",
    "temp_store=MEMORY",
)


def file_of(url: str) -> Path:
    """
    Give the path that *url* names, absolute.

    Raises:
        InvalidInput: it names no file of SQLite.
    """
    message = "must be `sqlite:///` and the path of a file"
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The URL itself may hold a password, and SQLAlchemy quotes it.
        raise InvalidInput("database_url", message) from None
    name = parsed.database or ":memory:"
    # In memory each connection would have a database of its own.
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite") or name == ":memory:":
        raise InvalidInput("database_url", message)
    if parsed.query or name.startswith("file:"):
        raise InvalidInput("database_url", f"{message}, without further parameters")
    return Path(name).absolute()


def escaped(path: Path) -> str:
    """Give the path for a ``file:`` URI, in which three characters have another meaning."""
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def put_in_place(path: Path) -> None:
    """
    Make an empty database that nobody but its owner can read, unless there is one by now.

    It is made aside and appears whole. Two processes that switch one file to WAL at the
    same time get SQLITE_BUSY, and to open and close a file that SQLite has open in another
    thread would drop SQLite's locks on it.

    Raises:
        OSError: the file cannot be made there.
        sqlite3.Error: SQLite cannot write it.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.new-")
    os.close(handle)
    aside = Path(name)
    try:
        with closing(sqlite3.connect(aside)) as connection:
            set_up(connection, None)
        # A link, unlike a rename, never replaces what another process has put there.
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def set_up(connection: sqlite3.Connection, _record: object) -> None:
    """Give a new connection the settings that all have."""
    # Python's driver begins transactions when it sees fit; here they begin when we say so.
    connection.isolation_level = None
    # SQLite gives the files beside the database (-wal, -shm) the database's mode.
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()
