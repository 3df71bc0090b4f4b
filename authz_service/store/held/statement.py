"""
All that bears on a batch of questions, in one statement: one state, and one way to the server.

Every kind of record is a part of one ``UNION ALL``, its columns put where those of its types are:
texts, then a day, then numbers. The text of a statement is made once for batches of about one
size: of 33 companies and of 64, with the last one named several times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)

from authz_service.store.schema import (
    bonds,
    delegation_events,
    delegations,
    foreign_companies,
    foreign_representatives,
    people,
    processes,
    sign_ins,
    standings,
    store_revision,
)

_TEXTS, _NUMBERS = 9, 4

Row = Sequence[object]
"""A row as the driver gives it: its kind, texts, a day, numbers."""

TEXT, DAY, NUMBER = 1, 1 + _TEXTS, 2 + _TEXTS
"""Where the texts of a row begin, where its day is, and where its numbers begin."""


class Kind(IntEnum):
    """What a row tells of."""

    REVISION = 0
    PERSON = 1
    BOND = 2
    EVENT = 3
    """Of a delegation, whose own columns come with each of its events."""
    STANDING = 4
    SIGN_IN = 5
    FOREIGN = 6
    """A foreign company, once for each of its representatives."""
    PROCESS = 7


class Sizes(NamedTuple):
    """
    How many of each are asked for, each 0 or a power of two; see ``size``.

    Attributes:
        people: persons of whom something is to be known.
        actors: persons who act, and may have standing.
        members: persons who ask about processes, and may have delegations.
        companies: national companies.
        foreign: foreign companies.
        handles: sign-ins.
        catalogue: whether the processes are asked for.
    """

    people: int
    actors: int
    members: int
    companies: int
    foreign: int
    handles: int
    catalogue: bool


def size(number: int) -> int:
    """Give the power of two that has room for as many, 0 for none."""
    return 0 if number == 0 else 1 << (number - 1).bit_length()


def named(name: str, texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Give the parameters for *texts*: as many as ``size`` says, the last one repeated."""
    for place in range(size(len(texts))):
        yield f"{name}_{place}", texts[min(place, len(texts) - 1)]


def statement_for(sizes: Sizes) -> CompoundSelect[Any]:
    """Give the statement for batches of these sizes."""
    parts = [_part(Kind.REVISION, store_revision, (), [store_revision.c.value])]
    if sizes.people:
        parts.append(_people(sizes))
    if sizes.companies:
        parts.append(_bonds(sizes))
        if sizes.members:
            parts.append(_events(sizes))
        if sizes.actors or sizes.members:
            parts.append(_standings(sizes))
    if sizes.handles:
        parts.append(_sign_ins(sizes))
    if sizes.foreign:
        parts.append(_foreign(sizes))
    if sizes.catalogue:
        parts.append(_processes())
    return union_all(*parts)


def _among(column: ColumnElement[Any], name: str, number: int) -> ColumnElement[bool]:
    values = [bindparam(f"{name}_{place}", type_=Text()) for place in range(number)]
    # The text as it is kept, past the types of the domain.
    kept = type_coerce(column, Text())
    return kept == values[0] if number == 1 else kept.in_(values)


def _part(
    kind: Kind,
    source: FromClause,
    texts: Sequence[ColumnElement[Any]],
    numbers: Sequence[ColumnElement[Any]] = (),
    day: ColumnElement[Any] | None = None,
) -> Select[Any]:
    """Give a part of the statement, with nothing where its kind has no such column."""
    no_text = cast(null(), Text())
    no_number = cast(null(), BigInteger())
    columns = [
        literal_column(str(int(kind)), BigInteger()),
        *(type_coerce(one, Text()) for one in texts),
        *([no_text] * (_TEXTS - len(texts))),
        cast(null(), Date()) if day is None else day,
        *(type_coerce(one, BigInteger()) for one in numbers),
        *([no_number] * (_NUMBERS - len(numbers))),
    ]
    return select(*(one.label(f"c{place}") for place, one in enumerate(columns))).select_from(
        source
    )


def _people(sizes: Sizes) -> Select[Any]:
    kept = people.c
    part = _part(Kind.PERSON, people, [kept.cpf], [kept.registered_at, kept.confirmed_at])
    return part.where(_among(kept.cpf, "people", sizes.people))


def _bonds(sizes: Sizes) -> Select[Any]:
    kept = bonds.c
    texts = [kept.filial, kept.matriz, kept.proof]
    part = _part(Kind.BOND, bonds, texts, [kept.recorded_at], kept.last_day)
    return part.where(
        kept.superseded_at.is_(None), _among(kept.filial, "companies", sizes.companies)
    )


def _theirs(sizes: Sizes) -> ColumnElement[bool]:
    return and_(
        _among(delegations.c.company, "companies", sizes.companies),
        _among(delegations.c.member, "members", sizes.members),
    )


def _events(sizes: Sizes) -> Select[Any]:
    one, event = delegations.c, delegation_events.c
    part = _part(
        Kind.EVENT,
        delegations.join(delegation_events),
        [
            *(one.id, one.company, one.member, one.process),
            event.kind,
            event.actor,
            event.caller,
            event.why,
        ],
        [one.number, event.position, event.at, one.version],
        event.last_day,
    )
    return part.where(_theirs(sizes))


def _standings(sizes: Sizes) -> Select[Any]:
    kept = standings.c
    part = _part(
        Kind.STANDING,
        standings,
        [kept.company, kept.person, kept.role, kept.evidence],
        [kept.observed_at, kept.ends_at, cast(kept.cadastrador, Integer())],
    )
    matrizes = select(bonds.c.matriz).where(
        bonds.c.superseded_at.is_(None), _among(bonds.c.filial, "companies", sizes.companies)
    )
    persons = []
    if sizes.actors:
        persons.append(_among(kept.person, "actors", sizes.actors))
    if sizes.members:
        # All who had to do with a delegation, the few who back it among them.
        history = delegations.join(delegation_events)
        acted = select(delegation_events.c.actor).select_from(history).where(_theirs(sizes))
        persons.append(kept.person.in_(acted))
    return part.where(
        kept.superseded_at.is_(None),
        or_(
            _among(kept.company, "companies", sizes.companies),
            kept.company.in_(matrizes),
        ),
        or_(*persons),
    )


def _sign_ins(sizes: Sizes) -> Select[Any]:
    kept = sign_ins.c
    part = _part(
        Kind.SIGN_IN,
        sign_ins,
        [
            kept.id,
            kept.handle,
            kept.digest,
            kept.client,
            kept.person,
            cast(kept.methods, Text()),
            kept.level,
            kept.certificate_company,
            kept.companies,
        ],
        [cast(kept.agent, Integer()), kept.authenticated_at, kept.began_at, kept.ends_at],
    )
    return part.where(_among(kept.handle, "handles", sizes.handles))


def _foreign(sizes: Sizes) -> Select[Any]:
    kept, login = foreign_companies.c, foreign_representatives.c
    current = and_(login.company == kept.id, login.ended_at.is_(None))
    part = _part(
        Kind.FOREIGN,
        foreign_companies.outerjoin(foreign_representatives, current),
        [kept.id, kept.name, kept.country, kept.validation, login.login],
        [kept.registered_at, kept.validated_at, login.number],
    )
    return part.where(_among(kept.id, "foreign", sizes.foreign))


def _processes() -> Select[Any]:
    kept = processes.c
    return _part(
        Kind.PROCESS, processes, [kept.id, kept.code, kept.title, kept.state], [kept.version]
    )
