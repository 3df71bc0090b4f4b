"""
Delegations: a representative replaces, lists and revokes, a member renounces.

The person who acts stands in the body, since no CPF may stand in a path, and is asserted
by the calling program; that takes the scope ``actor:assert`` beside ``delegations``.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from authz_service.domain.delegation import Delegation, Event
from authz_service.domain.errors import InvalidInput, NotFound
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from authz_service.usecases.acting import Acting, Validity
from authz_service.usecases.delegate import DelegationDesk
from authz_service.web.body import read_object
from authz_service.web.fields import Body, Parsed, Text, cnpj, cpf, day, written
from authz_service.web.guards import caller, needs

ALL = "all"
"""Stands for the processes that take requests now (Selecionar Todos)."""

_MOST_PROCESSES = 200
_LONGEST_WHY = 500
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


def _processes(value: object) -> list[ProcessName] | None:
    """Read a list of ids, codes or labels, or ``"all"``, which is None."""
    if value == ALL:
        return None
    if not isinstance(value, list):
        raise InvalidInput("processes", f"must be a list of processes, or `{ALL}`")
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


class ActBody(Body):
    """Who acts, and why."""

    actor = cpf(required=True)
    why = Text(longest=_LONGEST_WHY, allow_none=True, load_default=None)


class SetBody(ActBody):
    """The whole set that a company delegates to one member, and until when."""

    company = cnpj(required=True)
    member = cpf(required=True)
    processes = Parsed(_processes, required=True)
    until = day(allow_none=True)


class SearchBody(ActBody):
    """Whose delegations are to be listed; without a member, all of the company."""

    company = cnpj(required=True)
    member = cpf(allow_none=True, load_default=None)


_ACT = ActBody()
_SET = SetBody()
_SEARCH = SearchBody()


def blueprint(desk: DelegationDesk) -> Blueprint:
    """Build the routes around one desk."""
    bp = Blueprint("delegations", __name__, url_prefix="/v1/delegations")

    @bp.put("")
    @needs("delegations", "actor:assert")
    def replace() -> ResponseReturnValue:
        """Make the given processes the whole set (Atualizar)."""
        sent = _SET.read(read_object())
        # Absent leaves the last days as they are; null takes them away.
        validity = Validity(sent["until"]) if "until" in sent else None
        after = desk.replace_set(
            _acting(sent), sent["company"], sent["member"], sent["processes"], validity
        )
        return _listed(after, desk.clock())

    @bp.post("/search")
    @needs("delegations", "actor:assert")
    def search() -> ResponseReturnValue:
        """List delegations, ended ones included; a POST keeps the CPFs out of the URL."""
        sent = _SEARCH.read(read_object())
        found = desk.of_company(_acting(sent), sent["company"], sent["member"])
        return _listed(found, desk.clock())

    @bp.post("/<delegation_id>/revoke")
    @needs("delegations", "actor:assert")
    def revoke(delegation_id: str) -> ResponseReturnValue:
        """End a delegation in the name of the company."""
        acting = _acting(_ACT.read(read_object()))
        return _delegation(desk.revoke(acting, _id(delegation_id)), desk.clock())

    @bp.post("/<delegation_id>/renounce")
    @needs("delegations", "actor:assert")
    def renounce(delegation_id: str) -> ResponseReturnValue:
        """End a delegation by the member's own will."""
        acting = _acting(_ACT.read(read_object()))
        return _delegation(desk.renounce(acting, _id(delegation_id)), desk.clock())

    return bp


def _acting(sent: dict[str, Any]) -> Acting:
    return Acting(sent["actor"], Evidence.ASSERTED, caller(), sent["why"])


def _id(text: str) -> str:
    # Not every store can look for every text: a path may hold NUL or half a character.
    if _ID.fullmatch(text) is None:
        raise NotFound("there is no such delegation")
    return text


def _listed(found: list[Delegation], moment: datetime) -> dict[str, Any]:
    return {"delegations": [_delegation(one, moment) for one in found]}


def _delegation(one: Delegation, moment: datetime) -> dict[str, Any]:
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
