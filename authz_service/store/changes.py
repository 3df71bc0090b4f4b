"""
What each revision changed, and when: for what is held (``held``), which keeps what was not touched.

A row is written in the transaction of its revision, so the two never disagree. It says little,
and never too little: None for a company or person means any of them, and a revision without
a row, such as one that a version before this one wrote, may have changed anything.

Whom a revision was about is needed as long as a cache may lag behind it. It is forgotten after
a day, as sign-ins are, or the rows would tell when people worked; the rest of the row stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from authz_service.domain.identifiers import CompanyId, Cpf
from authz_service.store.schema import changes, store_revision

_PERSONS_ARE_KEPT = timedelta(days=1)


class Part(StrEnum):
    """A part of the store. A newer version may have more of them."""

    ANYTHING = "anything"
    PEOPLE = "people"
    STANDINGS = "standings"
    BONDS = "bonds"
    SIGN_INS = "sign_ins"
    """A person's sign-ins, and what follows from one: registration, standings everywhere."""
    DELEGATIONS = "delegations"
    CATALOGUE = "catalogue"
    CLIENTS = "clients"
    FOREIGN_COMPANIES = "foreign_companies"


@dataclass(frozen=True, slots=True)
class Touched:
    """
    What a write changes.

    Attributes:
        part: the part of the store.
        company: whose facts it may change, None for any company's.
        person: whose facts it may change, None for anybody's.
    """

    part: Part
    company: CompanyId | None = None
    person: Cpf | None = None


ANYTHING = Touched(Part.ANYTHING)
"""What a write changes that does not say it."""


def note(connection: Connection, number: int, moment: datetime, touched: Touched) -> None:
    """Write down what a revision changes, and forget whom those of long ago were about."""
    connection.execute(
        update(changes)
        .where(changes.c.person.is_not(None), changes.c.at < moment - _PERSONS_ARE_KEPT)
        .values(person=None)
    )
    connection.execute(
        insert(changes).values(
            revision=number,
            at=moment,
            part=touched.part,
            company=touched.company,
            person=touched.person,
        )
    )


def when_newest(connection: Connection) -> datetime | None:
    """Tell when the newest revision was made, None if it has no row."""
    newest = select(changes.c.at).join_from(
        store_revision, changes, changes.c.revision == store_revision.c.value
    )
    return connection.execute(newest).scalar_one_or_none()


def part_of(word: str) -> Part:
    """Give the part that a word means; a newer version's is anything."""
    return Part(word) if word in set(Part) else Part.ANYTHING
