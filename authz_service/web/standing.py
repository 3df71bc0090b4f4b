"""
Standing: what persons are in companies, asserted by a caller and looked up.

What a caller asserts, for migration and tests, is evidence of a kind of its own
(``asserted``), which policies can refuse; what GOV.BR says prevails over it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.errors import InvalidInput
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.register import Registrar
from authz_service.web.body import read_object
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Body, Text, cnpj, cpf, flag, instant, written
from authz_service.web.guards import caller, needs
from authz_service.web.paging import Paged, PagedAnswer, wanted
from authz_service.web.shapes import Shape

_TAG = "Standing"


class StandingBody(Body):
    """What a person is in a company (atuação), and until when."""

    cpf = cpf(required=True)
    company = cnpj(required=True)
    role = Text(choices=tuple(Role), required=True)
    ends_at = instant(allow_none=True, load_default=None)


class StandingSearchBody(Paged):
    """Whose standing is wanted: a company's, a person's, or that of both; one has to be given."""

    company = cnpj(allow_none=True, load_default=None)
    cpf = cpf(allow_none=True, load_default=None)
    moreover: ClassVar[Shape] = {
        "anyOf": [
            {"required": ["company"], "properties": {"company": {"type": "string"}}},
            {"required": ["cpf"], "properties": {"cpf": {"type": "string"}}},
        ],
        "examples": [{"company": "52420282000180"}],
    }


class StandingAnswer(Answer):
    """
    What a person is in a company, and how the service knows.

    ``cadastrador`` tells whether the person may register collaborators at GOV.BR, null if unknown.
    """

    cpf = cpf(required=True)
    company = cnpj(required=True)
    role = Text(choices=tuple(Role), required=True)
    evidence = Text(choices=tuple(Evidence), required=True)
    observed_at = instant(required=True)
    ends_at = instant(required=True, allow_none=True)
    cadastrador = flag(required=True, allow_none=True)


class StandingsAnswer(PagedAnswer):
    """A part of the standing that is known, by company, person and evidence."""

    standings = fields.List(fields.Nested(StandingAnswer), required=True)


_STANDING = StandingBody()
_SEARCH = StandingSearchBody()


def blueprint(registrar: Registrar, lookup: Lookup) -> Blueprint:
    """Build the routes around those who take and show standing."""
    bp = Blueprint("standing", __name__, url_prefix="/v1/standing")

    @bp.post("")
    @needs("standing:assert")
    @describes(_TAG, body=StandingBody, answer=StandingAnswer, problems=(409,))
    def stand() -> ResponseReturnValue:
        """
        Say what a person is in a company.

        It supersedes what was asserted before. Once GOV.BR has answered about a person, what it
        says counts, and nothing can be asserted any more (409).
        """
        said = _STANDING.read(read_object())
        role = Role(said["role"])
        known = registrar.standing(said["company"], said["cpf"], role, said["ends_at"], caller())
        return standing_shown(known)

    @bp.post("/search")
    @needs("people:read")
    @describes(_TAG, body=StandingSearchBody, answer=StandingsAnswer)
    def search() -> ResponseReturnValue:
        """
        List the current standing of a company, of a person, or of both.

        Each call is written to the decision log as an act, with the surrogates of those shown.
        """
        sent = _SEARCH.read(read_object())
        company, person = sent["company"], sent["cpf"]
        if company is None and person is None:
            raise InvalidInput("company", "is required where there is no `cpf`")
        part = wanted(
            sent["page"],
            "page.token",
            "standing",
            None if company is None else company.value,
            None if person is None else "cpf",
        )
        try:
            found = lookup.standings(company, person, part.after, part.limit, caller())
        except InvalidInput as error:
            # It is the token that was made up: nothing else is left to be read.
            raise InvalidInput("page.token", error.message) from None
        return part.answer("standings", found, standing_shown)

    return bp


def standing_shown(standing: Standing) -> dict[str, Any]:
    """Show a standing to a caller who may see persons in clear."""
    return {
        "cpf": standing.person.digits,
        "company": standing.company.value,
        "role": standing.role.value,
        "evidence": standing.evidence.value,
        "observed_at": written(standing.observed_at),
        "ends_at": written(standing.ends_at),
        "cadastrador": standing.cadastrador,
    }
