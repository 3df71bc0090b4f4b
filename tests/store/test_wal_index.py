"""The pulse of a file: no commit is missed by what SQLite has in memory, and no lock is lost."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self

import pytest

from authz_service.store.held import wal_index as indexes
from authz_service.store.held.file import FilePulse
from authz_service.store.held.wal_index import WalIndex, wal_index
from tests.fakes.store import untold
from tests.store.holding import HeldStore
from tests.store.records import foreign

ROOT = Path(__file__).parents[2]
STEPS = 2_000
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere SQLite itself is asked")


def opened(path: Path) -> sqlite3.Connection:
    """Open a database whose transactions begin and end when it is said."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)


def made(path: Path, mode: str = "WAL") -> sqlite3.Connection:
    """Make a database with one number in it, and give a connection to it."""
    connection = opened(path)
    for statement in (
        f"PRAGMA journal_mode={mode}",
        "PRAGMA synchronous=OFF",
        "CREATE TABLE t (value INTEGER, more BLOB)",
        "INSERT INTO t VALUES (0, NULL)",
    ):
        connection.execute(statement).fetchall()
    return connection


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "it.db"


@pytest.fixture(name="writer")
def _writer(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(made(path)) as connection:
        yield connection


@contextmanager
def felt(path: Path) -> Iterator[FilePulse]:
    """Give the pulse of a file, of which two beats were felt: from then on the way is short."""
    with closing(FilePulse(path, lambda: opened(path))) as pulse:
        assert pulse.beat() == pulse.beat()
        yield pulse


def commit(connection: sqlite3.Connection) -> None:
    """Commit a change."""
    connection.execute("UPDATE t SET value = value + 1")


def read(connection: sqlite3.Connection) -> None:
    """Read what is there."""
    connection.execute("SELECT * FROM t").fetchall()


def nothing(connection: sqlite3.Connection) -> None:
    """Begin to write, and commit nothing."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("COMMIT")


def undone(connection: sqlite3.Connection) -> None:
    """Write more than a page, and take it back."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE t SET value = value + 1, more = randomblob(50000)")
    connection.execute("ROLLBACK")


def much(connection: sqlite3.Connection) -> None:
    """Commit a change of many pages."""
    connection.execute("UPDATE t SET value = value + 1, more = randomblob(40000)")


def checkpoint(kind: str, connection: sqlite3.Connection) -> None:
    """Bring what was committed from the log into the file; without waiting for readers."""
    connection.execute(f"PRAGMA wal_checkpoint({kind})").fetchall()


# What changes the head, and what does not


@ON_LINUX
def test_the_head_changes_with_a_commit_of_this_process(
    path: Path, writer: sqlite3.Connection
) -> None:
    """Whichever of its connections has committed; and only then."""
    index = wal_index(str(path))
    assert index is not None
    with closing(opened(path)) as other:
        before = index.head()
        for one in (writer, other, writer):
            for idle in (read, nothing, undone):
                idle(one)
            assert before == index.head()
            commit(one)
            after = index.head()
            assert before != after
            before = after


_COMMITTING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
connection.execute("PRAGMA synchronous=OFF")
print(flush=True)
for line in sys.stdin:
    for statement in line.strip().split(";"):
        connection.execute(statement).fetchall()
    print(flush=True)
"""


class Elsewhere:
    """Another process that has the file open, and executes what it is told before it answers."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _COMMITTING, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answered()

    def execute(self, statements: str) -> None:
        """Have statements executed, which are separated by semicolons."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{statements}\n")
        self._process.stdin.flush()
        self._answered()

    def _answered(self) -> None:
        assert self._process.stdout is not None
        assert "\n" == self._process.stdout.readline()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@ON_LINUX
@pytest.mark.usefixtures("writer")
def test_a_commit_of_another_process_is_felt_at_once(path: Path) -> None:
    """The very next beat is another one, and the head is too; what is read there changes none."""
    index = wal_index(str(path))
    assert index is not None
    with closing(Elsewhere(path)) as other, felt(path) as pulse:
        for _ in range(50):
            before, head = pulse.beat(), index.head()
            other.execute("SELECT * FROM t")
            assert (before, head) == (pulse.beat(), index.head())
            other.execute("UPDATE t SET value = value + 1")
            assert (before[0], before[1] + 1) == pulse.beat()
            assert head != index.head()


@ON_LINUX
def test_an_index_that_was_left_behind_is_not_believed(path: Path) -> None:
    """It may look like one of a database that has no such log any more: then SQLite is asked."""
    with closing(made(path)) as writer:
        index = Path(f"{path}-shm")
        left = index.read_bytes()
        writer.execute("PRAGMA journal_mode=DELETE").fetchall()
        assert not index.exists()
        index.write_bytes(left)
        with felt(path) as pulse:
            before = pulse.beat()
            commit(writer)
            assert before != pulse.beat()


def test_another_file_in_its_place_is_felt(path: Path, tmp_path: Path) -> None:
    """As a restore puts one there: its beats are those of another file, and tell its commits."""
    other = tmp_path / "other.db"
    made(other).close()
    with closing(made(path)), felt(path) as pulse:
        before = pulse.beat()
        other.replace(path)
        after = pulse.beat()
        assert before[0] < after[0]
        assert after == pulse.beat() == pulse.beat()
        with closing(opened(path)) as writer:
            commit(writer)
            assert (after[0], after[1] + 1) == pulse.beat()
        path.unlink()
        with pytest.raises(FileNotFoundError):
            pulse.beat()


@ON_LINUX
def test_what_is_idle_is_not_asked(path: Path, writer: sqlite3.Connection) -> None:
    """As long as nobody commits, no statement is executed; after a commit it is one."""
    asked: list[str] = []

    def connect() -> sqlite3.Connection:
        connection = opened(path)
        connection.set_trace_callback(asked.append)
        return connection

    with closing(FilePulse(path, connect)) as pulse:
        beats = {pulse.beat() for _ in range(3)}
        before = len(asked)
        for _ in range(100):
            read(writer)
            beats.add(pulse.beat())
        assert (1, before) == (len(beats), len(asked))
        commit(writer)
        assert {pulse.beat() for _ in range(100)}.isdisjoint(beats)
        assert ["PRAGMA data_version"] == asked[before:]


def test_a_commit_between_opening_and_the_first_look_at_the_head_is_felt(path: Path) -> None:
    """Whenever it comes, the beat behind it is not the one before it."""
    with closing(made(path)) as writer:
        for beats in range(4):
            with closing(FilePulse(path, partial(opened, path))) as pulse:
                before = [pulse.beat() for _ in range(beats)][-1:]
                commit(writer)
                after = pulse.beat()
                assert [after] != before
                assert after == pulse.beat()
                commit(writer)
                assert after != pulse.beat()


class Interrupted(sqlite3.Cursor):
    """A cursor that executes nothing while ``by`` says what is to come instead."""

    by: BaseException | None = None

    def execute(self, sql: str, parameters: Any = ()) -> Self:
        """Raise that, or execute."""
        if Interrupted.by is not None:
            raise Interrupted.by
        return super().execute(sql, parameters)


class Interruptible(sqlite3.Connection):
    """A connection with such cursors."""

    def cursor(self, _factory: object = None) -> Interrupted:  # type: ignore[override]
        """Give one."""
        return super().cursor(Interrupted)


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("disk I/O error"), MemoryError(), KeyboardInterrupt()]
)
def test_a_look_that_fails_loses_no_commit(
    path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Whatever kept SQLite from being asked, the next look is another beat."""
    with closing(
        FilePulse(path, lambda: sqlite3.connect(path, isolation_level=None, factory=Interruptible))
    ) as pulse:
        before = [pulse.beat() for _ in range(3)][-1]
        commit(writer)
        monkeypatch.setattr(Interrupted, "by", error)
        for _ in range(2):
            with pytest.raises(type(error)):
                pulse.beat()
        monkeypatch.setattr(Interrupted, "by", None)
        after = pulse.beat()
        assert before < after
        assert after == pulse.beat() == pulse.beat()


@ON_LINUX
@pytest.mark.parametrize("name", ["it.db", "a b?c#d%e.db", "ação.db", "it.db-shm"])
@pytest.mark.parametrize("link", ["none", "file", "folder"])
def test_the_index_is_found_beside_the_file_itself(tmp_path: Path, name: str, link: str) -> None:
    """Whatever the file is called, and whatever links lead to it: SQLite follows them, too."""
    folder = tmp_path / "there"
    folder.mkdir()
    path, asked = folder / name, list[str]()
    shown = path if link == "none" else tmp_path / "link" / name
    if link == "folder":
        (tmp_path / "link").symlink_to(folder)
    elif link == "file":
        (tmp_path / "link").mkdir()
        shown.symlink_to(path)

    def connect() -> sqlite3.Connection:
        connection = opened(shown)
        connection.set_trace_callback(asked.append)
        return connection

    with closing(made(path)) as writer, closing(FilePulse(shown, connect)) as pulse:
        before = [pulse.beat() for _ in range(3)][-1]
        asked.clear()
        assert (before, []) == (pulse.beat(), asked)
        commit(writer)
        assert (before[0], before[1] + 1) == pulse.beat()
        assert ["PRAGMA data_version"] == asked


CHECKPOINTS = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_checkpoint_hides_no_commit(path: Path, writer: sqlite3.Connection, kind: str) -> None:
    """The log begins anew after it, so its numbers come again; the commit is felt all the same."""
    with felt(path) as pulse:
        for _ in range(30):
            before = pulse.beat()
            commit(writer)
            checkpoint(kind, writer)
            after = pulse.beat()
            assert before != after
            checkpoint(kind, writer)
            read(writer)
            again = pulse.beat()
            commit(writer)
            assert again != pulse.beat()


@pytest.mark.parametrize("seed", range(2))
def test_no_commit_is_missed_in_any_order(
    path: Path, writer: sqlite3.Connection, seed: int
) -> None:
    """Many steps of several connections and processes: it beats just when SQLite says a change."""
    random = Random(seed)  # noqa: S311 - no secret
    with (
        closing(opened(path)) as other,
        closing(opened(path)) as reader,
        closing(opened(path)) as plain,
        closing(Elsewhere(path)) as elsewhere,
        felt(path) as pulse,
    ):
        for one in (writer, other):
            # A checkpoint waits for no reader.
            one.execute("PRAGMA busy_timeout=0").fetchall()
            one.execute("PRAGMA synchronous=OFF").fetchall()

        def read_on() -> None:
            reader.execute("ROLLBACK" if reader.in_transaction else "BEGIN")
            read(reader)

        def open_and_close() -> None:
            with closing(opened(path)) as short:
                commit(short)

        committing: list[Callable[[], object]] = [
            *(partial(write, one) for write in (commit, much) for one in (writer, other)),
            open_and_close,
            partial(elsewhere.execute, "UPDATE t SET value = value + 1"),
            partial(
                elsewhere.execute,
                "UPDATE t SET value = value + 1;PRAGMA busy_timeout=0;"
                "PRAGMA wal_checkpoint(TRUNCATE);PRAGMA busy_timeout=10000",
            ),
        ]
        idle: list[Callable[[], object]] = [
            *(partial(look, one) for look in (read, nothing, undone) for one in (writer, other)),
            *(partial(checkpoint, kind, writer) for kind in CHECKPOINTS),
            read_on,
            partial(elsewhere.execute, "SELECT * FROM t"),
            lambda: None,
        ]

        def version() -> object:
            return plain.execute("PRAGMA data_version").fetchone()

        beat, said, felt_at = pulse.beat(), version(), 0
        for step in range(STEPS):
            committed = False
            for _ in range(random.choice([1, 1, 1, 2, 3])):
                act = random.choice(committing if random.random() < 0.4 else idle)
                act()
                committed |= act in committing
            before, said_before = beat, said
            beat, said = pulse.beat(), version()
            assert (said != said_before) == (beat != before), f"step {step}"
            assert beat != before or not committed, f"step {step}"
            felt_at += committed
        assert STEPS // 4 < felt_at < STEPS


# Where there is none that is known


@pytest.mark.parametrize("mode", ["DELETE", "TRUNCATE", "PERSIST"])
def test_a_database_without_such_a_log_beats_all_the_same(path: Path, mode: str) -> None:
    """It has no index, and SQLite is asked each time."""
    with closing(made(path, mode)) as writer, felt(path) as pulse:
        assert wal_index(str(path)) is None
        for _ in range(20):
            before = pulse.beat()
            read(writer)
            assert before == pulse.beat()
            commit(writer)
            assert (before[0], before[1] + 1) == pulse.beat()
        with closing(Elsewhere(path)) as other:
            before = pulse.beat()
            other.execute("UPDATE t SET value = value + 1")
            assert before != pulse.beat()


KNOWN = (3_007_000).to_bytes(4, sys.byteorder)


def index_of(content: bytes, path: Path) -> WalIndex | None:
    """Put *content* where the index belongs, and look for one."""
    Path(f"{path}-shm").write_bytes(content)
    return wal_index(str(path))


@ON_LINUX
def test_a_whole_index_of_the_known_form_is_one(path: Path) -> None:
    """Its head is what stands first in it; what is behind counts for nothing."""
    content = KNOWN + bytes(range(92)) + b"x" * 32_672
    index = index_of(content, path)
    assert index is not None
    assert content[:96] == index.head()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        KNOWN[:3],
        bytes(32_768),
        (3_007_001).to_bytes(4, sys.byteorder) * 8_192,
        KNOWN[::-1] * 8_192,
    ],
    ids=["empty", "cut off", "zeros", "another version", "another order"],
)
def test_an_index_of_another_form_is_none(path: Path, content: bytes) -> None:
    """A later SQLite may write another one, and what was just begun says nothing."""
    assert index_of(content, path) is None


def test_where_there_is_no_index_there_is_none(path: Path) -> None:
    """Neither of a file that is not there, nor in a folder that is not there."""
    assert wal_index(str(path)) is None
    assert wal_index(str(path / "more")) is None


def test_without_an_index_that_is_known_it_beats(
    path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a later SQLite, whose number is another: then it is SQLite that is asked."""
    monkeypatch.setattr(indexes, "_VERSION", (9).to_bytes(4, sys.byteorder))
    with felt(path) as pulse:
        for _ in range(20):
            before = pulse.beat()
            commit(writer)
            assert (before[0], before[1] + 1) == pulse.beat() == pulse.beat()


# Locks and descriptors

_LOCKING = """
import errno, fcntl, os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
print(connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0])
descriptor = os.open(sys.argv[1] + "-shm", os.O_RDWR)
# Section 2.3 of the form of the log: eight locks from 120 on; and behind them that of who has it
# open, which nobody takes for himself alone while another has it.
for first, count in ((120, 8), (128, 1)):
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, count, first)
        print(0)
    except OSError as error:
        print(error.errno)
"""


def taken(path: Path) -> list[int]:
    """Give what another process is told that wants each of the locks of SQLite for itself."""
    done = subprocess.run(
        [sys.executable, "-c", _LOCKING, str(path)], capture_output=True, text=True, check=True
    )
    return [int(one) for one in done.stdout.split()]


@ON_LINUX
def test_the_locks_of_sqlite_survive(path: Path, writer: sqlite3.Connection) -> None:
    """Whatever becomes of an index or a pulse: nobody takes a reader's file from under it."""
    with closing(opened(path)) as reader:
        reader.execute("BEGIN")
        read(reader)
        commit(writer)
        held = [1, errno.EAGAIN, errno.EAGAIN]
        for _ in range(3):
            index = wal_index(str(path))
            assert index is not None
            assert held == taken(path)
            del index
            assert held == taken(path)
            with felt(path) as pulse:
                commit(writer)
                pulse.beat()
            assert held == taken(path)
        # That is what would become of them, or this test would see nothing.
        os.close(os.open(f"{path}-shm", os.O_RDONLY))
        assert [0, 0] == taken(path)[:2]


def descriptors() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@ON_LINUX
def test_stores_that_come_and_go_leave_nothing_open(tmp_path: Path) -> None:
    """What an index has open goes with its file, which SQLite deletes with the last connection."""
    url = f"sqlite:///{tmp_path}/store.db"
    with closing(HeldStore(url)) as store:
        store.create()
    counted = []
    for number in range(200):
        with closing(HeldStore(url)) as store:
            before = store.held.look()
            if not number % 10:
                store.foreign.add(foreign(number + 1), untold)
            assert before + (not number % 10) == store.held.look() == store.held.look()
        counted.append((descriptors(), len(indexes._open)))
    assert {counted[1]} == set(counted[1:])


@ON_LINUX
def test_an_index_is_opened_once(path: Path, writer: sqlite3.Connection) -> None:
    """However many look at it, at once or after each other, while its file is there."""
    counted = []
    for _ in range(100):
        with felt(path) as pulse:
            commit(writer)
            pulse.beat()
            found = [wal_index(str(path)) for _ in range(10)]
            assert 1 == len({None if one is None else one.head() for one in found})
            assert None not in found
        counted.append((descriptors(), len(indexes._open)))
    # SQLite itself leaves one open for the next to use.
    assert {counted[0]} == set(counted)


@ON_LINUX
def test_what_is_gone_and_nobody_has_is_closed(path: Path) -> None:
    """The next who opens one closes those whose files were deleted, and no other."""
    others = [path.with_name(f"{number}.db") for number in range(5)]
    index_of(KNOWN, path)
    before = descriptors(), len(indexes._open)
    found = [index_of(KNOWN + bytes([number]), one) for number, one in enumerate(others)]
    assert (before[0] + 5, before[1] + 5) == (descriptors(), len(indexes._open))
    for one in others[:3]:
        Path(f"{one}-shm").unlink()
    index_of(KNOWN, path.with_name("in_use.db"))
    assert (before[0] + 6, before[1] + 6) == (descriptors(), len(indexes._open))
    del found[1:3]
    index_of(KNOWN, path.with_name("new.db"))
    assert (before[0] + 5, before[1] + 5) == (descriptors(), len(indexes._open))
    heads = [one.head() for one in found if one is not None]
    assert [KNOWN + b"\0", KNOWN + b"\3", KNOWN + b"\4"] == heads


# A fork

_FORKING = """
import os, sqlite3, sys
from pathlib import Path
from authz_service.store.held.file import FilePulse

path = Path(sys.argv[1])

def opened():
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)

def commit():
    connection = opened()
    connection.execute("UPDATE t SET value = value + 1")
    connection.close()

def changed(act):
    before = pulse.beat()
    same = before == pulse.beat()
    act()
    after = pulse.beat()
    return f"{same} {before != after} {after == pulse.beat()}"

pulse = FilePulse(path, opened)
print("before", changed(commit), flush=True)
to_child, from_parent = os.pipe()[::-1]
to_parent, from_child = os.pipe()[::-1]

def tell(pipe):
    os.write(pipe, b"x")

def hear(pipe):
    assert os.read(pipe, 1)

def other_commits(mine, theirs):
    tell(mine)
    hear(theirs)

def serve(mine, theirs):
    hear(theirs)
    commit()
    tell(mine)

if not os.fork():
    print("child", changed(commit), flush=True)
    print("child of parent", changed(lambda: other_commits(to_parent, from_parent)), flush=True)
    serve(to_parent, from_parent)
    # A pulse that is let go in the child takes nothing from the parent.
    pulse.close()
    print("child anew", changed(commit), flush=True)
    serve(to_parent, from_parent)
    os._exit(0)
serve(to_child, from_child)
print("parent of child", changed(lambda: other_commits(to_child, from_child)), flush=True)
print("parent", changed(commit), flush=True)
print("parent of child", changed(lambda: other_commits(to_child, from_child)), flush=True)
os.wait()
print("parent alone", changed(commit), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.usefixtures("writer")
def test_after_a_fork_both_feel_each_other(path: Path) -> None:
    """The child has a pulse of its own, whatever it inherits, and the parent's goes on."""
    done = subprocess.run(
        [sys.executable, "-c", _FORKING, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ("", 0) == (done.stderr, done.returncode)
    told = "True True True"
    expected = ["before", "child", "child of parent", "child anew"]
    expected += ["parent of child", "parent", "parent of child", "parent alone"]
    assert sorted(f"{one} {told}" for one in expected) == sorted(done.stdout.splitlines())
