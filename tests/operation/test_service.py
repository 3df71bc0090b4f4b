"""A running service: ready or not, stopping clean, broken policies, lost databases, full disks."""

from __future__ import annotations

import http.client
import json
import resource
import shutil
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from authz_service.server import MAX_CONNECTIONS
from tests import written
from tests.operation.house import FEW, Running, authz, free_port, furnish

CSV = "code,title,version\nP001,Acreditação Inicial,3\n"
ASK = {
    "cpf": "18762794604",
    "cnpj": "52420282000180",
    "processo": "P001",
    "acao": "iniciar",
}
SOCIO = {"cpf": "72268402517", "company": "52420282000180", "role": "socio"}
SCOPES = ("decide", "delegations", "actor:assert", "standing:assert", "metrics")


class Home:
    """A folder with policies, a catalogue, a client's key, and services that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = furnish(folder, CSV, {"tests": SCOPES}, policies=FEW)["tests"]
        self._running: list[Running] = []

    def serve(self, **settings: str) -> Running:
        """Start a service."""
        running = Running(self.folder, AUTHZ_PORT=str(free_port()), **settings)
        self._running.append(running)
        return running

    def ask(self, running: Running, **changes: object) -> Any:
        """Ask the flat question."""
        return running.send("POST", "/v1/orquestra/decisao", {**ASK, **changes}, key=self.key)

    def end(self) -> None:
        """End what still runs."""
        for running in self._running:
            running.kill()

    def records(self) -> list[dict[str, Any]]:
        """Give the decision log."""
        return written.records(self.folder / "var")


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.end()


@pytest.fixture(name="well", scope="module")
def _well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Running]]:
    """Give a service that runs as it comes; who shares it leaves it as it was."""
    home = Home(tmp_path_factory.mktemp("well"))
    yield home, home.serve()
    home.end()


def test_a_service_that_is_well_is_ready(well: tuple[Home, Running]) -> None:
    """Alive and ready, and each part says that it is well."""
    _home, running = well

    assert (200, {"status": "ok"}) == (
        running.send("GET", "/healthz").status,
        running.send("GET", "/healthz").json,
    )
    ready = running.send("GET", "/readyz")
    assert (200, True) == (ready.status, ready.json["ready"])
    parts = ready.json["parts"]
    # Sign-in is no part without a GOV.BR, and is said to be off.
    assert parts.pop("sign-in").startswith("off: ")
    assert {"policy", "policy folder", "database", "decision log", "clock"} == set(parts)
    assert {"ok"} == set(parts.values())


MISTAKES = {
    "unreadable": ('permit(p, "open") if cut;', "bad.polar:1:22"),
    "not meant": (
        'forbid(_p: Person, "open", r: Process, "process-closed") if r.state = "closd";',
        "bad.polar:1:61",
    ),
    "errs": (
        'forbid(_p: Person, "open", r: Process, "process-closed") if r.company.standing.days < 7;',
        "bad.polar:1",
    ),
}


@pytest.mark.parametrize(("rule", "place"), MISTAKES.values(), ids=MISTAKES.keys())
def test_without_a_policy_it_is_alive_but_not_ready(home: Home, rule: str, place: str) -> None:
    """A bad policy at the first start: no decision, 503 with the place of the mistake, alive."""
    (home.folder / "policies" / "bad.polar").write_text(f"{rule}\n")
    running = home.serve()

    answer, ready = home.ask(running), running.send("GET", "/readyz")
    assert (503, "5") == (answer.status, answer.headers["Retry-After"])
    assert 503 == ready.status
    assert place in ready.json["parts"]["policy"]
    assert 200 == running.send("GET", "/healthz").status
    assert place in running.err.read_text()


@pytest.mark.parametrize("kind", ["permit", "forbid"])
def test_a_rule_that_errs_denies_and_is_named(home: Home, kind: str) -> None:
    """What a caller's own words bring about is a policy-error; log and metric name the rule."""
    amount = "r.question.context.amount"
    (home.folder / "policies" / "broken.polar").write_text(
        "# A text has no order among numbers.\n"
        f'{kind}(_p: Person, "open", r: Process, "delegated") if\n'
        f"    {amount} != nil and {amount} < 10;\n"
    )
    for suite in (home.folder / "policies").glob("*_test.toml"):
        suite.unlink()
    running = home.serve()

    asked = {
        "subject": {"type": "person", "id": ASK["cpf"]},
        "action": {"name": "open"},
        "resource": {"type": "process", "id": "P001", "properties": {"cnpj": ASK["cnpj"]}},
        "context": {"amount": "ten"},
    }
    answer = running.send("POST", "/access/v1/evaluation", asked, key=home.key)
    record = home.records()[-1]
    assert (200, False) == (answer.status, answer.json["decision"])
    assert ["policy-error"] == record["reasons"]
    assert ["broken.polar:2"] == [one["rule"] for one in record["errors"]]
    told = [json.loads(line) for line in running.err.read_text().splitlines() if '"rule"' in line]
    assert [("broken.polar:2", record["id"])] == [(one["rule"], one["decision"]) for one in told]
    metrics = running.send("GET", "/metrics", key=home.key).body.decode()
    assert 'authz_rule_errors_total{rule="broken.polar:2"} 1.0' in metrics


def test_a_lost_database_is_503_and_comes_back(well: tuple[Home, Running]) -> None:
    """Without its database the service says so and invents nothing; with it, it goes on."""
    home, running = well
    home.ask(running)
    var, away = home.folder / "var", home.folder / "away"
    away.mkdir()
    for path in var.glob("authz.db*"):
        shutil.move(path, away)

    lost, ready = home.ask(running), running.send("GET", "/readyz")
    assert (503, 503) == (lost.status, ready.status)
    assert "ok" != ready.json["parts"]["database"]
    for path in away.iterdir():
        shutil.move(path, var)
    assert (200, 200) == (home.ask(running).status, running.send("GET", "/readyz").status)


def test_a_log_that_cannot_be_written_refuses(home: Home) -> None:
    """No record, no answer: 503, named in readiness, and nothing is delegated either."""
    running = home.serve()
    running.send("POST", "/v1/standing", SOCIO, key=home.key)
    running.send(
        "POST",
        "/v1/people",
        {"cpf": ASK["cpf"], "registered": True, "confirmed": True},
        key=home.key,
    )
    assert 0 == running.stop()
    log = home.folder / "var" / "log"
    log.rename(log.with_suffix(".moved"))
    log.touch()
    running = home.serve()

    wish = {
        "actor": SOCIO["cpf"],
        "company": SOCIO["company"],
        "member": ASK["cpf"],
        "processes": ["P001"],
    }
    statuses = [
        home.ask(running).status,
        running.send("PUT", "/v1/delegations", wish, key=home.key).status,
    ]
    ready = running.send("GET", "/readyz")
    log.unlink()
    log.with_suffix(".moved").rename(log)

    assert [503, 503] == statuses
    assert (200, True) == (ready.status, ready.json["ready"])
    assert ready.json["parts"]["decision log"].startswith("cannot be written")
    assert False is home.ask(running).json["permitido"]


def test_a_stop_finishes_what_is_in_flight(home: Home) -> None:
    """SIGTERM in the middle of a write: the write is answered, new callers are not taken in."""
    running = home.serve()
    lock = sqlite3.connect(home.folder / "var" / "authz.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    answers: list[int] = []

    def write() -> None:
        answers.append(running.send("POST", "/v1/standing", SOCIO, key=home.key).status)

    # More requests than threads, so that some are still waiting for one.
    writers = [threading.Thread(target=write) for _ in range(6)]
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    running.process.terminate()
    time.sleep(0.5)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", running.port), timeout=5).close()
    assert running.process.poll() is None
    lock.execute("ROLLBACK")
    lock.close()
    for writer in writers:
        writer.join(timeout=30)

    assert [200] * 6 == answers
    assert 0 == running.process.wait(timeout=30)


def test_an_idle_service_stops_at_once(home: Home) -> None:
    """Connections that are only kept alive do not hold up a stop."""
    running = home.serve()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    began = time.monotonic()

    assert 0 == running.stop()
    assert time.monotonic() - began < 10
    connection.close()


def test_a_killed_service_loses_nothing_that_it_answered(home: Home) -> None:
    """After ``kill -9`` answered acts are in the store and answered decisions in the log."""
    running = home.serve()
    running.send("POST", "/v1/standing", SOCIO, key=home.key)
    answered: list[str] = []

    def ask() -> None:
        try:
            while True:
                answered.append(home.ask(running, cpf=SOCIO["cpf"]).json["decisao_id"])
        except (OSError, http.client.HTTPException):
            return

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    time.sleep(1.0)
    running.kill()
    for asker in askers:
        asker.join()

    assert answered
    assert set(answered) <= {one["id"] for one in home.records()}
    again = home.serve()
    assert home.ask(again, cpf=SOCIO["cpf"]).json["permitido"]


def test_two_services_share_one_database(home: Home) -> None:
    """What one process wrote, the next question to another one sees."""
    first, second = home.serve(), home.serve()

    for role, expected in (("socio", True), ("contador", False), ("representante_legal", True)):
        first.send("POST", "/v1/standing", {**SOCIO, "role": role}, key=home.key)
        assert expected is home.ask(second, cpf=SOCIO["cpf"]).json["permitido"]


def test_asking_by_get_is_off_until_it_is_wanted(well: tuple[Home, Running], home: Home) -> None:
    """GET puts CPFs into URLs: 405 by default, an answer where the operator wants it."""
    query = "&".join(f"{name}={text}" for name, text in ASK.items())

    for (asked, running), status in (
        (well, 405),
        ((home, home.serve(AUTHZ_ORQUESTRA_GET="on")), 200),
    ):
        answer = running.send("GET", f"/v1/orquestra/decisao?{query}", key=asked.key)
        assert status == answer.status
        assert ASK["cpf"] not in running.err.read_text()


def raw(port: int, request: bytes) -> bytes:
    """Send bytes as they are, and give all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        # A server that does not read all of a request resets the connection after its answer.
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
        return answer


def test_what_never_reaches_the_application_is_a_problem_too(well: tuple[Home, Running]) -> None:
    """The server's own refusals have the shape of all others, and the request's id."""
    _home, running = well
    post = b"POST / HTTP/1.1\r\nHost: x\r\nX-Request-ID: abc\r\nContent-Length: %s\r\n\r\n"
    for request, status in (
        (post % b"999999999", b"413"),
        (post % b"x", b"400"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
    ):
        answer = raw(running.port, request)
        head, body = answer.split(b"\r\n\r\n", 1)
        assert status == head.split()[1]
        assert b"content-type: application/problem+json" in head.lower()
        assert int(status) == json.loads(body)["status"]
        assert b"X-Request-ID" not in request or b"x-request-id: abc" in head.lower()


def test_a_port_in_use_is_told(well: tuple[Home, Running]) -> None:
    """A second service on the same port says why it does not start."""
    home, running = well

    done = authz(home.folder, "serve", "--port", str(running.port))

    assert 1 == done.returncode
    assert "Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_who_connects_and_says_nothing_locks_nobody_out(well: tuple[Home, Running]) -> None:
    """Hundreds of half sent requests do not keep an honest one from its answer."""
    home, running = well
    silent = []
    for _ in range(150):
        connection = socket.create_connection(("127.0.0.1", running.port), timeout=10)
        connection.sendall(b"POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nX-")
        silent.append(connection)
    began = time.monotonic()

    assert 200 == home.ask(running).status
    assert time.monotonic() - began < 10
    for connection in silent:
        connection.close()


def test_a_stop_answers_whoever_has_already_sent(home: Home) -> None:
    """A request that lay in the socket when the stop came is read, answered, and closed."""
    running = home.serve()
    running.process.send_signal(signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        running.process.terminate()
        running.process.send_signal(signal.SIGCONT)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer.lower()
    assert 0 == running.process.wait(timeout=30)


def test_a_full_disk_is_named(well: tuple[Home, Running]) -> None:
    """When records do not fit any more, readiness says so, and stops saying so when they do."""
    home, running = well
    before = len(written.decisions(home.folder / "var"))
    # Once, so that the next question needs no writing but to the log.
    home.ask(running)
    [log] = (home.folder / "var" / "log" / "decision" / "0").glob("*.jsonl")
    # A bound on the size of files, for the service only, fails as a full disk does.
    size = log.stat().st_size
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (size + 50, hard))
    refused, ready = home.ask(running), running.send("GET", "/readyz")
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (hard, hard))

    assert (503, 200) == (refused.status, ready.status)
    assert "cannot be written: File too large" == ready.json["parts"]["decision log"]
    assert 200 == home.ask(running).status
    assert before + 2 == len(written.decisions(home.folder / "var"))
    assert "ok" == running.send("GET", "/readyz").json["parts"]["decision log"]


def test_half_a_request_does_not_hold_up_a_stop(home: Home) -> None:
    """Who began to ask and never ends is waited for a few seconds, not for all of the patience."""
    running = home.serve()
    connections = [
        socket.create_connection(("127.0.0.1", running.port), timeout=10) for _ in range(20)
    ]
    for connection in connections:
        connection.sendall(b"GET /heal")
    time.sleep(0.3)
    began = time.monotonic()

    assert 0 == running.stop()
    assert time.monotonic() - began < 15
    for connection in connections:
        connection.close()


def test_a_full_house_does_not_hold_up_a_stop(home: Home) -> None:
    """With all connections taken and more at the door, a stop ends all the same."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    running = home.serve()
    connections = []
    try:
        for _ in range(MAX_CONNECTIONS + 50):
            connections.append(socket.create_connection(("127.0.0.1", running.port), timeout=10))
            connections[-1].sendall(b"GET /heal")
        began = time.monotonic()

        assert 0 == running.stop()
        assert time.monotonic() - began < 20
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
