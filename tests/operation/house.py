"""A real service in a process of its own: real files, a real port, the real command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
AUTHZ = [str(Path(sys.executable).with_name("authz"))]
GOVBR = [sys.executable, "-m", "tests.govbr"]


def environment(**settings: str) -> dict[str, str]:
    """Give an environment without settings of the machine, but for *settings*."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AUTHZ_")}
    ours = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "AUTHZ_POLICIES": "policies"}
    return {**kept, **ours, **settings}


def authz(
    folder: Path, *arguments: str, given: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run one verb of the command line in *folder*, to its end."""
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


def furnish(folder: Path) -> None:
    """Give *folder* the shipped policies."""
    shutil.copytree(ROOT / "policies", folder / "policies")


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
