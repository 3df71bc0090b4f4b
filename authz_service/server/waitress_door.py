"""Serves the WSGI application with waitress, and stops without dropping anybody."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestHeaderFieldsTooLarge

from authz_service.listening import BACKLOG, Turnstile, listen, turn_away, waiting
from authz_service.server.bounds import (
    COMING_SECONDS,
    DRAIN_SECONDS,
    HANDSHAKE_SECONDS,
    IDLE_SECONDS,
    MAX_BODY,
    MAX_CONNECTIONS,
    MAX_HEADER,
    QUIET_SECONDS,
    TAKING_IN_SECONDS,
    longest,
)
from authz_service.server.cores import on_one_core
from authz_service.server.door import Door
from authz_service.server.refusals import refusal

THREADS = 32
"""
More than changes may take that wait for the database (``web.crowding``), so that some are left.

They stay on one core, where more of them do not make each other slower.
"""

_REQUEST_ID = re.compile(
    rb"^X-Request-ID:[ \t]*([!-~]{1,200})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)


class _ProblemTask(ErrorTask):
    """
    waitress's own refusals, in the shape of all others: RFC 9457, with the request's id.

    They are requests that never reach the application: headers that are no HTTP, or too
    large, and bodies far beyond what the application takes.
    """

    def execute(self) -> None:
        """Write the answer and close the connection."""
        request: Any = self.request
        error = request.error
        body, self.response_headers = refusal(
            error.code, error.reason, request.headers.get("X_REQUEST_ID")
        )
        self.status = f"{error.code} {error.reason}"
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


class _Parser(HTTPRequestParser):
    """
    waitress's parser, which finds the request's id in headers that are too large as well.

    And which has the connection end after a request whose length a proxy may have read in
    another way (RFC 9112, 6.1): what comes behind it may be a part of it.
    """

    def received(self, data: bytes) -> int:
        """Take in *data*, and give how much of it was of this request."""
        taken = int(super().received(data))
        if isinstance(self.error, RequestHeaderFieldsTooLarge):
            found = _REQUEST_ID.search(self.header_plus + data)
            if found is not None:
                headers: Any = self.headers
                headers["X_REQUEST_ID"] = found[1].decode("ascii")
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Take in the head of the request, which is *header_plus*."""
        super().parse_header(header_plus)
        headers: Any = self.headers
        told_twice = self.chunked and "CONTENT_LENGTH" in headers
        # Nobody knew of chunks then; waitress takes the word for one that says nothing.
        too_early = self.version == "1.0" and "TRANSFER_ENCODING" in headers
        if told_twice or too_early:
            # As if the caller had asked for it.
            headers["CONNECTION"] = "close"
            self.connection_close = True


class _Channel(HTTPChannel):
    """A connection whose refusals are problems, and which ends with the server."""

    parser_class = _Parser
    task_class = _AnswerTask
    error_task_class = _ProblemTask


class Server(Door):
    """
    One waitress server in this process.

    Args:
        app: the WSGI application.
        host: the address to listen on.
        port: the port to listen on; 0 lets the system choose.
        max_body: the longest body that *app* takes, in bytes. It refuses longer ones itself;
            waitress those of more than twice that, and keeps none on a disk.
        sockets: sockets that are listened on already, by other processes too; in their place
            neither *host* nor *port* counts.
        core: on which core to stay, see ``on_one_core``; None for any that was not given.
        shed: hears how many were refused since nobody could take them in; not asked where
            *sockets* are given, whose owner sees to that.

    Raises:
        OSError: the address cannot be listened on, or is none.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        host: str,
        port: int,
        *,
        max_body: int = MAX_BODY,
        sockets: tuple[socket.socket, ...] = (),
        core: int | None = None,
        shed: Callable[[int], None] = lambda _count: None,
    ) -> None:
        super().__init__(sockets or listen(host, port))
        self._map: dict[int, Any] = {}
        self._listeners: list[Any]
        self._stopping = False
        self._turnstile = None if sockets else Turnstile(self._sockets, shed)
        most = longest(max_body)
        # Services side by side are mostly started in a row.
        self._core = os.getpid() if core is None else core
        # Its threads stay where they are started.
        with on_one_core(self._core):
            create_server(
                app,
                map=self._map,
                sockets=list(self._sockets),
                threads=THREADS,
                backlog=BACKLOG,
                max_request_body_size=most,
                # A body may hold a CPF: it stays in memory, which a file in /tmp would not be.
                inbuf_overflow=most,
                max_request_header_size=MAX_HEADER,
                connection_limit=MAX_CONNECTIONS,
                channel_timeout=IDLE_SECONDS,
                cleanup_interval=IDLE_SECONDS // 3,
                # `select` fails at the 1,024th file, and the log and the database need some.
                asyncore_use_poll=True,
                # The name and version of the server are nobody's business.
                ident="",
                # Who is believed is a matter of `web.proxies`: waitress knows one proxy's
                # address and no networks, counts hops in place of looking at them, and would by
                # default take the headers away before the application sees them.
                trusted_proxy=None,
                clear_untrusted_proxy_headers=False,
            )
        self._listeners = [one for one in self._map.values() if isinstance(one, BaseWSGIServer)]
        for listener in self._listeners:
            listener.channel_class = _Channel

    def serve(self) -> None:
        """Serve until ``stop`` is called; then finish what is in flight and return."""
        with on_one_core(self._core):
            while not self._stopping:
                self._step(1.0 if self._turnstile is None else self._turnstile.look())
            self._drain()

    def stop(self) -> None:
        """Begin to stop; may be called from any thread, and again."""
        if self._stopping:
            return
        self._stopping = True
        for listener in self._listeners:
            listener.stopping = True
            listener.pull_trigger()

    def _step(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, map=self._map, count=1, use_poll=True)

    def _drain(self) -> None:
        """Take in who has already connected, answer everybody, and close."""
        if self._turnstile is not None:
            self._turnstile.close()
            turn_away(self._sockets)
        self._take_in()
        for listener in self._listeners:
            listener.del_channel()
            listener.socket.close()
        # From here: whoever came in last has as much time as the others to send a request.
        began = time.monotonic()
        while self._busy(_since(began)) and _since(began) < DRAIN_SECONDS:
            self._step(0.05)
        self._listeners[0].task_dispatcher.shutdown()
        wasyncore.close_all(self._map)

    def _take_in(self) -> None:
        """Take in who has connected, or is about to have."""
        began = came = time.monotonic()
        # No longer than a moment: full up, waitress takes nobody in and they wait for ever.
        while _since(came) < HANDSHAKE_SECONDS and _since(began) < TAKING_IN_SECONDS:
            if waiting(self._sockets):
                came = time.monotonic()
                self._step(0.0)
            else:
                self._step(0.02)

    def _busy(self, seconds: float) -> bool:
        """
        Close the connections on which nothing is going on, and tell whether any is left.

        A request of which only a part has come counts for the first *seconds*. So does a
        connection that was in use a moment ago: its next request may be on its way, and is
        answered with word that it was the last.
        """
        busy = False
        now = time.time()
        for channel in list(self._map.values()):
            if not isinstance(channel, HTTPChannel):
                continue
            coming = channel.request is not None or waiting(
                [channel.socket] if channel.socket else []
            )
            answering = channel.requests or channel.total_outbufs_len
            lately = now - channel.last_activity < QUIET_SECONDS
            if (
                answering
                or (coming and seconds < COMING_SECONDS)
                or (lately and seconds < QUIET_SECONDS)
            ):
                busy = True
            else:
                channel.handle_close()
        return busy


def _since(began: float) -> float:
    return time.monotonic() - began
