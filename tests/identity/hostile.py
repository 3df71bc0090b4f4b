"""
A real HTTP server that answers as it is told: well, late, in drips, for ever, in gzip, not at all.

What it sends is written down byte by byte, because no HTTP library would send most of it. With
it go the keys documents that it hands out.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.identity import minting


class Asked:
    """
    One request, and the line to answer it on.

    Attributes:
        head: the request's first line and headers.
        server: who was asked.
    """

    def __init__(self, server: HostileServer, line: socket.socket, head: str) -> None:
        self.server = server
        self.head = head
        self._line = line

    def send(self, data: bytes) -> None:
        """Send *data*; raises ``OSError`` once nobody listens."""
        self._line.sendall(data)

    def pause(self, seconds: float) -> None:
        """Let time pass, unless the server is closed, which raises ``OSError``."""
        if self.server.closing.wait(seconds):
            raise OSError


Answer = Callable[[Asked], None]


class HostileServer:
    """
    A server on a port of its own, to be used in a ``with`` block.

    Attributes:
        answer: what it does with a request; may be changed at any time.
        heads: the heads of all requests, in the order of their arrival.
        arrived: set while a request has arrived; ``held_until_released`` waits after it.
        released: what ``held_until_released`` waits for.
        closing: set when the server is being closed.
    """

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.arrived = threading.Event()
        self.released = threading.Event()
        self.closing = threading.Event()
        self._scheme = "http" if tls is None else "https"
        self._server = _Server(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        """The port it listens at, on 127.0.0.1."""
        return int(self._server.server_address[1])

    def url(self, path: str = "/jwk", *, scheme: str | None = None, host: str = "127.0.0.1") -> str:
        """Give the address of *path*."""
        return f"{scheme or self._scheme}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Be down from now on: end every answer, and refuse connections."""
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 128

    def __init__(self, owner: HostileServer, tls: ssl.SSLContext | None) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Read the head of a request and do what the server was told."""
        assert isinstance(self.server, _Server)
        owner, line = self.server.owner, self.request
        head = b""
        # Whoever asks may leave at any moment.
        with suppress(OSError):
            while not head.endswith(b"\r\n\r\n"):
                piece = line.recv(1)
                if not piece:
                    return
                head += piece
            owner.heads.append(head.decode("latin-1"))
            owner.arrived.set()
            owner.answer(Asked(owner, line, head.decode("latin-1")))


def document(body: bytes, status: str = "200 OK", **headers: str) -> Answer:
    """Answer well, with *headers* beside the length of *body*."""
    lines = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(asked: Asked) -> None:
        asked.send(_head(status, lines) + body)

    return answer


def raw(*pieces: bytes, then: float = 0.0) -> Answer:
    """Answer with *pieces* as they are, and hang up after *then* seconds."""

    def answer(asked: Asked) -> None:
        for piece in pieces:
            asked.send(piece)
        asked.pause(then)

    return answer


def dripping(pieces: bytes, *, before: bytes = b"", every: float = 0.05) -> Answer:
    """Answer *before* at once, then *pieces* byte by byte, over and over."""

    def answer(asked: Asked) -> None:
        asked.send(before)
        while True:
            for number in pieces:
                asked.send(bytes([number]))
                asked.pause(every)

    return answer


def endless(before: bytes, piece: bytes) -> Answer:
    """Answer *before*, then *piece* for ever, as fast as it is taken."""

    def answer(asked: Asked) -> None:
        asked.send(before)
        while not asked.server.closing.is_set():
            asked.send(piece)

    return answer


def silent(asked: Asked) -> None:
    """Answer nothing, and keep the line."""
    asked.pause(60)


def late(seconds: float, answer: Answer) -> Answer:
    """Answer after *seconds*."""

    def slowly(asked: Asked) -> None:
        asked.pause(seconds)
        answer(asked)

    return slowly


def held_until_released(answer: Answer) -> Answer:
    """Answer when the server's ``released`` is set."""

    def held(asked: Asked) -> None:
        while not asked.server.released.wait(0.01):
            asked.pause(0)
        answer(asked)

    return held


def in_turn(*answers: Answer) -> Answer:
    """Answer each request in the next of these ways, and begin again after the last."""
    lock, count = threading.Lock(), iter(range(10**9))

    def answer(asked: Asked) -> None:
        with lock:
            number = next(count)
        answers[number % len(answers)](asked)

    return answer


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
"""The head of an answer to which a line or the empty line has to be added."""

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def _head(status: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode()


@contextmanager
def refusing() -> Iterator[str]:
    """Give an address at which connections are refused."""
    with socket.socket() as taken:
        # Bound and not listening, so nobody else can begin to listen there.
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/jwk"


@contextmanager
def swallowing() -> Iterator[int]:
    """Give a port at which connections neither succeed nor fail."""
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        # Linux drops what comes when the queue is full, and this one fits one connection.
        full.listen(0)
        first.connect(full.getsockname())
        yield full.getsockname()[1]


def self_signed(folder: Path, *, name: str) -> tuple[ssl.SSLContext, Path]:
    """Give what a TLS server needs to be *name*, and the file of its certificate in *folder*."""
    key = rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    known_as: x509.GeneralName = x509.DNSName(name)
    with suppress(ValueError):
        known_as = x509.IPAddress(ipaddress.ip_address(name))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([known_as]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return context, file


def base64url(number: int) -> str:
    """Give a number as a JWK has it."""
    return minting.encoded(number.to_bytes((number.bit_length() + 7) // 8))


def entry(name: str, **members: object) -> dict[str, object]:
    """Give the public key called *name* as GOV.BR publishes it, under the kid *name*."""
    numbers = minting.public(name).public_numbers()
    n, e = base64url(numbers.n), base64url(numbers.e)
    return {"kty": "RSA", "e": e, "kid": name, "alg": "RS256", "n": n} | members


def keys_document(*entries: object) -> bytes:
    """Give a keys document; a text stands for the key of that name."""
    keys = [entry(one) if isinstance(one, str) else one for one in entries]
    return json.dumps({"keys": keys}).encode()


def publishing(*entries: object) -> Answer:
    """Answer with a keys document."""
    return document(keys_document(*entries))
