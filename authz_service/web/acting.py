"""
Who acts on delegations: proven by GOV.BR, or asserted by the calling program.

A person is proven by an access token of GOV.BR in a header of its own, or else named in the
body, since no CPF may stand in a path; naming takes the scope ``actor:assert`` beside
``delegations``. Which of the two it is, is settled before a byte of the body is read: a token
that is refused never falls back on the body.
"""

from __future__ import annotations

from typing import Any

from flask import request

from authz_service.domain.errors import InvalidInput
from authz_service.domain.people import Evidence
from authz_service.domain.sign_in import Token
from authz_service.usecases.acting import Acting
from authz_service.usecases.sign_in import SignInDesk
from authz_service.web.body import read_object
from authz_service.web.fields import UNLESS, Body, Text, cpf, handle
from authz_service.web.guards import caller, demand

TOKEN_HEADER = "Govbr-Access-Token"  # noqa: S105 -- the name of a header
"""Brings the access token of the person who acts."""

WHO_ACTS = {
    TOKEN_HEADER: "An access token of the person who acts, which makes `actor` and the scope "
    "`actor:assert` unnecessary."
}
"""The header, for ``@describes``."""

_LONGEST_WHY = 500


class ActBody(Body):
    """
    Who acts, in which sign-in, and why.

    With a token in the header ``actor`` may be absent, or has to be the same person, and
    ``sign_in`` is not looked at. Without one, ``actor`` is required.
    """

    actor = cpf(required=True, metadata={UNLESS: TOKEN_HEADER})
    sign_in = handle()
    why = Text(longest=_LONGEST_WHY, allow_none=True, load_default=None)


def read_act(body: ActBody, desk: SignInDesk) -> tuple[Acting, dict[str, Any]]:
    """
    Read the current request: who acts, and the members of *body*.

    Raises:
        CallerForbidden: nobody is proven, and the key may not say who acts.
        TokenRefused: the token proves nothing.
        SignInOff: there is a token, and no GOV.BR is configured.
        SignInUnavailable: there is a token, and it cannot be verified now.
        InvalidInput: the body cannot be read, or names another person than the token.
    """
    token = request.headers.get(TOKEN_HEADER)
    if token is None:
        demand("actor:assert")
        sent = body.read(read_object())
        acting = Acting(sent["actor"], Evidence.ASSERTED, caller(), sent["why"], sent["sign_in"])
        return acting, sent
    proof, handle = desk.prove(Token(token), caller())
    sent = body.read(read_object(), optional=["actor"])
    if sent.get("actor", proof.person) != proof.person:
        raise InvalidInput("actor", "must be the person whom the token proves, or absent")
    acting = Acting(proof.person, Evidence.GOVBR, caller(), sent["why"], handle, proof)
    return acting, sent
