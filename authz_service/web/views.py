"""What Flask serves of the operations that also answer without it: the same objects, as views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from flask import Blueprint, Flask, Response, g, request

from authz_service.web.guards import Gate, admitted
from authz_service.web.lean.frame import for_the_log
from authz_service.web.lean.operation import Call, Operation
from authz_service.web.lean.reply import Reply

_SERVES = "__operation__"


def serve(bp: Blueprint, operation: Operation, gate: Gate) -> None:
    """Have *bp* answer *operation* under the name of its function; *gate* has let the call in."""

    @wraps(operation.answer)
    def view() -> Response:
        return response(operation.answer(current_call(gate)))

    setattr(view, _SERVES, operation)
    bp.post(operation.path)(view)


def current_call(gate: Gate) -> Call:
    """Give the request of Flask at work as an operation takes it; see ``Call``."""
    return Call(request.environ, gate, admitted(), for_the_log(g.request_id))


def response(reply: Reply) -> Response:
    """Give a reply as Flask sends it."""
    status, media_type, headers, body = reply
    answer = Response(body, status=status, content_type=media_type)
    answer.headers.extend(headers)
    return answer


def operations_of(app: Flask) -> Iterator[Operation]:
    """Give the operations among what *app* serves."""
    for view in app.view_functions.values():
        operation = operation_of(view)
        if operation is not None:
            yield operation


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Give the operation that *view* serves, or None if it is a view of its own."""
    found: Operation | None = getattr(view, _SERVES, None)
    return found
