"""
The disk fails: what cannot be written down is neither answered nor done.

The log is looked for where it lies now: a service that goes on writing into a file that was
taken away answers what nobody will ever find.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.operation.failing.filling import full
from tests.operation.failing.scene import AT_ONCE, REFUSED, Heard, Scene, decision_of, local
from tests.operation.house import Answer
from tests.operation.mixed.calling import decisions_in, logged
from tests.operation.signing_in import eventually

pytestmark = pytest.mark.usefixtures("well")

NOTICED_WITHIN = 1.0
"""Seconds after which nothing is written any more into a file that was removed."""


def log_of(scene: Scene) -> Path:
    """Give the folder of the log."""
    return scene.folder / "var" / "log"


def named(heard: list[Heard]) -> list[str]:
    """Give the names of the decisions that were answered, out of those who asked for one each."""
    return [name for one in heard for name, _decision in decisions_in(lower(one.answer))]


def lower(answer: Answer) -> Answer:
    """Give an answer with the names of its headers as both servers would write them."""
    headers = {name.lower(): text for name, text in answer.headers.items()}
    return Answer(answer.status, headers, answer.body)


def ask_one_by_one(scene: Scene, count: int) -> list[Heard]:
    """Ask in the two forms whose answers always name their decision."""
    return [scene.ask(form=form % 2) for form in range(count)]


def answered_rightly(heard: list[Heard]) -> bool:
    """Tell whether all were told that the member may."""
    return {(200, True)} == {(one.answer.status, decision_of(one.answer)) for one in heard}


def in_the_log(data: Path, heard: list[Heard]) -> bool:
    """Tell whether each decision that was answered stands in the log of *data*, once."""
    times = logged(data).times
    return {1} >= {times[name] for name in named(heard)}


def test_a_disk_without_room(scene: Scene) -> None:
    """Decisions and acts are 503, and an act is not done; with room, both go on by themselves."""
    # Not one byte, in no file: less would be room for a new file of the log.
    with full(scene.service, 0):
        heard = scene.ask_at_once()
        done = scene.delegate("P001", "P015")
        status, parts = scene.parts()
    answers = ask_one_by_one(scene, 6)

    assert [REFUSED] * AT_ONCE == [one.refusal for one in heard]
    assert REFUSED == done.refusal
    assert (200, True) == (status, parts["decision log"].startswith("cannot be written"))
    assert answered_rightly(answers)
    assert in_the_log(scene.folder / "var", answers)
    assert {"P001"} == scene.delegated()
    assert "ok" == scene.parts()[1]["decision log"]


def test_a_disk_that_fills_up(scene: Scene) -> None:
    """A record that fits only in part is none: its decision is refused, or stands elsewhere."""
    heard: list[Heard] = []
    for room in (1, 40, 200, 500, 900, 1500):
        largest = max(one.stat().st_size for one in log_of(scene).rglob("*.jsonl"))
        with full(scene.service, largest + room):
            heard += ask_one_by_one(scene, 4)
    heard += ask_one_by_one(scene, 4)

    assert {REFUSED} >= {one.refusal for one in heard if one.answer.status != 200}
    assert answered_rightly([one for one in heard if one.answer.status == 200])
    assert answered_rightly(heard[-4:])
    assert in_the_log(scene.folder / "var", heard)


def test_a_disk_without_room_for_the_database(scene: Scene) -> None:
    """Acts are 503 and not done at all; decisions, which change nothing, are made as ever."""
    var = scene.folder / "var"
    with closing(sqlite3.connect(var / "authz.db", isolation_level=None)) as reader:
        # While somebody reads an old state, the database's log can only grow.
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM store_revision").fetchall()
        # It has to be larger than ours, which the bound below must not stop.
        for turn in range(60):
            assert 200 == scene.delegate("P001", *(["P015"] if turn % 2 else [])).answer.status
        assert 200 == scene.delegate("P001").answer.status
        with full(scene.service, (var / "authz.db-wal").stat().st_size):
            done = scene.delegate("P001", "P061")
            heard = ask_one_by_one(scene, 6)
            found = scene.delegated()
    after = scene.delegate("P001", "P061").answer.status

    assert REFUSED == done.refusal
    assert {"P001"} == found
    assert answered_rightly(heard)
    assert in_the_log(var, heard)
    assert (200, {"P001", "P061"}) == (after, scene.delegated())
    assert scene.told("StoreUnavailable")


@pytest.mark.parametrize("instead", [None, "something else of this name"])
def test_a_log_that_is_moved_away(scene: Scene, instead: str | None) -> None:
    """It is gone on with where it lies now, or anew in its place; each answer stands in one."""
    aside = scene.folder / f"aside of {instead}" / "log"
    aside.parent.mkdir()
    log_of(scene).rename(aside)
    if instead is not None:
        log_of(scene).write_text(instead)
    heard = ask_one_by_one(scene, 6)
    if instead is not None:
        log_of(scene).unlink()
    heard += ask_one_by_one(scene, 6)
    if not log_of(scene).exists():
        aside.rename(log_of(scene))
    heard += ask_one_by_one(scene, 6)

    assert {REFUSED} >= {one.refusal for one in heard if one.answer.status != 200}
    assert answered_rightly(heard[-6:])
    both = Counter(logged(aside.parent).times) + Counter(logged(scene.folder / "var").times)
    assert {1} == {both[name] for name in named(heard)}


def test_a_log_that_is_removed(scene: Scene) -> None:
    """What came in the moment before it was noticed is gone with it, and nothing later."""
    shutil.rmtree(log_of(scene))
    scene.ask()
    time.sleep(NOTICED_WITHIN)
    heard = ask_one_by_one(scene, 6)

    assert {REFUSED} >= {one.refusal for one in heard if one.answer.status != 200}
    assert in_the_log(scene.folder / "var", heard)
    assert [True] * 3 == [scene.first_answer()[0] for _ in range(3)]
    assert eventually(lambda: scene.parts()[1]["decision log"] == "ok")


def test_a_log_that_cannot_be_begun(tmp_path: Path) -> None:
    """The service starts and refuses, and answers once the log can be made; nobody restarts it."""
    with local(tmp_path) as scene:
        assert 0 == scene.service.stop()
        shutil.rmtree(log_of(scene))
        log_of(scene).write_text("something else of this name")
        scene.service = scene.serve()
        heard, (status, parts) = scene.ask_at_once(), scene.parts()
        log_of(scene).unlink()
        last = ask_one_by_one(scene, 4)

        assert [REFUSED] * AT_ONCE == [one.refusal for one in heard]
        assert (200, True) == (status, parts["decision log"].startswith("cannot be written"))
        assert answered_rightly(last)
        assert in_the_log(scene.folder / "var", last)


def test_a_log_that_may_lose(tmp_path: Path) -> None:
    """Where an operator wants it, decisions go on without room, and each loss is counted."""
    with local(tmp_path, AUTHZ_LOG_FAILURE="lose") as scene:
        with full(scene.service, 0):
            heard, (_status, parts) = ask_one_by_one(scene, 6), scene.parts()
        last = ask_one_by_one(scene, 6)
        metrics = scene.send("GET", "/metrics").answer.body.decode().splitlines()
        [lost] = [one for one in metrics if one.startswith("authz_decision_log_lost_records_total")]
        times = logged(scene.folder / "var").times

        assert answered_rightly(heard)
        assert parts["decision log"].startswith("cannot be written")
        assert {0} == {times[name] for name in named(heard)}
        assert len(heard) == float(lost.split()[-1])
        assert in_the_log(scene.folder / "var", last)
