"""Requests as a server gives them, several hundred of them good and bad, to either layer."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.service import COMPANY, MAX_BATCH, MAX_BODY, MEMBER

ONE, SEVERAL, FORM = "/access/v1/evaluation", "/access/v1/evaluations", "/v1/orquestra/decisao"
PATHS = (ONE, SEVERAL, FORM)

A: dict[str, Any] = {
    "subject": {"type": "person", "id": MEMBER},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": COMPANY}},
}
F: dict[str, Any] = {
    "cpf": MEMBER,
    "cnpj": COMPANY,
    "processo": "P001 - Acreditação Inicial v.3",
    "acao": "iniciar",
}


def sent(**members: Any) -> bytes:
    """Give a body."""
    return json.dumps(members, ensure_ascii=False).encode()


BODIES: tuple[bytes, ...] = (
    sent(**A),
    sent(**{**A, "context": {"ip": "10.0.0.1", "sign_in": "abc"}}),
    sent(**{**A, "context": {"deep": {"er": [1, 2.5, None]}}}),
    sent(**{**A, "context": None}),
    sent(**{**A, "subject": {"type": "person", "id": "18762794605"}}),
    sent(**{**A, "subject": {"type": "login", "id": "m.keller"}}),
    sent(**{**A, "subject": {"type": "user", "id": "1", "properties": {"a": [1]}}}),
    sent(**{**A, "subject": {"type": "person", "id": 18762794604}}),
    sent(**{**A, "subject": None}),
    sent(**{**A, "resource": {"type": "company", "id": COMPANY}}),
    sent(**{**A, "resource": {"type": "process", "id": "P061", "properties": {"cnpj": COMPANY}}}),
    sent(**{**A, "resource": {"type": "process", "id": "P001"}}),
    sent(**{**A, "unknown": 1}),
    sent(subject=A["subject"], action=A["action"]),
    sent(evaluations=[A, A]),
    sent(**{**A, "evaluations": [{}, {"action": {"name": "delegate"}}, {"resource": None}, 7]}),
    sent(**{**A, "evaluations": []}),
    sent(**{**A, "evaluations": [{}] * (MAX_BATCH + 1)}),
    sent(**{**A, "evaluations": [{}] * 3, "options": {"evaluations_semantic": "often"}}),
    sent(
        **{**A, "evaluations": [{}] * 3, "options": {"evaluations_semantic": "deny_on_first_deny"}}
    ),
    sent(**F),
    sent(**{**F, "login": "", "empresa": "", "versao": "", "instancia": 4711, "sessao": ""}),
    sent(**{**F, "versao": 0}),
    sent(**{**F, "versao": 4}),
    sent(**{**F, "cpf": "1"}),
    sent(**{**F, "processo": "P061"}),
    sent(**{**F, "acao": "abrir", "cnpj": None}),
    sent(login="m.keller", empresa="EX-0000123-0", processo="P001", acao="iniciar"),
    b"",
    b"{}",
    b"[]",
    b"{",
    b'{"subject":1,"subject":2}',
    b"\xff\xfe",
    b'{"context":' + b"[" * 40 + b"]" * 40 + b"}",
    b" " * (MAX_BODY + 1),
    b" " * MAX_BODY,
)


@dataclass(frozen=True)
class Asked:
    """A request: where to, what with, and what is odd about it."""

    path: str = ONE
    body: bytes = BODIES[0]
    odd: tuple[tuple[str, str | None], ...] = ()
    method: str = "POST"
    ends: bool = False

    def environ(self, key: str) -> dict[str, Any]:
        """Give it as a server would."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": f"Bearer {key}",
            "HTTP_X_REQUEST_ID": "one",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if self.ends:
            environ["wsgi.input_terminated"] = True
        for name, value in self.odd:
            environ.pop(name, None)
            if value is not None:
                environ[name] = value.replace("KEY", key)
        return environ


ODD: dict[str, tuple[str | None, ...]] = {
    "HTTP_AUTHORIZATION": (
        *(None, "", "Bearer", "Bearer ", "KEY", "Basic KEY", "bearer KEY", "BEARER  KEY "),
        *("Bearer\tKEY", "Bearer KEYx", "Bearer KEY, Bearer KEY", "Bearer \xe9_\xe9_\xe9"),
    ),
    "CONTENT_TYPE": (
        *(None, "", "text/plain", "APPLICATION/JSON", "application/json; charset=latin-1"),
        *(" application/json ;", "application/json,application/json", "application/jsonp"),
    ),
    "CONTENT_LENGTH": (
        *(
            None,
            "",
            "0",
            "-1",
            "+1",
            "abc",
            "1e3",
            " 12 ",
            "١٢",
            "3",
            "100000",
            "9" * 30,
            "9" * 5000,
        ),
    ),
    "HTTP_TRANSFER_ENCODING": ("chunked", "Chunked", "gzip, chunked", "identity"),
    "HTTP_X_REQUEST_ID": (None, "", "18762794604", "x" * 5000, "\xe9", "a,b", "a\r\nSet-Cookie: b"),
    "HTTP_STORE_REVISION_AT_LEAST": (
        *("", "0", "1", "3", "9999", "-1", "+1", "1.0", " 1", "x", "²", "0001"),
        *("9007199254740991", "9007199254740992", "9" * 5000, "1, 2"),
    ),
    "HTTP_UPGRADE": ("websocket", "h2c"),
    "HTTP_HOST": (None, "", "a b", "evil.example:99999999", "\xe9"),
    "HTTP_EXPECT": ("100-continue",),
    "HTTP_CONTENT_ENCODING": ("gzip",),
    "HTTP_ORIGIN": ("https://evil.example",),
    "QUERY_STRING": ("a=b", "%ff"),
    "SCRIPT_NAME": ("/below",),
    "REMOTE_ADDR": (None, "", "unix", "2001:db8::1"),
}

STRANGE_PATHS = (
    *("", "/", "/access/v1/evaluation/", "//access/v1/evaluation", "/access/v1/Evaluation"),
    *("/access/v1/evaluation\x00", "/access/v1/evaluation%2f", "/access/v1/./evaluation"),
    *("/access/v1/evaluation;a", "/access/v1/evalua\xc3\xa7", "/v1/orquestra/decisao/", "*"),
)


def requests() -> Iterator[Asked]:
    """Give several hundred, good and bad."""
    for path, body in itertools.product(PATHS, BODIES):
        yield Asked(path, body)
    for ends in (False, True):
        for path, (name, values) in itertools.product((ONE, FORM), ODD.items()):
            body = BODIES[0] if path == ONE else sent(**F)
            yield from (Asked(path, body, ((name, value),), ends=ends) for value in values)
        for body, length in itertools.product((BODIES[0], BODIES[-2], BODIES[-1]), (None, "")):
            odd = (("CONTENT_LENGTH", length), ("HTTP_TRANSFER_ENCODING", "chunked"))
            yield Asked(SEVERAL, body, odd, ends=ends)
    for path, method in itertools.product(
        PATHS, ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "post", "X")
    ):
        yield Asked(path, b"", (), method)
    yield from (Asked(path) for path in STRANGE_PATHS)


@dataclass(frozen=True)
class Answered:
    """What came back, random names apart."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


NAMES = re.compile(r"\b[0-9a-f]{32}\b")
"""What is random in answers."""


def answered(app: Any, asked: Asked, key: str) -> Answered:
    """Ask one layer."""
    told: list[tuple[str, list[tuple[str, str]]]] = []
    parts = app(asked.environ(key), lambda status, headers, _=None: told.append((status, headers)))
    body = b"".join(parts)
    getattr(parts, "close", lambda: None)()
    [(status, headers)] = told
    named = tuple((name, NAMES.sub("NAME", value)) for name, value in headers)
    return Answered(status, named, NAMES.sub("NAME", body.decode()).encode())
