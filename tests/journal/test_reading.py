"""The log is read backwards in bounded steps, whatever stands in it and whoever writes to it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from authz_service.domain.decision import ActRecord, Caller, DecisionRecord, Record
from authz_service.domain.errors import Conflict, LogUnavailable
from authz_service.domain.identifiers import Cnpj, ForeignId, ProcessId
from authz_service.journal.file import FileLog
from authz_service.journal.lines import line
from authz_service.journal.reading import Bounds, LogReader
from authz_service.usecases.records import Line, Searched, Sought
from tests.fakes.clock import NOON
from tests.journal.test_lines import ACT, ASKED, DECISION

SMALL = Bounds(block=4096)
COMPANY, ABROAD = Cnpj.parse("52420282000180"), ForeignId.of_number(123)
TORN = line(DECISION)[:200]
MINUTE = timedelta(minutes=1)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """The file of a log that is not there yet."""
    return tmp_path / "decisions.jsonl"


def decision(number: int, **changes: Any) -> DecisionRecord:
    """Give a decision with an id of its own, made at so many minutes after noon."""
    moment = NOON + number * MINUTE
    return replace(DECISION, **{"id": f"{number:032x}", "moment": moment, **changes})


def act(number: int, **details: Any) -> ActRecord:
    """Give an act with an id of its own."""
    moment = NOON + number * MINUTE
    return replace(ACT, id=f"{number:032x}", moment=moment, details=details)


def written(path: Path, records: Sequence[Record | bytes]) -> Path:
    """Write records as they are written, and bytes as they are."""
    path.write_bytes(b"".join(one if isinstance(one, bytes) else line(one) for one in records))
    return path


def numbers(lines: Sequence[Line]) -> list[int]:
    """Give the numbers that the ids are made of."""
    return [int(one["id"], 16) for one in lines]


def whole(reader: LogReader, limit: int, sought: Sought | None = None) -> Iterator[Searched]:
    """Search from part to part until there is none."""
    after = None
    while True:
        found = reader.search(sought or Sought(), after, limit)
        yield found
        after = found.page.next
        if after is None:
            return


def matching(path: Path, records: Sequence[Record], **sought: Any) -> list[int]:
    """Write records, and give the numbers of those that are found."""
    reader = LogReader(written(path, records))
    return numbers(reader.search(Sought(**sought), None, 50).page.items)


# In parts


@pytest.mark.parametrize("limit", [1, 2, 7, 40, 41, 200])
@pytest.mark.parametrize("block", [1500, 4096, 1024 * 1024])
def test_parts_make_up_the_whole(path: Path, limit: int, block: int) -> None:
    """Each record is in exactly one part, word for word, the newest first."""
    records = [decision(one) if one % 3 else act(one) for one in range(40)]
    reader = LogReader(written(path, records), Bounds(block=block))
    found = [one for part in whole(reader, limit) for one in part.page.items]
    assert [json.loads(line(one)) for one in reversed(records)] == found


def test_what_is_written_meanwhile_does_not_move_the_list(path: Path) -> None:
    """A list goes on where it was, however many records came since."""
    reader = LogReader(written(path, [decision(one) for one in range(9)]))
    first = reader.search(Sought(), None, 3).page
    with path.open("ab") as file:
        file.write(line(decision(9)))
    rest = reader.search(Sought(), first.next, 50).page
    assert [8, 7, 6, 5, 4, 3, 2, 1, 0] == numbers(first.items) + numbers(rest.items)
    assert [9] == numbers(reader.search(Sought(), None, 1).page.items)


def test_without_a_file_the_log_is_empty(path: Path) -> None:
    """Before the first record there is nothing to be found, and nothing is made."""
    reader = LogReader(path)
    assert (Searched, ()) == (
        type(reader.search(Sought(), None, 5)),
        reader.search(Sought(), None, 5).page.items,
    )
    assert (None, None) == (reader.find("0" * 32).record, reader.find("0" * 32).since)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n\n"])
def test_a_log_without_records_has_one_empty_part(path: Path, content: bytes) -> None:
    """Empty lines are nothing at all."""
    found = LogReader(written(path, [content])).search(Sought(), None, 5)
    assert ((), None, 0) == (found.page.items, found.page.next, found.unreadable)


def test_a_log_that_was_moved_away_has_to_be_begun_anew(path: Path) -> None:
    """A place in another file would be any place."""
    reader = LogReader(written(path, [decision(one) for one in range(9)]))
    after = reader.search(Sought(), None, 3).page.next
    path.rename(path.with_suffix(".1"))
    written(path, [decision(one) for one in range(9)])
    with pytest.raises(Conflict, match="begin the list anew"):
        reader.search(Sought(), after, 3)


@pytest.mark.parametrize(
    "place", ["", "x", "1", "1-", "-1", "1-2-3", "\u0661-1", "9" * 21 + "-1", "{file}-99999999"]
)
def test_a_place_that_is_none_is_a_conflict(path: Path, place: str) -> None:
    """Also one beyond the end, as after a file was cut."""
    reader = LogReader(written(path, [decision(1)]))
    with pytest.raises(Conflict):
        reader.search(Sought(), place.format(file=path.stat().st_ino), 3)


def test_a_log_that_cannot_be_read_is_told(path: Path) -> None:
    """Without its path, which is the operators' business."""
    path.mkdir()
    for ask in (
        lambda: LogReader(path).search(Sought(), None, 1),
        lambda: LogReader(path).find("0" * 32),
    ):
        with pytest.raises(LogUnavailable) as caught:
            ask()
        assert str(path) not in str(caught.value)


def test_a_log_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """A name that is none, here, as a folder that is closed would be."""
    (tmp_path / "file").touch()
    with pytest.raises(LogUnavailable):
        LogReader(tmp_path / "file" / "decisions.jsonl").search(Sought(), None, 1)


# What is no record


@pytest.mark.parametrize(
    ("foreign", "unreadable"),
    [
        (TORN + b"\n", 1),
        (b"no JSON at all\n", 1),
        (b"{broken}\n", 1),
        (b"\x00" * 3000 + b"\n", 1),
        (b"\xff\xfe\n", 1),
        (b"[1]\n{}\n", 2),
        (b'{"x":' + b"[" * 1500 + b"]" * 1500 + b"}\n", 1),
        (line(DECISION).replace(b'"schema":1', b'"schema":2'), 1),
        (line(ACT).replace(b'"kind":"act"', b'"kind":"deed"'), 1),
        (line(ACT).replace(b'"details"', b'"more":1,"details"'), 1),
        (b"x" * 9000 + b"\n", 1),
        (b"\n" + b"\n", 0),
    ],
    ids=[
        "torn",
        "text",
        "broken",
        "zeros",
        "bytes",
        "other JSON",
        "deep",
        "later schema",
        "other kind",
        "one member more",
        "longer than a block",
        "empty",
    ],
)
def test_what_is_no_record_is_passed_over_and_counted(
    path: Path, foreign: bytes, unreadable: int
) -> None:
    """The records around it are found, and how many lines are none is told."""
    records: list[Record | bytes] = [decision(1), foreign, decision(2), foreign, foreign]
    reader = LogReader(written(path, [*records, decision(3)]), SMALL)
    found = reader.search(Sought(), None, 50)
    assert [3, 2, 1] == numbers(found.page.items)
    assert 3 * unreadable == found.unreadable
    assert [1, 2, 3] == [
        int((reader.find(f"{one:032x}").record or {"id": "0"})["id"], 16) for one in (1, 2, 3)
    ]


def test_a_torn_end_is_no_record(path: Path) -> None:
    """What a power cut has left at the end is counted until the next writer ends it, and after."""
    reader = LogReader(written(path, [decision(1), TORN]), SMALL)
    assert 1 == reader.search(Sought(), None, 5).unreadable
    log = FileLog(path)
    log.write([decision(2)])
    log.close()
    found = reader.search(Sought(), None, 5)
    assert ([2, 1], 1) == (numbers(found.page.items), found.unreadable)


# Filters

ONES: list[Record] = [
    decision(1, caller=Caller("portal")),
    decision(2, asked=replace(ASKED, company=ABROAD)),
    decision(3, asked=replace(ASKED, process=ProcessId("p001"))),
    decision(4, decision=replace(DECISION.decision, allowed=True, reasons=("delegated", "more"))),
    decision(5, asked=replace(ASKED, action="ação própria")),
    decision(6, asked=replace(ASKED, actor="1" * 32)),
    decision(7, asked=replace(ASKED, recipient="2" * 32)),
    act(8, person="1" * 32, company=COMPANY.value),
    act(9, persons=("1" * 32, "2" * 32), allowed=True, process="p001"),
    replace(act(10), act="open", caller=Caller("portal")),
]


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ({}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ({"kind": "act"}, [10, 9, 8]),
        ({"kind": "decision"}, [7, 6, 5, 4, 3, 2, 1]),
        ({"client": "portal"}, [10, 1]),
        ({"company": ABROAD}, [2]),
        ({"company": COMPANY}, [8, 7, 6, 5, 4, 3, 1]),
        ({"process": "p001"}, [3]),
        ({"process": "p0"}, []),
        ({"allowed": True}, [4]),
        ({"allowed": False}, [7, 6, 5, 3, 2, 1]),
        ({"reason": "more"}, [4]),
        ({"reason": "delegated"}, [4]),
        ({"reason": "delegat"}, []),
        ({"action": "open"}, [10, 7, 6, 4, 3, 2, 1]),
        ({"action": "ação própria"}, [5]),
        ({"person": "1" * 32}, [9, 8, 6]),
        ({"person": "2" * 32}, [9, 7]),
        ({"person": "1" * 32, "kind": "decision"}, [6]),
        ({"client": "portal", "kind": "decision"}, [1]),
        ({"since": NOON + 9 * MINUTE}, [10, 9]),
        ({"until": NOON + 2 * MINUTE}, [1]),
        ({"since": NOON + 2 * MINUTE, "until": NOON + 4 * MINUTE}, [3, 2]),
        ({"since": datetime(1, 1, 1, tzinfo=UTC)}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ({"until": datetime.max.replace(tzinfo=UTC)}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
    ],
    ids=[
        "all",
        "acts",
        "decisions",
        "client",
        "foreign company",
        "company",
        "process",
        "part of a process",
        "allowed",
        "denied",
        "second reason",
        "reason",
        "part of a reason",
        "action or act",
        "action with accents",
        "actor or in an act",
        "recipient",
        "person and kind",
        "client and kind",
        "since",
        "until",
        "between",
        "since ever",
        "for ever",
    ],
)
def test_a_filter_gives_what_it_says(path: Path, sought: dict[str, Any], found: list[int]) -> None:
    """Exactly the records that fit, and an act where it names what is sought."""
    assert found == matching(path, ONES, **sought)


def test_a_filter_is_not_taken_in_by_other_members(path: Path) -> None:
    """A name that stands in a record in another place is not what is sought."""
    records = [decision(1, asked=replace(ASKED, named="p777", instance="p777"))]
    for sought in ({"process": "p777"}, {"action": "p777"}, {"client": "p777"}):
        assert [] == matching(path, records, **sought)


@pytest.mark.parametrize("behind", [1, 59])
def test_moments_may_stand_out_of_order(path: Path, behind: int) -> None:
    """What a slower process wrote later is found though it is of before what was asked for."""
    late = [decision(-behind - number % 2) for number in range(1500)]
    records = [decision(5), *late, decision(7)]
    assert [7, 5] == matching(path, records, since=NOON)


def test_a_search_ends_where_everything_is_of_before(path: Path) -> None:
    """Not all of the log is read for the last minutes, unless a clock was wrong for a while."""
    old = [decision(-61) for _ in range(999)]
    records = [decision(1), *[decision(-61) for _ in range(1000)], decision(2), *old, decision(3)]
    assert [3, 2] == matching(path, records, since=NOON)


# Bounds


def test_a_part_ends_at_its_bound_and_says_where(path: Path) -> None:
    """A search that finds nothing stops after so many bytes, and goes on from there."""
    records = [decision(1, caller=Caller("portal")), *(decision(one) for one in range(2, 90))]
    written(path, records)
    bounds = Bounds(block=4096, search=16_384)
    parts = list(whole(LogReader(path, bounds), 5, Sought(client="portal")))
    assert [1] == [number for one in parts for number in numbers(one.page.items)]
    steps = path.stat().st_size / bounds.search
    assert steps - 1 <= len(parts) <= steps + 1


def test_a_part_ends_after_so_many_lines_that_had_to_be_opened(path: Path) -> None:
    """What only looks as if it fitted takes longest, so it is bounded by itself."""
    written(path, [decision(one, asked=replace(ASKED, named="px")) for one in range(30)])
    reader = LogReader(path, Bounds(opened=10))
    parts = list(whole(reader, 5, Sought(process="px")))
    assert (3, []) == (len(parts), [one for part in parts for one in part.page.items])


@pytest.mark.parametrize(
    "sought",
    [{"company": ABROAD}, {"allowed": True}, {"until": NOON}, {"since": NOON + 60 * MINUTE}],
    ids=["company", "allowed", "until", "since"],
)
def test_what_cannot_fit_is_not_opened(path: Path, sought: dict[str, Any]) -> None:
    """A look at the bytes is enough, so a search comes further before its bound."""
    reader = LogReader(written(path, [decision(one) for one in range(30)]), Bounds(opened=1))
    assert 1 == len(list(whole(reader, 5, Sought(**sought))))


def test_a_record_that_is_too_far_back_is_told_as_such(path: Path) -> None:
    """Looking for an id ends at its bound, with the moment from which on it was looked for."""
    records = [decision(one) for one in range(60)]
    reader = LogReader(written(path, records), Bounds(block=4096, find=12_288))
    assert 59 == int((reader.find(f"{59:032x}").record or {"id": "0"})["id"], 16)
    found = reader.find(f"{1:032x}")
    assert found.record is None
    oldest = datetime.fromisoformat(found.since or "")
    assert NOON + 30 * MINUTE < oldest < NOON + 59 * MINUTE


def test_a_log_that_was_looked_at_as_a_whole_is_told_as_such(path: Path) -> None:
    """Also where it is just as long as what is looked at."""
    reader = LogReader(written(path, [decision(1)]), Bounds(find=1))
    found = reader.find(f"{2:032x}")
    assert (None, None) == (found.record, found.since)


def test_a_torn_line_is_not_the_record_that_it_names(path: Path) -> None:
    """What is left of a record is none, and one that was written again is found."""
    reader = LogReader(written(path, [TORN, b"\n", line(ACT)]))
    assert reader.find(DECISION.id).record is None
    written(path, [TORN, b"\n", line(DECISION)])
    assert DECISION.id == (reader.find(DECISION.id).record or {})["id"]


def test_an_id_that_another_record_mentions_is_not_that_record(path: Path) -> None:
    """An act names the decision whose persons it told, and a caller may send whatever it likes."""
    name = f"{3:032x}"
    mentions = decision(2, asked=replace(ASKED, instance=name, named=name))
    records: list[Record] = [mentions, decision(3), act(7, decision=name)]
    found = LogReader(written(path, records)).find(f"{3:032x}").record
    assert found is not None
    assert ("decision", f"{3:032x}") == (found["kind"], found["id"])


# Beside writers


def test_a_reader_waits_for_whoever_is_writing(path: Path) -> None:
    """Half a line that is being written is not taken for a torn one."""
    log = FileLog(path)
    log.write([decision(1)])
    log.close()
    found: list[Searched] = []
    writing = os.open(path, os.O_WRONLY | os.O_APPEND)
    fcntl.flock(writing, fcntl.LOCK_EX)
    started = Event()

    def read() -> None:
        started.set()
        found.append(LogReader(path).search(Sought(), None, 5))

    reader = Thread(target=read)
    reader.start()
    started.wait()
    os.write(writing, line(decision(2))[:100])
    os.write(writing, line(decision(2))[100:])
    fcntl.flock(writing, fcntl.LOCK_UN)
    reader.join()
    os.close(writing)
    assert ([2, 1], 0) == (numbers(found[0].page.items), found[0].unreadable)


def test_a_reader_leaves_no_file_open(path: Path) -> None:
    """However a search ends."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    reader = LogReader(written(path, [decision(1)]))
    asks: list[Callable[[], object]] = [
        lambda: reader.search(Sought(), None, 1),
        lambda: reader.find("0" * 32),
        lambda: reader.search(Sought(), "x", 1),
    ]
    for ask in asks:
        try:
            ask()
        except Conflict:
            continue
    assert before == len(list(Path("/proc/self/fd").iterdir()))
