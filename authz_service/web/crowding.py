"""
At most so many changes are worked on at a time.

Whoever waits for the database's lock waits with a thread. If changes could take all of them, nobody
would be left to decide: so some are always there for decisions, and for who looks at things.

What Flask answers counts as a change unless it is a GET, HEAD or OPTIONS: also searches by POST and
explanations, which change nothing but leave an act in the log or read for long. The operations that
``lean`` answers do not.
"""

from __future__ import annotations

import threading

from flask import Flask, g, request

from authz_service.domain.errors import Crowded

AT_ONCE = 24
"""So many changes in one process; each server has a third as many threads more."""

_HARMLESS = ("GET", "HEAD", "OPTIONS")


def install(app: Flask) -> None:
    """Have *app* refuse changes while as many as may are under way."""
    places = threading.BoundedSemaphore(AT_ONCE)

    @app.before_request
    def come_in() -> None:
        # What is no route, or not with this method, is told so by whoever comes next.
        if request.method in _HARMLESS or request.endpoint is None:
            return
        if not places.acquire(blocking=False):
            raise Crowded(f"{AT_ONCE} changes are under way")
        g.has_place = True

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if g.pop("has_place", default=False):
            places.release()
