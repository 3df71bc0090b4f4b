"""The stores that the contract is asked of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authz_service.store import SqlStore
from tests.fakes.store import MemoryStore
from tests.store.records import Store


@pytest.fixture(name="backend", params=["memory", "sqlite"])
def _backend(request: pytest.FixtureRequest) -> str:
    """Give each kind of store in turn."""
    return str(request.param)


@pytest.fixture(name="store")
def _store(backend: str, tmp_path: Path) -> Iterator[Store]:
    """Give an empty store."""
    yield from _opened(backend, tmp_path / "store.db")


@pytest.fixture(name="other")
def _other(backend: str, tmp_path: Path) -> Iterator[Store]:
    """Give another empty store of the same kind."""
    yield from _opened(backend, tmp_path / "other.db")


def _opened(backend: str, path: Path) -> Iterator[Store]:
    store = MemoryStore() if backend == "memory" else SqlStore(f"sqlite:///{path}")
    store.create()
    yield store
    store.close()
