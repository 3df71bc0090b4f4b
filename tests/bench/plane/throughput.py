"""Requests in a second and times to an answer, of everybody in turn, closed loop and open loop."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from authz_service.bootstrap import build
from tests.bench.plane import arrivals, mixes, wrk
from tests.bench.plane.arrivals import Offered
from tests.bench.plane.effort import Effort
from tests.bench.plane.figures import Run
from tests.bench.plane.mixes import Mix, Speaks
from tests.bench.plane.seeding import Seed, settings
from tests.bench.plane.servers import Answering, Contestant, answering
from tests.bench.rounds import progress

_CHECKED = 8
"""Connections over which every question is asked before anything is measured."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Course:
    """
    What everybody is asked, in everybody's words.

    Attributes:
        mixes: what is asked.
        seeds: the database of each kind.
        bodies: the bodies of each mix, by its name and by who is asked.
    """

    mixes: Sequence[Mix]
    seeds: Mapping[str, Seed]
    bodies: Mapping[tuple[str, Speaks], Sequence[bytes]]

    def seed(self, one: Contestant) -> Seed | None:
        """Give the database of a contestant, None if it has none."""
        return self.seeds[one.database] if one.database else None

    def requests(self, one: Contestant, mix: Mix, port: int) -> list[bytes]:
        """Give the requests of a mix as a contestant gets them."""
        # The floor reads what the service reads, key and all.
        seed = self.seed(one) or next(iter(self.seeds.values()))
        key = None if one.speaks == "cerbos" else seed.key
        bodies = self.bodies[mix.name, one.speaks]
        return [mixes.http(mix.path, port, key, body) for body in bodies]


def course(effort: Effort, seeds: Mapping[str, Seed]) -> Course:
    """Make what everybody is asked about databases that hold the same."""
    first = next(iter(seeds.values()))
    asked = mixes.mixes(first.companies, effort.singles, effort.batches)
    with tempfile.TemporaryDirectory() as folder:
        service = build(settings(first.url, Path(folder)))
        with closing(service):
            moment = service.point.clock()
            bodies: dict[tuple[str, Speaks], Sequence[bytes]] = {}
            for mix in asked:
                progress(f"writing requests: {mix.name}")
                told = mixes.bodies_for_cerbos(mix, service.store.facts, moment)
                bodies[mix.name, "cerbos"] = told
                bodies[mix.name, "ours"] = mixes.bodies_for_us(mix)
    return Course(asked, seeds, bodies)


@contextmanager
def serving(one: Contestant, asked: Course) -> Iterator[Answering]:
    """Have a contestant answer; see ``servers.answering``."""
    first = asked.mixes[0]
    with answering(
        one, asked.seed(one), lambda port: asked.requests(one, first, port)[0]
    ) as running:
        yield running


def measure(effort: Effort, everybody: Sequence[Contestant], asked: Course) -> dict[str, list[Row]]:
    """Measure both loops, and what everybody has in memory afterwards."""
    book = _Book()
    turns = [("closed", mix) for mix in asked.mixes] + [("open", asked.mixes[0])]
    for number in range(effort.rounds):
        for loop, mix in turns:
            for one in everybody:
                progress(f"round {number + 1}/{effort.rounds}, {loop} loop, {mix.name}: {one.name}")
                with serving(one, asked) as running:
                    load = _Load(effort, running, asked.requests(one, mix, running.port), one, mix)
                    arrivals.once(running.port, load.requests, load.granted, _CHECKED)
                    if loop == "open":
                        for rate, offered in load.open():
                            book.add("open", load, rate, asdict(offered), rate=rate)
                    else:
                        for many, run in load.closed(check=number == 0):
                            book.add("closed", load, many, asdict(run), connections=many)
                        book.add("memory", load, loop, running.memory())
    return book.rows


@dataclass(frozen=True, slots=True)
class _Load:
    """
    The load on one contestant with one mix.

    Attributes:
        effort: how much.
        running: who answers.
        requests: what is sent in turn.
        contestant: who that is.
        mix: what is asked.
    """

    effort: Effort
    running: Answering
    requests: Sequence[bytes]
    contestant: Contestant
    mix: Mix

    @property
    def granted(self) -> Sequence[int] | None:
        """How many decisions have to be a yes in each answer, None where nobody decides."""
        return None if self.contestant.constant else self.mix.granted

    def closed(self, *, check: bool) -> Iterator[tuple[int, Run]]:
        """Load in closed loop by numbers of connections; *check* reads all answers once before."""
        port, seconds = self.running.port, self.effort.seconds
        if not wrk.installed():
            for many in self.effort.connections:
                yield many, arrivals.closed(port, self.requests, self.granted, many, seconds)
            return
        file = self.running.folder / "requests"
        wrk.write(self.requests, file)
        if check and self.granted is not None:
            wrk.checked(port, file, self.granted, max(self.effort.connections), seconds)
        for many in self.effort.connections:
            yield many, wrk.run(port, file, many, seconds)

    def open(self) -> Iterator[tuple[int, Offered]]:
        """Load in open loop by rates, until far more is due than is answered."""
        for rate in self.effort.rates:
            found = arrivals.offered(
                self.running.port, self.requests, self.granted, rate, self.effort.seconds
            )
            yield rate, found
            if found.run.rate < rate / 2:
                # More would only wait longer.
                return


class _Book:
    """Rows of results, each with what every round gave."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {"closed": [], "open": [], "memory": []}
        self._known: dict[tuple[object, ...], Row] = {}

    def add(self, part: str, load: _Load, key: object, taken: object, **about: object) -> None:
        """Add what a round gave to its row."""
        one, mix = load.contestant, load.mix
        name = (part, one.name, mix.name, key)
        row = self._known.get(name)
        if row is None:
            row = self._known[name] = {
                "contestant": one.name,
                "floor": one.floor,
                "mix": mix.name,
                "decisions": mix.decisions,
                **about,
                "rounds": [],
            }
            self.rows[part].append(row)
        row["rounds"].append(taken)
