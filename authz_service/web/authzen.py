"""
AuthZEN Authorization API 1.0: one question at ``evaluation``, several at ``evaluations``.

What is wrong with a request as a whole is a 400; what is wrong with one of several questions
is the answer of that one, closed to a no. A deny is an answer, so it is a 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from flask import Blueprint
from marshmallow import fields
from marshmallow.validate import Length

from authz_service.domain.decision import Caller, Impossible, Question
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.nearest import By
from authz_service.domain.processes import Ambiguous
from authz_service.usecases.answers import Answer as Given
from authz_service.usecases.decide import DecisionPoint
from authz_service.web.body import parse_object
from authz_service.web.contract import Answer, describes
from authz_service.web.evaluation import EvaluationBody, question_of
from authz_service.web.evaluations import Batch, EvaluationsBody, read_batch
from authz_service.web.fields import BodyInvalid, Text, flag, whole
from authz_service.web.guards import Gate, needs
from authz_service.web.lean.operation import DEMANDS, TELLS, Call, Operation, decided
from authz_service.web.lean.reading import question_in
from authz_service.web.lean.reply import Reply, as_json
from authz_service.web.views import serve

EVALUATION = "/access/v1/evaluation"
"""The path of the Access Evaluation API."""
EVALUATIONS = "/access/v1/evaluations"
"""The path of the Access Evaluations API."""

_TAG = "AuthZEN"


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


_BARE = MappingProxyType({one: as_json({"decision": one}) for one in (True, False)})
"""The decision as a client gets it that is told no reasons."""


def blueprint(point: DecisionPoint, gate: Gate, *, max_batch: int) -> Blueprint:
    """
    Build the AuthZEN routes around one decision point.

    Args:
        point: decides.
        gate: has let in whoever calls.
        max_batch: the most evaluations in one request.
    """
    bp = Blueprint("authzen", __name__)
    for operation in operations(point, max_batch=max_batch):
        serve(bp, operation, gate)
    return bp


def operations(point: DecisionPoint, *, max_batch: int) -> tuple[Operation, Operation]:
    """Make the operations around one decision point; a batch has at most *max_batch*."""

    def one(call: Call, question: Question | Impossible) -> Given:
        caller = call.caller
        try:
            return point.decide(
                question,
                caller,
                advise=caller.reasons,
                looked=True,
                request_id=call.request_id,
            )
        except AmbiguousProcess as error:
            raise AmbiguousProcess("resource.id", error.candidates) from None

    @needs("decide")
    @describes(
        _TAG,
        body=EvaluationBody,
        answer=DecisionAnswer,
        problems=(400, 503),
        headers=DEMANDS,
        answer_headers={"Decision-Id": "The decision's name in the decision log.", **TELLS},
    )
    def evaluation(call: Call) -> Reply:
        """Answer one question; a deny is an answer, so it is a 200."""
        given = one(call, read_question(call.body()))
        shown = _in_bytes(given, call.caller)
        return decided(shown, given.revision, ("Decision-Id", given.id))

    @needs("decide")
    @describes(
        _TAG,
        body=EvaluationsBody,
        answer=DecisionsAnswer,
        problems=(400, 503),
        headers=DEMANDS,
        answer_headers=TELLS,
    )
    def evaluations(call: Call) -> Reply:
        """
        Answer several questions, as of one moment and one state of what is known.

        What is wrong with one of them, or names several processes, is its own ``false`` with a
        ``context.error``. With ``deny_on_first_deny`` and ``permit_on_first_permit`` the answer
        ends with the one that it is named for, and what stands after that is not decided. The
        names of decisions in the log stand in ``context``, for clients that are told reasons.
        Each evaluation counts as a request of the minute, whether it comes to be decided or not.
        """
        batch = read_batch(call.body(), max_batch, call.count)
        if not isinstance(batch, Batch):
            given = one(call, batch)
            return decided(_in_bytes(given, call.caller), given.revision)
        all_given = point.decide_each(
            batch.asked,
            call.caller,
            until=batch.until,
            advise=call.caller.reasons,
            looked=True,
            request_id=call.request_id,
        )
        # All are of one state.
        revisions = (one.revision for one in all_given if isinstance(one, Given))
        return decided(_all_in_bytes(all_given, call.caller), next(revisions, call.revision))

    return Operation(EVALUATION, evaluation), Operation(EVALUATIONS, evaluations)


def read_question(data: bytes) -> Question | Impossible:
    """
    Read the bytes of an evaluation request, as the route does.

    Raises:
        InvalidInput: they are no request; names the member.
    """
    return question_in(data) or question_of(parse_object(data))


def _in_bytes(given: Given, caller: Caller) -> bytes:
    """Write the decision on one question."""
    return as_json(_shown(given)) if caller.reasons else _BARE[given.decision.allowed]


def _all_in_bytes(all_given: Sequence[Given | Ambiguous | InvalidInput], caller: Caller) -> bytes:
    """Write the decisions on several questions."""
    written = [
        _in_bytes(given, caller) if isinstance(given, Given) else as_json(_refused(given))
        for given in all_given
    ]
    return b'{"evaluations":[' + b",".join(written) + b"]}"


def _shown(given: Given) -> dict[str, Any]:
    """Show a decision with its reasons, as to a client whose setting asks for them."""
    allowed = given.decision.allowed
    # The keys of the final text's example (5.5.2): what a caller would answer for it in HTTP.
    # Languages, as drafts before it had them, would tell nothing: each text has one alone.
    status, text = "200" if allowed else "403", given.text
    context: dict[str, Any] = {
        "decision_id": given.id,
        "reason_user": {status: given.pt},
        "reason_admin": {status: f"{', '.join(given.decision.reasons)}: {text.en}"},
    }
    if given.advice is not None:
        context["step_up"] = given.advice.step_up
        context["remedies"] = [{"code": one.code, "by": one.by} for one in given.advice.changes]
    return {"decision": allowed, "context": context}


def _refused(given: Ambiguous | InvalidInput) -> dict[str, Any]:
    """Show what is wrong with one of several evaluations (section 7.2.1)."""
    error = given
    if isinstance(error, Ambiguous):
        error = AmbiguousProcess("resource.id", error.candidates)
    wrong = error.errors if isinstance(error, BodyInvalid) else ((error.field, error.message),)
    message = "; ".join(f"{field}: {said}" for field, said in wrong)
    return {"decision": False, "context": {"error": {"status": 400, "message": message}}}
