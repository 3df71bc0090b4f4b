"""The way out to the network, over real connections to a server that means no good."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from authz_service.identity import fetching
from authz_service.identity.fetching import FetchFailed, Outcome, fetch
from tests.identity import hostile
from tests.identity.hostile import CHUNKED, OK, Answer, HostileServer
from tests.identity.patience import eventually

GOOD = b'{"keys": []}'
LONGEST = 1000
LENGTH = b"Content-Length: %d\r\n\r\n"
SOON = 0.4
"""A deadline that a test can wait for."""
GENEROUS = 10.0
"""Seconds that a fetch of SOON takes at most on a machine that is busy with something else."""
SECRET = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2VjcmV0"


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """See that each test leaves no thread of a fetch and no place of one taken."""
    yield
    eventually(lambda: fetches() == [] and fetching._places._value == 64)


def fetches() -> list[threading.Thread]:
    """Give the threads of fetches that run."""
    return [thread for thread in threading.enumerate() if thread.name == "fetch"]


def outcome(url: str, *, seconds: float = GENEROUS, longest: int = LONGEST) -> str:
    """Give the outcome of a fetch that has to fail, within the time it has."""
    started = time.monotonic()
    with pytest.raises(FetchFailed) as failed:
        fetch(url, seconds=seconds, longest=longest)
    assert time.monotonic() - started < seconds + GENEROUS
    assert url not in str(failed.value)
    return failed.value.outcome.value


TAKEN = {
    "with a length": (hostile.document(GOOD), GOOD),
    "204": (hostile.raw(b"HTTP/1.1 204 No Content\r\n\r\n"), b""),
    "204, whatever it brings": (hostile.document(GOOD, "204 No Content"), b""),
    "until the line ends": (hostile.raw(OK + b"\r\n" + GOOD), GOOD),
    "in chunks": (hostile.raw(CHUNKED, b'5\r\n{"key\r\n', b'7\r\ns": []}\r\n', b"0\r\n\r\n"), GOOD),
    "as long as it may be": (hostile.document(b"x" * LONGEST), b"x" * LONGEST),
    "more than comes at once": (hostile.raw(OK + LENGTH % 8, b'{"ke', b'ys"}'), b'{"keys"}'),
    "saying that it is not encoded": (hostile.document(GOOD, Content_Encoding="Identity"), GOOD),
    "after a hundred": (
        hostile.raw(b"HTTP/1.1 100 Continue\r\n\r\n", OK + LENGTH % 2, b"{}"),
        b"{}",
    ),
    "on a line that stays": (hostile.raw(OK + LENGTH % 2 + b"{}", then=60), b"{}"),
}


@pytest.mark.parametrize(("answer", "expected"), TAKEN.values(), ids=TAKEN)
def test_an_answer_is_taken(answer: Answer, expected: bytes) -> None:
    """However HTTP allows it to be sent; no answer ends with the line when its length is known."""
    with HostileServer(answer) as server:
        assert expected == fetch(server.url(), seconds=GENEROUS, longest=LONGEST)


REFUSED = {
    "404": (hostile.document(GOOD, "404 Not Found"), "status"),
    "500": (hostile.document(GOOD, "500 Internal Server Error"), "status"),
    "201": (hostile.document(GOOD, "201 Created"), "status"),
    "206": (hostile.document(GOOD, "206 Partial Content"), "status"),
    "304": (hostile.raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "status"),
    "longer than it may be": (hostile.document(b"x" * (LONGEST + 1)), "too_large"),
    "longer until the line ends": (hostile.raw(OK + b"\r\n" + b"x" * (LONGEST + 1)), "too_large"),
    "a length that never comes": (hostile.raw(OK + LENGTH % 10**12, then=60), "too_large"),
    "without an end": (hostile.endless(OK + b"\r\n", b"x" * 999), "too_large"),
    "without an end, in chunks": (
        hostile.endless(CHUNKED, b"3e7\r\n" + b"x" * 999 + b"\r\n"),
        "too_large",
    ),
    "one chunk of size -1": (hostile.endless(CHUNKED + b"-1\r\n", b"x" * 999), "too_large"),
    "one huge chunk": (hostile.endless(CHUNKED + b"ffffffffff\r\n", b"x" * 999), "too_large"),
    "empty": (hostile.document(b""), "malformed"),
    "empty until the line ends": (hostile.raw(OK + b"\r\n"), "malformed"),
    "gzip": (hostile.document(gzip.compress(GOOD), Content_Encoding="gzip"), "malformed"),
    "gzip and more": (hostile.document(GOOD, Content_Encoding="identity, gzip"), "malformed"),
    "broken off": (hostile.raw(OK + LENGTH % 100 + GOOD), "unreachable"),
    "broken off before it began": (hostile.raw(OK + LENGTH % 100), "unreachable"),
    "broken off in the head": (hostile.raw(b"HTTP/1.1 20"), "malformed"),
    "broken off in a chunk": (hostile.raw(CHUNKED + b"ff\r\n" + GOOD), "unreachable"),
    "broken off between chunks": (hostile.raw(CHUNKED + b"2\r\n{}\r\n"), "unreachable"),
    "a chunk without a size": (hostile.raw(CHUNKED + b"zz\r\n" + GOOD), "unreachable"),
    "nothing at all": (hostile.raw(), "unreachable"),
    "no HTTP": (hostile.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "malformed"),
    "a line without an end": (hostile.endless(b"HTTP/1.1 200 ", b"x" * 999), "malformed"),
    "headers without an end": (hostile.endless(OK, b"X: y\r\n"), "malformed"),
}


@pytest.mark.parametrize(("answer", "expected"), REFUSED.values(), ids=REFUSED)
def test_an_answer_is_refused(answer: Answer, expected: str) -> None:
    """Each kind under its own outcome, long before the deadline."""
    with HostileServer(answer) as server:
        assert expected == outcome(server.url())


SLOW = {
    "no answer": hostile.silent,
    "hundreds without an end": hostile.dripping(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.0005),
    "a head that drips": hostile.dripping(b"X: y\r\n", before=OK),
    "a body that drips": hostile.dripping(b" ", before=OK + LENGTH % 900),
    "a body that drips until the line ends": hostile.dripping(b" ", before=OK + b"\r\n"),
    "chunks that drip": hostile.dripping(b"1\r\nx\r\n", before=CHUNKED),
    "trailers that drip": hostile.dripping(b"X: y\r\n", before=CHUNKED + b"0\r\n", every=0.005),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_the_deadline_ends_what_drips(answer: Answer) -> None:
    """A byte now and then keeps nobody waiting: the time is counted for the whole fetch."""
    with HostileServer(answer) as server:
        assert "timeout" == outcome(server.url(), seconds=SOON)


def test_the_deadline_ends_a_handshake() -> None:
    """TLS is part of the whole, also with a server that never says its part of it."""
    with HostileServer(hostile.silent) as server:
        assert "timeout" == outcome(server.url(scheme="https"), seconds=SOON)


def test_the_deadline_ends_a_connection_that_does_not_come() -> None:
    """A firewall that drops packets holds nobody."""
    with hostile.swallowing() as port:
        assert "timeout" == outcome(f"http://127.0.0.1:{port}/jwk", seconds=SOON)


def test_the_next_address_of_a_name_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that swallows packets, as IPv6 may, takes half of the time and not all."""
    with hostile.swallowing() as port, HostileServer(hostile.document(GOOD)) as server:
        found = [address("127.0.0.1", port), address("127.0.0.1", server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert fetch(server.url(host="sso.example"), seconds=4, longest=LONGEST) == GOOD


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let the look-up of names hang; what it gives ends that, with a port for the name."""
    released, ports = threading.Event(), [0]

    def look_up(*_: object, **__: object) -> list[object]:
        released.wait(60)
        return [address("127.0.0.1", ports[0])]

    def release(port: int) -> None:
        ports[0] = port
        released.set()

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield release
    released.set()
    # Before the name is looked up for real again.
    for thread in fetches():
        thread.join()


def address(host: str, port: int) -> object:
    """Give what the look-up of a name gives."""
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))


def test_the_deadline_ends_the_look_up_of_a_name(hanging: Callable[[int], None]) -> None:
    """Though nothing else ends it, and a name that comes too late is not asked any more."""
    with HostileServer(hostile.document(GOOD)) as server:
        assert "timeout" == outcome(server.url(host="sso.example"), seconds=SOON)
        assert 1 == len(fetches())
        hanging(server.port)
        for thread in fetches():
            thread.join(GENEROUS)
        assert [] == server.heads


@pytest.mark.usefixtures("hanging")
def test_look_ups_that_hang_are_counted() -> None:
    """A resolver that does not answer makes no more threads than there are places."""
    with ThreadPoolExecutor(64) as pool:
        ends = list(pool.map(lambda _: outcome("http://sso.example/jwk", seconds=1.5), range(64)))
    assert ["timeout"] * 64 == ends
    assert 64 == len(fetches())
    started = time.monotonic()
    assert "unreachable" == outcome("http://sso.example/jwk", seconds=60)
    assert time.monotonic() - started < GENEROUS


def test_a_system_without_threads_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails as any other fetch, and takes no place for good."""

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert "unreachable" == outcome("http://127.0.0.1:9/jwk")


def test_nobody_there_is_unreachable() -> None:
    """A refused connection is told at once."""
    with hostile.refusing() as url:
        assert "unreachable" == outcome(url)


def test_a_name_that_nobody_has_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the resolver says is an outcome."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "unreachable" == outcome("http://sso.example/jwk")


def test_no_redirect_is_followed() -> None:
    """Not even to a good document on the same server."""
    with HostileServer(hostile.document(GOOD)) as good:
        away = hostile.document(b"", "302 Found", Location=good.url())
        with HostileServer(away) as server:
            assert "status" == outcome(server.url())
        assert [] == good.heads


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says, the token goes to the address that is configured."""
    with HostileServer(hostile.document(b"proxy")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        with HostileServer(hostile.document(GOOD)) as server:
            assert fetch(server.url(), seconds=GENEROUS, longest=LONGEST) == GOOD
        assert [] == proxy.heads


def test_what_is_sent() -> None:
    """One GET on a line of its own, with the query, and without asking for compression."""
    with HostileServer(hostile.document(GOOD)) as server:
        url = server.url("/empresas?filtrar-por-participante=x")
        headers = {"Authorization": f"Bearer {SECRET}"}
        fetch(url, seconds=GENEROUS, longest=LONGEST, headers=headers)
        fetch(server.url(""), seconds=GENEROUS, longest=LONGEST)
        first, second = (head.split("\r\n") for head in server.heads)
    assert "GET /empresas?filtrar-por-participante=x HTTP/1.1" == first[0]
    assert {
        f"Host: 127.0.0.1:{server.port}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        "User-Agent: inmetro-authz-service",
        f"Authorization: Bearer {SECRET}",
    } == set(first[1:-2])
    assert "GET / HTTP/1.1" == second[0]
    assert not any("Authorization" in line for line in second)


PORTS = {
    "http": ("http://sso.example/jwk", 80),
    "https": ("https://sso.example/jwk", 443),
    "given": ("http://sso.example:8080/jwk", 8080),
    "IPv6": ("http://[::1]/jwk", 80),
}


@pytest.mark.parametrize(("url", "expected"), PORTS.values(), ids=PORTS)
def test_the_port_follows_from_the_address(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: int
) -> None:
    """An address without a port means the one of its scheme."""
    asked = []

    def look_up(_: str, port: int, *__: object, **___: object) -> None:
        asked.append(port)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert "unreachable" == outcome(url)
    assert [expected] == asked


UNSENDABLE = {
    "a line break": {"Authorization": f"Bearer {SECRET}\r\nX-Admin: yes"},
    "a lone line feed": {"Authorization": f"Bearer {SECRET}\nX-Admin: yes"},
    "letters beyond Latin-1": {"Authorization": f"Bearer {SECRET}\N{SNOWMAN}"},
    "a name that is none": {f"X\r\n{SECRET}": "yes"},
}


@pytest.mark.parametrize("headers", UNSENDABLE.values(), ids=UNSENDABLE)
def test_no_header_is_smuggled_in(headers: dict[str, str]) -> None:
    """What cannot stand in a header is not sent, and no trace of it is in what is raised."""
    with HostileServer(hostile.document(GOOD)) as server:
        with pytest.raises(FetchFailed) as failed:
            fetch(server.url(), seconds=GENEROUS, longest=LONGEST, headers=headers)
        assert [] == server.heads
    assert Outcome.MALFORMED == failed.value.outcome
    assert SECRET not in "".join(traceback.format_exception(failed.value))
    assert None is failed.value.__cause__ is failed.value.__context__


def test_a_failure_tells_nothing_of_the_token() -> None:
    """It says of which kind it is, and hides nothing behind it."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    with HostileServer(hostile.raw()) as server, pytest.raises(FetchFailed) as failed:
        fetch(server.url(), seconds=GENEROUS, longest=LONGEST, headers=headers)
    assert None is failed.value.__cause__ is failed.value.__context__
    assert "the exchange failed with RemoteDisconnected" == str(failed.value)


ODD = {
    "a port that is none": "http://sso.example:99999/jwk",
    "a path with a space": "http://127.0.0.1:9/a b",
    "a host that is too long": f"http://{'x' * 70}.example/jwk",
    "a bracket": "http://[sso.example/jwk",
}


@pytest.mark.parametrize("url", ODD.values(), ids=ODD)
def test_an_address_that_is_none_is_an_outcome(url: str) -> None:
    """Whatever the parts of the way complain of, a fetch fails in one way."""
    assert "malformed" == outcome(url)


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Let OpenSSL trust a certificate beside no other, for the time of a test."""

    def trusted(file: Path) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
        fetching._tls.cache_clear()

    yield trusted
    fetching._tls.cache_clear()


def test_a_trusted_certificate_opens(tmp_path: Path, trust: Callable[[Path], None]) -> None:
    """HTTPS brings the document."""
    tls, file = hostile.self_signed(tmp_path, name="127.0.0.1")
    trust(file)
    with HostileServer(hostile.document(GOOD), tls=tls) as server:
        assert fetch(server.url(), seconds=GENEROUS, longest=LONGEST) == GOOD


def test_a_certificate_of_another_host_is_refused(
    tmp_path: Path, trust: Callable[[Path], None]
) -> None:
    """Trusted or not, it has to be the one of the host that was asked."""
    tls, file = hostile.self_signed(tmp_path, name="sso.example")
    trust(file)
    with HostileServer(hostile.document(GOOD), tls=tls) as server:
        assert "unreachable" == outcome(server.url())
        assert [] == server.heads


def test_a_certificate_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    """Nothing is said to such a server, and the outcome tells the kind of failure."""
    tls, _ = hostile.self_signed(tmp_path, name="127.0.0.1")
    with HostileServer(hostile.document(GOOD), tls=tls) as server:
        with pytest.raises(FetchFailed, match="SSLCertVerificationError"):
            fetch(server.url(), seconds=GENEROUS, longest=LONGEST)
        assert "unreachable" == outcome(server.url())
        assert [] == server.heads


def test_a_server_without_tls_gets_nothing_in_clear() -> None:
    """An address with https is never asked without it."""
    with HostileServer(hostile.raw(OK)) as server:
        # What speaks plainly answers the handshake with something else.
        server.answer = hostile.document(GOOD)
        assert outcome(server.url(scheme="https"), seconds=SOON) in ("timeout", "unreachable")
        assert not any("GET" in head for head in server.heads)


def test_session_keys_are_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: Callable[[Path], None]
) -> None:
    """The environment cannot make the service write down what opens its connections."""
    tls, file = hostile.self_signed(tmp_path, name="127.0.0.1")
    written = tmp_path / "session-keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(written))
    trust(file)
    with HostileServer(hostile.document(GOOD), tls=tls) as server:
        fetch(server.url(), seconds=GENEROUS, longest=LONGEST)
    assert not written.exists()
