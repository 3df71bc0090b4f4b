"""
Closed-loop load by ``wrk``: each connection sends its next request when it has its answer.

One thread, the requests of a mix in turn. Such load never asks faster than it is answered, so its
times to an answer hide queueing; ``arrivals`` shows that. ``wrk`` shares the cores with who
answers.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.bench.plane.figures import Run, RunInvalid, expect_granted

_SCRIPT = Path(__file__).with_name("asking.lua")
_MEASURED = re.compile(r"^measured (\{.*\})$", re.MULTILINE)


def installed() -> bool:
    """Tell whether there is a ``wrk``."""
    return shutil.which("wrk") is not None


def write(requests: Sequence[bytes], file: Path) -> None:
    """Write requests where the script reads them; none of them holds a NUL."""
    file.write_bytes(b"\0".join(requests))


def run(port: int, file: Path, connections: int, seconds: float) -> Run:
    """
    Load a port with the requests of a file.

    Raises:
        RunInvalid: an answer was no 200, or did not come.
    """
    return read(_run(port, file, connections, seconds, "count"))


def checked(
    port: int, file: Path, granted: Sequence[int], connections: int, seconds: float
) -> None:
    """
    Load as ``run`` does, and read every answer; that costs wrk time, so it measures nothing.

    Raises:
        RunInvalid: an answer was no 200, or did not come, or too many or too few of the
            decisions were a yes.
    """
    printed = _run(port, file, connections, seconds, "check")
    read(printed)
    told = _told(printed)
    if told["wrong"]:
        raise RunInvalid(f"{told['wrong']} answers were no 200")
    expect_granted(told["answered"], told["granted"], granted, connections)


def read(printed: str) -> Run:
    """
    Read what wrk and the script have printed.

    Raises:
        RunInvalid: it measured nothing, or an answer was no 200, or did not come.
    """
    told = _told(printed)
    failures = told["broken"] + told["timeouts"] + told["refused"]
    if failures or not told["answers"]:
        raise RunInvalid(
            f"{told['answers']} answers, {told['refused']} no 200, {told['timeouts']} timeouts, "
            f"{told['broken']} connections broken"
        )
    return Run(
        answers=told["answers"],
        seconds=told["microseconds"] / 1e6,
        p50=told["p50"] / 1e3,
        p99=told["p99"] / 1e3,
        longest=told["longest"] / 1e3,
    )


def _told(printed: str) -> dict[str, int]:
    found = _MEASURED.search(printed)
    if found is None:
        raise RunInvalid(f"wrk has measured nothing: {printed.strip()[-300:]}")
    told: dict[str, int] = json.loads(found[1])
    return told


def _run(port: int, file: Path, connections: int, seconds: float, how: str) -> str:
    # Who takes longer than that for one answer has given none by then, which is no failure.
    for longer in (1, 5):
        printed = _printed(port, file, connections, longer * seconds, how)
        if '"answers":0,' not in printed:
            break
    return printed


def _printed(port: int, file: Path, connections: int, seconds: float, how: str) -> str:
    done = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{round(seconds)}s", "--timeout", "10s", "--script", _SCRIPT),
            *(f"http://127.0.0.1:{port}/", "--", file, how),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
    )
    return done.stdout + done.stderr
