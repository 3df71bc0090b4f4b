"""The index beside real files, killed, deleted, damaged, and shared by machines on PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

import pytest

from authz_service.domain.decision import Caller, Record
from authz_service.domain.errors import StoreUnavailable
from authz_service.domain.identifiers import Cpf
from authz_service.journal.chains import Chains
from authz_service.journal.entries import entry_of, record_of
from authz_service.journal.journal import Journal, Options
from authz_service.journal.lines import line
from authz_service.store import SqlStore
from authz_service.store.index import SqlLogIndex
from authz_service.usecases.acts import ActLog
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.indexing import IndexedRecords, Indexer
from authz_service.usecases.records import Sought
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.lines import PEOPLE, MemoryLines, varied
from tests.fakes.log import ListLog
from tests.fakes.store import untold
from tests.postgres import Postgres, connect
from tests.store.indexed import Indexed

ROOT = Path(__file__).parents[2]
SMALL = Options(segment_bytes=64 * 1024)


@pytest.fixture(name="sqlite")
def _sqlite(tmp_path: Path) -> Iterator[SqlStore]:
    """Give a store in a file."""
    with closing(SqlStore(f"sqlite:///{tmp_path}/var/authz.db")) as sql:
        sql.create()
        yield sql


def _lost(count: int) -> None:
    raise AssertionError(f"{count} records were lost")


def _write(journal: Journal, records: Sequence[Record]) -> None:
    """Write them in their order; nobody writes records of two classes at once."""
    for _kind, of_one in groupby(records, type):
        journal.write(list(of_one))


def _written(folder: Path, count: int) -> None:
    """Write records as the service does, into several segments."""
    records = varied(count)
    with closing(Journal(folder, "1", SMALL, _lost)) as journal:
        for first in range(0, count, 50):
            _write(journal, records[first : first + 50])


# Real files


def test_what_a_journal_wrote_is_found_at_once(sqlite: SqlStore, tmp_path: Path) -> None:
    """Word for word, out of every segment, compressed or not, by each reader."""
    folder = tmp_path / "log"
    records = varied(700)
    with (
        closing(Journal(folder, "1", SMALL, _lost)) as journal,
        closing(Chains(folder)) as chains,
        closing(SqlLogIndex(sqlite.database)) as index,
    ):
        found = IndexedRecords(chains, index, Indexer(chains, index, entry_of), record_of)
        for first in range(0, 700, 70):
            part = records[first : first + 70]
            _write(journal, part)
            last = found.search(Sought(), None, 1).page.items[0]
            # Of one moment, the end of the id decides.
            assert max(part, key=lambda one: (one.moment, one.id[-12:])).id == last["id"]
        ids = [
            one["id"] for one in found.search(Sought(), None, 1_000, oldest_first=True).page.items
        ]
        assert [one.id for one in records] == ids
        assert 5 < len(chains.segments())
        for record in records[::50]:
            there = found.find(record.id).record or {}
            assert (record.id, 64) == (there["id"], len(there["hash"]))


# Killed

_FILLING = """
import sys
from pathlib import Path
import authz_service.usecases.indexing as indexing
from authz_service.journal.chains import Chains
from authz_service.journal.entries import entry_of
from authz_service.store import SqlStore
from authz_service.store.index import SqlLogIndex
chains, store = Chains(Path(sys.argv[2])), SqlStore(sys.argv[1])
print("ready", flush=True)
indexing.Indexer(chains, SqlLogIndex(store.database), entry_of).fill(
    lambda done, total: print(done, flush=True)
)
"""


def filling(sql_url: str, folder: Path) -> subprocess.Popen[str]:
    """Start a process that fills the index."""
    command = [sys.executable, "-c", _FILLING, sql_url, str(folder)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert "ready\n" == child.stdout.readline()
    return child


def test_whoever_is_killed_leaves_nothing_missing_and_nothing_twice(
    sql: SqlStore, url: str, tmp_path: Path
) -> None:
    """Wherever it was: the next one goes on from where all counts."""
    folder = tmp_path / "log"
    _written(folder, 6_000)
    for delay in (0.0, 0.05, 0.1, 0.2):
        child = filling(url, folder)
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.communicate()
    with closing(Chains(folder)) as chains, closing(SqlLogIndex(sql.database)) as index:
        indexer = Indexer(chains, index, entry_of)
        found = IndexedRecords(chains, index, indexer, record_of, patience=60.0)
        page = found.search(Sought(), None, 10_000, oldest_first=True)
        assert page.since is None
        assert [one.id for one in varied(6_000)] == [one["id"] for one in page.page.items]


def test_several_processes_index_each_record_once(sql: SqlStore, url: str, tmp_path: Path) -> None:
    """They take turns, and each is done when all is done."""
    folder = tmp_path / "log"
    _written(folder, 5_000)
    children = [filling(url, folder) for _ in range(3)]
    for child in children:
        child.communicate()
    assert [0, 0, 0] == [child.returncode for child in children]
    with closing(Chains(folder)) as chains, closing(SqlLogIndex(sql.database)) as index:
        found = IndexedRecords(chains, index, Indexer(chains, index, entry_of), record_of)
        ids = [one["id"] for one in found.search(Sought(), None, 10_000).page.items]
        assert sorted(one.id for one in varied(5_000)) == sorted(ids)


# A file of its own


def test_the_index_is_no_part_of_the_database(sqlite: SqlStore, tmp_path: Path) -> None:
    """It does not wake who watches the database, nor grows its back-up; nobody else may read it."""
    revision = sqlite.facts.gather([], NOON).revision
    before = (tmp_path / "var" / "authz.db").read_bytes()
    with closing(Indexed(sqlite)) as indexed:
        indexed.log.write(varied(100))
        indexed.whole(Sought(), 50)
    files = sorted(one.name for one in (tmp_path / "var").iterdir())
    assert "authz.db-log-index-1" in files
    assert before == (tmp_path / "var" / "authz.db").read_bytes()
    assert revision == sqlite.facts.gather([], NOON).revision
    modes = {one.stat().st_mode & 0o077 for one in (tmp_path / "var").glob("*log-index*")}
    assert {0} == modes


@pytest.mark.parametrize("beside", [True, False], ids=["with all files", "alone"])
def test_an_index_that_is_deleted_is_made_again(
    sqlite: SqlStore, tmp_path: Path, beside: bool
) -> None:
    """While the service runs, by whichever search comes next, for all who have it open."""
    with closing(Indexed(sqlite)) as one, closing(Indexed(sqlite, one.log)) as other:
        one.log.write(varied(300))
        expected = one.whole(Sought(), 50)
        assert expected == other.whole(Sought(), 50)
        for file in (tmp_path / "var").glob("authz.db-log-index-1*" if beside else "*index-1"):
            file.unlink()
        assert expected == other.whole(Sought(), 50)
        one.log.write(varied(10, first=300))
        assert one.written() == one.whole(Sought(), 50) == other.whole(Sought(), 50)


def test_a_damaged_index_says_how_it_is_mended(sqlite: SqlStore, tmp_path: Path) -> None:
    """A search fails, without data in the message; a rebuild mends it."""
    with closing(Indexed(sqlite)) as indexed:
        indexed.log.write(varied(300))
        expected = indexed.whole(Sought(), 50)
    file = tmp_path / "var" / "authz.db-log-index-1"
    file.write_bytes(b"no database at all" * 1_000)
    with closing(Indexed(sqlite)) as indexed:
        indexed.log = MemoryLines()
        with pytest.raises(StoreUnavailable, match="authz audit index --rebuild"):
            indexed.whole(Sought(), 50)
    with closing(Indexed(sqlite)) as indexed:
        indexed.log.write(varied(300))
        indexed.indexer.rebuild(lambda _done, _total: None)
        assert expected == indexed.whole(Sought(), 50)


def test_the_index_holds_no_text_of_a_record(sqlite: SqlStore, tmp_path: Path) -> None:
    """What can be asked for is in it, and nothing else: no reason for an act, no instance."""
    with closing(Indexed(sqlite)) as indexed:
        indexed.log.write(varied(300))
        indexed.whole(Sought(), 50)
    content = b"".join(one.read_bytes() for one in (tmp_path / "var").glob("*log-index*"))
    assert b"p061-registro" in content
    for text in (b"4711", b"P061 - Registro", b"unknown-fact"):
        assert text not in content


# On PostgreSQL


@pytest.fixture(name="machines")
def _machines(postgres: Postgres) -> Iterator[tuple[Indexed, Indexed, str]]:
    """Give two machines, each with its own log, and the database that both use."""
    url = postgres.new()
    with (
        closing(SqlStore(url)) as first,
        closing(SqlStore(url)) as second,
        closing(Indexed(first)) as one,
        closing(Indexed(second)) as other,
    ):
        one.log.write(varied(200), machine="m1")
        other.log.write(varied(200, seed=1, first=1_000), machine="m2")
        yield one, other, url


def test_every_replica_answers_for_all_machines(machines: tuple[Indexed, Indexed, str]) -> None:
    """As soon as the other machine has read its log; nobody needs the other's files."""
    one, other, _ = machines
    mine = len(one.whole(Sought(), 500))
    assert 400 == len(other.whole(Sought(), 500))
    assert (200, 400) == (mine, len(one.whole(Sought(), 500)))
    there = other.written()[5]
    assert there == one.records.find(there["id"]).record


def test_a_rebuild_leaves_the_logs_of_other_machines(
    machines: tuple[Indexed, Indexed, str],
) -> None:
    """They are not here to be read."""
    one, other, _ = machines
    other.whole(Sought(), 500)
    before = one.whole(Sought(), 500)
    one.indexer.rebuild(lambda _done, _total: None)
    assert before == other.whole(Sought(), 500)
    assert 400 == len(before)


def test_tables_that_were_dropped_are_made_again(machines: tuple[Indexed, Indexed, str]) -> None:
    """One call tells of it, the next ones find what each machine reads anew."""
    one, other, url = machines
    other.whole(Sought(), 500)
    one.whole(Sought(), 500)
    with closing(connect(url)) as raw:
        names = raw.execute(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE 'log_index_1_%'"
        ).fetchall()
        raw.execute(f"DROP TABLE {', '.join(name for (name,) in names)}")
    for each in (one, other):
        with pytest.raises(StoreUnavailable):
            each.whole(Sought(), 500)
    one.whole(Sought(), 500)
    assert 400 == len(other.whole(Sought(), 500))


# Erasure


def test_an_erased_person_stands_in_no_answer_about_that_person(sqlite: SqlStore) -> None:
    """The records stay, under a name that leads to nobody; the index need not change."""
    person = Cpf("18762794604")
    acts, clock = ListLog(), FrozenClock()
    name = sqlite.surrogates.surrogates([person])[person]
    with closing(Indexed(sqlite)) as indexed:
        lines = [line(one).replace(PEOPLE[0].encode(), name.encode()) for one in varied(50)]
        indexed.log.write(lines)
        decisions = Decisions(
            indexed.records, sqlite.surrogates, sqlite.facts, ActLog(acts, (), clock), clock
        )
        caller = Caller("auditor")
        about = indexed.whole(Sought(person=name), 200)
        found = decisions.search_of(person, Sought(), None, 200, caller)
        assert about == list(found.page.items)
        sqlite.personal_data.erase(person, untold)
        assert () == decisions.search_of(person, Sought(), None, 200, caller).page.items
        assert about == indexed.whole(Sought(person=name), 200)
