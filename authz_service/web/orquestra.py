"""
Orquestra's call: one flat question in the words of its designers, one flat answer.

Who acts for which company is told by one of two pairs: ``cpf`` and ``cnpj``, or for a foreign
company without legal representation (Estrangeiro), which has no CNPJ and whose representative
has no CPF, ``login`` and ``empresa``.

Allow and deny are both a 200: for Orquestra a status of 400 or more is a failed call
(ocorrência) that stops the instance, and only a text or a flag can steer a process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError, validates_schema

from authz_service.domain.decision import INVALID_IDENTIFIER, Impossible, ProcessAsked, Question
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login
from authz_service.domain.processes import ProcessName
from authz_service.usecases.decide import DecisionPoint
from authz_service.web.body import parse_object, read_query
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Body, Parsed, Text, flag, handle, version
from authz_service.web.guards import Gate, needs
from authz_service.web.lean.form import ACTIONS, LONGEST_INSTANCE, Form, form_in
from authz_service.web.lean.operation import DEMANDS, TELLS, Call, Operation, decided
from authz_service.web.lean.reply import Reply, as_json
from authz_service.web.shapes import Shape
from authz_service.web.views import current_call, response, serve

DECISAO = "/v1/orquestra/decisao"
"""The path of Orquestra's call."""

_INSTANCE: Shape = {"type": ["string", "integer"], "maxLength": LONGEST_INSTANCE}
_NATIONAL = ("cpf", "cnpj")
_FOREIGN = ("login", "empresa")


def _instance(value: object) -> str:
    """Read Orquestra's number of an instance, which it may send as a number or as a text."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or len(text) > LONGEST_INSTANCE:
        message = f"must be a text or a whole number of at most {LONGEST_INSTANCE} characters"
        raise InvalidInput("instancia", message)
    return text


def _filled_in(name: str) -> Shape:
    return {"required": [name], "properties": {name: {"minLength": 1}}}


class DecisaoBody(Body):
    """
    The question; ``versao`` is a number or a text such as ``v.3``.

    Either ``cpf`` and ``cnpj``, or ``login`` and ``empresa``: both of one pair, and none of the
    other. ``empresa`` is the number that Inmetro's team gave to the foreign company.

    ``sessao`` is the handle of the sign-in that the person acts in; a text that can be no handle
    counts as none. A form sends an empty text for what was not filled in: in ``versao``,
    ``instancia`` and ``sessao``, and in a pair beside the other one, that is as if it were absent.
    """

    cpf = Text()
    cnpj = Text()
    login = Text()
    empresa = Text()
    processo = Text(required=True)
    versao = version(blank=True)
    acao = Text(choices=ACTIONS, required=True)
    instancia = Parsed(_instance, shape=_INSTANCE, allow_none=True, load_default=None)
    sessao = handle()

    moreover: ClassVar[Shape] = {
        "oneOf": [
            {
                "required": list(pair),
                "not": {"anyOf": [_filled_in(name) for name in other]},
            }
            for pair, other in ((_NATIONAL, _FOREIGN), (_FOREIGN, _NATIONAL))
        ],
        "examples": [
            {
                "cpf": "18762794604",
                "cnpj": "52420282000180",
                "processo": "P001 - Acreditação Inicial v.3",
                "acao": "iniciar",
            }
        ],
    }

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_pair(self, _read: object, sent: Mapping[str, object], **_: object) -> None:
        """Refuse a pair that is not whole, and a second one."""
        problems = dict(_missing(sent))
        if problems:
            raise ValidationError(problems)


def _missing(sent: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    """Give what keeps *sent* from having exactly one pair, by member."""
    foreign = [name for name in _FOREIGN if name in sent]
    if not foreign or _is_blank(sent, _FOREIGN):
        yield from ((name, ["is required"]) for name in _NATIONAL if name not in sent)
    elif any(name in sent for name in _NATIONAL) and not _is_blank(sent, _NATIONAL):
        yield from ((name, ["must not stand beside `cpf` or `cnpj`"]) for name in foreign)
    else:
        yield from ((name, ["is required"]) for name in _FOREIGN if name not in sent)


def _is_blank(sent: Mapping[str, object], pair: tuple[str, str]) -> bool:
    """Tell whether nothing of a pair was filled in, though the other pair was."""
    other = _FOREIGN if pair == _NATIONAL else _NATIONAL
    return all(sent.get(name, "") == "" for name in pair) and any(sent.get(name) for name in other)


class DecisaoAnswer(Answer):
    """
    The answer: ``resultado`` and ``codigo`` steer the process, ``mensagem`` is for people.

    ``nova_entrada`` says of a denial that the person can turn it alone, by signing in at GOV.BR as
    ``providencias`` says. That holds the codes of what has to happen for an allow, in order and
    with a space in between; ``por`` in the same way who can bring each about. Both are empty
    where nothing is known to help, and of an allow.
    """

    permitido = flag(required=True)
    resultado = Text(choices=("PERMITIDO", "NEGADO"), required=True)
    codigo = Text(required=True)
    mensagem = Text(required=True)
    nova_entrada = flag(required=True)
    providencias = Text(required=True)
    por = Text(required=True)
    decisao_id = Text(required=True)


_DECISAO = DecisaoBody()
_CONTRACT: Any = {
    "answer": DecisaoAnswer,
    "problems": (400, 503),
    "headers": DEMANDS,
    "answer_headers": TELLS,
}
"""What holds for the question in both forms."""


def blueprint(point: DecisionPoint, gate: Gate, *, by_get: bool) -> Blueprint:
    """
    Build Orquestra's route around one decision point.

    Args:
        point: decides.
        gate: has let in whoever calls.
        by_get: whether the question may also come as a query.
    """
    bp = Blueprint("orquestra", __name__)
    asked = operation(point)
    serve(bp, asked, gate)

    if by_get:

        @bp.get(DECISAO)
        @needs("decide")
        @describes("Orquestra", query=DecisaoBody, **_CONTRACT)
        def decide_by_get() -> ResponseReturnValue:
            """Answer a question that comes as a query, for installations that can only GET."""
            call = current_call(gate)
            sent = read_query(_DECISAO.fields, tolerant=True)
            return response(_answered(point, call, form_of(sent)))

    return bp


def operation(point: DecisionPoint) -> Operation:
    """Make the operation around one decision point."""

    @needs("decide")
    @describes("Orquestra", body=DecisaoBody, **_CONTRACT)
    def decide(call: Call) -> Reply:
        """Answer a question that comes as a JSON object."""
        return _answered(point, call, read_form(call.body()))

    return Operation(DECISAO, decide)


def read_form(data: bytes) -> Form:
    """
    Read the bytes of a question.

    Raises:
        InvalidInput: they are none; names the member.
    """
    return form_in(data) or form_of(parse_object(data))


def _answered(point: DecisionPoint, call: Call, form: Form) -> Reply:
    try:
        given = point.decide(
            form.question,
            call.caller,
            advise=True,
            looked=True,
            request_id=call.request_id,
            instance=form.instance,
        )
    except AmbiguousProcess as error:
        raise AmbiguousProcess("processo", error.candidates) from None
    allowed, text, advice = given.decision.allowed, given.text, given.advice
    changes = () if advice is None else advice.changes
    shown = {
        "permitido": allowed,
        "resultado": "PERMITIDO" if allowed else "NEGADO",
        "codigo": text.codigo,
        "mensagem": text.pt if advice is None else f"{text.pt} {advice.pt}",
        "nova_entrada": advice is not None and advice.step_up,
        "providencias": " ".join(one.codigo for one in changes),
        "por": " ".join(one.by.por for one in changes),
        "decisao_id": given.id,
    }
    return decided(as_json(shown), given.revision)


def form_of(sent: Mapping[str, Any]) -> Form:
    """
    Read what was sent as a question to the policy, and for which instance.

    Raises:
        InvalidInput: its structure is wrong; names the member.
    """
    body = _DECISAO.read(sent)
    return Form(_question(body), body["instancia"])


def _question(body: dict[str, Any]) -> Question | Impossible:
    action = ACTIONS[body["acao"]]
    actor: Cpf | Login
    company: Cnpj | ForeignId
    try:
        process = ProcessName.parse(body["processo"], body["versao"])
        if "login" in body and not _is_blank(body, _FOREIGN):
            actor, company = Login.parse(body["login"]), ForeignId.parse(body["empresa"])
        else:
            actor, company = Cpf.parse(body["cpf"]), Cnpj.parse(body["cnpj"])
        return Question(
            actor=actor,
            action=action,
            resource=ProcessAsked(process, company),
            sign_in=body["sessao"],
        )
    except InvalidInput as error:
        if error.field == "version":
            raise InvalidInput("versao", error.message) from None
        return Impossible(action, INVALID_IDENTIFIER)
