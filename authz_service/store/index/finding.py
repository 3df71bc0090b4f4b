"""
Searches the index.

Blocks are visited in the order of what they may give first, and a search ends when no block that
is left can give anything earlier in the list than what was found. Blocks overlap a little, as
several processes write at once, and much where a machine's log came late; that costs time alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, or_, select, true

from authz_service.store.index.bits import BLOCK, ascending, common, descending
from authz_service.store.index.filling import terms_in
from authz_service.store.index.schema import bits, blocks, records, segments, tail, terms
from authz_service.usecases.log_index import Asked, Hit, Key, Name, Term

_AT_ONCE = 32
"""Blocks that are fetched at once; a search that finds much looks at few."""


def search(connection: Connection, asked: Asked) -> list[Hit]:
    """Give records in the order of their keys."""
    numbers = [_number(connection, term) for term in asked.terms]
    wanted = [one for one in numbers if one is not None]
    if len(wanted) < len(numbers):
        # A term that no record has.
        return []
    found = _in_tail(connection, asked, wanted)
    visited = connection.execute(_blocks(asked, wanted), execution_options={"yield_per": _AT_ONCE})
    for block, first_moment, first_tie, last_moment, last_tie, *sets in visited:
        first, last = Key(first_moment, first_tie), Key(last_moment, last_tie)
        if len(found) == asked.limit and _is_done(asked, found[-1].key, first, last):
            break
        low, high = _bounds_in(connection, asked, block, first, last)
        positions = common([bytes(one) for one in sets], low, high)
        if positions:
            found = _first(asked, found + _in_block(connection, asked, block, positions))
    visited.close()
    return found


def find(connection: Connection, tie: int) -> list[Hit]:
    """Give the records whose ids end so."""
    return [
        hit for table in (tail, records) for hit in _hits(connection, table, table.c.tie == tie)
    ]


def _number(connection: Connection, term: Term) -> int | None:
    named = terms.c.term == term.encode()
    return connection.execute(select(terms.c.number).where(named)).scalar_one_or_none()


def _in_tail(connection: Connection, asked: Asked, wanted: Sequence[int]) -> list[Hit]:
    """Look through the records that are in no block yet."""
    moment, tie = tail.c.moment, tail.c.tie
    order = (moment, tie) if asked.oldest_first else (moment.desc(), tie.desc())
    inside = [_from(tail, asked.low), _before(tail, asked.high)]
    those = select(tail.c.number, tail.c.terms).where(*inside).order_by(*order)
    all_of = set(wanted)
    having = (
        number for number, data in connection.execute(those) if all_of.issubset(terms_in(data))
    )
    found = list(islice(having, asked.limit))
    return _first(asked, _hits(connection, tail, tail.c.number.in_(found))) if found else []


def _blocks(asked: Asked, wanted: Sequence[int]) -> Select[Any]:
    """Select the blocks that may give something, each with a set for every term."""
    sets = [bits.alias() for _ in wanted]
    query: Select[Any] = select(blocks, *(one.c.bits for one in sets))
    for of, term in zip(sets, wanted, strict=True):
        query = query.join(of, and_(of.c.block == blocks.c.block, of.c.term == term))
    if asked.low is not None:
        query = query.where(blocks.c.last_moment >= asked.low.moment)
    if asked.high is not None:
        query = query.where(blocks.c.first_moment <= asked.high.moment)
    if asked.oldest_first:
        return query.order_by(blocks.c.first_moment, blocks.c.block)
    return query.order_by(blocks.c.last_moment.desc(), blocks.c.block.desc())


def _is_done(asked: Asked, last_found: Key, first: Key, last: Key) -> bool:
    """Tell whether neither this block nor a later one can give anything before *last_found*."""
    # By moments alone, as the blocks are in the order of them.
    if asked.oldest_first:
        return first.moment > last_found.moment
    return last.moment < last_found.moment


def _bounds_in(
    connection: Connection, asked: Asked, block: int, first: Key, last: Key
) -> tuple[int, int]:
    """Give from which position of a block on, and before which, its records are in the bounds."""
    of_block = records.c.block == block
    low, high = 0, BLOCK
    if asked.low is not None and first < asked.low:
        query = select(func.min(records.c.position)).where(of_block, _from(records, asked.low))
        found = connection.execute(query).scalar_one()
        low = BLOCK if found is None else int(found)
    if asked.high is not None and last >= asked.high:
        query = select(func.max(records.c.position)).where(of_block, _before(records, asked.high))
        found = connection.execute(query).scalar_one()
        high = 0 if found is None else int(found) + 1
    return low, high


def _in_block(connection: Connection, asked: Asked, block: int, positions: int) -> list[Hit]:
    """Give the first records of a block at *positions*, in whichever order."""
    in_order = ascending(positions) if asked.oldest_first else descending(positions)
    found: list[Hit] = []
    while len(found) < asked.limit and (part := list(islice(in_order, asked.limit))):
        # Some may be gone: their segment was taken away.
        those = and_(records.c.block == block, records.c.position.in_(part))
        found += _hits(connection, records, those)
    return found


def _hits(connection: Connection, table: Table, those: ColumnElement[bool]) -> list[Hit]:
    columns = (table.c[name] for name in ("moment", "tie", "at", "length", "line"))
    name = (segments.c[name] for name in ("machine", "kind", "chain", "segment"))
    query = select(*columns, *name).join_from(table, segments, segments.c.number == table.c.segment)
    return [
        Hit(Key(moment, tie), Name(*of), at, length, None if line is None else bytes(line))
        for moment, tie, at, length, line, *of in connection.execute(query.where(those))
    ]


def _first(asked: Asked, found: list[Hit]) -> list[Hit]:
    """Give the first ones of the list among those that were found, in its order."""
    in_order = sorted(found, key=lambda hit: hit.key, reverse=not asked.oldest_first)
    return in_order[: asked.limit]


def _from(table: Table, key: Key | None) -> ColumnElement[bool]:
    if key is None:
        return true()
    same = and_(table.c.moment == key.moment, table.c.tie >= key.tie)
    return or_(table.c.moment > key.moment, same)


def _before(table: Table, key: Key | None) -> ColumnElement[bool]:
    if key is None:
        return true()
    same = and_(table.c.moment == key.moment, table.c.tie < key.tie)
    return or_(table.c.moment < key.moment, same)
