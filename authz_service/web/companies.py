"""
Companies: what is known of them, and the foreign ones that Inmetro's team registers (Estrangeiro).

A national company is known by its CNPJ as soon as anything is recorded of it; nobody
registers it here. The logins of a foreign company's representatives are personal data: only
the scope ``companies`` sees them, and only of one company at a time.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.companies import (
    MOST_REPRESENTATIVES,
    ForeignCompany,
    Origin,
    Validation,
)
from authz_service.domain.errors import InvalidInput, NotFound
from authz_service.domain.identifiers import ForeignId, parse_company
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.stores import CompanyKnown
from authz_service.web.body import read_object, read_query
from authz_service.web.bonds import BondAnswer, bond_shown
from authz_service.web.contract import Answer, Link, describes
from authz_service.web.etags import ETAG, IF_MATCH, etag, seen, tagged
from authz_service.web.fields import Body, Text, company, instant, login, written
from authz_service.web.guards import caller, needs
from authz_service.web.paging import PagedAnswer, PagedQuery, wanted
from authz_service.web.texts import COUNTRY, NAME, listed, text

_TAG = "Companies"
_PATH = {"company_id": "The CNPJ, or the number of a foreign company."}
_FOREIGN_PATH = {"company_id": "The number of a foreign company, such as EX00001230."}
_STEPS = tuple(
    Link(name, f"companies.{name}", {"company_id": "$response.body#/id"})
    for name in ("show", "change", "validate", "withdraw")
)


class CompanyBody(Body):
    """What is registered of a foreign company; ``representatives`` are logins of Orquestra."""

    name = text(NAME, required=True)
    country = text(COUNTRY, required=True)
    representatives = listed(
        login(), MOST_REPRESENTATIVES, required=True, metadata={"uniqueItems": True}
    )


class CompaniesQuery(PagedQuery):
    """Which companies are wanted; only foreign ones have a validation."""

    origin = Text(choices=tuple(Origin), load_default=None)
    validation = Text(choices=tuple(Validation), load_default=None)


class CompanyAnswer(Answer):
    """
    What is known of a company.

    A national one has ``bond``, its recorded bond to its matriz or null. A foreign one has
    ``name``, ``country``, ``validation``, ``registered_at`` and ``validated_at``; and
    ``representatives``, in the order of the alphabet, where the caller may see them.
    """

    id = company(required=True)
    origin = Text(required=True, choices=tuple(Origin))
    bond = fields.Nested(BondAnswer, allow_none=True)
    name = Text()
    country = Text()
    validation = Text(choices=tuple(Validation))
    registered_at = instant()
    validated_at = instant(allow_none=True)
    representatives = fields.List(login())


class CompaniesAnswer(PagedAnswer):
    """A part of the companies: national ones, then foreign ones, by number."""

    companies = fields.List(fields.Nested(CompanyAnswer), required=True)


# What the two calls that settle a company's validation declare.
_settles = describes(
    _TAG,
    answer=CompanyAnswer,
    problems=(400, 404, 409, 412),
    headers=IF_MATCH,
    answer_headers=ETAG,
    path=_FOREIGN_PATH,
    links=_STEPS,
)

_COMPANY = CompanyBody()
_QUERY = CompaniesQuery()


def blueprint(desk: ForeignDesk, lookup: Lookup) -> Blueprint:
    """Build the routes around the desk for foreign companies and the one who looks up."""
    bp = Blueprint("companies", __name__, url_prefix="/v1/companies")

    @bp.get("")
    @needs("people:read")
    @describes(
        _TAG,
        query=CompaniesQuery,
        answer=CompaniesAnswer,
        links=(Link("show", "companies.show", {"company_id": "$response.body#/companies/0/id"}),),
    )
    def index() -> ResponseReturnValue:
        """List the companies of which anything is known, without representatives."""
        sent = _QUERY.read(read_query(_QUERY.fields))
        origin = None if sent["origin"] is None else Origin(sent["origin"])
        validation = None if sent["validation"] is None else Validation(sent["validation"])
        part = wanted(sent, "token", "companies", origin, validation)
        found = lookup.companies(origin, validation, part.after, part.limit)
        return part.answer("companies", found, _shown)

    @bp.post("")
    @needs("companies")
    @describes(
        _TAG,
        body=CompanyBody,
        answer=CompanyAnswer,
        status=201,
        problems=(409,),
        answer_headers={"Location": "where the company is found", **ETAG},
        links=_STEPS,
    )
    def register() -> ResponseReturnValue:
        """
        Register a foreign company without legal representation in Brazil.

        It gets a number of its own and is pending: until it is validated, nothing is allowed.
        A call that is made twice registers two companies.
        """
        sent = _COMPANY.read(read_object())
        made = desk.register(sent["name"], sent["country"], sent["representatives"], caller())
        response = tagged(foreign_shown(made, clear=True))
        response.status_code = 201
        response.headers["Location"] = f"/v1/companies/{made.id.value}"
        return response

    @bp.get("/<company_id>")
    @needs("people:read")
    @describes(
        _TAG, answer=CompanyAnswer, problems=(404,), answer_headers=ETAG, path=_PATH, links=_STEPS
    )
    def show(company_id: str) -> ResponseReturnValue:
        """
        Show what is known of a company.

        With the scope ``companies`` also who represents a foreign one; such a call is written to
        the decision log as an act.
        """
        try:
            number = parse_company(company_id)
        except InvalidInput:
            raise NotFound("nothing is known of this company") from None
        clear = "companies" in caller().scopes
        return tagged(_shown(lookup.company(number, caller(), clear=clear), clear=clear))

    @bp.put("/<company_id>")
    @needs("companies")
    @describes(
        _TAG,
        body=CompanyBody,
        answer=CompanyAnswer,
        problems=(404, 409, 412),
        headers=IF_MATCH,
        answer_headers=ETAG,
        path=_FOREIGN_PATH,
        links=_STEPS,
    )
    def change(company_id: str) -> ResponseReturnValue:
        """
        Replace what is registered of a foreign company.

        A new name, country or representative has not been validated: the company is pending
        again. Who is only taken away leaves the validation as it is. Send ``If-Match``, or two
        who change the same company undo each other's work.
        """
        number = _foreign(company_id)
        sent = _COMPANY.read(read_object())
        changed = desk.change(
            number,
            caller(),
            name=sent["name"],
            country=sent["country"],
            representatives=sent["representatives"],
            seen=seen(_state),
        )
        return tagged(_state(changed))

    @bp.post("/<company_id>/validate")
    @needs("companies")
    @_settles
    def validate(company_id: str) -> ResponseReturnValue:
        """
        Say that a foreign company was looked at and found right.

        With ``If-Match`` it is the state that was looked at which is validated, and no other.
        """
        return _settled(desk.validate(_foreign(company_id), caller(), seen(_state)))

    @bp.post("/<company_id>/withdraw")
    @needs("companies")
    @_settles
    def withdraw(company_id: str) -> ResponseReturnValue:
        """Let a foreign company count no more, for good; who comes back is registered anew."""
        return _settled(desk.withdraw(_foreign(company_id), caller(), seen(_state)))

    return bp


def _foreign(text: str) -> ForeignId:
    try:
        return ForeignId.parse(text)
    except InvalidInput:
        # In words that do not repeat what was sent.
        raise NotFound("there is no foreign company of this number") from None


def _settled(company: ForeignCompany) -> Response:
    """Give an answer without representatives, whom nobody asked to see; its tag is of all."""
    return tagged(foreign_shown(company, clear=False), etag(_state(company)))


def _state(company: ForeignCompany) -> dict[str, Any]:
    return foreign_shown(company, clear=True)


def _shown(known: CompanyKnown, *, clear: bool = False) -> dict[str, Any]:
    if known.foreign is not None:
        return foreign_shown(known.foreign, clear=clear)
    bond = None if known.bond is None else bond_shown(known.bond)
    return {"id": known.id.value, "origin": Origin.NATIONAL.value, "bond": bond}


def foreign_shown(company: ForeignCompany, *, clear: bool) -> dict[str, Any]:
    """Show a foreign company; its representatives only where they may be seen in *clear*."""
    shown: dict[str, Any] = {
        "id": company.id.value,
        "origin": Origin.FOREIGN.value,
        "name": company.name,
        "country": company.country,
        "validation": company.validation.value,
        "registered_at": written(company.registered_at),
        "validated_at": written(company.validated_at),
    }
    if clear:
        shown["representatives"] = sorted(one.value for one in company.representatives)
    return shown
