"""
Orquestra's call: one flat question in the words of its designers, one flat answer.

Allow and deny are both a 200: for Orquestra a status of 400 or more is a failed call
(ocorrência) that stops the instance, and only a text or a flag can steer a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from authz_service.domain.decision import INVALID_IDENTIFIER, Impossible, ProcessAsked, Question
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.processes import ProcessName
from authz_service.usecases.decide import DecisionPoint
from authz_service.web.body import read_object, read_query
from authz_service.web.fields import Body, Parsed, Text, handle, version
from authz_service.web.guards import caller, needs

_ACTIONS = {"iniciar": "open", "delegar": "delegate"}
_LONGEST_INSTANCE = 64


def _instance(value: object) -> str:
    """Read Orquestra's number of an instance, which it may send as a number or as a text."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or len(text) > _LONGEST_INSTANCE:
        message = f"must be a text or a whole number of at most {_LONGEST_INSTANCE} characters"
        raise InvalidInput("instancia", message)
    return text


class DecisaoBody(Body):
    """
    The question; ``versao`` is a number or a text such as ``v.3``.

    ``sessao`` is the handle of the sign-in that the person acts in. A form without one sends
    an empty text, and a text that can be no handle counts as none too.
    """

    cpf = Text(required=True)
    cnpj = Text(required=True)
    processo = Text(required=True)
    versao = version()
    acao = Text(choices=_ACTIONS, required=True)
    instancia = Parsed(_instance, allow_none=True, load_default=None)
    sessao = handle()


_DECISAO = DecisaoBody()


def blueprint(point: DecisionPoint, *, by_get: bool) -> Blueprint:
    """Build Orquestra's route around one decision point, with a GET form if *by_get*."""
    bp = Blueprint("orquestra", __name__)

    def answer(sent: Mapping[str, Any]) -> ResponseReturnValue:
        question = _question(_DECISAO.read(sent))
        try:
            given = point.decide(question, caller())
        except AmbiguousProcess as error:
            raise AmbiguousProcess("processo", error.candidates) from None
        return {
            "permitido": given.decision.allowed,
            "resultado": "PERMITIDO" if given.decision.allowed else "NEGADO",
            "codigo": given.text.codigo,
            "mensagem": given.text.pt,
            "decisao_id": given.id,
        }

    @bp.post("/v1/orquestra/decisao")
    @needs("decide")
    def decide() -> ResponseReturnValue:
        """Answer a question that comes as a JSON object."""
        return answer(read_object())

    if by_get:

        @bp.get("/v1/orquestra/decisao")
        @needs("decide")
        def decide_by_get() -> ResponseReturnValue:
            """Answer a question that comes as a query, for installations that can only GET."""
            return answer(read_query(_DECISAO.fields))

    return bp


def _question(body: dict[str, Any]) -> Question | Impossible:
    action = _ACTIONS[body["acao"]]
    try:
        process = ProcessName.parse(body["processo"], body["versao"])
        return Question(
            actor=Cpf.parse(body["cpf"]),
            action=action,
            resource=ProcessAsked(process, Cnpj.parse(body["cnpj"])),
            instance=body["instancia"],
            sign_in=body["sessao"],
        )
    except InvalidInput as error:
        if error.field == "version":
            raise InvalidInput("versao", error.message) from None
        return Impossible(action, INVALID_IDENTIFIER, body["instancia"])
