"""The index of the log finds what is in the log, by any filter, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.journal.entries import entry_of
from authz_service.store import SqlStore
from authz_service.store.index.bits import BLOCK
from authz_service.usecases.log_index import Located, Position
from authz_service.usecases.records import Line, Sought
from tests.fakes.clock import NOON
from tests.fakes.lines import (
    ACTS,
    CLIENTS,
    COMPANIES,
    PEOPLE,
    POLICIES,
    PROCESSES,
    REASONS,
    varied,
)
from tests.fakes.records import fits
from tests.postgres import Postgres
from tests.store.indexed import Indexed


@pytest.fixture(name="indexed")
def _indexed(sql: SqlStore) -> Iterator[Indexed]:
    """Give a log in memory with an index beside or in an empty database of each kind."""
    with closing(Indexed(sql)) as indexed:
        yield indexed


@pytest.fixture(name="filled", scope="module", params=["sqlite", "postgres"])
def _filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Indexed]:
    """Give one of several blocks and a tail, of chains that overlap in time; it stays as it is."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('index')}/authz.db"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new()
    with closing(SqlStore(url)) as sql, closing(Indexed(sql)) as indexed:
        records = varied(2 * BLOCK + 500)
        indexed.log.write(records[::2], chain="0")
        indexed.log.write(records[1::2], chain="1")
        indexed.records.search(Sought(), None, 1)
        # A machine whose log comes late: its blocks are as old as all the others.
        indexed.log.write(varied(BLOCK + 20, seed=1, first=100_000), machine="m2")
        indexed.records.search(Sought(), None, 1)
        yield indexed


# Against a plain look at all lines

_MOMENTS = st.one_of(
    st.none(),
    st.builds(
        lambda minutes, micro: NOON + timedelta(minutes=minutes, microseconds=micro),
        st.integers(-10, 2_000),
        st.integers(0, 3),
    ),
)


@st.composite
def _soughts(draw: st.DrawFn) -> Sought:
    """Draw up to four filters, values that no record has among them."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "kind": st.sampled_from(("decision", "act")),
        "company": st.sampled_from(COMPANIES),
        "process": st.sampled_from([*(one.value for one in PROCESSES), "p06"]),
        "allowed": st.booleans(),
        "reason": st.sampled_from([*REASONS, "expire"]),
        "action": st.sampled_from(ACTS),
        "client": st.sampled_from([*CLIENTS, "nobody"]),
        "policy": st.sampled_from([*POLICIES, "f" * 64]),
        "person": st.sampled_from(PEOPLE),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(values)), max_size=4))
    since, until = draw(_MOMENTS), draw(_MOMENTS)
    return Sought(since=since, until=until, **{name: draw(values[name]) for name in chosen})


@cache
def _everything(filled: Indexed) -> list[Line]:
    return filled.written()


# Each example goes through all the records, page by page: ten of them take seconds.
@settings(
    max_examples=settings().max_examples // 3 if settings().max_examples > 1_000 else 10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sought=_soughts(), limit=st.sampled_from([1_500, 5_000]), oldest_first=st.booleans())
def test_it_finds_what_a_look_at_every_line_finds(
    filled: Indexed, sought: Sought, limit: int, oldest_first: bool
) -> None:
    """All of it, once each, in order, from page to page, whatever is sought, in both directions."""
    expected = [one["id"] for one in _everything(filled) if fits(sought, one)]
    found = filled.whole(sought, limit, oldest_first=oldest_first)
    assert (expected[::-1] if oldest_first else expected) == [one["id"] for one in found]


@pytest.mark.parametrize("limit", [5, 200])
def test_short_pages_make_up_the_whole(filled: Indexed, limit: int) -> None:
    """Also where blocks begin and end, and where several records share a moment."""
    since = NOON + timedelta(hours=5)
    sought = Sought(process="p001", allowed=False, since=since, until=since + timedelta(hours=2))
    expected = [one for one in _everything(filled) if fits(sought, one)]
    assert 40 < len(expected)
    assert expected == filled.whole(sought, limit)
    assert expected[::-1] == filled.whole(sought, limit, oldest_first=True)


def test_each_record_is_found_by_its_id(filled: Indexed) -> None:
    """In a block or in the tail, word for word; and no other by one that looks like it."""
    for record in _everything(filled)[::397]:
        assert record == filled.records.find(record["id"]).record
    like = "f" + _everything(filled)[0]["id"][1:]
    assert filled.records.find(like).record is None


# While records come in


def test_a_record_is_found_as_soon_as_it_is_written(indexed: Indexed) -> None:
    """By a search and by its id, whether it fills a block or not."""
    for part in range(3):
        records = varied(BLOCK // 2 + 3, seed=part, first=part * BLOCK)
        indexed.log.write(records)
        last = records[-1].id
        assert last == (indexed.records.find(last).record or {})["id"]
        assert indexed.written() == indexed.whole(Sought(), 3_000)


def test_what_is_written_meanwhile_moves_no_page(indexed: Indexed) -> None:
    """A list goes on where it was: later records are not in it, late ones in their place."""
    records = varied(BLOCK + 100)
    indexed.log.write(records[:BLOCK:2])
    first = indexed.records.search(Sought(), None, 1_000).page
    late = records[1:BLOCK:2]
    indexed.log.write(late, chain="1")
    indexed.log.write(records[BLOCK:])
    rest = indexed.whole(Sought(), 1_000, after=first.next)
    seen = [one["id"] for one in (*first.items, *rest)]
    before = {one.id for one in records[:BLOCK:2]}
    assert before == set(seen) & before
    assert len(seen) == len(set(seen))
    beyond = indexed.written().index(first.items[-1]) + 1
    assert indexed.written()[beyond:] == rest


def test_an_index_that_is_made_anew_is_the_same(indexed: Indexed) -> None:
    """Every page, and the token of every page: a list even goes on in the new one."""
    indexed.log.write(varied(BLOCK + 900), chain="0")
    indexed.log.write([*varied(700, seed=1, first=50_000), b"no record\n"], chain="1")
    before = indexed.records.search(Sought(), None, 1_000)
    rest = indexed.whole(Sought(), 1_000, after=before.page.next)
    told: list[tuple[int, int]] = []
    indexed.indexer.rebuild(lambda done, total: told.append((done, total)))
    assert before == indexed.records.search(Sought(), None, 1_000)
    assert rest == indexed.whole(Sought(), 1_000, after=before.page.next)
    size = sum(len(one) for one in indexed.log.content.values())
    assert (size, size) == told[-1]


# What is no longer there


def test_what_the_log_has_lost_is_not_in_the_index(indexed: Indexed) -> None:
    """A segment that was kept for long enough goes, with its whole blocks; the others stay."""
    old = indexed.log.write(varied(2 * BLOCK + 10), number=1)
    indexed.log.write(varied(500, seed=1, first=50_000), number=2)
    elsewhere = indexed.log.write(varied(300, seed=2, first=90_000), machine="m2", number=3)
    indexed.indexer.keep_up()
    assert 2 * BLOCK + 810 == len(indexed.whole(Sought(), 5_000))
    del indexed.log.content[old]
    assert indexed.written() == indexed.whole(Sought(), 5_000) or indexed.keeps_lines
    indexed.indexer.keep_up()
    assert indexed.written() == indexed.whole(Sought(), 5_000)
    assert indexed.written()[:9] == list(indexed.records.search(Sought(), None, 9).page.items)
    assert old not in indexed.index.positions()
    assert elsewhere in indexed.index.positions()


def test_a_log_that_is_not_here_is_not_taken_for_lost(indexed: Indexed) -> None:
    """Another machine's, or one whose disk is not mounted: only age takes segments away."""
    name = indexed.log.write(varied(50))
    indexed.indexer.keep_up()
    content = indexed.log.content.pop(name)
    indexed.indexer.keep_up()
    indexed.log.content[name] = content
    assert 50 == len(indexed.whole(Sought(), 200))


def test_a_line_that_was_exchanged_is_not_shown(sql: SqlStore) -> None:
    """What stands in its place, even a record, is not the one that was looked for."""
    with closing(Indexed(sql)) as indexed:
        records = varied(20)
        name = indexed.log.write(records)
        expected = indexed.whole(Sought(), 50)
        other = records[3].id.encode()
        indexed.log.content[name] = indexed.log.content[name].replace(other, b"f" * 32)
        left = (
            expected
            if indexed.keeps_lines
            else [one for one in expected if one["id"] != records[3].id]
        )
        assert left == indexed.whole(Sought(), 50)


# Several at once


def test_several_threads_index_each_record_once(indexed: Indexed) -> None:
    """Whoever is first reads, the others see it done."""
    indexed.log.write(varied(BLOCK + 200))
    indexed.log.write(varied(900, seed=1, first=50_000), chain="1")
    others = [indexed.beside() for _ in range(3)]
    threads = [Thread(target=one.catch_up, args=(30.0,)) for one in (*others, indexed.indexer)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert indexed.written() == indexed.whole(Sought(), 5_000)


def test_who_does_not_get_a_turn_says_from_when_on_records_are_missing(indexed: Indexed) -> None:
    """A search answers in time with what is known, and says what it may lack."""
    records = varied(30)
    indexed.log.write(records[:20])
    assert indexed.records.search(Sought(), None, 50).since is None
    indexed.log.write(records[20:])
    impatient = replace(indexed.records, patience=0.05, indexer=indexed.beside())
    with indexed.index.filling(1.0) as held:
        assert held is not None
        found = impatient.search(Sought(), None, 50)
        missing = impatient.find(records[-1].id)
    assert 20 == len(found.page.items)
    assert records[20].moment.isoformat(timespec="microseconds")[:26] + "Z" == found.since
    assert (None, found.since) == (missing.record, missing.since)
    assert 30 == len(indexed.records.search(Sought(), None, 50).page.items)


def test_what_fails_halfway_leaves_nothing(indexed: Indexed) -> None:
    """All that one turn adds counts, or none of it; what it learnt of terms does not either."""
    name = indexed.log.write(varied(100))
    [(_, header), (offset, line), *_] = indexed.log.lines(indexed.log.segments()[0])
    entry = entry_of(line)
    assert entry is not None
    with suppress(LookupError), indexed.index.filling(1.0) as filling:
        assert filling is not None
        filling.add([Located(entry, name, offset, line)], {name: Position(len(header) + 1)})
        raise LookupError
    assert {} == indexed.index.positions()
    assert indexed.written() == indexed.whole(Sought(), 50)
