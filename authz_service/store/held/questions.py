"""
Facts on a shelf: by what was asked, with what they depend on, and until when they last.

What a question brings with it and only asserts, its context and properties, stands on no shelf:
it is put to the facts for that question alone. What a token proved that came with a question
changes the facts themselves, so they are made of records that are read for it. Questions about
entities of others find nothing here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from authz_service.domain.brought import bringing
from authz_service.domain.decision import Bag, CompanyAsked, ProcessAsked, Question
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cpf, Login
from authz_service.domain.known import ALWAYS, Known, facts_of, span_of
from authz_service.domain.people import Evidence
from authz_service.domain.processes import Ambiguous
from authz_service.store.changes import Part, Touched

Key = tuple[object, ...]
"""What a question asks about, in plain texts: those are hashed once, and fast."""

_MANY = 4
_NOTHING: Bag = MappingProxyType({})


def key_of(question: Question) -> Key | None:
    """Give what tells the facts of a question from those of others, None if they are not kept."""
    resource, actor, recipient = question.resource, question.actor, question.recipient
    text: str | None
    if type(resource) is ProcessAsked:
        name = resource.name
        text, version = name.text, name.version
    elif type(resource) is CompanyAsked:
        text = version = None
    else:
        return None
    who: object
    if type(actor) is Cpf:
        who = actor.digits
    elif type(actor) is Login:
        # A login may look like a CPF.
        who = (actor.value,)
    else:
        return None
    evidence = question.actor_evidence
    return (
        who,
        resource.company.value,
        text,
        version,
        None if recipient is None else recipient.digits,
        question.sign_in,
        # The hash of a word of an enumeration is worked out anew each time.
        0 if evidence is Evidence.GOVBR else 1 if evidence is Evidence.ASSERTED else 2,
    )


class Entry:
    """
    What is known of one question.

    Attributes:
        known: the records, or what the name of its process could mean. None once the facts are
            made, which take half as much room, but for a sign-in: its minutes change too often
            to be read anew each time.
        lasting: since when and until when the facts are these, and they; replaced as a whole.
        persons: the digits of those whose change may change the facts.
        companies: the numbers of those whose change may change the facts.
    """

    __slots__ = ("companies", "known", "lasting", "persons")

    def __init__(
        self, known: Known | Ambiguous, persons: tuple[str, ...], companies: tuple[str, ...]
    ) -> None:
        self.known: Known | Ambiguous | None = known
        self.persons = persons
        self.companies = companies
        self.lasting: tuple[datetime, datetime, Facts | Ambiguous] | None = None
        if isinstance(known, Ambiguous):
            self.lasting = (*ALWAYS, known)

    def facts(
        self, question: Question, moment: datetime, *, heeded: bool
    ) -> Facts | Ambiguous | None:
        """
        Give the facts of *question* at *moment*, and keep them if others may have them.

        None if they have to be made of records that are not held. What the question asserts is
        in them only if it is *heeded*.
        """
        lasting = self.lasting
        if question.proof is not None and not isinstance(self.known, Ambiguous):
            return None if self.known is None else facts_of(question, self.known, moment)
        if lasting is not None and lasting[0] <= moment < lasting[1]:
            facts: Facts | Ambiguous | None = lasting[2]
        else:
            facts = self._anew(question, moment)
        if heeded and (question.context or question.properties) and isinstance(facts, Facts):
            return bringing(facts, question)
        return facts

    def settle(self) -> bool:
        """Let go of the records as far as they are not needed; tell whether anything is left."""
        if isinstance(self.known, Known) and self.known.sign_in is None:
            self.known = None
        return self.known is not None or self.lasting is not None

    def _anew(self, question: Question, moment: datetime) -> Facts | Ambiguous | None:
        """Make the facts that others who ask the same may have, and keep them."""
        known = self.known
        if not isinstance(known, Known):
            return known
        # Nothing of a request is held beyond it.
        question = replace(question, context=_NOTHING, properties=_NOTHING)
        facts = facts_of(question, known, moment)
        self.lasting = (*span_of(question, known, moment), facts)
        return facts


def entry_of(question: Question, known: Known | Ambiguous) -> Entry:
    """Give an entry with all on whom and on what the facts of *question* depend."""
    persons = [one for one in (question.actor, question.recipient) if isinstance(one, Cpf)]
    asked = question.resource
    companies = [] if isinstance(asked, Thing) else [asked.company.value]
    if isinstance(known, Known):
        if known.delegation is not None:
            persons += known.delegation.backers
        if known.bond is not None:
            companies.append(known.bond.matriz.value)
        if known.sign_in is not None:
            persons.append(known.sign_in.person)
    digits = tuple(dict.fromkeys(one.digits for one in persons))
    return Entry(known, digits, tuple(companies))


@dataclass(frozen=True, slots=True)
class _Index:
    """Finds the keys that depend on a text; most texts have one key or a few."""

    keys: dict[str, tuple[Key, ...] | set[Key]]

    def add(self, text: str, key: Key) -> None:
        found = self.keys.get(text, ())
        if isinstance(found, set):
            found.add(key)
        elif len(found) < _MANY:
            self.keys[text] = (*found, key)
        else:
            self.keys[text] = {*found, key}

    def take(self, text: str, key: Key) -> None:
        found = self.keys.get(text, ())
        if isinstance(found, set):
            found.discard(key)
        else:
            found = self.keys[text] = tuple(one for one in found if one != key)
        if not found:
            del self.keys[text]


class Shelf:
    """
    Entries by key, the oldest first. Changed by one thread at a time, read by any.

    Attributes:
        entries: what is there.
    """

    def __init__(self, most: int) -> None:
        """
        Begin with nothing.

        Args:
            most: how many questions have room.
        """
        self._most = most
        # A plain dict passes by all that was ever taken from its front to find its first.
        self.entries: OrderedDict[Key, Entry] = OrderedDict()
        self._persons = _Index({})
        self._companies = _Index({})

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry; if there is no room, the oldest goes."""
        self._take(key)
        while len(self.entries) >= self._most:
            self._take(next(iter(self.entries)))
        for person in entry.persons:
            self._persons.add(person, key)
        for company in entry.companies:
            self._companies.add(company, key)
        self.entries[key] = entry

    def drop(self, touched: Touched) -> None:
        """Drop what a change may have changed: of its company and of its person, if it says so."""
        if touched.part is Part.CLIENTS:
            return
        if touched.part in (Part.ANYTHING, Part.CATALOGUE):
            self._clear()
            return
        person = None if touched.person is None else touched.person.digits
        company = None if touched.company is None else touched.company.value
        for key in self._depending(person, company):
            self._take(key)

    def _depending(self, person: str | None, company: str | None) -> Iterable[Key]:
        of_company = () if company is None else self._companies.keys.get(company, ())
        of_person = () if person is None else self._persons.keys.get(person, ())
        if company is None:
            return list(self.entries if person is None else of_person)
        if person is None:
            return list(of_company)
        fewer = min(of_company, of_person, key=len)
        more = of_person if fewer is of_company else of_company
        return [key for key in fewer if key in more]

    def _take(self, key: Key) -> None:
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        for person in entry.persons:
            self._persons.take(person, key)
        for company in entry.companies:
            self._companies.take(company, key)

    def _clear(self) -> None:
        # A new one each, since others may be reading the old one.
        self.entries = OrderedDict()
        self._persons = _Index({})
        self._companies = _Index({})
