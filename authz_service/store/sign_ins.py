"""Sign-ins at GOV.BR, and what one of them changes in what is known of the person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Evidence, Person, Standing
from authz_service.domain.sign_in import SignIn
from authz_service.store.changes import Part, Touched
from authz_service.store.database import Database, put
from authz_service.store.registry import (
    keep_person,
    keep_standing,
    last_answer,
    read_person,
    standing_in,
    supersede,
)
from authz_service.store.schema import people, sign_ins, spent_tokens, standings, surrogates
from authz_service.usecases.govbr import Seen
from authz_service.usecases.ports import Told

_KEPT_AFTER_THE_END = timedelta(days=1)


class _ErasedMeanwhile(Conflict):
    """The one conflict after which something is written."""


@dataclass(frozen=True, slots=True)
class SqlSignIns:
    """
    The port ``SignIns`` on SQL.

    Attributes:
        database: where they are kept.
    """

    database: Database

    def of_digest(self, digest: str) -> SignIn | None:
        """
        Give the sign-in that a token made, by the token's digest.

        Raises:
            Conflict: it made one of a person who was erased since.
        """
        with self.database.read() as connection:
            _require_unspent(connection, digest)
            row = connection.execute(select(sign_ins).where(sign_ins.c.digest == digest)).first()
            return None if row is None else _sign_in(row)

    def save(self, sign_in: SignIn, seen: Seen, told: Told, *, confirm: bool, name: str) -> int:
        """
        Keep a sign-in and all that follows from it in one transaction; see ``Told``.

        What follows, and when it is a ``Conflict``, the port says.
        """
        touched = Touched(Part.SIGN_INS, person=sign_in.person)
        try:
            with self.database.revise(told, touched) as (connection, revision):
                _require_name(connection, sign_in.person, name)
                # Others' as well, though the revision does not name them: their facts stay what
                # they are, since none of them has been in force for a day.
                oldest = sign_in.began_at - _KEPT_AFTER_THE_END
                for table in (sign_ins, spent_tokens):
                    connection.execute(delete(table).where(table.c.ends_at < oldest))
                _require_unspent(connection, sign_in.digest)
                _add(connection, sign_in)
                if not sign_in.agent:
                    _register(connection, sign_in, confirm=confirm)
                    if seen.replaces:
                        _take_over(connection, sign_in.person, seen, sign_in.began_at)
        except _ErasedMeanwhile as error:
            with self.database.write() as connection:
                values = {"ends_at": sign_in.ends_at}
                put(connection, spent_tokens, {"digest": sign_in.digest}, values)
            raise Conflict(str(error)) from None
        return revision

    def found_agent(self, sign_in: SignIn, told: Told) -> int:
        """Keep that a sign-in is by power of attorney after all, and give the revision."""
        touched = Touched(Part.SIGN_INS, person=sign_in.person)
        with self.database.revise(told, touched) as (connection, revision):
            this = sign_ins.c.id == sign_in.id
            connection.execute(update(sign_ins).where(this).values(agent=True))
        return revision


def spend(connection: Connection, person: Cpf) -> None:
    """Let no token of the person's sign-ins, which are about to be erased, make another one."""
    theirs = select(sign_ins.c.digest, sign_ins.c.ends_at).where(sign_ins.c.person == person)
    connection.execute(insert(spent_tokens).from_select(["digest", "ends_at"], theirs))


def _require_name(connection: Connection, person: Cpf, name: str) -> None:
    pairing = select(surrogates.c.surrogate).where(surrogates.c.cpf == person)
    if connection.execute(pairing).scalar_one_or_none() != name:
        raise _ErasedMeanwhile("the person was erased meanwhile")


def _require_unspent(connection: Connection, digest: str) -> None:
    spent = select(spent_tokens.c.digest).where(spent_tokens.c.digest == digest)
    if connection.execute(spent).first() is not None:
        raise Conflict("the sign-in of this token was erased")


def _add(connection: Connection, sign_in: SignIn) -> None:
    connection.execute(
        insert(sign_ins).values(
            id=sign_in.id,
            handle=sign_in.handle,
            digest=sign_in.digest,
            client=sign_in.client,
            person=sign_in.person,
            methods=list(sign_in.methods),
            level=sign_in.level,
            certificate_company=sign_in.certificate_company,
            agent=sign_in.agent,
            authenticated_at=sign_in.authenticated_at,
            began_at=sign_in.began_at,
            ends_at=sign_in.ends_at,
            companies=sign_in.companies,
        )
    )


def _register(connection: Connection, sign_in: SignIn, *, confirm: bool) -> None:
    person = read_person(connection, sign_in.person) or Person(sign_in.person)
    if person.registered_at is None:
        person = replace(person, registered_at=sign_in.began_at)
    if confirm and person.confirmed_at is None:
        person = replace(person, confirmed_at=sign_in.began_at)
    keep_person(connection, person)


def _take_over(connection: Connection, person: Cpf, seen: Seen, now: datetime) -> None:
    """
    Let an answer of GOV.BR replace what was known before it, unless a newer one did.

    What claims to be later than *now* is by a clock that was wrong. It is replaced as well, or
    no answer would count until then.
    """
    newest = last_answer(connection, person)
    if newest is not None and seen.moment < newest <= now:
        return
    # What is as it was is only seen again: a row for each sign-in would tell when people worked.
    again = _seen_again(connection, person, seen)
    rows = list(again.values())
    connection.execute(
        update(standings).where(standings.c.id.in_(rows)).values(observed_at=seen.moment)
    )
    supersede(
        connection,
        standings,
        seen.moment,
        standings.c.person == person,
        or_(standings.c.observed_at <= seen.moment, standings.c.observed_at > now),
        standings.c.company.not_in(seen.unanswered),
        standings.c.id.not_in(rows),
    )
    for standing in seen.standing:
        if standing not in again:
            keep_standing(connection, standing)
    this = people.c.cpf == person
    connection.execute(update(people).where(this).values(observed_at=seen.moment))


def _seen_again(connection: Connection, person: Cpf, seen: Seen) -> dict[Standing, int]:
    """Give the standings in *seen* that are kept already, but for the moment, and their rows."""
    kept = connection.execute(
        select(standings).where(
            standings.c.superseded_at.is_(None),
            standings.c.person == person,
            standings.c.evidence == Evidence.GOVBR,
        )
    )
    rows = {replace(standing_in(row), observed_at=seen.moment): row.id for row in kept}
    return {one: rows[one] for one in seen.standing if one in rows}


def _sign_in(row: Row[Any]) -> SignIn:
    return SignIn(
        id=row.id,
        handle=row.handle,
        digest=row.digest,
        client=row.client,
        person=row.person,
        methods=tuple(row.methods),
        level=row.level,
        certificate_company=row.certificate_company,
        agent=row.agent,
        authenticated_at=row.authenticated_at,
        began_at=row.began_at,
        ends_at=row.ends_at,
        companies=row.companies,
    )
