"""
AuthZEN's metadata (section 9): which decision point this is, and what it answers.

All of it comes from the settings. What a request says of its host is not asked: whoever could
set it would send callers to a decision point of their own.
"""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from authz_service.domain.errors import NotFound
from authz_service.web.authzen import EVALUATION, EVALUATIONS
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Text
from authz_service.web.guards import open_to_all

_MAX_AGE_SECONDS = 3600


class MetadataAnswer(Answer):
    """The metadata of a policy decision point (section 9.1); what is not there is not offered."""

    policy_decision_point = Text(required=True)
    access_evaluation_endpoint = Text(required=True)
    access_evaluations_endpoint = Text(required=True)


def blueprint(pdp_id: str | None) -> Blueprint:
    """Build the route for the decision point *pdp_id*, an https address without a path."""
    bp = Blueprint("metadata", __name__)

    @bp.get("/.well-known/authzen-configuration")
    @open_to_all("it says what anybody may call, and with which address")
    @describes("AuthZEN", answer=MetadataAnswer, problems=(404,))
    def configuration() -> ResponseReturnValue:
        """Tell where AuthZEN's requests are answered; 404 where the operator has not set it."""
        if pdp_id is None:
            raise NotFound("this service has no AUTHZ_PDP_ID")
        told = {
            "policy_decision_point": pdp_id,
            "access_evaluation_endpoint": pdp_id + EVALUATION,
            "access_evaluations_endpoint": pdp_id + EVALUATIONS,
        }
        return told, {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"}

    return bp
