"""
The stores that the contract is asked of.

PostgreSQL is one server for all tests of a process, with one database for the store and one for
another store. Both are emptied before each test, which is quicker than making them anew. A file
of SQLite is a copy of an empty one, for the same reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from authz_service.store import SqlStore
from authz_service.store.schema import metadata
from tests.fakes.store import MemoryStore
from tests.postgres import Postgres, Raw, connect, running
from tests.store.holding import HeldStore
from tests.store.records import Store


@pytest.fixture(name="postgres", scope="session")
def _postgres() -> Iterator[Postgres]:
    """Give a server that runs; no test may stop it."""
    with running() as server:
        yield server


_EMPTY = "; ".join(
    [
        *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)),  # noqa: S608 - no data
        "INSERT INTO store_revision VALUES (1, 0)",
    ]
)


@pytest.fixture(name="databases", scope="session")
def _databases(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Give the URL of an empty database of PostgreSQL with all tables, by a name of its own."""
    opened: dict[str, tuple[str, Raw]] = {}

    def _emptied(name: str) -> str:
        if name not in opened:
            server: Postgres = request.getfixturevalue("postgres")
            url = server.new()
            with closing(SqlStore(url)) as store:
                store.create()
            opened[name] = url, connect(url)
        url, raw = opened[name]
        raw.execute(_EMPTY)
        return url

    yield _emptied
    for _url, raw in opened.values():
        raw.close()


@pytest.fixture(name="empty_file", scope="session")
def _empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database of SQLite with all tables and nothing in them, closed; to be copied."""
    path = tmp_path_factory.mktemp("empty") / "authz.db"
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        store.create()
    assert [path] == list(path.parent.iterdir())
    return path


@pytest.fixture(name="url", params=["sqlite", "postgres"])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a database of each kind in which there is nothing."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/var/authz.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new()


@pytest.fixture(name="empty_database", scope="session")
def _empty_database(postgres: Postgres) -> str:
    """Give the URL of the same on PostgreSQL; nobody connects to it, so it can be copied."""
    url = postgres.new()
    with closing(SqlStore(url)) as store:
        store.create()
    return url


@pytest.fixture(name="with_tables", params=["sqlite", "postgres"])
def _with_tables(request: pytest.FixtureRequest, tmp_path: Path, empty_file: Path) -> str:
    """Give the URL of a database of each kind with all tables and nothing in them."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(empty_file, tmp_path / 'tables.db')}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new(request.getfixturevalue("empty_database"))


@pytest.fixture(name="sql")
def _sql(url: str) -> Iterator[SqlStore]:
    """Give a store on it, as it is before it is told to make anything."""
    with closing(SqlStore(url)) as store:
        yield store


@pytest.fixture(
    name="backend", params=["memory", "sqlite", "postgres", "held sqlite", "held postgres"]
)
def _backend(request: pytest.FixtureRequest) -> str:
    """Give each kind of store in turn."""
    return str(request.param)


@pytest.fixture(name="urls")
def _urls(
    backend: str, tmp_path: Path, empty_file: Path, databases: Callable[[str], str]
) -> Callable[[str], str]:
    """Give the URL of an empty database of the kind in turn, by a name of its own."""

    def _copied(name: str) -> str:
        path = shutil.copy(empty_file, tmp_path / f"{name}.db")
        return f"sqlite:///{path}"

    return _copied if backend.endswith("sqlite") else databases


@pytest.fixture(name="store")
def _store(backend: str, urls: Callable[[str], str]) -> Iterator[Store]:
    """Give an empty store."""
    yield from _opened(backend, "store", urls)


@pytest.fixture(name="other")
def _other(backend: str, urls: Callable[[str], str]) -> Iterator[Store]:
    """Give another empty store of the same kind."""
    yield from _opened(backend, "other", urls)


def _opened(backend: str, name: str, urls: Callable[[str], str]) -> Iterator[Store]:
    store: Store
    if backend == "memory":
        store = MemoryStore()
    else:
        url = urls(name)
        store = HeldStore(url) if backend.startswith("held") else SqlStore(url)
    store.create()
    yield store
    store.close()
