"""Processes: the catalogue of what companies may request, read and kept one by one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.domain.errors import InvalidInput, NotFound
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessState, ProcessVersion
from authz_service.usecases.processes import ProcessDesk, ProcessKnown
from authz_service.web.body import read_object, read_query
from authz_service.web.contract import Answer, Link, describes
from authz_service.web.etags import ETAG, IF_MATCH, IF_NONE_MATCH, etag, seen, tagged
from authz_service.web.fields import Body, Text, instant, whole, written
from authz_service.web.guards import caller, needs
from authz_service.web.paging import PagedAnswer, PagedQuery, wanted
from authz_service.web.shapes import Shape
from authz_service.web.texts import CODE, TITLE, text

_TAG = "Processes"
_LONGEST_CODE = 16
_MOST = 999_999
_PATH = {"process_id": "Its id: lower-case letters, digits and hyphens, such as p061-registro."}
_NEW_PATH: dict[str, Shape] = {
    "process_id": {
        "description": _PATH["process_id"],
        "type": "string",
        "pattern": r"^[ \t\r\n]*[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?[ \t\r\n]*$",
        "examples": ["p061-registro"],
    }
}
_SHOW = Link("show", "processes.show", {"process_id": "$response.body#/id"})
_LISTED = Link("show", "processes.show", {"process_id": "$response.body#/processes/0/id"})


class ProcessBody(Body):
    """What a process is; ``code`` need not be unique, code and title together have to be."""

    code = text(CODE, required=True)
    title = text(TITLE, required=True)
    version = whole(1, _MOST, required=True)
    state = Text(required=True, choices=tuple(ProcessState))


class VersionBody(Body):
    """The newest version of a process."""

    version = whole(1, _MOST, required=True)


class ProcessesQuery(PagedQuery):
    """Which processes are wanted."""

    code = Text(longest=_LONGEST_CODE, load_default=None)
    state = Text(choices=tuple(ProcessState), load_default=None)


class VersionAnswer(Answer):
    """A version, and when the catalogue came to know it; null if before that was kept."""

    version = whole(1, _MOST, required=True)
    since = instant(required=True, allow_none=True)


class ListedProcessAnswer(Answer):
    """A process; ``label`` is what Orquestra prints."""

    id = Text(required=True)
    code = Text(required=True)
    title = Text(required=True)
    version = whole(1, _MOST, required=True)
    state = Text(required=True, choices=tuple(ProcessState))
    label = Text(required=True)


class ProcessAnswer(ListedProcessAnswer):
    """A process with the versions that the catalogue has had of it, the oldest first."""

    versions = fields.List(fields.Nested(VersionAnswer), required=True)


class ProcessesAnswer(PagedAnswer):
    """A part of the processes, by id."""

    processes = fields.List(fields.Nested(ListedProcessAnswer), required=True)


_PROCESS = ProcessBody()
_VERSION = VersionBody()
_QUERY = ProcessesQuery()


def blueprint(desk: ProcessDesk) -> Blueprint:
    """Build the routes around the desk for processes."""
    bp = Blueprint("processes", __name__, url_prefix="/v1/processes")

    @bp.get("")
    @needs("catalogue:read")
    @describes(_TAG, query=ProcessesQuery, answer=ProcessesAnswer, links=(_LISTED,))
    def index() -> ResponseReturnValue:
        """List the processes of the catalogue, the closed ones included."""
        sent = _QUERY.read(read_query(_QUERY.fields))
        state = None if sent["state"] is None else ProcessState(sent["state"])
        part = wanted(sent, "token", "processes", sent["code"], state)
        found = desk.page(sent["code"], state, part.after, part.limit)
        return part.answer("processes", found, _shown)

    @bp.get("/<process_id>")
    @needs("catalogue:read")
    @describes(_TAG, answer=ProcessAnswer, problems=(404,), answer_headers=ETAG, path=_PATH)
    def show(process_id: str) -> ResponseReturnValue:
        """Show a process with its versions."""
        return _tagged(desk.find(_named(process_id)))

    @bp.put("/<process_id>")
    @needs("catalogue")
    @describes(
        _TAG,
        body=ProcessBody,
        answer=ProcessAnswer,
        problems=(409, 412),
        headers={**IF_MATCH, **IF_NONE_MATCH},
        answer_headers=ETAG,
        also={201: "Created"},
        path=_NEW_PATH,
        links=(_SHOW,),
    )
    def put(process_id: str) -> ResponseReturnValue:
        """
        Add a process under this id, or replace the one that is there.

        Delegations name the id, so they go along. The version may be a lower one, which mends a
        mistake; to announce a newer one there is ``versions``.
        """
        sent = _PROCESS.read(read_object())
        title = " ".join(sent["title"].split())
        process = ProcessDefinition(
            ProcessId.parse(process_id),
            sent["code"],
            title,
            sent["version"],
            ProcessState(sent["state"]),
        )
        known, new = desk.put(process, caller(), seen(_shown))
        response = _tagged(known)
        response.status_code = 201 if new else 200
        return response

    @bp.post("/<process_id>/versions")
    @needs("catalogue")
    @describes(
        _TAG,
        body=VersionBody,
        answer=ProcessAnswer,
        problems=(404, 409, 412),
        headers=IF_MATCH,
        answer_headers=ETAG,
        path=_PATH,
        links=(_SHOW,),
    )
    def announce(process_id: str) -> ResponseReturnValue:
        """
        Say that a process has a newer version.

        A lower one than is known is a 409; the one that is known changes nothing.
        """
        process = _named(process_id)
        sent = _VERSION.read(read_object())
        return _tagged(desk.announce(process, sent["version"], caller(), seen(_shown)))

    return bp


def _named(text: str) -> ProcessId:
    try:
        return ProcessId.parse(text)
    except InvalidInput:
        raise NotFound("there is no process of this id") from None


def _tagged(known: ProcessKnown) -> Response:
    # The tag is that of the process alone: what the catalogue has had says nothing of what it is.
    state = _shown(known.process)
    return tagged({**state, "versions": [_version(one) for one in known.versions]}, etag(state))


def _version(version: ProcessVersion) -> dict[str, Any]:
    return {"version": version.version, "since": written(version.since)}


def _shown(process: ProcessDefinition) -> dict[str, Any]:
    return {
        "id": process.id.value,
        "code": process.code,
        "title": process.title,
        "version": process.version,
        "state": process.state.value,
        "label": process.label,
    }
