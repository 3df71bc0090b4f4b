"""The last good policy on disk: whole or not believed, and told of before it changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from authz_service.domain.errors import LogUnavailable, PolicyInvalid, Problem
from authz_service.policy.bundle import Source
from authz_service.policy.live.content import Content
from authz_service.policy.live.last_good import ARCHIVE, Kept, LastGood
from tests.fakes.clock import NOON

RULES, OTHERS = Source("a.polar", b"permit \xff"), Source("a.polar", b"forbid")
SUITE = Source("a_test.toml", b"[[case]]")
CONTENT = Content((RULES,), (SUITE,))
LATER = NOON + timedelta(days=1)


class Told:
    """Keeps what it is told; with ``broken`` set it refuses, as a log without room does."""

    def __init__(self, *, broken: bool = False) -> None:
        self.heard: list[tuple[str, str | None]] = []
        self.broken = broken

    def __call__(self, digest: str, before: str | None) -> None:
        """Hear of a policy."""
        if self.broken:
            raise LogUnavailable("no room")
        self.heard.append((digest, before))


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "last-good.json"


def test_what_is_kept_is_given_back(path: Path) -> None:
    """Bytes of whatever kind, tests and the moment come back, and belong to the owner alone."""
    told = Told()
    kept = LastGood(path)
    assert kept.read() is None

    assert NOON == kept.keep(CONTENT, 3, NOON, told)

    assert Kept(CONTENT, NOON, 3) == kept.read()
    assert [(CONTENT.policy, None)] == told.heard
    assert (0o600, 0o700) == (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777)
    assert [path.parent / ARCHIVE, path] == sorted(path.parent.iterdir())


def test_another_policy_is_told_with_the_one_before(path: Path) -> None:
    """The record of the act names both."""
    told, kept = Told(), LastGood(path)
    kept.keep(CONTENT, 3, NOON, told)
    other = Content((OTHERS,), (SUITE,))

    assert LATER == kept.keep(other, 2, LATER, told)

    assert (other.policy, CONTENT.policy) == told.heard[-1]
    assert Kept(other, LATER, 2) == kept.read()


def test_the_same_policy_is_kept_since_it_is_in_force(path: Path) -> None:
    """A second worker writes nothing; a change of tests alone is no news and moves no moment."""
    told, kept = Told(), LastGood(path)
    kept.keep(CONTENT, 3, NOON, told)
    untested = Content((RULES,))
    file = path.stat().st_ino

    assert NOON == kept.keep(CONTENT, 3, LATER, told)
    assert file == path.stat().st_ino
    assert NOON == kept.keep(untested, 1, LATER, told)

    assert 1 == len(told.heard)
    assert Kept(untested, NOON, 1) == kept.read()


def test_what_is_not_read_is_not_kept(path: Path) -> None:
    """A file that is passed over for its name is no part of what is good."""
    told, kept = Told(), LastGood(path)
    kept.keep(CONTENT, 3, NOON, told)
    file = path.stat().st_ino

    assert NOON == kept.keep(replace(CONTENT, passed_over=("a.txt",)), 3, LATER, told)

    assert file == path.stat().st_ino


@pytest.mark.parametrize("rules", [RULES, OTHERS], ids=["the same rules", "other rules"])
def test_tests_do_not_go_unnoticed(path: Path, rules: Source) -> None:
    """Who deletes them together with a rule is told; who never had any needs none."""
    told, kept = Told(), LastGood(path)
    kept.keep(CONTENT, 3, NOON, told)

    with pytest.raises(PolicyInvalid) as caught:
        kept.keep(Content((rules,)), 0, LATER, told)

    message = "no test asks anything, where those of the policy in force ask 3 questions"
    remedy = "bring the tests back; if they are meant to go, leave one case in place"
    assert (Problem(".", 0, 0, message, "tests-gone", remedy),) == caught.value.problems
    assert (Kept(CONTENT, NOON, 3), 1) == (kept.read(), len(told.heard))

    path.unlink()
    kept.keep(Content((RULES,)), 0, NOON, told)
    assert LATER == kept.keep(Content((OTHERS,)), 0, LATER, told)


def test_what_cannot_be_told_is_not_kept(path: Path) -> None:
    """The file stays as it was, with nothing beside it."""
    kept = LastGood(path)
    kept.keep(CONTENT, 3, NOON, Told())

    with pytest.raises(LogUnavailable):
        kept.keep(Content((OTHERS,)), 3, LATER, Told(broken=True))

    assert Kept(CONTENT, NOON, 3) == kept.read()
    assert [path.parent / ARCHIVE, path] == sorted(path.parent.iterdir())


def test_what_cannot_be_kept_is_not_told(path: Path) -> None:
    """Nothing stands in the log of a policy that did not come into force."""
    path.parent.write_text("not a folder")
    told = Told()

    with pytest.raises(OSError, match="File exists"):
        LastGood(path).keep(CONTENT, 3, NOON, told)

    assert [] == told.heard


DAMAGE = {
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda _text: "",
    "no object": lambda _text: "[]",
    "another rule": lambda text: text.replace("a.polar", "b.polar"),
    "no test": lambda text: json.dumps({**json.loads(text), "suites": []}),
    "another version": lambda text: text.replace('"version": 1', '"version": 2'),
    "no moment": lambda text: json.dumps({**json.loads(text), "since": "yesterday"}),
    "a moment without a zone": lambda text: text.replace("+00:00", ""),
    "no digest": lambda text: text.replace('"digest"', '"digset"'),
    "no text": lambda text: json.dumps({**json.loads(text), "sources": [["a.polar", 3]]}),
    "no name": lambda text: json.dumps({**json.loads(text), "sources": [[5, "YQ=="]]}),
    "no number of questions": lambda text: text.replace('"questions": 3', '"questions": "3"'),
    "nested without end": lambda _text: "[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_not_believed(path: Path, damage: object) -> None:
    """It is refused with its name; the next good policy takes its place as the first one."""
    told, kept = Told(), LastGood(path)
    kept.keep(CONTENT, 3, NOON, told)
    assert callable(damage)
    path.write_text(damage(path.read_text()))

    with pytest.raises(PolicyInvalid) as caught:
        kept.read()
    [problem] = caught.value.problems
    assert ("last-good.json", "the last good policy is damaged, and not used") == (
        problem.file,
        problem.message,
    )

    assert LATER == kept.keep(CONTENT, 3, LATER, told)
    assert [(CONTENT.policy, None)] * 2 == told.heard
    assert Kept(CONTENT, LATER, 3) == kept.read()


def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    """What the system says stands in the problem."""
    path.mkdir(parents=True)

    with pytest.raises(PolicyInvalid, match="cannot be read: Is a directory"):
        LastGood(path).read()
