"""
The store's answers out of memory, under one rule: look first.

A look feels the pulse. If anything was committed, the rows of ``changes`` since the state that is
held say what to drop; where they do not say it for certain, all is dropped. They are certain if
none is missing, and the row of the held state is still the one that it was: a database that was
put back to an earlier state and went on from there has other rows.

What is read to be held is of one state as well. It is kept only if that state is the held one, and
a batch of which some is held and some was read is of one state or read anew as a whole.

Threads share all of it. Whoever changes it has the lock, and asks the database for nothing
meanwhile; whoever reads has none, and looks at the end whether the state is the one that it was
at the beginning.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.decision import Question, Subject
from authz_service.domain.errors import StoreBehind, StoreUnavailable
from authz_service.domain.facts import Facts
from authz_service.domain.known import ALWAYS
from authz_service.domain.processes import Ambiguous
from authz_service.store.changes import Part
from authz_service.store.clients import SqlClients
from authz_service.store.database import Database
from authz_service.store.held.changed import Changed, Log, Mark
from authz_service.store.held.pulse import NO_BEAT, Beat, Pulse
from authz_service.store.held.questions import Entry, Key, Shelf, entry_of, key_of
from authz_service.store.held.reading import Names, Read, Reading
from authz_service.store.held.surrogates import HeldSurrogates
from authz_service.store.surrogates import SqlSurrogates
from authz_service.usecases.ports import Snapshot, Told

Counted = Callable[[int, int], None]
"""Hears for how many questions the facts were held, and for how many they were read."""

_COUNTED_AT_ONCE = 256
"""So many that were held are told of at once; to tell of each would cost as much as to find it."""


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """
    The state that is held; each one is another object.

    Attributes:
        revision: its number.
        mark: what tells it from another state of this number, None if nothing does.
        beat: the pulse was felt, and all that it told has been looked up since.
    """

    revision: int
    mark: Mark | None
    beat: Beat


class Held:
    """
    The ports ``Truth``, ``FactSource``, ``Surrogates`` and ``ClientStore``, out of memory.

    Each method that reads looks first, unless its caller has *looked* for the same request.
    Raises ``StoreUnavailable`` where the database does not answer: what cannot be confirmed is
    not told.

    Attributes:
        state: the state that is held, another object for each; see ``FactSource``.
    """

    def __init__(
        self, database: Database, pulse: Pulse, most: int, counted: Counted = lambda *_: None
    ) -> None:
        """
        Begin with nothing.

        Args:
            database: where everything is.
            pulse: tells whether anything was committed to it.
            most: how many questions, and how many names and keys, are held at most.
            counted: hears now and then for how many questions the facts were held, and were not.
        """
        self._database = database
        self._pulse = pulse
        self._most = most
        self._counted = counted
        self._hits = 0
        self._log = Log(database)
        self._reading = Reading(database)
        self._sql_surrogates = SqlSurrogates(database)
        self._sql_clients = SqlClients(database)
        self._lock = threading.Lock()
        self.state: _State = _State(0, None, NO_BEAT)
        self._shelf = Shelf(most)
        self._names: Names | None = None
        self._surrogates = HeldSurrogates(most)
        self._keys: OrderedDict[str, tuple[Client, ClientKey]] = OrderedDict()

    def look(self, at_least: int = 0, *, asking: bool = False) -> int:
        """
        Have every write that returned before this call be seen by what is read afterwards.

        Args:
            at_least: the revision that the caller demands.
            asking: the database is asked, whatever it has announced or not.

        Returns:
            the revision that the store is at.

        Raises:
            StoreBehind: the store has not come to *at_least*.
            StoreUnavailable: the database did not answer.
        """
        try:
            beat = self._pulse.beat(strict=asking)
        except self._database.backend.errors as error:
            raise self._database.unavailable(error) from None
        state = self.state
        if beat is not state.beat:
            self._catch_up(beat)
            state = self.state
        if state.revision < at_least:
            return self._sought(at_least)
        return state.revision

    def gather(
        self,
        questions: Sequence[Question],
        moment: datetime,
        *,
        looked: bool = False,
        heeded: bool = True,
    ) -> Snapshot:
        """
        Give the facts of all questions out of one state; see ``FactSource``.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        if not looked or self.state.beat is NO_BEAT:
            self.look()
        state, entries = self.state, self._shelf.entries
        facts: list[Facts | Ambiguous] = []
        since, until = ALWAYS
        alone = False
        for question in questions:
            entry = entries.get(key_of(question))  # type: ignore[arg-type] # None is no key
            one = None if entry is None else entry.facts(question, moment, heeded=heeded)
            if entry is None or one is None:
                return self._gather_more(questions, moment, heeded=heeded)
            facts.append(one)
            # Another thread may put another one in its place.
            lasting = entry.lasting
            if lasting is not None and one is lasting[2]:
                since, until = max(since, lasting[0]), min(until, lasting[1])
            else:
                # What the question brings has made them.
                alone = True
        if self.state is not state:
            return self._gather_more(questions, moment, heeded=heeded)
        self._hits += len(facts)
        if self._hits >= _COUNTED_AT_ONCE:
            hits, self._hits = self._hits, 0
            self._counted(hits, 0)
        return Snapshot(state.revision, tuple(facts), None if alone else (since, until))

    def surrogates(
        self, subjects: Iterable[Subject], *, looked: bool = False
    ) -> Mapping[Subject, str]:
        """Give the surrogate of each, making one for which there is none yet."""
        if not looked:
            self.look()
        wanted = list(subjects)
        state = self.state
        found = self._surrogates.of_all(wanted)
        if found is not None:
            return found
        named = self._sql_surrogates.surrogates(wanted)
        self._keep_names(state, named)
        return named

    def known(self, subject: Subject, *, looked: bool = False) -> str | None:
        """Give the surrogate of one, or None if it has none; nothing is made."""
        if not looked:
            self.look()
        name = self._surrogates.of(subject)
        if name is None:
            state = self.state
            name = self._sql_surrogates.known(subject)
            if name is not None:
                self._keep_names(state, {subject: name})
        return name

    def behind(self, surrogates: Iterable[str]) -> Mapping[str, Subject]:
        """Give who stands behind each, those apart whose pairing was erased; not out of memory."""
        return self._sql_surrogates.behind(surrogates)

    def client_of_key(
        self, key_id: str, *, looked: bool = False
    ) -> tuple[Client, ClientKey] | None:
        """Give the key with this id and whose it is; a key that does not exist is not held."""
        if not looked:
            self.look()
        found = self._keys.get(key_id)
        if found is not None:
            return found
        state = self.state
        found = self._sql_clients.client_of_key(key_id)
        if found is not None:
            with self._lock:
                if self.state is state:
                    self._keys[key_id] = found
                    while len(self._keys) > self._most:
                        self._keys.popitem(last=False)
        return found

    def clients(self) -> list[Client]:
        """Give all clients with all their keys, by name; not out of memory."""
        return self._sql_clients.clients()

    def add_client(self, client: Client, told: Told) -> int:
        """Keep a new client; see ``ClientStore``."""
        return self._sql_clients.add_client(client, told)

    def save_client(self, client: Client, told: Told) -> int:
        """Add or replace a client; see ``ClientStore``."""
        return self._sql_clients.save_client(client, told)

    def close(self) -> None:
        """Let go of the connection that feels the pulse; a later call takes it up anew."""
        self._pulse.close()

    def _sought(self, at_least: int) -> int:
        """Ask the database itself whether it has come to a revision, and give its own."""
        try:
            beat = self._pulse.beat(strict=True)
        except self._database.backend.errors as error:
            raise self._database.unavailable(error) from None
        self._catch_up(beat)
        if self.state.revision < at_least:
            raise StoreBehind("the store has not come to the revision that is demanded")
        return self.state.revision

    def _catch_up(self, beat: Beat) -> None:
        """Drop what was changed before *beat* was felt, unless another thread has done so."""
        while (state := self.state).beat < beat:
            changed = self._log.since(state.revision, state.mark)
            with self._lock:
                if self.state is state:
                    if beat[0] == state.beat[0] and changed.touched is not None:
                        self._drop(changed)
                    else:
                        self._forget()
                    # Last: who reads without the lock sees by it that what it found may be gone.
                    self.state = _State(changed.revision, changed.mark, beat)

    def _drop(self, changed: Changed) -> None:
        for touched in changed.touched or ():
            self._shelf.drop(touched)
            if touched.part in (Part.CLIENTS, Part.ANYTHING):
                self._keys = OrderedDict()
            if touched.part in (Part.CATALOGUE, Part.ANYTHING):
                self._names = None
            if touched.part is Part.ANYTHING:
                self._surrogates = HeldSurrogates(self._most)

    def _forget(self) -> None:
        self._shelf = Shelf(self._most)
        self._keys = OrderedDict()
        self._names = None
        self._surrogates = HeldSurrogates(self._most)

    def _gather_more(
        self, questions: Sequence[Question], moment: datetime, *, heeded: bool
    ) -> Snapshot:
        """Read what is not held, or all of it if that is of another state."""
        with self._lock:
            state, names = self.state, self._names
            keys = [key_of(question) for question in questions]
            entries = [None if key is None else self._shelf.entries.get(key) for key in keys]
        held = [
            None if entry is None else entry.facts(question, moment, heeded=heeded)
            for question, entry in zip(questions, entries, strict=True)
        ]
        missing = [one for one, facts in zip(questions, held, strict=True) if facts is None]
        hits, self._hits = self._hits, 0
        self._counted(hits + len(questions) - len(missing), len(missing))
        read = self._reading.read(missing, names)
        if read.revision != state.revision:
            held = [None] * len(questions)
            read = self._reading.read(questions, None)
        new: dict[Key, Entry] = {}
        found = []
        for question, key, facts in zip(questions, keys, held, strict=True):
            if facts is not None:
                found.append(facts)
                continue
            entry = new.get(key) if key is not None else None
            if entry is None:
                entry = entry_of(question, read.about(question))
            if key is not None:
                new[key] = entry
            made = entry.facts(question, moment, heeded=heeded)
            if made is None:  # pragma: no cover - its records are there; the types do not know
                raise StoreUnavailable("the records of a question were lost")
            found.append(made)
        self._put(state, read, new)
        return Snapshot(read.revision, tuple(found))

    def _put(self, state: _State, read: Read, new: Mapping[Key, Entry]) -> None:
        """Keep what was read, if it is of the state that is held."""
        if read.revision != state.revision:
            return
        with self._lock:
            if self.state is state:
                self._names = read.names
                for key, entry in new.items():
                    if entry.settle():
                        self._shelf.put(key, entry)

    def _keep_names(self, state: _State, names: Mapping[Subject, str]) -> None:
        """Keep names that were read while *state* was held; one may be erased by a later one."""
        with self._lock:
            if self.state is state:
                self._surrogates.keep(names)
