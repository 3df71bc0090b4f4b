"""One thread at work, and others in reserve for when it is held up."""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue
from typing import Any

from authz_service.server.relay import LOOK_SECONDS, Relay
from tests.operation.signing_in import eventually

NOTHING: dict[str, Any] = {}


class Pool:
    """Threads that take requests from one queue, as granian's do, and may be told to end."""

    def __init__(self, relay: Relay, threads: int) -> None:
        self._requests: SimpleQueue[str | None] = SimpleQueue()
        self._relay = relay
        self._threads = list[threading.Thread]()
        self.start(threads)

    def start(self, threads: int) -> None:
        """Start so many more."""
        for _ in range(threads):
            self._threads.append(threading.Thread(target=self._take, daemon=True))
            self._threads[-1].start()

    def _take(self) -> None:
        while (request := self._requests.get()) is not None:
            self._relay(request, NOTHING)

    def ask(self, *requests: str | None) -> None:
        """Put requests into the queue; None ends the thread that takes it."""
        for one in requests:
            self._requests.put(one)

    def end(self) -> None:
        """End all threads."""
        self._relay.close()
        self.ask(*[None] * len(self._threads))
        for one in self._threads:
            one.join(10)
            assert not one.is_alive()

    @property
    def alive(self) -> int:
        """How many threads have not ended."""
        return sum(one.is_alive() for one in self._threads)


class Work:
    """Notes which thread did what; ``hold`` waits at a gate."""

    def __init__(self) -> None:
        self.done = list[tuple[str, int]]()
        self.gate = threading.Event()

    def __call__(self, request: str, _scope: dict[str, Any]) -> None:
        """Do one request."""
        if request == "hold":
            self.gate.wait(10)
        self.done.append((request, threading.get_ident()))

    def threads(self, since: int = 0) -> set[int]:
        """Which threads have done something."""
        return {thread for _request, thread in self.done[since:]}


def settled(pool: Pool, work: Work, count: int) -> None:
    """Ask so often that every thread but *count* has come to rest."""
    pool.ask(*["x"] * 200)
    assert eventually(lambda: len(work.done) >= 200)
    before = len(work.done)
    pool.ask(*["x"] * 200)
    assert eventually(lambda: len(work.done) >= before + 200)
    assert len(work.threads(before)) <= count + 1


def test_one_thread_does_it_all() -> None:
    """The others answer one request each, and then rest."""
    work = Work()
    pool = Pool(Relay(work), 8)
    settled(pool, work, 1)
    pool.end()


def test_who_is_held_up_holds_up_nobody() -> None:
    """Again and again, up to the last thread but one; in the end everything was done once."""
    work = Work()
    pool = Pool(Relay(work), 8)
    settled(pool, work, 1)
    before = len(work.done)
    for number in range(7):
        pool.ask("hold", f"after {number}")
        assert eventually(lambda number=number: f"after {number}" in dict(work.done))  # type: ignore[misc]  # of this turn
    work.gate.set()
    assert eventually(lambda: len(work.done) == before + 14)
    settled(pool, work, 1)
    pool.end()


def test_it_takes_a_few_milliseconds_to_be_held_up() -> None:
    """Whoever comes behind a slow request waits so long and no longer."""
    work = Work()
    pool = Pool(Relay(work), 4)
    settled(pool, work, 1)
    waited = []
    for number in range(3):
        began = time.monotonic()
        pool.ask("hold", f"behind {number}")
        assert eventually(lambda number=number: f"behind {number}" in dict(work.done))  # type: ignore[misc]  # of this turn
        waited.append(time.monotonic() - began)
    work.gate.set()
    assert min(waited) < 40 * LOOK_SECONDS
    pool.end()


def test_a_thread_that_ends_takes_nothing_with_it() -> None:
    """Whoever was at work and is no more is followed by the next one that granian starts."""
    work = Work()
    pool = Pool(Relay(work), 4)
    settled(pool, work, 1)
    pool.ask(None)
    assert eventually(lambda: pool.alive == 3)
    before = len(work.done)
    pool.start(1)
    pool.ask(*["x"] * 10)
    assert eventually(lambda: len(work.done) == before + 10)
    assert 1 == len(work.threads(before))
    pool.end()


def test_several_may_be_at_work_at_a_time() -> None:
    """Where each waits for a disk, waiting together is the point."""
    together, most = 0, 0
    lock = threading.Lock()

    def work(_request: str, _scope: dict[str, Any]) -> None:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.001)
        with lock:
            together -= 1

    pool = Pool(Relay(work, at_once=3), 8)
    pool.ask(*["x"] * 300)
    assert eventually(lambda: most >= 3)
    pool.end()
