"""A GOV.BR that runs in a thread of this process."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from tests.govbr.app import Parts, create_app
from tests.govbr.client import Client, Tokens, send
from tests.govbr.faults import Faults
from tests.govbr.flow import CLIENT_ID, REDIRECT_URI, Flow
from tests.govbr.keys import SigningKeys
from tests.govbr.people import People

_HOST = "127.0.0.1"
_STEP_SECONDS = 0.05
_SILENT_SECONDS = 5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CommandRefused(ValueError):
    """A command that cannot be done; the text says why."""


class _Handler(WSGIRequestHandler):
    """One request for each connection; no line about it, since addresses hold CPFs."""

    protocol_version = "HTTP/1.0"
    timeout = _SILENT_SECONDS

    def log_request(self, *_arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadedWSGIServer):
    """A thread for each request, so that one that hangs holds up no other."""

    # Joined when the server closes: no thread, and no socket, outlives it.
    daemon_threads = False


class Simulator:
    """
    A GOV.BR on this machine, from ``start`` to ``stop``, or for a ``with`` block.

    Args:
        port: the port to listen on; 0 lets the system choose.
        redirect_uris: where the client may send people back to.

    Raises:
        OSError: the port cannot be listened on.
    """

    audience = CLIENT_ID
    """The ``aud`` of its tokens."""

    def __init__(self, port: int = 0, redirect_uris: tuple[str, ...] = (REDIRECT_URI,)) -> None:
        keys = SigningKeys()
        self._accounts = People(datetime.now(UTC))
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((_HOST, port))
            listener.listen(128)
            self.port = int(listener.getsockname()[1])
            self.issuer = f"http://{_HOST}:{self.port}/"
            self._faults = Faults()
            flow = Flow(keys, redirect_uris)
            app = create_app(Parts(self.issuer, self._accounts, keys, flow, self._faults))
            # With a socket of ours: werkzeug ends the program when a port is taken.
            self._server = _Server(_HOST, self.port, app, _Handler, fd=listener.fileno())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_STEP_SECONDS,), name="govbr-simulator"
        )

    @property
    def api_url(self) -> str:
        """The address of the companies API, without a slash at the end."""
        return self.issuer.rstrip("/")

    @property
    def jwks_url(self) -> str:
        """The address of the keys."""
        return f"{self.issuer}jwk"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a service that believes this GOV.BR."""
        return {
            "AUTHZ_GOVBR_ISSUER": self.issuer,
            "AUTHZ_GOVBR_AUDIENCE": self.audience,
            "AUTHZ_GOVBR_JWKS_URL": self.jwks_url,
            "AUTHZ_GOVBR_API_URL": self.api_url,
        }

    def start(self) -> Self:
        """Begin to answer, in threads that leave the signals to the main one."""
        # What goes wrong inside is for whoever runs it; that requests come is not.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # The system may give a signal to any thread, and Python's handlers run in the main one:
        # if that waits for something, it would not hear of a signal that another has taken.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def stop(self) -> None:
        """End all faults, finish what is in flight, and let go of the port."""
        self._faults.clear()
        if self._thread.ident is None:
            # Who never served would never tell `shutdown` that it has ended.
            self._server.server_close()
            return
        self._server.shutdown()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def sign_in(self, person: str, way: str = "senha", **asked: str) -> Tokens:
        """
        Sign a person in over HTTP, through the whole flow.

        Args:
            person: a short name or a CPF.
            way: one of ``ways.WAYS``.
            asked: parameters of ``/authorize`` in the place of the client's own, such as scope.

        Raises:
            SignInFailed: the simulator refused.
        """
        return Client(self.api_url).sign_in(person, way, **asked)

    def command(self, name: str, **members: object) -> None:
        """
        Give one of the commands of ``commands``.

        Raises:
            CommandRefused: it cannot be read.
        """
        body = json.dumps(members).encode()
        answer = send(
            self.api_url, f"/simulator/{name}", body, {"Content-Type": "application/json"}
        )
        if answer.status != 204:
            raise CommandRefused(answer.body.decode())
