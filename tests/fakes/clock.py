"""A clock that stands still until it is told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""Noon in Brasília on a Friday."""


class FrozenClock:
    """Gives the same instant until ``advance`` moves it."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        """Give the instant."""
        return self.moment

    def advance(self, step: timedelta) -> None:
        """Move the instant by *step*."""
        self.moment += step
