"""How many requests may wait for GOV.BR at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from authz_service.domain.errors import SignInUnavailable


class Waiting:
    """
    A room with a number of places, fewer than the server has threads.

    Who waits for GOV.BR holds a thread of the server. With all places taken the next one is
    sent away at once, to try again, so that decisions always find a thread.

    Args:
        places: how many may wait at once.
    """

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """
        Hold a place for the time of a ``with`` block.

        Raises:
            SignInUnavailable: all are taken.
        """
        if not self._places.acquire(blocking=False):
            raise SignInUnavailable("too many sign-ins wait for GOV.BR")
        try:
            yield
        finally:
            self._places.release()
