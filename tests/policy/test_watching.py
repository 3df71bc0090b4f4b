"""Editing the files is enough: what is good comes into force by itself, and nothing else does."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from authz_service.domain.decision import Caller
from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.domain.policies import Origin, Outcome
from authz_service.policy.live.content import Content, look_into
from authz_service.policy.live.watching import STILL_SECONDS
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.log import ListLog
from tests.policy.compiled import reasons
from tests.policy.watched import BROKEN, OTHER, PERMIT, Watched, write

LATER = timedelta(minutes=5)
SUITE = '[[case]]\nname = "x"\n'


def eventually(true: Callable[[], bool]) -> bool:
    """Tell whether something comes to be true."""
    until = time.monotonic() + 20
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    write(tmp_path / "policies")
    return tmp_path


@pytest.fixture(name="watched")
def _watched(home: Path) -> Iterator[Watched]:
    watched = Watched(home)
    watched.watcher.begin()
    yield watched
    watched.watcher.close()


def test_at_the_start_the_folder_comes_into_force(watched: Watched) -> None:
    """It is in force before the first look, written down as an act, and told once."""
    digest = watched.policy.current().digest

    [act] = watched.acts
    assert ("policy.applied", Caller("operator")) == (act.act, act.caller)
    assert {"digest": digest, "before": None} == act.details
    [status] = watched.heard
    assert (digest, NOON, Origin.FOLDER, True) == (
        status.digest,
        status.since,
        status.origin,
        status.current,
    )


def test_an_unchanged_folder_is_tried_once(watched: Watched) -> None:
    """Looks at what has been tried cost no compilation, and nobody hears of them."""
    watched.settle()

    assert (1, 1) == (len(watched.gate.passed), len(watched.heard))


def test_an_edit_counts_once_it_is_quiet(watched: Watched) -> None:
    """At the first look the edit may be half done; at the second, unchanged, it counts."""
    before = watched.policy.current().digest
    write(watched.folder, OTHER)
    watched.clock.advance(LATER)

    watched.watcher.look()
    assert before == watched.policy.current().digest
    watched.watcher.look()

    after = watched.policy.current().digest
    assert before != after
    assert {"digest": after, "before": before} == watched.acts[-1].details
    assert (after, NOON + LATER) == (watched.heard[-1].digest, watched.heard[-1].since)


def test_a_file_that_is_being_written_is_waited_for(watched: Watched) -> None:
    """As long as every look finds something else, nothing is tried, however good a part looks."""
    for end in range(1, len(OTHER)):
        (watched.folder / "more.polar").write_text(OTHER[:end])
        watched.watcher.look()
    assert (1, ["rules.polar:1"]) == (len(watched.gate.passed), watched.places)

    (watched.folder / "more.polar").write_text(OTHER)
    watched.settle()

    assert (2, ["more.polar:1", "rules.polar:1"]) == (len(watched.gate.passed), watched.places)


def _same_size_and_date(folder: Path) -> None:
    file = folder / "rules.polar"
    before = file.stat()
    file.write_text(PERMIT.replace("_p:", "_q:"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _put_in_its_place(folder: Path) -> None:
    """Do as most editors save."""
    write(folder, f"\n{OTHER}", "new")
    (folder / "new").rename(folder / "rules.polar")


def _swap_of_a_link(folder: Path) -> None:
    """Do as Kubernetes does where a ConfigMap is mounted."""
    for name, rules in (("..one", PERMIT), ("..two", PERMIT + OTHER)):
        write(folder / name, rules)
    (folder / "..data").symlink_to("..one")
    for name in ("rules.polar", "reasons.toml"):
        (folder / name).unlink()
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..next").symlink_to("..two")
    (folder / "..next").rename(folder / "..data")


def _swap_of_the_folder(folder: Path) -> None:
    write(folder.with_name("next"), PERMIT + OTHER)
    folder.rename(folder.with_name("before"))
    folder.with_name("next").rename(folder)


EDITS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a new rule": (lambda f: write(f, PERMIT + OTHER), ["rules.polar:1", "rules.polar:2"]),
    "a new file": (lambda f: write(f, OTHER, "a.polar"), ["a.polar:1", "rules.polar:1"]),
    "a new folder": (lambda f: write(f, OTHER, "b/c.polar"), ["b/c.polar:1", "rules.polar:1"]),
    "a rename": (lambda f: (f / "rules.polar").rename(f / "z.polar"), ["z.polar:1"]),
    "a file put in its place": (_put_in_its_place, ["rules.polar:2"]),
    "the same size and date": (_same_size_and_date, ["rules.polar:1"]),
    "the swap of a link": (_swap_of_a_link, ["rules.polar:1", "rules.polar:2"]),
    "the swap of the folder": (_swap_of_the_folder, ["rules.polar:1", "rules.polar:2"]),
}


@pytest.mark.parametrize(("edit", "expected"), EDITS.values(), ids=EDITS)
def test_every_way_of_editing_is_noticed(
    watched: Watched, edit: Callable[[Path], object], expected: list[str]
) -> None:
    """What counts is what the folder holds, not how or when it came there."""
    before = watched.policy.current().digest

    edit(watched.folder)
    status = watched.settle()

    assert (True, expected) == (status.current, watched.places)
    assert before != status.digest


def test_a_deleted_file_takes_its_rules_along(watched: Watched) -> None:
    """What is gone from the folder is gone from the policy."""
    write(watched.folder, OTHER, "more.polar")
    watched.settle()
    (watched.folder / "more.polar").unlink()
    watched.settle()

    assert ["rules.polar:1"] == watched.places


def test_a_touched_file_is_no_change(watched: Watched) -> None:
    """Dates count for nothing."""
    os.utime(watched.folder / "rules.polar", (1, 1))
    watched.settle()

    assert 1 == len(watched.gate.passed)


def test_a_bad_edit_changes_nothing_and_is_told_once(watched: Watched) -> None:
    """What is in force stays, with why the edit is not; it is not tried again until it changes."""
    before = watched.policy.current()
    write(watched.folder, BROKEN)
    for _ in range(3):
        watched.settle()

    assert before is watched.policy.current()
    assert (2, 2, 1) == (len(watched.gate.passed), len(watched.heard), len(watched.acts))
    assert (Outcome.REFUSED, "rules.polar") == (
        watched.attempt.outcome,
        watched.attempt.problems[0].file,
    )
    assert not watched.heard[-1].current

    write(watched.folder, PERMIT + OTHER)
    assert watched.settle().current
    assert 2 == len(watched.places)


def test_back_to_what_is_in_force_is_no_act(watched: Watched) -> None:
    """To undo a bad edit mends the status; the policy was in force all the time."""
    before = watched.policy.current()
    write(watched.folder, BROKEN)
    watched.settle()
    watched.clock.advance(LATER)
    write(watched.folder, PERMIT)
    status = watched.settle()

    assert before is watched.policy.current()
    assert (True, NOON, 1) == (status.current, status.since, len(watched.acts))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (shutil.rmtree, "there is no policy folder of this name"),
        (lambda folder: (folder / "reasons.toml").unlink(), "No such file or directory"),
        (lambda folder: (folder / "gone.polar").symlink_to("nowhere"), "No such file"),
        (lambda folder: (folder / "linked").symlink_to("/"), "it is a link to a folder"),
    ],
    ids=["no folder", "no reasons", "a dead link", "a link to a folder"],
)
def test_a_folder_that_cannot_be_read_keeps_what_is_in_force(
    watched: Watched, spoil: Callable[[Path], object], said: str
) -> None:
    """To delete the folder is no way to change the policy; it is told, and mended by itself."""
    aside = watched.folder.with_name("aside")
    shutil.copytree(watched.folder, aside)
    spoil(watched.folder)
    status = watched.settle()

    assert (False, ["rules.polar:1"]) == (status.current, watched.places)
    assert said in watched.attempt.problems[0].message

    shutil.rmtree(watched.folder, ignore_errors=True)
    aside.rename(watched.folder)
    assert watched.settle().current


def test_to_delete_the_tests_is_no_way_to_pass_them(watched: Watched) -> None:
    """A wider rule whose tests went with it is refused, also by a restart, until one asks again."""
    watched.gate.questions = 5
    write(watched.folder, PERMIT + OTHER)
    before = watched.settle().digest
    watched.gate.questions = 0
    write(watched.folder, OTHER)

    status = watched.settle()
    assert (before, False) == (status.digest, status.current)
    assert (0, ["tests-gone"]) == (
        watched.attempt.questions,
        [one.check for one in watched.attempt.problems],
    )

    restarted = Watched(watched.folder.parent)
    restarted.watcher.begin()
    assert (before, Origin.LAST_GOOD) == (
        restarted.policy.status.digest,
        restarted.policy.status.origin,
    )

    restarted.gate.questions = 1
    write(watched.folder, f"\n{OTHER}")
    assert restarted.settle().current
    assert 1 == restarted.attempt.questions


def test_tests_are_part_of_what_is_tried(watched: Watched) -> None:
    """A change of a test passes the gate, keeps the very policy in force, and is no act."""
    before = watched.policy.current()
    (watched.folder / "rules_test.toml").write_text(SUITE)
    status = watched.settle()

    assert ("rules_test.toml",) == tuple(one.file for one in watched.gate.passed[-1][1])
    assert before is watched.policy.current()
    assert (True, 1) == (status.current, len(watched.acts))


def test_what_cannot_be_written_down_does_not_come_into_force(watched: Watched) -> None:
    """Without the log the edit waits, is checked and told once, and comes in when it is back."""
    before = watched.policy.current()
    watched.log.broken = True
    write(watched.folder, OTHER)
    for _ in range(3):
        watched.settle()

    assert before is watched.policy.current()
    assert Outcome.POSTPONED is watched.attempt.outcome
    assert 2 == len(watched.gate.passed)
    waits = (Problem(".", 0, 0, "the decision log cannot be written"),)
    assert waits == watched.attempt.problems
    assert (2, 1) == (len(watched.heard), len(watched.acts))

    watched.log.broken = False
    watched.watcher.look()
    assert watched.policy.status.current
    assert (3, 2) == (len(watched.heard), len(watched.acts))


def test_a_start_without_a_log_decides_nothing_until_it_is_back(home: Path) -> None:
    """A policy that nobody could write down is not in force, and comes into force by itself."""
    watched = Watched(home)
    watched.log.broken = True
    watched.watcher.begin()
    assert "the decision log cannot be written" in str(watched.policy.ailment())

    watched.log.broken = False
    watched.watcher.look()

    assert (None, 1) == (watched.policy.ailment(), len(watched.acts))


TIMEOUT = Problem(".", 0, 0, "took more than 60 seconds", "timeout")
STEP = 10.0


def rests(watched: Watched) -> list[float]:
    """Give how many seconds pass until each of the next seven checks of what the folder holds."""
    found = []
    for _ in range(7):
        checked, looks = len(watched.gate.passed), 0
        while len(watched.gate.passed) == checked:
            watched.watcher.look()
            looks += 1
        found.append(looks * STEP)
    return found


def test_what_could_not_be_checked_to_the_end_is_checked_again(home: Path) -> None:
    """A busy machine heals by itself; a text that hangs costs less and less, and is told once."""
    watched = Watched(home, seconds=STEP)
    watched.gate.error = PolicyInvalid([TIMEOUT])
    watched.watcher.begin()
    assert (Outcome.POSTPONED, (TIMEOUT,)) == (watched.attempt.outcome, watched.policy.problems)

    for least, seconds in zip((30, 60, 120, 240, 480, 600, 600), rests(watched), strict=True):
        assert least <= seconds <= 1.5 * least + STEP
    assert (8, 1) == (len(watched.gate.passed), len(watched.heard))
    assert "no valid policy is loaded: .:0:0: took more" in str(watched.policy.ailment())

    watched.gate.error = None
    for _ in range(91):
        watched.watcher.look()
    assert (9, 2) == (len(watched.gate.passed), len(watched.heard))
    assert (None, True) == (watched.policy.ailment(), watched.policy.status.current)


def test_another_edit_does_not_wait_for_the_one_that_hangs(home: Path) -> None:
    """What is new is checked at once; what hangs begins anew with a short rest."""
    watched = Watched(home, seconds=STEP)
    watched.gate.error = PolicyInvalid([TIMEOUT])
    watched.watcher.begin()
    rests(watched)
    write(watched.folder, OTHER)
    watched.settle()
    assert 9 == len(watched.gate.passed)
    for _ in range(6):
        watched.watcher.look()
    assert 10 == len(watched.gate.passed)

    watched.gate.error = None
    write(watched.folder, PERMIT + OTHER)
    assert watched.settle().current


def test_a_kept_policy_that_could_not_be_checked_is_checked_again(watched: Watched) -> None:
    """With a bad folder at the start, a busy machine does not leave the service without one."""
    home = watched.folder.parent
    write(watched.folder, BROKEN)
    restarted = Watched(home, seconds=STEP)
    restarted.gate.error = PolicyInvalid([TIMEOUT])
    restarted.watcher.begin()
    assert [TIMEOUT, TIMEOUT] == list(restarted.policy.problems)

    restarted.gate.error = None
    for _ in range(7):
        restarted.watcher.look()

    assert (None, Origin.LAST_GOOD) == (restarted.policy.ailment(), restarted.policy.status.origin)
    assert ["rules.polar"] == [one.file for one in restarted.policy.problems]
    assert not restarted.policy.status.current


@pytest.mark.parametrize(
    ("check", "looks"), [("timeout", 2), ("killed", 100)], ids=["resting", "known to be bad"]
)
def test_a_kept_policy_is_not_checked_at_every_look(
    watched: Watched, check: str, looks: int
) -> None:
    """What could not be checked has a rest first, and what is bad is bad."""
    write(watched.folder, BROKEN)
    restarted = Watched(watched.folder.parent, seconds=STEP)
    restarted.gate.error = PolicyInvalid([replace(TIMEOUT, check=check)])
    restarted.watcher.begin()
    checked = len(restarted.gate.passed)

    for _ in range(looks):
        restarted.watcher.look()

    assert checked == len(restarted.gate.passed)
    assert restarted.policy.ailment() is not None


def test_a_kept_policy_serves_when_the_folder_is_bad_at_the_start(watched: Watched) -> None:
    """A restart with a bad folder serves what was in force, since then, and says so; no act."""
    digest = watched.policy.current().digest
    write(watched.folder, BROKEN)
    restarted = Watched(watched.folder.parent)
    restarted.clock.advance(LATER)

    restarted.watcher.begin()

    status = restarted.policy.status
    assert (digest, NOON, Origin.LAST_GOOD, False) == (
        status.digest,
        status.since,
        status.origin,
        status.current,
    )
    assert [] == restarted.acts
    assert restarted.policy.ailment() is None
    assert str(restarted.policy.flaw()).startswith(
        "the last good policy that was kept is in force, not what the folder holds: 1 problem: "
    )

    write(restarted.folder, PERMIT)
    status = restarted.settle()
    assert (digest, NOON, Origin.FOLDER, True) == (
        status.digest,
        status.since,
        status.origin,
        status.current,
    )
    assert [] == restarted.acts


def test_the_same_policy_after_a_restart_is_no_act(watched: Watched) -> None:
    """A restart changes nothing, so nothing is written down, and it counts since it did."""
    restarted = Watched(watched.folder.parent)
    restarted.clock.advance(LATER)
    restarted.watcher.begin()

    assert ([], NOON) == (restarted.acts, restarted.policy.status.since)


def test_without_a_kept_policy_a_bad_folder_leaves_none(home: Path) -> None:
    """There is nothing to fall back on at the first start, so nothing is decided."""
    write(home / "policies", BROKEN)
    watched = Watched(home)
    watched.watcher.begin()

    assert str(watched.policy.ailment()).startswith("no valid policy is loaded: rules.polar:1:")
    assert (None, None) == (watched.policy.status.digest, watched.policy.status.origin)


def test_a_damaged_copy_is_refused_and_told(watched: Watched) -> None:
    """A copy that is not whole serves nobody; both problems are told."""
    text = watched.kept.read_text()
    watched.kept.write_text(
        text.replace('"since": "20', '"since": "19').replace("cGVybW", "cGVybX")
    )
    write(watched.folder, BROKEN)
    restarted = Watched(watched.folder.parent)
    restarted.watcher.begin()

    assert restarted.policy.ailment() is not None
    damaged = Problem("last-good.json", 0, 0, "the last good policy is damaged, and not used")
    assert damaged == restarted.policy.problems[-1]


def test_a_copy_that_passes_no_more_is_refused_and_told(watched: Watched) -> None:
    """What was good for an earlier version of the service has to be good for this one as well."""
    write(watched.folder, BROKEN)
    restarted = Watched(watched.folder.parent)
    restarted.gate.error = ValueError("the child never says that")
    restarted.watcher.begin()

    assert "no valid policy is loaded" in str(restarted.policy.ailment())


def test_several_workers_write_one_act_and_tell_of_each_other(home: Path) -> None:
    """Whoever is first writes it down; they agree on since when, and each tells of all."""
    log = ListLog()
    one, ten, two = (Watched(home, place, log) for place in ("1", "10", "2"))
    for number, worker in enumerate((ten, one, two)):
        worker.clock.advance(number * LATER)
        worker.watcher.begin()

    assert ["policy.applied"] == [act.act for act in one.acts]
    for worker in (one, ten, two):
        found = worker.watcher.workers()
        assert ["1", "2", "10"] == [each.place for each in found]
        assert {(os.getpid(), NOON)} == {(each.pid, each.status.since) for each in found}

    ten.watcher.close()
    assert ["1", "2"] == [each.place for each in one.watcher.workers()]
    one.watcher.close()
    two.watcher.close()


def test_a_status_that_cannot_be_told_ends_nothing(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """The policy comes into force all the same, the worker tells of itself, and the log says so."""
    folder = watched.kept.parent / "status"
    shutil.rmtree(folder)
    folder.write_text("")
    write(watched.folder, OTHER)
    with caplog.at_level(logging.ERROR):
        assert watched.settle().current

    assert [True] == [one.status.current for one in watched.watcher.workers()]
    assert ["FileExistsError while telling of the policy"] == caplog.messages
    folder.unlink()


def test_it_watches_by_itself_until_it_is_closed(watched: Watched) -> None:
    """Once started, nobody has to look; once closed, it looks no more."""
    watched.watcher.start()
    write(watched.folder, PERMIT + OTHER)
    assert eventually(lambda: len(watched.places) == 2)

    watched.watcher.close()
    write(watched.folder, PERMIT)
    time.sleep(0.1)
    assert 2 == len(watched.places)


class Stumbling:
    """Reads a folder; with ``error`` set it raises that, with ``waits`` set it waits for it."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.waits: threading.Event | None = None
        self.waiting = threading.Event()

    def __call__(self, folder: Path) -> Content:
        """Read, or not."""
        if self.error is not None:
            raise self.error
        if self.waits is not None:
            self.waiting.set()
            self.waits.wait(20)
        return look_into(folder)


def test_no_look_ends_the_watch(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody foresaw is told once, as a refused attempt; the next look is another."""
    look_at = Stumbling()
    watched = Watched(home, look_at=look_at)
    watched.watcher.begin()
    watched.watcher.start()
    with caplog.at_level(logging.ERROR):
        look_at.error = RecursionError("187.627.946-04")
        assert eventually(lambda: not watched.policy.status.current)
        looks = len(watched.looks)
        assert eventually(lambda: len(watched.looks) > looks + 3)

    assert ["RecursionError while looking at the policy folder"] == caplog.messages
    said = Problem(".", 0, 0, "cannot be looked at: RecursionError", "unreadable")
    assert (Outcome.REFUSED, (said,)) == (watched.attempt.outcome, watched.attempt.problems)
    assert str(said) in str(watched.watcher.flaw())

    look_at.error = None
    assert eventually(lambda: watched.policy.status.current)
    assert watched.watcher.flaw() is None
    watched.watcher.close()


def test_no_folder_ends_the_start(watched: Watched) -> None:
    """A start that cannot look decides by what was kept, and looks again by itself."""
    look_at = Stumbling()
    look_at.error = RecursionError()
    restarted = Watched(watched.folder.parent, look_at=look_at)
    restarted.watcher.begin()
    assert Origin.LAST_GOOD is restarted.policy.status.origin
    assert 1 == len(restarted.heard)

    look_at.error = None
    assert restarted.settle().current


def test_a_watch_that_stands_still_is_seen(home: Path) -> None:
    """A folder that does not answer, such as a share that is gone, is told after two minutes."""
    look_at = Stumbling()
    watched = Watched(home, look_at=look_at)
    assert watched.watcher.flaw() is None
    watched.watcher.begin()
    watched.clock.advance(timedelta(hours=1))
    # Nobody watches yet, so nobody stands still.
    assert watched.watcher.flaw() is None
    watched.watcher.start()
    assert eventually(lambda: watched.looks[-1] == watched.clock())
    look_at.waits = threading.Event()
    assert look_at.waiting.wait(20)

    watched.clock.advance(timedelta(seconds=STILL_SECONDS))
    assert watched.watcher.flaw() is None
    watched.clock.advance(timedelta(seconds=1))
    assert "edits are not noticed: the folder was last looked at 121 seconds ago" == (
        watched.watcher.flaw()
    )

    look_at.waits.set()
    look_at.waits = None
    assert eventually(lambda: watched.watcher.flaw() is None)
    watched.watcher.close()


def test_a_watch_that_has_ended_is_seen(watched: Watched) -> None:
    """However that came about, it says what to do."""
    watched.watcher.start()
    assert watched.watcher.flaw() is None
    watched.watcher.close()

    said = "edits are not noticed: the watch has ended; start the service anew"
    assert said == watched.watcher.flaw()


class Broken(FrozenClock):
    """A clock that stops telling the instant once it is ``broken``."""

    broken = False

    def __call__(self) -> datetime:
        """Give the instant, or not."""
        if self.broken:
            raise RuntimeError("no clock")
        return super().__call__()


def test_who_cannot_even_tell_of_a_look_has_not_looked(home: Path) -> None:
    """Then nothing ends either, and the moment of the last look stays as it was."""
    clock = Broken()
    watched = Watched(home, clock=clock)
    watched.watcher.begin()
    looks = list(watched.looks)
    clock.broken = True
    write(watched.folder, OTHER)

    watched.settle()

    assert (looks, ["rules.polar:1"], True) == (
        watched.looks,
        watched.places,
        watched.policy.status.current,
    )


def test_the_first_look_is_told_before_it_is_over(home: Path) -> None:
    """A worker that takes its time to begin is none that has never looked."""
    look_at = Stumbling()
    watched = Watched(home, look_at=look_at)
    look_at.waits = threading.Event()
    beginning = threading.Thread(target=watched.watcher.begin)
    beginning.start()
    assert look_at.waiting.wait(20)
    assert [NOON] == watched.looks
    look_at.waits.set()
    beginning.join()
    assert [NOON, NOON] == watched.looks


def test_a_reason_that_is_edited_is_another_policy(watched: Watched) -> None:
    """The texts for citizens are part of what decides."""
    changed = reasons().content.replace(b'pt = "first', b'pt = "primeiro')
    (watched.folder / "reasons.toml").write_bytes(changed)

    assert watched.settle().current
    assert 2 == len(watched.acts)
