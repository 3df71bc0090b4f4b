"""The web room behind waitress, over real sockets: what a test client cannot show."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from waitress import wasyncore
from waitress.server import BaseWSGIServer, create_server

from tests.fakes.service import COMPANY, MAX_BODY, MEMBER, REPRESENTATIVE, TOKEN, Service

PATH = "/access/v1/evaluation"
A: dict[str, Any] = {
    "subject": {"type": "person", "id": MEMBER},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": COMPANY}},
}
BODY = json.dumps(A).encode()


@dataclass
class Listening:
    """A service behind waitress on a free port of this machine; one thread, as its store wants."""

    service: Service
    sockets: dict[int, Any] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.server = create_server(
            self.service.app, map=self.sockets, host="127.0.0.1", port=0, threads=1
        )
        assert isinstance(self.server, BaseWSGIServer)
        assert self.server.socket is not None
        self.port: int = self.server.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while not self.stopping.is_set():
            wasyncore.loop(timeout=0.02, map=self.sockets, count=1)

    def stop(self) -> None:
        """Finish the thread and close every socket."""
        self.stopping.set()
        self.thread.join()
        self.server.task_dispatcher.shutdown()
        wasyncore.close_all(self.sockets)

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    @property
    def headers(self) -> dict[str, str]:
        """What a caller with a good key sends."""
        return {
            "Authorization": f"Bearer {self.service.key}",
            "Content-Type": "application/json",
            "X-Request-ID": "from outside",
        }

    def raw(self, sent: bytes, *, hang_up: bool = False) -> bytes:
        """Send bytes as they are and give all that comes back until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(sent)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return received


@pytest.fixture(scope="module")
def listening() -> Iterator[Listening]:
    """A listening service for all tests of this module."""
    server = Listening(Service(orquestra_get=True))
    yield server
    server.stop()


@pytest.fixture
def connection(listening: Listening) -> Iterator[http.client.HTTPConnection]:
    """A connection to the listening service."""
    opened = listening.connect()
    yield opened
    opened.close()


def asked(
    connection: http.client.HTTPConnection, *request: Any, **options: Any
) -> tuple[int, http.client.HTTPMessage, Any]:
    """Send a request and give status, headers and the body read as JSON."""
    connection.request(*request, **options)
    answer = connection.getresponse()
    data = answer.read()
    return answer.status, answer.headers, json.loads(data) if data else None


def test_one_connection_serves_many_requests(
    listening: Listening, connection: http.client.HTTPConnection
) -> None:
    """Answers of every status leave the connection fit for the next request."""
    statuses = []
    for method, path, body in [
        ("POST", PATH, BODY),
        ("POST", PATH, b"{"),
        ("POST", PATH, b"x" * (MAX_BODY + 1)),
        ("GET", PATH, None),
        ("POST", "/nothing", BODY),
        ("GET", "/healthz", None),
        ("HEAD", "/healthz", None),
        ("POST", PATH, BODY),
    ]:
        status, headers, _ = asked(connection, method, path, body=body, headers=listening.headers)
        assert "from outside" == headers["X-Request-ID"]
        statuses.append(status)
    assert [200, 400, 413, 405, 404, 200, 200, 200] == statuses


def test_a_chunked_body_is_read(
    listening: Listening, connection: http.client.HTTPConnection
) -> None:
    """A body without a declared length is the same body."""
    chunks = iter([BODY[:10], BODY[10:]])
    status, _, body = asked(
        connection, "POST", PATH, body=chunks, headers=listening.headers, encode_chunked=True
    )
    assert (200, {"decision": True}) == (status, body)


@pytest.mark.parametrize("size", [MAX_BODY + 1, 8 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_refused_quickly(
    listening: Listening, connection: http.client.HTTPConnection, size: int, *, chunked: bool
) -> None:
    """Row 25: more than the service reads is a 413 problem with the request id, at once."""
    started = time.perf_counter()
    headers = listening.headers
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    sent = (b" " * min(1 << 16, size - at) for at in range(0, size, 1 << 16))
    status, answered, body = asked(
        connection,
        "POST",
        PATH,
        body=sent if chunked else b" " * size,
        headers=headers,
        encode_chunked=chunked,
    )
    assert (413, 413) == (status, body["status"])
    assert "from outside" == answered["X-Request-ID"]
    assert time.perf_counter() - started < 10


def test_the_longest_body_is_read(
    listening: Listening, connection: http.client.HTTPConnection
) -> None:
    """Exactly as many bytes as are allowed are read."""
    body = BODY + b" " * (MAX_BODY - len(BODY))
    assert 200 == asked(connection, "POST", PATH, body=body, headers=listening.headers)[0]


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_another_media_type_is_a_bad_request(
    listening: Listening, connection: http.client.HTTPConnection, media_type: str | None
) -> None:
    """Row 19 over a socket: also a Content-Type that is not there at all is a 400."""
    headers = {name: value for name, value in listening.headers.items() if name != "Content-Type"}
    if media_type is not None:
        headers["Content-Type"] = media_type
    status, _, body = asked(connection, "POST", PATH, body=BODY, headers=headers)
    assert (400, "Content-Type") == (status, body["field"])


def test_a_compressed_body_is_no_json(
    listening: Listening, connection: http.client.HTTPConnection
) -> None:
    """Content-Encoding is not offered, so compressed bytes are a 400 and never unpacked."""
    headers = {**listening.headers, "Content-Encoding": "gzip"}
    body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
    assert 400 == asked(connection, "POST", PATH, body=body, headers=headers)[0]


def test_the_key_is_checked_before_the_body(
    listening: Listening, connection: http.client.HTTPConnection
) -> None:
    """Row 30: broken JSON, a wrong media type and a huge body without a key are all a 401."""
    for body in (b"{", b"x" * (MAX_BODY + 1)):
        status, headers, _ = asked(connection, "POST", PATH, body=body)
        assert (401, 'Bearer realm="authz"') == (status, headers["WWW-Authenticate"])


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Host: \r\n",
        "Host: a b\r\n",
        "Host: evil.example:99999999\r\n",
        "Host: \xe9\r\n",
        "Host: x\r\nHost: y\r\n",
        "Host: x\r\nX-Request-ID: a\r\nX-Request-ID: b\r\n",
        "Host: x\r\nContent-Length: 0\r\n",
        "Host: x\r\nCookie: a=b; c\r\nRange: bytes=0-1\r\nIf-None-Match: *\r\n",
    ],
)
def test_odd_headers_do_not_make_it_fail(listening: Listening, lines: str) -> None:
    """Whatever stands in the headers, the answer is no 5xx."""
    head = f"GET /healthz HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
    received = listening.raw(head.encode("latin-1"))
    assert received[9:12] in (b"200", b"400")


SEARCH = json.dumps({"actor": REPRESENTATIVE, "company": COMPANY}).encode()


@pytest.mark.parametrize(
    ("lines", "status", "cause"),
    [
        ((), 200, None),
        ((f"Govbr-Access-Token: {TOKEN}",), 200, None),
        ((f"GOVBR-ACCESS-TOKEN:  {TOKEN} ",), 200, None),
        (("Govbr-Access-Token:",), 401, "malformed"),
        (("Govbr-Access-Token:   ",), 401, "malformed"),
        ((f"Govbr-Access-Token: {TOKEN}", f"Govbr-Access-Token: {TOKEN}"), 401, "malformed"),
        ((f"Govbr-Access-Token: {TOKEN}", "Govbr-Access-Token: other"), 401, "malformed"),
        (("Govbr-Access-Token: \xe9\xff",), 401, "malformed"),
        (("Govbr-Access-Token: " + "x" * 8000,), 401, "malformed"),
    ],
)
def test_a_token_in_the_header_is_one_token_or_refused(
    listening: Listening, lines: tuple[str, ...], status: int, cause: str | None
) -> None:
    """An empty, repeated or odd header is a refused token, never as if there were none."""
    sent = [f"{name}: {value}" for name, value in listening.headers.items()]
    sent += [*lines, f"Content-Length: {len(SEARCH)}", "Connection: close"]
    head = "\r\n".join(["POST /v1/delegations/search HTTP/1.1", "Host: x", *sent, "", ""])
    received = listening.raw(head.encode("latin-1") + SEARCH)
    answered, _, body = received.partition(b"\r\n\r\n")
    assert (str(status).encode(), cause) == (answered[9:12], json.loads(body).get("cause"))


def test_a_caller_may_wait_before_it_sends_the_body(listening: Listening) -> None:
    """A request with Expect: 100-continue, as curl makes it, is answered like any other."""
    lines = [f"{name}: {value}\r\n" for name, value in listening.headers.items()]
    lines += [f"Content-Length: {len(BODY)}\r\n", "Expect: 100-continue\r\n"]
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{''.join(lines)}Connection: close\r\n\r\n"
    received = listening.raw(head.encode("latin-1") + BODY)
    assert received.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 200 " in received


@pytest.mark.parametrize(
    "target", ["/%00", "/%ff%fe", "/v1/delegations/%00/revoke", "/%2e%2e/", "/?%00=%ff", "*", "//x"]
)
def test_odd_targets_do_not_make_it_fail(listening: Listening, target: str) -> None:
    """Whatever stands in the request line, the answer is a 4xx."""
    key = listening.service.key
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    received = listening.raw(f"{head}Connection: close\r\n\r\n".encode("latin-1"))
    assert received[9:12] in (b"400", b"404")


def test_a_body_that_ends_too_early_is_no_answered_question(listening: Listening) -> None:
    """A caller that hangs up in the middle of the body asks nothing, and the service goes on."""
    key = listening.service.key
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    assert b" 200 " not in listening.raw(head.encode("latin-1") + BODY, hang_up=True)
    other = listening.connect()
    assert 200 == asked(other, "POST", PATH, body=BODY, headers=listening.headers)[0]
    other.close()


def test_a_question_by_get_travels_in_the_query(
    listening: Listening, connection: http.client.HTTPConnection
) -> None:
    """Where it is switched on, Orquestra's question may come as a URL."""
    query = f"cpf={MEMBER}&cnpj={COMPANY}&processo=P001%20-%20Acredita%C3%A7%C3%A3o%20Inicial"
    path = f"/v1/orquestra/decisao?{query}&acao=iniciar"
    status, _, body = asked(connection, "GET", path, headers=listening.headers)
    assert (200, True) == (status, body["permitido"])
