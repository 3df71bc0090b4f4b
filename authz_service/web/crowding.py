"""
At most so many changes are worked on at a time.

Whoever waits for the database's lock waits with a thread. If changes could take all of them, nobody
would be left to decide: so some are always there for decisions, and for who looks at things.
"""

from __future__ import annotations

import threading

from flask import Flask, g, request

from authz_service.domain.errors import Crowded

AT_ONCE = 16
"""So many changes in one process; each server has half as many threads more, or twice as many."""

_HARMLESS = ("GET", "HEAD", "OPTIONS")


def install(app: Flask) -> None:
    """Have *app* refuse changes while as many as may are under way."""
    places = threading.BoundedSemaphore(AT_ONCE)

    @app.before_request
    def come_in() -> None:
        if request.method in _HARMLESS:
            return
        if not places.acquire(blocking=False):
            raise Crowded(f"{AT_ONCE} changes are under way")
        g.has_place = True

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if g.pop("has_place", default=False):
            places.release()
