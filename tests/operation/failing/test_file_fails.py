"""The file of SQLite fails: it is locked, taken away, or replaced, while the service runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from authz_service.domain.people import Role
from tests.operation.failing.locking import locked
from tests.operation.failing.scene import AT_ONCE, REFUSED, SOCIO, Scene, decision_of
from tests.operation.failing.servers import long_form
from tests.operation.house import authz, succeeded

pytestmark = pytest.mark.usefixtures("well")

DECIDED_WITHIN = 3.0
"""Seconds in which everybody is answered though another process has locked the file."""
REFUSED_WITHIN = 10.0
"""Seconds in which a write is given up that another process does not let happen."""


@pytest.mark.parametrize("kind", ["IMMEDIATE", pytest.param("EXCLUSIVE", marks=pytest.mark.soak)])
def test_a_file_that_another_process_has_locked(
    scene: Scene, kind: str, pytestconfig: pytest.Config
) -> None:
    """Decisions are made as ever; what changes something waits, is refused, and is not done."""
    if kind == "EXCLUSIVE":
        long_form(pytestconfig)
    with locked(scene.folder / "var" / "authz.db", kind):
        heard = scene.ask_at_once()
        written = scene.delegate("P001", "P015")
        parts = scene.parts()

    assert {(200, True)} == {(one.answer.status, decision_of(one.answer)) for one in heard}
    assert max(one.seconds for one in heard) < DECIDED_WITHIN
    assert REFUSED == written.refusal
    assert written.seconds < REFUSED_WITHIN
    assert (200, "ok") == (parts[0], parts[1]["database"])
    assert {"P001"} == scene.delegated()
    assert 200 == scene.delegate("P001", "P015").answer.status
    assert {"P001", "P015"} == scene.delegated()


def files(folder: Path) -> list[Path]:
    """Give the files of the database in *folder*."""
    return sorted(folder.glob("authz.db*"))


def test_a_file_that_is_gone(scene: Scene) -> None:
    """503 at once for all that needs it, and nothing is made in its place; back with it."""
    var, away = scene.folder / "var", scene.folder / "away"
    away.mkdir(exist_ok=True)
    for path in files(var):
        shutil.move(path, away)
    heard = scene.ask_at_once()
    written, (status, parts) = scene.delegate("P015"), scene.parts()
    made = files(var)
    for path in files(away):
        shutil.move(path, var)

    assert [REFUSED] * AT_ONCE == [one.refusal for one in heard]
    assert max(one.seconds for one in heard) < DECIDED_WITHIN
    assert (REFUSED, []) == (written.refusal, made)
    assert (503, "the database file is missing") == (status, parts["database"])
    assert scene.told("StoreUnavailable")
    assert scene.first_answer()[0]


def test_a_file_in_whose_place_a_back_up_is_put(scene: Scene) -> None:
    """What the back-up says counts from the next question on, though the service was not told."""
    backup = scene.folder / "backup.db"
    succeeded(authz(scene.folder, "db", "backup", str(backup)))
    scene.delegate("P015")
    assert {"P015"} == scene.delegated()
    scene.assert_role("contador")
    assert not decision_of(scene.ask(SOCIO).answer)

    for path in files(scene.folder / "var"):
        path.unlink()
    backup.rename(scene.folder / "var" / "authz.db")

    assert scene.first_answer(SOCIO)[0]
    assert {"P001"} == scene.delegated()
    scene.role_around(Role.CONTADOR)
    assert not decision_of(scene.ask(SOCIO).answer)


def test_a_file_in_whose_place_there_is_something_else(scene: Scene) -> None:
    """503, named; and an answer again once the database is back."""
    var, away = scene.folder / "var", scene.folder / "elsewhere-still"
    away.mkdir(exist_ok=True)
    for path in files(var):
        shutil.move(path, away)
    (var / "authz.db").write_bytes(b"no database" * 1000)
    heard, (status, parts) = scene.ask_at_once(), scene.parts()
    for path in files(var):
        path.unlink()
    for path in files(away):
        shutil.move(path, var)

    assert [REFUSED] * AT_ONCE == [one.refusal for one in heard]
    assert 503 == status
    assert parts["database"].startswith("the database did not answer: SQLITE_NOTADB")
    assert scene.first_answer()[0]
