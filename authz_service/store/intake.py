"""What another system has, taken over in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update

from authz_service.domain.delegation import Delegation
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.people import Evidence, Person, Standing
from authz_service.store.database import Database
from authz_service.store.schema import delegation_events, delegations, people, standings
from authz_service.usecases.stores import Brought, Outcome, Progress

Item = TypeVar("Item")

# SQLite takes 32,766 parameters in one statement, PostgreSQL 65,535; a row has at most nine.
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class SqlIntake:
    """
    The port ``Intake`` on SQL.

    Attributes:
        database: where it is kept.
    """

    database: Database

    def bring(
        self,
        people: Sequence[Person],
        standings: Sequence[Standing],
        delegations: Sequence[Delegation],
        told: Callable[[Brought, int], None] | None,
        progress: Progress,
    ) -> Brought:
        """Keep all that can be kept, in one transaction; see the port."""
        if told is None:
            with self.database.read() as connection:
                return _Taking(connection, progress, writes=False).all(
                    people, standings, delegations
                )

        def heard(revision: int) -> None:
            told(brought, revision)

        with self.database.revise(heard) as (connection, _revision):
            brought = _Taking(connection, progress, writes=True).all(people, standings, delegations)
        return brought


class _Taking:
    """One taking over: what is there is read in parts, what is new is written in parts."""

    def __init__(self, connection: Connection, progress: Progress, *, writes: bool) -> None:
        self._connection = connection
        self._progress = progress
        self._writes = writes
        self._registered: set[Cpf] = set()

    def all(
        self,
        brought: Sequence[Person],
        standing: Sequence[Standing],
        delegated: Sequence[Delegation],
    ) -> Brought:
        self._registered = {person.cpf for person in brought}
        return Brought(
            tuple(self._each("members", brought, self._take_people)),
            tuple(self._each("standing", standing, self._take_standings)),
            tuple(self._each("delegations", delegated, self._take_delegations)),
        )

    def _each(
        self,
        kind: str,
        items: Sequence[Item],
        take: Callable[[Sequence[Item]], Iterable[Outcome]],
    ) -> Iterator[Outcome]:
        for start in range(0, len(items), _AT_ONCE):
            part = items[start : start + _AT_ONCE]
            yield from take(part)
            self._progress(f"taking over {kind}", start + len(part), len(items))

    def _write(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows and self._writes:
            self._connection.execute(statement, rows)

    def _take_people(self, part: Sequence[Person]) -> list[Outcome]:
        chosen = select(people).where(people.c.cpf.in_([person.cpf for person in part]))
        there = {row.cpf: row for row in self._connection.execute(chosen)}
        outcomes, new, changed = [], [], []
        for person in part:
            known = there.get(person.cpf)
            row = {"registered_at": person.registered_at, "confirmed_at": person.confirmed_at}
            if known is None:
                new.append({"cpf": person.cpf, **row})
                outcomes.append(Outcome.NEW)
                continue
            # What is there is older or better known than what a file says.
            kept = {name: getattr(known, name) or value for name, value in row.items()}
            if all(getattr(known, name) == value for name, value in kept.items()):
                outcomes.append(Outcome.SAME)
                continue
            changed.append({"who": person.cpf, **kept})
            outcomes.append(Outcome.CHANGED)
        self._write(insert(people), new)
        theirs = update(people).where(people.c.cpf == bindparam("who"))
        self._write(
            theirs.values(
                registered_at=bindparam("registered_at"), confirmed_at=bindparam("confirmed_at")
            ),
            changed,
        )
        return outcomes

    def _take_standings(self, part: Sequence[Standing]) -> list[Outcome]:
        persons = list({standing.person for standing in part})
        asked = select(people.c.cpf).where(
            people.c.cpf.in_(persons), people.c.observed_at.is_not(None)
        )
        answered = set(self._connection.execute(asked).scalars())
        current = select(standings).where(
            standings.c.superseded_at.is_(None),
            standings.c.evidence == Evidence.ASSERTED,
            # A little more than is meant: PostgreSQL takes long over a thousand pairs.
            standings.c.company.in_(list({standing.company for standing in part})),
            standings.c.person.in_(persons),
        )
        there = {(row.company, row.person): row for row in self._connection.execute(current)}
        outcomes, new, ended = [], [], []
        for standing in part:
            if standing.person in answered:
                outcomes.append(Outcome.ANSWERED)
                continue
            known = there.get((standing.company, standing.person))
            if known is not None and (known.role, known.ends_at) == (
                standing.role,
                standing.ends_at,
            ):
                outcomes.append(Outcome.SAME)
                continue
            if known is not None:
                ended.append({"which": known.id, "at": standing.observed_at})
            outcomes.append(Outcome.NEW if known is None else Outcome.CHANGED)
            new.append(
                {
                    "company": standing.company,
                    "person": standing.person,
                    "role": standing.role,
                    "evidence": standing.evidence,
                    "observed_at": standing.observed_at,
                    "ends_at": standing.ends_at,
                }
            )
        past = update(standings).where(standings.c.id == bindparam("which"))
        self._write(past.values(superseded_at=bindparam("at")), ended)
        self._write(insert(standings), new)
        return outcomes

    def _take_delegations(self, part: Sequence[Delegation]) -> list[Outcome]:
        members = list({one.member for one in part} - self._registered)
        known = select(people.c.cpf).where(
            people.c.cpf.in_(members), people.c.registered_at.is_not(None)
        )
        self._registered |= set(self._connection.execute(known).scalars())
        there = self._open(part)
        outcomes, new = [], []
        for one in part:
            if one.member not in self._registered:
                outcomes.append(Outcome.UNREGISTERED)
            elif (one.company, one.member, one.process) in there:
                outcomes.append(Outcome.SAME)
            else:
                outcomes.append(Outcome.NEW)
                new.append(one)
        self._write(
            insert(delegations),
            [
                {
                    "id": one.id,
                    "company": one.company,
                    "member": one.member,
                    "process": one.process,
                    "version": one.version,
                }
                for one in new
            ],
        )
        self._write(
            insert(delegation_events),
            [
                {
                    "delegation": one.id,
                    "position": position,
                    "kind": event.kind,
                    "at": event.at,
                    "actor": event.actor,
                    "caller": event.caller,
                    "why": event.why,
                    "last_day": event.last_day,
                }
                for one in new
                for position, event in enumerate(one.history)
            ],
        )
        return outcomes

    def _open(self, part: Sequence[Delegation]) -> set[tuple[Cnpj, Cpf, ProcessId]]:
        found = select(delegations.c.company, delegations.c.member, delegations.c.process).where(
            delegations.c.ended.is_(None),
            delegations.c.company.in_(list({one.company for one in part})),
            delegations.c.member.in_(list({one.member for one in part})),
        )
        return {(row.company, row.member, row.process) for row in self._connection.execute(found)}
