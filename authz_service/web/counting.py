"""
Counting what somebody does in a window that slides: a counter for each, and no thread.

Time is cut into windows of equal length. What was counted in the window before counts in
proportion to how much of it the sliding window still covers, so nobody can do twice as much
around a cut; it takes two numbers for each, whatever was counted.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

_MOST_COUNTED = 100_000
"""How many are counted at once; beyond that the one who came first is forgotten."""

_NOTHING = [-1, 0, 0]


class SlidingWindow:
    """
    Counts up to an amount for each, in a sliding window; safe to use from several threads.

    Args:
        amount: how much each may do in a window, 1 or more.
        seconds: the length of the window.
        clock: seconds since whatever instant, never going back.
    """

    def __init__(self, amount: int, seconds: int, clock: Callable[[], float]) -> None:
        self.amount = amount
        self._seconds = seconds
        self._clock = clock
        # Number of the window, what was counted in it, and what in the one before.
        self._counts: dict[str, list[int]] = {}
        self._swept = 0
        self._changing = threading.Lock()

    def hit(self, whose: str, cost: int = 1) -> bool:
        """Count *cost* for one if so much is left, and tell whether it is."""
        window, into = divmod(self._clock(), self._seconds)
        with self._changing:
            state = self._counts.get(whose)
            if state is None or state[0] != window:
                state = self._begin(whose, int(window))
            _, counted, earlier = state
            room = self.amount - cost + 1 - counted
            if earlier * (self._seconds - into) >= room * self._seconds:
                return False
            state[1] = counted + cost
        return True

    def has_room(self, whose: str) -> bool:
        """Tell whether one may do one thing more; nothing is counted."""
        window, into = divmod(self._clock(), self._seconds)
        counted, earlier = self._state(whose, int(window))
        return earlier * (self._seconds - into) < (self.amount - counted) * self._seconds

    def wait(self, whose: str, cost: int = 1) -> int:
        """Give after how many whole seconds *cost* is left, if nothing is counted until then."""
        window, into = divmod(self._clock(), self._seconds)
        counted, earlier = self._state(whose, int(window))
        rest, room = self._seconds - into, self.amount - cost + 1
        # What an earlier window counts for falls in proportion to what is left of the present one.
        if counted < room:
            wait = rest - self._seconds * (room - counted) / max(earlier, 1)
        else:
            wait = rest + self._seconds * (1 - room / counted)
        # A moment after that instant, for at it the count is still what it was.
        return math.ceil(max(wait, 0) + 0.001)

    def _state(self, whose: str, window: int) -> tuple[int, int]:
        """Give what was counted in *window*, and what in the one before."""
        of, counted, earlier = self._counts.get(whose, _NOTHING)
        if of == window:
            return counted, earlier
        return 0, counted if of == window - 1 else 0

    def _begin(self, whose: str, window: int) -> list[int]:
        """Begin to count for one in *window*; once in each, forget whoever counts no more."""
        if window != self._swept:
            self._swept = window
            for one in [one for one, (of, *_) in self._counts.items() if of < window - 1]:
                del self._counts[one]
        state = [window, *self._state(whose, window)]
        if whose not in self._counts and len(self._counts) >= _MOST_COUNTED:
            del self._counts[next(iter(self._counts))]
        self._counts[whose] = state
        return state
