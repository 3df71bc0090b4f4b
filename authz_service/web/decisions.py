"""
The decision log over HTTP, for auditors: records with persons as surrogates, and who they are.

What is shown is what stands in the log. Who stands behind a surrogate, and what the log holds
about a CPF, is personal data: it takes a scope of its own, and is written down each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from authz_service.domain.decision import Subject
from authz_service.domain.errors import InvalidInput, NotFound
from authz_service.domain.identifiers import Cpf, Login
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.records import Searched, Sought
from authz_service.web.body import read_object, read_query
from authz_service.web.contract import Link, describes
from authz_service.web.decision_schemas import (
    HEX_NAME,
    PersonsAnswer,
    RecordAnswer,
    RecordsAnswer,
    RecordsBody,
    RecordsQuery,
    WhyBody,
)
from authz_service.web.fields import written
from authz_service.web.guards import caller, demand, needs
from authz_service.web.paging import Wanted, wanted

_TAG = "Decisions"
_PATH = {"decision_id": "The record's id: of a decision, the one that its answer carried."}
_LINKS = tuple(
    Link(verb, f"decisions.{verb}", {"decision_id": "$response.body#/decisions/0/id"})
    for verb in ("show", "persons")
)
_FILTERS = ("kind", "process", "reason", "action", "client", "policy")
_QUERY, _BODY, _WHY = RecordsQuery(), RecordsBody(), WhyBody()


def blueprint(decisions: Decisions) -> Blueprint:
    """Build the routes around the one who finds records."""
    bp = Blueprint("decisions", __name__, url_prefix="/v1/decisions")

    @bp.get("")
    @needs("decisions:read")
    @describes(_TAG, query=RecordsQuery, answer=RecordsAnswer, problems=(409,), links=_LINKS)
    def index() -> ResponseReturnValue:
        """
        List records, the newest first.

        Whatever was answered before the call is found, unless ``incomplete_since`` says otherwise:
        then what was written last is still being read. What is written meanwhile moves no page.
        A 409 says that the token leads nowhere, and the list has to be begun anew.
        """
        sent = _QUERY.read(read_query(_QUERY.fields))
        if sent["allowed"] is not None:
            sent["allowed"] = sent["allowed"] == "true"
        named = None if sent["person"] is None else "person"
        sought, part = _sought(sent, sent, "token", named)
        return _part(part, decisions.search(sought, part.after, part.limit))

    @bp.post("/search")
    @needs("decisions:read")
    @describes(_TAG, body=RecordsBody, answer=RecordsAnswer, problems=(409,), links=_LINKS)
    def search() -> ResponseReturnValue:
        """
        List records as ``GET /v1/decisions`` does, or those about a person who is named in clear.

        To name a CPF or a login takes the scope ``decisions:clear`` as well, and is written to
        the log as the act ``decisions.search``, under the surrogate.
        """
        sent = _BODY.read(read_object())
        named, subject = _named(sent)
        sought, part = _sought(sent, sent["page"], "page.token", named)
        if subject is None:
            return _part(part, decisions.search(sought, part.after, part.limit))
        demand("decisions:clear")
        found = decisions.search_of(subject, sought, part.after, part.limit, caller())
        return _part(part, found)

    @bp.get("/<decision_id>")
    @needs("decisions:read")
    @describes(_TAG, answer=RecordAnswer, problems=(404,), path=_PATH)
    def show(decision_id: str) -> ResponseReturnValue:
        """
        Show one record.

        A decision is found as soon as it was answered. Where what was written last is still being
        read, a 404 says of before which moment there is no such record.
        """
        return dict(decisions.find(_id(decision_id)))

    @bp.post("/<decision_id>/persons")
    @needs("decisions:clear")
    @describes(_TAG, body=WhyBody, answer=PersonsAnswer, problems=(404,), path=_PATH)
    def persons(decision_id: str) -> ResponseReturnValue:
        """
        Tell who stands behind the surrogates of a record.

        Each call is written to the log as the act ``decisions.clear`` before it is answered,
        with its ``why``. A person who was erased is absent.
        """
        name = _id(decision_id)
        found = decisions.persons(name, _WHY.read(read_object())["why"], caller())
        shown = [
            {"surrogate": surrogate, **_subject(subject)} for surrogate, subject in found.items()
        ]
        return {"id": name, "persons": shown}

    return bp


def _id(text: str) -> str:
    if HEX_NAME.fullmatch(text) is None:
        raise NotFound("there is no such record")
    return text


def _named(sent: Mapping[str, Any]) -> tuple[str | None, Subject | None]:
    """Give by which member a body names somebody, if it does, and whom it names in clear."""
    given = [name for name in ("cpf", "login", "person") if sent[name] is not None]
    if len(given) > 1:
        raise InvalidInput(given[1], f"must not be given beside `{given[0]}`")
    return given[0] if given else None, sent["cpf"] or sent["login"]


def _sought(
    sent: Mapping[str, Any], page: Mapping[str, Any], where: str, named: str | None
) -> tuple[Sought, Wanted]:
    """Give which records are wanted, and which part of them; *named* is how somebody is named."""
    company = sent["company"]
    sought = Sought(
        since=sent["from"],
        until=sent["to"],
        company=company,
        allowed=sent["allowed"],
        person=sent["person"],
        **{name: sent[name] for name in _FILTERS},
    )
    part = wanted(
        page,
        where,
        "decisions",
        written(sought.since),
        written(sought.until),
        None if company is None else company.value,
        sought.allowed,
        *(sent[name] for name in _FILTERS),
        named,
    )
    return sought, part


def _part(part: Wanted, found: Searched) -> dict[str, Any]:
    answer = part.answer("decisions", found.page, dict)
    told = {"unreadable": found.unreadable, "incomplete_since": found.since}
    return {"page": answer["page"], **told, **answer}


def _subject(subject: Subject) -> dict[str, str]:
    if isinstance(subject, Cpf):
        return {"type": "person", "id": subject.digits}
    if isinstance(subject, Login):
        return {"type": "login", "id": subject.value}
    return {"type": subject.type, "id": subject.id}
