"""What a back-up promises that was taken while others wrote, on both kinds of database."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.errors import InvalidInput, LogUnavailable, StoreUnavailable
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.people import Evidence, Person
from authz_service.domain.processes import ProcessDefinition, ProcessName
from authz_service.store import SqlStore
from tests.domain.document import COMPANY, REPRESENTATIVE
from tests.domain.gathered import company_of, gather
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.postgres import Postgres
from tests.store.noted import noted
from tests.store.records import standing

WRITERS = 3

Take = Callable[[str, Path], None]
"""Backs up the database of a URL in a folder."""
Restore = Callable[[Path], str]
"""Restores what is in the folder, and gives the URL of the database."""


@pytest.fixture(name="tools")
def _tools(url: str, request: pytest.FixtureRequest) -> tuple[Take, Restore]:
    """Give how a database of each kind is backed up and restored, as the manual says."""
    if url.startswith("sqlite"):
        return _copy, _move_in
    server: Postgres = request.getfixturevalue("postgres")

    def _dump(url: str, folder: Path) -> None:
        server.program("pg_dump", "-Fc", "-f", folder / "dump", url)

    def _load(folder: Path) -> str:
        url = server.new()
        server.program("pg_restore", "--exit-on-error", "--no-owner", "-d", url, folder / "dump")
        return url

    return _dump, _load


def _copy(url: str, folder: Path) -> None:
    with closing(SqlStore(url)) as store:
        store.backup(folder / "copy", untold)


def _move_in(folder: Path) -> str:
    place = folder / "restored" / "authz.db"
    place.parent.mkdir()
    (folder / "copy").rename(place)
    return f"sqlite:///{place}"


@contextmanager
def _written(url: str) -> Iterator[list[threading.Event]]:
    """Let several write processes one by one meanwhile; each event tells that one has begun."""
    begun = [threading.Event() for _ in range(WRITERS)]
    over = threading.Event()

    def _write(writer: int) -> None:
        with closing(SqlStore(url, busy_timeout=30.0)) as store:
            count = 0
            while not over.is_set():
                name = f"w{writer}-{count:05}"
                process = ProcessDefinition(ProcessId(name), "P001", name, 1)
                store.catalogue.save_processes([process], NOON, untold)
                count += 1
                if count == 5:
                    begun[writer].set()

    threads = [threading.Thread(target=_write, args=(each,)) for each in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield begun
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_copy_under_load_is_one_state(
    sql: SqlStore, url: str, tools: tuple[Take, Restore], tmp_path: Path
) -> None:
    """Restored it is well, has the first so many writes of each writer and no other, decides."""
    take, restore = tools
    sql.create()
    sql.registry.save_standing(standing(evidence=Evidence.ASSERTED), untold)
    with _written(url) as begun:
        for each in begun:
            assert each.wait(60)
        before = sql.facts.gather([], NOON).revision
        take(url, tmp_path)
        after = sql.facts.gather([], NOON).revision

    with closing(SqlStore(restore(tmp_path))) as restored:
        restored.create()
        assert restored.ping() is None
        names = sorted(one.id.value for one in restored.catalogue.processes())
        newest = restored.facts.gather([], NOON).revision
        question = Question(REPRESENTATIVE, "open", ProcessAsked(ProcessName("w0-00000"), COMPANY))
        [facts] = gather(restored.facts, question)

        assert before <= newest <= after
        assert newest == len(names) + 1
        assert list(range(1, newest + 1)) == [one.number for one in noted(restored)]
        for writer in range(WRITERS):
            mine = [name for name in names if name.startswith(f"w{writer}-")]
            assert [f"w{writer}-{count:05}" for count in range(len(mine))] == mine
        assert "socio" == company_of(facts).standing.role
        # It is a database like any other: the next write counts on.
        assert newest + 1 == restored.registry.save_person(Person(REPRESENTATIVE), untold)


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Iterator[SqlStore]:
    """Give a store in a file, with one write."""
    with closing(SqlStore(f"sqlite:///{tmp_path}/authz.db")) as store:
        store.create()
        store.registry.save_person(Person(REPRESENTATIVE, NOON), untold)
        yield store


def test_a_copy_is_its_owners_alone_and_nothing_else_is_left(
    file: SqlStore, tmp_path: Path
) -> None:
    """Nobody else can read it, and no half copy lies beside it."""
    folder = tmp_path / "copies"
    folder.mkdir()
    file.backup(folder / "copy#1%?.db", untold)

    assert ["copy#1%?.db"] == [each.name for each in folder.iterdir()]
    assert 0o600 == stat.S_IMODE((folder / "copy#1%?.db").stat().st_mode)


def test_a_copy_may_be_made_of_a_service_that_is_stopped(file: SqlStore, tmp_path: Path) -> None:
    """There is one file before and there are two afterwards, both of them whole."""
    file.close()
    file.backup(tmp_path / "copy.db", untold)

    assert ["authz.db", "copy.db"] == sorted(each.name for each in tmp_path.iterdir())
    with closing(SqlStore(f"sqlite:///{tmp_path}/copy.db")) as copy:
        assert Person(REPRESENTATIVE, NOON) == copy.registry.person(REPRESENTATIVE)


@pytest.mark.parametrize("content", ["file", "folder", "link", "itself"])
def test_a_copy_replaces_nothing(file: SqlStore, tmp_path: Path, content: str) -> None:
    """Whatever stands at its place stays as it is, the database above all."""
    place = tmp_path / ("authz.db" if content == "itself" else "copy.db")
    if content == "file":
        place.write_text("what was there")
    elif content == "folder":
        place.mkdir()
    elif content == "link":
        place.symlink_to(tmp_path / "nowhere")
    before = sorted(each.name for each in tmp_path.iterdir())

    with pytest.raises(InvalidInput, match=r"^file: exists already$"):
        file.backup(place, untold)
    assert before == sorted(each.name for each in tmp_path.iterdir())
    assert content != "file" or "what was there" == place.read_text()
    assert file.registry.person(REPRESENTATIVE) is not None


@pytest.mark.parametrize("missing", ["folder", "database"])
def test_what_cannot_be_copied_is_unavailable(file: SqlStore, tmp_path: Path, missing: str) -> None:
    """No folder to copy to, or nothing to copy: one sentence with its cause, and no file."""
    place = tmp_path / "copy.db"
    if missing == "folder":
        place = tmp_path / "nowhere" / "copy.db"
    else:
        (tmp_path / "authz.db").unlink()

    expected = {"folder": "ENOENT", "database": "SQLITE_CANTOPEN"}[missing]
    with pytest.raises(StoreUnavailable, match=f"^the database cannot be copied: {expected}$"):
        file.backup(place, untold)
    assert [] == list(tmp_path.glob("*copy*"))


def test_a_copy_is_told_of_before_it_is_there(file: SqlStore, tmp_path: Path) -> None:
    """By the revision that is in it; with the log broken there is no copy."""
    place = tmp_path / "copy.db"
    heard: list[tuple[int, bool]] = []

    def _refuse(_revision: int) -> None:
        raise LogUnavailable("the decision log cannot be written")

    with pytest.raises(LogUnavailable):
        file.backup(place, _refuse)
    assert ["authz.db"] == [each.name for each in tmp_path.glob("*.db*") if "-" not in each.name]
    file.backup(place, lambda revision: heard.append((revision, place.exists())))
    assert [(1, False)] == heard
    with pytest.raises(InvalidInput):
        file.backup(place, lambda revision: heard.append((revision, True)))
    assert 1 == len(heard)
