"""Confirmations: Orquestra's word that it has confirmed a member's registration (Etapa 2)."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from authz_service.usecases.register import Registrar
from authz_service.web.body import read_object
from authz_service.web.contract import describes
from authz_service.web.fields import Body, cpf
from authz_service.web.guards import caller, needs
from authz_service.web.people import PersonAnswer, person_shown


class ConfirmationBody(Body):
    """Whose registration is confirmed."""

    cpf = cpf(required=True)


_CONFIRMATION = ConfirmationBody()


def blueprint(registrar: Registrar) -> Blueprint:
    """Build the route around the one who takes Orquestra's word."""
    bp = Blueprint("confirmations", __name__)

    @bp.post("/v1/confirmations")
    @needs("confirmations")
    @describes("Sign-in", body=ConfirmationBody, answer=PersonAnswer)
    def confirm() -> ResponseReturnValue:
        """Confirm a person; who is confirmed already stays so since then."""
        sent = _CONFIRMATION.read(read_object())
        return person_shown(registrar.confirm(sent["cpf"], caller()))

    return bp
