"""The parts of the store in memory that are about persons."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from authz_service.domain.decision import Subject
from authz_service.domain.delegation import Delegation
from authz_service.domain.entities import EntityName
from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import (
    ERASED,
    Cnpj,
    Cpf,
    ForeignId,
    Login,
    ProcessId,
    without_cpf,
)
from authz_service.domain.people import Bond, Evidence, Person, Standing
from authz_service.domain.sign_in import SignIn
from authz_service.usecases.govbr import Seen
from authz_service.usecases.ports import Told
from tests.fakes.tables import Tables

Row = Mapping[str, object]
_After = dict[str, Mapping[Any, object] | tuple[object, ...]]

_KEPT_AFTER_THE_END = timedelta(days=1)


class MemorySurrogates:
    """The port ``Surrogates``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def surrogates(
        self,
        subjects: Iterable[Subject],
        *,
        looked: bool = False,
    ) -> Mapping[Subject, str]:
        """Give the surrogate of each, making those that are missing."""
        names = self._tables.well().surrogates
        return {one: names.setdefault(one, secrets.token_hex(16)) for one in subjects}

    def known(self, subject: Subject) -> str | None:
        """Give the surrogate of one, or None."""
        return self._tables.well().surrogates.get(subject)

    def behind(self, surrogates: Iterable[str]) -> Mapping[str, Subject]:
        """Give who stands behind each, if anybody does."""
        subjects = {name: one for one, name in self._tables.well().surrogates.items()}
        return {name: subjects[name] for name in surrogates if name in subjects}


class MemoryRegistry:
    """The port ``Registry``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def save_person(self, person: Person, told: Told) -> int:
        """Keep a person in place of what was known."""
        before = self._tables.well().people
        return self._tables.revise(told, people={**before, person.cpf: person})

    def save_standing(self, standing: Standing, told: Told) -> int:
        """Keep a standing in place of the one of the same person, company and evidence."""
        tables = self._tables.well()
        if standing.evidence is Evidence.ASSERTED and standing.person in tables.observed:
            raise Conflict("GOV.BR has answered about this person, and what it says counts")
        standings = _Standings(tables)
        standings.keep(standing)
        return tables.revise(told, standings=standings.current, past=standings.past)

    def save_bond(self, bond: Bond, told: Told) -> int:
        """Keep a bond in place of the one that the filial had."""
        before = self._tables.well().bonds
        return self._tables.revise(told, bonds={**before, bond.filial: bond})

    def confirm(self, cpf: Cpf, moment: datetime, told: Told) -> Person | None:
        """Confirm a person who has registered, and tell of it unless that was so already."""
        person = self.person(cpf)
        if person is None or person.registered_at is None:
            return None
        if person.confirmed_at is None:
            person = replace(person, confirmed_at=moment)
            self.save_person(person, told)
        return person

    def person(self, cpf: Cpf) -> Person | None:
        """Give a person, or None."""
        return self._tables.well().people.get(cpf)

    def standing_of(self, cpf: Cpf) -> list[Standing]:
        """Give all current standings of a person, by company and evidence."""
        theirs = [one for one in self._tables.well().standings.values() if one.person == cpf]
        return sorted(theirs, key=lambda one: (one.company, one.evidence))


@dataclass
class _Standings:
    """A copy of the standings, to be changed and put in their place when told."""

    current: dict[tuple[Cnpj, Cpf, Evidence], Standing]
    past: tuple[tuple[Standing, datetime], ...]

    def __init__(self, tables: Tables) -> None:
        self.current, self.past = dict(tables.standings), tables.past

    def keep(self, standing: Standing) -> None:
        """Put a standing in the place of the one of the same key."""
        key = (standing.company, standing.person, standing.evidence)
        if key in self.current:
            self.end(self.current[key], standing.observed_at)
        self.current[key] = standing

    def end(self, standing: Standing, moment: datetime) -> None:
        """Let a standing be past."""
        del self.current[(standing.company, standing.person, standing.evidence)]
        self.past = (*self.past, (standing, moment))


class MemorySignIns:
    """The port ``SignIns``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def of_digest(self, digest: str) -> SignIn | None:
        """Give the sign-in that a token made, by the token's digest."""
        if digest in self._tables.well().spent:
            raise Conflict("the sign-in of this token was erased")
        return self._tables.sign_ins.get(digest)

    def save(self, sign_in: SignIn, seen: Seen, told: Told, *, confirm: bool, name: str) -> int:
        """Keep a sign-in and all that follows from it."""
        tables = self._tables.well()
        if tables.surrogates.get(sign_in.person) != name:
            tables.spent = {**tables.spent, sign_in.digest: sign_in.ends_at}
            raise Conflict("the person was erased meanwhile")
        oldest = sign_in.began_at - _KEPT_AFTER_THE_END
        kept = {key: one for key, one in tables.sign_ins.items() if one.ends_at >= oldest}
        spent = {key: ends_at for key, ends_at in tables.spent.items() if ends_at >= oldest}
        if sign_in.digest in spent:
            raise Conflict("the sign-in of this token was erased")
        keys = {key for one in kept.values() for key in (one.id, one.handle, one.digest)}
        if not keys.isdisjoint((sign_in.id, sign_in.handle, sign_in.digest)):
            raise Conflict("what is to be written contradicts what is stored")
        kept[sign_in.digest] = sign_in
        if sign_in.agent:
            return tables.revise(told, sign_ins=kept, spent=spent)
        observed, standings = dict(tables.observed), _Standings(tables)
        if seen.replaces:
            newest = observed.get(sign_in.person)
            if newest is None or newest <= seen.moment or newest > sign_in.began_at:
                observed[sign_in.person] = seen.moment
                _take_over(seen, sign_in, standings)
        return tables.revise(
            told,
            sign_ins=kept,
            spent=spent,
            people={**tables.people, sign_in.person: _registered(tables, sign_in, confirm=confirm)},
            observed=observed,
            standings=standings.current,
            past=standings.past,
        )

    def found_agent(self, sign_in: SignIn, told: Told) -> int:
        """Keep that a sign-in is by power of attorney after all."""
        tables = self._tables.well()
        after = {**tables.sign_ins, sign_in.digest: replace(sign_in, agent=True)}
        return tables.revise(told, sign_ins=after)


def _registered(tables: Tables, sign_in: SignIn, *, confirm: bool) -> Person:
    """Give the person as the sign-in leaves the registration."""
    person = tables.people.get(sign_in.person, Person(sign_in.person))
    if person.registered_at is None:
        person = replace(person, registered_at=sign_in.began_at)
    if confirm and person.confirmed_at is None:
        person = replace(person, confirmed_at=sign_in.began_at)
    return person


def _take_over(seen: Seen, sign_in: SignIn, standings: _Standings) -> None:
    """Let an answer of GOV.BR replace what was known before it, or comes from the future."""
    for one in list(standings.current.values()):
        meanwhile = seen.moment < one.observed_at <= sign_in.began_at
        if one.person == sign_in.person and one.company not in seen.unanswered and not meanwhile:
            standings.end(one, seen.moment)
    for one in seen.standing:
        standings.keep(one)


class MemoryPersonalData:
    """The port ``PersonalData``; gives the rows that the tables of the SQL store would have."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def export(self, person: Subject) -> tuple[Mapping[str, Sequence[Row]], int]:
        """Give every row about the person, by table; the revision."""
        tables = self._tables.well()
        found: dict[str, list[Row]] = {}
        if isinstance(person, Cpf):
            found = self._of_cpf(person)
        elif isinstance(person, Login):
            found = self._of_login(person)
        found["other_surrogates"] = [
            {"type": kind, "id": identity, "surrogate": name}
            for (kind, identity), name in sorted(_others(tables, person).items())
        ]
        shown = {
            name: [{key: _shown(value, person) for key, value in row.items()} for row in rows]
            for name, rows in found.items()
        }
        return shown, tables.revision

    def _of_login(self, login: Login) -> dict[str, list[Row]]:
        return {
            "foreign_representatives": [
                {"company": company, "login": one, "since": since, "ended_at": end}
                for company, one, since, end in self._tables.named
                if one == login
            ]
        }

    def _of_cpf(self, cpf: Cpf) -> dict[str, list[Row]]:
        tables = self._tables
        person, current = tables.people.get(cpf), tables.standings.values()
        standings = [*tables.past, *((one, None) for one in current)]
        return {
            "people": [_row(person, observed_at=tables.observed.get(cpf))] if person else [],
            "surrogates": [
                {"cpf": one, "surrogate": name}
                for one, name in tables.surrogates.items()
                if one == cpf
            ],
            "standings": [
                _row(one, superseded_at=end) for one, end in standings if one.person == cpf
            ],
            "sign_ins": [
                _row(one)
                for one in sorted(tables.sign_ins.values(), key=lambda one: one.id)
                if one.person == cpf
            ],
            "delegations": [
                _row(one, ended=one.ended)
                for one in tables.delegations.values()
                if one.member == cpf
            ],
            "delegation_events": [
                _row(event, delegation=one.id, position=position)
                for one in sorted(tables.delegations.values(), key=lambda one: one.id)
                for position, event in enumerate(one.history)
                if cpf in (one.member, event.actor)
            ],
        }

    def erase(self, person: Subject, told: Told) -> int | None:
        """Forget the person, if anything is kept."""
        tables = self._tables.well()
        if isinstance(person, Cpf):
            after = self._without_cpf(person)
        elif isinstance(person, Login):
            after = self._without_login(person)
        else:
            after = {}
        mine = _others(tables, person)
        after["surrogates"] = {
            key: one
            for key, one in tables.surrogates.items()
            if key != person and _key(key) not in mine
        }
        if all(getattr(tables, name) == table for name, table in after.items()):
            return None
        return tables.revise(told, **after)

    def _without_login(self, login: Login) -> _After:
        tables = self._tables
        foreign = {
            key: replace(
                one, representatives=tuple(each for each in one.representatives if each != login)
            )
            for key, one in tables.foreign.items()
        }
        return {
            "foreign": foreign,
            "named": tuple(one for one in tables.named if one[1] != login),
        }

    def _without_cpf(self, cpf: Cpf) -> _After:
        tables = self._tables
        tokens = {key: one.ends_at for key, one in tables.sign_ins.items() if one.person == cpf}
        return {
            "people": {key: one for key, one in tables.people.items() if key != cpf},
            "observed": {key: one for key, one in tables.observed.items() if key != cpf},
            "standings": {key: one for key, one in tables.standings.items() if one.person != cpf},
            "past": tuple(one for one in tables.past if one[0].person != cpf),
            "sign_ins": {key: one for key, one in tables.sign_ins.items() if one.person != cpf},
            "spent": tables.spent | tokens,
            "bonds": {
                key: replace(one, proof=_without(cpf, one.proof))
                for key, one in tables.bonds.items()
            },
            "delegations": {
                key: _erased(one, cpf)
                for key, one in tables.delegations.items()
                if one.member != cpf
            },
        }


def _others(tables: Tables, person: Subject) -> dict[tuple[str, str], str]:
    """Give the names of logins and entities that are the person's: its own, or spell the CPF."""
    found = {}
    for subject, name in tables.surrogates.items():
        kind, identity = _key(subject)
        if isinstance(person, Cpf) and kind != "person" and _without(person, identity) != identity:
            found[kind, identity] = name
        if subject == person and not isinstance(person, Cpf):
            found[kind, identity] = name
    return found


def _key(subject: Subject) -> tuple[str, str]:
    if isinstance(subject, EntityName):
        return subject.type, subject.id
    return ("login", subject.value) if isinstance(subject, Login) else ("person", subject.digits)


def _row(one: object, **more: object) -> Row:
    """Give the fields of a noun as a row; what a sign-in is found by is a secret, not data."""
    assert is_dataclass(one)
    left_out = ("handle", "digest", "history")
    own = {each.name: getattr(one, each.name) for each in fields(one)}
    return {key: value for key, value in own.items() if key not in left_out} | more


def _shown(value: object, whose: Subject) -> object:
    """Give a value as JSON knows it; of other persons only what may be shown."""
    match value:
        case Cpf():
            return value.digits if value == whose else value.masked
        case Login():
            return value.value
        case Cnpj() | ForeignId() | ProcessId() | StrEnum():
            return value.value
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
        case str() if isinstance(whose, EntityName) and value == whose.id:
            return value
        case str():
            return without_cpf(value)
    return value


def _erased(delegation: Delegation, cpf: Cpf) -> Delegation:
    history = tuple(
        replace(
            one,
            actor=ERASED if one.actor == cpf else one.actor,
            why=None if one.why is None else _without(cpf, one.why),
        )
        for one in delegation.history
    )
    return replace(delegation, history=history)


def _without(cpf: Cpf, text: str) -> str:
    written = r"[\W_]{0,3}".join(cpf.digits)
    in_ascii = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    for match in reversed(list(re.finditer(rf"(?<!\d){written}(?!\d)", in_ascii))):
        text = f"{text[: match.start()]}[cpf]{text[match.end() :]}"
    return text
