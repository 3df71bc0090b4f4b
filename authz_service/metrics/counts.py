"""What is counted for every decision, every answer and every caller at the door."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence

from authz_service.domain.decision import (
    ACTIONS,
    OTHER_ACTION,
    ActRecord,
    Decision,
    DecisionRecord,
    Record,
)
from authz_service.metrics.share import Share
from authz_service.metrics.tally import Family, Tallies, Tally

BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds: upper bounds of what takes as long as an answer."""
_DECIDING = (0.00001, 0.000025, 0.00005, 0.0001, *BUCKETS)
"""Seconds: likewise of a decision, which takes microseconds on what is held."""

_DECISIONS = Family(
    "authz_decisions",
    "Decisions by action, decision and first reason.",
    ("action", "decision", "reason"),
)
_ACTS = Family("authz_acts", "Administrative acts.", ("act",))
_LATENCY = Family(
    "authz_decision_seconds",
    "Time from question to decision, the decision log apart.",
    bounds=_DECIDING,
)
_RULE_ERRORS = Family(
    "authz_rule_errors",
    "Rules that could not be answered, by their place; each denied a decision.",
    ("rule",),
)
_ANSWERS = Family("authz_http_answers", "HTTP answers by route and status.", ("route", "status"))
_ANSWER_SECONDS = Family(
    "authz_http_seconds", "Time from request to answer, by route.", ("route",), BUCKETS
)
_HELD = Family(
    "authz_held_facts",
    "Questions whose facts were held in memory (hit), or were read from the store (miss); "
    "for one that was decided before on the same state none are gathered.",
    ("outcome",),
)
_LOST = Family(
    "authz_decision_log_lost_records",
    "Records that could not be written into the decision log, and are missing there.",
)
_SHED = Family(
    "authz_shed_requests",
    "Callers who were refused at the door, since there was more to do than could be done.",
)
_FAMILIES = (
    _DECISIONS,
    _ACTS,
    _LATENCY,
    _RULE_ERRORS,
    _ANSWERS,
    _ANSWER_SECONDS,
    _HELD,
    _LOST,
    _SHED,
)
_BUCKETS_US = tuple(1_000_000 * bound for bound in _DECIDING)
# Where the sum of a histogram stands, from its first slot on.
_LATENCY_SUM, _SECONDS_SUM = _LATENCY.width - 1, _ANSWER_SECONDS.width - 1
# Of how many decisions the slot is kept; policies have some hundreds.
_KEPT = 4_096


class Counts:
    """
    The counters of one process that have to cost next to nothing.

    Args:
        share: its part, where several processes count together.
    """

    def __init__(self, share: Share | None) -> None:
        self._folder = None if share is None else share.folder
        self._tally = Tally(_FAMILIES, self._folder, "" if share is None else share.place)
        self._whole, self._real = self._tally.whole, self._tally.real
        # `a[i] += 1` is three steps, between which another thread may come.
        self._lock = threading.Lock()
        # The slots of what has been counted before, by what is at hand when it is again.
        self._decided: dict[int, tuple[Decision, str, int]] = {}
        self._answered: dict[tuple[str, int], tuple[int, int]] = {}
        self._latency = self._tally.slot(_LATENCY)
        self._latency_sum = self._latency + _LATENCY_SUM
        self._held = (self._tally.slot(_HELD, ("hit",)), self._tally.slot(_HELD, ("miss",)))

    def tallies(self) -> Tallies:
        """Give what is scraped of all places."""
        return Tallies(_FAMILIES, self._tally, self._folder)

    def heard(self, records: Sequence[Record]) -> None:
        """Count what went into the decision log: decisions, or acts."""
        whole, known_of, latency = self._whole, self._decided.get, self._latency
        microseconds = 0
        with self._lock:
            for record in records:
                if type(record) is DecisionRecord:
                    decision, action, took = record.decision, record.asked.action, record.latency_us
                    # By which object it is: a policy gives the same one again and again.
                    known = known_of(id(decision))
                    if known is None or known[0] is not decision or known[1] != action:
                        known = self._of_decision(action, decision)
                    whole[known[2]] += 1
                    whole[latency + bisect_left(_BUCKETS_US, took)] += 1
                    microseconds += took
                elif type(record) is ActRecord:
                    whole[self._tally.slot(_ACTS, (record.act,))] += 1
            self._real[self._latency_sum] += microseconds / 1_000_000

    def decided(self) -> int:
        """Give how many decisions have been counted here."""
        return sum(self._whole[self._latency : self._latency_sum])

    def _of_decision(self, action: str, decision: Decision) -> tuple[Decision, str, int]:
        """Give the slot of a decision about an action; and count the rules that have erred."""
        known = action in ACTIONS
        labels = (
            action if known else OTHER_ACTION,
            "allow" if decision.allowed else "deny",
            decision.reason,
        )
        found = (decision, action, self._tally.slot(_DECISIONS, labels))
        if decision.errors:
            # Never kept, so that they are counted each time.
            for error in decision.errors:
                self._whole[self._tally.slot(_RULE_ERRORS, (error.rule,))] += 1
        elif known:
            # Other actions are texts of callers, of which there is no end.
            if len(self._decided) >= _KEPT:
                self._decided.clear()
            self._decided[id(decision)] = found
        return found

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an HTTP answer; *route* is a template, never a path."""
        whole = self._whole
        with self._lock:
            slots = self._answered.get((route, status))
            if slots is None:
                slots = self._answered[route, status] = (
                    self._tally.slot(_ANSWERS, (route, str(status))),
                    self._tally.slot(_ANSWER_SECONDS, (route,)),
                )
            count, latency = slots
            whole[count] += 1
            whole[latency + bisect_left(BUCKETS, seconds)] += 1
            self._real[latency + _SECONDS_SUM] += seconds

    def held(self, hits: int, misses: int) -> None:
        """Count questions whose facts were in memory, and others for which the store was read."""
        hit, miss = self._held
        with self._lock:
            self._whole[hit] += hits
            self._whole[miss] += misses

    def log_lost(self, count: int) -> None:
        """Count records that could not be written into the decision log."""
        self._add(_LOST, count)

    def shed(self, count: int) -> None:
        """Count callers who were refused at the door."""
        self._add(_SHED, count)

    def _add(self, family: Family, count: int) -> None:
        with self._lock:
            self._whole[self._tally.slot(family)] += count
