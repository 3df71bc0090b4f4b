"""The two lengths of the tests: short in ``make test``, full in ``make soak``."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

# The same examples each time, so that a run says the same again and takes as long; chance is for
# the long form, which has the time for what is rare.
settings.register_profile("short", max_examples=60, deadline=None, derandomize=True)
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


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """
    Let the garbage collector pass over what is collected: thousands of tests, which all stay.

    Else it goes through them again and again, which takes longer than many of them do.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """
    Measure no coverage of a test that is marked as ``uncovered``.

    Such a test asks the same lines thousands of times, or what is drawn; that each branch is
    covered is for others to show. To measure it as well takes two to four times as long.
    """
    # `no_cover` of pytest-cov has no effect in the processes of pytest-xdist.
    if item.get_closest_marker("uncovered") is None:
        return (yield)
    own, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(own)
        threading.settrace(of_threads)
