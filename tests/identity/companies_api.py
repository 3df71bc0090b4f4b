"""
GOV.BR's companies API (empresas v2) on this machine, which misbehaves on command.

A real HTTP server. It gives a person's companies and roles to whoever brings that person's own
token, in the shapes of GOV.BR's technical manual, and keeps count of what it was asked.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

LIST = "list"
"""The call for a person's companies, where a CNPJ names the call for a role."""

_LIST = re.compile(r"/empresas/v2/empresas\?filtrar-por-participante=([0-9]{11})")
_ROLE = re.compile(r"/empresas/v2/empresas/([0-9A-Z]{14})/participantes/([0-9]{11})")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One call that came.

    Attributes:
        what: ``LIST``, or the CNPJ whose role was asked for.
        cpf: about whom.
        began: when, by the monotonic clock.
    """

    what: str
    cpf: str
    began: float


class CompaniesApi:
    """The server; a ``with`` block is its life."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self.stopping = threading.Event()
        self._tokens: dict[str, str] = {}
        self._roles: dict[str, dict[str, Mapping[str, object]]] = {}
        self._behaviour: dict[tuple[str, str], Behaviour] = {}
        self._lock = threading.Lock()
        self._under_way = 0
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def knows(self, cpf: str, token: str, roles: Mapping[str, Mapping[str, object]]) -> None:
        """Let a person with *token* be in these companies; ``cpf`` is added to each role."""
        self._tokens[cpf] = token
        self._roles[cpf] = {cnpj: {"cpf": cpf, **role} for cnpj, role in roles.items()}

    def misbehaves(self, cpf: str, what: str, how: Behaviour) -> None:
        """Answer one call about a person in another way."""
        self._behaviour[cpf, what] = how

    def behaves(self) -> None:
        """Answer everything properly again."""
        self._behaviour.clear()

    def calls(self, cpf: str) -> list[str]:
        """Give what was asked about a person, in the order in which it came."""
        return [one.what for one in self.asked if one.cpf == cpf]

    def answer(self, request: Request) -> None:
        """Answer one request."""
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            self._answer(request)
        finally:
            with self._lock:
                self._under_way -= 1

    def _answer(self, request: Request) -> None:
        if found := _LIST.fullmatch(request.path):
            what, cpf = LIST, found[1]
        elif found := _ROLE.fullmatch(request.path):
            what, cpf = found[1], found[2]
        else:
            request.reply(404)
            return
        self.asked.append(Asked(what, cpf, time.monotonic()))
        token = self._tokens.get(cpf)
        if token is None or request.headers.get("Authorization") != f"Bearer {token}":
            request.reply(401, {"error": "401", "erro_description": "ACCESSTOKEN_MUSTBEVALID"})
            return
        behaviour = self._behaviour.get((cpf, what))
        if behaviour is not None:
            behaviour(request)
        elif what == LIST:
            request.reply(200, [listed(cnpj) for cnpj in self._roles[cpf]])
        else:
            role = self._roles[cpf].get(what)
            request.reply(*((404, None) if role is None else (200, role)))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # Forty calls at once, and more while some hang.
    request_queue_size = 128

    def __init__(self, api: CompaniesApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), Request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of callers that went away, which is what the tests are about."""


class Request(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    server: _Server

    def do_GET(self) -> None:
        """Answer."""
        self.server.api.answer(self)

    def reply(self, status: int, document: object = None, **headers: str) -> None:
        """Answer with *document* as JSON, or with its bytes if it is bytes; None is no body."""
        body = document if isinstance(document, bytes) else _encoded(document)
        self.begin(status, len(body), **headers)
        self.wfile.write(body)

    def begin(self, status: int, length: int | None, **headers: str) -> None:
        """Send status and headers, without a length if that is None."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name it has
        """Say nothing."""


Behaviour = Callable[[Request], None]


def listed(cnpj: object) -> dict[str, object]:
    """Give an entry of the list."""
    return {
        "cnpj": cnpj,
        "razaoSocial": "Razão Social da Empresa",
        "dataCriacao": "2025-05-28T16:54:53.871-0300",
    }


def answering(document: object, status: int = 200, **headers: str) -> Behaviour:
    """Answer with something else."""
    return lambda request: request.reply(status, document, **headers)


def hanging(request: Request) -> None:
    """Take the request and never answer."""
    request.server.api.stopping.wait()


def dripping(request: Request) -> None:
    """Send a byte at a time, each soon enough for a time-out between bytes."""
    request.begin(200, 10_000)
    while not request.server.api.stopping.wait(0.02):
        request.wfile.write(b" ")


def endless(request: Request) -> None:
    """Send without end, as fast as it is taken."""
    request.begin(200, None)
    while not request.server.api.stopping.is_set():
        request.wfile.write(b" " * 65_536)


def breaking_off(request: Request) -> None:
    """Announce more than comes."""
    request.begin(200, 1_000)
    request.wfile.write(b"[")


def slow(seconds: float, then: Behaviour) -> Behaviour:
    """Wait before doing *then*."""

    def behaviour(request: Request) -> None:
        request.server.api.stopping.wait(seconds)
        then(request)

    return behaviour


def held(until: threading.Event, then: Behaviour) -> Behaviour:
    """Wait until somebody says so before doing *then*."""

    def behaviour(request: Request) -> None:
        until.wait(10)
        then(request)

    return behaviour


def _encoded(document: object) -> bytes:
    return b"" if document is None else json.dumps(document).encode()
