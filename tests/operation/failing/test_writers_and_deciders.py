"""Those who write do not block those who decide, not even when the writing goes on and on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager

import pytest

from authz_service.web.crowding import AT_ONCE
from tests.operation.failing.locking import locked
from tests.operation.failing.scene import REFUSED, Heard, Scene, decision_of, local, remote
from tests.operation.failing.servers import chosen, long_form
from tests.postgres import connect, running

DECIDED_WITHIN = 3.0
"""Seconds in which everybody is answered, who in a quiet moment is answered in milliseconds."""
WRITERS = AT_ONCE + 4
"""More than may wait."""
SHORT = (("waitress", "sqlite"), ("granian", "postgres"))
"""What the short form tries; the long one tries the other two as well."""


class Contended:
    """
    A service, and a hand on the lock that its writers need.

    Attributes:
        scene: the service.
        server: what speaks HTTP in it.
    """

    def __init__(self, scene: Scene, server: str, around: str | None) -> None:
        self.scene = scene
        self.server = server
        self._around = around

    def held(self) -> AbstractContextManager[None]:
        """Have another process write meanwhile, and not come to an end."""
        if self._around is None:
            return locked(self.scene.folder / "var" / "authz.db", "IMMEDIATE")
        return self._row_held(self._around)

    @property
    def in_a_file(self) -> bool:
        """Whether the database is a file of SQLite."""
        return self._around is None

    @staticmethod
    @contextmanager
    def _row_held(around: str) -> Iterator[None]:
        with closing(connect(around)) as connection, connection.transaction():
            connection.execute("SELECT * FROM store_revision FOR UPDATE")
            yield


@pytest.fixture(
    name="contended",
    scope="module",
    params=[
        *SHORT,
        pytest.param(("waitress", "postgres"), marks=pytest.mark.soak),
        pytest.param(("granian", "sqlite"), marks=pytest.mark.soak),
    ],
    ids="-".join,
)
def _contended(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Contended]:
    """Give a service on each server and database; all tests of this module share it."""
    server, where = request.param
    if request.param not in SHORT:
        long_form(request.config)
    settings, folder = chosen(server), tmp_path_factory.mktemp("contended")
    if where == "sqlite":
        with local(folder, **settings) as scene:
            yield Contended(scene, server, None)
        return
    with running() as postgres, remote(folder, postgres, **settings) as far:
        yield Contended(far.scene, server, far.around)


def test_who_waits_to_write_keeps_nobody_from_an_answer(contended: Contended) -> None:
    """More writers than may wait want the lock: decisions and probes go on meanwhile."""
    scene = contended.scene
    assert scene.well()
    written: list[Heard] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        with contended.held():
            writing = [pool.submit(scene.delegate, "P001", "P015") for _ in range(WRITERS)]
            threading.Event().wait(0.5)
            heard = scene.ask_at_once()
            alive = scene.send("GET", "/healthz")
        written = [one.result() for one in writing]
    scene.delegate("P001")

    assert {(200, True)} == {(one.answer.status, decision_of(one.answer)) for one in heard}
    assert max(one.seconds for one in heard) < DECIDED_WITHIN
    assert (200, True) == (alive.answer.status, alive.seconds < DECIDED_WITHIN)
    assert {one.answer.status for one in written} <= {200, 503}
    assert {REFUSED} >= {one.refusal for one in written if one.answer.status == 503}
    assert [] == scene.unforeseen()


def test_who_was_never_asked_about_is_decided_about_as_well(contended: Contended) -> None:
    """
    A new person needs a name in the log. PostgreSQL takes it in beside the one who writes; a file
    has one writer, so there the question is refused like a write, and answered afterwards.
    """
    scene = contended.scene
    with contended.held():
        heard = scene.ask(person="52998224725")
    if contended.in_a_file:
        assert REFUSED == heard.refusal
        heard = scene.ask(person="52998224725")

    assert 200 == heard.answer.status
    assert not decision_of(heard.answer)
    assert heard.seconds < DECIDED_WITHIN
