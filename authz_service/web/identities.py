"""
Identities: ``POST /v1/identities`` takes the tokens of one sign-in at GOV.BR.

The tokens are verified, used once and forgotten; how long they may be is the verifier's
business, so that a monstrous one is counted like any other that is refused. What they
proved is answered with a handle, ``sign_in``, which a question brings to be answered in
the light of it. The handle is a secret of the person's session, and ends with the token.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.sign_in import Certificate, Companies, Level, Method, Token
from authz_service.usecases.sign_in import SignedIn, SignInDesk
from authz_service.web.body import read_object
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Body, Text, cnpj, flag, instant, written
from authz_service.web.guards import caller, needs
from authz_service.web.people import PersonAnswer, person_shown


class IdentityBody(Body):
    """The tokens of one sign-in, in compact form; the id_token where the caller has it."""

    access_token = Text(required=True, metadata={"format": "govbr-token"})
    id_token = Text(allow_none=True, load_default=None, metadata={"format": "govbr-token"})


class SignInStandingAnswer(Answer):
    """What the person is in a company, and whether that counts now."""

    company = cnpj(required=True)
    role = Text(required=True, choices=tuple(Role))
    evidence = Text(required=True, choices=tuple(Evidence))
    cadastrador = flag(required=True, allow_none=True)
    observed_at = instant(required=True)
    ends_at = instant(required=True, allow_none=True)
    in_force = flag(required=True)


class SignInAnswer(Answer):
    """What a sign-in proved; ``sign_in`` is its handle, a secret of the person's session."""

    sign_in = Text(required=True)
    ends_at = instant(required=True)
    again = flag(required=True)
    person = fields.Nested(PersonAnswer, required=True)
    level = Text(required=True, allow_none=True, choices=tuple(Level))
    method = Text(required=True, choices=tuple(Method))
    methods = fields.List(fields.String(), required=True)
    certificate = Text(required=True, allow_none=True, choices=tuple(Certificate))
    second_factor = flag(required=True)
    certificate_company = cnpj(required=True, allow_none=True)
    agent = flag(required=True)
    authenticated_at = instant(required=True, allow_none=True)
    companies = Text(required=True, choices=tuple(Companies))
    unanswered = fields.List(cnpj(), required=True, allow_none=True)
    standing = fields.List(fields.Nested(SignInStandingAnswer), required=True)
    notes = fields.List(fields.String(), required=True)


_IDENTITY = IdentityBody()


def blueprint(desk: SignInDesk) -> Blueprint:
    """Build the route around the desk that takes sign-ins."""
    bp = Blueprint("identities", __name__)

    @bp.post("/v1/identities")
    @needs("identities")
    @describes(
        "Sign-in",
        body=IdentityBody,
        answer=SignInAnswer,
        status=201,
        also={200: "The same client brought the token before."},
        problems=(401, 501, 503),
    )
    def identity() -> ResponseReturnValue:
        """
        Take a sign-in: 201 the first time, 200 if the same client brought the token before.

        ``companies`` says how far GOV.BR told what the person is in which company, in the
        codes of ``Companies``: after ``observed`` the standing is what GOV.BR says; after
        ``partial`` it is that, except for the companies in ``unanswered``, which keep what
        was known; after anything else, ``failed`` above all, nothing about companies changed.
        ``unanswered`` is null where the token was brought again.
        """
        sent = _IDENTITY.read(read_object())
        id_token = None if sent["id_token"] is None else Token(sent["id_token"])
        known = desk.ingest(Token(sent["access_token"]), id_token, caller())
        return _signed_in(known, desk.clock()), 200 if known.again else 201

    return bp


def _signed_in(known: SignedIn, moment: datetime) -> dict[str, Any]:
    sign_in = known.sign_in
    certificate, company = sign_in.certificate, sign_in.certificate_company
    unanswered = known.unanswered
    return {
        "sign_in": sign_in.handle,
        "ends_at": written(sign_in.ends_at),
        "again": known.again,
        "person": person_shown(known.person),
        "level": None if sign_in.level is None else sign_in.level.value,
        "method": sign_in.method.value,
        "methods": list(sign_in.methods),
        "certificate": None if certificate is None else certificate.value,
        "second_factor": sign_in.second_factor,
        "certificate_company": None if company is None else company.value,
        "agent": sign_in.agent,
        "authenticated_at": written(sign_in.authenticated_at),
        "companies": sign_in.companies.value,
        "unanswered": None if unanswered is None else [one.value for one in unanswered],
        "standing": [_standing(one, moment) for one in known.standing],
        "notes": list(known.notes),
    }


def _standing(one: Standing, moment: datetime) -> dict[str, Any]:
    return {
        "company": one.company.value,
        "role": one.role.value,
        "evidence": one.evidence.value,
        "cadastrador": one.cadastrador,
        "observed_at": written(one.observed_at),
        "ends_at": written(one.ends_at),
        "in_force": one.in_force(moment),
    }
