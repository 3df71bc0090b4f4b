"""One request of granian's: from what it knows of the request to the answer of the application."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from queue import SimpleQueue
from threading import get_ident
from time import monotonic
from typing import Any

from authz_service.server.refusals import refusal

_LOG = logging.getLogger("authz")
_MORE = (("Server", "authz"),)
"""What stands in every answer: granian's name and version are nobody's business."""
_LAST = ("Connection", "close")
AT_WORK = 32
"""How many requests the application works on at once; the others have come and wait."""
_FORWARDED = "HTTP_X_FORWARDED_FOR"
_UNTOLD = "unknown"
"""
What stands for whatever ``X-Forwarded-For`` says.

granian has the same name for ``X_Forwarded_For``, keeps the one of both that comes last, and makes
nothing of a value that is not ASCII: what a trusted proxy has said cannot be told from what a
caller has made it pass on. So it counts as what a proxy says that does not know itself
(RFC 7239, 6.2), and whoever looks for the caller finds nobody.
"""
_CONSTANT: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.errors": sys.stderr,
    # The body is at hand as a whole, whether its length was told or not.
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}

Application = Callable[..., Any]


class _Start:
    """WSGI's ``start_response``."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], _error: object = None
    ) -> Callable[[bytes], object]:
        self.status = int(status[:3])
        self.headers = headers
        return _no_write


def _no_write(_data: bytes) -> object:
    raise RuntimeError("an application gives its answer back, and writes none of it before")


class Answering:
    """
    Answers requests with a WSGI application.

    granian's own way to call one takes the whole environment of the process into every request,
    reads a body only when asked for it, keeps nobody from sending one without an end, and has one
    name for headers that are not the same.

    Args:
        app: the application.
        longest: of a body, in bytes.
    """

    def __init__(self, app: Application, longest: int) -> None:
        self._app = app
        self._longest = longest
        self._reading: dict[int, float] = {}
        self._more: tuple[tuple[str, str], ...] = _MORE
        # A semaphore, at a tenth of its price.
        self._places = SimpleQueue[None]()
        for _ in range(AT_WORK):
            self._places.put(None)

    def __call__(self, protocol: Any, scope: dict[str, Any]) -> None:
        """Answer one request; nothing comes out of it."""
        start = _Start()
        try:
            refused = self._take_in(scope)
            if refused is not None:
                body, start.headers = refusal(*refused, scope.get("HTTP_X_REQUEST_ID"))
                start.status = refused[0]
                start.headers.append(_LAST)
            else:
                self._places.get()
                try:
                    answer = self._app(scope, start)
                    if type(answer) is not list:
                        self._send(protocol, start, answer)
                        return
                finally:
                    self._places.put(None)
                body = answer[0] if len(answer) == 1 else b"".join(answer)
        except Exception:  # noqa: BLE001 -- granian would answer it with nothing at all
            _LOG.exception("a request could not be answered")
            body, start.headers = refusal(500, "Internal Server Error")
            start.status = 500
        # An application may use a list of headers more than once.
        protocol.response_bytes(start.status, [*start.headers, *self._more], body)

    def last_answers(self) -> None:
        """Let each answer from now on be the last one on its connection."""
        self._more = (*_MORE, _LAST)

    def waited(self, now: float) -> float:
        """Give for how many seconds the slowest body has been waited for at the moment *now*."""
        return max((now - one for one in list(self._reading.values())), default=0.0)

    def _take_in(self, scope: dict[str, Any]) -> tuple[int, str] | None:
        """Complete what granian says of a request, or give status and title of a refusal."""
        scope.update(_CONSTANT)
        if _FORWARDED in scope:
            scope[_FORWARDED] = _UNTOLD
        told = scope.get("CONTENT_LENGTH")
        if told is not None:
            told = int(told)
            if told > self._longest:
                return 413, "Request Entity Too Large"
        elif "HTTP_TRANSFER_ENCODING" not in scope:
            scope["wsgi.input"] = BytesIO()
            return None
        me = get_ident()
        self._reading[me] = monotonic()
        try:
            body = scope["wsgi.input"].read(self._longest + 1)
        finally:
            del self._reading[me]
        size = len(body)
        if size > self._longest:
            return 413, "Request Entity Too Large"
        if told is not None and size != told:
            # Nobody hears it: the connection has ended before the body did.
            return 400, "Bad Request"
        scope["wsgi.input"] = BytesIO(body)
        return None

    def _send(self, protocol: Any, start: _Start, answer: Any) -> None:
        """Send an answer that comes piece by piece; whole where its length is known before."""
        headers = [*start.headers, *self._more]
        if any(name.lower() == "content-length" for name, _value in headers):
            try:
                body = b"".join(answer)
            finally:
                _close(answer)
            protocol.response_bytes(start.status, headers, body)
        else:
            protocol.response_iter(start.status, headers, _Pieces(answer))


class _Pieces:
    """An answer's pieces, as granian asks for them."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self._pieces: Iterator[bytes] = iter(answer)

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        _close(self._answer)


def _close(answer: Any) -> None:
    close = getattr(answer, "close", None)
    if close is not None:
        close()
