"""
Explanations: what would be decided now, with its grounds and what would turn it.

For operators, who may see the facts about a person: nothing is decided, and nobody is let in.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Length

from authz_service.domain.errors import AmbiguousProcess
from authz_service.domain.nearest import By, Change, Way
from authz_service.usecases.explain import Explained, ExplanationDesk
from authz_service.web.body import read_object
from authz_service.web.contract import Answer, describes
from authz_service.web.decision_schemas import ObservationAnswer, RuleErrorAnswer
from authz_service.web.evaluation import EvaluationBody, question_of
from authz_service.web.fields import Parsed, Text, flag, whole
from authz_service.web.guards import caller, needs
from authz_service.web.shapes import Shape

PATH = "/v1/explanations"
"""The path of the route."""

_MOST = 2**53 - 1
_VALUE: Shape = {"type": ["string", "integer", "boolean", "null"]}
_DIGEST: Shape = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def _as_it_is(value: Any) -> Any:
    return value


class ExplainedReasonAnswer(Answer):
    """A reason, with its codes and what it says to people."""

    code = Text(required=True)
    codigo = Text(required=True)
    pt = Text(required=True)
    en = Text(required=True)


class DifferenceAnswer(Answer):
    """A fact as rules write it, what it is, and what it would have to be; null is nil."""

    fact = Text(required=True)
    needed = Parsed(_as_it_is, shape=_VALUE, required=True, allow_none=True)

    class Meta:
        """Holds the member whose name is a word of Python."""

        include: ClassVar[dict[str, Any]] = {
            "is": Parsed(_as_it_is, shape=_VALUE, required=True, allow_none=True)
        }


class ChangeAnswer(Answer):
    """Something that would have to happen, who can bring it about, and the facts in it."""

    code = Text(required=True)
    codigo = Text(required=True)
    by = Text(required=True, choices=tuple(By))
    pt = Text(required=True)
    en = Text(required=True)
    facts = fields.List(fields.Nested(DifferenceAnswer), required=True)


class WayAnswer(Answer):
    """
    Changes that together turn the denial, and of which none can be left out.

    ``step_up`` says that the acting person can do them all alone and at once, by signing in.
    """

    step_up = flag(required=True)
    changes = fields.List(fields.Nested(ChangeAnswer), required=True, validate=Length(min=1))


class ExplanationAnswer(Answer):
    """
    What would be decided now, and why.

    ``rules`` are those that spoke, each ``file:line``; ``facts`` what decided, as the decision
    log would keep it; ``nearest`` at most three ways in which a denial would be an allow, the
    lightest first, with the smallest among them. It is empty where no change in life would help.
    """

    decision = flag(required=True)
    reasons = fields.List(
        fields.Nested(ExplainedReasonAnswer), required=True, validate=Length(min=1)
    )
    rules = fields.List(fields.String(), required=True)
    errors = fields.List(fields.Nested(RuleErrorAnswer), required=True)
    facts = fields.List(fields.Nested(ObservationAnswer), required=True)
    nearest = fields.List(fields.Nested(WayAnswer), required=True)
    policy_digest = Parsed(_as_it_is, shape=_DIGEST, required=True)
    store_revision = whole(0, _MOST, required=True)


def blueprint(desk: ExplanationDesk) -> Blueprint:
    """Build the route around the one who explains."""
    bp = Blueprint("explanations", __name__)

    @bp.post(PATH)
    @needs("explain")
    @describes("Decisions", body=EvaluationBody, answer=ExplanationAnswer, problems=(400, 503))
    def explain() -> ResponseReturnValue:
        """
        Explain what an evaluation would answer: reasons, rules, facts, and what would turn it.

        The request is that of the Access Evaluation API. Nothing is decided: there is no decision
        in the log, and nobody may be let in by this answer. What it shows about a person is
        written to the log as the act `explanation.read`.
        """
        question = question_of(read_object())
        try:
            return _shown(desk.explain(question, caller()))
        except AmbiguousProcess as error:
            raise AmbiguousProcess("resource.id", error.candidates) from None

    return bp


def _shown(found: Explained) -> dict[str, Any]:
    decision = found.decision
    return {
        "decision": decision.allowed,
        "reasons": [
            {"code": code, "codigo": text.codigo, "pt": text.pt, "en": text.en}
            for code, text in zip(decision.reasons, found.texts, strict=True)
        ],
        "rules": list(decision.rules),
        "errors": [{"rule": one.rule, "cause": one.cause} for one in decision.errors],
        "facts": [{"test": one.test, "outcome": one.outcome} for one in decision.evidence],
        "nearest": [_way(one) for one in found.nearest],
        "policy_digest": found.policy_digest,
        "store_revision": found.store_revision,
    }


def _way(way: Way) -> dict[str, Any]:
    return {"step_up": way.step_up, "changes": [_change(one) for one in way.changes]}


def _change(change: Change) -> dict[str, Any]:
    return {
        "code": change.code,
        "codigo": change.codigo,
        "by": change.by,
        "pt": change.pt,
        "en": change.en,
        "facts": [
            {"fact": one.fact, "is": one.now, "needed": one.needed} for one in change.differences
        ],
    }
