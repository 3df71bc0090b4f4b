"""
The rule: what a call has written when it returns, no decision contradicts that is made afterwards.

Real processes on a real file and a real PostgreSQL. The long form takes more than ten thousand
tries in each test.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from authz_service.store import SqlStore
from tests.domain.document import P001
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.postgres import Postgres, connect
from tests.store.deciders import Try, at_work

SHORT, LONG = 320, 12_000
BOUND = 0.3
"""Seconds: how stale an answer may be where a deployment chose so in these tests."""
KINDS = {
    *("delegation", "person", "standing", "matriz", "key", "bond", "name", "sign-in", "foreign"),
}


@pytest.fixture(name="tries")
def _tries(request: pytest.FixtureRequest) -> int:
    """Give how often a stale answer is tried for."""
    return LONG if request.config.getoption("--soak") else SHORT


@pytest.fixture(name="made")
def _made(url: str) -> str:
    """Give the URL of a store of each kind with a process in its catalogue."""
    with closing(SqlStore(url)) as store:
        store.create()
        store.catalogue.save_processes([P001], NOON, untold)
    return url


@pytest.fixture(name="on_server")
def _on_server(postgres: Postgres) -> str:
    """Give the same on PostgreSQL alone."""
    return _made.__wrapped__(postgres.new())  # type: ignore[attr-defined, no-any-return]


def _hold(found: list[Try], tries: int) -> None:
    """Require enough tries, of every kind, and no stale answer."""
    stale = Counter(one.kind for one in found if not one.right)

    assert Counter() == stale
    assert len(found) >= tries
    assert KINDS == {one.kind for one in found}


@pytest.mark.soak
def test_no_answer_contradicts_a_write_that_returned(made: str, tries: int) -> None:
    """Whatever is written, by whichever process: every other one that decides knows it."""
    with at_work(made, tries) as results:
        _hold(results(), tries)


@contextmanager
def _cut_again_and_again(url: str) -> Iterator[Callable[[], int]]:
    """Terminate whoever listens, some times a second; gives what tells how many."""
    cut = 0
    over = threading.Event()

    def _cut() -> None:
        nonlocal cut
        with closing(connect(url)) as raw:
            while not over.wait(0.05):
                ended = raw.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
                cut += len(ended.fetchall())

    thread = threading.Thread(target=_cut)
    thread.start()
    try:
        yield lambda: cut
    finally:
        over.set()
        thread.join()


@pytest.mark.soak
@pytest.mark.parametrize("cut", [False, True], ids=["heard", "cut"])
def test_a_stale_answer_is_bounded_where_it_is_allowed(
    on_server: str, tries: int, cut: bool
) -> None:
    """Nothing older than the bound is told, also while the channel is cut again and again."""
    if cut:
        with _cut_again_and_again(on_server) as cuts:
            with at_work(on_server, tries, stale_seconds=BOUND) as results:
                found = results()
            assert cuts() > 0
    else:
        with at_work(on_server, tries, stale_seconds=BOUND) as results:
            found = results()
    beyond = [one for one in found if not one.right and one.after > BOUND]

    assert [] == beyond
    assert len(found) >= tries
    assert any(one.after > BOUND for one in found)


@pytest.mark.soak
def test_who_demands_a_revision_gets_no_older_answer(on_server: str, tries: int) -> None:
    """Where answers may be stale, who names a revision hears nothing from before it."""
    with (
        _cut_again_and_again(on_server),
        at_work(on_server, tries, stale_seconds=60.0, demand=True) as results,
    ):
        _hold(results(), tries)
