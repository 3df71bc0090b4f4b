"""
The floor: a WSGI callable that reads the body and answers a constant.

Nothing that serves WSGI on the same server can be faster, so what is above it is ours.
``python -m tests.bench.plane.floor PORT`` serves it with the waitress of the service; granian has
a command line of its own and is given the path of ``app``.
"""

from __future__ import annotations

import sys
from typing import Any

from authz_service.server import Server
from tests.bench.plane.mixes import BATCH, EVALUATION

_ONE = b'{"decision":true}\n'
_MANY = b'{"evaluations":[' + b",".join([_ONE.strip()] * BATCH) + b"]}\n"


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Read what was asked, and answer yes."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    body = _ONE if environ["PATH_INFO"] == EVALUATION else _MANY
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def main(port: int) -> None:
    """Serve it with waitress until a signal."""
    server = Server(app, "127.0.0.1", port)
    server.heed_signals()
    server.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
