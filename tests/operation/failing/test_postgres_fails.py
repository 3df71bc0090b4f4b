"""
PostgreSQL fails in every way there is: nobody is told anything made up, and all ends by itself.

The service holds facts in memory. While it cannot ask whether they are still true, they answer
nothing. One service goes through all of it, as it would in a bad week.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from authz_service.domain.people import Role
from tests.operation.failing.scene import (
    AT_ONCE,
    MEMBER,
    REFUSED,
    SOCIO,
    Remote,
    decision_of,
    remote,
)
from tests.operation.failing.servers import BOTH, chosen, long_form
from tests.operation.signing_in import eventually
from tests.postgres import Raw, connect, running

AT_ONCE_WITHIN = 10.0
"""Seconds in which everybody is refused where the database refuses; mostly it is milliseconds."""
SILENT_WITHIN = 20.0
"""Seconds in which everybody is refused, however many ask, where the database says nothing."""
SLOW_WITHIN = 20.0
"""Seconds in which everybody is answered or refused where the database is slow."""

Fault = Callable[[Remote], AbstractContextManager[None]]


@pytest.fixture(name="far", scope="module", params=BOTH)
def _far(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Remote]:
    """Give a service on a PostgreSQL; all tests of this module share it."""
    if request.param == "granian":
        long_form(request.config)
    settings = chosen(request.param)
    with running() as server, remote(tmp_path_factory.mktemp("far"), server, **settings) as far:
        yield far


@pytest.fixture(name="well", autouse=True)
def _well(far: Remote) -> Iterator[None]:
    """See that all is well before each test, warm, and again after it."""
    assert far.scene.well()
    yield
    assert eventually(far.scene.well)
    assert [] == far.scene.unforeseen()


@contextmanager
def stopped(far: Remote) -> Iterator[None]:
    """Stop the server, as for an upgrade of it."""
    far.server.stop()
    try:
        yield
    finally:
        far.server.start()


@contextmanager
def killed(far: Remote) -> Iterator[None]:
    """Kill all of the server's processes, as a machine does that goes down."""
    processes = far.server._processes()
    for process in processes:
        os.kill(process, signal.SIGKILL)
    assert eventually(lambda: not [one for one in processes if Path(f"/proc/{one}/exe").exists()])
    # Where nobody buries the dead, their numbers look like those of a server that runs.
    for left in (far.server._data / "postmaster.pid", far.server.folder / ".s.PGSQL.5432.lock"):
        left.unlink()
    try:
        yield
    finally:
        far.server.start()


def refusing(far: Remote) -> AbstractContextManager[None]:
    """Have nobody listen on the database's port."""
    return far.wire.refusing()


def silent(far: Remote) -> AbstractContextManager[None]:
    """Let the network swallow everything."""
    return far.wire.silent()


def frozen(far: Remote) -> AbstractContextManager[None]:
    """Stop the server's processes where they are, as a machine does that hangs."""
    return far.server.frozen()


def dawdling(far: Remote) -> AbstractContextManager[None]:
    """Let each answer come later than anybody waits for it."""
    return far.wire.slow(60.0)


def refused(far: Remote, within: float) -> None:
    """Have everything refused that needs the database, and see what operators see."""
    scene = far.scene
    heard = scene.ask_at_once(2 * AT_ONCE)
    assert [REFUSED] * (2 * AT_ONCE) == [one.refusal for one in heard]
    assert max(one.seconds for one in heard) < within
    for one in (scene.delegate("P015"), scene.send("GET", "/metrics")):
        assert REFUSED == one.refusal
        assert one.seconds < within
    status, parts = scene.parts()
    assert (503, "ok") == (status, parts["decision log"])
    assert parts["database"].startswith("the database did not answer")
    alive = scene.send("GET", "/healthz")
    assert (200, True) == (alive.answer.status, alive.seconds < AT_ONCE_WITHIN)
    assert scene.told("StoreUnavailable")


def counted(far: Remote) -> float:
    """Give how many answers of decisions were 503 so far, as the metrics have it."""
    text = far.scene.send("GET", "/metrics").answer.body.decode()
    lines = [one for one in text.splitlines() if one.startswith("authz_http_answers_total")]
    ours = [one for one in lines if '"503"' in one and "/access/v1/evaluation" in one]
    return sum(float(one.split()[-1]) for one in ours)


@pytest.mark.parametrize("fault", [refusing, stopped, killed])
def test_a_database_that_is_gone(far: Remote, fault: Fault) -> None:
    """503 with Retry-After at once, for decisions, acts and metrics; back with the database."""
    before = counted(far)
    with fault(far):
        refused(far, AT_ONCE_WITHIN)

    assert (True, True) == (far.scene.first_answer()[0], far.scene.first_answer(SOCIO)[0])
    assert counted(far) > before


@pytest.mark.soak
@pytest.mark.parametrize("fault", [silent, frozen, dawdling])
def test_a_database_that_says_nothing(
    far: Remote, fault: Fault, pytestconfig: pytest.Config
) -> None:
    """503 with Retry-After after a bounded wait, however many wait; back with the database."""
    if fault is not silent:
        long_form(pytestconfig)
    with fault(far):
        refused(far, SILENT_WITHIN)

    assert far.scene.first_answer()[0]


def test_a_slow_database_is_waited_for(far: Remote) -> None:
    """With every answer a tenth of a second late, everybody is answered, late and right."""
    with far.wire.slow(0.1):
        heard = far.scene.ask_at_once()

    assert {(200, True)} == {(one.answer.status, decision_of(one.answer)) for one in heard}
    assert max(one.seconds for one in heard) < SLOW_WITHIN


def test_a_slower_database_is_waited_for_in_vain(far: Remote) -> None:
    """Where it is too slow for all who ask, some are refused; who is answered is told the truth."""
    with far.wire.slow(0.5):
        heard = far.scene.ask_at_once(2 * AT_ONCE)

    answered = [one for one in heard if one.answer.status == 200]
    assert {REFUSED} >= {one.refusal for one in heard if one not in answered}
    assert {True} == {decision_of(one.answer) for one in answered}
    assert max(one.seconds for one in heard) < SLOW_WITHIN


def test_what_changed_meanwhile_counts_from_the_first_answer_on(far: Remote) -> None:
    """What was held when the database went away is not what is answered when it comes back."""
    for fault in (far.wire.refusing, far.wire.silent):
        with fault():
            far.scene.unregister_around()
            far.scene.role_around(Role.CONTADOR)
            if fault == far.wire.refusing:
                assert REFUSED == far.scene.ask().refusal
        assert (False, False) == (far.scene.first_answer()[0], far.scene.first_answer(SOCIO)[0])
        far.scene.back_to_the_beginning()


def test_cut_connections_are_made_anew(far: Remote) -> None:
    """Connections that died while nobody used them cost at most one refusal, and no staleness."""
    for _ in range(5):
        far.wire.cut()
        far.scene.unregister_around()
        assert not far.scene.first_answer()[0]
        far.scene.back_to_the_beginning()
        far.wire.cut()
        assert far.scene.first_answer()[0]


def test_connections_cut_at_any_moment(far: Remote) -> None:
    """Who is just being answered is refused or answered rightly; what is written is whole."""
    heard: list[tuple[int, bool]] = []
    over = threading.Event()

    def ask(form: int) -> None:
        while not over.is_set():
            one = far.scene.ask(form=form)
            right = decision_of(one.answer) if one.answer.status == 200 else one.refusal == REFUSED
            heard.append((one.answer.status, right))

    askers = [threading.Thread(target=ask, args=(form,)) for form in range(4)]
    for asker in askers:
        asker.start()
    # P001 is in every set, so that those who ask are always right to be told yes.
    small, large = {"P001"}, {"P001", "P015", "P061"}
    found, wanted = small, large
    for turn in range(20):
        cutter = threading.Timer(turn * 0.002, far.wire.cut)
        cutter.start()
        done = far.scene.delegate(*sorted(wanted)).answer.status
        cutter.join()
        assert eventually(lambda: far.scene.ask(process="P001").answer.status == 200)
        now = far.scene.delegated()
        assert now in ((wanted,) if done == 200 else (found, wanted))
        found, wanted = now, small if now == large else large
    over.set()
    for asker in askers:
        asker.join()
    far.scene.back_to_the_beginning()

    assert {True} == {right for _status, right in heard}
    assert Counter(status for status, _right in heard)[200] > 20


def test_a_server_that_takes_no_more_connections(far: Remote) -> None:
    """What others have taken is refused to us: 503 at once, and an answer when there is room."""
    hogs: list[Raw] = []
    address = f"postgresql://postgres@/postgres?host={far.server.folder}"
    far.wire.cut()
    # Until nobody is let in any more, the superuser that the tests are neither.
    with far.wire.refusing(), suppress(psycopg.OperationalError):
        while True:
            hogs.append(connect(address))
    try:
        heard = far.scene.ask_at_once()
        status, parts = far.scene.parts()
    finally:
        for one in hogs:
            one.close()

    assert [REFUSED] * AT_ONCE == [one.refusal for one in heard]
    assert max(one.seconds for one in heard) < AT_ONCE_WITHIN
    assert 503 == status
    assert parts["database"].endswith("too many clients")
    assert far.scene.first_answer()[0]


def test_a_standby_decides_nothing(far: Remote) -> None:
    """It lags behind what was written elsewhere: 503, until it is promoted."""
    word = far.server._data / "standby.signal"
    # In good order: a standby lets nobody in before it has come as far as it had been.
    far.server._control("stop", "-w", "-m", "fast")
    owner = far.server._data.stat()
    word.touch()
    os.chown(word, owner.st_uid, owner.st_gid)
    far.server.start()
    try:
        heard = far.scene.ask_at_once()
        written = far.scene.delegate("P015")
    finally:
        far.server._control("promote", "-w")

    assert [REFUSED] * AT_ONCE == [one.refusal for one in heard]
    assert REFUSED == written.refusal
    assert far.scene.first_answer(MEMBER)[0]
