"""What ``write`` returned from is in the file, whole, whoever else writes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from authz_service.domain.errors import LogUnavailable
from authz_service.journal.file import FileLog
from tests.journal.test_lines import ACT, DECISION


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "decisions.jsonl"


@pytest.fixture(name="log")
def _log(path: Path) -> Iterator[FileLog]:
    log = FileLog(path)
    yield log
    log.close()


def kinds(path: Path) -> list[str]:
    """Give the kinds of the records in a file."""
    return [json.loads(line)["kind"] for line in path.read_bytes().splitlines()]


def test_records_are_appended_in_order(log: FileLog, path: Path) -> None:
    """Each write adds its records behind what there was."""
    log.write([DECISION, ACT])
    log.write([ACT])

    assert ["decision", "act", "act"] == kinds(path)


def test_the_file_is_its_owners(log: FileLog, path: Path) -> None:
    """File and folder are made for the owner only."""
    log.write([ACT])

    assert (0o600, 0o700) == (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777)


def test_a_rotated_file_is_made_anew(log: FileLog, path: Path) -> None:
    """After a rotation records go to a new file, and not into the moved one."""
    log.write([DECISION])
    path.rename(path.with_suffix(".1"))
    log.write([ACT])

    assert (["decision"], ["act"]) == (kinds(path.with_suffix(".1")), kinds(path))


def test_a_replaced_file_is_noticed(log: FileLog, path: Path) -> None:
    """A file that stands in the old one's place is the one written to."""
    log.write([DECISION])
    path.rename(path.with_suffix(".1"))
    path.touch(mode=0o600)
    log.write([ACT])

    assert ["act"] == kinds(path)


def test_a_torn_line_stays_one_by_itself(path: Path) -> None:
    """What a power failure cut off does not spoil the next record."""
    path.parent.mkdir()
    path.write_bytes(b'{"kind":"decision"}\n{"kind":"dec')
    log = FileLog(path)
    log.write([ACT])
    log.close()

    lines = path.read_bytes().splitlines()
    assert b'{"kind":"dec' == lines[1]
    assert "act" == json.loads(lines[2])["kind"]


def test_a_log_that_cannot_be_made_refuses(tmp_path: Path) -> None:
    """Where no file can be made, nothing is written and the ailment says so."""
    (tmp_path / "occupied").write_text("a file in the folder's place")
    log = FileLog(tmp_path / "occupied" / "decisions.jsonl")

    with pytest.raises(LogUnavailable, match="cannot be written"):
        log.write([ACT])
    ailment = log.ailment()
    assert ailment is not None
    assert str(tmp_path) not in ailment
    log.close()


def test_a_log_that_can_be_written_is_well(log: FileLog) -> None:
    """A healthy log has no ailment."""
    assert log.ailment() is None


def test_a_full_disk_leaves_no_half_record(log: FileLog, path: Path) -> None:
    """When the space ends in the middle of a batch, none of it stays, and later ones fit again."""
    log.write([ACT])
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file size limit fails like a full disk; Python ignores the signal that comes with it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(LogUnavailable):
            log.write([DECISION, DECISION])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert before == path.read_bytes()
    assert "cannot be written: File too large" == log.ailment()
    log.write([DECISION])
    assert log.ailment() is None
    assert ["act", "decision"] == kinds(path)


def test_many_threads_and_processes_share_a_file(path: Path) -> None:
    """Records of several processes and threads stand side by side, none lost, none torn."""
    program = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from authz_service.journal.file import FileLog\n"
        "from tests.journal.test_lines import DECISION\n"
        "log = FileLog(Path(sys.argv[1]))\n"
        "for number in range(200):\n"
        "    log.write([replace(DECISION, store_revision=number)] * 3)\n"
        "log.close()\n"
    )
    root = Path(__file__).parents[2]
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=root) for _ in range(2)
    ]
    log = FileLog(path)

    def write() -> None:
        for number in range(200):
            log.write([replace(DECISION, store_revision=number)])

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = [child.wait() for child in children]
    log.close()

    assert [0, 0] == codes
    revisions = [json.loads(line)["store_revision"] for line in path.read_bytes().splitlines()]
    assert 2 * 200 * 3 + 2 * 200 == len(revisions)
    assert all(revisions.count(number) == 8 for number in range(200))


def test_it_holds_one_file_open(log: FileLog, path: Path) -> None:
    """Rotations do not leave open files behind."""
    log.write([ACT])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        path.rename(path.with_suffix(f".{number}"))
        log.write([ACT])

    assert before == len(list(Path("/proc/self/fd").iterdir()))
