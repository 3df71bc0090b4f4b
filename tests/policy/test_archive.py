"""Every policy that was in force is kept under its digest, whole or not believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source, collect, digest_of
from authz_service.policy.live.archive import Archive
from authz_service.policy.live.content import Content
from authz_service.policy.live.last_good import ARCHIVE, LastGood
from tests.fakes.clock import NOON

SHIPPED = Path(__file__).parents[2] / "policies"
RULES = (Source("a.polar", b"permit \xff"), Source("reasons.toml", b""))
DIGEST = digest_of(RULES)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "archive"


def kept(folder: Path) -> Path:
    """Keep the rules, and give the file."""
    Archive(folder).keep(RULES)
    return folder / f"{DIGEST}.json"


def test_what_is_kept_is_given_back_by_its_digest(folder: Path) -> None:
    """Bytes of whatever kind; they belong to the owner alone."""
    archive = Archive(folder)
    assert archive.read(DIGEST) is None

    file = kept(folder)

    assert RULES == archive.read(DIGEST)
    assert (0o600, 0o700) == (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777)
    assert [file] == list(folder.iterdir())


def test_all_policies_are_kept(folder: Path) -> None:
    """Another one takes nobody's place; the shipped ones take some ten thousand bytes."""
    kept(folder)
    shipped = collect(SHIPPED)
    Archive(folder).keep(shipped)

    assert (RULES, shipped) == tuple(map(Archive(folder).read, (DIGEST, digest_of(shipped))))
    assert (folder / f"{digest_of(shipped)}.json").stat().st_size < 40_000


def test_what_is_there_is_not_written_again(folder: Path) -> None:
    """A start on the same policy touches nothing."""
    before = kept(folder).stat()
    after = kept(folder).stat()

    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


DAMAGE = {
    "torn": lambda text: text[:-7],
    "another version": lambda text: text.replace('"version": 1', '"version": 2'),
    "other rules": lambda text: text.replace("cGVybWl0", "Zm9yYmlk"),
    "no list": lambda _text: json.dumps({"version": 1, "sources": 7}),
    "nothing": lambda _text: "",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_what_is_damaged_is_not_used(folder: Path, damage: object) -> None:
    """Nobody is told that a policy has decided that never was; it is whole when it comes again."""
    file = kept(folder)
    assert callable(damage)
    file.write_text(damage(file.read_text()))

    with pytest.raises(PolicyInvalid) as caught:
        Archive(folder).read(DIGEST)

    problem = Problem(file.name, 0, 0, "the policy that was kept is damaged, and not used")
    assert (problem,) == tuple(caught.value.problems)
    kept(folder)
    assert RULES == Archive(folder).read(DIGEST)


def test_what_cannot_be_read_says_so(folder: Path) -> None:
    """Why is what the system says."""
    file = kept(folder)
    file.unlink()
    file.mkdir()

    with pytest.raises(PolicyInvalid, match="the policy that was kept cannot be read: Is a dir"):
        Archive(folder).read(DIGEST)


@pytest.mark.parametrize("name", ["", "../last-good", "0" * 63, "G" * 64, f"{'0' * 64}\n"])
def test_what_is_no_digest_names_nothing(folder: Path, name: str) -> None:
    """Least of all a file elsewhere."""
    kept(folder)
    (folder.parent / "last-good.json").write_text("{}")

    assert Archive(folder).read(name) is None


def test_a_policy_that_cannot_be_kept_does_not_come_into_force(folder: Path) -> None:
    """Its decisions could never be made again; what was in force stays."""
    last_good = LastGood(folder.parent / "last-good.json")
    folder.parent.mkdir()
    (folder.parent / ARCHIVE).write_text("a file where a folder belongs")

    with pytest.raises(OSError, match="File exists"):
        last_good.keep(Content(RULES), 0, NOON, lambda _digest, _before: pytest.fail("told"))

    assert last_good.read() is None


def test_a_policy_that_was_in_force_before_there_was_an_archive_is_kept(folder: Path) -> None:
    """At the next start on the same folder."""
    last_good = LastGood(folder.parent / "last-good.json")
    for _start in range(2):
        last_good.keep(Content(RULES), 0, NOON, lambda _digest, _before: None)
        assert RULES == Archive(folder).read(DIGEST)
        (folder / f"{DIGEST}.json").unlink()


def test_what_decided_is_recalled_by_its_digest(folder: Path) -> None:
    """Out of the archive, or as the last good one of before there was an archive."""
    last_good = LastGood(folder.parent / "last-good.json")
    assert last_good.recall(DIGEST) is None
    others = (Source("b.polar", b"forbid"),)
    for sources in (others, RULES):
        last_good.keep(Content(sources), 0, NOON, lambda _digest, _before: None)
    wanted = [DIGEST, digest_of(others), "0" * 64]

    assert [RULES, others, None] == list(map(last_good.recall, wanted))
    for file in folder.iterdir():
        file.unlink()
    assert [RULES, None, None] == list(map(last_good.recall, wanted))
