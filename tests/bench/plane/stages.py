"""
Where the time of one answer goes, in process: each stage by itself, and the whole without HTTP.

The whole is a call of the service's own WSGI application with a request as a server gives it. The
stages are taken in the same application, with a stop-watch around each port of the decision
point and around authentication; what the stop-watch itself costs is measured and taken off. So
they are those of the service as it is put together, whatever that may be. Reading the request is
measured by itself; what is left, guards, limits and making the answer among it, is the rest.

All of them are of a question that was not asked before on this state of the store; how long the
whole takes of one that was is measured beside it.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from authz_service.bootstrap import Service, build
from authz_service.usecases.before import Standing
from authz_service.web.lean.reading import batch_in, question_in
from tests.bench.plane import floor
from tests.bench.plane.effort import Effort
from tests.bench.plane.figures import RunInvalid
from tests.bench.plane.mixes import Mix
from tests.bench.plane.seeding import Seed, settings
from tests.bench.plane.throughput import Course, Row
from tests.bench.rounds import mean_of, progress

WHOLE, FLOOR, REST = "the whole, in process", "floor, in process", "the rest"
AGAIN = "the whole, asked before"
STAGES = {
    "reading": "read the request",
    "clients": "authenticate",
    "truth": "look whether something was committed",
    "facts": "facts",
    "policies": "policy: in force",
    "policy": "policy: decide, and words",
    "surrogates": "names in the log",
    "log": "line of the log, hash and write",
    "listeners": "counters and other listeners",
    "entities": "other services' entities",
    "clock": "the clock",
}
"""What is timed, by the name of the port, as the table calls it."""

Wsgi = Callable[[dict[str, Any], Any], Any]
_Book = dict[str, list[float]]


class Watched:
    """
    An object whose methods are timed.

    Args:
        inner: the object.
        stage: where its time is booked: seconds, and how many calls.
        book: by stage.
    """

    def __init__(self, inner: object, stage: str, book: _Book) -> None:
        self._inner, self._stage, self._book = inner, stage, book

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if callable(found):
            found = timed(found, self._stage, self._book)
            # From now on it is found without this method.
            self.__dict__[name] = found
        return found


def timed(call: Callable[..., Any], stage: str, book: _Book) -> Callable[..., Any]:
    """Give *call* with a stop-watch around it; a policy that it gives is watched as well."""
    clock, told = time.perf_counter, book[stage]
    watched: dict[int, Watched] = {}

    def run(*arguments: Any, **named: Any) -> Any:
        began = clock()
        found = call(*arguments, **named)
        told[0] += clock() - began
        told[1] += 1
        if stage == "policies":
            known = watched.get(id(found))
            if known is None:
                known = watched[id(found)] = Watched(found, "policy", book)
            return known
        return found

    return run


def watch(service: Service, book: _Book) -> Service:
    """Give the service with a stop-watch around each port of its decision point."""
    point: Any = service.point
    ports: dict[str, Any] = {}
    for one in fields(point):
        if not one.init:
            continue
        inner = getattr(point, one.name)
        if one.name == "listeners":
            ports[one.name] = tuple(timed(each, one.name, book) for each in inner)
        elif callable(inner):
            ports[one.name] = timed(inner, one.name, book)
        else:
            ports[one.name] = Watched(inner, one.name, book)
    clients: Any = Watched(service.clients, "clients", book)
    return replace(service, point=replace(point, **ports), clients=clients)


def forgetting(service: Service) -> Wsgi:
    """Give the application of a service that has decided nothing before on this state."""
    app, point = service.app(), service.point

    def run(environ: dict[str, Any], start_response: Any) -> Any:
        point.memory.standing = Standing()
        return app(environ, start_response)

    return run


def measure(effort: Effort, asked: Course) -> list[Row]:
    """Measure the stages of each mix on each kind of database."""
    rows: list[Row] = []
    for database, seed in asked.seeds.items():
        for mix in asked.mixes:
            progress(f"stages, {database}, {mix.name}")
            rows.append(
                {
                    "database": database,
                    "mix": mix.name,
                    "decisions": mix.decisions,
                    "microseconds": _of(effort, seed, mix, asked.bodies[mix.name, "ours"]),
                }
            )
    return rows


def _of(effort: Effort, seed: Seed, mix: Mix, bodies: Sequence[bytes]) -> dict[str, float]:
    book: _Book = defaultdict(lambda: [0.0, 0])
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    # As a worker, which holds its chains of the log; the command line has them for a write each.
    service = build(settings(seed.url, folder), place="0")
    try:
        service.load_policy()
        environs = [_environ(mix.path, seed.key, body) for body in bodies]
        again = service.app()
        apps: dict[str, Wsgi] = {FLOOR: floor.app, WHOLE: forgetting(service), AGAIN: again}
        watched = forgetting(watch(service, book))
        # What is asked of them is held from then on, where anything is.
        for app in (*apps.values(), watched):
            _asked(app, environs, len(environs))
        taken: dict[str, list[float]] = defaultdict(list)
        for _ in range(2 * effort.rounds + 1):
            for name, app in apps.items():
                taken[name].append(_for(app, environs, effort.seconds / 2))
            for told in book.values():
                told[:] = [0.0, 0]
            count = _calls(watched, environs, effort.seconds / 2)
            taken[STAGES["reading"]].append(_reading(mix, bodies, effort.seconds / 4))
            cost = _stop_watch()
            for stage, (seconds, calls) in book.items():
                taken[STAGES.get(stage, stage)].append(max(seconds - calls * cost, 0.0) / count)
    finally:
        service.close()
        shutil.rmtree(folder, ignore_errors=True)
    found = {name: median(seconds) * 1e6 for name, seconds in taken.items()}
    inner = sum(cost for name, cost in found.items() if name not in apps)
    return {**found, REST: found[WHOLE] - inner}


def _reading(mix: Mix, bodies: Sequence[bytes], seconds: float) -> float:
    """Give the seconds that the lean reader takes for one request."""
    read: Callable[[bytes], object] = question_in if mix.decisions == 1 else batch_in
    if any(read(body) is None for body in bodies):
        raise RunInvalid("the lean reader leaves what the benchmark asks to the other one")
    turn = cycle(bodies)
    return mean_of(lambda: [read(next(turn)) for _ in range(20)], seconds) / 20


def _environ(path: str, key: str, body: bytes) -> dict[str, Any]:
    """Give what a server hands over with a request; the body is put in for each call."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1:8080",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _asked(app: Wsgi, environs: Sequence[Mapping[str, Any]], count: int) -> None:
    """Send so many of the requests in turn, and see that they are answered."""
    statuses: list[str] = []

    def start_response(status: str, _headers: object, _error: object = None) -> None:
        statuses.append(status)

    for _, environ in zip(range(count), cycle(environs), strict=False):
        answer = app({**environ, "wsgi.input": io.BytesIO(environ["wsgi.input"])}, start_response)
        b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
    if any(not one.startswith("200") for one in statuses):
        raise RunInvalid(f"in process, an answer was {sorted(set(statuses))}")


def _calls(app: Wsgi, environs: Sequence[Mapping[str, Any]], seconds: float) -> int:
    """Ask for so many seconds, and give how many requests those were."""
    count, began, some = 0, time.perf_counter(), max(len(environs) // 100, 1)
    while time.perf_counter() - began < seconds:
        _asked(app, environs[count % len(environs) :][:some], some)
        count += some
    return count


def _for(app: Wsgi, environs: Sequence[Mapping[str, Any]], seconds: float) -> float:
    """Give the seconds of one request, as the mean over so many seconds."""
    began = time.perf_counter()
    count = _calls(app, environs, seconds)
    return (time.perf_counter() - began) / count


def _stop_watch() -> float:
    """Give the seconds that one call costs for being timed, as far as they are booked with it."""
    book: _Book = defaultdict(lambda: [0.0, 0])
    nothing = timed(lambda: None, "nothing", book)
    for _ in range(20_000):
        nothing()
    seconds, calls = book["nothing"]
    return seconds / calls
