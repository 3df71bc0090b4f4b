"""A set of delegations that is replaced: all of it or none, whoever writes or decides beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import Conflict
from authz_service.domain.facts import Facts, ProcessFacts
from authz_service.store import SqlStore
from tests.domain.document import COMPANY, MEMBER, P001, P004, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import about
from tests.store.holding import HeldStore

PROCESSES = (P001, P004)
QUESTIONS = [about(COMPANY, MEMBER, process.code) for process in PROCESSES]
WRITERS = 2


@pytest.fixture(name="made")
def _made(url: str) -> Iterator[SqlStore]:
    """Give a store of each kind in which one of two processes is delegated."""
    with closing(SqlStore(url)) as store:
        store.create()
        store.catalogue.save_processes(PROCESSES, NOON, untold)
        first = Delegation("first", COMPANY, MEMBER, P001.id, 1, (_event(EventKind.GRANTED),))
        store.delegations.apply(Change(COMPANY, MEMBER, 1, (), (first,)), untold)
        yield store


def _event(kind: EventKind) -> Event:
    return Event(kind, NOON, REPRESENTATIVE, "orquestra")


def _replace(url: str, name: str, times: int, conflicts: list[str]) -> None:
    """Replace the one process that is delegated by the other one, so many times."""
    with closing(SqlStore(url, busy_timeout=60)) as store:
        done = 0
        while done < times:
            seen = tuple(store.delegations.of_company(COMPANY, MEMBER))
            [last] = [one for one in seen if one.ended is None]
            [other] = [one for one in PROCESSES if one.id != last.process]
            granted = Delegation(
                f"{name}-{done}", COMPANY, MEMBER, other.id, 1, (_event(EventKind.GRANTED),)
            )
            ended = ((last.id, _event(EventKind.REVOKED)),)
            change = Change(COMPANY, MEMBER, 0, seen, (granted,), ended)
            try:
                store.delegations.apply(change, untold, lambda: True)
            except Conflict:
                conflicts.append(name)
            else:
                done += 1


def _decide(url: str, over: threading.Event, found: list[tuple[str, ...]]) -> None:
    """Ask about both processes at once, again and again, out of memory and out of the store."""
    with closing(HeldStore(url)) as held, closing(SqlStore(url)) as plain:
        while not over.is_set():
            for store in (held, plain):
                states = []
                for facts in store.facts.gather(QUESTIONS, NOON).facts:
                    assert isinstance(facts, Facts)
                    assert isinstance(facts.resource, ProcessFacts)
                    states.append(facts.resource.delegation.state)
                found.append(tuple(sorted(states)))


@pytest.mark.soak
def test_nobody_sees_half_a_set_and_no_writer_loses(
    made: SqlStore, url: str, request: pytest.FixtureRequest
) -> None:
    """Two who replace one set take turns, with a history without a gap; who decides never waits."""
    times = 1_000 if request.config.getoption("--soak") else 25
    over = threading.Event()
    conflicts: list[str] = []
    found: list[tuple[str, ...]] = []
    writers = [
        threading.Thread(target=_replace, args=(url, f"writer{number}", times, conflicts))
        for number in range(WRITERS)
    ]
    deciders = [threading.Thread(target=_decide, args=(url, over, found)) for _ in range(2)]
    for thread in (*writers, *deciders):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in deciders:
        thread.join()
    kept = made.delegations.of_company(COMPANY, MEMBER)
    kinds = [[event.kind for event in one.history] for one in kept]
    ended = [EventKind.GRANTED, EventKind.REVOKED]

    assert [ended] * WRITERS * times + [[EventKind.GRANTED]] == kinds
    # Before the second process was ever delegated, and after it.
    assert {("in_force", "none"), ("in_force", "revoked")} >= set(found)
    assert 2 + WRITERS * times == made.facts.gather([], NOON).revision
    assert len(found) > times
