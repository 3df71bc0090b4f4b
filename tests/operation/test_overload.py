"""More callers than can be answered: those who are taken in are answered, the others hear so."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from authz_service.listening import Turnstile, listen, port_of
from authz_service.listening.turnstile import (
    CROWD,
    FEW,
    FEW_SECONDS,
    LINGER_SECONDS,
    PATIENCE_SECONDS,
    STARTING_SECONDS,
    STUCK_SECONDS,
)
from authz_service.server import MAX_CONNECTIONS, Server
from tests.operation.house import ROOT, Running, free_port
from tests.operation.several import PROGRAM
from tests.operation.test_workers import SERVERS, sample

ENOUGH = 0.8
"""What a service that is asked for three times as much still does of what it can."""
MILLISECONDS = 2
"""What one answer takes of something of which there is one, so that 500 a second are possible."""
QUICK_SECONDS = 1.5
"""Within how long a refusal is heard."""
ROUNDS = 3
"""The machine has other things to do; a service that cannot do it does not do it in any round."""


def loaded(running: Running, request: Path, rate: int, seconds: float, keep: str) -> dict[str, Any]:
    """Send a load from another process, and give what it heard."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.operation.load"),
            *(str(running.port), str(rate), str(seconds), keep, str(request)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.soak
@pytest.mark.parametrize("keep", ["0", "1"], ids=["a connection each", "connections kept"])
@pytest.mark.parametrize("server", SERVERS)
def test_three_times_the_load_leaves_most_of_the_work_done(
    tmp_path: Path, pytestconfig: pytest.Config, server: str, keep: str
) -> None:
    """Four fifths of what can be answered is, within a second; the others hear 503, soon."""
    long = pytestconfig.getoption("--soak")
    request = tmp_path / "request"
    last = "" if keep == "1" else "Connection: close\r\n"
    request.write_bytes(f"GET / HTTP/1.1\r\nHost: x\r\n{last}\r\n".encode())
    arguments = ("1", str(free_port()), str(tmp_path), server, str(MILLISECONDS))
    running = Running(tmp_path, *arguments, program=PROGRAM)
    shares, refused = [], 0
    try:
        for _ in range(ROUNDS):
            able = loaded(running, request, 0, 10.0 if long else 2.0, keep)["rate"]
            heard = loaded(running, request, int(3 * able), 60.0 if long else 4.0, keep)
            shares.append(heard["rate"] / able)
            refused += heard["statuses"]["503"]
            assert {} == heard["broken"]
            assert {"200", "503"} == set(heard["statuses"])
            assert heard["statuses"]["503"] == heard["told"]
            if shares[-1] >= ENOUGH and heard["refused_within"] < QUICK_SECONDS:
                break
        else:
            pytest.fail(f"of what is possible, only {shares} was done")
        counted = sample(running.send("GET", "/metrics").body.decode(), "authz_shed_requests_total")
        assert refused == counted
    finally:
        running.kill()


# The turnstile by itself, before a socket from which nobody takes anybody


class Before:
    """A socket at which callers wait, its turnstile, and how many it has refused."""

    def __init__(self) -> None:
        self.sockets = listen("127.0.0.1", 0)
        self.refused = 0
        self.turnstile = Turnstile(self.sockets, self._count)
        self.callers = list[socket.socket]()

    def _count(self, count: int) -> None:
        self.refused += count

    def come(self, count: int, request: bytes = b"GET / HTTP/1.1\r\n\r\n") -> None:
        """Let so many more connect, and ask."""
        for _ in range(count):
            address = ("127.0.0.1", port_of(self.sockets))
            self.callers.append(socket.create_connection(address, timeout=5))
            self.callers[-1].sendall(request)

    def take_in(self) -> None:
        """Do as a worker does, with one."""
        self.sockets[0].accept()[0].close()

    def look_for(self, seconds: float, *, serving: bool = True) -> None:
        """Look for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self.turnstile.look(serving=serving)))

    def close(self) -> None:
        """Close everything."""
        self.turnstile.close()
        for one in (*self.callers, *self.sockets):
            one.close()


@pytest.fixture(name="before")
def _before() -> Iterator[Before]:
    """A socket that nobody serves."""
    with closing(Before()) as made:
        yield made


def heard(caller: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Give status, headers and body of what a caller is told, to its end."""
    text = b""
    while part := caller.recv(65536):
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
    return int(first.split()[1]), headers, body


def test_a_refusal_is_a_problem_that_says_when_to_try_again(before: Before) -> None:
    """It has the shape of all others, an id of its own, and ends the connection."""
    before.come(CROWD + 2)
    before.look_for(PATIENCE_SECONDS + 0.1)

    told = [heard(one) for one in before.callers[:2]]
    assert 2 == before.refused == len({headers.pop("x-request-id") for _, headers, _ in told})
    for status, headers, body in told:
        problem = json.loads(body)
        assert (503, 503, "about:blank") == (status, problem["status"], problem["type"])
        assert {
            "content-type": "application/problem+json",
            "content-length": str(len(body)),
            "retry-after": "1",
            "cache-control": "no-store",
            "connection": "close",
        } == headers


def test_a_crowd_is_refused_but_for_those_who_may_wait(before: Before) -> None:
    """Who has waited for longest goes first; as many as always may wait go on waiting."""
    before.come(2 * CROWD)
    before.look_for(PATIENCE_SECONDS / 2)
    assert 0 == before.refused
    before.look_for(PATIENCE_SECONDS)
    assert CROWD == before.refused
    assert {503} == {heard(one)[0] for one in before.callers[:CROWD]}


def test_a_burst_that_is_taken_in_is_nobodys_concern(before: Before) -> None:
    """A crowd has to stand; one that passes was only a burst."""
    for _ in range(3):
        before.come(CROWD + 1)
        before.look_for(PATIENCE_SECONDS / 2)
        for _ in range(CROWD + 1):
            before.take_in()
        before.look_for(PATIENCE_SECONDS / 2)
    assert 0 == before.refused


def test_where_nobody_at_all_is_taken_in_nobody_waits_for_ever(before: Before) -> None:
    """Whoever waits is told so, as long as nothing moves; with one taken in the others wait on."""
    before.come(FEW + 3)
    before.look_for(STUCK_SECONDS / 2)
    before.take_in()
    before.look_for(STUCK_SECONDS * 0.8)
    assert 0 == before.refused
    before.look_for(STUCK_SECONDS * 0.4)
    assert FEW + 2 == before.refused


def test_a_few_wait_longer(before: Before) -> None:
    """A machine that gives workers no turn for a second is no reason to turn a few away."""
    before.come(FEW)
    before.look_for(STUCK_SECONDS * 1.5)
    assert 0 == before.refused
    before.look_for(FEW_SECONDS - STUCK_SECONDS)
    assert FEW == before.refused


@pytest.mark.soak
def test_a_worker_that_begins_has_time_to(before: Before) -> None:
    """While nobody serves, callers wait for as long as a worker takes to be there again."""
    before.come(CROWD + 3)
    before.look_for(STARTING_SECONDS - 0.5, serving=False)
    assert 0 == before.refused
    before.look_for(1.0, serving=False)
    assert CROWD + 3 == before.refused


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_whoever_asks_whether_it_lives_hears_yes(before: Before, method: str) -> None:
    """An orchestrator that started it anew for being full would take the rest of it away."""
    before.come(1, f"{method} /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    before.come(CROWD)
    before.look_for(PATIENCE_SECONDS + 0.1)

    status, headers, body = heard(before.callers[0])
    assert (200, "application/json", 0) == (status, headers["content-type"], before.refused)
    assert body == (b'{"status":"ok"}\n' if method == "GET" else b"")


def test_who_does_not_read_is_hung_up_on(before: Before) -> None:
    """What is kept for refused callers has an end."""
    before.come(CROWD + 1, b"x" * 100_000)
    before.look_for(PATIENCE_SECONDS + LINGER_SECONDS + 0.2)
    assert 1 == before.refused
    with pytest.raises(OSError, match=r"reset|Broken"):  # noqa: PT012 -- the first may still pass
        for _ in range(3):
            before.callers[0].sendall(b"x")
            time.sleep(0.05)


def test_as_many_as_like_may_come_and_go(before: Before) -> None:
    """Far more than are kept at a time, without a descriptor left behind."""
    for _ in range(10):
        before.come(CROWD)
        before.look_for(0.02)
        for one in before.callers:
            one.close()
        before.callers.clear()
    before.look_for(PATIENCE_SECONDS + LINGER_SECONDS + 0.3)
    assert 9 * CROWD == before.refused
    assert not before.turnstile._leaving


def test_a_process_that_serves_alone_refuses_by_itself() -> None:
    """With as many connections as it takes, those who come beyond hear so, and are counted."""
    refused = list[int]()
    server = Server(_answer_nothing, "127.0.0.1", 0, shed=refused.append)
    serving = threading.Thread(target=server.serve)
    serving.start()
    with ExitStack() as callers:
        silent, crowd = (
            [
                callers.enter_context(
                    socket.create_connection(("127.0.0.1", server.port), timeout=10)
                )
                for _ in range(count)
            ]
            for count in (MAX_CONNECTIONS, CROWD + 3)
        )
        told = [heard(one)[0] for one in crowd[:3]]
        silent[0].sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        served = heard(silent[0])[0]
        server.stop()
    serving.join()
    assert ([503] * 3, 200) == (told, served)
    assert sum(refused) >= 3


def _answer_nothing(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
