"""
Standing: what a caller asserts about persons and companies, for migration and tests.

It is evidence of a kind of its own (``asserted``), which policies can refuse; what GOV.BR
says prevails over it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from authz_service.domain.people import Person, Role
from authz_service.usecases.register import Registrar
from authz_service.web.body import read_object
from authz_service.web.fields import Body, Text, cnpj, cpf, day, flag, instant, written
from authz_service.web.guards import caller, needs

_LONGEST_PROOF = 500


class PersonBody(Body):
    """Whether a person has registered at GOV.BR and is confirmed by Orquestra."""

    cpf = cpf(required=True)
    registered = flag(required=True)
    confirmed = flag(required=True)


class StandingBody(Body):
    """What a person is in a company (atuação), and until when."""

    cpf = cpf(required=True)
    company = cnpj(required=True)
    role = Text(choices=tuple(Role), required=True)
    ends_at = instant(allow_none=True, load_default=None)


class BondBody(Body):
    """Where the proof is kept that a filial belongs to a matriz (prova de vínculo)."""

    filial = cnpj(required=True)
    matriz = cnpj(required=True)
    proof = Text(required=True, longest=_LONGEST_PROOF)
    until = day(allow_none=True, load_default=None)


_PERSON = PersonBody()
_STANDING = StandingBody()
_BOND = BondBody()


def blueprint(registrar: Registrar) -> Blueprint:
    """Build the routes around the one who takes assertions."""
    bp = Blueprint("standing", __name__)

    @bp.post("/v1/people")
    @needs("standing:assert")
    def person() -> ResponseReturnValue:
        """Say whether a person is registered and confirmed; what was said before is replaced."""
        said = _PERSON.read(read_object())
        known = registrar.person(
            said["cpf"],
            registered=said["registered"],
            confirmed=said["confirmed"],
            caller=caller(),
        )
        return person_shown(known)

    @bp.post("/v1/standing")
    @needs("standing:assert")
    def stand() -> ResponseReturnValue:
        """Say what a person is in a company; it supersedes what was asserted before."""
        said = _STANDING.read(read_object())
        role = Role(said["role"])
        known = registrar.standing(said["company"], said["cpf"], role, said["ends_at"], caller())
        return {
            "cpf": known.person.digits,
            "company": known.company.value,
            "role": known.role.value,
            "evidence": known.evidence.value,
            "observed_at": written(known.observed_at),
            "ends_at": written(known.ends_at),
        }

    @bp.post("/v1/bonds")
    @needs("standing:assert")
    def bond() -> ResponseReturnValue:
        """Record a filial's bond to its matriz; it supersedes the one that the filial had."""
        said = _BOND.read(read_object())
        known = registrar.bond(
            said["filial"], said["matriz"], said["proof"], said["until"], caller()
        )
        return {
            "filial": known.filial.value,
            "matriz": known.matriz.value,
            "proof": known.proof,
            "recorded_at": written(known.recorded_at),
            "until": written(known.last_day),
        }

    return bp


def person_shown(person: Person) -> dict[str, Any]:
    """Show a person to a caller who has named the CPF, or brought its token."""
    return {
        "cpf": person.cpf.digits,
        "registered_at": written(person.registered_at),
        "confirmed_at": written(person.confirmed_at),
    }
