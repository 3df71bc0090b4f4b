"""
Whether the number of delegations in the store shows: cold, warm, in process and over HTTP.

Every store is asked the same number of questions about the same number of companies, spread over
all of it, or the smallest would seem fast because little is held of it. *Cold* is the first
time that a service hears a question, with the database's pages in the page cache; *warm* is every
time after that. *Many* is warm as well, with as many questions as the store is good for.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from authz_service.bootstrap import Service, build
from authz_service.domain.decision import Question
from tests.bench.plane import arrivals, mixes, world, wrk
from tests.bench.plane.effort import Effort
from tests.bench.plane.figures import RunInvalid
from tests.bench.plane.mixes import EVALUATION, SINGLE, Mix
from tests.bench.plane.seeding import CALLER, Load, Seed, settings
from tests.bench.plane.servers import Contestant
from tests.bench.plane.throughput import Course, Row, serving
from tests.bench.plane.world import Asked
from tests.bench.rounds import progress

_CONNECTIONS = 8
_COMPANIES = 100
"""As many as the smallest store has."""
_WARM_SECONDS = 0.3
_OF_A_COMPANY = 4


@dataclass(frozen=True)
class _Store:
    """A store, what is asked of it, and a service on it."""

    seed: Seed
    mix: Mix
    service: Service
    folder: Path

    @property
    def questions(self) -> list[Question]:
        return [mixes.question(one) for [one] in self.mix.requests]

    def open_anew(self) -> _Store:
        """Give it with a service that has not heard anything yet."""
        self.service.close()
        return _Store(self.seed, self.mix, _service(self.seed, self.folder), self.folder)


def _service(seed: Seed, folder: Path) -> Service:
    service = build(settings(seed.url, folder), place="0")
    service.load_policy()
    return service


def measure(effort: Effort, kinds: Mapping[str, Load], servers: Sequence[Contestant]) -> list[Row]:
    """
    Measure every size on every kind of database.

    Args:
        effort: how much.
        kinds: where stores are had.
        servers: who serves them over HTTP, by the kind of database; of a kind, the first.
    """
    rows: list[Row] = []
    for kind, load in kinds.items():
        seeds = [load(companies) for companies in effort.companies]
        asked = [_mix(world.one_each(seed.companies, _COMPANIES)) for seed in seeds]
        found = [{"database": kind, "delegations": seed.delegations} for seed in seeds]
        inside = _in_process(effort, seeds, asked)
        server = next((one for one in servers if one.database == kind), None)
        outside = _over_http(effort, server, seeds, asked)
        rows += [
            {**row, **one, **two} for row, one, two in zip(found, inside, outside, strict=True)
        ]
    return rows


def _mix(asked: Sequence[Asked]) -> Mix:
    return Mix(SINGLE, EVALUATION, [[one] for one in asked])


def _many(seed: Seed, effort: Effort) -> Mix:
    count = min(seed.companies, effort.held // _OF_A_COMPANY)
    return _mix(world.one_each(seed.companies, count))


def _in_process(effort: Effort, seeds: Sequence[Seed], asked: Sequence[Mix]) -> list[Row]:
    folders = [Path(tempfile.mkdtemp(prefix="bench")) for _ in seeds]
    stores = [
        _Store(seed, mix, _service(seed, folder), folder)
        for seed, mix, folder in zip(seeds, asked, folders, strict=True)
    ]
    cold: list[list[float]] = [[] for _ in stores]
    warm: list[list[float]] = [[] for _ in stores]
    many: list[list[float]] = [[] for _ in stores]
    try:
        for number in range(effort.rounds):
            stores = [one.open_anew() for one in stores]
            for place, store in enumerate(stores):
                progress(f"scale, cold, in process: {store.seed.delegations:,}, round {number + 1}")
                cold[place].append(_all(store))
            for _ in range(3):
                for place, store in enumerate(stores):
                    progress(f"scale, warm, in process: {store.seed.delegations:,}")
                    warm[place].append(_for(store, _WARM_SECONDS))
        for place, store in enumerate(stores):
            progress(f"scale, many, in process: {store.seed.delegations:,}")
            wide = replace(store, mix=_many(store.seed, effort))
            _all(wide)
            many[place] = [_all(wide) for _ in range(3)]
    finally:
        for store in stores:
            store.service.close()
            shutil.rmtree(store.folder, ignore_errors=True)
    return [
        {
            "cold_us": median(first) * 1e6,
            "warm_us": median(later) * 1e6,
            "many": len(_many(seed, effort).requests),
            "many_us": median(last) * 1e6,
        }
        for seed, first, later, last in zip(seeds, cold, warm, many, strict=True)
    ]


def _all(store: _Store) -> float:
    """Decide every question once, and give the seconds of one."""
    decide, questions = store.service.point.decide, store.questions
    wanted = [one.allowed for [one] in store.mix.requests]
    began = time.perf_counter()
    found = [decide(one, CALLER).decision.allowed for one in questions]
    took = time.perf_counter() - began
    if found != wanted:
        raise RunInvalid("a decision in process was another one than it has to be")
    return took / len(questions)


def _for(store: _Store, seconds: float) -> float:
    """Decide every question over and over for so many seconds, and give those of one."""
    taken: list[float] = []
    while sum(taken) * len(store.mix.requests) < seconds:
        taken.append(_all(store))
    return median(taken)


def _over_http(
    effort: Effort, server: Contestant | None, seeds: Sequence[Seed], asked: Sequence[Mix]
) -> list[Row]:
    if server is None:
        return [{} for _ in seeds]
    rows: list[Row] = [{"server": server.name, "rounds": []} for _ in seeds]
    with ExitStack() as running:
        ready = []
        for row, seed, mix in zip(rows, seeds, asked, strict=True):
            progress(f"scale, {server.name}: {seed.delegations:,}, cold")
            bodies = {(mix.name, server.speaks): mixes.bodies_for_us(mix)}
            course = Course([mix], {server.database: seed}, bodies)
            answers = running.enter_context(serving(server, course))
            requests = course.requests(server, mix, answers.port)
            cold = arrivals.once(answers.port, requests, mix.granted, _CONNECTIONS)
            row["cold"] = asdict(cold)
            file = answers.folder / "requests"
            wrk.write(requests, file)
            ready.append((row, answers.port, file, requests, mix))
        for number in range(effort.rounds):
            for row, port, file, requests, mix in ready:
                progress(f"scale, {server.name}: warm, round {number + 1}")
                run = (
                    wrk.run(port, file, _CONNECTIONS, effort.seconds)
                    if wrk.installed()
                    else arrivals.closed(port, requests, mix.granted, _CONNECTIONS, effort.seconds)
                )
                row["rounds"].append(asdict(run))
    return rows
