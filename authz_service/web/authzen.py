"""
AuthZEN Authorization API 1.0: one question at ``evaluation``, several at ``evaluations``.

What is wrong with a request as a whole is a 400; what is wrong with one of several questions
is the answer of that one, closed to a no. A deny is an answer, so it is a 200.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Length

from authz_service.domain.decision import Impossible, Question
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.nearest import By
from authz_service.domain.processes import Ambiguous
from authz_service.usecases.decide import Answer as Given
from authz_service.usecases.decide import DecisionPoint
from authz_service.web.body import OverLimit, parse_object, read_object
from authz_service.web.contract import Answer, describes
from authz_service.web.evaluation import EXAMPLE, EvaluationBody, question_of
from authz_service.web.fields import Body, BodyInvalid, Parsed, Part, Text, flag, whole
from authz_service.web.guards import caller, count_batch, needs
from authz_service.web.shapes import Shape

EVALUATION = "/access/v1/evaluation"
"""The path of the Access Evaluation API."""
EVALUATIONS = "/access/v1/evaluations"
"""The path of the Access Evaluations API."""

_TAG = "AuthZEN"
_EXECUTE_ALL = "execute_all"
_UNTIL = MappingProxyType(
    {_EXECUTE_ALL: None, "deny_on_first_deny": False, "permit_on_first_permit": True}
)
"""The semantics of a batch: with which decision it ends."""
# A key stands for itself: what a default holds is never merged into what an item says.
_INHERITED = ("subject", "action", "resource", "context")
_ANY_KIND = ["object", "array", "string", "number", "boolean"]


def _evaluations(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInput("evaluations", "must be a list")
    return value


def _default(of: str) -> Parsed[object]:
    """Describe a default: whether it is right shows only where an evaluation needs it."""
    shape = {"type": _ANY_KIND, "description": f"The {of} of evaluations that have none."}
    return Parsed(lambda value: value, shape=shape, allow_none=True)


class OptionsBody(Body):
    """How a batch is answered; other options are ignored."""

    evaluations_semantic = Text(choices=tuple(_UNTIL), allow_none=True, load_default=None)


class EvaluationsBody(Body):
    """
    Several questions: the request of the Access Evaluations API (section 7.1).

    Each evaluation is an object as ``EvaluationBody``. A ``subject``, ``action``, ``resource`` or
    ``context`` that it lacks is the one beside ``evaluations``, as a whole: nothing is merged into
    what it has. What is wrong with an evaluation is told in its answer. Without ``evaluations``,
    or with none in it, this is one question.
    """

    subject = _default("subject")
    action = _default("action")
    resource = _default("resource")
    context = _default("context")
    evaluations = Parsed(
        _evaluations,
        shape={
            "type": "array",
            "items": {"description": "Members as of `EvaluationBody`, none of them required."},
        },
        allow_none=True,
        load_default=None,
    )
    options = Part(OptionsBody, allow_none=True, load_default=None)
    moreover: ClassVar[Shape] = {
        "anyOf": [
            {
                "required": ["evaluations"],
                "properties": {"evaluations": {"type": "array", "minItems": 1}},
            },
            {"$ref": "#/components/schemas/EvaluationBody"},
        ],
        "examples": [{**EXAMPLE, "evaluations": [{}, {"action": {"name": "read_delegations"}}]}],
    }


class ReasonAnswer(Answer):
    """A reason in words, under the HTTP status that a caller would answer for the decision."""

    allowed = Text(data_key="200")
    denied = Text(data_key="403")


class ErrorAnswer(Answer):
    """Why one of several evaluations could not be decided."""

    status = whole(400, 400, required=True)
    message = Text(required=True)


class RemedyAnswer(Answer):
    """Something that has to happen for an allow, and who can bring it about."""

    code = Text(required=True)
    by = Text(required=True, choices=tuple(By))


class ContextAnswer(Answer):
    """
    What a decision comes with (section 5.5.2): reasons if the client's setting wants them, or
    the error of one of several evaluations.

    A denial with reasons has ``remedies``, as far as any are known and may be told: together they
    would turn it. ``step_up`` says that the acting person can do them all alone and at once, by
    signing in.
    """

    decision_id = Text()
    reason_user = fields.Nested(ReasonAnswer)
    reason_admin = fields.Nested(ReasonAnswer)
    step_up = flag()
    remedies = fields.List(fields.Nested(RemedyAnswer), validate=Length(min=1))
    error = fields.Nested(ErrorAnswer)


class DecisionAnswer(Answer):
    """A decision (section 5.5)."""

    decision = flag(required=True)
    context = fields.Nested(ContextAnswer)


class DecisionsAnswer(Answer):
    """The decisions in the order of the evaluations, or the decision of one question."""

    evaluations = fields.List(fields.Nested(DecisionAnswer))
    decision = flag()
    context = fields.Nested(ContextAnswer)


_EVALUATIONS = EvaluationsBody()


def blueprint(point: DecisionPoint, *, max_batch: int) -> Blueprint:
    """Build the AuthZEN routes around one decision point; a batch has at most *max_batch*."""
    bp = Blueprint("authzen", __name__)

    def one(sent: dict[str, Any]) -> Given:
        try:
            return point.decide(question_of(sent), caller(), advise=caller().reasons)
        except AmbiguousProcess as error:
            raise AmbiguousProcess("resource.id", error.candidates) from None

    @bp.post(EVALUATION)
    @needs("decide")
    @describes(
        _TAG,
        body=EvaluationBody,
        answer=DecisionAnswer,
        problems=(400, 503),
        answer_headers={"Decision-Id": "The decision's name in the decision log."},
    )
    def evaluation() -> ResponseReturnValue:
        """Answer one question; a deny is an answer, so it is a 200."""
        given = one(read_object())
        return jsonify(_shown(given)), {"Decision-Id": given.id}

    @bp.post(EVALUATIONS)
    @needs("decide")
    @describes(_TAG, body=EvaluationsBody, answer=DecisionsAnswer, problems=(400, 503))
    def evaluations() -> ResponseReturnValue:
        """
        Answer several questions, as of one moment and one state of what is known.

        What is wrong with one of them, or names several processes, is its own ``false`` with a
        ``context.error``. With ``deny_on_first_deny`` and ``permit_on_first_permit`` the answer
        ends with the one that it is named for, and what stands after that is not decided. The
        names of decisions in the log stand in ``context``, for clients that are told reasons.
        Each evaluation counts as a request of the minute, whether it comes to be decided or not.
        """
        sent = read_object()
        batch = _EVALUATIONS.read(sent)
        if not batch["evaluations"]:
            return jsonify(_shown(one(sent)))
        if len(batch["evaluations"]) > max_batch:
            message = f"must hold at most {max_batch} in one request"
            raise OverLimit("batch", "evaluations", message)
        count_batch(len(batch["evaluations"]))
        semantic = (batch["options"] or {}).get("evaluations_semantic") or _EXECUTE_ALL
        defaults = {key: sent[key] for key in _INHERITED if key in sent}
        asked = [_asked(item, defaults) for item in batch["evaluations"]]
        who = caller()
        given = point.decide_each(asked, who, until=_UNTIL[semantic], advise=who.reasons)
        return jsonify({"evaluations": [_shown(answer) for answer in given]})

    return bp


def read_question(data: bytes) -> Question | Impossible:
    """
    Read the bytes of an evaluation request, as the route does.

    Raises:
        InvalidInput: they are no request; names the member.
    """
    return question_of(parse_object(data))


def _asked(item: object, defaults: dict[str, Any]) -> Question | Impossible | InvalidInput:
    """Read one of several evaluations; what is wrong with it is its own."""
    if not isinstance(item, dict):
        return InvalidInput("evaluation", "must be an object")
    try:
        return question_of({**defaults, **item})
    except InvalidInput as error:
        return error


def _shown(given: Given | Ambiguous | InvalidInput) -> dict[str, Any]:
    """Show a decision, with its reasons only to a client whose setting asks for them."""
    if isinstance(given, Ambiguous):
        return _refused(AmbiguousProcess("resource.id", given.candidates))
    if isinstance(given, InvalidInput):
        return _refused(given)
    allowed = given.decision.allowed
    if not caller().reasons:
        return {"decision": allowed}
    # The keys of the final text's example (5.5.2): what a caller would answer for it in HTTP.
    # Languages, as drafts before it had them, would tell nothing: each text has one alone.
    status = "200" if allowed else "403"
    context: dict[str, Any] = {
        "decision_id": given.id,
        "reason_user": {status: given.pt},
        "reason_admin": {status: f"{', '.join(given.decision.reasons)}: {given.text.en}"},
    }
    if given.advice is not None:
        context["step_up"] = given.advice.step_up
        context["remedies"] = [{"code": one.code, "by": one.by} for one in given.advice.changes]
    return {"decision": allowed, "context": context}


def _refused(error: InvalidInput) -> dict[str, Any]:
    """Show what is wrong with one of several evaluations (section 7.2.1)."""
    wrong = error.errors if isinstance(error, BodyInvalid) else ((error.field, error.message),)
    message = "; ".join(f"{field}: {said}" for field, said in wrong)
    return {"decision": False, "context": {"error": {"status": 400, "message": message}}}
