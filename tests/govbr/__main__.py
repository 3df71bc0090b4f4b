"""
Run the simulator, sign somebody in, or serve the whole demonstration.

``python -m tests.govbr serve`` listens until it is stopped. ``sign-in PERSON`` prints the two
tokens of a fresh sign-in as JSON, for ``curl -d @-``, or with ``--header`` the line that proves
who acts, for ``curl -H @<(...)``. ``demo`` runs the simulator and, beside it, ``authz demo``
with the settings for it.

Exit codes: 0 done; 1 it was not, and stderr says why; 2 the call itself is wrong.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.govbr.client import Client, SignInFailed
from tests.govbr.flow import REDIRECT_URI
from tests.govbr.simulator import Simulator
from tests.govbr.ways import WAYS

PORT = 8080
"""Where the demonstration is served; the simulator has the next one."""

_ADDRESS = "http://127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SignInFailed as error:
        print(error, file=sys.stderr)
    except _PortTaken as error:
        print(error, file=sys.stderr)
    return 1


class _PortTaken(Exception):
    """The simulator cannot listen."""


def _simulator(port: int, uris: tuple[str, ...] = ()) -> Simulator:
    try:
        return Simulator(port, (REDIRECT_URI, *uris))
    except (OSError, OverflowError) as error:
        text = getattr(error, "strerror", None) or "is no port"
        raise _PortTaken(f"port {port}, for the simulator of GOV.BR: {text}") from error


def _serve(options: argparse.Namespace) -> int:
    stopped = threading.Event()
    with _simulator(options.port, tuple(options.redirect_uri)) as simulator:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        for name, value in simulator.settings.items():
            print(f"{name}={value}", flush=True)
        stopped.wait()
    return 0


def _sign_in(options: argparse.Namespace) -> int:
    tokens = Client(options.at.rstrip("/")).sign_in(options.person, options.way)
    print(f"Govbr-Access-Token: {tokens.access_token}" if options.header else tokens.as_json())
    return 0


def _demo(options: argparse.Namespace) -> int:
    """Run simulator and service; a signal to this process is one to the service."""
    children: list[subprocess.Popen[bytes]] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if not children:
            sys.exit(128 + number)
        for child in children:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    with _simulator(options.port + 1) as simulator:
        print(f"a GOV.BR of our own answers on {simulator.issuer}\n", flush=True)
        authz = str(Path(sys.executable).with_name("authz"))
        port = str(options.port)
        command = sign_in_command(options.port)
        children.append(
            subprocess.Popen(
                [authz, "demo", "--port", port, "--sign-in", command],
                env={**os.environ, **simulator.settings},
            )
        )
        code = children[0].wait()
    return code if code >= 0 else 128 - code


def sign_in_command(port: int) -> str:
    """Give the command that signs people in, as somebody in the same folder would type it."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    at = [] if port == PORT else ["--at", f"{_ADDRESS}:{port + 1}"]
    return shlex.join([str(python), "-m", "tests.govbr", "sign-in", *at])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.govbr", description="a GOV.BR of our own", allow_abbrev=False
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    serve = verbs.add_parser("serve", help="listen, and print the settings of a service for it")
    serve.add_argument("--port", type=int, default=PORT + 1)
    serve.add_argument("--redirect-uri", action="append", default=[], metavar="URI")
    serve.set_defaults(run=_serve)
    entering = verbs.add_parser("sign-in", help="sign a person in, and print the tokens as JSON")
    entering.add_argument("person", metavar="PERSON", help="the name or CPF of an account")
    entering.add_argument("--with", dest="way", choices=list(WAYS), default="senha")
    entering.add_argument("--at", default=f"{_ADDRESS}:{PORT + 1}", metavar="ADDRESS")
    entering.add_argument("--header", action="store_true", help="print a header for curl -H @FILE")
    entering.set_defaults(run=_sign_in)
    demo = verbs.add_parser("demo", help="serve the demonstration, with sign-ins")
    demo.add_argument("--port", type=int, default=PORT)
    demo.set_defaults(run=_demo)
    return parser


if __name__ == "__main__":
    sys.exit(main())
