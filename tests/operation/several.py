"""
Several workers that serve next to nothing, so that a test of their supervisor takes no time.

As a program: ``python -m tests.operation.several COUNT PORT FOLDER SERVER MILLISECONDS``, to which
the supervisor adds ``--worker PLACE``. A worker answers every path with its process's number,
``/metrics`` and ``/length`` apart; each takes so many milliseconds of something of which there is
one, and ``/slow`` a second. It ends with the exit code that stands in FOLDER/die, or at once by a
signal if that is negative.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from authz_service import applog
from authz_service.metrics import Metrics
from authz_service.server import Door, Server
from authz_service.server.granian_door import GranianServer
from authz_service.workers import Place, supervise

PROGRAM = (sys.executable, "-m", "tests.operation.several")


def work(place: Place, server: str, seconds: float) -> int:
    """Serve as a worker, until told to stop."""
    metrics, one_at_a_time = Metrics(place.share), threading.Lock()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began = time.perf_counter()
        body, content_type = str(os.getpid()).encode(), "text/plain"
        if environ["PATH_INFO"] == "/metrics":
            body, content_type = metrics.exposition()
        else:
            if environ["PATH_INFO"] == "/length":
                body = str(len(environ["wsgi.input"].read())).encode()
            elif environ["PATH_INFO"] == "/slow":
                time.sleep(1)
            with one_at_a_time:
                time.sleep(seconds)
            metrics.answered("/", 200, time.perf_counter() - began)
        start_response(
            "200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        )
        return [body]

    door: Door
    if server == "granian":
        door = GranianServer(app, place.sockets())
    else:
        door = Server(app, "", 0, sockets=place.sockets(), core=place.number)
    door.heed_signals()
    place.serving(door.stop)
    door.serve()
    return 0


def main(arguments: list[str]) -> int:
    """Supervise, or work if a supervisor has asked for it."""
    applog.configure()
    count, port, folder, server, milliseconds = arguments[:5]
    if "--worker" not in arguments:
        command = [*PROGRAM, *arguments]
        host = "127.0.0.1"
        return supervise(
            command,
            int(count),
            host,
            int(port),
            Path(folder),
            lambda port: print(f"serving on http://{host}:{port}", flush=True),  # noqa: T201
        )
    verdict = Path(folder) / "die"
    if verdict.exists():
        code = int(verdict.read_text())
        if code < 0:
            os.kill(os.getpid(), -code)
        return code
    return work(Place.parse(arguments[-1]), server, float(milliseconds) / 1000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
