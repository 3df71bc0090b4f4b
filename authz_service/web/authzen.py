"""
AuthZEN Authorization API 1.0: ``POST /access/v1/evaluation``.

The subject is a person by CPF, the resource a process in the name of a company, or a
company. What is malformed in its structure is a 400 that names the member; what is well
formed but means nobody and nothing, such as a wrong check digit, is a ``false``.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from authz_service.domain.decision import (
    INVALID_IDENTIFIER,
    UNKNOWN_TYPE,
    CompanyAsked,
    Impossible,
    ProcessAsked,
    Question,
)
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.processes import ProcessName
from authz_service.usecases.decide import DecisionPoint
from authz_service.web.body import parse_object, read_object
from authz_service.web.fields import Body, Members, Part, Text, handle, version
from authz_service.web.guards import caller, needs


class SubjectBody(Body):
    """Who acts: ``{"type": "person", "id": CPF}``."""

    type = Text(required=True)
    id = Text(required=True)
    properties = Members()


class ActionBody(Body):
    """What is to be done; ``properties.recipient`` is the other person of a delegation."""

    name = Text(required=True)
    properties = Members()


class ResourceBody(Body):
    """What is acted on: a process of Orquestra or a company."""

    type = Text(required=True)
    id = Text(required=True)
    properties = Members()


class EvaluationBody(Body):
    """The request of the Access Evaluation API (section 6.1)."""

    subject = Part(SubjectBody, required=True)
    action = Part(ActionBody, required=True)
    resource = Part(ResourceBody, required=True)
    context = Members()


class ProcessProperties(Body):
    """The properties of a resource of type ``process``."""

    cnpj = Text(required=True)
    version = version()


class ActionProperties(Body):
    """The properties of an action that the service itself reads."""

    recipient = Text(allow_none=True, load_default=None)


class Context(Body):
    """
    The member of the context that the service itself reads.

    The handle is a secret, and what rules see goes to the decision log: no rule sees it.
    """

    sign_in = handle()


_EVALUATION = EvaluationBody()
_PROCESS = ProcessProperties()
_ACTION = ActionProperties()
_CONTEXT = Context()


def blueprint(point: DecisionPoint) -> Blueprint:
    """Build the AuthZEN route around one decision point."""
    bp = Blueprint("authzen", __name__)

    @bp.post("/access/v1/evaluation")
    @needs("decide")
    def evaluation() -> ResponseReturnValue:
        """Answer one question; a deny is an answer, so it is a 200."""
        question = _question(_EVALUATION.read(read_object()))
        try:
            answer = point.decide(question, caller())
        except AmbiguousProcess as error:
            raise AmbiguousProcess("resource.id", error.candidates) from None
        body = jsonify({"decision": answer.decision.allowed})
        return body, {"Decision-Id": answer.id}

    return bp


def read_question(data: bytes) -> Question | Impossible:
    """
    Read the bytes of an evaluation request, as the route does.

    Raises:
        InvalidInput: they are no request; names the member.
    """
    return _question(_EVALUATION.read(parse_object(data)))


def _question(body: dict[str, Any]) -> Question | Impossible:
    """
    Read a request as a question to the policy.

    Raises:
        InvalidInput: its structure is wrong, which counts before anything it could mean.
    """
    subject, action, resource = body["subject"], body["action"], body["resource"]
    properties, context = action["properties"], body["context"]
    recipient = _ACTION.read(properties, "action.properties")["recipient"]
    sign_in = _CONTEXT.read(context, "context")["sign_in"]
    wanted = None
    if resource["type"] == "process":
        wanted = _PROCESS.read(resource["properties"], "resource.properties")
    elif resource["type"] != "company":
        return Impossible(action["name"], UNKNOWN_TYPE)
    try:
        asked = (
            CompanyAsked(Cnpj.parse(resource["id"]))
            if wanted is None
            else _process(resource["id"], wanted)
        )
        if subject["type"] != "person":
            return Impossible(action["name"], UNKNOWN_TYPE)
        return Question(
            actor=Cpf.parse(subject["id"]),
            action=action["name"],
            resource=asked,
            recipient=None if recipient is None else Cpf.parse(recipient),
            context={name: context[name] for name in context if name != "sign_in"},
            properties={name: properties[name] for name in properties if name != "recipient"},
            sign_in=sign_in,
        )
    except InvalidInput as error:
        if error.field == "version":
            raise InvalidInput("resource.properties.version", error.message) from None
        return Impossible(action["name"], INVALID_IDENTIFIER)


def _process(name: str, wanted: dict[str, Any]) -> ProcessAsked:
    # The name first: two versions that contradict each other count before a wrong CNPJ.
    process = ProcessName.parse(name, wanted["version"])
    return ProcessAsked(process, Cnpj.parse(wanted["cnpj"]))
