"""
Processes are killed under load, at any moment: what was answered is in the log and in the store.

Some of what was cut off may stand there as well. It was decided, and nobody heard of it.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.operation.failing.servers import SERVERS, chosen, long_form
from tests.operation.house import AUTHZ, Running, free_port
from tests.operation.mixed.calling import logged
from tests.operation.mixed.crowd import Crowd
from tests.operation.mixed.home import prepare, unsound
from tests.operation.test_workers import workers_of

OWN_GROUP = ("setsid", *AUTHZ)
"""The service in a process group of its own, so that all of it can be killed at once."""
WORKERS = "2"


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Running]:
    """Serve with several workers in *folder*."""
    port = str(free_port())
    service = Running(
        folder, "serve", "--port", port, program=OWN_GROUP, **settings, AUTHZ_WORKERS=WORKERS
    )
    try:
        yield service
    finally:
        kill_all(service)


def kill_all(service: Running) -> None:
    """Kill the supervisor and all workers at once, if any still run."""
    with suppress(ProcessLookupError):
        os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait()


def answered_and_not_logged(crowd: Crowd, folder: Path) -> tuple[list[str], list[str], list[str]]:
    """
    Give what is wrong with the log after some of its writers were killed.

    Returns:
        what callers complain of; names of answers that the log has otherwise, or not, or more
        than once; names that stand there twice.
    """
    heard, found = crowd.ledger, logged(folder / "var")
    missing = [
        name for name, decision in heard.decided.items() if found.decisions.get(name) != decision
    ]
    # A line that was cut off was never answered: it ended before its writer said it was whole.
    missing += [name for name in heard.decided for line in found.torn if name in line]
    return heard.wrong, missing, [name for name, times in found.times.items() if times > 1]


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
def test_workers_are_killed(tmp_path: Path, server: str, pytestconfig: pytest.Config) -> None:
    """One worker after the other, at random moments: the rest goes on, and no answer is lost."""
    if server == "waitress":
        # test_workers and test_service have short ones.
        long_form(pytestconfig)
    turns = 300 if pytestconfig.getoption("--soak") else 2
    settings = chosen(server)
    keys = prepare(tmp_path)
    with serving(tmp_path, **settings) as service:
        crowd = Crowd(service.port, keys, deciders=4, writers=2, forgiving=True)
        crowd.start()
        for _ in range(turns):
            time.sleep(random.uniform(0.3, 0.8))  # noqa: S311 - nobody has to guess it
            os.kill(random.choice(workers_of(service)), signal.SIGKILL)  # noqa: S311 - as above
            deadline = time.monotonic() + 30
            while len(workers_of(service)) < int(WORKERS) and time.monotonic() < deadline:
                time.sleep(0.05)
        time.sleep(0.5)
        crowd.stop()
        still = crowd.still_known()
        code = service.stop()

    assert ([], [], []) == answered_and_not_logged(crowd, tmp_path)
    assert ([], 0) == (still, code)
    assert len(crowd.ledger.decided) > 50
    assert unsound(tmp_path) is None


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
def test_all_of_it_is_killed(tmp_path: Path, server: str, pytestconfig: pytest.Config) -> None:
    """As by the kernel when memory is short: started again, it goes on where it was."""
    if server == "waitress":
        long_form(pytestconfig)
    turns = 30 if pytestconfig.getoption("--soak") else 1
    settings = chosen(server)
    keys = prepare(tmp_path)
    crowds: list[Crowd] = []
    for turn in range(turns + 1):
        with serving(tmp_path, **settings) as service:
            # What the last crowd left behind, the store still has.
            for left in crowds[-1:]:
                left.port = service.port
                assert [] == left.still_known()
            if turn == turns:
                assert 0 == service.stop()
                break
            crowd = Crowd(service.port, keys, deciders=4, writers=2, forgiving=True)
            crowds.append(crowd)
            crowd.start()
            time.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - nobody has to guess it
            kill_all(service)
            crowd.stop()
        assert ([], [], []) == answered_and_not_logged(crowd, tmp_path)
        assert unsound(tmp_path) is None

    assert unsound(tmp_path) is None
    assert sum(len(one.ledger.decided) for one in crowds) > 50 * turns
