"""What ``write`` returned from is in the log, whole and in its chain, whoever else writes."""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from authz_service.domain.errors import LogUnavailable
from authz_service.journal.journal import SYNC_SECONDS, Journal, Options
from authz_service.journal.packed import pack
from authz_service.journal.rendering import Renderer
from authz_service.journal.segments import Chain
from authz_service.journal.shared import Shared, finish
from authz_service.journal.writing import Open, Writer
from tests.fakes.clock import NOON
from tests.journal.logs import (
    DAY,
    NOW,
    Hands,
    acts,
    decisions,
    findings,
    journal,
    revisions,
    signed,
    stored,
    until,
    verified,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    return tmp_path / "new" / "log"


@contextmanager
def longest(size: int) -> Iterator[None]:
    """Let no file be longer than *size*: a write fails in its middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal that comes with it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def headers(log: Path, chain: str = "decision/0") -> list[dict[str, object]]:
    """Give the header of each segment of a chain."""
    return [json.loads(content.split(b"\n")[0]) for content in stored(log, chain)]


def test_each_class_is_a_chain_of_its_own_in_the_order_of_writing(log: Path) -> None:
    """Decisions and acts stand apart, each behind what there was."""
    with journal(log) as written:
        written.write(decisions(1, 2))
        written.write(acts(3))
        written.write(decisions(4))

    assert ([1, 2, 4], [3]) == (revisions(log), revisions(log, "act/0"))
    assert [] == findings(log)


def test_it_is_on_the_disk_when_write_returns(log: Path) -> None:
    """Nothing waits in the process's memory."""
    with journal(log) as written:
        written.write(decisions(1))
        assert [1] == revisions(log)


def test_a_header_says_what_the_segment_is(log: Path) -> None:
    """Class, chain, number, when it began, and what it follows."""
    with journal(log) as written:
        written.write(decisions(1))
    [header] = headers(log)
    machine, digest = header.pop("machine"), header.pop("hash")

    assert isinstance(machine, str)
    assert os.uname().nodename in machine
    assert 64 == len(str(digest))
    assert {
        "schema": 1,
        "kind": "segment",
        "class": "decision",
        "chain": "0",
        "number": 1,
        "began": NOON.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "previous": "0" * 64,
    } == header


def test_files_and_folders_are_their_owners(log: Path) -> None:
    """They are made for the owner only; what anybody may have is the public key."""
    with journal(log) as written:
        written.write(decisions(1))
        modes = {
            str(one.relative_to(log)): one.stat().st_mode & 0o777 for one in log.rglob("*")
        } | {".": log.stat().st_mode & 0o777}

    assert 0o644 == modes.pop("key.pub.pem")
    assert {0o600, 0o700} == set(modes.values())
    assert (0o700, 0o600) == (modes["decision/0"], modes["decision/0/00000001.jsonl"])


def test_a_chain_goes_on_in_a_new_segment_after_a_restart(log: Path) -> None:
    """The first line of the new one follows from the last line of the old one."""
    for number in range(3):
        with journal(log) as written:
            written.write(decisions(number))
    ends = [json.loads(content.splitlines()[-1])["hash"] for content in stored(log)]

    assert [1, 2, 3] == [one["number"] for one in headers(log)]
    assert ["0" * 64, *ends[:-1]] == [one["previous"] for one in headers(log)]
    assert [] == findings(log)


def test_nothing_is_begun_before_something_is_written(log: Path) -> None:
    """A process that writes nothing leaves no empty segments."""
    for _again in range(3):
        with journal(log) as written:
            assert written.ailment() is None

    assert [] == stored(log)


def test_who_finds_its_place_taken_writes_beside_it(log: Path) -> None:
    """Two processes never write one chain; the place is free again when its holder ends."""
    with journal(log) as first, journal(log) as second:
        first.write(decisions(1))
        second.write(decisions(2))
        first.write(decisions(3))
    with journal(log) as third:
        third.write(decisions(4))

    assert ([1, 3, 4], [2]) == (revisions(log), revisions(log, "decision/0-2"))
    assert [] == findings(log)


def test_a_new_segment_begins_at_the_size_and_on_a_new_day(log: Path) -> None:
    """So that no file grows without end, and what is to be removed by age can be."""
    clock = Hands()
    with journal(log, options=Options(segment_bytes=2_500), clock=clock) as written:
        for number in range(6):
            written.write(decisions(number))
        clock.now += DAY
        written.write(decisions(6))
        written.write(decisions(7))

    counts = [content.count(b"\n") - 1 for content in stored(log)]
    assert [3, 3, 2] == counts
    assert list(range(8)) == revisions(log)
    assert [] == findings(log)


def test_a_batch_is_not_divided(log: Path) -> None:
    """A batch stands in one segment, however long it is."""
    with journal(log, options=Options(segment_bytes=1)) as written:
        written.write(decisions(*range(50)))
        written.write(decisions(*range(50, 100)))

    assert [50, 50] == [content.count(b"\n") - 1 for content in stored(log)]
    assert list(range(100)) == revisions(log)


@pytest.mark.parametrize("tail", [b"{", b'{"kind":"dec', b"\x00" * 5000, b"\n", b"\n\n{}\n"])
def test_what_a_power_cut_leaves_behind_is_told_and_never_cut(log: Path, tail: bytes) -> None:
    """The next segment says how much of it there is; the records before and after are whole."""
    with journal(log, options=Options(heads_seconds=3600)) as written:
        written.write(decisions(1))
    file = log / "decision" / "0" / "00000001.jsonl"
    with file.open("ab") as torn:
        torn.write(tail)
    with journal(log) as written:
        written.write(decisions(2))

    assert [None, len(tail)] == [one.get("torn") for one in headers(log)]
    assert stored(log)[0].endswith(tail)
    report = verified(log)
    assert () == report.findings
    what = f"the last {len(tail)} bytes are torn, and were never answered"
    assert (f"decision/0/00000001.jsonl.gz: {what}",) == report.notes


def test_segments_that_a_power_cut_left_without_a_header_are_told(log: Path) -> None:
    """Files that were made and not filled are torn as a whole, with what stands before them."""
    with journal(log, options=Options(heads_seconds=3600)) as written:
        written.write(decisions(1))
    folder = log / "decision" / "0"
    with (folder / "00000001.jsonl").open("ab") as torn:
        torn.write(b"{")
    (folder / "00000002.jsonl").write_bytes(b"")
    (folder / "00000003.jsonl").write_bytes(b"\x00\x00")
    with journal(log) as written:
        written.write(decisions(2))

    assert [1, 2] == revisions(log)
    assert (4, 3) == (headers_of_last(log)["number"], headers_of_last(log)["torn"])
    assert [] == findings(log)


def headers_of_last(log: Path) -> dict[str, object]:
    """Give the header of the last segment of decisions."""
    found: dict[str, object] = json.loads(stored(log)[-1].split(b"\n")[0])
    return found


def test_a_full_disk_refuses_and_what_was_refused_does_not_count(log: Path) -> None:
    """When the space ends in the middle of a batch, none of it counts, and later ones do."""
    with journal(log) as written:
        written.write(decisions(1))
        size = (log / "decision" / "0" / "00000001.jsonl").stat().st_size
        with longest(size + 1_500):
            with pytest.raises(LogUnavailable, match="log cannot be written: File too large"):
                written.write(decisions(2, 3))
            assert "cannot be written: File too large" == written.ailment()
            # Which is longer than one line, so this one fits into a new segment.
            written.write(decisions(4))
        assert written.ailment() is None
        written.write(decisions(5))

    # Once nothing is being compressed any more.
    assert 1 == len(list((log / "decision" / "0").glob("00000001.*")))
    report = verified(log)
    assert () == report.findings
    assert ["the last 1500 bytes are torn, and were never answered"] == [
        note.partition(": ")[2] for note in report.notes
    ]
    [walked] = [one for one in report.walked if one.chain.kind == "decision"]
    assert 3 == walked.records


def test_a_disk_that_stays_full_is_not_filled_with_attempts(log: Path) -> None:
    """Every write is refused, and none leaves a file behind."""
    with journal(log) as written:
        written.write(decisions(1))
        with longest(100):
            for _again in range(5):
                with pytest.raises(LogUnavailable):
                    written.write(decisions(2))
        written.write(decisions(3))

    assert [1, 3] == revisions(log)
    assert [] == findings(log)


def test_heads_that_were_signed_before_a_refusal_are_kept_to(log: Path) -> None:
    """Lines of a refused batch may be whole; heads that were signed just then tell of them."""
    with journal(log) as written:
        written.write(decisions(1))
        size = (log / "decision" / "0" / "00000001.jsonl").stat().st_size
        with longest(size + 1_500), pytest.raises(LogUnavailable):
            written.write(decisions(2, 3))
        signed(log)
        written.write(decisions(4))

    assert [] == findings(log)


def test_lost_records_are_counted_where_the_service_is_to_go_on(
    log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    With the failure ``lose`` nothing is refused, every record that is not there is counted, and
    the application log has one line when it begins and one when it ends.
    """
    caplog.set_level(logging.WARNING)
    lost: list[int] = []
    written = Journal(log, "0", Options(failure="lose"), lost.append, Hands())
    written.write(decisions(1))
    with longest(10):
        written.write(decisions(2, 3))
        written.write(acts(4))
        assert "cannot be written: File too large" == written.ailment()
    written.write(decisions(5))
    written.close()

    assert ([2, 1], [1, 5]) == (lost, revisions(log))
    assert [
        "records are being lost: the decision log cannot be written: File too large",
        "no more records are lost: the decision log is written again",
    ] == [one.message for one in caplog.records]
    assert [] == findings(log)


def test_a_log_that_cannot_be_made_refuses(tmp_path: Path) -> None:
    """Where no file can be made, nothing is written and the ailment says so, without a path."""
    (tmp_path / "occupied").write_text("a file in the folder's place")
    with journal(tmp_path / "occupied" / "log") as written:
        with pytest.raises(LogUnavailable, match="cannot be written"):
            written.write(acts(1))
        assert "cannot be written: Not a directory" == written.ailment()
        (tmp_path / "occupied").unlink()
        written.write(acts(2))
        assert written.ailment() is None

    assert [2] == revisions(tmp_path / "occupied" / "log", "act/0")


READ_ONLY = """
import os, sys
from pathlib import Path
from authz_service.domain.errors import LogUnavailable
from authz_service.journal.journal import Journal, Options
from authz_service.journal.packed import pack
from authz_service.journal.rendering import Renderer
from authz_service.journal.segments import Chain
from authz_service.journal.shared import Shared, finish
from authz_service.journal.writing import Open, Writer
from tests.journal.test_lines import ACT
folder = Path(sys.argv[1])
if os.getuid() == 0:
    # Root may write everywhere.
    os.chown(folder, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
folder.chmod(0o500)
journal = Journal(folder / "log", "0", Options(), print)
print(journal.ailment())
try:
    journal.write([ACT])
except LogUnavailable as error:
    print(error)
"""


def test_a_folder_that_may_only_be_read_refuses() -> None:
    """The system's own refusal is what is told."""
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    told = child(READ_ONLY, str(folder)).communicate()[0]
    folder.rmdir()

    assert [
        "cannot be written: Permission denied",
        "the decision log cannot be written: Permission denied",
    ] == told.splitlines()


def child(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_a_closed_journal_refuses(log: Path) -> None:
    """What comes after the end is not written anywhere."""
    with journal(log) as written:
        written.write(acts(1))
    with pytest.raises(LogUnavailable, match="it is closed"):
        written.write(acts(2))


@pytest.mark.parametrize("failure", ["refuse", "lose"])
def test_who_has_lost_its_place_writes_no_more(
    log: Path, failure: Literal["refuse", "lose"]
) -> None:
    """Where somebody removed the locks and another took the place, the chain would fork."""
    lost: list[int] = []
    options = Options(heads_seconds=0.02, failure=failure)
    first = Journal(log, "0", options, lost.append, Hands())
    first.write(decisions(1))
    shutil.rmtree(log / "locks")
    (log / "locks").mkdir()
    (log / "locks" / "0").touch()
    until(lambda: first.ailment() is not None)
    told = "its lock was removed, and another made; only a new process writes again"
    assert f"cannot be written: {told}" == first.ailment()
    with journal(log) as second:
        second.write(decisions(2))
        if failure == "refuse":
            with pytest.raises(LogUnavailable, match="writes it no more"):
                first.write(decisions(3))
        else:
            first.write(decisions(3))
        second.write(decisions(4))
    first.close()

    assert [1, 2, 4] == revisions(log)
    assert [1] * (failure == "lose") == lost
    assert [] == findings(log)


def test_a_log_that_is_moved_away_and_put_back_is_gone_on_with(log: Path) -> None:
    """Nobody else had the place meanwhile, so the writer keeps it."""
    with journal(log, options=Options(heads_seconds=3600)) as first:
        first.write(decisions(1))
        (log / "locks").rename(log / "aside")
        first.write(decisions(2))
        time.sleep(3 * SYNC_SECONDS)
        (log / "aside").rename(log / "locks")
        first.write(decisions(3))
        assert first.ailment() is None

    assert [1, 2, 3] == revisions(log)
    assert [] == findings(log)


def test_many_threads_write_while_segments_are_closed_and_compressed(log: Path) -> None:
    """Nothing is lost, doubled or torn, and each thread's records stand in its order."""
    options = Options(segment_bytes=20_000, heads_seconds=0.05)
    with journal(log, options=options) as written:

        def write(thread: int) -> None:
            for number in range(100):
                written.write(decisions(*([thread * 1000 + number] * (1 + number % 3))))

        threads = [threading.Thread(target=write, args=(one,)) for one in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert written.ailment() is None

    expected = [[n for n in range(100) for _again in range(1 + n % 3)] for _thread in range(4)]
    found = revisions(log)
    assert expected == [[n % 1000 for n in found if n // 1000 == t] for t in range(4)]
    assert [] == findings(log)
    assert len(stored(log)) > 10
    assert 1 == len(list((log / "decision" / "0").glob("*.jsonl")))


@pytest.mark.parametrize("days", [0, 1])
def test_a_log_verifies_while_it_is_written(log: Path, days: int) -> None:
    """Segments fill up, are compressed, signed and removed meanwhile, and nothing is found."""
    clock, wrong, done = Hands(), [], threading.Event()
    options = Options(segment_bytes=5_000, heads_seconds=0.01, keep_decisions_days=days)
    with journal(log, options=options, clock=clock) as written:

        def write() -> None:
            number = 0
            while not done.wait(0.001):
                number += 1
                clock.now += DAY / 50
                written.write(decisions(number))

        written.write(decisions(0))
        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        while clock.now < NOW + 4 * DAY:
            wrong += findings(log)
        done.set()
        for thread in threads:
            thread.join()
        assert written.ailment() is None

    assert [] == wrong
    assert bool(days) != (log / "decision" / "0" / "00000001.jsonl.gz").exists()


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from authz_service.journal.journal import Journal, Options
from authz_service.journal.packed import pack
from authz_service.journal.rendering import Renderer
from authz_service.journal.segments import Chain
from authz_service.journal.shared import Shared, finish
from authz_service.journal.writing import Open, Writer
from tests.journal.test_lines import ACT
for number in range(int(sys.argv[3])):
    journal = Journal(Path(sys.argv[1]), sys.argv[2], Options(segment_bytes=5_000), print)
    for again in range(20):
        journal.write([replace(ACT, store_revision=number * 20 + again)])
    journal.close()
"""


def test_several_programs_share_the_chain_of_the_command_line(log: Path) -> None:
    """Each goes on from what the others have written; nothing is lost and the chain is one."""
    children = [child(WRITER, str(log), "cli", "2") for _ in range(3)]
    with journal(log, "cli", Options(segment_bytes=5_000)) as written:
        for number in range(20):
            written.write(acts(1000 + number))
            signed(log)
    assert [("", 0)] * 3 == [(one.communicate()[0], one.returncode) for one in children]

    found = revisions(log, "act/cli")
    assert [3] * 40 == [found.count(number) for number in range(40)]
    assert list(range(1000, 1020)) == [number for number in found if number >= 1000]
    assert [] == findings(log)


def test_the_command_line_goes_on_in_the_same_segment(log: Path) -> None:
    """Short programs do not leave a file each; but a torn tail and a new day begin a new one."""
    clock = Hands()
    for number in range(3):
        with journal(log, "cli", clock=clock) as written:
            written.write(acts(number))
    assert 1 == len(stored(log, "act/cli"))
    with (log / "act" / "cli" / "00000001.jsonl").open("ab") as torn:
        torn.write(b"{")
    with journal(log, "cli", clock=clock) as written:
        written.write(acts(3))
        clock.now += DAY
        written.write(acts(4))

    assert [3, 1, 1] == [one.count(b"\n") - 1 for one in stored(log, "act/cli")]
    assert [] == findings(log)


def test_two_programs_that_stay_open_write_one_segment(log: Path) -> None:
    """What one has open, another may have written to since: each goes on from the last line."""
    with journal(log, "cli") as one, journal(log, "cli") as other:
        for number in range(6):
            (one, other)[number % 2].write(acts(number))

    assert [7] == [content.count(b"\n") for content in stored(log, "act/cli")]
    assert list(range(6)) == revisions(log, "act/cli")
    assert [] == findings(log)


def test_a_program_that_writes_alone_opens_its_segment_once(log: Path) -> None:
    """It need not read again what nobody else has written to."""
    opened: list[Path] = []

    class Told(Open):
        def __init__(self, file: Path, flags: int = 0) -> None:
            opened.append(file)
            super().__init__(file, flags)

    class Telling(Writer):
        opens = Told

    chain = Chain("act", "cli")
    shared = Shared(log, Telling(log, chain, "here", 1 << 20, Hands(), finish))
    for number in range(3):
        shared.write([Renderer().body(one) for one in acts(number)])
    shared.close()

    assert [0, 1, 2] == revisions(log, "act/cli")
    assert [chain.plain(log, 1)] == opened


def emptied(log: Path) -> None:
    """Leave a file that was made and not filled, as a power cut does."""
    (log / "act" / "cli" / "00000002.jsonl").touch()


def compressed(log: Path) -> None:
    """Compress the last segment too, as nobody does while it may be written to."""
    plain = log / "act" / "cli" / "00000001.jsonl"
    pack(plain, plain.with_name(f"{plain.name}.gz"))


@pytest.mark.parametrize("happens", [emptied, compressed])
def test_the_command_line_goes_on_in_nothing_but_the_last_segment(
    log: Path, happens: Callable[[Path], None]
) -> None:
    """Behind another file, and where its own is closed for good, a new one begins."""
    with journal(log, "cli") as written:
        written.write(acts(0))
    happens(log)
    with journal(log, "cli") as written:
        written.write(acts(1))

    assert [[0], [1]] == [
        [
            found["store_revision"]
            for found in map(json.loads, content.splitlines())
            if found["kind"] == "act"
        ]
        for content in stored(log, "act/cli")
        if content
    ]
    assert [0, 1] == revisions(log, "act/cli")
    assert [] == findings(log)


def test_several_workers_have_a_chain_each(log: Path) -> None:
    """And whichever looks after the log does so for all."""
    children = [child(WRITER, str(log), str(place), "2") for place in range(1, 4)]
    assert [("", 0)] * 3 == [(one.communicate()[0], one.returncode) for one in children]

    assert [list(range(40))] * 3 == [revisions(log, f"act/{place}") for place in range(1, 4)]
    assert [] == findings(log)
    assert [] == [one for one in verified(log).notes if "torn" in one]


def test_no_file_is_left_open(log: Path) -> None:
    """Neither by many segments nor after the end."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with journal(log, options=Options(segment_bytes=1)) as written:
        written.write(acts(0))
        for number in range(30):
            written.write(decisions(number))
    assert before == len(list(Path("/proc/self/fd").iterdir()))
