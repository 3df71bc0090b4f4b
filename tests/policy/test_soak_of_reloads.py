"""Decisions while the policy changes under them: each by one policy, whole, and none fails."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from authz_service.domain.decision import Caller, DecisionRecord, Record
from authz_service.domain.policies import Outcome
from authz_service.policy.bundle import Source, collect, digest_of
from authz_service.policy.judging import sandbox
from authz_service.policy.reading.reasons import FILE
from authz_service.usecases.decide import DecisionPoint
from tests.fakes.entities import KnownEntities
from tests.fakes.gates import OpenGate
from tests.fakes.log import ListLog
from tests.fakes.store import MemoryStore, untold
from tests.policy.compiled import reasons
from tests.policy.facts import KNOWN, OPEN, P001
from tests.policy.watched import BROKEN, Watched

Files = Mapping[str, bytes]
"""What a folder holds, by the names of its files."""


def _toy(rules: str) -> Files:
    return {"rules.polar": rules.encode(), FILE: reasons().content}


THREADS = 4
PERMIT = 'permit(_p: Person, "open", _r: Process, "first");\n'
FORBID = 'forbid(_p: Person, "open", r: Process, "second") if r.state = "open";\n'
TOYS = ((_toy(PERMIT), True, ("first",)), (_toy(PERMIT + FORBID), False, ("second",)))
"""Two contents, each with its answer to the one question."""
SHIPPED: Files = {
    path.name: path.read_bytes()
    for path in (Path(__file__).parents[2] / "policies").iterdir()
    if path.suffix in (".polar", ".toml")
}
FORBIDS_NOTHING: Files = {**SHIPPED, "processes.polar": b""}
"""The shipped policies but for what some of their tests want."""


class RealForTested(OpenGate):
    """Asks the real gate about what has tests, as the shipped policies do; the rest is let by."""

    def __call__(self, sources: Sequence[Source], suites: Sequence[Source]) -> int:
        """Let a candidate through, or not; of its tests no more is told, since they come and go."""
        questions = super().__call__(sources, suites)
        if suites:
            sandbox.check(sources, suites)
        return questions


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

    def ask_on(self) -> None:
        """Wait until each has asked a whole question more, or has failed."""
        for number, before in enumerate(list(self.asked)):
            # The first one may have begun before.
            while self.asked[number] < before + 2 and self._threads[number].is_alive():
                time.sleep(0.001)

    def stop(self) -> None:
        """Let them finish."""
        self._over.set()
        for one in self._threads:
            one.join()


def put(folder: Path, files: Files) -> None:
    """Let a folder hold *files* and nothing else."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


class Edits:
    """
    Edits the folder and says what has to be in force then.

    Attributes:
        expected: each policy that was in force, by its digest, with its answer.
    """

    def __init__(self, watched: Watched) -> None:
        self.expected: dict[str, tuple[bool, tuple[str, ...]]] = {}
        self._watched = watched

    def good(self, files: Files, allowed: bool, codes: tuple[str, ...]) -> None:
        """Make an edit that comes into force."""
        put(self._watched.folder, files)
        status = self._watched.settle()
        assert status.current, self._watched.policy.problems
        digest = digest_of(collect(self._watched.folder))
        assert digest == status.digest == self._watched.policy.current().digest
        self.expected[digest] = (allowed, codes)

    def bad(self, files: Files) -> None:
        """Make an edit that is refused: the last good one stays."""
        before = self._watched.policy.current()
        put(self._watched.folder, files)
        status = self._watched.settle()
        assert (False, Outcome.REFUSED) == (status.current, self._watched.attempt.outcome)
        assert self._watched.policy.current() is before


@pytest.mark.uncovered
@pytest.mark.soak
def test_no_decision_is_wrong_or_fails_while_the_policy_changes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each record has the answer of the policy whose digest stands in it, on all threads."""
    soak = request.config.getoption("--soak")
    decisions, reloads, shipped = (100_000, 1_000, 200) if soak else (2_000, 20, 15)
    log, gate = Counting(), RealForTested()
    watched = Watched(tmp_path, log=log, gate=gate)
    edits = Edits(watched)
    put(watched.folder, TOYS[0][0])
    watched.watcher.begin()
    edits.expected[watched.policy.current().digest] = TOYS[0][1:]
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
    askers = Askers(point)
    changes = 0
    try:
        while changes < reloads or (sum(askers.asked) < decisions and not askers.failed):
            changes += 1
            if changes % shipped == 0:
                edits.good(SHIPPED, False, ("no-permit",))
                edits.bad(FORBIDS_NOTHING)
                askers.ask_on()
            elif changes % 10 == 0:
                edits.bad(_toy(BROKEN))
            else:
                edits.good(*TOYS[changes % 2])
    finally:
        askers.stop()
        watched.watcher.close()

    assert [] == askers.failed
    assert 3 == len(edits.expected)
    assert {(digest, *answer) for digest, answer in edits.expected.items()} == log.answers.keys()
    assert log.answers.total() == sum(askers.asked) >= decisions
    # The real gate was asked about the good ones and the bad.
    assert 2 * (changes // shipped) == sum(1 for _sources, suites in gate.passed if suites)
