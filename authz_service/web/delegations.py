"""
Delegations: a representative replaces, grants, lists and revokes, a member renounces.

Whoever has read a member's delegations may replace them under the condition that they are
still the same: ``If-Match`` with the ``ETag`` of the reading, or of the last replacement.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from authz_service.domain.delegation import DelegationState
from authz_service.domain.errors import NotFound
from authz_service.usecases.acting import Validity
from authz_service.usecases.delegate import DelegationDesk, MembersSet
from authz_service.usecases.listing import Search
from authz_service.usecases.sign_in import SignInDesk
from authz_service.web.acting import WHO_ACTS, ActBody, read_act
from authz_service.web.contract import Link, describes
from authz_service.web.delegation_schemas import (
    DelegationAnswer,
    DelegationsAnswer,
    GrantBody,
    SearchBody,
    SetAnswer,
    SetBody,
    delegation_shown,
)
from authz_service.web.etags import IF_MATCH, named_tags, tagged
from authz_service.web.guards import needs
from authz_service.web.paging import wanted

_TAG = "Delegations"
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_ETAG = {"ETag": "The state of the delegations, ended ones included, for If-Match."}
_ID_IN_PATH = {"delegation_id": "The delegation's id, as an answer has given it."}
_LINKS = tuple(
    Link(verb, f"delegations.{verb}", {"delegation_id": "$response.body#/delegations/0/id"})
    for verb in ("show_history", "revoke", "renounce")
)
# What the two calls that end a delegation declare.
_ends = describes(
    _TAG,
    body=ActBody,
    answer=DelegationAnswer,
    problems=(401, 403, 404, 409, 501, 503),
    headers=WHO_ACTS,
    path=_ID_IN_PATH,
)
_ACT, _SET, _GRANT, _SEARCH = ActBody(), SetBody(), GrantBody(), SearchBody()


def blueprint(desk: DelegationDesk, sign_in_desk: SignInDesk) -> Blueprint:
    """Build the routes around one desk, and the one that proves who acts."""
    bp = Blueprint("delegations", __name__, url_prefix="/v1/delegations")

    @bp.put("")
    @needs("delegations")
    @describes(
        _TAG,
        body=SetBody,
        answer=SetAnswer,
        problems=(400, 401, 403, 409, 412, 501, 503),
        headers={**WHO_ACTS, **IF_MATCH},
        answer_headers=_ETAG,
        links=_LINKS,
    )
    def replace() -> ResponseReturnValue:
        """
        Make the given processes the whole set (Atualizar).

        What is missing is revoked, what is new is granted, and whoever else replaces a set
        stands behind what stays in it from then on. The policy is asked about each of them: if
        it denies one, nothing is done. With ``If-Match`` nothing is done either, and the answer
        is a 412, if anything happened to the member's delegations since the tag was given.
        """
        acting, sent = read_act(_SET, sign_in_desk)
        after = desk.replace_set(
            acting,
            sent["company"],
            sent["member"],
            sent["processes"],
            _validity(sent),
            named_tags(),
        )
        return _set(after, desk.clock())

    @bp.post("")
    @needs("delegations")
    @describes(
        _TAG,
        body=GrantBody,
        answer=SetAnswer,
        problems=(400, 401, 403, 409, 501, 503),
        headers=WHO_ACTS,
        answer_headers=_ETAG,
        links=_LINKS,
    )
    def grant() -> ResponseReturnValue:
        """
        Delegate one or more processes, and leave all others as they are.

        What the member has already is confirmed by whoever grants it again. The answer shows
        the member's whole set. The policy is asked about each process: if it denies one,
        nothing is done.
        """
        acting, sent = read_act(_GRANT, sign_in_desk)
        after = desk.grant(
            acting, sent["company"], sent["member"], sent["processes"], _validity(sent)
        )
        return _set(after, desk.clock())

    @bp.post("/search")
    @needs("delegations")
    @describes(
        _TAG,
        body=SearchBody,
        answer=DelegationsAnswer,
        problems=(400, 401, 403, 409, 501, 503),
        headers=WHO_ACTS,
        answer_headers=_ETAG,
        links=_LINKS,
    )
    def search() -> ResponseReturnValue:
        """
        List delegations, ended ones included; a POST keeps the CPFs out of the URL.

        The ``ETag`` is of all the member's delegations, or the company's where no member is
        named, whatever part of them is shown.
        """
        acting, sent = read_act(_SEARCH, sign_in_desk)
        company, member, process, state = (
            sent[name] for name in ("company", "member", "process", "state")
        )
        part = wanted(
            sent["page"],
            "page.token",
            "delegations",
            company.value,
            None if member is None else "cpf",
            None if process is None else process.text,
            None if process is None else process.version,
            state,
        )
        within = Search(company, member, process, None if state is None else DelegationState(state))
        found, now = desk.search(acting, within, part.after, part.limit), desk.clock()
        answer = part.answer("delegations", found.page, lambda one: delegation_shown(one, now))
        return tagged(answer, found.tag)

    @bp.post("/<delegation_id>/history")
    @needs("delegations")
    @describes(
        _TAG,
        body=ActBody,
        answer=DelegationAnswer,
        problems=(401, 403, 404, 501, 503),
        headers=WHO_ACTS,
        path=_ID_IN_PATH,
    )
    def show_history(delegation_id: str) -> ResponseReturnValue:
        """Show one delegation and all that happened to it; a POST, since somebody asks for it."""
        acting, _sent = read_act(_ACT, sign_in_desk)
        return delegation_shown(desk.history(acting, _id(delegation_id)), desk.clock())

    @bp.post("/<delegation_id>/revoke")
    @needs("delegations")
    @_ends
    def revoke(delegation_id: str) -> ResponseReturnValue:
        """End a delegation in the name of the company."""
        acting, _sent = read_act(_ACT, sign_in_desk)
        return delegation_shown(desk.revoke(acting, _id(delegation_id)), desk.clock())

    @bp.post("/<delegation_id>/renounce")
    @needs("delegations")
    @_ends
    def renounce(delegation_id: str) -> ResponseReturnValue:
        """End a delegation by the member's own will."""
        acting, _sent = read_act(_ACT, sign_in_desk)
        return delegation_shown(desk.renounce(acting, _id(delegation_id)), desk.clock())

    return bp


def _validity(sent: dict[str, Any]) -> Validity | None:
    # Absent leaves the last days as they are; null takes them away.
    return Validity(sent["until"]) if "until" in sent else None


def _id(text: str) -> str:
    # Not every store can look for every text: a path may hold NUL or half a character.
    if _ID.fullmatch(text) is None:
        raise NotFound("there is no such delegation")
    return text


def _set(after: MembersSet, moment: datetime) -> Response:
    shown = [delegation_shown(one, moment) for one in after.in_force]
    return tagged({"delegations": shown}, after.tag)
