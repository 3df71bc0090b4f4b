"""Bonds: the recorded proof that a filial belongs to a matriz (prova de vínculo)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.people import Bond
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.register import Registrar
from authz_service.web.body import read_object, read_query
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Body, Text, cnpj, day, instant, written
from authz_service.web.guards import caller, needs
from authz_service.web.paging import PagedAnswer, PagedQuery, wanted
from authz_service.web.shapes import Shape

_LONGEST_PROOF = 500
_TAG = "Bonds"


class BondBody(Body):
    """Where the proof is kept that a filial belongs to a matriz (prova de vínculo)."""

    filial = cnpj(required=True)
    matriz = cnpj(required=True)
    proof = Text(required=True, longest=_LONGEST_PROOF, metadata={"minLength": 1, "pattern": r"\S"})
    until = day(allow_none=True, load_default=None)
    moreover: ClassVar[Shape] = {
        "examples": [
            {"filial": "52420282000260", "matriz": "52420282000180", "proof": "SEI 0052600.1/2026"}
        ]
    }


class BondsQuery(PagedQuery):
    """Of which company the bonds are wanted, be it the filial or the matriz."""

    company = cnpj(required=True)


class BondAnswer(Answer):
    """A bond, when it was recorded, and the last day on which it counts."""

    filial = cnpj(required=True)
    matriz = cnpj(required=True)
    proof = Text(required=True)
    recorded_at = instant(required=True)
    until = day(required=True, allow_none=True)


class BondsAnswer(PagedAnswer):
    """A part of the bonds of a company, by filial."""

    bonds = fields.List(fields.Nested(BondAnswer), required=True)


_BOND = BondBody()
_QUERY = BondsQuery()


def blueprint(registrar: Registrar, lookup: Lookup) -> Blueprint:
    """Build the routes around those who take and show bonds."""
    bp = Blueprint("bonds", __name__, url_prefix="/v1/bonds")

    @bp.post("")
    @needs("standing:assert")
    @describes(_TAG, body=BondBody, answer=BondAnswer)
    def record() -> ResponseReturnValue:
        """Record a filial's bond to its matriz; it supersedes the one that the filial had."""
        said = _BOND.read(read_object())
        known = registrar.bond(
            said["filial"], said["matriz"], said["proof"], said["until"], caller()
        )
        return bond_shown(known)

    @bp.get("")
    @needs("people:read")
    @describes(_TAG, query=BondsQuery, answer=BondsAnswer)
    def show() -> ResponseReturnValue:
        """List the current bonds in which a company is the filial or the matriz."""
        sent = _QUERY.read(read_query(_QUERY.fields))
        part = wanted(sent, "token", "bonds", sent["company"].value)
        found = lookup.bonds(sent["company"], part.after, part.limit)
        return part.answer("bonds", found, bond_shown)

    return bp


def bond_shown(bond: Bond) -> dict[str, Any]:
    """Show a bond."""
    return {
        "filial": bond.filial.value,
        "matriz": bond.matriz.value,
        "proof": bond.proof,
        "recorded_at": written(bond.recorded_at),
        "until": written(bond.last_day),
    }
