"""The file behind a store on SQLite."""

from __future__ import annotations

from pathlib import Path

from authz_service.store import SqlStore
from authz_service.store.sqlite import SqliteFile


def file_of(store: SqlStore) -> Path:
    """Give the path of the database."""
    backend = store.database.backend
    assert isinstance(backend, SqliteFile)
    return backend.path
