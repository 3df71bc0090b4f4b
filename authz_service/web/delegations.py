"""
Delegations: a representative replaces, lists and revokes, a member renounces.

The person who acts is proven by an access token of GOV.BR in a header of its own, or else
asserted by the calling program in the body, since no CPF may stand in a path; asserting
takes the scope ``actor:assert`` beside ``delegations``. Which of the two it is, is settled
before a byte of the body is read: a token that is refused never falls back on the body.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from authz_service.domain.delegation import Delegation, Event
from authz_service.domain.errors import InvalidInput, NotFound
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from authz_service.domain.sign_in import Token
from authz_service.usecases.acting import Acting, Validity
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.sign_in import SignInDesk
from authz_service.web.body import read_object
from authz_service.web.fields import Body, Parsed, Text, cnpj, cpf, day, handle, written
from authz_service.web.guards import caller, demand, needs

ALL = "all"
"""Stands for the processes that take requests now (Selecionar Todos)."""

TOKEN_HEADER = "Govbr-Access-Token"  # noqa: S105 -- the name of a header
"""Brings the access token of the person who acts."""

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
    """
    Who acts, in which sign-in, and why.

    A token in the header says who acts and in which sign-in: ``actor`` may then be absent,
    or has to be the same person, and ``sign_in`` is not looked at.
    """

    actor = cpf(required=True)
    sign_in = handle()
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


def blueprint(desk: DelegationDesk, sign_in_desk: SignInDesk) -> Blueprint:
    """Build the routes around one desk, and the one that proves who acts."""
    bp = Blueprint("delegations", __name__, url_prefix="/v1/delegations")

    def read(body: ActBody) -> tuple[Acting, dict[str, Any]]:
        token = request.headers.get(TOKEN_HEADER)
        if token is None:
            demand("actor:assert")
            sent = body.read(read_object())
            acting = Acting(
                sent["actor"], Evidence.ASSERTED, caller(), sent["why"], sent["sign_in"]
            )
            return acting, sent
        proof, handle = sign_in_desk.prove(Token(token), caller())
        sent = body.read(read_object(), optional=["actor"])
        if sent.get("actor", proof.person) != proof.person:
            raise InvalidInput("actor", "must be the person whom the token proves, or absent")
        acting = Acting(proof.person, Evidence.GOVBR, caller(), sent["why"], handle, proof)
        return acting, sent

    @bp.put("")
    @needs("delegations")
    def replace() -> ResponseReturnValue:
        """Make the given processes the whole set (Atualizar)."""
        acting, sent = read(_SET)
        # Absent leaves the last days as they are; null takes them away.
        validity = Validity(sent["until"]) if "until" in sent else None
        after = desk.replace_set(
            acting, sent["company"], sent["member"], sent["processes"], validity
        )
        return _listed(after, desk.clock())

    @bp.post("/search")
    @needs("delegations")
    def search() -> ResponseReturnValue:
        """List delegations, ended ones included; a POST keeps the CPFs out of the URL."""
        acting, sent = read(_SEARCH)
        found = desk.of_company(acting, sent["company"], sent["member"])
        return _listed(found, desk.clock())

    @bp.post("/<delegation_id>/revoke")
    @needs("delegations")
    def revoke(delegation_id: str) -> ResponseReturnValue:
        """End a delegation in the name of the company."""
        acting, _sent = read(_ACT)
        return _delegation(desk.revoke(acting, _id(delegation_id)), desk.clock())

    @bp.post("/<delegation_id>/renounce")
    @needs("delegations")
    def renounce(delegation_id: str) -> ResponseReturnValue:
        """End a delegation by the member's own will."""
        acting, _sent = read(_ACT)
        return _delegation(desk.renounce(acting, _id(delegation_id)), desk.clock())

    return bp


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
