"""``authz serve`` and ``authz demo``: the service over HTTP."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from authz_service import applog, demo
from authz_service.cli.calling import Verbs, service, settings
from authz_service.domain.errors import PolicyInvalid
from authz_service.server import Server
from authz_service.settings import read_port
from authz_service.settings.reading import whole
from authz_service.usecases.acts import OPERATOR
from authz_service.workers import Place, supervise


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    serve = verbs.add_parser("serve", help="serve over HTTP")
    serve.add_argument("--host", help="the address to listen on (AUTHZ_HOST)")
    serve.add_argument("--port", type=_port, help="the port to listen on (AUTHZ_PORT)")
    serve.add_argument("--workers", type=_workers, help="processes that serve (AUTHZ_WORKERS)")
    # What the supervisor of several workers adds when it starts one.
    serve.add_argument("--worker", type=Place.parse, help=argparse.SUPPRESS)
    serve.set_defaults(run=_serve)
    showing = verbs.add_parser("demo", help="serve with demo data, and print a walk through it")
    showing.add_argument("--port", type=_port, help="the port to listen on (AUTHZ_PORT)")
    showing.add_argument(
        "--sign-in",
        metavar="COMMAND",
        help="what signs a person in at GOV.BR in the walk; without it, standing is asserted",
    )
    showing.set_defaults(run=_demo)


def _serve(options: argparse.Namespace) -> int:
    applog.configure()
    known = settings()
    host, port = options.host or known.host, options.port or known.port
    count = options.workers or known.workers
    if options.worker is None and count > 1:
        command = [sys.executable, "-P", "-m", "authz_service.cli", "serve"]
        told = partial(_say_serving, host)
        return supervise(command, count, host, port, known.data_dir, told)
    place: Place | None = options.worker
    with service(None if place is None else place.share) as built:
        built.watch_policy()
        if known.govbr is None:
            applog.sign_in_off()
        built.ask_govbr()
        sockets = () if place is None else place.sockets()
        server = Server(built.app(), host, port, max_body=known.max_body, sockets=sockets)
        server.heed_signals()
        if place is None:
            _say_serving(host, server.port)
        else:
            place.serving(server.stop)
        server.serve()
    return 0


def _say_serving(host: str, port: int) -> None:
    print(f"serving on http://{host}:{port}", file=sys.stderr, flush=True)


def _demo(options: argparse.Namespace) -> int:
    applog.configure()
    with service() as built:
        known = built.settings
        built.load_policy()
        if built.policy.problems:
            raise PolicyInvalid(built.policy.problems)
        # First the port: who cannot serve must not take the story back either.
        port = options.port or known.port
        server = Server(built.app(), known.host, port, max_body=known.max_body)
        server.heed_signals()
        built.watch_policy()
        demo.seed(built, OPERATOR, signing_in=options.sign_in is not None)
        built.ask_govbr()
        print(demo.script(known.data_dir, server.port, options.sign_in), flush=True)
        print(f"\nserving the demo on http://{known.host}:{server.port}", flush=True)
        server.serve()
    return 0


def _workers(text: str) -> int:
    count = whole(text, 1, 64)
    if count is None:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 64")
    return count


def _port(text: str) -> int:
    port = read_port(text)
    if port is None:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 65535")
    return port
