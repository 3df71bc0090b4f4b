"""
AuthZEN's requests as nearly everybody sends them: questions about persons, read at once.

Whatever is read here means the same to the schemas of ``evaluation`` and ``authzen``, which a test
holds it to; for everything else, all that is wrong among it, there is None, and they are asked.

The same questions come again, at each start of a process, in the same bytes. What those were read
as is remembered, and is the very same object then: ``usecases.before`` knows it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import UNSET, Raw, Struct, UnsetType

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

_REMEMBERED = 65_536
# Bytes: longer questions are read each time, so that nobody fills the memory with them.
_LONGEST_REMEMBERED = 512
# The name of the member that holds the handle of a sign-in; escapes are not read here.
_SECRET = b'"sign_in"'
_NOTHING: Mapping[bytes, Question] = MappingProxyType({})

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


class _Evaluations(Struct, forbid_unknown_fields=True, kw_only=True):
    """Several evaluations, and what holds for those that lack it, as they stand there."""

    subject: Raw | UnsetType = UNSET
    action: Raw | UnsetType = UNSET
    resource: Raw | UnsetType = UNSET
    context: Raw | UnsetType = UNSET
    evaluations: list[Raw]
    options: _Options | UnsetType | None = UNSET


_evaluation = decoder(_Evaluation)
_evaluations = decoder(_Evaluations)
_part = decoder(_Part)


class _Memory:
    """
    What bytes were read as: questions alone, none of them long or with a secret in it.

    Where there is no room, all is forgotten. Any number of threads may ask at once.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, dict[bytes, Question]] = {}
        self._count = 0

    def beside(self, defaults: bytes) -> Mapping[bytes, Question]:
        """Give what was read beside these *defaults*, by its bytes."""
        return self._known.get(defaults, _NOTHING)

    def keep(self, defaults: bytes, data: bytes, asked: Question | Impossible) -> None:
        """Keep what *data* was read as beside *defaults*."""
        if (
            type(asked) is Question
            and len(data) + len(defaults) <= _LONGEST_REMEMBERED
            and not (_SECRET in data or _SECRET in defaults)
        ):
            self._count += 1
            if self._count > _REMEMBERED:
                self._count = 0
                self._known = {}
            self._known.setdefault(defaults, {})[data] = asked


_memory = _Memory()
_ALONE = b""


def question_in(data: bytes) -> Question | Impossible | None:
    """Read the bytes of a request with one question, or give None."""
    before = _memory.beside(_ALONE).get(data)
    if before is not None:
        return before
    found = _evaluation(data)
    if found is None:
        return None
    try:
        asked = _question(found.subject, found.action, found.resource, found.context)
    except Doubt:
        return None
    _memory.keep(_ALONE, data, asked)
    return asked


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
    # As members of an object, which they were, and nobody can take for each other.
    defaults = b",".join(
        name + b":" + bytes(value)
        for name, value in (
            (b'"subject"', found.subject),
            (b'"action"', found.action),
            (b'"resource"', found.resource),
            (b'"context"', found.context),
        )
        if value is not UNSET
    )
    known = _memory.beside(defaults)
    asked: list[Question | Impossible] = []
    beside: _Part | None = None
    try:
        for one in found.evaluations:
            data = bytes(one)
            before = known.get(data)
            if before is None:
                if beside is None:
                    beside = _beside(defaults)
                read = _one_of_several(data, beside)
                _memory.keep(defaults, data, read)
                asked.append(read)
            else:
                asked.append(before)
    except Doubt:
        return None
    return Batch(asked, None if semantic is UNSET else semantic)


def _beside(defaults: bytes) -> _Part:
    """Read what holds for evaluations that lack it."""
    found = _part(b"{" + defaults + b"}")
    if found is None:
        raise Doubt
    # Its numbers count even where nothing else of it does.
    bag(found.context)
    if found.subject:
        bag(found.subject.properties)
    if found.action:
        bag(found.action.properties)
    if found.resource and found.resource.properties:
        _version(found.resource.properties)
    return found


def _one_of_several(data: bytes, beside: _Part) -> Question | Impossible:
    """Read one of several evaluations: what it lacks is what stands *beside* it."""
    found = _part(data)
    if found is None:
        raise Doubt
    return _question(
        beside.subject if found.subject is UNSET else found.subject,
        beside.action if found.action is UNSET else found.action,
        beside.resource if found.resource is UNSET else found.resource,
        beside.context if found.context is UNSET else found.context,
    )


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
    raise Doubt  # mutant: what is of no process is in doubt as well


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
