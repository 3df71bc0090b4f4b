"""What a service does from time to time, beside answering."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from authz_service.domain.errors import AuthzError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """
    One thing that is done from time to time.

    Attributes:
        name: what operators read if it fails.
        seconds: how long to wait between two times.
        do: does it once.
    """

    name: str
    seconds: float
    do: Callable[[], object]


class Leisure:
    """
    Does what can wait where little has been decided since it was asked last.

    Else it would keep the interpreter from those who decide.

    Args:
        most: decisions that are little.
        decided: tells how many there were in all.
    """

    def __init__(self, most: int, decided: Callable[[], int]) -> None:
        self._most = most
        self._decided = decided
        self._before = decided()

    def do(self, what: Callable[[], object]) -> None:
        """Do *what* if there is leisure."""
        before, self._before = self._before, self._decided()
        if self._before - before <= self._most:
            what()


class Rounds:
    """
    Makes all rounds in one thread, until it is stopped; whatever fails is tried again.

    Args:
        rounds: what there is to do.
    """

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._rounds = tuple(rounds)
        self._failing: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin; the first time is at once."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further round, and wait for the one at work, but not for ever."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _go(self) -> None:
        due = dict.fromkeys(self._rounds, 0.0)
        while not self._over.is_set():
            now = time.monotonic()
            for one in self._rounds:
                if due[one] <= now and not self._over.is_set():
                    self._make(one)
                    due[one] = time.monotonic() + one.seconds
            self._over.wait(max(0.0, min(due.values()) - time.monotonic()))

    def _make(self, one: Round) -> None:
        try:
            one.do()
        except Exception as error:  # noqa: BLE001 -- one that fails must not end the others
            # Once, and not every few seconds; an error of ours names no data.
            if one.name not in self._failing:
                self._failing.add(one.name)
                said = str(error) if isinstance(error, AuthzError) else type(error).__name__
                _log.error("%s cannot be looked after: %s", one.name, said)
            return
        if one.name in self._failing:
            self._failing.discard(one.name)
            _log.info("%s is looked after again", one.name)
