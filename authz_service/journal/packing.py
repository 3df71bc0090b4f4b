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
from pathlib import Path

from authz_service.journal.packed import pack
from authz_service.journal.places import Lock

_LAST_OF_ALL = 19
"""Added to the priority of the process: whoever else wants a core has it first."""


class Packer:
    """Has segments compressed one after another, until it is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def __call__(self, source: Path, target: Path, held: Lock) -> None:
        """
        Do what ``pack`` does; nothing if it was stopped, before or meanwhile.

        Args:
            source: the segment.
            target: the name of its compressed form.
            held: keeps others from compressing it, also if this process ends before it is done.

        Raises:
            OSError: see ``pack``.
        """
        command = [sys.executable, "-P", "-m", __name__, str(source), str(target)]
        with self._lock:
            if self._stopped:
                return
            self._process = subprocess.Popen(  # noqa: S603 -- ourselves, with names of our own
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(held.descriptor,),
                # Whoever stops the service at its terminal does not cut this off in the middle.
                start_new_session=True,
            )
        told, _ = self._process.communicate()
        with self._lock:
            code, self._process = self._process.returncode, None
            if code and not self._stopped:
                raise _cause(told, code)

    def stop(self) -> None:
        """Compress no more; what is cut off is done again by whoever comes next."""
        with self._lock:
            self._stopped = True
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
    """Compress one segment; tell what went wrong, if anything did."""
    source, target = map(Path, arguments)
    os.nice(_LAST_OF_ALL)
    try:
        pack(source, target)
    except OSError as error:
        told = [error.errno or 0, error.strerror or type(error).__name__]
        sys.stdout.write(json.dumps(told))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
