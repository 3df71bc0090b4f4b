"""``authz serve`` and ``authz demo``: the service over HTTP."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from authz_service import applog, demo
from authz_service.bootstrap import Service
from authz_service.cli.calling import Verbs, fail, service, settings
from authz_service.domain.errors import PolicyInvalid
from authz_service.server import Door, Server, has_granian
from authz_service.settings import Settings, read_port
from authz_service.settings.reading import whole
from authz_service.usecases.acts import OPERATOR
from authz_service.workers import Place, supervise

_WAITRESS = "waitress"
_GRANIAN = "granian"
_SYNCING_AT_ONCE = 16
"""Requests that granian works on at a time where each waits for the disk: they share a sync."""


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    serve = verbs.add_parser("serve", help="serve over HTTP")
    serve.add_argument("--host", help="the address to listen on (AUTHZ_HOST)")
    serve.add_argument("--port", type=_port, help="the port to listen on (AUTHZ_PORT)")
    serve.add_argument("--workers", type=_workers, help="processes that serve (AUTHZ_WORKERS)")
    serve.add_argument(
        "--server", choices=(_WAITRESS, _GRANIAN), help="what speaks HTTP (AUTHZ_SERVER)"
    )
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
    count, server = options.workers or known.workers, options.server or known.server
    if server == _GRANIAN and not has_granian():
        return fail(
            "granian is not installed: install `inmetro-authz-service[granian]`, or set "
            f"AUTHZ_SERVER={_WAITRESS}"
        )
    if options.worker is None and (count > 1 or server == _GRANIAN):
        command = [sys.executable, "-P", "-m", "authz_service.cli", "serve", "--server", server]
        told = partial(_say_serving, host)
        return supervise(command, count, host, port, known.data_dir, told)
    place: Place | None = options.worker
    with service(None if place is None else place.share, serving=True) as built:
        built.watch_policy()
        built.look_after()
        if known.govbr is None:
            applog.sign_in_off()
        built.ask_govbr()
        if place is None:
            alone = _alone(built, host, port, known)
            _say_serving(host, alone.port)
            alone.serve()
        else:
            door = _behind(place, server, built, known)
            place.serving(door.stop)
            door.serve()
    return 0


def _alone(built: Service, host: str, port: int, known: Settings) -> Server:
    """Make what serves where there is no supervisor."""
    door = Server(built.app(), host, port, max_body=known.max_body, shed=built.metrics.shed)
    door.heed_signals()
    return door


def _behind(place: Place, server: str, built: Service, known: Settings) -> Door:
    """Make what serves at a worker's place."""
    door: Door
    if server == _GRANIAN:
        if known.trusted_proxies:
            applog.addresses_unknown()
        # An extra: elsewhere there is nothing to import.
        from authz_service.server.granian_door import GranianServer  # noqa: PLC0415

        at_once = _SYNCING_AT_ONCE if known.log.strict else 1
        sockets = place.sockets()
        door = GranianServer(built.app(), sockets, max_body=known.max_body, at_once=at_once)
    else:
        door = Server(
            built.app(), "", 0, max_body=known.max_body, sockets=place.sockets(), core=place.number
        )
    door.heed_signals()
    return door


def _say_serving(host: str, port: int) -> None:
    print(f"serving on http://{host}:{port}", file=sys.stderr, flush=True)


def _demo(options: argparse.Namespace) -> int:
    applog.configure()
    with service(serving=True) as built:
        known = built.settings
        built.load_policy()
        if built.policy.problems:
            raise PolicyInvalid(built.policy.problems)
        # First the port: who cannot serve must not take the story back either.
        port = options.port or known.port
        server = _alone(built, known.host, port, known)
        built.watch_policy()
        built.look_after()
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
