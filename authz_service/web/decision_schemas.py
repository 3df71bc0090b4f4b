"""
Records of the decision log as they are asked for and as they are shown: queries and answers.

A record is answered as it stands in the log, so its form is ``schemas/decision_record.json``;
a test holds the two together.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from marshmallow import fields
from marshmallow.validate import Length

from authz_service.domain.errors import InvalidInput
from authz_service.web.contract import Answer
from authz_service.web.fields import Body, Parsed, Text, company, cpf, flag, instant, login
from authz_service.web.paging import Paged, PagedAnswer, PagedQuery
from authz_service.web.shapes import Shape

KINDS = ("decision", "act")
HEX_NAME = re.compile("[0-9a-f]{32}")
"""How ids of records and surrogates are written."""

HEX_DIGEST = re.compile("[0-9a-f]{64}")
"""How digests of policies are written."""

_LONGEST = 64
_LONGEST_WHY = 500
_NAME: Shape = {
    "type": "string",
    "pattern": f"^{HEX_NAME.pattern}$",
    "examples": ["0f1e2d3c4b5a69788796a5b4c3d2e1f0"],
}
_MOMENT: Shape = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
}
_DIGEST: Shape = {"type": "string", "pattern": f"^{HEX_DIGEST.pattern}$"}
_REQUEST_ID: Shape = {"type": "string", "maxLength": 128}
_COUNT: Shape = {"type": "integer", "minimum": 0}
_DETAILS: Shape = {
    "type": "object",
    "additionalProperties": {
        "type": ["string", "integer", "boolean", "array", "null"],
        "items": {"type": "string"},
    },
}


def _surrogate(value: object) -> str:
    if not isinstance(value, str) or HEX_NAME.fullmatch(value) is None:
        raise InvalidInput("person", "must be a surrogate of 32 hexadecimal digits")
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or HEX_DIGEST.fullmatch(value) is None:
        raise InvalidInput("policy", "must be a digest of 64 hexadecimal digits")
    return value


def _as_it_is(value: Any) -> Any:
    return value


def _shown(shape: Shape, **options: Any) -> Parsed[Any]:
    """Describe a member of an answer by its JSON Schema."""
    return Parsed(_as_it_is, shape=shape, required=True, **options)


class RecordsQuery(PagedQuery):
    """
    Which records are wanted; what is absent does not matter.

    ``from`` is the first instant, ``to`` the first one after. ``company``, ``action`` and
    ``person``, a surrogate, are looked for in decisions and in acts; ``process``, ``allowed``,
    ``reason`` and ``policy``, its digest, only decisions have.
    """

    kind = Text(choices=KINDS, load_default=None)
    company = company(load_default=None)
    process = Text(longest=_LONGEST, load_default=None)
    allowed = Text(choices=("true", "false"), load_default=None)
    reason = Text(longest=_LONGEST, load_default=None)
    action = Text(longest=_LONGEST, load_default=None)
    client = Text(longest=_LONGEST, load_default=None)
    policy = Parsed(_digest, shape=_DIGEST, load_default=None)
    person = Parsed(_surrogate, shape=_NAME, load_default=None)

    class Meta(PagedQuery.Meta):
        """Holds the members whose names are words of Python."""

        include: ClassVar[dict[str, Any]] = {
            "from": instant(load_default=None),
            "to": instant(load_default=None),
        }


class RecordsBody(Paged):
    """
    Which records are wanted, as in the query of ``GET /v1/decisions``, or those about somebody.

    ``cpf`` and ``login`` name somebody in clear, ``person`` by the surrogate: one of them at most.
    """

    moreover: ClassVar[Shape] = {
        "not": {
            "anyOf": [
                {
                    "required": [one, other],
                    "properties": {one: {"type": "string"}, other: {"type": "string"}},
                }
                for one, other in (("cpf", "login"), ("cpf", "person"), ("login", "person"))
            ]
        }
    }

    kind = Text(choices=KINDS, allow_none=True, load_default=None)
    company = company(allow_none=True, load_default=None)
    process = Text(longest=_LONGEST, allow_none=True, load_default=None)
    allowed = flag(allow_none=True, load_default=None)
    reason = Text(longest=_LONGEST, allow_none=True, load_default=None)
    action = Text(longest=_LONGEST, allow_none=True, load_default=None)
    client = Text(longest=_LONGEST, allow_none=True, load_default=None)
    policy = Parsed(_digest, shape=_DIGEST, allow_none=True, load_default=None)
    person = Parsed(_surrogate, shape=_NAME, allow_none=True, load_default=None)
    cpf = cpf(allow_none=True, load_default=None)
    login = login(allow_none=True, load_default=None)

    class Meta(Paged.Meta):
        """Holds the members whose names are words of Python."""

        include: ClassVar[dict[str, Any]] = {
            "from": instant(allow_none=True, load_default=None),
            "to": instant(allow_none=True, load_default=None),
        }


class WhyBody(Body):
    """What the persons behind a record are asked for; kept in the log, without CPFs."""

    why = Text(
        longest=_LONGEST_WHY,
        required=True,
        metadata={"minLength": 1, "examples": ["recurso administrativo 123/2026"]},
    )


class CallerAnswer(Answer):
    """The client, or ``operator`` for the command line, and the source address."""

    name = Text(required=True)
    address = Text(required=True, allow_none=True)


class EntityAnswer(Answer):
    """Another service's entity that was acted on; its id is free of CPFs."""

    type = Text(required=True)
    id = Text(required=True)


class QuestionAnswer(Answer):
    """What was asked; ``actor`` and ``recipient`` are surrogates."""

    actor = _shown(_NAME, allow_none=True)
    actor_type = Text(allow_none=True)
    actor_evidence = Text(required=True, allow_none=True, choices=("govbr", "asserted"))
    sign_in = Parsed(_as_it_is, shape=_NAME, allow_none=True)
    action = Text(required=True, longest=_LONGEST)
    company = Text(required=True, allow_none=True)
    entity = fields.Nested(EntityAnswer, allow_none=True)
    process = Text(required=True, allow_none=True)
    named = Text(required=True, allow_none=True)
    version = _shown({"type": "integer"}, allow_none=True)
    recipient = _shown(_NAME, allow_none=True)
    instance = Text(required=True, allow_none=True)


class ObservationAnswer(Answer):
    """What a rule saw."""

    test = Text(required=True)
    outcome = _shown({"type": ["string", "boolean", "null"]})


class RuleErrorAnswer(Answer):
    """A rule that could not be answered."""

    rule = Text(required=True)
    cause = Text(required=True)


class RecordAnswer(Answer):
    """
    A record as it stands in the log, ``schemas/decision_record.json``; persons are surrogates.

    A decision has ``question`` and all that follows it down to ``latency_us``, an act has
    ``act`` and ``details``. ``hash`` chains the line to the one before it.
    """

    schema = _shown({"type": "integer", "const": 1})
    kind = Text(required=True, choices=KINDS)
    id = _shown(_NAME)
    moment = _shown(_MOMENT)
    caller = fields.Nested(CallerAnswer, required=True)
    question = fields.Nested(QuestionAnswer)
    delegation = Text(allow_none=True)
    decision = flag()
    reasons = fields.List(fields.String(), validate=Length(min=1))
    rules = fields.List(fields.String())
    evidence = fields.List(fields.Nested(ObservationAnswer))
    errors = fields.List(fields.Nested(RuleErrorAnswer))
    policy_digest = Parsed(_as_it_is, shape=_DIGEST)
    latency_us = Parsed(_as_it_is, shape=_COUNT)
    request_id = Parsed(_as_it_is, shape=_REQUEST_ID, allow_none=True)
    act = Text()
    details = Parsed(_as_it_is, shape=_DETAILS)
    store_revision = _shown(_COUNT)
    hash = Parsed(_as_it_is, shape=_DIGEST)


class RecordsAnswer(PagedAnswer):
    """
    A part of the log, the newest record first.

    There are more records as long as ``next_token`` is not empty; a page may hold less than was
    asked for where lines of the log have been lost. ``unreadable`` counts the lines of the whole
    log that are no records, such as torn ones. ``incomplete_since`` is null where all is there
    that was in the log when the call came, and else the moment from which on records may be
    missing, since they are still being read.
    """

    unreadable = _shown(_COUNT)
    incomplete_since = _shown(_MOMENT, allow_none=True)
    decisions = fields.List(fields.Nested(RecordAnswer), required=True)


class BehindAnswer(Answer):
    """Who stands behind a surrogate: ``id`` is a CPF, a login, or the id of an entity."""

    surrogate = _shown(_NAME)
    type = Text(required=True)
    id = Text(required=True)


class PersonsAnswer(Answer):
    """Who stands behind the surrogates of a record; those who were erased are absent."""

    id = _shown(_NAME)
    persons = fields.List(fields.Nested(BehindAnswer), required=True)
