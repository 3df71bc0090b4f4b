"""``kill -9`` at any moment loses no record of what was answered, and leaves every chain whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.journal.logs import findings, journal, revisions, signed, verified

ROOT = Path(__file__).parents[2]
SHORT, LONG = 4, 60

PROGRAM = """
import os, sys, threading
from dataclasses import replace
from pathlib import Path
from authz_service.journal.journal import Journal, Options
from tests.journal.test_lines import ACT, DECISION
log, place, sync, begin = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
options = Options(sync=sync, segment_bytes=30_000, heads_seconds=0.02)
journal = Journal(log, place, options, print)
def answer(thread):
    number = begin + thread * 100_000
    while True:
        number += 1
        many = 1 + number % 7
        if number % 5:
            record = DECISION._replace(store_revision=number)
        else:
            record = replace(ACT, store_revision=number)
        journal.write([record] * many)
        # One call, so that the line is whole or absent.
        os.write(1, b"%d %d\\n" % (number, many))
for thread in range(2):
    threading.Thread(target=answer, args=(thread,)).start()
"""


@pytest.mark.soak
@pytest.mark.parametrize("place", ["0", "cli"])
@pytest.mark.parametrize("sync", ["default", "strict"])
def test_what_was_answered_is_in_the_log(
    tmp_path: Path, request: pytest.FixtureRequest, sync: str, place: str
) -> None:
    """Killed again and again, while segments fill up, are compressed, and heads are signed."""
    log, moments = tmp_path / "log", random.Random(sync + place)  # noqa: S311 -- when to kill
    answered: dict[int, int] = {}
    turns = LONG if request.config.getoption("--soak") else SHORT
    for turn in range(turns):
        begin = turn * 1_000_000
        program = [sys.executable, "-c", PROGRAM, str(log), place, sync, str(begin)]
        with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            # From the first answer on; before, nothing happens.
            told = child.stdout.readline()
            time.sleep(moments.uniform(0, 0.15))
            child.kill()
            told += child.stdout.read()
        for line in told.splitlines():
            number, many = map(int, line.split())
            answered[number] = many
        assert [] == findings(log)

    found = revisions(log, f"decision/{place}") + revisions(log, f"act/{place}")
    counted: dict[int, int] = {}
    for number in found:
        counted[number] = counted.get(number, 0) + 1
    assert answered == {number: counted.get(number, 0) for number in answered}
    # At most what each thread was about when it was killed was written and not answered.
    assert len(counted.keys() - answered.keys()) <= 2 * turns
    assert len(answered) >= turns
    report = verified(log)
    assert len(found) == sum(one.records for one in report.walked)
    with journal(log, "0") as written:
        assert written.ailment() is None
    signed(log)
    assert [] == findings(log)
