"""Copying the database and bringing it back a version: asked for, told beforehand, written down."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import written
from tests.operation.house import called, furnish


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    furnish(tmp_path)
    called(tmp_path, "company", "register", "x", "DE")
    return tmp_path


def acts(home: Path) -> list[dict[str, object]]:
    """Give the acts in the decision log after the first."""
    return written.records(home / "var")[1:]


def test_a_copy_is_an_act(home: Path) -> None:
    """It holds everything of everybody; the log says that it was made, not where it lies."""
    done = called(home, "db", "backup", "copy.db")
    again = called(home, "db", "backup", "copy.db")

    assert (0, 1) == (done.returncode, again.returncode)
    [act] = acts(home)
    assert ("database.backup", {}, 1) == (act["act"], act["details"], act["store_revision"])
    assert {"name": "operator", "address": None} == act["caller"]


def test_a_way_back_is_gone_only_on_purpose(home: Path) -> None:
    """Without a yes it is told what would be lost, and with it the act is written down."""
    asked = called(home, "db", "downgrade", "0001")
    unchanged = called(home, "db", "version")

    assert (1, "") == (asked.returncode, asked.stdout)
    told = asked.stderr.splitlines()
    assert "what version 0001 does not know would be lost:" == told[0]
    assert {"    foreign_companies: 1", "    clients.reasons: 0"} < set(told)
    assert "nothing was done; `--yes` does it" == told[-1]
    assert ("0002, needed 0002\n", []) == (unchanged.stdout, acts(home))

    done = called(home, "db", "downgrade", "0001", "--yes")

    assert (0, "from 0002 to 0001\n") == (done.returncode, done.stderr)
    [act] = acts(home)
    details = {"from": "0002", "to": "0001"}
    assert ("database.downgrade", details, 1) == (
        act["act"],
        act["details"],
        act["store_revision"],
    )


@pytest.mark.parametrize("verb", [["backup", "copy.db"], ["downgrade", "0001", "--yes"]])
def test_what_cannot_be_written_down_is_not_done(home: Path, verb: list[str]) -> None:
    """With a log that cannot be written there is no copy, and the database is as it was."""
    shutil.rmtree(home / "var" / "log")
    (home / "var" / "log").touch()
    done = called(home, "db", *verb)

    assert (1, True) == (done.returncode, "decision log" in done.stderr)
    assert not (home / "copy.db").exists()
    assert "0002, needed 0002\n" == called(home, "db", "version").stdout


def test_a_database_that_is_not_there_is_empty_and_can_be_made(tmp_path: Path) -> None:
    """The first verb of day one works in a folder in which there is nothing yet."""
    before = called(tmp_path, "db", "version")
    made = called(tmp_path, "db", "upgrade")
    after = called(tmp_path, "db", "version")

    needed = after.stdout.split(",")[0]
    assert f"empty, needed {needed}\n" == before.stdout
    assert (0, f"from empty to {needed}\n") == (made.returncode, made.stderr)
