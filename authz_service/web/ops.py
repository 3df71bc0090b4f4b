"""Operation: is the process alive, can it decide, what has it counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from marshmallow import fields

from authz_service.usecases.ports import Ping
from authz_service.web.contract import Answer, describes
from authz_service.web.fields import Text, flag
from authz_service.web.guards import needs, open_to_all

_PROBE = ("GET", "HEAD")
_TAG = "Operation"


class AliveAnswer(Answer):
    """The process can answer."""

    status = Text(required=True, choices=("ok",))


class ReadyAnswer(Answer):
    """Whether decisions can be made; each part with ``ok`` or what ails it."""

    ready = flag(required=True)
    parts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


def blueprint(pings: Sequence[Ping], metrics: Callable[[], tuple[bytes, str]]) -> Blueprint:
    """Build the routes of operation around the parts that are asked how they are."""
    bp = Blueprint("ops", __name__)

    @bp.route("/healthz", methods=_PROBE)
    @open_to_all("a probe has no key, and learns only that somebody answers")
    @describes(_TAG, answer=AliveAnswer)
    def healthz() -> ResponseReturnValue:
        """Answer as long as the process can answer at all."""
        return {"status": "ok"}

    @bp.route("/readyz", methods=_PROBE)
    @open_to_all("a probe has no key, and learns no more than which part ails")
    @describes(_TAG, answer=ReadyAnswer, also={503: "No decision can be made now."})
    def readyz() -> ResponseReturnValue:
        """Tell whether decisions can be made; what else ails is named, with 200."""
        ailments = [(ping, ping.ailment()) for ping in pings]
        ready = not any(ping.vital and ailment is not None for ping, ailment in ailments)
        parts = {ping.name: "ok" if ailment is None else ailment for ping, ailment in ailments}
        return {"ready": ready, "parts": parts}, 200 if ready else 503

    @bp.get("/metrics")
    @needs("metrics")
    @describes(_TAG, answer="text/plain")
    def exposition() -> ResponseReturnValue:
        """Give what Prometheus scrapes."""
        data, content_type = metrics()
        return Response(data, content_type=content_type)

    return bp
