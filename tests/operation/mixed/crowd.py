"""
Clients of all kinds at the same time: some decide, some write, each in a thread of its own.

A writer asks right after each of its calls, over connections other than the one it wrote on,
which other workers may have. A decider asks about anything; where nothing was on its way from
before its question until after its answer, it knows what the answer has to be.
"""

from __future__ import annotations

import http.client
import random
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.operation.mixed.calling import Ledger, Line
from tests.operation.mixed.worlds import World

_OF_A_WRITER = ("writer", "teller", "teller", "teller")
"""Whose key a writer sends on each of its connections; it asks on all but the first."""
BATCH = 10
"""Questions of a batch."""
BREATH = 0.02
"""Seconds between two calls of a decider, and two of a writer's acts: several make a load of it."""
BETWEEN_KEYS = 0.5
"""Seconds between two keys that are tried after they were revoked: 600 a minute may be wrong."""


class Crowd:
    """
    Clients that call until they are told to stop.

    Attributes:
        port: where they call; whoever calls next goes by it.
        ledger: what they heard.
        worlds: what the writers among them change.
    """

    def __init__(
        self, port: int, keys: dict[str, str], deciders: int, writers: int, *, forgiving: bool
    ) -> None:
        """
        Bring about the writers' beginnings, and let nobody call yet.

        Args:
            port: where the service listens.
            keys: that of ``teller``, which is told reasons, and of ``writer``, which may do all.
            deciders: how many decide.
            writers: how many write.
            forgiving: whether a call that nobody answers is let pass, as where workers are killed.
        """
        self.ledger = Ledger()
        self.worlds = [World(number) for number in range(writers)]
        self.port, self._keys, self._forgiving = port, keys, forgiving
        self._over = threading.Event()
        self._trying, self._next_key = threading.Lock(), 0.0
        for world in self.worlds:
            with self._line("writer") as line:
                world.begin(line)
        self._threads = [
            threading.Thread(target=self._run, args=(work, number))
            for work, count in ((self._write, writers), (self._decide, deciders))
            for number in range(count)
        ]

    def start(self) -> None:
        """Let them call."""
        for one in self._threads:
            one.start()

    def stop(self) -> None:
        """Let each finish the call that it is at, and wait until all have ended."""
        self._over.set()
        for one in self._threads:
            one.join()

    def still_known(self) -> list[str]:
        """Ask about all that nobody was changing when they ended, and give what is not so."""
        wrong: list[str] = []
        with self._line("teller") as line:
            for world in self.worlds:
                known = world.known
                if known is None:
                    continue
                for person, right in ((world.member, known.member), (world.partner, known.partner)):
                    if [right] != _ask(line, [(world, person)], 0):
                        wrong.append(f"{world.number}: not {right}")
        return wrong

    def _line(self, key: str) -> Line:
        return Line(lambda: self.port, self._keys[key], self.ledger)

    def _run(self, work: Callable[[int], None], number: int) -> None:
        while not self._over.is_set():
            try:
                work(number)
            except (OSError, http.client.HTTPException) as error:
                if not self._forgiving:
                    self.ledger.complain(f"{work.__name__}: {error!r}")
                    return
                # Whoever is killed has begun again soon.
                self._over.wait(0.02)
            except Exception as error:  # noqa: BLE001 - the test tells of it at its end
                self.ledger.complain(f"{work.__name__}: {error!r}")
                return

    # Those who write

    def _write(self, number: int) -> None:
        world = self.worlds[number]
        with ExitStack() as held:
            line, *checks = (held.enter_context(self._line(key)) for key in _OF_A_WRITER)
            if self._forgiving:
                # The call that was cut off may have been done.
                world.known = None
                world.begin(line)
            for turn, act in enumerate(world.turns(line)):
                if self._over.wait(BREATH):
                    return
                world.known = None
                known = act()
                self.ledger.acts += 1
                world.known = known
                for check, asked in enumerate(checks):
                    self._check(world, asked, turn + check)
                if self._may_try_keys():
                    self._keys_count(line, checks, f"w{number}-{secrets.token_hex(8)}")

    def _may_try_keys(self) -> bool:
        """Tell whether it is time for another key; wrong ones are limited for each address."""
        with self._trying:
            now = time.monotonic()
            if now < self._next_key:
                return False
            self._next_key = now + BETWEEN_KEYS
            return True

    def _check(self, world: World, line: Line, form: int) -> None:
        """Ask about what was just changed, which nobody else changes."""
        known = world.known
        assert known is not None
        for person, expected in ((world.member, known.member), (world.partner, known.partner)):
            found = _ask(line, [(world, person)], form)
            if [expected] != found:
                self.ledger.complain(f"stale: {found} and not {expected} after a write")

    def _keys_count(self, line: Line, checks: list[Line], name: str) -> None:
        """Make a client, see its key count, revoke the key, and see it refused, elsewhere."""
        made = line.send("POST", "/v1/clients", {"name": name, "scopes": ["decide"]}).json
        question = self.worlds[0].question(self.worlds[0].partner)
        for status in (200, 401):
            for check in checks:
                got = check.send("POST", "/access/v1/evaluation", question, key=made["key"])
                if status != got.status:
                    self.ledger.complain(f"stale: {got.status} and not {status} for a key")
            if status == 200:
                body = {"key_id": made["key_id"]}
                done = line.send("POST", f"/v1/clients/{name}/revoke", body)
                assert 200 == done.status, done.body
        self.ledger.acts += 2

    # Those who decide

    def _decide(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - nobody has to guess it
        with self._line("teller") as line:
            while not self._over.wait(BREATH):
                self._decide_once(line, chance)

    def _decide_once(self, line: Line, chance: random.Random) -> None:
        form = chance.randrange(3)
        asked = [
            (world, chance.choice((world.member, world.partner)))
            for world in chance.choices(self.worlds, k=BATCH if form == 2 else 1)
        ]
        before = [world.known for world, _person in asked]
        found = _ask(line, asked, form)
        after = [world.known for world, _person in asked]
        for (world, person), then, now, decided in zip(asked, before, after, found, strict=True):
            if then is None or then is not now:
                continue
            expected = then.member if person == world.member else then.partner
            if decided != expected:
                self.ledger.complain(f"stale: {decided} and not {expected} to a decider")


def _ask(line: Line, asked: list[tuple[World, str]], form: int) -> list[bool]:
    """Ask in one of the three ways, and give the decisions."""
    [(world, person), *_others] = asked
    match form % 3:
        case 0:
            got = line.send("POST", "/access/v1/evaluation", world.question(person))
        case 1:
            got = line.send("POST", "/v1/orquestra/decisao", world.flat(person))
        case _:
            each = [one.question(whom) for one, whom in asked]
            got = line.send("POST", "/access/v1/evaluations", {"evaluations": each})
    assert 200 == got.status, (got.status, got.body)
    found = got.json
    if "evaluations" in found:
        return [one["decision"] for one in found["evaluations"]]
    return [found["permitido"] if "permitido" in found else found["decision"]]
