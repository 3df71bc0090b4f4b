"""The two lengths of the tests: short in ``make test``, full in ``make soak``."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("short", max_examples=60, deadline=None)
settings.register_profile("soak", max_examples=5_000, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--soak``: property tests take thousands of examples instead of some dozens."""
    parser.addoption("--soak", action="store_true", help="run property tests in full length")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the length."""
    settings.load_profile("soak" if config.getoption("--soak") else "short")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every property test: its long form is more examples."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("soak")
