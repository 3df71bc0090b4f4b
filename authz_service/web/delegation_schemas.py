"""Delegations as they are asked for and as they are shown: bodies and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields

from authz_service.domain.delegation import Delegation, DelegationState, Event, EventKind
from authz_service.domain.errors import InvalidInput
from authz_service.domain.processes import ProcessName
from authz_service.web.acting import ActBody
from authz_service.web.contract import Answer
from authz_service.web.fields import Parsed, Text, cnpj, cpf, day, instant, version, written
from authz_service.web.paging import Paged, PagedAnswer
from authz_service.web.shapes import Shape

ALL = "all"
"""Stands for the processes that take requests now (Selecionar Todos)."""

_MOST_PROCESSES = 200
_NAMES: Shape = {
    "type": "array",
    "items": {"type": "string", "minLength": 1},
    "maxItems": _MOST_PROCESSES,
    "examples": [["P001", "P061 - Registro v.2"]],
}
_OR_ALL: Shape = {**_NAMES, "type": ["array", "string"], "pattern": f"^{ALL}$"}


def _processes(value: object) -> list[ProcessName]:
    """Read a list of ids, codes or labels."""
    if not isinstance(value, list):
        raise InvalidInput("processes", "must be a list of processes")
    if len(value) > _MOST_PROCESSES:
        raise InvalidInput("processes", f"must have at most {_MOST_PROCESSES} processes")
    names, errors = [], {}
    for position, name in enumerate(value):
        try:
            names.append(ProcessName.parse(name))
        except InvalidInput as error:
            errors[position] = [error.message]
    if errors:
        raise ValidationError(errors)
    return names


def _processes_or_all(value: object) -> list[ProcessName] | None:
    """Read a list of processes, or ``"all"``, which is None."""
    if value == ALL:
        return None
    if not isinstance(value, list):
        raise InvalidInput("processes", f"must be a list of processes, or `{ALL}`")
    return _processes(value)


class SetBody(ActBody):
    """
    The whole set that a company delegates to one member, and until when.

    ``processes`` lists ids, codes or labels, or is ``all`` for those that take requests now.
    Without ``until``, last days stay as they are; null takes them away.
    """

    company = cnpj(required=True)
    member = cpf(required=True)
    processes = Parsed(_processes_or_all, shape=_OR_ALL, required=True)
    until = day(allow_none=True)


class GrantBody(ActBody):
    """
    What a company delegates to one member beside what the member has, and until when.

    ``until`` is for the processes that are named here; see the body of a replacement.
    """

    company = cnpj(required=True)
    member = cpf(required=True)
    processes = Parsed(_processes, shape={**_NAMES, "minItems": 1}, required=True)
    until = day(allow_none=True)


class SearchBody(ActBody, Paged):
    """
    Which delegations are to be listed, ended ones included; without a member, of all members.

    ``process`` is an id, a code or a label; ``state`` is how the delegation stands now.
    """

    company = cnpj(required=True)
    member = cpf(allow_none=True, load_default=None)
    process = Parsed(
        ProcessName.parse,
        shape={"type": "string", "minLength": 1, "examples": ["P001"]},
        allow_none=True,
        load_default=None,
    )
    state = Text(
        choices=tuple(one.value for one in DelegationState if one is not DelegationState.NONE),
        allow_none=True,
        load_default=None,
    )


class EventAnswer(Answer):
    """What happened to a delegation: who did it, through which client, and why."""

    kind = Text(required=True, choices=tuple(EventKind))
    at = instant(required=True)
    actor = cpf(required=True)
    client = Text(required=True)
    why = Text(required=True, allow_none=True)
    until = day(required=True, allow_none=True)


class DelegationAnswer(Answer):
    """
    A delegation as it stands now, and all that happened to it, the oldest first.

    ``backers`` are the grantor and those who have confirmed it since; ``until`` is the last
    civil day of Brasília on which it counts. Eleven zeros stand for a person who was erased.
    """

    id = Text(required=True)
    company = cnpj(required=True)
    member = cpf(required=True)
    process = Text(required=True)
    version = version(required=True)
    state = Text(required=True, choices=tuple(DelegationState))
    until = day(required=True, allow_none=True)
    grantor = cpf(required=True)
    backers = fields.List(cpf(), required=True)
    history = fields.List(fields.Nested(EventAnswer), required=True)


class SetAnswer(Answer):
    """The member's delegations that are in force, the oldest first."""

    delegations = fields.List(fields.Nested(DelegationAnswer), required=True)


class DelegationsAnswer(PagedAnswer):
    """A part of a list of delegations, the oldest first."""

    delegations = fields.List(fields.Nested(DelegationAnswer), required=True)


def delegation_shown(one: Delegation, moment: datetime) -> dict[str, Any]:
    """Show a delegation, persons in clear: the policy has let the one who asks read it."""
    return {
        "id": one.id,
        "company": one.company.value,
        "member": one.member.digits,
        "process": one.process.value,
        "version": one.version,
        "state": one.state(moment).value,
        "until": written(one.last_day),
        "grantor": one.grantor.digits,
        "backers": [person.digits for person in one.backers],
        "history": [_event(event) for event in one.history],
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "at": written(event.at),
        "actor": event.actor.digits,
        "client": event.caller,
        "why": event.why,
        "until": written(event.last_day),
    }
