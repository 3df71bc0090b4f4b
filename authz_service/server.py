"""Serves the WSGI application with waitress, and stops without dropping anybody."""

from __future__ import annotations

import json
import select
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask

THREADS = 4
"""Few: threads that fight for the interpreter lock make each other slower."""
DRAIN_SECONDS = 30.0
"""How long a stop waits for requests that are being answered."""
MAX_BODY = 1024 * 1024
"""Bytes of a body that waitress takes in; the application refuses far smaller ones itself."""
MAX_HEADER = 16 * 1024
"""Bytes of all headers together."""


class _ProblemTask(ErrorTask):
    """
    waitress's own refusals, in the shape of all others: RFC 9457, with the request's id.

    They are requests that never reach the application: headers that are no HTTP, or too
    large, and bodies beyond ``MAX_BODY``.
    """

    def execute(self) -> None:
        """Write the answer and close the connection."""
        request: Any = self.request
        error = request.error
        problem = {
            "type": "about:blank",
            "title": error.reason,
            "status": error.code,
            "detail": "the server could not take in the request",
        }
        body = json.dumps(problem).encode()
        self.status = f"{error.code} {error.reason}"
        headers = [("Content-Type", "application/problem+json")]
        request_id = request.headers.get("X_REQUEST_ID")
        if request_id:
            headers.append(("X-Request-ID", request_id))
        self.response_headers = headers
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    """A connection whose refusals are problems."""

    error_task_class = _ProblemTask


class Server:
    """
    One waitress server in this process.

    Args:
        app: the WSGI application.
        host: the address to listen on.
        port: the port to listen on; 0 lets the system choose.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(self, app: Callable[..., Any], host: str, port: int) -> None:
        self._map: dict[int, Any] = {}
        self._stopping = False
        self._server = create_server(
            app,
            map=self._map,
            host=host,
            port=port,
            threads=THREADS,
            max_request_body_size=MAX_BODY,
            max_request_header_size=MAX_HEADER,
            # The name and version of the server are nobody's business.
            ident="",
        )
        for listener in self._listeners():
            listener.channel_class = _Channel

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._listeners()[0].socket.getsockname()[1])

    def run(self) -> None:
        """Serve as ``serve`` does, and let SIGTERM and SIGINT stop it; for the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        self.serve()

    def serve(self) -> None:
        """Serve until ``stop`` is called; then finish what is in flight and return."""
        while not self._stopping:
            wasyncore.loop(timeout=1.0, map=self._map, count=1)
        self._drain()

    def stop(self) -> None:
        """Begin to stop; may be called from any thread."""
        self._stopping = True
        self._listeners()[0].pull_trigger()

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _listeners(self) -> list[Any]:
        return [one for one in self._map.values() if isinstance(one, BaseWSGIServer)]

    def _drain(self) -> None:
        """Take in who has already connected, answer everybody, and close."""
        listeners = self._listeners()
        while select.select([one.socket for one in listeners], [], [], 0)[0]:
            wasyncore.loop(timeout=0.0, map=self._map, count=1)
        for listener in listeners:
            listener.del_channel()
            listener.socket.close()
        deadline = time.monotonic() + DRAIN_SECONDS
        while self._busy() and time.monotonic() < deadline:
            wasyncore.loop(timeout=0.05, map=self._map, count=1)
        listeners[0].task_dispatcher.shutdown()
        wasyncore.close_all(self._map)

    def _busy(self) -> bool:
        """Close the connections on which nothing is going on, and tell whether any is left."""
        busy = False
        for channel in list(self._map.values()):
            if not isinstance(channel, HTTPChannel):
                continue
            if channel.requests or channel.request or channel.total_outbufs_len:
                busy = True
            else:
                channel.handle_close()
        return busy
