"""
A program that holds the write lock of a SQLite file, as an import or a back-up of others does.

``python -m tests.operation.failing.locking FILE KIND``: it begins a transaction of that kind,
says so in one line, and ends it when its input ends.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.operation.house import ROOT


@contextmanager
def locked(database: Path, kind: str) -> Iterator[None]:
    """
    Have another process hold *database* meanwhile.

    Args:
        database: the file.
        kind: ``IMMEDIATE`` or ``EXCLUSIVE``.
    """
    command = [sys.executable, "-m", "tests.operation.failing.locking", str(database), kind]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        # Both are given, since both were asked for.
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def main(database: str, kind: str) -> None:
    """Hold the lock until the input ends."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        connection.execute(f"BEGIN {kind}")
        print("held", flush=True)  # noqa: T201 - it is a program
        sys.stdin.read()
        connection.execute("ROLLBACK")


if __name__ == "__main__":
    main(*sys.argv[1:])
