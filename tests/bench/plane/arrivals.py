"""
Load of our own making: requests that arrive at a constant rate, and each request once.

Open loop: request *k* is due at *k* / rate, whatever has been answered by then, and its time to
an answer counts from that instant. So a service that falls behind shows it, which closed-loop load
hides ("coordinated omission"). The limits: it is one Python process on the same two cores, which
sends and reads up to some 15,000 requests a second; how late it was itself, while a connection was
free, stands beside each result, and the floor shows what it can see at best. A request waits for a
connection if all are in use, and that counts as well.
"""

from __future__ import annotations

import gc
import re
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.bench.plane.figures import Run, RunInvalid, percentile

CONNECTIONS = 64
"""How many are open in open loop."""
_GRACE = 2.0
"""Seconds that the last requests are waited for; who has no answer then has failed."""
_DAY = 86_400.0
_SILENCE = 30.0
"""Seconds without any answer after which nobody is waited for."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offered:
    """
    What came of requests at a constant rate.

    Attributes:
        rate: how many were due in a second.
        run: the answers with 200, their times from when they were due; what was refused or not
            answered are its failures.
        late: how late the 99th of a hundred requests was sent though a connection was free, in
            milliseconds: what the load itself adds.
    """

    rate: float
    run: Run
    late: float


def once(
    port: int, requests: Sequence[bytes], granted: Sequence[int] | None, connections: int
) -> Run:
    """
    Send each request once, closed loop, and check every answer.

    Args:
        port: who is asked.
        requests: what is sent.
        granted: how many decisions have to be a yes in each answer, None where nobody decides.
        connections: how many requests are under way at once.

    Raises:
        RunInvalid: an answer was no 200, or a decision another one than it has to be.
    """
    with _lines(port, connections) as lines:
        load = _Load(lines, requests, granted, strict=True)
        load.run(len(requests), None)
        return load.result()


def closed(
    port: int,
    requests: Sequence[bytes],
    granted: Sequence[int] | None,
    connections: int,
    seconds: float,
) -> Run:
    """
    Load as wrk does, where there is none: closed loop, the requests in turn.

    Raises:
        RunInvalid: as of ``once``.
    """
    with _lines(port, connections) as lines:
        load = _Load(lines, requests, granted, strict=True)
        load.run(None, None, seconds)
        return load.result()


def offered(
    port: int,
    requests: Sequence[bytes],
    granted: Sequence[int] | None,
    rate: float,
    seconds: float,
) -> Offered:
    """
    Send requests in turn at a constant rate, open loop.

    Args:
        port: who is asked.
        requests: what is sent, over and over.
        granted: how many decisions have to be a yes in each answer, None where nobody decides.
        rate: how many in a second.
        seconds: for how long.

    Raises:
        RunInvalid: a decision was another one than it has to be.
    """
    with _lines(port, CONNECTIONS) as lines:
        load = _Load(lines, requests, granted, strict=False)
        load.run(round(rate * seconds), rate)
        late = percentile(sorted(load.late), 0.99) * 1e3 if load.late else 0.0
        return Offered(rate, load.result(), late)


@dataclass(slots=True)
class _Line:
    """A connection, and the request that is under way on it."""

    socket: socket.socket
    number: int = 0
    due: float = 0.0
    free_since: float = 0.0
    came: bytearray = field(default_factory=bytearray)

    def answer(self) -> tuple[int, bytes] | None:
        """Give status and body once the whole answer has come."""
        came = self.came
        end = came.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(came, 0, end + 2)
        if length is None:
            # In chunks; their sizes between the parts of the body do no harm to what is counted.
            whole = came.endswith(b"0\r\n\r\n")
        else:
            whole = len(came) >= end + 4 + int(length[1])
        if not whole:
            return None
        return int(came[9:12]), bytes(came[end + 4 :])


class _Load:
    """One run of load over some connections."""

    def __init__(
        self,
        lines: Sequence[_Line],
        requests: Sequence[bytes],
        granted: Sequence[int] | None,
        *,
        strict: bool,
    ) -> None:
        self.late: list[float] = []
        self._lines = {one.socket.fileno(): one for one in lines}
        self._idle = list(lines)
        self._requests = requests
        self._granted = granted
        self._strict = strict
        self._taken: list[float] = []
        self._failures = 0
        self._seconds = 0.0

    def run(self, count: int | None, rate: float | None, seconds: float = _DAY) -> None:
        """
        Send requests, at a rate or as soon as a connection is free.

        Args:
            count: how many, None for as many as go into *seconds*.
            rate: how many in a second, or None.
            seconds: after which none is sent any more.
        """
        # A pause for garbage would look like one of who answers.
        gc.collect()
        gc.disable()
        try:
            with select.epoll() as waiting:
                for number in self._lines:
                    waiting.register(number, select.EPOLLIN)
                self._run(waiting, count or sys.maxsize, rate, seconds)
        finally:
            gc.enable()

    def _run(self, waiting: select.epoll, count: int, rate: float | None, seconds: float) -> None:
        clock, idle = time.perf_counter, self._idle
        began = heard = clock()
        sent = answered = 0
        while answered < count:
            now = clock()
            while idle and sent < count:
                due = now if rate is None else began + sent / rate
                if due > now:
                    break
                self._send(idle.pop(), sent, due, now)
                sent += 1
                now = clock()
            pause = _SILENCE
            if idle and sent < count and rate is not None:
                pause = began + sent / rate - clock()
            # epoll itself counts in milliseconds, and requests come closer together.
            if pause > 0:
                select.select([waiting], [], [], pause)
            for number, _ in waiting.poll(0):
                heard = clock()
                answered += self._receive(self._lines[number], heard)
            now = clock()
            if now > began + seconds:
                count = min(count, sent)
            if rate is not None and now > began + count / rate + _GRACE:
                # They have waited as long as this at least.
                self._taken += [now - (began + one / rate) for one in range(sent, count)]
                self._taken += [now - one.due for one in self._lines.values() if one not in idle]
                self._failures += count - answered
                break
            if now - heard > _SILENCE:
                raise RunInvalid(f"no answer for {_SILENCE:.0f} seconds")
        self._seconds = clock() - began

    def _send(self, line: _Line, number: int, due: float, now: float) -> None:
        if line.free_since <= due:
            self.late.append(now - due)
        line.number, line.due = number % len(self._requests), due
        line.socket.sendall(self._requests[line.number])

    def _receive(self, line: _Line, now: float) -> int:
        """Take in what has come; give 1 if that was the rest of an answer, else 0."""
        came = line.socket.recv(262_144)
        if not came:
            raise RunInvalid("a connection was closed")
        line.came += came
        answer = line.answer()
        if answer is None:
            return 0
        line.came.clear()
        line.free_since = now
        self._idle.append(line)
        status, body = answer
        if status != 200:
            if self._strict:
                raise RunInvalid(f"{status}: {body[:200]!r}")
            self._failures += 1
            return 1
        self._taken.append(now - line.due)
        if self._granted is not None:
            found = body.count(b'"decision":true') + body.count(b'"decision": true')
            if found != self._granted[line.number]:
                raise RunInvalid(f"request {line.number} was answered with {body[:200]!r}")
        return 1

    def result(self) -> Run:
        """Give what was measured."""
        ordered = sorted(self._taken)
        if not ordered:
            raise RunInvalid("nothing was answered")
        return Run(
            answers=len(ordered),
            seconds=self._seconds,
            p50=percentile(ordered, 0.5) * 1e3,
            p99=percentile(ordered, 0.99) * 1e3,
            longest=ordered[-1] * 1e3,
            failures=self._failures,
        )


@contextmanager
def _lines(port: int, count: int) -> Iterator[list[_Line]]:
    with ExitStack() as opened:
        found = []
        for _ in range(count):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", port), _SILENCE))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            found.append(_Line(one))
        yield found
