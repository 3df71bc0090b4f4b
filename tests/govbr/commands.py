"""
The commands: POST with JSON to ``/simulator/``, answered with 204.

========  =====================================================================================
keys      ``{"kid": "rsa2"}``: sign with a new key of that name; the same name replaces the key
fault     ``{"part": "jwk", "delay": 2}``, ``"hang": true``, ``"status": 503`` or ``"document":
          "empty"``, ``"malformed"``, ``"huge"``; the part alone ends its fault. The parts are
          authorize, token, jwk, userinfo and empresas.
link      ``{"person": "membro", "cnpj": …, "atuacao": "SOCIO"}``: link a company to an account,
          or change the role; further members as in ``people.link_of``
unlink    ``{"person": "membro", "cnpj": …}``: take a company from an account
reset     accounts, keys and faults as in the beginning
========  =====================================================================================
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from tests.govbr.faults import Fault, Faults, NoSuchFault, failure
from tests.govbr.keys import SigningKeys
from tests.govbr.people import People, link_of

_DONE = ("", 204)


def blueprint(people: People, keys: SigningKeys, faults: Faults) -> Blueprint:
    """Build the commands around what they change."""
    bp = Blueprint("commands", __name__, url_prefix="/simulator")
    one_at_a_time = threading.Lock()

    @bp.post("/keys")
    def rotate() -> ResponseReturnValue:
        """Sign with a new key."""
        keys.rotate(str(_sent()["kid"]))
        return _DONE

    @bp.post("/fault")
    def fail() -> ResponseReturnValue:
        """Let a part be slow, or fail."""
        sent = _sent()
        try:
            faults.set(sent.pop("part"), Fault(**sent))
        except NoSuchFault as error:
            return failure(400, str(error))
        return _DONE

    @bp.post("/link")
    def link() -> ResponseReturnValue:
        """Link a company to an account, or change the role."""
        sent = _sent()
        with one_at_a_time:
            account = people.find(sent["person"])
            people.save(account.linked(link_of(sent, datetime.now(UTC))))
        return _DONE

    @bp.post("/unlink")
    def unlink() -> ResponseReturnValue:
        """Take a company from an account."""
        sent = _sent()
        with one_at_a_time:
            people.save(people.find(sent["person"]).unlinked(sent["cnpj"]))
        return _DONE

    @bp.post("/reset")
    def reset() -> ResponseReturnValue:
        """Go back to the beginning."""
        people.reset()
        keys.reset()
        faults.clear()
        return _DONE

    @bp.errorhandler(KeyError)
    @bp.errorhandler(TypeError)
    @bp.errorhandler(ValueError)
    def unreadable(_error: Exception) -> ResponseReturnValue:
        """A command that lacks a member, or has one that it does not know or cannot read."""
        return failure(400, "the command cannot be read")

    return bp


def _sent() -> dict[str, Any]:
    sent = request.get_json()
    if not isinstance(sent, dict):
        raise TypeError
    return sent
