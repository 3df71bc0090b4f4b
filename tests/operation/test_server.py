"""The server by itself: what it refuses before the application sees it, and where it listens."""

from __future__ import annotations

import errno
import json
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from authz_service.listening import UNREAD_SECONDS, listen, port_of, turn_away
from authz_service.server import Server

MAX_BODY = 4096
LONG = b"x" * 20_000


def measure(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the length of the body."""
    body = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture(name="port", scope="module")
def _port() -> Iterator[int]:
    """Serve until the tests are over."""
    server = Server(measure, "127.0.0.1", 0, max_body=MAX_BODY)
    port = server.port
    serving = threading.Thread(target=server.serve)
    serving.start()
    yield port
    server.stop()
    serving.join()


def sent(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are; give status, headers and body of what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        answer = b""
        # A server that does not read all of a request resets the connection after its answer.
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(request)
            while part := connection.recv(65536):
                answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
    return int(first.split()[1]), headers, body


REFUSED = {
    "a body that is far too long": (413, b"POST / HTTP/1.1\r\n%sContent-Length: 999999\r\n\r\n"),
    "a length that is none": (400, b"POST / HTTP/1.1\r\n%sContent-Length: x\r\n\r\n"),
    "headers that are too long": (431, b"GET / HTTP/1.1\r\n%sX-A: " + LONG + b"\r\n\r\n"),
    "an encoding that nobody knows": (501, b"POST / HTTP/1.1\r\n%sTransfer-Encoding: x\r\n\r\n"),
}


@pytest.mark.parametrize(("status", "request_bytes"), REFUSED.values(), ids=REFUSED)
def test_what_the_server_refuses_is_a_problem_with_the_requests_id(
    port: int, status: int, request_bytes: bytes
) -> None:
    """It has the shape, the id and the caching of all other problems."""
    code, headers, body = sent(port, request_bytes % b"Host: x\r\nx-request-id: a-1 \r\n")
    problem = json.loads(body)
    assert (status, "application/problem+json", "a-1", "no-store") == (
        code,
        *(headers[name] for name in ("content-type", "x-request-id", "cache-control")),
    )
    assert (status, {"type", "title", "status", "detail"}) == (problem["status"], set(problem))


@pytest.mark.parametrize(("status", "request_bytes"), REFUSED.values(), ids=REFUSED)
def test_without_an_id_the_server_makes_one(port: int, status: int, request_bytes: bytes) -> None:
    """Every answer has an id that its log can be searched for."""
    code, headers, _body = sent(port, request_bytes % b"Host: x\r\n")
    assert status == code
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


def test_an_id_behind_what_is_too_long_is_not_waited_for(port: int) -> None:
    """The server hangs up once it has heard enough, and the answer has an id all the same."""
    request = b"GET /" + LONG + b" HTTP/1.1\r\nX-Request-ID: a-1\r\n\r\n"
    code, headers, _body = sent(port, request)
    assert 431 == code
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


@pytest.mark.parametrize("given", [b"\xff\xfe", b"x" * 201, b"a b", b""])
def test_an_id_out_of_headers_too_long_is_a_plain_one(port: int, given: bytes) -> None:
    """What nobody has parsed is repeated only if it cannot be anything but an id."""
    request = b"GET / HTTP/1.1\r\nX-Request-ID: " + given + b"\r\nX-A: " + LONG + b"\r\n\r\n"
    _code, headers, _body = sent(port, request)
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


@pytest.mark.parametrize("size", [0, 1, MAX_BODY, 2 * MAX_BODY])
def test_what_the_application_may_want_comes_to_it(port: int, size: int) -> None:
    """The server's own bound stands above the application's, which says what is too long."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    assert (200, str(size).encode()) == sent(port, head % size + b"x" * size)[::2]


@pytest.mark.parametrize(("chunk", "status"), [(16, 200), (1, 413)])
def test_a_body_in_chunks_is_bounded_with_their_frames(port: int, chunk: int, status: int) -> None:
    """Who sends a body byte by byte sends six times as much, and is refused."""
    framed = b"%x\r\n%s\r\n" % (chunk, b"x" * chunk) * (MAX_BODY // chunk) + b"0\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status == sent(port, head + framed)[0]


NEXT = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n", b""),
    ],
    ids=["told twice", "before there were chunks"],
)
def test_a_length_that_can_be_read_in_two_ways_is_the_last_one(
    port: int, head: bytes, body: bytes
) -> None:
    """What comes behind it may be a part of it, to a proxy; nobody answers that (RFC 9112, 6.1)."""
    request = head + b"Transfer-Encoding: chunked\r\n\r\n" + body
    code, headers, heard = sent(port, request + NEXT)
    assert (200, "close") == (code, headers["connection"])
    assert heard in (b"0", b"3")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "256.1.1.1", "x" * 70, "a..b"])
def test_what_is_no_address_is_told(host: str) -> None:
    """The error names what was given, as an operator wrote it."""
    with pytest.raises(OSError, match="is no address to listen on") as error:
        listen(host, 0)
    assert (errno.EADDRNOTAVAIL, host) == (error.value.errno, error.value.filename)


def test_who_cannot_listen_everywhere_listens_nowhere() -> None:
    """A port that is taken on one address frees it on the others again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listen("*", port)
    for one in listen("*", port):
        one.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "*"])
def test_it_listens_where_it_is_told_to(host: str) -> None:
    """By name, by address of either kind, or everywhere."""
    sockets = listen(host, 0)
    assert port_of(sockets) > 0
    for one in sockets:
        one.close()


def _send_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 100_000)


@pytest.mark.soak
def test_who_reads_nothing_is_hung_up_on(pytestconfig: pytest.Config) -> None:
    """A connection has that from its listener; the system sees to it, whoever serves."""
    [listener] = listen("127.0.0.1", 0)
    with listener, socket.create_connection(listener.getsockname()) as caller:
        taken, _address = listener.accept()
        with taken:
            told = taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert UNREAD_SECONDS * 1000 == told
            if pytestconfig.getoption("--soak"):
                began = time.monotonic()
                with pytest.raises(TimeoutError):
                    _send_for_ever(taken)
                assert UNREAD_SECONDS - 5 < time.monotonic() - began < UNREAD_SECONDS + 30
        assert caller.fileno() > 0


def test_whom_the_system_turns_away_does_not_connect() -> None:
    """Who has connected is there to be taken in; who comes now hears nothing until it is closed."""
    [door] = listen("127.0.0.1", 0)
    with closing(door), socket.create_connection(door.getsockname(), timeout=5) as early:
        turn_away((door,))
        early.sendall(b"hello")
        with socket.socket() as late:
            late.settimeout(0.2)
            with pytest.raises(TimeoutError):
                late.connect(door.getsockname())
        taken, _address = door.accept()
        with taken:
            assert b"hello" == taken.recv(5)
