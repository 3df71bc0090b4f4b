"""
How AuthZEN asks several questions at once: the request of the Access Evaluations API (section 7.1).

What is wrong with the request as a whole is an error; what is wrong with one of the questions
stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from authz_service.domain.decision import Impossible, Question
from authz_service.domain.errors import InvalidInput
from authz_service.web.body import OverLimit, parse_object
from authz_service.web.evaluation import EXAMPLE, question_of
from authz_service.web.fields import Body, Parsed, Part, Text
from authz_service.web.lean.reading import batch_in
from authz_service.web.shapes import Shape

_SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")
# It need not be said.
_UNTIL: Mapping[str | None, bool | None] = MappingProxyType(
    {None: None, **dict(zip(_SEMANTICS, (None, False, True), strict=True))}
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

    evaluations_semantic = Text(choices=_SEMANTICS, allow_none=True, load_default=None)


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


_EVALUATIONS = EvaluationsBody()


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Several questions that were read.

    Attributes:
        asked: each, or why it cannot be read.
        until: with which decision the answer ends, None with the last one.
    """

    asked: Sequence[Question | Impossible | InvalidInput]
    until: bool | None


def read_batch(
    data: bytes, most: int, count: Callable[[int], None]
) -> Batch | Question | Impossible:
    """
    Read the bytes of an evaluations request; one without evaluations is a question.

    Args:
        data: the bytes.
        most: how many evaluations there may be.
        count: is told how many there are, and may refuse them.

    Raises:
        InvalidInput: they are no request, or hold too many; names the member.
    """
    quick = batch_in(data)
    if quick is None or len(quick.asked) > most or quick.semantic not in _UNTIL:
        return _read_batch(parse_object(data), most, count)
    count(len(quick.asked))
    return Batch(quick.asked, _UNTIL[quick.semantic])


def _read_batch(
    sent: dict[str, Any], most: int, count: Callable[[int], None]
) -> Batch | Question | Impossible:
    """Read a request as the schemas say; see ``read_batch``."""
    batch = _EVALUATIONS.read(sent)
    if not batch["evaluations"]:
        return question_of(sent)
    if len(batch["evaluations"]) > most:
        message = f"must hold at most {most} in one request"
        raise OverLimit("batch", "evaluations", message)
    count(len(batch["evaluations"]))
    semantic = (batch["options"] or {}).get("evaluations_semantic")
    defaults = {key: sent[key] for key in _INHERITED if key in sent}
    return Batch([_asked(item, defaults) for item in batch["evaluations"]], _UNTIL[semantic])


def _asked(item: object, defaults: dict[str, Any]) -> Question | Impossible | InvalidInput:
    """Read one of several evaluations; what is wrong with it is its own."""
    if not isinstance(item, dict):
        return InvalidInput("evaluation", "must be an object")
    try:
        return question_of({**defaults, **item})
    except InvalidInput as error:
        return error
