"""
People: what a caller asserts about persons, and what is known of one.

A CPF stands in the body alone, never in a path or a query: URLs end up in logs.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.people import Person
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.register import Registrar
from authz_service.web.body import read_object
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Body, cpf, flag, instant, written
from authz_service.web.guards import caller, needs
from authz_service.web.shapes import Shape
from authz_service.web.standing import StandingAnswer, standing_shown

_TAG = "People"


class PersonBody(Body):
    """Whether a person has registered at GOV.BR and is confirmed by Orquestra."""

    cpf = cpf(required=True)
    registered = flag(required=True)
    confirmed = flag(required=True)
    moreover: ClassVar[Shape] = {
        "if": {"properties": {"registered": {"const": False}}},
        "then": {"properties": {"confirmed": {"const": False}}},
    }


class PersonLookupBody(Body):
    """Of whom something is to be known."""

    cpf = cpf(required=True)


class PersonAnswer(Answer):
    """A person, and when registered at GOV.BR and confirmed by Orquestra."""

    cpf = cpf(required=True)
    registered_at = instant(required=True, allow_none=True)
    confirmed_at = instant(required=True, allow_none=True)


class PersonKnownAnswer(Answer):
    """What is known of a person; ``person`` is null where only standing is."""

    person = fields.Nested(PersonAnswer, required=True, allow_none=True)
    standings = fields.List(fields.Nested(StandingAnswer), required=True)


_PERSON = PersonBody()
_LOOKUP = PersonLookupBody()


def blueprint(registrar: Registrar, lookup: Lookup) -> Blueprint:
    """Build the routes around those who take and show what is known of persons."""
    bp = Blueprint("people", __name__, url_prefix="/v1/people")

    @bp.post("")
    @needs("standing:assert")
    @describes(_TAG, body=PersonBody, answer=PersonAnswer)
    def say() -> ResponseReturnValue:
        """
        Say whether a person is registered and confirmed.

        It replaces what was said before. For migration and tests: a sign-in at GOV.BR registers
        a person as well, and a confirmation confirms.
        """
        said = _PERSON.read(read_object())
        known = registrar.person(
            said["cpf"],
            registered=said["registered"],
            confirmed=said["confirmed"],
            caller=caller(),
        )
        return person_shown(known)

    @bp.post("/lookup")
    @needs("people:read")
    @describes(_TAG, body=PersonLookupBody, answer=PersonKnownAnswer, problems=(404,))
    def look_up() -> ResponseReturnValue:
        """
        Show what is known of a person, with all current standing.

        Each call is written to the decision log as an act, under the person's surrogate.
        """
        sent = _LOOKUP.read(read_object())
        known = lookup.person(sent["cpf"], caller())
        return {
            "person": None if known.person is None else person_shown(known.person),
            "standings": [standing_shown(one) for one in known.standings],
        }

    return bp


def person_shown(person: Person) -> dict[str, Any]:
    """Show a person to a caller who has named the CPF, or brought its token."""
    return {
        "cpf": person.cpf.digits,
        "registered_at": written(person.registered_at),
        "confirmed_at": written(person.confirmed_at),
    }
