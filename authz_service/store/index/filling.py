"""
Writes into the index: numbers for terms and segments, records into the tail, blocks out of it.

Whatever happens here happens within the one transaction of one writer, who is alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from authz_service.store.index.bits import BLOCK, numbers_in, numbers_packed, packed
from authz_service.store.index.places import Place
from authz_service.store.index.schema import (
    bits,
    blocks,
    records,
    segments,
    state,
    tail,
    terms,
)
from authz_service.usecases.log_index import Located, Name, Position, Term

_KNOWN = 200_000
"""How many terms a process remembers the numbers of, in some 40 MB."""

_AT_ONCE = 5_000
"""Terms that are looked up in one statement; databases bound their parameters."""

_BLOCKS_AT_ONCE = 256
"""Blocks that one statement forgets records of, so that none takes long."""

_TERMS = "I"


@dataclass(slots=True)
class Known:
    """
    What a process has learnt of the index; true as long as the index is the same one.

    Whoever writes adds to it at once: if that is not committed, it has to be thrown away.

    Attributes:
        era: the index that it was learnt of.
        terms: the numbers of terms.
    """

    era: str = ""
    terms: dict[Term, int] = field(default_factory=dict)


class _Row(NamedTuple):
    """A record as both tables of records have it, with the numbers of its terms."""

    moment: int
    tie: int
    segment: int
    at: int
    length: int
    line: bytes | None
    terms: Sequence[int]


class SqlFilling:
    """The port ``Filling`` within one transaction of the only writer."""

    def __init__(self, place: Place, connection: Connection, known: Known) -> None:
        self._place = place
        self._connection = connection
        found = connection.execute(select(state)).one()
        self._blocks, self._terms = int(found.blocks), int(found.terms)
        if known.era != found.era or len(known.terms) > _KNOWN:
            known.era, known.terms = str(found.era), {}
        self._known = known.terms

    def positions(self) -> Mapping[Name, Position]:
        """Give how far each segment that was ever read has been read."""
        return read_positions(self._connection)

    def add(self, located: Sequence[Located], positions: Mapping[Name, Position]) -> None:
        """Add records, and say how far that brings the segments."""
        numbers = self._move(positions)
        self._number(set().union(*(one.entry.terms for one in located)))
        known, keeps = self._known, self._place.keeps_lines
        rows = [
            _Row(
                *one.entry.key,
                numbers[one.segment],
                one.offset,
                len(one.line),
                one.line if keeps else None,
                [known[term] for term in one.entry.terms],
            )
            for one in located
        ]
        self._place_all(rows)
        self._connection.execute(update(state).values(blocks=self._blocks, terms=self._terms))

    def forget(self, gone: Collection[Name]) -> None:
        """Take out all records of these segments, and that they were ever read."""
        numbers = [number for name, number in self._segments().items() if name in gone]
        connection = self._connection
        connection.execute(delete(tail).where(tail.c.segment.in_(numbers)))
        for first in range(0, self._blocks, _BLOCKS_AT_ONCE):
            those = records.c.block.between(first, first + _BLOCKS_AT_ONCE - 1)
            connection.execute(delete(records).where(those, records.c.segment.in_(numbers)))
        empty = ~exists().where(records.c.block == blocks.c.block)
        emptied = [one.block for one in connection.execute(select(blocks.c.block).where(empty))]
        if emptied:
            connection.execute(delete(blocks).where(blocks.c.block.in_(emptied)))
            for first in range(0, self._terms + 1, _AT_ONCE):
                those = bits.c.term.between(first, first + _AT_ONCE - 1)
                connection.execute(delete(bits).where(those, bits.c.block.in_(emptied)))
        connection.execute(delete(segments).where(segments.c.number.in_(numbers)))

    def _segments(self) -> dict[Name, int]:
        return {
            Name(one.machine, one.kind, one.chain, one.segment): one.number
            for one in self._connection.execute(select(segments))
        }

    def _move(self, positions: Mapping[Name, Position]) -> dict[Name, int]:
        """Write down how far segments have been read, and give the numbers of all."""
        before, numbers = self.positions(), self._segments()
        moved = [
            {"known": numbers[name], "to": there.offset, "bad": there.unreadable}
            for name, there in positions.items()
            if name in before and before[name] != there
        ]
        if moved:
            row = segments.c.number == bindparam("known")
            to = (
                update(segments)
                .where(row)
                .values(position=bindparam("to"), unreadable=bindparam("bad"))
            )
            self._connection.execute(to, moved)
        number = max(numbers.values(), default=0)
        for name, there in positions.items():
            if name not in before:
                number += 1
                numbers[name] = number
                self._place.insert(self._connection, segments, [(number, *name, *there)])
        return numbers

    def _number(self, wanted: Collection[Term]) -> None:
        """Learn the numbers of terms, and give numbers to new ones."""
        unknown = [term for term in wanted if term not in self._known]
        made = []
        for first in range(0, len(unknown), _AT_ONCE):
            part = {term.encode(): term for term in unknown[first : first + _AT_ONCE]}
            query = select(terms.c.term, terms.c.number).where(terms.c.term.in_(part))
            for term, number in self._connection.execute(query):
                self._known[part.pop(bytes(term))] = number
            for written, term in part.items():
                self._terms += 1
                self._known[term] = self._terms
                made.append((written, self._terms))
        self._place.insert(self._connection, terms, made)

    def _place_all(self, rows: list[_Row]) -> None:
        """Put records into the tail, or with it into blocks, the oldest ones first."""
        newest = select(func.count(), func.max(tail.c.number))
        [[waiting, number]] = self._connection.execute(newest).all()
        number = number or 0
        if waiting + len(rows) >= BLOCK:
            rows += self._waiting()
            self._connection.execute(delete(tail))
            rows.sort(key=lambda row: (row.moment, row.tie))
            full = len(rows) // BLOCK * BLOCK
            self._seal([rows[first : first + BLOCK] for first in range(0, full, BLOCK)])
            rows = rows[full:]
        self._place.insert(
            self._connection,
            tail,
            [
                (number + count, *row[:-1], numbers_packed(_TERMS, row.terms))
                for count, row in enumerate(rows, 1)
            ],
        )

    def _waiting(self) -> Iterator[_Row]:
        for one in self._connection.execute(select(tail)):
            yield _Row._make((*one[1:-1], terms_in(one.terms)))

    def _seal(self, full: Sequence[Sequence[_Row]]) -> None:
        """Make blocks of records that are in order."""
        sealed, sets, bounds = [], [], []
        for rows in full:
            block = self._blocks
            self._blocks += 1
            having: dict[int, list[int]] = {}
            for position, row in enumerate(rows):
                sealed.append((block, position, *row[:-1]))
                for term in row.terms:
                    having.setdefault(term, []).append(position)
            sets += [(term, block, packed(positions)) for term, positions in having.items()]
            bounds.append((block, *rows[0][:2], *rows[-1][:2]))
        # In the order of the tree that they go into.
        sets.sort()
        for table, new in ((blocks, bounds), (records, sealed), (bits, sets)):
            self._place.insert(self._connection, table, new)


def read_positions(connection: Connection) -> dict[Name, Position]:
    """Give how far each segment that was ever read has been read."""
    return {
        Name(one.machine, one.kind, one.chain, one.segment): Position(one.position, one.unreadable)
        for one in connection.execute(select(segments))
    }


def terms_in(data: bytes) -> Sequence[int]:
    """Read the numbers of the terms of a record in the tail."""
    return numbers_in(_TERMS, bytes(data))
