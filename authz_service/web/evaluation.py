"""
How AuthZEN asks: the request of the Access Evaluation API (section 6.1), read as a question.

The subject is a person by CPF, the login of a foreign company's representative, or an entity
of a type that the file ``AUTHZ_ENTITIES`` knows. The resource is a process in the name of a
company, a company, or such an entity. What is malformed in its structure is an error that
names the member; what is well formed but means nobody and nothing, such as a wrong check
digit, is a question that can only be denied.
"""

from __future__ import annotations

from typing import Any, ClassVar

from authz_service.domain.decision import (
    INVALID_IDENTIFIER,
    UNKNOWN_TYPE,
    Actor,
    CompanyAsked,
    Impossible,
    ProcessAsked,
    Question,
    Resource,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf, Login, parse_company
from authz_service.domain.processes import ProcessName
from authz_service.web import shapes
from authz_service.web.fields import Body, Members, Part, Text, handle, version
from authz_service.web.shapes import Shape

EXAMPLE: Shape = {
    "subject": {"type": "person", "id": "18762794604"},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": "52420282000180"}},
}
"""A request of the Access Evaluation API, for the published contract."""

_STRING: Shape = {"type": "string"}
_NULL: Shape = {"type": "null"}
_OF_A_PROCESS: Shape = {
    "type": "object",
    "properties": {
        "cnpj": {
            "type": ["string", "null"],
            "description": "The company's CNPJ.",
            "examples": ["52420282000180"],
        },
        "company": {
            "type": ["string", "null"],
            "description": "In its place a CNPJ or the number of a foreign company.",
            "examples": ["EX-0000123-0"],
        },
        "version": {
            **shapes.VERSION_ASKED,
            "type": [*shapes.VERSION_ASKED["type"], "null"],
            "description": "The version that is meant; the newest where none is named.",
        },
    },
    "oneOf": [
        {"required": ["cnpj"], "properties": {"cnpj": _STRING, "company": _NULL}},
        {"required": ["company"], "properties": {"company": _STRING, "cnpj": _NULL}},
    ],
}


class SubjectBody(Body):
    """
    Who acts: ``person`` with a CPF, ``login`` with a login of Orquestra, or another's entity.

    Properties count only of another's entity.
    """

    type = Text(required=True)
    id = Text(required=True)
    properties = Members()


class ActionProperties(Body):
    """The properties of an action that the service itself reads."""

    recipient = Text(allow_none=True, load_default=None)


class ActionBody(Body):
    """What is to be done; ``properties.recipient`` is the other person of a delegation."""

    name = Text(required=True)
    properties = Members(known=ActionProperties)


class ResourceBody(Body):
    """
    What is acted on: a ``process`` of Orquestra, a ``company``, or another's entity.

    A process is named by its id, its code or its label, a company by its CNPJ or by the
    number of a foreign company.
    """

    type = Text(required=True)
    id = Text(required=True)
    properties = Members()
    moreover: ClassVar[Shape] = {
        "if": {"properties": {"type": {"const": "process"}}, "required": ["type"]},
        "then": {"properties": {"properties": _OF_A_PROCESS}, "required": ["properties"]},
    }


class Context(Body):
    """
    The member of the context that the service itself reads.

    The handle is a secret, and what rules see goes to the decision log: no rule sees it.
    """

    sign_in = handle()


class EvaluationBody(Body):
    """May this subject do this? The request of the Access Evaluation API (section 6.1)."""

    subject = Part(SubjectBody, required=True)
    action = Part(ActionBody, required=True)
    resource = Part(ResourceBody, required=True)
    context = Members(known=Context)
    moreover: ClassVar[Shape] = {"examples": [EXAMPLE]}


class ProcessProperties(Body):
    """The properties of a resource of type ``process``; it has one company."""

    cnpj = Text(allow_none=True, load_default=None)
    company = Text(allow_none=True, load_default=None)
    version = version()


_EVALUATION = EvaluationBody()
_PROCESS = ProcessProperties()
_ACTION = ActionProperties()
_CONTEXT = Context()


def question_of(sent: dict[str, Any]) -> Question | Impossible:
    """
    Read a request as a question to the policy.

    Raises:
        InvalidInput: its structure is wrong, which counts before anything it could mean;
            names the member.
    """
    body = _EVALUATION.read(sent)
    subject, action, resource = body["subject"], body["action"], body["resource"]
    properties, context = action["properties"], body["context"]
    recipient = _ACTION.read(properties, "action.properties")["recipient"]
    sign_in = _CONTEXT.read(context, "context")["sign_in"]
    of_process = _of_process(resource["properties"]) if resource["type"] == "process" else None
    try:
        asked = _resource(resource, of_process)
        return Question(
            actor=_actor(subject),
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
        reason = UNKNOWN_TYPE if error.field == "type" else INVALID_IDENTIFIER
        return Impossible(action["name"], reason)


def _of_process(properties: dict[str, Any]) -> dict[str, Any]:
    wanted = _PROCESS.read(properties, "resource.properties")
    cnpj, company = wanted["cnpj"], wanted["company"]
    if cnpj is None and company is None:
        raise InvalidInput("resource.properties.cnpj", "is required where there is no `company`")
    if cnpj is not None and company is not None:
        raise InvalidInput("resource.properties.company", "must not stand beside `cnpj`")
    return wanted


def _actor(subject: dict[str, Any]) -> Actor:
    if subject["type"] == "person":
        return Cpf.parse(subject["id"])
    if subject["type"] == "login":
        return Login.parse(subject["id"])
    return Thing(EntityName(subject["type"], subject["id"]), subject["properties"])


def _resource(resource: dict[str, Any], of_process: dict[str, Any] | None) -> Resource:
    if of_process is not None:
        # The name first: two versions that contradict each other count before a wrong CNPJ.
        name = ProcessName.parse(resource["id"], of_process["version"])
        if of_process["cnpj"] is not None:
            return ProcessAsked(name, Cnpj.parse(of_process["cnpj"]))
        return ProcessAsked(name, parse_company(of_process["company"]))
    if resource["type"] == "company":
        return CompanyAsked(parse_company(resource["id"]))
    return Thing(EntityName(resource["type"], resource["id"]), resource["properties"])
