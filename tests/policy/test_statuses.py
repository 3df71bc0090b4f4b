"""What workers say of their policies: true of those that live, and nothing of those that do not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.domain.errors import Problem
from authz_service.domain.policies import Attempt, Origin, Outcome, PolicyStatus, WorkerPolicy
from authz_service.policy.live.statuses import MOST_PROBLEMS, StatusBoard
from tests.fakes.clock import NOON

PROBLEMS = tuple(Problem("a.polar", line, 2, "é errado") for line in range(3))
REFUSED = Attempt(NOON, "c" * 64, Outcome.REFUSED, PROBLEMS, 12, ("ç.polar.txt",))
WORKERS = {
    "none in force": WorkerPolicy("0", 12, PolicyStatus()),
    "from the folder": WorkerPolicy("1", 34, PolicyStatus("d" * 64, NOON, Origin.FOLDER, REFUSED)),
}


@pytest.mark.parametrize("worker", WORKERS.values(), ids=WORKERS)
def test_what_a_worker_says_others_read(tmp_path: Path, worker: WorkerPolicy) -> None:
    """Everything comes back as it was said; a worker is no other to itself."""
    mine, reader = StatusBoard(tmp_path / "new"), StatusBoard(tmp_path / "new")
    assert [] == reader.others()

    mine.post(WORKERS["from the folder"])
    mine.post(worker)

    assert [worker] == reader.others()
    assert [] == mine.others()
    mine.close()
    assert [] == reader.others()
    assert [] == list((tmp_path / "new").iterdir())


def test_workers_stand_in_the_order_of_their_places(tmp_path: Path) -> None:
    """Whoever is asked, and whichever file comes first, they are listed as people count."""
    boards = {place: StatusBoard(tmp_path) for place in ("10", "2", "1", "3")}
    for place, board in boards.items():
        board.post(WorkerPolicy(place, 1, PolicyStatus()))

    assert ["1", "2", "3", "10"] == [one.place for one in StatusBoard(tmp_path).others()]
    for board in boards.values():
        board.close()


def test_problems_are_told_up_to_a_number(tmp_path: Path) -> None:
    """A file of a thousand mistakes makes no status of a thousand problems."""
    mine = StatusBoard(tmp_path)
    many = Attempt(NOON, "", Outcome.REFUSED, PROBLEMS * MOST_PROBLEMS)
    mine.post(WorkerPolicy("0", 1, PolicyStatus(attempt=many)))

    [found] = StatusBoard(tmp_path).others()
    assert found.status.attempt is not None
    assert MOST_PROBLEMS == len(found.status.attempt.problems)
    mine.close()


def test_a_killed_worker_says_nothing_and_is_swept_away(tmp_path: Path) -> None:
    """Its file counts for nothing from then on, whoever has its number now; the next removes it."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from authz_service.policy.live.statuses import StatusBoard\n"
        "from tests.policy.test_statuses import WORKERS\n"
        "StatusBoard(Path(sys.argv[1])).post(WORKERS['from the folder'])\n"
        "print(flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        reader = StatusBoard(tmp_path)
        assert [WORKERS["from the folder"]] == reader.others()
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert [] == reader.others()
    assert 1 == len(list(tmp_path.iterdir()))
    reader.post(WORKERS["none in force"])
    assert 1 == len(list(tmp_path.iterdir()))
    reader.close()


SAID: dict[str, Callable[[str], str]] = {
    "nothing": lambda _text: "",
    "a list": lambda _text: "[]",
    "no members": lambda _text: "{}",
    "no place": lambda _text: '{"attempt": null, "since": null, "origin": null, "digest": null}',
    "no attempt": lambda text: text.replace('"attempt": {', '"attempt": 3, "other": {'),
    "nested without end": lambda _text: "[" * 100_000,
    "a moment without a zone": lambda text: text.replace("+00:00", ""),
    "a place that is no text": lambda text: text.replace('"place": "1"', '"place": 1'),
    "a process that is no number": lambda text: text.replace('"pid": 34', '"pid": "34"'),
    "a digest that is none": lambda text: text.replace(f'"{"d" * 64}"', "5"),
    "a content that is none": lambda text: text.replace(f'"{"c" * 64}"', "5"),
    "a problem that is none": lambda text: text.replace('["a.polar", 0', '["a.polar", "0"'),
    "a problem without a file": lambda text: text.replace('["a.polar", 0', "[0, 0"),
    "too few of a problem": lambda text: text.replace('["a.polar", 0, 2,', '["a.polar", 0],['),
    "questions that are no number": lambda text: text.replace(": 12", ': "12"'),
    "a file that is none": lambda text: text.replace('"passed_over": [', '"passed_over": [5,'),
}


@pytest.mark.parametrize("damage", SAID.values(), ids=SAID)
def test_what_another_version_says_is_passed_over(
    tmp_path: Path, damage: Callable[[str], str]
) -> None:
    """Two versions of the service may share a data folder during an upgrade."""
    mine = StatusBoard(tmp_path)
    mine.post(WORKERS["from the folder"])
    [path] = tmp_path.iterdir()
    text = path.read_text()
    assert text != damage(text)
    path.write_text(damage(text))

    assert [] == StatusBoard(tmp_path).others()
    mine.close()


def test_nothing_personal_has_to_be_in_it(tmp_path: Path) -> None:
    """The file holds what is said and no more."""
    mine = StatusBoard(tmp_path)
    mine.post(WORKERS["from the folder"])
    [path] = tmp_path.iterdir()

    assert {"place", "pid", "digest", "since", "origin", "attempt"} == set(
        json.loads(path.read_text())
    )
    assert 0o600 == path.stat().st_mode & 0o777
    mine.close()
