"""
A load that does not wait for the answers to what it has sent before.

As a program: ``python -m tests.operation.load PORT RATE SECONDS KEEP REQUEST``. It sends the bytes
of the file REQUEST at RATE a second, whatever becomes of them, each on a connection of its own, or
with KEEP ``1`` on one that is free; with a RATE of 0, sixty-four at a time, each after an answer.
It prints what it heard as JSON.
"""

from __future__ import annotations

import errno
import heapq
import json
import resource
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

AT_ONCE = 64
"""Callers who wait for their answer before they ask again, where there is no rate."""
GOOD_SECONDS = 1.0
"""Within how long an answer is of use."""
LAST_SECONDS = 3.0
"""How long answers are waited for at the end."""


@dataclass
class Exchange:
    """One request on its way."""

    connection: socket.socket
    began: float
    sent: bool = False
    heard: bytes = b""


@dataclass
class Load:
    """
    What is sent and what was heard.

    Attributes:
        good: answers 200 within ``GOOD_SECONDS``.
        statuses: of all answers.
        told: refusals that say when to try again.
        refusals: seconds that each refusal took.
        broken: requests without an answer, by what went wrong.
    """

    port: int
    request: bytes
    keep: bool
    good: int = 0
    told: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    refusals: list[float] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    _poll: select.epoll = field(default_factory=select.epoll)
    _under_way: dict[int, Exchange] = field(default_factory=dict)
    _free: list[socket.socket] = field(default_factory=list)

    def run(self, rate: int, seconds: float) -> None:
        """Send for so long, and wait for the last answers."""
        began = time.monotonic()
        due = [began]
        while (now := time.monotonic()) < began + seconds:
            while rate and due[0] <= now:
                self._send(due[0])
                heapq.heapreplace(due, due[0] + 1 / rate)
            while not rate and len(self._under_way) < AT_ONCE:
                self._send(now)
            self._listen(max(0.0, due[0] - time.monotonic()) if rate else 0.1)
        while self._under_way and time.monotonic() < began + seconds + LAST_SECONDS:
            self._listen(0.1)
        self.broken["unanswered"] += len(self._under_way)

    def _send(self, when: float) -> None:
        if self._free:
            exchange = Exchange(self._free.pop(), when)
        else:
            try:
                connection = socket.socket()
            except OSError as error:
                self.broken[errno.errorcode[error.errno or 0]] += 1
                return
            connection.settimeout(0.0)
            code = connection.connect_ex(("127.0.0.1", self.port))
            if code not in (0, errno.EINPROGRESS):
                self.broken[errno.errorcode[code]] += 1
                return
            exchange = Exchange(connection, when)
        number = exchange.connection.fileno()
        self._under_way[number] = exchange
        self._poll.register(number, select.EPOLLOUT)

    def _listen(self, seconds: float) -> None:
        for number, _what in self._poll.poll(seconds):
            exchange = self._under_way[number]
            try:
                if not exchange.sent:
                    exchange.connection.send(self.request)
                    exchange.sent = True
                    self._poll.modify(number, select.EPOLLIN)
                    continue
                part = exchange.connection.recv(65536)
            except OSError as error:
                self.broken[errno.errorcode[error.errno or 0]] += 1
                self._end(number, exchange, keep=False)
                continue
            exchange.heard += part
            head, found, body = exchange.heard.partition(b"\r\n\r\n")
            if found and len(body) >= _length(head):
                self._heard(exchange, head)
                self._end(number, exchange, keep=self.keep and b"close" not in head.lower())
            elif not part:
                self.broken["cut off"] += 1
                self._end(number, exchange, keep=False)

    def _heard(self, exchange: Exchange, head: bytes) -> None:
        status, seconds = int(head.split()[1]), time.monotonic() - exchange.began
        self.statuses[status] += 1
        if status == 200:
            self.good += seconds <= GOOD_SECONDS
        elif status == 503:
            self.refusals.append(seconds)
            self.told += b"\r\nretry-after: " in head.lower()

    def _end(self, number: int, exchange: Exchange, *, keep: bool) -> None:
        self._poll.unregister(number)
        del self._under_way[number]
        if keep:
            self._free.append(exchange.connection)
        else:
            exchange.connection.close()


def _length(head: bytes) -> int:
    return int(head.lower().split(b"\r\ncontent-length:")[1].split(b"\r\n")[0])


def main(arguments: list[str]) -> None:
    """Send a load, and print what was heard."""
    port, rate, seconds, keep, file = arguments
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load = Load(int(port), Path(file).read_bytes(), keep == "1")
    load.run(int(rate), float(seconds))
    refusals = sorted(load.refusals)
    slowest = refusals[int(0.99 * len(refusals))] if refusals else 0.0
    told = {
        "rate": load.good / float(seconds),
        "good": load.good,
        "statuses": {str(one): count for one, count in load.statuses.items()},
        "told": load.told,
        "refused_within": slowest,
        "broken": +load.broken,
    }
    print(json.dumps(told))  # noqa: T201 -- read by who has started it


if __name__ == "__main__":
    main(sys.argv[1:])
