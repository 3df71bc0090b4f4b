"""When what was written is on the disk itself, and what becomes of it when that fails."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from authz_service.domain.errors import LogUnavailable
from authz_service.journal import heads, keys
from authz_service.journal.chains import Chains
from authz_service.journal.journal import Options
from authz_service.journal.keeping import Keeper
from authz_service.journal.owned import Owned
from authz_service.journal.rendering import Renderer
from authz_service.journal.segments import Chain
from authz_service.journal.verifying import verify
from authz_service.journal.writing import Open, Writer
from tests.journal.logs import (
    Hands,
    decisions,
    findings,
    journal,
    revisions,
    signed,
    until,
)

ROOT = Path(__file__).parents[2]
CHAIN = Chain("decision", "0")


class Disk:
    """What happens to the files of a chain, and what is to go wrong with them."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing = False
        self.moods: random.Random | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.syncing = threading.Event()

    def file(self) -> type[Open]:
        """Give a kind of file that tells what happens to it, and fails where it is to."""
        disk = self

        class Told(Open):
            def append(self, payload: bytes) -> int:
                written = super().append(payload)
                disk.calls.append("write")
                return written

            def sync(self) -> None:
                disk.syncing.set()
                disk.gate.wait()
                if disk.failing or (disk.moods is not None and disk.moods.random() < 0.3):
                    disk.calls.append("sync fails")
                    raise OSError(5, os.strerror(5))
                super().sync()
                disk.calls.append("sync")

        return Told


def owned(log: Path, disk: Disk, *, strict: bool, limit: int = 1 << 20) -> Owned:
    """Give a chain on such a disk."""

    class OnDisk(Writer):
        opens = disk.file()

    made = Owned(
        partial(OnDisk, log, CHAIN, "here", limit, Hands()),
        strict=strict,
        written=lambda: disk.calls.append("asked"),
        full=lambda: disk.calls.append("full"),
    )
    made.resume()
    return made


def bodies(*numbers: int) -> list[bytes]:
    """Give records that are told apart by their revision."""
    return [Renderer().body(one) for one in decisions(*numbers)]


def test_by_default_a_sync_is_asked_for_once(tmp_path: Path) -> None:
    """The write comes first; one request covers all that is written until it is fulfilled."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=False)
    chain.write(bodies(1))
    chain.write(bodies(2))
    chain.sync()
    chain.write(bodies(3))

    assert ["write", "write", "asked", "write", "sync", "write", "asked"] == disk.calls
    chain.close()


def test_in_strict_mode_the_sync_comes_before_the_answer(tmp_path: Path) -> None:
    """Header, record, sync, answer: in this order."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=True)
    for number in (1, 2):
        chain.write(bodies(number))
        disk.calls.append("answer")

    assert ["write", "write", "sync", "answer", "write", "sync", "answer"] == disk.calls
    chain.close()


def test_in_strict_mode_those_that_come_meanwhile_share_a_sync(tmp_path: Path) -> None:
    """Twenty writers that come while the disk is busy need one sync, not twenty."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=True)
    disk.gate.clear()
    first = run(lambda: chain.write(bodies(0)))
    assert disk.syncing.wait(10)
    others = [run(partial(chain.write, bodies(number))) for number in range(1, 21)]
    until(lambda: disk.calls.count("write") == 22)
    disk.gate.set()
    for one in (first, *others):
        one.join(10)

    assert 2 == disk.calls.count("sync")
    assert list(range(21)) == sorted(revisions(tmp_path))
    chain.close()


def run(act: Callable[[], object]) -> threading.Thread:
    """Begin to do something."""
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_what_could_not_be_synced_is_refused_to_all_who_wait(tmp_path: Path) -> None:
    """None of it counts: not what shared the sync, nor what was written behind it meanwhile."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=True)
    chain.write(bodies(1))
    disk.failing = True
    disk.gate.clear()
    disk.syncing.clear()
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            chain.write(bodies(number))
            outcomes.append("answered")
        except OSError as error:
            outcomes.append(str(error.strerror))

    first = run(partial(attempt, 2))
    assert disk.syncing.wait(10)
    before = disk.calls.count("write")
    others = [run(partial(attempt, number)) for number in (3, 4)]
    until(lambda: disk.calls.count("write") == before + 2)
    disk.gate.set()
    for one in (first, *others):
        one.join(10)
    disk.failing = False
    chain.write(bodies(5))
    chain.close()

    assert ["Input/output error"] * 3 == outcomes
    # The lines are there, as evidence; the header of the next segment says they do not count.
    assert {1, 2, 3, 4, 5} == set(revisions(tmp_path))
    assert [1, 5] == counted(tmp_path)


def counted(log: Path) -> list[int]:
    """Give the revisions of the records that count."""
    chains = Chains(log)
    lines = [line for one in chains.segments() for _at, line in chains.lines(one)]
    found = [json.loads(line) for line in lines]
    return [one["store_revision"] for one in found if one["kind"] != "segment"]


@pytest.mark.soak
def test_exactly_what_was_answered_counts(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Syncs that fail at random, segments that fill up meanwhile, writers that wait for both."""
    turns = 60 if request.config.getoption("--soak") else 3
    for turn in range(turns):
        log = tmp_path / str(turn)
        answered = storm(log, random.Random(turn))  # noqa: S311 -- when to fail

        assert 1 < len(answered) < 201
        assert sorted(answered) == sorted(counted(log))
        assert () == verify(log, None).findings


@pytest.mark.soak
def test_what_heads_were_signed_of_counts(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Signed at any moment, also of what is refused then: no head is ever left behind."""
    turns = 60 if request.config.getoption("--soak") else 3
    for turn in range(turns):
        log, done, flaws = tmp_path / str(turn), threading.Event(), list[str]()
        signing = run(partial(sign, log, done, flaws))
        answered = storm(log, random.Random(turn))  # noqa: S311 -- when to fail
        done.set()
        signing.join()

        assert [] == flaws
        assert [] == findings(log)
        found = counted(log)
        assert sorted(answered) == sorted(one for one in found if one in set(answered))
        assert len(set(found)) == len(found)


def sign(log: Path, done: threading.Event, flaws: list[str]) -> None:
    """Sign heads and verify, again and again, and gather what is wrong."""
    keeper = Keeper(log, keys.own(log), {}, Hands())
    while not done.is_set():
        flaws += keeper.sign().flaws
        flaws += findings(log)


def test_a_refused_write_that_a_head_tells_of_counts(tmp_path: Path) -> None:
    """Signed before its sync failed, or after; what came behind it does not."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=True)
    key = keys.own(tmp_path)
    chain.write(bodies(1))
    disk.failing = True
    with pytest.raises(OSError, match="Input/output error"):
        chain.write(bodies(2))
    disk.failing = False
    copy = tmp_path / "kept.json"
    copy.write_bytes(signed(tmp_path))
    chain.write(bodies(3))
    chain.close()

    assert [1, 2, 3] == counted(tmp_path)
    assert [] == findings(tmp_path, copy)
    assert () == Keeper(tmp_path, key, {}, Hands()).sign().flaws


def test_a_head_that_nobody_signed_makes_nothing_count(tmp_path: Path) -> None:
    """Heads with another signature say nothing to the writer."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=True)
    chain.write(bodies(1))
    disk.failing = True
    with pytest.raises(OSError, match="Input/output error"):
        chain.write(bodies(2))
    disk.failing = False
    content = signed(tmp_path)
    (tmp_path / heads.FILE).write_bytes(content.replace(b'"sequence":1', b'"sequence":2'))
    chain.write(bodies(3))
    chain.close()

    assert [1, 3] == counted(tmp_path)


@pytest.mark.parametrize("strict", [False, True])
def test_a_chain_that_was_closed_is_not_forked(tmp_path: Path, *, strict: bool) -> None:
    """A thread that comes late is refused: another process may go on with the chain by then."""
    disk = Disk()
    first = owned(tmp_path, disk, strict=strict)
    first.write(bodies(1))
    first.close()
    second = owned(tmp_path, disk, strict=strict)
    second.write(bodies(2))
    with pytest.raises(OSError, match="writes it no more"):
        first.write(bodies(3))
    second.write(bodies(4))
    second.close()

    assert [1, 2, 4] == counted(tmp_path)
    assert () == verify(tmp_path, None).findings


class Closing(threading.Event):
    """Makes syncs wait, but those of the thread that made it, which fail."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.current_thread()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, or fail."""
        if threading.current_thread() is self._thread:
            raise OSError(5, os.strerror(5))
        return super().wait(timeout)


def test_a_sync_that_fails_while_closing_refuses_who_waits(tmp_path: Path) -> None:
    """In strict mode: neither the write that syncs just then is answered, nor the next."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=True)
    chain.write(bodies(1))
    disk.gate = Closing()
    disk.syncing.clear()
    answered: list[int] = []

    def attempt(number: int) -> None:
        with suppress(OSError):
            chain.write(bodies(number))
            answered.append(number)

    waiting = [run(partial(attempt, 2))]
    assert disk.syncing.wait(10)
    waiting.append(run(partial(attempt, 3)))
    until(lambda: disk.calls.count("write") == 4)
    with pytest.raises(OSError, match="Input/output error"):
        chain.close()
    disk.gate.set()
    for one in waiting:
        one.join(10)

    assert [] == answered


def storm(log: Path, moods: random.Random) -> list[int]:
    """Write from several threads on a disk that has moods, and give what was answered."""
    disk = Disk()
    disk.moods = moods
    chain = owned(log, disk, strict=True, limit=4_000)
    answered: list[int] = []

    def write(thread: int) -> None:
        for number in range(thread * 1000, thread * 1000 + 40):
            try:
                chain.write(bodies(number))
            except OSError:
                continue
            answered.append(number)

    threads = [run(partial(write, one)) for one in range(5)]
    for thread in threads:
        thread.join()
    disk.moods = None
    chain.write(bodies(9999))
    chain.close()
    return [*answered, 9999]


def test_a_segment_that_is_full_is_on_the_disk_before_the_next_begins(tmp_path: Path) -> None:
    """In strict mode no write that waits loses its place by that, and a failure refuses."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=True, limit=1)
    chain.write(bodies(1))
    chain.write(bodies(2))
    assert 3 == disk.calls.count("sync")
    disk.failing = True
    with pytest.raises(OSError, match="Input/output error"):
        chain.write(bodies(3))
    disk.failing = False
    chain.write(bodies(4))
    chain.close()

    assert [1, 2, 4] == counted(tmp_path)


def test_a_closed_file_is_not_synced(tmp_path: Path) -> None:
    """Its descriptor may be another file's by then: whoever comes late does nothing."""
    file = Open(tmp_path / "1.jsonl")
    file.append(b"{}\n")
    file.close()
    file.sync()
    file.close()

    assert b"{}\n" == (tmp_path / "1.jsonl").read_bytes()


def test_by_default_a_failed_sync_begins_a_new_segment(tmp_path: Path) -> None:
    """What was answered still counts, and the failure is told until a sync succeeds."""
    disk = Disk()
    chain = owned(tmp_path, disk, strict=False)
    chain.write(bodies(1))
    disk.failing = True
    with pytest.raises(OSError, match="Input/output error"):
        chain.sync()
    disk.failing = False
    chain.write(bodies(2))
    chain.sync()
    chain.close()

    assert [1, 2] == counted(tmp_path)
    assert 2 == len(list((tmp_path / "decision" / "0").iterdir()))


@pytest.mark.parametrize("strict", [False, True])
def test_a_file_in_use_that_is_removed_is_noticed(tmp_path: Path, *, strict: bool) -> None:
    """What is written to it nobody would find: a new segment begins, and verifying misses it."""
    log = tmp_path / "log"
    with journal(log, options=Options(sync="strict" if strict else "default")) as written:
        written.write(decisions(1))
        next((log / "decision" / "0").iterdir()).unlink()
        if strict:
            with pytest.raises(LogUnavailable, match="a file in use was removed"):
                written.write(decisions(2))
        else:
            written.write(decisions(2))
            until(lambda: written.ailment() is not None)
            told = "cannot be synced (decision): a file in use was removed"
            assert told == written.ailment()
        written.write(decisions(3))

    assert [3] == revisions(log)
    assert ["decision/0/00000001.jsonl: is missing"] == findings(log)


PROGRAM = """
import socket, sys, time
from pathlib import Path
from authz_service.journal.journal import SYNC_SECONDS, Journal, Options
from tests.journal.test_lines import DECISION
here, there = socket.socketpair()
journal = Journal(Path(sys.argv[1]), "0", Options(sync=sys.argv[2]), print)
for _again in range(3):
    journal.write([DECISION])
    here.send(b"answer")
time.sleep(4 * SYNC_SECONDS)
"""


@pytest.mark.parametrize("sync", ["default", "strict"])
def test_the_system_calls_come_in_their_order(tmp_path: Path, sync: str) -> None:
    """As the kernel sees them: the record, in strict mode a sync, the answer; a sync follows."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: the order of system calls was not looked at")
    out = tmp_path / "calls"
    traced = ["-f", "-y", "-s", "8", "-e", "trace=write,fdatasync,sendto", "-o", str(out)]
    program = [sys.executable, "-c", PROGRAM, str(tmp_path / "log"), sync]
    done = subprocess.run([strace, *traced, *program], cwd=ROOT, check=False, capture_output=True)
    if done.returncode != 0 and b"ptrace" in done.stderr:
        pytest.skip("strace may not trace here: the order of system calls was not looked at")
    assert 0 == done.returncode
    lines = out.read_text().splitlines()
    main = lines[0].split()[0]
    calls = [
        (line.startswith(main), "answer" if match[1] == "sendto" else match[1])
        for line in lines
        if (match := re.search(r"(write|fdatasync|sendto)\(\d+<.*(?:\.jsonl>|socket)", line))
    ]

    record = ["write", "answer"] if sync == "default" else ["write", "fdatasync", "answer"]
    # Before the first record stands its segment's header.
    assert ["write", *record * 3] == [call for own, call in calls if own]
    # In default mode another thread syncs, soon.
    beside = [call for own, call in calls if not own]
    assert (["fdatasync"] if sync == "default" else []) == beside[:1]
