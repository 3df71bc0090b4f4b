"""Who answers: the service in its forms, the floor, Cerbos; each started, watched and stopped."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from authz_service.settings import SHIPPED_POLICIES
from tests.bench.plane import cerbos
from tests.bench.plane.mixes import Speaks
from tests.bench.plane.seeding import Seed

ROOT = Path(__file__).parents[3]
_PATIENCE = 60.0

Command = Callable[[Path, int], Sequence[str | Path]]
"""Gives the command that serves on a port, with a folder for what it writes."""


@dataclass(frozen=True)
class Contestant:
    """
    One way to be answered.

    Attributes:
        name: what it is called in tables.
        command: starts it.
        speaks: whose words it is asked in.
        database: the kind of database that it decides on, empty where it has none.
        floor: the bare answer on the same server, by name.
        settings: of the service, as environment variables.
        pinned: whether it is held on one core; more than one process of a service is its own
            matter.
        constant: whether it answers without deciding.
        library: what it has in memory if it serves as it was told to.
    """

    name: str
    command: Command
    speaks: Speaks = "ours"
    database: str = ""
    floor: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    pinned: bool = False
    constant: bool = False
    library: str = ""


@dataclass(frozen=True)
class Answering:
    """
    Somebody who answers on a port.

    Attributes:
        port: the port.
        process: the first process.
        started: seconds from its start to the first answer.
        folder: where it writes.
    """

    port: int
    process: subprocess.Popen[bytes]
    started: float
    folder: Path

    def memory(self) -> list[int]:
        """Give the resident memory of each of its processes, in bytes, the first one first."""
        return [_resident(one) for one in _family(self.process.pid)]

    def has_loaded(self, library: str) -> bool:
        """Tell whether one of its processes has a shared library of this name in memory."""
        return any(library in _maps(one) for one in _family(self.process.pid))


def contestants() -> list[Contestant]:
    """Give all that are measured; the floor of a server stands before what is compared with it."""
    found = [
        Contestant("Cerbos", _cerbos, speaks="cerbos"),
        Contestant("floor, granian × 1", _granian_floor, constant=True),
        Contestant("floor, waitress × 1", _waitress_floor, pinned=True, constant=True),
    ]
    for database in ("SQLite", "PostgreSQL"):
        for server in ("granian", "waitress"):
            for workers in (1, 2):
                if (database, server, workers) == ("PostgreSQL", "waitress", 2):
                    continue
                found.append(
                    Contestant(
                        f"{server} × {workers}, {database}",
                        _service,
                        database=database,
                        floor=f"floor, {server} × 1",
                        settings={"AUTHZ_SERVER": server, "AUTHZ_WORKERS": str(workers)},
                        pinned=server == "waitress" and workers == 1,
                        library="_granian" if server == "granian" else "",
                    )
                )
    found.append(
        Contestant(
            "granian × 1, PostgreSQL notified",
            _service,
            database="PostgreSQL",
            floor="floor, granian × 1",
            settings={
                "AUTHZ_SERVER": "granian",
                "AUTHZ_WORKERS": "1",
                "AUTHZ_FRESHNESS": "notified",
            },
            library="_granian",
        )
    )
    return found


def _service(_folder: Path, port: int) -> list[str | Path]:
    return [sys.executable, "-m", "authz_service.cli", "serve", "--port", str(port)]


def _granian_floor(_folder: Path, port: int) -> list[str | Path]:
    return [
        Path(sys.executable).with_name("granian"),
        *("--interface", "wsgi", "--http", "1", "--no-ws", "--no-log"),
        *("--workers", "1", "--blocking-threads", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        "tests.bench.plane.floor:app",
    ]


def _waitress_floor(_folder: Path, port: int) -> list[str | Path]:
    return [sys.executable, "-m", "tests.bench.plane.floor", str(port)]


def _cerbos(folder: Path, port: int) -> list[str | Path]:
    return cerbos.command(cerbos.binary(), folder, port, free_port())


def free_port() -> int:
    """Give a port that nobody listens on."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def answering(
    one: Contestant, seed: Seed | None, request: Callable[[int], bytes]
) -> Iterator[Answering]:
    """
    Start it, wait for its first answer, and stop it and forget what it wrote in the end.

    Args:
        one: who is to answer.
        seed: the database that the service decides on.
        request: gives the first request for a port.

    Raises:
        RuntimeError: it does not come to answer; says what it printed.
    """
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    port = free_port()
    command = one.command(folder, port)
    environment = _environment(one, folder, seed)
    core = max(os.sched_getaffinity(0))
    try:
        with (folder / "printed").open("wb") as printed:
            began = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        if one.pinned:
            # Long before it has threads, which inherit it.
            os.sched_setaffinity(process.pid, {core})
        try:
            _await(process, port, request(port), folder / "printed")
            yield Answering(port, process, time.perf_counter() - began, folder)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(one: Contestant, folder: Path, seed: Seed | None) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AUTHZ_")}
    found = {**kept, "PYTHONPATH": str(ROOT), **one.settings}
    if seed is not None:
        found["AUTHZ_DATA_DIR"] = str(folder / "data")
        found["AUTHZ_DATABASE_URL"] = seed.url
        found["AUTHZ_POLICIES"] = str(SHIPPED_POLICIES)
        found["AUTHZ_REQUESTS_PER_MINUTE"] = "0"
    return found


def _await(process: subprocess.Popen[bytes], port: int, request: bytes, printed: Path) -> None:
    began = time.monotonic()
    while time.monotonic() - began < _PATIENCE:
        if process.poll() is not None:
            break
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 5)) as one:
            one.sendall(request)
            answer = http.client.HTTPResponse(one)
            with suppress(http.client.HTTPException):
                answer.begin()
                answer.read()
                if answer.status == 200:
                    return
        time.sleep(0.005)
    said = printed.read_text(errors="replace").strip().splitlines()[-3:]
    raise RuntimeError(f"does not come to answer: {' / '.join(said)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _family(first: int) -> list[int]:
    """Give a process and all that it and its children have started."""
    found = [first]
    for one in found:
        with suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def _maps(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/maps").read_text()
    return ""


def _resident(process: int) -> int:
    """Give what a process has in memory, in bytes; 0 of one that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
