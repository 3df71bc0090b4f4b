"""Changes that wait for the database take so many threads and no more: the others decide."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from http.client import HTTPConnection
from itertools import count
from typing import NamedTuple

import pytest

from authz_service.domain.errors import StoreUnavailable
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessVersion
from authz_service.server import Server
from authz_service.usecases.ports import Told
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.stores import Catalogue
from authz_service.web.app import create_app
from authz_service.web.crowding import AT_ONCE
from tests.fakes.service import Service
from tests.web.asked import FORM, ONE, SEVERAL, A, F, sent

SECONDS = 20
"""How long anything may take."""


class Busy:
    """A catalogue whose writers wait, and then fail or not; it is read at any time."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._changed = threading.Condition()
        self._inside = 0
        self._open = True
        self.fails: Callable[[], None] = lambda: None

    def processes(self) -> list[ProcessDefinition]:
        """Give all processes."""
        return self._catalogue.processes()

    def versions(self, process: ProcessId) -> list[ProcessVersion]:
        """Give the versions of one."""
        return self._catalogue.versions(process)

    def save_processes(
        self,
        processes: Sequence[ProcessDefinition],
        moment: datetime,
        told: Told,
        _seen: Sequence[ProcessDefinition] | None = None,
    ) -> int:
        """Save some, once it is their turn."""
        with self._changed:
            self._inside += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open, SECONDS)
            self._inside -= 1
            self.fails()
            return self._catalogue.save_processes(processes, moment, told)

    def hold(self) -> None:
        """Have writers wait from now on."""
        with self._changed:
            self._open = False

    def let_go(self) -> None:
        """Let them all go on."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def has(self, writers: int) -> bool:
        """Wait until so many writers wait, and tell whether they came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._inside == writers, SECONDS)


class Answer(NamedTuple):
    """What a caller hears: the status, and after how many seconds to try again."""

    status: int
    retry: str | None = None


class Serving:
    """A service behind its real server, and callers in threads."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        service = Service()
        self._pool = pool
        self._key = service.key
        self._versions = count(4)
        self.busy = Busy(service.store.catalogue)
        desk = ProcessDesk(self.busy, service.parts.process_desk.acts)
        service.app = create_app(replace(service.parts, process_desk=desk))
        self._server = Server(service.app.wsgi_app, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve)
        self._thread.start()

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request over a connection of its own."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        with closing(HTTPConnection("127.0.0.1", self._server.port, timeout=SECONDS)) as line:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            text = answer.read()
        if answer.status >= 400 and method != "HEAD":
            assert answer.status == json.loads(text)["status"]
        return Answer(answer.status, answer.getheader("Retry-After"))

    def change(self) -> Answer:
        """Change something."""
        process = {"code": "P001", "title": "Acreditação", "version": next(self._versions)}
        return self.ask("PUT", "/v1/processes/p001", sent(**process, state="open"))

    def crowd(self) -> list[Future[Answer]]:
        """Have as many changes under way as may."""
        self.busy.hold()
        changes = [self._pool.submit(self.change) for _ in range(AT_ONCE)]
        assert self.busy.has(AT_ONCE)
        return changes

    def close(self) -> None:
        """Stop, when all are answered."""
        self.busy.let_go()
        self._server.stop()
        self._thread.join()


@pytest.fixture(name="serving")
def _serving() -> Iterator[Serving]:
    """Serve until the test is over."""
    with ThreadPoolExecutor(AT_ONCE) as pool, closing(Serving(pool)) as serving:
        yield serving


def gone() -> None:
    """Be a database that does not answer."""
    raise StoreUnavailable("the database did not answer")


def a_bug() -> None:
    """Fail as nothing may."""
    raise ZeroDivisionError


CHANGES = {
    "the same": ("PUT", "/v1/processes/p001"),
    "another": ("POST", "/v1/people"),
    "a search": ("POST", "/v1/delegations/search"),
}


@pytest.mark.parametrize(("method", "path"), CHANGES.values(), ids=CHANGES)
def test_one_change_too_many_hears_when_to_try_again(
    serving: Serving, method: str, path: str
) -> None:
    """Whatever it would change, and each time; those under way are answered none the less."""
    changes = serving.crowd()
    assert [Answer(503, "5")] * 2 == [serving.ask(method, path, b"{}") for _ in range(2)]
    assert serving.busy.has(AT_ONCE)
    serving.busy.let_go()
    assert [Answer(200)] * AT_ONCE == [one.result(SECONDS) for one in changes]


def test_whoever_decides_or_looks_does_not_wait_for_changes(serving: Serving) -> None:
    """All decisions, and all that changes nothing, are answered while no change is."""
    changes = serving.crowd()
    decisions = {ONE: A, SEVERAL: {**A, "evaluations": [{}] * 3}, FORM: F}
    for path, body in decisions.items():
        assert Answer(200) == serving.ask("POST", path, sent(**body))
    for path in ("/v1/processes/p001", "/v1/processes", "/healthz"):
        assert Answer(200) == serving.ask("GET", path)
    assert (200, 405) == tuple(serving.ask(one, "/healthz").status for one in ("HEAD", "OPTIONS"))
    assert not any(one.done() for one in changes)


@pytest.mark.parametrize(
    ("fails", "heard"),
    [(lambda: None, 200), (gone, 503), (a_bug, 500)],
    ids=["answers", "unavailable", "bugs"],
)
def test_a_place_comes_back_however_a_change_ends(
    serving: Serving, fails: Callable[[], None], heard: int
) -> None:
    """Then as many as before may come in again, and no more."""
    serving.busy.fails = fails
    for _ in range(2):
        changes = serving.crowd()
        assert 503 == serving.change().status
        assert serving.busy.has(AT_ONCE)
        serving.busy.let_go()
        assert {heard} == {one.result(SECONDS).status for one in changes}
    # Requests that come to nothing before they change anything leave no place taken either.
    nothing = [serving.ask("PUT", "/v1/processes/p001", b"{").status for _ in range(AT_ONCE + 1)]
    assert {400} == set(nothing)
