"""
Writers and deciders as processes of their own, which try to catch a stale answer.

Each writer writes what it likes of its own companies and persons, and when the call has returned
it asks a decider, which has most of it in memory. A decider answers all writers at once, a thread
for each, out of one ``Held``: as the threads of a server do.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.facts import CompanyFacts, Facts, PersonFacts, ProcessFacts
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName
from authz_service.domain.sign_in import Companies
from authz_service.store import SqlStore
from authz_service.store.held.held import Held
from authz_service.usecases.govbr import Seen
from tests.domain.document import P001
from tests.fakes.store import untold
from tests.store.records import foreign, sign_in

_SPAWN = multiprocessing.get_context("spawn")
Ask = tuple[str, tuple[str, ...]]
"""What is asked: a kind, and whom and what about."""


@dataclass(frozen=True, slots=True)
class Try:
    """
    One answer that was asked for after a write had returned.

    Attributes:
        kind: what was written.
        right: whether it is what was written.
        after: how many seconds after the write had returned it was asked for.
    """

    kind: str
    right: bool
    after: float


def answer(held: Held, ask: Ask, at_least: int, moment: datetime) -> str | None:
    """Give what a decider says."""
    kind, about = ask
    held.look(at_least)
    if kind == "key":
        found = held.client_of_key(about[0], looked=True)
        return None if found is None else str(found[1].revoked_at is None)
    if kind == "name":
        return held.known(Cpf(about[0]), looked=True)
    if kind == "foreign":
        question = Question(Cpf(about[1]), "open", CompanyAsked(ForeignId(about[0])))
    elif kind == "delegation":
        named = ProcessAsked(ProcessName("P001"), Cnpj(about[0]))
        question = Question(Cpf(about[1]), "open", named)
    else:
        handle = about[2] if len(about) > 2 else None
        company = CompanyAsked(Cnpj(about[0]))
        question = Question(Cpf(about[1]), "open", company, sign_in=handle)
    [facts] = held.gather([question], moment, looked=True).facts
    assert isinstance(facts, Facts)
    return _said(kind, facts)


def _said(kind: str, facts: Facts) -> str:
    if isinstance(facts.resource, ProcessFacts):
        return facts.resource.delegation.state
    assert isinstance(facts.resource, CompanyFacts)
    assert isinstance(facts.actor, PersonFacts)
    return {
        "foreign": facts.resource.validation,
        "person": f"{facts.actor.registered} {facts.actor.confirmed}",
        "standing": facts.resource.standing.role,
        "bond": str(facts.resource.bond.recorded),
        "matriz": facts.resource.bond.standing.role,
        "sign-in": str(facts.sign_in),
    }[kind]


def _decide(url: str, stale_seconds: float | None, askers: Sequence[Connection]) -> None:
    """Answer until nobody asks any more."""
    store = SqlStore(url)
    held = store.hold(1_000, stale_seconds)

    def _serve(asker: Connection) -> None:
        asker.send("ready")
        while (asked := asker.recv()) is not None:
            ask, at_least, moment = asked
            try:
                asker.send(answer(held, ask, at_least, moment))
            except Exception as error:  # noqa: BLE001 - whatever it is, the asker has to hear of it
                asker.send(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=_serve, args=(one,)) for one in askers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held.close()
    store.close()


class Writer:
    """Writes by turns all that decisions rest on, and says what is so from then on."""

    def __init__(self, store: SqlStore, number: int) -> None:
        self._store = store
        self._random = random.Random(number)  # noqa: S311 - writes nobody has to guess
        self._number = number
        self._count = 0
        self.company, self.filial = Cnpj(f"{number:08}000100"), Cnpj(f"{number:08}000200")
        self.member, self.representative = self._person(1), self._person(2)
        self._seen: tuple[Delegation, ...] = ()
        self._key = self._new_key()
        self._bond = self._named = False
        self._foreign = foreign(number)
        self.kinds: dict[str, Callable[[], tuple[Ask, str | None, int]]] = {
            "grant or end": self._delegate,
            "register": self._register,
            "standing": self._stand,
            "key": self._keys,
            "bond": self._bind,
            "erase": self._erase,
            "sign in": self._sign_in,
            "foreign": self._validate,
        }

    def _person(self, number: int) -> Cpf:
        return Cpf(f"{self._number:03}{number:08}")

    def prepare(self) -> None:
        """Write what has to be there before."""
        self._store.registry.save_person(Person(self.member, datetime.now(UTC)), untold)
        self._store.foreign.add(self._foreign, untold)
        self._store.clients.add_client(
            Client(f"client-{self._number}", frozenset({"decide"}), (self._key,)), untold
        )

    def _delegate(self) -> tuple[Ask, str | None, int]:
        now = datetime.now(UTC)
        company, member = self.company, self.member
        last = self._seen[-1] if self._seen else None
        if last is None or last.ended is not None or not last.in_force(now):
            # What is only past its last day is ended as well, to make room.
            events = []
            if last is not None and last.ended is None:
                events = [(last.id, self._event(EventKind.EXPIRED, now))]
            self._count += 1
            grant = self._event(EventKind.GRANTED, now)
            new = Delegation(
                f"{self._number}-{self._count}", company, member, P001.id, P001.version, (grant,)
            )
            change = Change(company, member, 0, self._seen, (new,), tuple(events))
        else:
            kinds = [EventKind.REVOKED, EventKind.RENOUNCED, EventKind.EXTENDED]
            event = self._event(self._random.choice(kinds), now)
            if event.kind is EventKind.EXTENDED:
                event = replace(event, last_day=(now - timedelta(days=2)).date())
            change = Change(company, member, 0, self._seen, (), ((last.id, event),))
        revision = self._store.delegations.apply(change, untold, lambda: True)
        self._seen = change.after
        ask = ("delegation", (company.value, member.digits))
        return ask, self._seen[-1].state(now).value, revision

    def _event(self, kind: EventKind, now: datetime) -> Event:
        return Event(kind, now, self.representative, "orquestra")

    def _register(self) -> tuple[Ask, str | None, int]:
        now = datetime.now(UTC)
        person = self._random.choice(
            [Person(self.member), Person(self.member, now), Person(self.member, now, now)]
        )
        revision = self._store.registry.save_person(person, untold)
        said = f"{person.registered_at is not None} {person.confirmed_at is not None}"
        return ("person", (self.company.value, self.member.digits)), said, revision

    def _stand(self) -> tuple[Ask, str | None, int]:
        """Change what somebody is in the matriz, which counts in the filial as well."""
        role = self._random.choice(list(Role))
        one = Standing(self.company, self.representative, role, Evidence.GOVBR, datetime.now(UTC))
        revision = self._store.registry.save_standing(one, untold)
        where = self._random.choice([self.company, self.filial]) if self._bond else self.company
        kind = "standing" if where == self.company else "matriz"
        return (kind, (where.value, self.representative.digits)), role.value, revision

    def _new_key(self) -> ClientKey:
        self._count += 1
        return ClientKey(f"key-{self._number}-{self._count}", "0" * 64, datetime.now(UTC))

    def _keys(self) -> tuple[Ask, str | None, int]:
        valid = self._key.revoked_at is not None
        now = datetime.now(UTC)
        self._key = self._new_key() if valid else replace(self._key, revoked_at=now)
        client = Client(f"client-{self._number}", frozenset({"decide"}), (self._key,))
        revision = self._store.clients.save_client(client, untold)
        return ("key", (self._key.id,)), str(valid), revision

    def _bind(self) -> tuple[Ask, str | None, int]:
        bond = Bond(self.filial, self.company, "SEI", datetime.now(UTC))
        revision = self._store.registry.save_bond(bond, untold)
        self._bond = True
        return ("bond", (self.filial.value, self.representative.digits)), "True", revision

    def _erase(self) -> tuple[Ask, str | None, int]:
        """Erase a person whose name every decider has in memory, or make a name for the next."""
        person = self._person(3)
        ask = ("name", (person.digits,))
        self._named = not self._named
        if self._named:
            revision = self._store.registry.save_person(Person(person), untold)
            return ask, self._store.surrogates.surrogates([person])[person], revision
        erased = self._store.personal_data.erase(person, untold)
        assert erased is not None
        return ask, None, erased

    def _sign_in(self) -> tuple[Ask, str | None, int]:
        self._count += 1
        name = f"{self._number}-{self._count}"
        one = sign_in(name, self.representative, datetime.now(UTC))
        known = self._store.surrogates.surrogates([one.person])[one.person]
        none = Seen(Companies.OFF, one.began_at)
        revision = self._store.sign_ins.save(one, none, untold, confirm=False, name=known)
        about = (self.company.value, self.representative.digits, one.handle)
        if self._random.random() < 0.5:
            return ("sign-in", about), one.id, revision
        return ("person", about[:2]), "True False", revision

    def _validate(self) -> tuple[Ask, str | None, int]:
        now = datetime.now(UTC)
        choices = [one for one in Validation if one is not self._foreign.validation]
        validation = self._random.choice(choices)
        validated = now if validation is Validation.VALIDATED else None
        after = replace(self._foreign, validation=validation, validated_at=validated)
        revision = self._store.foreign.change(self._foreign, after, now, untold)
        self._foreign = after
        about = (after.id.value, self.member.digits)
        return ("foreign", about), validation.value, revision

    def questions(self) -> list[Question]:
        """Give questions whose facts rest on what is written."""
        resources = [
            resource
            for company in (self.company, self.filial, self._foreign.id)
            for resource in (CompanyAsked(company), ProcessAsked(ProcessName("P001"), company))
        ]
        return [
            Question(actor, "open", resource, recipient=recipient)
            for actor in (self.member, self.representative, self._person(3))
            for resource in resources
            for recipient in (None, self.member)
        ]

    def questions_about(self, ask: Ask) -> list[Question]:
        """Give the question in the light of a sign-in, if *ask* is about one."""
        kind, about = ask
        if kind != "sign-in":
            return []
        company = CompanyAsked(Cnpj(about[0]))
        return [Question(Cpf(about[1]), "open", company, sign_in=about[2])]

    def write(self) -> tuple[Ask, str | None, int]:
        """Write something, and give what to ask, what the answer is from now on, the revision."""
        return self.kinds[self._random.choice(list(self.kinds))]()


def _write(
    url: str,
    number: int,
    deciders: Sequence[Connection],
    tries: int,
    demand: bool,
    bound: float,
    out: Connection,
) -> None:
    """
    Write, and ask each decider afterwards, until there were enough tries.

    Where answers may be stale, who gave such a one is asked again when it may be so no more.
    """
    store = SqlStore(url, busy_timeout=60)
    writer = Writer(store, number)
    writer.prepare()
    for decider in deciders:
        assert decider.recv() == "ready"
    found: list[Try] = []
    order = list(deciders)
    while len(found) < tries:
        ask, expected, revision = writer.write()
        returned = time.monotonic()
        random.shuffle(order)
        late = []
        for decider in order:
            one = _try(decider, (ask, revision if demand else 0), expected, returned)
            found.append(one)
            if bound and (not one.right or random.random() < 0.02):  # noqa: S311 - as above
                late.append(decider)
        if late:
            time.sleep(max(0.0, returned + bound - time.monotonic()))
        found += [_try(one, (ask, 0), expected, returned) for one in late]
    for decider in deciders:
        decider.send(None)
    store.close()
    out.send(found)


def _try(decider: Connection, asked: tuple[Ask, int], expected: str | None, returned: float) -> Try:
    ask, at_least = asked
    after = time.monotonic() - returned
    decider.send((ask, at_least, datetime.now(UTC)))
    said = decider.recv()
    right = said == expected
    return Try(ask[0] if right else f"{ask}: {said}, not {expected}", right, after)


@contextmanager
def at_work(
    url: str,
    tries: int,
    *,
    writers: int = 2,
    deciders: int = 2,
    stale_seconds: float | None = None,
    demand: bool = False,
) -> Iterator[Callable[[], list[Try]]]:
    """Let writers and deciders loose on a store; gives what waits for them, and tells all tries."""
    lines = [[_SPAWN.Pipe() for _ in range(deciders)] for _ in range(writers)]
    with ExitStack() as stack:
        results = []
        started = []
        for place in range(deciders):
            ends = [line[place][1] for line in lines]
            started.append(_SPAWN.Process(target=_decide, args=(url, stale_seconds, ends)))
        for number, line in enumerate(lines, start=1):
            result, out = _SPAWN.Pipe(duplex=False)
            results.append(result)
            ends = [pair[0] for pair in line]
            share, bound = -(-tries // writers), 0.0 if demand else stale_seconds or 0.0
            started.append(
                _SPAWN.Process(target=_write, args=(url, number, ends, share, demand, bound, out))
            )
        for process in started:
            process.start()
            stack.callback(process.join)
            stack.callback(process.kill)

        def _all() -> list[Try]:
            found = [each for result in results for each in result.recv()]
            for process in started:
                process.join(30)
            return found

        yield _all
