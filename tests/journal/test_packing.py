"""Closed segments are compressed by a process of its own, to which everybody else is preferred."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import pytest

from authz_service.journal.packing import Packer
from authz_service.journal.places import Lock
from authz_service.server.cores import on_one_core

CONTENT = b'{"one":1}\n{"two":2}\n' * 20_000


@pytest.fixture(name="held")
def _held(tmp_path: Path) -> Iterator[Lock]:
    """Give a lock that is held."""
    with closing(Lock(tmp_path, "packing")) as held:
        assert held.take()
        yield held


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so, for some seconds."""
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


@contextmanager
def one_that_waits(
    tmp_path: Path, held: Lock, *, on_one: bool = False
) -> Iterator[tuple[Packer, int, list[object]]]:
    """Give a packer at a segment that never comes, its process, and what came of it."""
    source, packer, came = tmp_path / "1.jsonl", Packer(), list[object]()
    os.mkfifo(source)

    def pack() -> None:
        try:
            came.append(packer(source, tmp_path / "part", held))
        except OSError as error:
            came.append(error.strerror)

    thread = threading.Thread(target=pack)
    with on_one_core(0) if on_one else nullcontext():
        thread.start()
    try:
        wait_for(lambda: bool(children()))
        [child] = children()
        # It has made itself the last of all before it opens anything.
        wait_for(lambda: 19 == os.getpriority(os.PRIO_PROCESS, child))
        yield packer, child, came
    finally:
        packer.stop()
        thread.join(20)
        assert not thread.is_alive()


def children() -> list[int]:
    """Give the processes that compress for this one."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == os.getpid() and b"journal.packing" in line:
            found.append(int(folder.name))
    return found


def test_a_segment_is_compressed(tmp_path: Path, held: Lock) -> None:
    """The compressed form holds the same; the original is still there."""
    source, part = tmp_path / "1.jsonl", tmp_path / "part"
    source.write_bytes(CONTENT)
    assert Packer()(source, part, held) is True
    assert [CONTENT, CONTENT] == [source.read_bytes(), gzip.decompress(part.read_bytes())]


def test_what_goes_wrong_is_told_as_the_process_has_it(tmp_path: Path, held: Lock) -> None:
    """The operator reads the system's own words; the original stays."""
    with pytest.raises(FileNotFoundError):
        Packer()(tmp_path / "none", tmp_path / "part", held)
    source = tmp_path / "1.jsonl"
    source.write_bytes(CONTENT)
    (tmp_path / "part").mkdir()
    with pytest.raises(IsADirectoryError):
        Packer()(source, tmp_path / "part", held)
    assert CONTENT == source.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"), [(("none", "part", "x"), [0, "ValueError"]), (("none", "part"), None)]
)
def test_whatever_goes_wrong_is_told(arguments: tuple[str, ...], told: object) -> None:
    """Also what is no failure of the system's: its kind, without a path."""
    command = [sys.executable, "-P", "-m", "authz_service.journal.packing", *arguments]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert (1, b"") == (ended.returncode, ended.stderr)
    assert (told or [2, os.strerror(2)]) == json.loads(ended.stdout)


def test_without_an_interpreter_there_is_a_word_for_it(
    tmp_path: Path, held: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that has Python built in may not know of one."""
    monkeypatch.setattr(sys, "executable", None)
    with pytest.raises(OSError, match="no interpreter"):
        Packer()(tmp_path / "1.jsonl", tmp_path / "part", held)


def test_a_process_that_ends_without_a_word_is_told(tmp_path: Path, held: Lock) -> None:
    """It was killed, say, because the memory was at its end."""
    with one_that_waits(tmp_path, held) as (_packer, child, came):
        os.kill(child, 9)
        wait_for(lambda: bool(came))
    assert ["its process ended with -9"] == came


def test_everybody_is_preferred_on_every_core(tmp_path: Path, held: Lock) -> None:
    """
    The cores are those that the service had when it began, though it may keep to one by now.

    Its session is the service's: Linux shares cores among sessions first, and a session of its
    own would have as much as all that answers.
    """
    before = os.sched_getaffinity(0)
    with one_that_waits(tmp_path, held, on_one=True) as (_packer, child, _came):
        wait_for(lambda: before == os.sched_getaffinity(child))
        assert os.getsid(0) == os.getsid(child)
        assert child == os.getpgid(child)


def test_the_lock_is_held_as_long_as_the_process_works(tmp_path: Path, held: Lock) -> None:
    """Else another would compress the same segment, if this service were killed meanwhile."""
    with one_that_waits(tmp_path, held), closing(Lock(tmp_path, "packing")) as other:
        held.close()
        assert not other.take(wait=False)
    with closing(Lock(tmp_path, "packing")) as other:
        assert other.take(wait=False)
    held.descriptor = os.open(tmp_path, os.O_RDONLY)


def test_who_stops_does_not_wait(tmp_path: Path, held: Lock) -> None:
    """What is cut off is no failure, leaves nothing, and nothing is begun afterwards."""
    with one_that_waits(tmp_path, held) as (packer, _child, came):
        packer.stop()
        wait_for(lambda: not children())
    assert [False] == came
    source = tmp_path / "2.jsonl"
    source.write_bytes(CONTENT)
    assert packer(source, tmp_path / "part", held) is False
    assert CONTENT == source.read_bytes()
    assert not (tmp_path / "part").exists()
