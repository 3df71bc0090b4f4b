"""A real service in a process of its own: real files, a real port, the real command line."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from authz_service.bootstrap import build
from authz_service.cli import main
from authz_service.settings import Settings
from authz_service.usecases.acts import OPERATOR

ROOT = Path(__file__).parents[2]
AUTHZ = [str(Path(sys.executable).with_name("authz"))]
GOVBR = [sys.executable, "-m", "tests.govbr"]
SHIPPED = ROOT / "policies"
"""The policies that come with the service."""
FEW = ROOT / "tests" / "operation" / "policies"
"""A few of their rules, which take a tenth of the time to explore, with a test of their own."""


def environment(**settings: str) -> dict[str, str]:
    """Give an environment without settings of the machine, but for *settings*."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AUTHZ_")}
    ours = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "AUTHZ_POLICIES": "policies"}
    return {**kept, **ours, **settings}


def authz(
    folder: Path, *arguments: str, given: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run one verb of the command line in *folder*, in a process of its own, to its end."""
    return subprocess.run(
        [*AUTHZ, *arguments],
        cwd=folder,
        env=environment(**settings),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def called(
    folder: Path, *arguments: str, given: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """
    Do as ``authz`` does, in this process: most of a short verb's second is its imports.

    Not for ``serve`` and ``demo``, which take over logging and signals. What would be a
    traceback there is an exception here.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8") as stdin,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.chdir(folder)
        patch.setattr(sys, "stdin", stdin)
        wanted = environment(**settings)
        for name in os.environ.keys() - wanted.keys():
            patch.delenv(name)
        for name, text in wanted.items():
            patch.setenv(name, text)
        try:
            code = main(arguments)
        except SystemExit as ended:
            # So argparse ends a call that it does not understand.
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """Give what a verb printed that only prepares a test, and so must not fail unnoticed."""
    assert 0 == done.returncode, done.stderr
    return done.stdout


def furnish(
    folder: Path,
    catalogue: str | None = None,
    clients: Mapping[str, Collection[str]] | None = None,
    *,
    policies: Path = SHIPPED,
    **settings: str,
) -> dict[str, str]:
    """
    Give *folder* policies, and on demand a database with what is asked for.

    What the command line would do in several processes is done in this one, and once for
    all folders that get the same: so these have the same keys. A database that *settings*
    names is filled each time.

    Args:
        folder: where a service is to run.
        catalogue: what ``authz catalogue import`` would read.
        clients: the scopes of each client by its name.
        policies: the shipped ones, or ``FEW`` for a test that is not about them.
        settings: of the service, as environment variables.

    Returns:
        the key of each client by its name.
    """
    shutil.copytree(policies, folder / "policies")
    if policies == FEW:
        # What they say to people is the same.
        shutil.copy(SHIPPED / "reasons.toml", folder / "policies")
    if catalogue is None and clients is None:
        return {}
    wanted = tuple((name, tuple(scopes)) for name, scopes in (clients or {}).items())
    if settings:
        return _fill(folder, catalogue, wanted, **settings)
    files, keys = _filled(catalogue, wanted)
    for name, (mode, content) in files.items():
        path = folder / "var" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    return dict(keys)


_Clients = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _filled(
    catalogue: str | None, clients: _Clients
) -> tuple[dict[str, tuple[int, bytes]], dict[str, str]]:
    """Give mode and content of each file of such a data folder, and the keys."""
    with tempfile.TemporaryDirectory() as place:
        keys = _fill(Path(place), catalogue, clients)
        var = Path(place) / "var"
        found = sorted(one for one in var.rglob("*") if one.is_file())
        files = {str(one.relative_to(var)): (one.stat().st_mode, one.read_bytes()) for one in found}
        return files, keys


def _fill(
    folder: Path, catalogue: str | None, clients: _Clients, **settings: str
) -> dict[str, str]:
    """Fill the database of a service in *folder*, and give the keys."""
    places = {"AUTHZ_DATA_DIR": str(folder / "var"), "AUTHZ_POLICIES": str(folder / "policies")}
    with closing(build(Settings.from_env({**places, **settings}))) as built:
        if catalogue is not None:
            built.cataloguer.import_text(catalogue, OPERATOR)
        return {name: built.clients.add(name, scopes, OPERATOR) for name, scopes in clients}


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Running:
    """A service that runs in *folder* until ``stop`` or ``kill``."""

    def __init__(
        self, folder: Path, *arguments: str, program: Sequence[str] = AUTHZ, **settings: str
    ) -> None:
        self.out, self.err = folder / "stdout.txt", folder / "stderr.txt"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [*program, *(arguments or ("serve",))],
                cwd=folder,
                env=environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.port = self._wait()

    def _wait(self) -> int:
        pattern = re.compile(r"serving(?: the demo)? on http://[^:]+:(\d+)")
        while self.process.poll() is None:
            found = pattern.search(self.out.read_text() + self.err.read_text())
            if found is not None:
                return int(found[1])
            time.sleep(0.02)
        raise AssertionError(f"the service did not start: {self.err.read_text()}")

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request, its body as JSON, and give the answer, whatever its status is."""
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, headers=sent, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def stop(self) -> int:
        """Ask it to stop, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    """Give a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
