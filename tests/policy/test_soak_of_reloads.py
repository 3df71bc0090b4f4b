"""Decisions while the policy changes under them: each by one policy, whole, and none fails."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from authz_service.domain.decision import Caller, DecisionRecord, Record
from authz_service.usecases.decide import DecisionPoint
from tests.fakes.entities import KnownEntities
from tests.fakes.log import ListLog
from tests.fakes.store import MemoryStore, untold
from tests.policy.facts import KNOWN, OPEN, P001
from tests.policy.watched import Watched, write

THREADS = 4
PERMIT = 'permit(_p: Person, "open", _r: Process, "first");\n'
FORBID = 'forbid(_p: Person, "open", r: Process, "second") if r.state = "open";\n'
RULES = (PERMIT, PERMIT + FORBID)
ANSWERS = ((True, ("first",)), (False, ("second",)))


class Counting(ListLog):
    """Counts decisions by the policy that each was taken by and the answer; keeps acts alone."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: Counter[tuple[str, bool, tuple[str, ...]]] = Counter()
        self._lock = threading.Lock()

    def write(self, records: Sequence[Record]) -> None:
        """Count the records."""
        super().write([one for one in records if not isinstance(one, DecisionRecord)])
        with self._lock:
            self.answers.update(
                (one.policy_digest, one.decision.allowed, one.decision.reasons)
                for one in records
                if isinstance(one, DecisionRecord)
            )


class Askers:
    """Threads that ask one question all the time; ``failed`` holds what went wrong."""

    def __init__(self, point: DecisionPoint) -> None:
        self.asked = [0] * THREADS
        self.failed: list[str] = []
        self._point = point
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,)) for number in range(THREADS)
        ]
        for one in self._threads:
            one.start()

    def _ask(self, number: int) -> None:
        # A moment between two, or whoever reloads hardly gets the interpreter.
        while not self._over.wait(0.0002):
            try:
                self._point.decide(OPEN, Caller("tests"))
            except Exception as error:  # noqa: BLE001 -- whatever it is, it must not be
                self.failed.append(repr(error))
                return
            self.asked[number] += 1

    def stop(self) -> None:
        """Let them finish."""
        self._over.set()
        for one in self._threads:
            one.join()


@pytest.mark.soak
def test_no_decision_is_wrong_or_fails_while_the_policy_changes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each record has the answer of the policy whose digest stands in it, on all threads."""
    soak = request.config.getoption("--soak")
    decisions, reloads = (100_000, 1_000) if soak else (2_000, 10)
    log = Counting()
    watched = Watched(tmp_path, log=log)
    write(watched.folder, RULES[0])
    watched.watcher.begin()
    store = MemoryStore()
    store.catalogue.save_processes([P001], watched.clock(), untold)
    for person in KNOWN.people:
        store.registry.save_person(person, untold)
    point = DecisionPoint(
        watched.policy,
        store.facts,
        KnownEntities(),
        store.surrogates,
        log,
        (),
        watched.clock,
    )
    digests = [watched.policy.current().digest]
    askers = Askers(point)
    changes = 0
    while changes < reloads or (sum(askers.asked) < decisions and not askers.failed):
        changes += 1
        write(watched.folder, RULES[changes % 2])
        assert watched.settle().current
        digests.append(watched.policy.current().digest)
    askers.stop()
    watched.watcher.close()

    assert [] == askers.failed
    assert [digests[number % 2] for number in range(changes + 1)] == digests
    expected = {(digest, *answer) for digest, answer in zip(digests, ANSWERS, strict=False)}
    assert expected == log.answers.keys()
    assert log.answers.total() == sum(askers.asked) >= decisions
