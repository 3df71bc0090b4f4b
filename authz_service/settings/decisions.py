"""The settings of what a decision rests on, and of the log that it goes into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FreshnessSettings:
    """
    How the facts in memory are kept true.

    Attributes:
        notified: whether the database tells what has changed, and is not asked each time.
        stale_seconds: how old the state of a decision may be then.
        held: for how many questions the facts are kept.
        clock_tolerance: how far the machine's clock may be from the database's.
    """

    notified: bool = False
    stale_seconds: int = 1
    held: int = 100_000
    clock_tolerance: timedelta = timedelta(seconds=2)

    @classmethod
    def of(cls, words: Mapping[str, str], numbers: Mapping[str, int]) -> FreshnessSettings:
        """Take them out of values that were checked, by their names."""
        return cls(
            notified=words["AUTHZ_FRESHNESS"] == "notified",
            stale_seconds=numbers["AUTHZ_STALE_SECONDS"],
            held=numbers["AUTHZ_HELD_QUESTIONS"],
            clock_tolerance=timedelta(seconds=numbers["AUTHZ_CLOCK_TOLERANCE_SECONDS"]),
        )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """
    How the decision log is kept.

    Attributes:
        strict: whether each record is on the disk before its answer leaves.
        lose: whether decisions go on while the log cannot be written.
        segment_bytes: how long a file gets.
        heads_seconds: how often the heads are signed.
        keep_decisions_days: how long decisions stay, 0 for ever.
        keep_acts_days: how long acts stay, 0 for ever.
    """

    strict: bool = False
    lose: bool = False
    segment_bytes: int = 64 * _MIB
    heads_seconds: int = 60
    keep_decisions_days: int = 0
    keep_acts_days: int = 0

    @classmethod
    def of(cls, words: Mapping[str, str], numbers: Mapping[str, int]) -> LogSettings:
        """Take them out of values that were checked, by their names."""
        return cls(
            strict=words["AUTHZ_LOG_SYNC"] == "strict",
            lose=words["AUTHZ_LOG_FAILURE"] == "lose",
            segment_bytes=numbers["AUTHZ_LOG_SEGMENT_MB"] * _MIB,
            heads_seconds=numbers["AUTHZ_LOG_HEADS_SECONDS"],
            keep_decisions_days=numbers["AUTHZ_LOG_KEEP_DECISIONS_DAYS"],
            keep_acts_days=numbers["AUTHZ_LOG_KEEP_ACTS_DAYS"],
        )
