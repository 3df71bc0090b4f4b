"""
GOV.BR's companies API (empresas v2) on this machine, which misbehaves on command.

It gives a person's companies and roles to whoever brings that person's own token, in the shapes
of GOV.BR's technical manual, and keeps what it was asked. How it may misbehave: ``hostile``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from tests.identity import hostile
from tests.identity.hostile import OK, Answer, Asked, HostileServer

LIST = "list"
"""The call for a person's companies, where a CNPJ names the call for a role."""

_CALL = re.compile(
    r"GET /empresas/v2/empresas"
    r"(?:\?filtrar-por-participante=|/(?P<cnpj>[0-9A-Z]{14})/participantes/)"
    r"(?P<cpf>[0-9]{11}) HTTP/1\.1"
)


class CompaniesApi(HostileServer):
    """
    The server; a ``with`` block is its life.

    Attributes:
        asked: the calls that came, each as a CPF and ``LIST`` or the CNPJ whose role was asked for.
    """

    def __init__(self) -> None:
        super().__init__(self._answered)
        self.asked: list[tuple[str, str]] = []
        self._tokens: dict[str, str] = {}
        self._roles: dict[str, dict[str, Mapping[str, object]]] = {}
        self._misbehaviour: dict[tuple[str, str], Answer] = {}

    def knows(self, cpf: str, token: str, roles: Mapping[str, Mapping[str, object]]) -> None:
        """Let a person with *token* be in these companies; ``cpf`` is added to each role."""
        self._tokens[cpf] = token
        self._roles[cpf] = {cnpj: {"cpf": cpf, **role} for cnpj, role in roles.items()}

    def misbehaves(self, cpf: str, what: str, how: Answer) -> None:
        """Answer one call about a person in another way."""
        self._misbehaviour[cpf, what] = how

    def behaves(self) -> None:
        """Answer everything properly again."""
        self._misbehaviour.clear()

    def calls(self, cpf: str) -> list[str]:
        """Give what was asked about a person, in the order in which it came."""
        return [what for whom, what in self.asked if whom == cpf]

    def _answered(self, asked: Asked) -> None:
        first, *headers = asked.head.split("\r\n")
        call = _CALL.fullmatch(first)
        if call is None:
            answering(None, 404)(asked)
            return
        cpf, what = call["cpf"], call["cnpj"] or LIST
        self.asked.append((cpf, what))
        if f"Authorization: Bearer {self._tokens.get(cpf)}" not in headers:
            answering({"error": "401", "erro_description": "ACCESSTOKEN_MUSTBEVALID"}, 401)(asked)
            return
        how = self._misbehaviour.get((cpf, what)) or self._properly(cpf, what)
        how(asked)

    def _properly(self, cpf: str, what: str) -> Answer:
        roles = self._roles[cpf]
        if what == LIST:
            return answering([listed(cnpj) for cnpj in roles])
        return answering(roles[what]) if what in roles else answering(None, 404)


def listed(cnpj: object) -> dict[str, object]:
    """Give an entry of the list."""
    return {
        "cnpj": cnpj,
        "razaoSocial": "Razão Social da Empresa",
        "dataCriacao": "2025-05-28T16:54:53.871-0300",
    }


def answering(what: object, status: int = 200, **headers: str) -> Answer:
    """Answer with *what* as JSON, or with its bytes if it is bytes; None is no body."""
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    line = f"{status} {HTTPStatus(status).phrase}"
    return hostile.document(b"" if what is None else body, line, **headers)


dripping = hostile.dripping(b" ", before=OK + b"Content-Length: 9999\r\n\r\n")
"""Send a byte at a time, each soon enough for a time-out between bytes."""
endless = hostile.endless(OK + b"\r\n", b" " * 65_536)
"""Send without end, as fast as it is taken."""
breaking_off = hostile.raw(OK + b"Content-Length: 1000\r\n\r\n[")
"""Announce more than comes."""
