"""granian as the service uses it: its bounds, and what holds up one request holds up no other."""

from __future__ import annotations

import http.client
import inspect
import json
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from granian import _futures, _granian
from granian.http import HTTP1Settings

from authz_service.listening import listen
from authz_service.server import Server
from authz_service.server.answering import AT_WORK
from authz_service.server.granian_door import GranianServer
from authz_service.server.silent import hang_up_on_the_silent
from authz_service.web.proxies import TrustedProxies

MAX_BODY = 4096
IDLE = 1
HEADERS = [("Content-Type", "text/plain")]


class Application:
    """Answers with the length of the body; some paths take their time, fail, or come in pieces."""

    def __init__(self) -> None:
        self.heard = list[dict[str, Any]]()
        self.gate = threading.Event()
        self.closed = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer as a WSGI application does."""
        self.heard.append(environ)
        path = environ["PATH_INFO"]
        if path == "/slow":
            self.gate.wait(10)
        elif path == "/fails":
            raise ValueError("for 722.684.025-17")
        elif path == "/pieces":
            start_response("200 OK", HEADERS)
            return Pieces(self)
        start_response("201 Created" if path == "/made" else "200 OK", HEADERS)
        return [str(len(environ["wsgi.input"].read())).encode()]


class Pieces:
    """An answer that comes piece by piece, and has to be closed."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def __iter__(self) -> Iterator[bytes]:
        return (b"%d\n" % number for number in range(1000))

    def close(self) -> None:
        """Count that it was."""
        self._app.closed += 1


@contextmanager
def serving(app: Any, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve in this process, and give the port."""
    sockets = listen(host, 0)
    server = GranianServer(app, sockets, max_body=MAX_BODY, idle_seconds=IDLE)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join()
        for one in sockets:
            one.close()


@pytest.fixture(name="app", scope="module")
def _app() -> Application:
    """One application for all."""
    return Application()


@pytest.fixture(name="port", scope="module")
def _port(app: Application) -> Iterator[int]:
    """Serve until the tests are over."""
    with serving(app) as port:
        yield port


def opened(port: int, sent: bytes) -> socket.socket:
    """Connect, and send bytes as they are."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(sent)
    return connection


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read until the server hangs up; give status, headers and body."""
    heard = b""
    with connection, suppress(ConnectionResetError):
        while part := connection.recv(65536):
            heard += part
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
    return int(first.split()[1]), headers, body


def asked(port: int, path: str = "/", body: bytes = b"") -> tuple[int, float]:
    """Ask on a connection of its own; give the status and how long it took."""
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", path, body)
        with connection.getresponse() as heard:
            heard.read()
            return heard.status, time.monotonic() - began


CLOSE = b"Host: x\r\nConnection: close\r\n"


def test_an_answer_is_the_applications(port: int) -> None:
    """Status, headers and body are its own; nothing tells what serves."""
    status, headers, body = answer(
        opened(port, b"POST /made HTTP/1.1\r\n" + CLOSE + b"Content-Length: 3\r\n\r\nabc")
    )
    date = headers.pop("date")
    assert date.endswith("GMT")
    assert (
        201,
        {
            "content-type": "text/plain",
            "server": "authz",
            "content-length": "1",
            "connection": "close",
        },
        b"3",
    ) == (status, headers, body)
    # The application's own list is not for the server to write into.
    assert [("Content-Type", "text/plain")] == HEADERS


def test_a_request_brings_nothing_of_the_processs_environment(app: Application, port: int) -> None:
    """Passwords stand there, and whoever shows a request would show them."""
    asked(port)
    assert set() == os.environ.keys() & app.heard[-1].keys()


def test_an_answer_may_come_in_pieces(app: Application, port: int) -> None:
    """All of them arrive, and what made them is closed."""
    status, headers, body = answer(opened(port, b"GET /pieces HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    assert (200, "chunked") == (status, headers["transfer-encoding"])
    assert body.count(b"\n") > 1000
    assert 1 == app.closed


def test_a_failure_is_a_problem(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """The caller hears no more than that, and the operator reads the place."""
    status, headers, body = answer(opened(port, b"GET /fails HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    assert (500, "application/problem+json") == (status, headers["content-type"])
    assert 500 == json.loads(body)["status"]
    assert ["a request could not be answered"] == [one.getMessage() for one in caplog.records]


@pytest.mark.parametrize("size", [0, 1, MAX_BODY, 2 * MAX_BODY])
def test_what_the_application_may_want_comes_to_it(port: int, size: int) -> None:
    """The server's own bound stands above the application's, which says what is too long."""
    head = b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: %d\r\n\r\n" % size
    assert (200, str(size).encode()) == answer(opened(port, head + b"x" * size))[::2]


LONG = b"x" * 20_000
FAR_TOO_LONG = b"%x\r\n%s\r\n" % (len(LONG), LONG) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 999999\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + FAR_TOO_LONG,
    ],
    ids=["told", "in chunks"],
)
def test_a_body_that_is_far_too_long_is_a_problem(port: int, rest: bytes) -> None:
    """It has the caller's id, ends the connection, and never comes to the application."""
    status, headers, body = answer(
        opened(port, b"POST / HTTP/1.1\r\nHost: x\r\nX-Request-ID: a-1\r\n" + rest)
    )
    assert (413, "application/problem+json", "a-1", "no-store", "close") == (
        status,
        *(
            headers[name]
            for name in ("content-type", "x-request-id", "cache-control", "connection")
        ),
    )
    assert 413 == json.loads(body)["status"]


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + LONG + b"\r\n\r\n"),
        (400, b"no HTTP\r\n\r\n"),
    ],
)
def test_what_is_no_http_is_refused_without_a_word(
    port: int, status: int, request_bytes: bytes
) -> None:
    """What reads HTTP answers it itself, with a status alone, and hangs up."""
    code, _headers, body = answer(opened(port, request_bytes))
    assert (status, b"") == (code, body)


def test_a_body_that_breaks_off_never_comes_to_the_application(app: Application, port: int) -> None:
    """Half a question is none."""
    before = len(app.heard)
    with opened(port, b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 10\r\n\r\nabc"):
        time.sleep(0.1)
    assert 200 == asked(port, "/")[0]
    assert before + 1 == len(app.heard)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    ],
    ids=["nothing", "half a head", "a whole request", "half a body"],
)
def test_who_falls_silent_is_hung_up_on(port: int, begun: bytes) -> None:
    """A connection is for those who use it."""
    began = time.monotonic()
    with opened(port, begun) as connection, suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
    assert IDLE - 0.5 < time.monotonic() - began < IDLE + 5


def test_bodies_that_come_slowly_hold_up_nobody(port: int) -> None:
    """A thread waits for each; the others are answered all the same, and in the end they too."""
    head = b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 10\r\n\r\n"
    slow = [opened(port, head) for _ in range(10)]
    others = [asked(port, body=b"abc") for _ in range(20)]
    for one in slow:
        one.sendall(b"0123456789")
    assert {200} == {status for status, _seconds in others}
    assert max(seconds for _status, seconds in others) < 0.9
    assert [(200, b"10")] * 10 == [answer(one)[::2] for one in slow]


def test_bodies_without_an_end_hold_up_nobody(port: int) -> None:
    """More of them than may be worked on; each byte comes before its connection would be silent."""
    head = b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 1000\r\n\r\n"
    began = time.monotonic()
    dripping = [opened(port, head) for _ in range(AT_WORK + 8)]
    ended = threading.Event()
    ends = list[float]()

    def drip() -> None:
        left = dripping
        while left:
            time.sleep(IDLE / 5)
            left = [one for one in left if _takes_a_byte(one)]
        ends.append(time.monotonic() - began)
        ended.set()

    threading.Thread(target=drip, daemon=True).start()
    others = list[tuple[int, float]]()
    while not ended.is_set() and time.monotonic() - began < 10:
        others.append(asked(port, body=b"abc"))
        time.sleep(0.02)
    for one in dripping:
        one.close()
    assert {200} == {status for status, _seconds in others}
    assert max(seconds for _status, seconds in others) < 0.9
    # Twice as long as one may be silent, and the time between two looks.
    assert 1 == len(ends)
    assert 2 * IDLE <= ends[0] < 2 * IDLE + 3


def _takes_a_byte(connection: socket.socket) -> bool:
    try:
        connection.sendall(b" ")
    except OSError:
        return False
    return True


def test_a_look_for_the_silent_leaves_every_descriptor_as_it_was(port: int, tmp_path: Path) -> None:
    """The process has files, pipes and sockets of other kinds, which are not to be had twice."""
    reading, writing = os.pipe()
    with (tmp_path / "file").open("wb"), socket.socket() as unbound, closing(unbound.dup()):
        before = sorted(Path("/proc/self/fd").iterdir())
        assert [0] * 5 == [hang_up_on_the_silent(port, 1000) for _ in range(5)]
        assert before == sorted(Path("/proc/self/fd").iterdir())
    os.close(reading)
    os.close(writing)


PROXIES = [ip_network("127.0.0.1/32")]
TRUE, FORGED = "203.0.113.9", "10.0.0.77"
FORWARDED = {
    "by nobody": b"",
    "honestly": b"X-Forwarded-For: 203.0.113.9\r\n",
    "forged before": b"X_Forwarded_For: 10.0.0.77\r\nX-Forwarded-For: 203.0.113.9\r\n",
    "forged behind": b"X-Forwarded-For: 203.0.113.9\r\nX_Forwarded_For: 10.0.0.77\r\n",
    "forged in part": b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded_For: 10.0.0.77\r\n",
    "emptied": b"X-Forwarded-For: 203.0.113.9\r\nX_Forwarded_For:\r\n",
    "no ASCII before": b"X-Forwarded-For: \xe9, 203.0.113.9\r\n",
    "no ASCII behind": b"X-Forwarded-For: 203.0.113.9, \xe9\r\n",
    "no ASCII elsewhere": b"X-Forwarded-For: \xe9\r\nX-Forwarded-For: 203.0.113.9\r\n",
    "twice": b"X-Forwarded-For: 10.0.0.77\r\nX-Forwarded-For: 203.0.113.9\r\n",
}


def _whence(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the caller's address."""
    start_response("200 OK", [*HEADERS, ("Content-Length", "20")])
    return [environ.get("REMOTE_ADDR", "nobody knows").ljust(20).encode()]


@pytest.fixture(name="whence", scope="module")
def _ports_of_both() -> Iterator[tuple[int, int]]:
    """Serve what tells the caller's address, behind a proxy: with granian, and with waitress."""
    app = TrustedProxies(_whence, PROXIES)
    other = Server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=other.serve)
    thread.start()
    with serving(app) as port:
        yield port, other.port
    other.stop()
    thread.join()


@pytest.mark.parametrize("way", FORWARDED)
def test_nobody_makes_a_proxy_tell_of_another_caller(whence: tuple[int, int], way: str) -> None:
    """Where a server cannot tell what the proxy has said, it believes nothing of it."""
    request = b"GET / HTTP/1.1\r\n" + CLOSE + FORWARDED[way] + b"\r\n"
    granian, waitress = (
        (status, body.decode().strip())
        for status, _headers, body in (answer(opened(port, request)) for port in whence)
    )
    if way == "by nobody":
        assert granian == waitress == (200, "127.0.0.1")
    else:
        assert (200, "nobody knows") == granian
        assert waitress == (200, "nobody knows" if way == "no ASCII behind" else TRUE)


def test_requests_that_take_long_hold_up_nobody(app: Application, port: int) -> None:
    """One thread is at work as a rule; while it waits for something, another goes on."""
    app.gate.clear()
    slow = [opened(port, b"GET /slow HTTP/1.1\r\n" + CLOSE + b"\r\n") for _ in range(10)]
    others = [asked(port) for _ in range(20)]
    app.gate.set()
    assert {200} == {status for status, _seconds in others}
    assert max(seconds for _status, seconds in others) < 0.9
    assert [(200, b"0")] * 10 == [answer(one)[::2] for one in slow]


def test_so_many_requests_are_worked_on_at_once(app: Application, port: int) -> None:
    """There are threads for every connection, and a database for fewer; the others wait."""
    app.gate.clear()
    before = len(app.heard)
    slow = [opened(port, b"GET /slow HTTP/1.1\r\n" + CLOSE + b"\r\n") for _ in range(AT_WORK + 8)]
    until = time.monotonic() + 5
    while len(app.heard) - before < AT_WORK and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    heard = len(app.heard) - before
    app.gate.set()
    assert heard == AT_WORK
    assert [(200, b"0")] * (AT_WORK + 8) == [answer(one)[::2] for one in slow]


def test_a_stop_answers_who_is_being_answered() -> None:
    """It waits for what has begun; a connection that is in use hears that it was the last time."""
    app = Application()
    with serving(app) as port:
        begun = opened(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        kept.request("GET", "/")
        kept.getresponse().read()
        threading.Timer(0.3, lambda: kept.request("GET", "/")).start()
        threading.Timer(1.5, app.gate.set).start()
    with kept.getresponse() as last:
        assert (200, "close", b"0") == (last.status, last.getheader("Connection"), last.read())
    kept.close()
    assert (200, b"0") == answer(begun)[::2]


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_every_address_is_served(host: str) -> None:
    """Each socket has a part of granian of its own."""
    with serving(Application(), host) as port:
        heard = []
        for address in {one[4][0] for one in socket.getaddrinfo(host, port)}:
            with socket.create_connection((str(address), port), timeout=10) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
                heard.append(connection.recv(12))
        assert {b"HTTP/1.1 200"} == set(heard)


def test_granian_still_has_what_is_used_of_it() -> None:
    """It is not what granian promises; another version has to be looked at first."""
    assert version("granian").startswith("2.8.")
    parameters = [
        *("worker_id", "sock", "ipc", "threads", "blocking_threads", "py_threads"),
        *("py_threads_idle_timeout", "backpressure", "http_mode", "http1_opts", "http2_opts"),
        *("static_files", "ssl_enabled", "ssl_cert", "ssl_key", "ssl_key_password"),
        *("ssl_protocol_min", "ssl_ca", "ssl_crl", "ssl_client_verify", "metrics"),
    ]
    assert parameters == list(inspect.signature(_granian.WSGIWorker).parameters)
    assert ["loop", "cb", "impl_asyncio"] == list(
        inspect.signature(_futures._new_cbscheduler).parameters
    )
    assert {"header_read_timeout", "keep_alive", "max_buffer_size", "pipeline_flush"} == set(
        inspect.signature(HTTP1Settings).parameters
    )
