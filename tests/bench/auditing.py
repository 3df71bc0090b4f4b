"""
Searching the decision log: how long a page takes, by each filter and by pairs of them.

The log is made up, line by line, while it is read, so that it takes no room; lines are in the
form that the service writes. ``python -m tests.bench.auditing 10000000`` takes some minutes.
"""

# ruff: noqa: T201 - the benchmark prints

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from authz_service.domain.identifiers import ForeignId
from authz_service.journal.entries import entry_of, record_of
from authz_service.store import SqlStore
from authz_service.store.index import SqlLogIndex
from authz_service.usecases.indexing import IndexedRecords, Indexer
from authz_service.usecases.records import Segment, Sought
from tests.bench.rounds import progress, table

RECORDS = 1_000_000
"""As many as are searched unless the command line says otherwise."""

PAGE = 50
ROUNDS = 15
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_SPAN = timedelta(days=365)
_SCATTER = 2654435761
_POLICIES = 200
_REASONS = ("granted", "legal-representative", "no-permit", "not-a-member", "expired", "suspended")


class MadeUp:
    """
    A log of two workers' chains that stands nowhere: a line is made from its number.

    A tenth of it is about one company; of persons there are a tenth as many as records, some of
    them busy. Policies follow each other. Now and then comes what is rare: a process once in
    250,000 records, a client once in a million.
    """

    def __init__(self, records: int) -> None:
        self.records = records
        self._step = _SPAN / records
        self._length = len(self.line(0)) + 1

    def line(self, number: int) -> bytes:
        """Give a line, without its line feed; all are of one length."""
        drawn = number * _SCATTER & 0xFFFFFFFF
        share = drawn / 0x100000000
        other = (drawn * _SCATTER >> 7 & 0xFFFFFFFF) / 0x100000000
        company = 0 if share < 0.1 else int(100_000 * share**3)
        person = int(max(self.records // 10, 10) * other**2)
        allowed = other < 0.7
        reason = _REASONS[int(share * 2) if allowed else 2 + int(share * 4)]
        process = "rare" if number % 250_000 == 7 else f"p{int(60 * share * share):03}"
        client = "rare" if number % 1_000_000 == 9 else f"c{int(20 * other):03}"
        moment = (_BEGAN + number * self._step).isoformat(timespec="microseconds")[:26]
        line = (
            f'{{"schema":1,"kind":"decision","id":"{drawn:08x}{number:024x}",'
            f'"moment":"{moment}Z","caller":{{"name":"{client}","address":"10.0.0.1"}},'
            f'"question":{{"actor":"{person:032x}","actor_type":"person",'
            f'"actor_evidence":"govbr","sign_in":null,"action":"open",'
            f'"company":"EX{company:08}","entity":null,"process":"{process}","named":"Processo",'
            f'"version":2,"recipient":null,"instance":"4711"}},"delegation":null,'
            f'"decision":{"true " if allowed else "false"},"reasons":["{reason}"],'
            '"rules":["opening.polar:12"],"evidence":[{"test":"process.state","outcome":"open"},'
            '{"test":"person.registered","outcome":true}],"errors":[],'
            f'"policy_digest":"{number * _POLICIES // self.records:064x}",'
            f'"store_revision":71234,"latency_us":13,"hash":"{number:064x}"}}'
        )
        return line.ljust(900).encode()

    def segments(self) -> list[Segment]:
        """Give the two chains, each a single file."""
        half = self.records // 2 * self._length
        return [Segment("decision", chain, 1, half, closed=False, machine="m") for chain in "01"]

    def lines(self, segment: Segment, offset: int = 0) -> Iterator[tuple[int, bytes]]:
        """Make the lines of one chain: every other number."""
        while offset < segment.size:
            yield offset, self.read(segment, offset, self._length)
            offset += self._length

    def read(self, segment: Segment, offset: int, _length: int) -> bytes:
        """Make the line that stands there."""
        return self.line(offset // self._length * 2 + int(segment.chain))


def _searches(log: MadeUp) -> dict[str, Sought]:
    busy, seldom = "0" * 32, json.loads(log.line(log.records // 2))["question"]["actor"]
    middle, last = _BEGAN + _SPAN / 2, f"{_POLICIES - 1:064x}"
    company, small = ForeignId("EX00000000"), ForeignId("EX00099999")
    week = timedelta(days=7)
    return {
        "everything": Sought(),
        "decision: allowed": Sought(allowed=True),
        "kind: act (none)": Sought(kind="act"),
        "a common process": Sought(process="p000"),
        "a rare process": Sought(process="rare"),
        "no such process": Sought(process="nowhere"),
        "a common reason": Sought(reason="granted"),
        "a large company": Sought(company=company),
        "a small company": Sought(company=small),
        "a busy person": Sought(person=busy),
        "a person": Sought(person=seldom),
        "the policy in force": Sought(policy=last),
        "the first policy": Sought(policy="0" * 64),
        "a common caller": Sought(client="c000"),
        "a rare caller": Sought(client="rare"),
        "a week half a year ago": Sought(since=middle, until=middle + week),
        "before all of them": Sought(until=_BEGAN),
        "company and decision": Sought(company=company, allowed=False),
        "company and process": Sought(company=company, process="p000"),
        "company and process, never together": Sought(company=company, process="p059"),
        "person and process": Sought(person=busy, process="p000"),
        "person and decision": Sought(person=busy, allowed=False),
        "decision and reason, never together": Sought(allowed=True, reason="no-permit"),
        "process and first policy": Sought(process="p000", policy="0" * 64),
        "caller and reason": Sought(client="c000", reason="granted"),
        "caller and reason, never together": Sought(client="c000", reason="no-permit"),
        "small company, in that week": Sought(company=small, since=middle, until=middle + week),
        "reason, process and company": Sought(reason="expired", process="p020", allowed=False),
    }


def measure(count: int = RECORDS) -> None:
    """Fill an index with *count* records, search it, and print how long that took."""
    log = MadeUp(count)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqlStore(f"sqlite:///{folder}/authz.db")) as store,
        closing(SqlLogIndex(store.database)) as index,
    ):
        began = time.perf_counter()

        def told(done: int, total: int) -> None:
            rate = done / total * count / (time.perf_counter() - began)
            progress(f"indexed {done / total:.1%} of {count:,} records, {rate:,.0f} a second")

        indexer = Indexer(log, index, entry_of)
        indexer.fill(told)
        filled = time.perf_counter() - began
        size = sum(one.stat().st_size for one in Path(folder).glob("*log-index*"))
        records = IndexedRecords(log, index, indexer, record_of)
        rows = {
            name: _taken(name, records, sought, rounds=ROUNDS)
            for name, sought in _searches(log).items()
        }
        one = json.loads(log.line(count // 3))["id"]
        rows["one record by its id"] = _timed("id", lambda: records.find(one), ROUNDS, "1")
    columns = ["median ms", "worst ms", "records"]
    table(f"A page of {PAGE} out of {count:,} records", columns, rows)
    print(
        f"filled in {filled:,.0f} s, {count / filled:,.0f} records a second;"
        f" {size / 1e6:,.0f} MB on disk, {size / count:,.0f} bytes a record\n"
    )


def _taken(name: str, records: IndexedRecords, sought: Sought, rounds: int) -> list[str]:
    """Measure the first page, and the one after it where there is one."""
    first = records.search(sought, None, PAGE).page
    after = [None] if first.next is None else [None, first.next]
    found = str(len(first.items)) + ("" if first.next is None else " and more")
    turns = iter(after * rounds)
    return _timed(name, lambda: records.search(sought, next(turns), PAGE), rounds, found)


def _timed(name: str, run: object, rounds: int, found: str) -> list[str]:
    assert callable(run)
    taken = []
    for number in range(rounds):
        progress(f"searching, {name}, {number + 1}/{rounds}")
        began = time.perf_counter()
        run()
        taken.append((time.perf_counter() - began) * 1e3)
    return [f"{median(taken):,.1f}", f"{max(taken):,.1f}", found]


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:2]))
