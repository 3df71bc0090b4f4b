"""
AuthZEN's requests as nearly everybody sends them: questions about persons, read at once.

Whatever is read here means the same to the schemas of ``evaluation`` and ``authzen``, which a test
holds it to; for everything else, all that is wrong among it, there is None, and they are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

from authz_service.domain.decision import (
    INVALID_IDENTIFIER,
    CompanyAsked,
    Impossible,
    ProcessAsked,
    Question,
)
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import CompanyId, Cpf, Login
from authz_service.web.fields import handle_of, version_of
from authz_service.web.lean import strict
from authz_service.web.lean.strict import Doubt, Scalar, bag, decoder

_REMEMBERED = 16_384
# Characters of all its texts: a question with longer ones is made each time.
_LONGEST_REMEMBERED = 320

_Bag = dict[str, Scalar] | UnsetType | None


class _Subject(Struct, forbid_unknown_fields=True, gc=False):
    type: str
    id: str
    properties: _Bag = UNSET


class _Action(Struct, forbid_unknown_fields=True):
    name: str
    properties: _Bag = UNSET


class _Properties(Struct, forbid_unknown_fields=True, gc=False):
    cnpj: str | UnsetType | None = UNSET
    company: str | UnsetType | None = UNSET
    version: int | float | str | UnsetType | None = UNSET


class _Resource(Struct, forbid_unknown_fields=True):
    type: str
    id: str
    properties: _Properties | UnsetType | None = UNSET


class _Evaluation(Struct, forbid_unknown_fields=True):
    subject: _Subject
    action: _Action
    resource: _Resource
    context: _Bag = UNSET


class _Part(Struct, forbid_unknown_fields=True):
    """One of several evaluations, or what holds for those that lack it."""

    subject: _Subject | UnsetType = UNSET
    action: _Action | UnsetType = UNSET
    resource: _Resource | UnsetType = UNSET
    context: _Bag = UNSET


class _Options(Struct, forbid_unknown_fields=True):
    evaluations_semantic: str | UnsetType | None = UNSET


class _Evaluations(_Part, forbid_unknown_fields=True, kw_only=True):
    evaluations: list[_Part]
    options: _Options | UnsetType | None = UNSET


_evaluation = decoder(_Evaluation)
_evaluations = decoder(_Evaluations)


def question_in(data: bytes) -> Question | Impossible | None:
    """Read the bytes of a request with one question, or give None."""
    found = _evaluation(data)
    if found is None:
        return None
    try:
        return _question(found.subject, found.action, found.resource, found.context)
    except Doubt:
        return None


class Batch(NamedTuple):
    """
    A request with several questions.

    Attributes:
        asked: the questions, one or more, in their order.
        semantic: the name of how they are to be answered, or None if it is not said.
    """

    asked: list[Question | Impossible]
    semantic: str | None


def batch_in(data: bytes) -> Batch | None:
    """Read the bytes of a request with several questions, or give None."""
    found = _evaluations(data)
    if found is None or not found.evaluations:
        return None
    semantic = found.options.evaluations_semantic if found.options else None
    subject, action, resource, context = found.subject, found.action, found.resource, found.context
    try:
        _check(found)
        asked = [
            _question(
                subject if one.subject is UNSET else one.subject,
                action if one.action is UNSET else one.action,
                resource if one.resource is UNSET else one.resource,
                context if one.context is UNSET else one.context,
            )
            for one in found.evaluations
        ]
    except Doubt:
        return None
    return Batch(asked, None if semantic is UNSET else semantic)


def _question(
    subject: _Subject | UnsetType,
    action: _Action | UnsetType,
    resource: _Resource | UnsetType,
    context: _Bag,
) -> Question | Impossible:
    """Make a question of its parts, none of which may be missing; absent is as good as empty."""
    if subject is UNSET or action is UNSET or resource is UNSET:
        raise Doubt
    properties = resource.properties
    if not (context or action.properties or subject.properties) and properties:
        cnpj = properties.cnpj
        if (
            cnpj
            and properties.version is UNSET
            and properties.company is UNSET
            and subject.type == "person"
            and resource.type == "process"
        ):
            return _usual(subject.id, action.name, resource.id, cnpj)
    if subject.properties:
        bag(subject.properties)
    version = _version(properties) if properties else None
    of_process = _company(properties) if resource.type == "process" else None
    particulars: dict[str, Scalar] = {}
    circumstances: dict[str, Scalar] = {}
    recipient = sign_in = None
    if action.properties:
        recipient, particulars = _without("recipient", bag(action.properties))
    if context:
        sign_in, circumstances = _without("sign_in", bag(context))
        sign_in = None if sign_in is None else handle_of(sign_in)
    # In the order of the schemas: what is wrong in structure, such as a version that contradicts
    # another or a company too few, counts before a wrong CPF.
    try:
        asked: ProcessAsked | CompanyAsked
        if of_process is not None:
            parse, company = of_process
            asked = ProcessAsked(strict.process(resource.id, version), parse(company))
        elif resource.type == "company":
            asked = CompanyAsked(strict.company(resource.id))
        else:
            raise Doubt
        return Question(
            _actor(subject),
            action.name,
            asked,
            recipient=None if recipient is None else strict.cpf(recipient),
            context=circumstances,
            properties=particulars,
            sign_in=sign_in,
        )
    except InvalidInput:
        return Impossible(action.name, INVALID_IDENTIFIER)


def _usual(person: str, action: str, process: str, company: str) -> Question | Impossible:
    """Make the question that nearly every one is: a person, a process, a company, and no more."""
    try:
        if len(person) + len(action) + len(process) + len(company) <= _LONGEST_REMEMBERED:
            return _remembered(person, action, process, company)
        return _made(person, action, process, company)
    except InvalidInput:
        return Impossible(action, INVALID_IDENTIFIER)


def _made(person: str, action: str, process: str, company: str) -> Question:
    asked = ProcessAsked(strict.process(process, None), strict.cnpj(company))
    return Question(strict.cpf(person), action, asked)


# The same questions come again, at each start of a process; what they mean is always the same.
_remembered = lru_cache(_REMEMBERED)(_made)


def _check(part: _Part) -> None:
    """Raise ``Doubt`` over numbers in a part, which count even where nothing else of it does."""
    bag(part.context)
    if part.subject:
        bag(part.subject.properties)
    if part.action:
        bag(part.action.properties)
    if part.resource and part.resource.properties:
        _version(part.resource.properties)


def _actor(subject: _Subject) -> Cpf | Login:
    if subject.type == "person":
        return strict.cpf(subject.id)
    if subject.type == "login":
        return Login.parse(subject.id)
    raise Doubt


def _company(
    properties: _Properties | UnsetType | None,
) -> tuple[Callable[[str], CompanyId], str]:
    """Give what reads the one company of a process, and its text."""
    if not properties:
        raise Doubt
    cnpj, company = properties.cnpj, properties.company
    if cnpj is UNSET or cnpj is None:
        if company is UNSET or company is None:
            raise Doubt
        return strict.company, company
    if company is UNSET or company is None:
        return strict.cnpj, cnpj
    raise Doubt


def _version(properties: _Properties) -> int | None:
    """Give the version that is named, or None; of what no process is it means nothing."""
    version = properties.version
    if version is UNSET or version is None:
        return None
    try:
        return version_of(version)
    except InvalidInput:
        raise Doubt from None


def _without(name: str, members: dict[str, Scalar]) -> tuple[str | None, dict[str, Scalar]]:
    """Give a text of a bag, None if it is null or absent, and the bag without it."""
    if name not in members:
        return None, members
    found = members[name]
    if found is not None and not isinstance(found, str):
        raise Doubt
    return found, {one: members[one] for one in members if one != name}
