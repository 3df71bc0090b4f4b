"""Closed segments are compressed by a process of its own, which nobody waits for."""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from authz_service.journal.packing import Packer
from authz_service.journal.places import Lock

CONTENT = b'{"one":1}\n{"two":2}\n' * 20_000


@pytest.fixture(name="held")
def _held(tmp_path: Path) -> Iterator[Lock]:
    """Give a lock that is held."""
    with closing(Lock(tmp_path, "keeping")) as held:
        assert held.take()
        yield held


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so, for some seconds."""
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


@contextmanager
def one_that_waits(tmp_path: Path, held: Lock) -> Iterator[tuple[Packer, int, list[str]]]:
    """Give a packer at a segment that never comes, its process, and what came of it."""
    source, packer, came = tmp_path / "1.jsonl", Packer(), list[str]()
    os.mkfifo(source)

    def pack() -> None:
        try:
            packer(source, tmp_path / "1.jsonl.gz", held)
        except OSError as error:
            came.append(str(error.strerror))

    thread = threading.Thread(target=pack)
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
    """The compressed form holds the same, and takes the place of the original."""
    source, target = tmp_path / "1.jsonl", tmp_path / "1.jsonl.gz"
    source.write_bytes(CONTENT)
    Packer()(source, target, held)
    assert CONTENT == gzip.decompress(target.read_bytes())
    assert [target] == [one for one in tmp_path.iterdir() if one.is_file()]


def test_what_goes_wrong_is_told_as_the_process_has_it(tmp_path: Path, held: Lock) -> None:
    """The operator reads the system's own words; the original stays."""
    with pytest.raises(FileNotFoundError):
        Packer()(tmp_path / "none", tmp_path / "none.gz", held)
    source = tmp_path / "1.jsonl"
    source.write_bytes(CONTENT)
    (tmp_path / "1.jsonl.gz").mkdir()
    with pytest.raises(IsADirectoryError):
        Packer()(source, tmp_path / "1.jsonl.gz", held)
    assert CONTENT == source.read_bytes()


def test_a_process_that_ends_without_a_word_is_told(tmp_path: Path, held: Lock) -> None:
    """It was killed, say, because the memory was at its end."""
    with one_that_waits(tmp_path, held) as (_packer, child, came):
        os.kill(child, 9)
        wait_for(lambda: bool(came))
    assert ["its process ended with -9"] == came


def test_the_lock_is_held_as_long_as_the_process_works(tmp_path: Path, held: Lock) -> None:
    """Else another would compress the same segment, if this service were killed meanwhile."""
    with one_that_waits(tmp_path, held), closing(Lock(tmp_path, "keeping")) as other:
        held.close()
        assert not other.take(wait=False)
    with closing(Lock(tmp_path, "keeping")) as other:
        assert other.take(wait=False)
    held.descriptor = os.open(tmp_path, os.O_RDONLY)


def test_who_stops_does_not_wait(tmp_path: Path, held: Lock) -> None:
    """What is cut off is no failure, and nothing is begun afterwards."""
    with one_that_waits(tmp_path, held) as (packer, _child, came):
        packer.stop()
        wait_for(lambda: not children())
    assert [] == came
    source = tmp_path / "2.jsonl"
    source.write_bytes(CONTENT)
    packer(source, tmp_path / "2.jsonl.gz", held)
    assert CONTENT == source.read_bytes()
    assert not (tmp_path / "2.jsonl.gz").exists()
