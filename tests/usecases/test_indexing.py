"""Filling the index from the log's files, and finding records by it: how far, and how long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from authz_service.domain.decision import DecisionRecord
from authz_service.domain.errors import Conflict
from authz_service.journal.entries import entry_of
from authz_service.journal.lines import line
from authz_service.store import SqlStore
from authz_service.store.index import SqlLogIndex
from authz_service.usecases.indexing import Indexer
from authz_service.usecases.log_index import Asked, Filling, Key, Name, Position
from authz_service.usecases.records import Found, Segment, Sought
from tests.fakes.clock import NOON
from tests.fakes.lines import MemoryLines, varied
from tests.store.indexed import Indexed


class Ticking:
    """A clock that goes on by ``step`` seconds at each look."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        """Give the seconds."""
        self.now += self.step
        return self.now


@pytest.fixture(name="indexed")
def _indexed(tmp_path: Path) -> Iterator[Indexed]:
    """Give a log in memory with an index in a file."""
    with (
        closing(SqlStore(f"sqlite:///{tmp_path}/authz.db")) as sql,
        closing(Indexed(sql)) as indexed,
    ):
        yield indexed


def ids(indexed: Indexed, **sought: object) -> list[int]:
    """Search, and give the numbers of what was found."""
    found = indexed.whole(Sought(**sought), 200)  # type: ignore[arg-type]
    return [int(one["id"][-12:], 16) for one in found]


def test_an_empty_log_has_nothing_to_be_found(indexed: Indexed) -> None:
    """Before the first record, and without any file."""
    assert [] == indexed.whole(Sought(), 50)
    assert None is indexed.records.find("0" * 32).record
    indexed.log.write([])
    assert [] == indexed.whole(Sought(), 50)


def test_several_chains_are_one_list(indexed: Indexed) -> None:
    """In the order of their moments, whichever worker or machine wrote them, acts among them."""
    records = varied(60)
    indexed.log.write(records[::3], chain="0")
    indexed.log.write(records[1::3], chain="1")
    indexed.log.write(records[2::3], machine="m2", kind="act")
    assert indexed.written() == indexed.whole(Sought(), 7)


def test_nothing_is_read_twice(indexed: Indexed) -> None:
    """A search goes on where the last one ended, and opens no file that has nothing new."""
    name = indexed.log.write(varied(5))
    assert 5 == len(ids(indexed))
    size = len(indexed.log.content[name])
    indexed.log.opened.clear()
    assert 5 == len(ids(indexed))
    assert [] == indexed.log.opened
    indexed.log.write(varied(2, first=5))
    assert 7 == len(ids(indexed))
    assert {(name, size)} == set(indexed.log.opened)


def test_what_is_no_record_is_counted_and_passed_over(indexed: Indexed) -> None:
    """Foreign lines and torn ends, once each; headers are nothing of the kind."""
    records = varied(6)
    indexed.log.write([*records[:2], b"foreign\n", b"{}\n", records[2]], number=1)
    indexed.log.write([line(records[3])[:50]], number=1)
    indexed.log.write(records[3:], number=2)
    found = indexed.records.search(Sought(), None, 50)
    assert (6, 3) == (len(found.page.items), found.unreadable)
    assert found == indexed.records.search(Sought(), None, 50)


def test_half_a_line_is_waited_for_without_being_read_again(indexed: Indexed) -> None:
    """While it is being written, and when it is whole it is found."""
    [first, second] = varied(2)
    data = line(second)
    name = indexed.log.write([first, data[:100]])
    assert [0] == ids(indexed)
    indexed.log.opened.clear()
    assert [0] == ids(indexed)
    assert [] == indexed.log.opened
    indexed.log.write([data[100:]])
    found = indexed.records.search(Sought(), None, 50)
    assert (2, 0) == (len(found.page.items), found.unreadable)
    assert Position(len(indexed.log.content[name]), 0) == indexed.index.positions()[name]


def test_a_search_ends_at_its_bound_and_says_from_when_on(indexed: Indexed) -> None:
    """Some lines are read however short the time is, so that each search comes further."""
    records = varied(200)
    indexed.log.write(records)
    indexer = replace(indexed.indexer, clock=Ticking(1.0))
    hasty = replace(indexed.records, indexer=indexer, patience=2.5)
    found = hasty.search(Sought(), None, 500)
    # With the header they are 64 lines.
    assert 63 == len(found.page.items)
    assert Key.of(records[63].moment).instant == found.since
    assert 127 == len(hasty.search(Sought(), None, 500).page.items)
    missing = hasty.find(records[-1].id)
    assert (None, Key.of(records[191].moment).instant) == (missing.record, missing.since)
    assert records[-1].id == (hasty.find(records[-1].id).record or {})["id"]


def test_what_comes_while_it_is_read_is_for_the_next_search(indexed: Indexed) -> None:
    """A log that grows faster than it is read keeps nobody waiting."""

    class Growing(MemoryLines):
        """Gets a record more with each one that is read."""

        def lines(self, segment: Segment, offset: int = 0) -> Iterator[tuple[int, bytes]]:
            """Give the lines, each after another one has come."""
            for one in super().lines(segment, offset):
                self.write(varied(1, first=len(self.records())))
                yield one

    log = Growing()
    log.write(varied(3))
    growing = Indexer(log, indexed.index, entry_of)
    assert None is growing.catch_up(60.0)
    [position] = indexed.index.positions().values()
    assert position.offset < sum(len(one) for one in log.content.values())
    assert 3 == len(indexed.index.search(Asked.of(Sought(), None, 500)))


def test_filling_tells_how_far_it_is(indexed: Indexed) -> None:
    """In bytes of the log, of as many as there are."""
    name = indexed.log.write(varied(10))
    told: list[tuple[int, int]] = []
    indexed.indexer.fill(lambda done, total: told.append((done, total)))
    size = len(indexed.log.content[name])
    assert [(size, size)] == told
    indexed.indexer.fill(lambda done, total: told.append((done, total)))
    assert 1 == len(told)


def test_a_long_log_is_read_in_parts(tmp_path: Path) -> None:
    """As many lines at once as are quick to write, so that others get their turn meanwhile."""
    turns: list[float] = []

    class Told(SqlLogIndex):
        @contextmanager
        def filling(self, wait: float) -> Iterator[Filling | None]:
            turns.append(wait)
            with super().filling(wait) as filling:
                yield filling

    log = MemoryLines()
    log.write([b"x\n"] * 5_000)
    with (
        closing(SqlStore(f"sqlite:///{tmp_path}/authz.db")) as sql,
        closing(Told(sql.database)) as index,
    ):
        assert None is Indexer(log, index, entry_of).catch_up(60.0)
        [position] = index.positions().values()

    assert Position(sum(map(len, log.content.values())), 5_000) == position
    assert 2 == len(turns)


def test_only_what_was_taken_away_for_its_age_is_forgotten(indexed: Indexed) -> None:
    """The first segments of a chain go, whole; the log of another machine was never here."""
    first = indexed.log.write(varied(3), number=1)
    indexed.log.write(varied(3, first=3), number=2)
    other = indexed.log.write(varied(3, first=6), machine="m2")
    indexed.indexer.keep_up()
    del indexed.log.content[first], indexed.log.content[other]
    indexed.indexer.keep_up()
    assert [other, Name("m1", "decision", "0", 2)] == sorted(
        indexed.index.positions(), key=lambda name: name.machine, reverse=True
    )
    assert [5, 4, 3] == ids(indexed)


def test_keeping_up_takes_little_time_at_once(indexed: Indexed) -> None:
    """Decisions wait for the same processors; each time it comes further."""
    indexed.log.write(varied(200))
    indexer = replace(indexed.indexer, clock=Ticking(0.2))
    everything = Asked.of(Sought(), None, 500)
    indexer.keep_up()
    assert 63 == len(indexed.index.search(everything))
    indexer.keep_up()
    assert 127 == len(indexed.index.search(everything))


def test_a_list_goes_on_in_both_directions(indexed: Indexed) -> None:
    """Between bounds, from a place on, the place itself left out."""
    records = varied(30)
    indexed.log.write(records)
    since, until = records[4].moment, records[25].moment
    expected = [one for one in records if since <= one.moment < until]
    names = [one.id for one in expected]
    sought = Sought(since=since, until=until)
    assert names == [one["id"] for one in indexed.whole(sought, 4, oldest_first=True)]
    assert names[::-1] == [one["id"] for one in indexed.whole(sought, 4)]
    unbound = [one["id"] for one in indexed.whole(Sought(), 4, oldest_first=True)]
    assert [one.id for one in records] == unbound


@pytest.mark.parametrize(
    "place", ["", "x", "1", "1.", ".1", "1.2.3", "-1.1", "\u0661.1", "9" * 19 + ".1"]
)
def test_a_place_that_is_none_is_a_conflict(indexed: Indexed, place: str) -> None:
    """Such as one of the time before there was an index."""
    with pytest.raises(Conflict, match="begin it anew"):
        indexed.records.search(Sought(), place, 5)


def test_who_finds_a_record_does_not_read_what_is_new(indexed: Indexed) -> None:
    """An index that has it answers at once, however much there is to be read."""
    records = varied(4)
    indexed.log.write(records[:2])
    indexed.indexer.keep_up()
    before = indexed.index.positions()
    indexed.log.write(records[2:])
    assert records[0].id == (indexed.records.find(records[0].id).record or {})["id"]
    assert before == indexed.index.positions()


@pytest.mark.parametrize("name", ["nope", "", "F" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n"])
def test_what_can_be_no_id_is_nobodys(indexed: Indexed, name: str) -> None:
    """Nothing has to be read to know that no record has such a name."""
    indexed.log.write(varied(2))
    assert Found() == indexed.records.find(name)
    assert {} == indexed.index.positions()


def test_an_id_that_is_mentioned_is_not_the_record(indexed: Indexed) -> None:
    """Nor one that ends alike."""
    [record, other] = varied(2)
    assert isinstance(other, DecisionRecord)
    alike = other._replace(id="f" * 20 + record.id[-12:])
    indexed.log.write([alike, record])
    assert record.id == (indexed.records.find(record.id).record or {})["id"]
    assert None is indexed.records.find("e" * 20 + record.id[-12:]).record


def test_a_line_that_is_no_record_any_more_is_left_out(indexed: Indexed) -> None:
    """Spoilt since, exchanged for another one, or gone with its segment."""
    records = varied(4)
    name = indexed.log.write(records)
    assert [3, 2, 1, 0] == ids(indexed)
    data = indexed.log.content[name]
    spoilt = data.replace(line(records[1])[:20], b"x" * 20)
    assert json.loads(line(records[2]))["id"].encode() in spoilt
    indexed.log.content[name] = spoilt.replace(records[2].id.encode(), b"f" * 32)
    # All lines begin alike.
    assert [] == ids(indexed)
    indexed.log.content[name] = data.replace(records[2].id.encode(), b"f" * 32)
    assert [3, 1, 0] == ids(indexed)
    del indexed.log.content[name]
    assert [] == ids(indexed)
    assert None is indexed.records.find(records[0].id).record


def test_moments_are_told_as_the_log_writes_them() -> None:
    """To the microsecond, also where there are none."""
    assert "2026-11-20T15:00:00.000000Z" == Key.of(NOON).instant


def test_an_index_is_made_anew_from_the_log(indexed: Indexed) -> None:
    """Also where it ends in half a line, and where others took the old one away."""
    [first, second] = varied(2)
    data = line(second)
    name = indexed.log.write([first, data[:100]])
    assert [0] == ids(indexed)
    indexed.index.forget([name])
    assert [0] == ids(indexed)
    told: list[tuple[int, int]] = []
    indexed.indexer.rebuild(lambda done, total: told.append((done, total)))
    size = len(indexed.log.content[name])
    assert [(size - 100, size)] == told
    assert [0] == ids(indexed)
    indexed.log.write([data[100:]])
    assert [1, 0] == ids(indexed)


def test_whoever_gets_no_turn_answers_with_what_is_known(indexed: Indexed) -> None:
    """In time, and says from when on records may be missing."""
    records = varied(3)
    indexed.log.write(records[:2])
    assert [1, 0] == ids(indexed)
    indexed.log.write(records[2:])
    hasty = replace(indexed.records, patience=0.02, indexer=indexed.beside())
    with indexed.index.filling(1.0) as held:
        assert held is not None
        found = hasty.search(Sought(), None, 50)
        missing = hasty.find(records[2].id)
        known = hasty.find(records[1].id)
    since = Key.of(records[2].moment).instant
    assert (2, since) == (len(found.page.items), found.since)
    assert (None, since) == (missing.record, missing.since)
    assert (records[1].id, None) == ((known.record or {})["id"], known.since)
