"""
A checked clock: the machine's own, held against the database's and against time that passes.

Whether a delegation has ended is judged by each machine's clock. All machines of a deployment ask
one database, so its clock is what they have in common: a machine that is further from it than
the bound is reported, by a ping and a number. A file of SQLite has no clock of its own. There the
check is whether the clock has been set within the last hour, against one that only ever goes
forward, and whether the newest revision was made in what this clock calls the future.

Decisions go on by the machine's clock, however far it is off. A deployment that wants the
database's clock sets its machines by the time service that the database uses; to add an offset
here, measured over a network that may hold an answer up, would make a clock that nobody else
has, and that jumps with each check, so that what had ended would be in force again. Nor does a
service stop deciding: of two clocks that differ, nobody knows here which is right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from authz_service.domain.errors import StoreUnavailable
from authz_service.store.changes import when_newest
from authz_service.store.database import Database
from authz_service.usecases.ports import Clock

_REMEMBERED = 3600.0
"""For how many seconds it is held against a clock that it was set; by then it may be right."""


def boot_seconds() -> float:
    """Count the seconds since the machine was started, those included in which it slept."""
    # Where there is no such clock, one that stands still while the machine sleeps.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


Gauge = Callable[[float], None]
"""Hears by how many seconds the machine's clock is ahead of the other, below 0 if behind it."""


class CheckedClock:
    """
    The present instant by the machine's clock, and what is known of that clock. Safe for threads.

    Call it for the instant, ``check`` it from time to time.
    """

    def __init__(
        self,
        clock: Clock,
        database: Database,
        tolerance: timedelta,
        gauge: Gauge,
        passing: Callable[[], float] = boot_seconds,
    ) -> None:
        """
        Begin without a finding.

        Args:
            clock: the machine's clock.
            database: what it is held against.
            tolerance: how far off it may be.
            gauge: hears how far off it is, at each check that could tell.
            passing: counts seconds, whatever happens to clocks.
        """
        self._clock = clock
        self._database = database
        self._tolerance = tolerance
        self._gauge = gauge
        self._passing = passing
        self._reference = clock(), passing()
        self._finding: str | None = None

    def __call__(self) -> datetime:
        """Give the present instant, by the machine's clock."""
        return self._clock()

    def check(self) -> None:
        """
        Hold the clock against the database's, and keep what was found for ``ailment``.

        Never raises. A database that does not answer says nothing of the clock, so the finding
        before stays; that the database is ill is for its own ping to say.
        """
        try:
            ahead, against = self._ahead()
        except StoreUnavailable:
            return
        self._gauge(ahead.total_seconds())
        if abs(ahead) <= self._tolerance:
            self._finding = None
            return
        seconds = round(abs(ahead).total_seconds(), 1)
        where = "ahead of" if ahead > timedelta(0) else "behind"
        self._finding = f"the machine's clock is {seconds} s {where} {against}"

    def ailment(self) -> str | None:
        """Give what is wrong with the clock, as the last check found it, or None."""
        return self._finding

    def _ahead(self) -> tuple[timedelta, str]:
        """Tell how far the clock is ahead, and of what."""
        before, passed = self._clock(), self._passing()
        theirs = _now(self._database)
        if theirs is not None:
            # Their clock was read at some moment in between: what that leaves open is no error.
            after = self._clock()
            return _beyond(theirs, before, after), "the database's"
        instant, counted = self._reference
        gone = passed - counted
        if gone > _REMEMBERED:
            self._reference = before, passed
        with self._database.read() as connection:
            newest = when_newest(connection)
        if newest is not None and newest - before > self._tolerance:
            return before - newest, "the newest revision's"
        return before - instant - timedelta(seconds=gone), "where it would be had it not been set"


def _now(database: Database) -> datetime | None:
    """Give the present instant by the database's own clock, None if it has none."""
    sql = database.backend.clock
    return None if sql is None else database.ask(sql, {}, _instant)


def _instant(rows: Sequence[Sequence[Any]]) -> datetime:
    [[instant]] = rows
    return instant  # type: ignore[no-any-return]  # as the driver gives it


def _beyond(theirs: datetime, before: datetime, after: datetime) -> timedelta:
    if theirs < before:
        return before - theirs
    return min(after - theirs, timedelta(0))
