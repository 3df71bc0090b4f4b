"""What holds of a database of PostgreSQL promises beyond a file's: bounds, and servers that go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from psycopg import OperationalError

from authz_service.domain.errors import StoreBehind, StoreUnavailable
from authz_service.domain.people import Person
from authz_service.store.held.server import ServerPulse
from tests.domain.document import MEMBER, STRANGER
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.postgres import Postgres, Raw, connect, running
from tests.store.asking import about, person_facts
from tests.store.holding import HeldStore

BOUND = 0.5
"""Seconds that an answer may be old in these tests."""
_UNANNOUNCED = """
WITH counted AS (UPDATE store_revision SET value = value + 1 RETURNING value),
noted AS (INSERT INTO changes (revision, at, part) SELECT value, 0, 'people' FROM counted)
UPDATE people SET registered_at = NULL, confirmed_at = NULL
"""
"""What a writer of a version that announces nothing does."""
_LISTENERS = """
FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'
"""


@pytest.fixture(name="url")
def _url(databases: Callable[[str], str]) -> str:
    """Give the URL of a database that has all tables and nothing in them."""
    return databases("store")


@pytest.fixture(name="raw")
def _raw(url: str) -> Iterator[Raw]:
    """Give a connection that goes around the store."""
    with closing(connect(url)) as connection:
        yield connection


@pytest.fixture(name="fragile", scope="module")
def _fragile() -> Iterator[Postgres]:
    """Give a server that tests may stop, as long as they start it again."""
    with running() as server:
        yield server


@pytest.fixture(name="there", params=[None, 60.0], ids=["strict", "notified"])
def _there(fragile: Postgres, request: pytest.FixtureRequest) -> Iterator[HeldStore]:
    """Give a store on that server that has something in memory, strict or with a long bound."""
    with closing(HeldStore(fragile.new(), stale_seconds=request.param)) as store:
        store.create()
        store.registry.save_person(Person(MEMBER, NOON), untold)
        yield store


def _wait(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _listeners(raw: Raw) -> int:
    [[number]] = raw.execute("SELECT count(*) " + _LISTENERS).fetchall()
    return int(number)


def _told(store: HeldStore, registered: bool) -> Callable[[], bool]:
    return lambda: _registered(store) is registered


def _noticed_that_it_was_cut(listener: Any, heard: int) -> bool:
    return bool(listener.deaf or listener.heard > heard)


def _registered(store: HeldStore) -> bool:
    return person_facts(store, MEMBER).registered


def _noticed(store: HeldStore, raw: Raw) -> float:
    """Write without announcing it, and give how long it takes until it is told."""
    store.registry.save_person(Person(MEMBER, NOON), untold)
    _wait(lambda: _registered(store))
    # Until what was announced has been heard, and asked about.
    time.sleep(0.2)
    store.held.look()
    raw.execute(_UNANNOUNCED)
    returned = time.monotonic()
    _wait(lambda: not _registered(store))
    return time.monotonic() - returned


def test_a_strict_one_needs_no_announcement(url: str, raw: Raw) -> None:
    """Whoever writes, and however: the next answer knows it, and nobody listens."""
    with closing(HeldStore(url)) as store:
        store.registry.save_person(Person(MEMBER, NOON), untold)
        for _ in range(3):
            assert _registered(store)
            raw.execute(_UNANNOUNCED)
            assert not _registered(store)
            store.registry.save_person(Person(MEMBER, NOON), untold)
        assert 0 == _listeners(raw)


def test_what_nobody_announced_is_seen_within_the_bound(url: str, raw: Raw) -> None:
    """A writer of a version that announces nothing is not missed for longer than is allowed."""
    with closing(HeldStore(url, stale_seconds=BOUND)) as store:
        took = [_noticed(store, raw) for _ in range(3)]

    # As long as the bound, and what one look and one answer take on a machine that is busy.
    assert max(took) < BOUND + 1


def test_what_was_announced_is_seen_at_once(url: str, raw: Raw) -> None:
    """With a bound of a minute, a change that another process announces is known in a moment."""
    with closing(HeldStore(url, stale_seconds=60.0)) as store, closing(HeldStore(url)) as other:
        _wait(lambda: store.held.look() == 0 and _listeners(raw) == 1)
        for registered in (NOON, None, NOON):
            other.registry.save_person(Person(MEMBER, registered), untold)
            _wait(_told(store, registered is not None))


def test_while_it_hears_nothing_it_asks(url: str, raw: Raw) -> None:
    """A channel that is known to be cut makes no answer stale, and is taken up again."""
    with closing(HeldStore(url, stale_seconds=60.0)) as store:
        _wait(lambda: store.held.look() == 0 and _listeners(raw) == 1)
        listener = store.held._pulse._listener  # type: ignore[attr-defined]
        for _ in range(2):
            _wait(lambda: not listener.deaf)
            heard = listener.heard
            raw.execute("SELECT pg_terminate_backend(pid) " + _LISTENERS)
            # While deaf or from the moment on at which it has come back, which counts as heard.
            _wait(partial(_noticed_that_it_was_cut, listener, heard))
            raw.execute(_UNANNOUNCED)
            revision = store.held.look()
            [[there]] = raw.execute("SELECT value FROM store_revision").fetchall()
            assert there == revision


def test_while_the_channel_cannot_be_had_it_asks(url: str, raw: Raw) -> None:
    """As long as nobody can listen, though the server answers: every answer is the present one."""

    def _connect() -> Raw:
        if threading.current_thread().name == "authz-listener":
            raise OperationalError("no more connections")
        return connect(url)

    with closing(ServerPulse(_connect, 5.0, 60.0)) as pulse:
        for _ in range(3):
            before = pulse.beat()
            assert before == pulse.beat()
            raw.execute(_UNANNOUNCED)
            assert before < pulse.beat()


def test_who_demands_a_revision_need_not_wait(url: str, raw: Raw) -> None:
    """With a bound of a minute, a revision that nobody announced is there if it is demanded."""
    with closing(HeldStore(url, stale_seconds=60.0)) as store:
        _wait(lambda: store.held.look() == 0 and _listeners(raw) == 1)
        time.sleep(0.1)
        store.held.look()
        raw.execute(_UNANNOUNCED)

        assert 1 == store.held.look(at_least=1)
        with pytest.raises(StoreBehind):
            store.held.look(at_least=2)


def test_who_asks_hears_what_was_not_announced(url: str, raw: Raw) -> None:
    """After a write of its own, a service names the revision that the database has."""
    with closing(HeldStore(url, stale_seconds=60.0)) as store:
        _wait(lambda: store.held.look() == 0 and _listeners(raw) == 1)
        time.sleep(0.1)
        store.held.look()
        raw.execute(_UNANNOUNCED)

        assert (0, 1, 1) == (store.held.look(), store.held.look(asking=True), store.held.look())


def test_closing_leaves_nobody_listening(url: str, raw: Raw) -> None:
    """The thread and both connections are gone, and come again with the next question."""
    before = threading.active_count()
    with closing(HeldStore(url, stale_seconds=BOUND)) as store:
        for _ in range(2):
            _wait(lambda: store.held.look() == 0 and _listeners(raw) == 1)
            store.close()
            assert before == threading.active_count()
            _wait(lambda: _listeners(raw) == 0)


def test_a_restart_is_not_noticed(fragile: Postgres, there: HeldStore) -> None:
    """Connections that died are replaced, and nothing is told that the server did not confirm."""
    expected = there.held.gather([about(actor=MEMBER)], NOON)
    fragile.stop()
    fragile.start()

    assert expected == there.held.gather([about(actor=MEMBER)], NOON)
    there.registry.save_person(Person(MEMBER), untold)
    _wait(lambda: not _registered(there))
    assert not person_facts(there, STRANGER).registered


def test_a_server_that_is_gone_is_missed_and_found_again(
    fragile: Postgres, there: HeldStore
) -> None:
    """What is in memory is not told when nobody can confirm it; soon after, all goes on."""
    there.held.gather([about(actor=MEMBER)], NOON)
    fragile.stop()
    try:
        _wait(lambda: _is_missed(there))
        began = time.monotonic()
        assert _is_missed(there)
        took = time.monotonic() - began
    finally:
        fragile.start()

    assert took < 2
    assert _registered(there)


def _is_missed(store: HeldStore) -> bool:
    try:
        store.held.gather([about(actor=MEMBER)], NOON)
    except StoreUnavailable:
        return True
    return False


def test_a_server_that_hangs_is_given_up(fragile: Postgres) -> None:
    """All threads that wait for one that does not answer are told so within a bounded time."""
    with closing(HeldStore(fragile.new())) as store:
        store.database.backend._patience = 1.0  # type: ignore[attr-defined]
        store.create()
        held = store.hold(10)
        held.look()
        took: list[float] = []

        def _look() -> None:
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                held.look()
            took.append(time.monotonic() - began)

        with fragile.frozen():
            threads = [threading.Thread(target=_look) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        # For a second after that, nobody else is made to wait for it.
        time.sleep(1.2)
        again = held.look()
        held.close()

    assert (6, 0) == (len(took), again)
    # What one waits for the lock, for the answer, and to connect once more.
    assert max(took) < 10
