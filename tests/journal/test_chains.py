"""What is read of the log: every line that counts, where it stands, compressed or not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from authz_service.domain.errors import LogUnavailable
from authz_service.journal import keys
from authz_service.journal.chains import Chains
from authz_service.journal.journal import Options
from authz_service.journal.keeping import Keeper
from authz_service.usecases.records import Lines, Segment
from tests.journal.logs import Hands, acts, decisions, journal, stored


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    """Give a log of two closed segments and one in use, and one act."""
    log = tmp_path / "log"
    with journal(log, "cli", Options(segment_bytes=2_500)) as written:
        for number in range(8):
            written.write(decisions(number))
        written.write(acts(8))
    return log


def test_segments_are_told_with_what_they_hold(log: Path) -> None:
    """In the order of their chains, by the size of what stands in them before compression."""
    chains: Lines = Chains(log)
    sizes = [len(one) for one in stored(log, "decision/cli")]
    machine = keys.own(log).machine
    expected = [
        Segment("act", "cli", 1, len(stored(log, "act/cli")[0]), closed=False, machine=machine),
        Segment("decision", "cli", 1, sizes[0], closed=True, machine=machine),
        Segment("decision", "cli", 2, sizes[1], closed=True, machine=machine),
        Segment("decision", "cli", 3, sizes[2], closed=False, machine=machine),
    ]
    assert expected == chains.segments()

    Keeper(log, keys.own(log), {}, Hands()).pack()
    assert 2 == len(list((log / "decision" / "cli").glob("*.gz")))
    assert expected == chains.segments() == Chains(log).segments()


@pytest.mark.parametrize("packed", [False, True])
def test_lines_are_given_with_their_place(log: Path, *, packed: bool) -> None:
    """From any line on; each is found again at its place, by itself."""
    if packed:
        Keeper(log, keys.own(log), {}, Hands()).pack()
    chains = Chains(log)
    for segment in chains.segments():
        content = stored(log, f"{segment.kind}/{segment.chain}")[segment.number - 1]
        lines = list(chains.lines(segment))
        assert content == b"".join(line + b"\n" for _at, line in lines)
        for number, (at, line) in enumerate(lines):
            assert line == content[at : at + len(line)] == chains.read(segment, at, len(line))
            assert lines[number:] == list(chains.lines(segment, at))
    chains.close()


def test_a_segment_that_grows_is_read_on(log: Path) -> None:
    """What was written since is behind what was read."""
    chains = Chains(log)
    before = chains.segments()[0]
    with journal(log, "cli") as written:
        written.write(acts(9))
    after = chains.segments()[0]
    [(at, line)] = chains.lines(after, before.size)

    assert (before.size, True) == (at, b'"store_revision":9,' in line)
    assert after.size == before.size + len(line) + 1


def test_what_is_torn_is_not_given(log: Path) -> None:
    """Neither half a line at the end, nor what the next segment says was never answered for."""
    file = log / "act" / "cli" / "00000001.jsonl"
    with file.open("ab") as torn:
        torn.write(b'{"kind":"act"}\n{"ki')
    chains = Chains(log)
    assert 3 == len(list(chains.lines(chains.segments()[0])))
    with journal(log, "cli") as written:
        written.write(acts(9))

    first, second, *_others = chains.segments()
    assert (True, False) == (first.closed, second.closed)
    assert [2, 2] == [len(list(chains.lines(one))) for one in (first, second)]


def test_an_empty_folder_is_an_empty_log(tmp_path: Path) -> None:
    """Before the first record there is no log, and that is no failure."""
    assert [] == Chains(tmp_path / "log").segments()


def test_a_segment_that_is_gone_cannot_be_read(log: Path) -> None:
    """It was removed since it was told of; a file that is damaged cannot be read either."""
    chains = Chains(log)
    segment = chains.segments()[1]
    (log / "decision" / "cli" / "00000001.jsonl").unlink()
    for read in (lambda: list(chains.lines(segment)), lambda: chains.read(segment, 0, 10)):
        with pytest.raises(LogUnavailable, match="cannot be read: No such file or directory"):
            read()
    (log / "decision" / "cli" / "00000001.jsonl.gz").write_bytes(b"damaged")
    with pytest.raises(LogUnavailable, match="cannot be read: no member begins at byte 0"):
        chains.read(segment, 0, 10)


def test_a_damaged_segment_keeps_no_other_from_being_read(log: Path) -> None:
    """It is left out, since nothing of it can be told."""
    Keeper(log, keys.own(log), {}, Hands()).pack()
    (log / "decision" / "cli" / "00000001.jsonl.gz").write_bytes(b"damaged")

    assert [1, 2, 3] == [one.number for one in Chains(log).segments()]


def test_any_number_of_threads_read_while_another_writes(tmp_path: Path) -> None:
    """Each line that is given is whole and at its place, also while its segment is compressed."""
    log, wrong = tmp_path / "log", []
    with journal(log, options=Options(segment_bytes=10_000)) as written:
        written.write(decisions(0))
        chains, done = Chains(log), threading.Event()

        def read() -> None:
            while not done.is_set():
                for segment in chains.segments():
                    for at, line in chains.lines(segment):
                        if line != chains.read(segment, at, len(line)) or line[-2:] != b'"}':
                            wrong.append((segment, at))

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(1, 300):
            written.write(decisions(number))
        done.set()
        for thread in threads:
            thread.join()

    assert [] == wrong
    found = [line for one in chains.segments() for _at, line in chains.lines(one)]
    assert 300 == sum(b'"kind":"decision"' in line for line in found)
    chains.close()
