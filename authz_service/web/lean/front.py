"""The layer in front of Flask: answers the operations it knows, and hands on everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from authz_service.usecases.names import new_name
from authz_service.web.guards import Gate
from authz_service.web.lean.frame import (
    NOT_KEPT,
    REQUEST_ID,
    Audience,
    for_the_log,
    request_id_of,
)
from authz_service.web.lean.operation import Call, Operation
from authz_service.web.lean.reply import STATUS_LINES
from authz_service.web.problems import Problems
from authz_service.web.proxies import Wsgi


class Front:
    """
    A WSGI application around another.

    It answers a POST to the path of one of *operations*; whatever else comes, such as another
    method, a path with a slash behind it or the handshake of a web socket, is *inner*'s.

    Args:
        inner: answers what is not answered here.
        operations: what is; each declares who may call it.
        gate: checks who calls.
        problems: makes problems of errors.
        audience: hears of the answers.

    Raises:
        TypeError: an operation does not declare who may call it, or that all may.
    """

    def __init__(
        self,
        inner: Wsgi,
        operations: Iterable[Operation],
        *,
        gate: Gate,
        problems: Problems,
        audience: Audience,
    ) -> None:
        self.operations = tuple(operations)
        for one in self.operations:
            if not one.access.scopes:
                raise TypeError(f"{one.path} would be answered to anybody")
        self._by_path = {one.path: (one.answer, one.access) for one in self.operations}
        self._inner = inner
        self._gate = gate
        self._problems = problems
        self._audience = audience

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Serve one request."""
        route = environ.get("PATH_INFO", "")
        found = self._by_path.get(route)
        if found is None or environ["REQUEST_METHOD"] != "POST":
            return self._inner(environ, start_response)
        # Some clients would also speak HTTP/2 (`h2c`): that is theirs to ask, and no handshake.
        if "HTTP_UPGRADE" in environ and environ["HTTP_UPGRADE"].lower() == "websocket":
            return self._inner(environ, start_response)
        started = perf_counter()
        if "HTTP_X_REQUEST_ID" in environ:
            request_id = request_id_of(environ)
            logged_as = for_the_log(request_id)
        else:
            request_id = logged_as = new_name()
        try:
            answer, access = found
            gate = self._gate
            call = Call(environ, gate, gate.admit(access, environ), logged_as)
            status, media_type, headers, body = answer(call)
        except Exception as error:  # noqa: BLE001 -- whatever went wrong is a problem
            status, media_type, headers, body = self._problems.of(error, route)
        sent = [
            ("Content-Type", media_type),
            ("Content-Length", str(len(body))),
            *headers,
            (REQUEST_ID, request_id),
            NOT_KEPT,
        ]
        seconds = perf_counter() - started
        self._audience.hear(route, status, seconds, request_id, logged=status == 200)
        start_response(STATUS_LINES[status], sent)
        # An exact list of one: granian sends it without asking it for its parts.
        return [body]
