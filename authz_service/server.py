"""Serves the WSGI application with waitress, and stops without dropping anybody."""

from __future__ import annotations

import errno
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
from waitress.task import ErrorTask, WSGITask

THREADS = 8
"""Few: threads that fight for the interpreter lock make each other slower."""
WAITING_FOR_COMPANIES = 3
"""How many of them may wait for GOV.BR's companies API; the others are there for decisions."""
WAITING_FOR_KEYS = 1
"""How many may wait for GOV.BR's keys, so that made-up keys keep nobody from signing in."""
DRAIN_SECONDS = 30.0
"""How long a stop waits for requests that are being answered."""
TAKING_IN_SECONDS = 1.0
"""How long a stop goes on taking in those who have already connected."""
COMING_SECONDS = 3.0
"""How long a stop waits for the rest of a request that has begun to come."""
MAX_BODY = 1024 * 1024
"""Bytes of a body that waitress takes in; the application refuses far smaller ones itself."""
MAX_HEADER = 16 * 1024
"""Bytes of all headers together."""
MAX_CONNECTIONS = 1_000
"""Connections at once. waitress's 100 are soon held by callers that keep theirs alive."""
IDLE_SECONDS = 15
"""How long a connection may be silent. In waitress's 120, who says nothing locks out all."""


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


class _AnswerTask(WSGITask):
    """An answer that closes its connection while the server stops, and says so."""

    def build_response_header(self) -> bytes:
        """Give the head of the answer."""
        if getattr(self.channel.server, "stopping", False):
            self.set_close_on_finish()
        return bytes(super().build_response_header())


class _Channel(HTTPChannel):
    """A connection whose refusals are problems, and which ends with the server."""

    task_class = _AnswerTask
    error_task_class = _ProblemTask


class Server:
    """
    One waitress server in this process.

    Args:
        app: the WSGI application.
        host: the address to listen on.
        port: the port to listen on; 0 lets the system choose.

    Raises:
        OSError: the address cannot be listened on, or is none.
    """

    def __init__(self, app: Callable[..., Any], host: str, port: int) -> None:
        self._map: dict[int, Any] = {}
        self._stopping = False
        try:
            self._server = self._listen(app, host, port)
        except ValueError as error:
            raise OSError(errno.EADDRNOTAVAIL, "is no address to listen on", host) from error
        for listener in self._listeners():
            listener.channel_class = _Channel

    def _listen(self, app: Callable[..., Any], host: str, port: int) -> Any:
        return create_server(
            app,
            map=self._map,
            host=host,
            port=port,
            threads=THREADS,
            max_request_body_size=MAX_BODY,
            max_request_header_size=MAX_HEADER,
            connection_limit=MAX_CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=IDLE_SECONDS // 3,
            # `select` fails at the 1,024th file, and the log and the database need some.
            asyncore_use_poll=True,
            # The name and version of the server are nobody's business.
            ident="",
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._listeners()[0].socket.getsockname()[1])

    def heed_signals(self) -> None:
        """Let SIGTERM and SIGINT stop it from now on; for the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def serve(self) -> None:
        """Serve until ``stop`` is called; then finish what is in flight and return."""
        while not self._stopping:
            self._step(1.0)
        self._drain()

    def stop(self) -> None:
        """Begin to stop; may be called from any thread."""
        self._stopping = True
        for listener in self._listeners():
            listener.stopping = True
            listener.pull_trigger()

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _step(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, map=self._map, count=1, use_poll=True)

    def _listeners(self) -> list[Any]:
        return [one for one in self._map.values() if isinstance(one, BaseWSGIServer)]

    def _drain(self) -> None:
        """Take in who has already connected, answer everybody, and close."""
        listeners = self._listeners()
        began = time.monotonic()
        # No longer than a moment: full up, waitress takes nobody in and they wait for ever.
        while _waiting([one.socket for one in listeners]) and _since(began) < TAKING_IN_SECONDS:
            self._step(0.0)
        for listener in listeners:
            listener.del_channel()
            listener.socket.close()
        while self._busy(_since(began)) and _since(began) < DRAIN_SECONDS:
            self._step(0.05)
        listeners[0].task_dispatcher.shutdown()
        wasyncore.close_all(self._map)

    def _busy(self, seconds: float) -> bool:
        """
        Close the connections on which nothing is going on, and tell whether any is left.

        A request of which only a part has come counts for the first *seconds*.
        """
        busy = False
        for channel in list(self._map.values()):
            if not isinstance(channel, HTTPChannel):
                continue
            coming = channel.request is not None or _waiting([channel.socket])
            answering = channel.requests or channel.total_outbufs_len
            if answering or (coming and seconds < COMING_SECONDS):
                busy = True
            else:
                channel.handle_close()
        return busy


def _since(began: float) -> float:
    return time.monotonic() - began


def _waiting(sockets: list[Any]) -> bool:
    """Tell whether somebody's bytes or connection have arrived and were not taken in yet."""
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLIN)
    return any(what & select.POLLIN for _number, what in poll.poll(0))
