"""
Has one thread of granian's at work, and the others in reserve for when it is held up.

Threads that fight for the interpreter lock halve a worker's throughput, so granian is best with
one. But then whatever holds that one up holds up everybody: a caller whose body comes slowly, a
database that does not answer, a page that takes long. So granian gets several, of which one holds
the baton. A thread without one answers the request in its hands and then waits, inside its call,
until it is given the baton: granian sees it at work. Once the thread with the baton has been at
one request for some milliseconds, it loses it, and the next thread goes on with the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from threading import get_ident
from typing import Any

LOOK_SECONDS = 0.005
"""How often it is looked whether a thread is held up; that takes two looks."""
IDLE_SECONDS = 0.02
"""How often while nothing is going on."""

Work = Callable[[Any, dict[str, Any]], None]
"""Answers one request of granian's: its protocol, and what it says of the request."""


class _Baton:
    """The right to go on with further requests."""

    __slots__ = ("turn",)

    def __init__(self) -> None:
        # Odd while its holder is at a request.
        self.turn = 0


class Relay:
    """
    What granian calls for each request, from any of its threads.

    Args:
        work: answers one request; nothing may come out of it.
        at_once: how many threads go on with further requests at a time.
    """

    def __init__(self, work: Work, at_once: int = 1) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._held: dict[int, _Baton] = {}
        self._free = at_once
        self._resting: list[tuple[int, threading.Lock]] = []
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="relay", daemon=True).start()

    def __call__(self, protocol: Any, scope: dict[str, Any]) -> None:
        """Answer one request, and come back once this thread may take another."""
        baton = self._held.get(get_ident())
        if baton is None:
            self._work(protocol, scope)
            self._rest()
            return
        turn = baton.turn = baton.turn + 1
        self._work(protocol, scope)
        # Whoever takes a baton away leaves it as it is and makes another.
        baton.turn = turn + 1

    def close(self) -> None:
        """Let every thread go back to granian, from now on at once."""
        with self._lock:
            self._over.set()
            resting, self._resting = self._resting, []
        for _thread, gate in resting:
            gate.release()

    def _rest(self) -> None:
        """Come back once this thread holds a baton."""
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            if self._over.is_set():
                return
            if self._finds_baton():
                self._held[get_ident()] = _Baton()
                return
            self._resting.append((get_ident(), gate))
        gate.acquire()

    def _finds_baton(self) -> bool:
        if self._free:
            self._free -= 1
            return True
        for one, held in self._held.items():
            if not held.turn % 2:
                # Granian has given the request to this thread and not to that one, which it may
                # even have ended; with its baton nobody would come back any more.
                del self._held[one]
                return True
        return False

    def _watch(self) -> None:
        before: dict[int, int] = {}
        while not self._over.is_set():
            with self._lock:
                now = {one: held.turn for one, held in self._held.items()}
                busy = False
                for one, turn in now.items():
                    at_work = bool(turn % 2)
                    busy = busy or at_work or before.get(one) != turn
                    if at_work and before.get(one) == turn:
                        self._hand_on(one)
            before = now
            time.sleep(LOOK_SECONDS if busy else IDLE_SECONDS)

    def _hand_on(self, held_up: int) -> None:
        """Take the baton from a thread, and give one to who rests or to who comes next."""
        del self._held[held_up]
        if self._resting:
            thread, gate = self._resting.pop()
            self._held[thread] = _Baton()
            gate.release()
        else:
            self._free += 1
