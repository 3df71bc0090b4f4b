"""
Compresses a closed segment in a process of its own, in time that nobody else wants.

Nobody waits for it, but it takes a second for each segment. In a thread it would take that from who
decides: it asks for the interpreter thousands of times, and for a core that others want as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from authz_service.journal.packed import compress
from authz_service.journal.places import Lock

_LAST_OF_ALL = 19
"""Added to the priority of the process: whoever else wants a core has it first."""


class Packer:
    """Has segments compressed one after another, until it is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        # Those of now: later on a worker of waitress keeps to one, which is not to be shared.
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def __call__(self, source: Path, part: Path, held: Lock) -> bool:
        """
        Do what ``compress`` does; tell whether it was done, which it is not if this was stopped.

        Args:
            source: the segment.
            part: where its compressed form is written.
            held: keeps others from writing there, also if this process ends meanwhile.

        Raises:
            OSError: see ``compress``.
        """
        if not sys.executable:
            raise OSError(0, "there is no interpreter to do it")
        command = [sys.executable, "-P", "-m", __name__, str(source), str(part)]
        with self._lock:
            if self._stopped.is_set():
                return False
            process = self._process = subprocess.Popen(  # noqa: S603 -- ourselves, our own names
                [*command, *map(str, self._cores)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(held.descriptor,),
                # Whoever stops the service at its terminal does not cut this off. Not a session of
                # its own: Linux shares cores among sessions first, and among priorities then.
                process_group=0,
            )
        told, _ = process.communicate()
        with self._lock:
            self._process = None
            if self._stopped.is_set():
                part.unlink(missing_ok=True)
                return False
        if process.returncode:
            raise _cause(told, process.returncode)
        return True

    def stop(self) -> None:
        """Compress no more; what is cut off is done again by whoever comes next."""
        with self._lock:
            self._stopped.set()
            if self._process is not None:
                self._process.kill()


def _cause(told: bytes, code: int) -> OSError:
    """Give what went wrong, as the process has told it."""
    try:
        number, what = json.loads(told)
    except ValueError:
        return OSError(0, f"its process ended with {code}")
    return OSError(number, what)


def main(arguments: Sequence[str]) -> int:
    """Compress one segment on the cores that are named; tell what went wrong, if anything did."""
    source, part, *cores = arguments
    try:
        # Where the system forbids it, this goes on without.
        with suppress(OSError):
            os.nice(_LAST_OF_ALL)
        with suppress(OSError):
            if cores:
                os.sched_setaffinity(0, map(int, cores))
        compress(Path(source), Path(part))
    except Exception as error:  # noqa: BLE001 -- whatever it is, an operator has to read of it
        number, what = getattr(error, "errno", None), getattr(error, "strerror", None)
        sys.stdout.write(json.dumps([number or 0, what or type(error).__name__]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
