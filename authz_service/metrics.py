"""
Every Prometheus instrument, fed by listeners; the only room that knows prometheus_client.

No label takes a value that a caller chooses: actions and reasons are those that are
declared, routes are templates. No CPF, CNPJ or client stands in a label.

Several worker processes write into files of one folder, by prometheus_client's multiprocess mode,
and whichever is scraped reads them all. A file is of a place, not of a process: who replaces a
worker that died goes on in its files, so totals never go back and files do not pile up.
"""

from __future__ import annotations

import math
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from authz_service.domain.decision import ACTIONS, OTHER_ACTION, DecisionRecord, Record
from authz_service.domain.policies import Outcome, PolicyStatus
from authz_service.domain.sign_in import Cause

_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_POLICY = "authz_policy_info"
_KEYS_AGE = "authz_govbr_keys_age_seconds"
_LIMITS = ("rate", "keys", "body", "batch", "depth")
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Share:
    """
    One process's part in the metrics of several.

    Attributes:
        folder: where all of them write, and which each scrape reads.
        place: names the process among those that run now, without ``_``; whoever takes the place
            of one that has died goes on with its totals.
    """

    folder: Path
    place: str

    def died(self) -> None:
        """Take back what the process of this place said of itself; its totals stay."""
        mark_process_dead(self.place, self.folder)  # type: ignore[no-untyped-call]  # the library leaves its types out here


class Metrics:
    """
    The instruments of one process; prometheus_client keeps their kind in a global, so of one only.

    Args:
        share: its part, where several processes count together.
    """

    def __init__(self, share: Share | None = None) -> None:
        self._registry = CollectorRegistry()
        self._age: Callable[[], float | None] | None = None
        self._keys: Gauge | None = None
        self._digest: str | None = None
        self._of_policy: tuple[Gauge, ...] | None = None
        exposed: Collector = self._registry
        if share is None:
            values.ValueClass = values.MutexValue
        else:
            # The library asks the environment for the folder whenever it makes an instrument.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(share.folder)
            values.ValueClass = values.MultiProcessValue(lambda: share.place)  # type: ignore[no-untyped-call]  # as above
            exposed = MultiProcessCollector(None, share.folder)  # type: ignore[no-untyped-call]  # as above
        self._exposed = CollectorRegistry()
        self._exposed.register(_AtScrape(exposed))
        self._make_instruments()
        self._make_instruments_of_govbr()
        if share is None:
            self._workers.set(1)

    def _make_instruments(self) -> None:
        self._decisions = Counter(
            "authz_decisions",
            "Decisions by action, decision and first reason.",
            ["action", "decision", "reason"],
            registry=self._registry,
        )
        self._latency = Histogram(
            "authz_decision_seconds",
            "Time from question to decision, the decision log apart.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._rule_errors = Counter(
            "authz_rule_errors",
            "Rules that could not be answered, by their place; each denied a decision.",
            ["rule"],
            registry=self._registry,
        )
        self._acts = Counter("authz_acts", "Administrative acts.", ["act"], registry=self._registry)
        self._answers = Counter(
            "authz_http_answers",
            "HTTP answers by route and status.",
            ["route", "status"],
            registry=self._registry,
        )
        self._answer_seconds = Histogram(
            "authz_http_seconds",
            "Time from request to answer, by route.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._policy = Gauge(
            _POLICY,
            "How many workers decide by a policy, by its digest.",
            ["digest"],
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._attempts = Counter(
            "authz_policy_attempts",
            "Attempts to put in force what the policy folder holds, by outcome.",
            ["outcome"],
            registry=self._registry,
        )
        for outcome in Outcome:
            self._attempts.labels(outcome.value)
        self._over_limit = Counter(
            "authz_refused_requests",
            "Requests that were refused for a limit, by limit.",
            ["limit"],
            registry=self._registry,
        )
        for limit in _LIMITS:
            self._over_limit.labels(limit)
        # The supervisor of several workers says how many there are; they themselves do not know.
        self._workers = Gauge(
            "authz_workers",
            "Worker processes that serve now.",
            registry=self._registry,
            multiprocess_mode="max",
        )
        self._restarts = Counter(
            "authz_worker_restarts",
            "Worker processes that ended without being asked to, and were replaced.",
            registry=self._registry,
        )

    def _make_instruments_of_govbr(self) -> None:
        self._refused = Counter(
            "authz_govbr_refused_tokens",
            "Tokens of GOV.BR that were refused, by cause.",
            ["cause"],
            registry=self._registry,
        )
        self._refreshes = Counter(
            "authz_govbr_key_refreshes",
            "Fetches of GOV.BR's keys, by outcome.",
            ["outcome"],
            registry=self._registry,
        )
        self._calls = Counter(
            "authz_govbr_companies_calls",
            "Calls of GOV.BR's companies API, by outcome.",
            ["outcome"],
            registry=self._registry,
        )
        self._call_seconds = Histogram(
            "authz_govbr_companies_seconds",
            "Time of a call of GOV.BR's companies API, whatever its outcome.",
            buckets=(*_BUCKETS, 5.0),
            registry=self._registry,
        )

    def heard(self, records: Sequence[Record]) -> None:
        """Count what went into the decision log."""
        for record in records:
            if isinstance(record, DecisionRecord):
                self._count(record)
            else:
                self._acts.labels(record.act).inc()

    def _count(self, record: DecisionRecord) -> None:
        asked, decision = record.asked, record.decision
        action = asked.action if asked.action in ACTIONS else OTHER_ACTION
        outcome = "allow" if decision.allowed else "deny"
        self._decisions.labels(action, outcome, decision.reason).inc()
        self._latency.observe(record.latency_us / 1_000_000)
        for error in decision.errors:
            self._rule_errors.labels(error.rule).inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an HTTP answer; *route* is a template, never a path."""
        self._answers.labels(route, str(status)).inc()
        self._answer_seconds.labels(route).observe(seconds)

    def policy_in_force(self, digest: str) -> None:
        """Tell which policy is in force."""
        if self._digest is not None:
            # Several processes cannot take a label back: 0 says it, and is not shown.
            self._policy.labels(self._digest).set(0)
        self._policy.labels(digest).set(1)
        self._digest = digest

    def policy_attempted(self, status: PolicyStatus) -> None:
        """Count an attempt to take what the policy folder holds, and tell what is in force."""
        if status.digest not in (None, self._digest):
            self.policy_in_force(str(status.digest))
        attempt = status.attempt
        if attempt is None or self._of_policy is None:
            return
        self._attempts.labels(attempt.outcome.value).inc()
        current, attempted, applied, _looked = self._of_policy
        current.set(status.current)
        attempted.set(attempt.moment.timestamp())
        if status.current:
            applied.set(attempt.moment.timestamp())

    def policy_looked(self, moment: datetime) -> None:
        """Tell when the policy folder was last looked at."""
        if self._of_policy is not None:
            self._of_policy[-1].set(moment.timestamp())

    def watch_policy(self) -> None:
        """
        Tell from now on whether what the policy folder holds is in force, here or in all workers.

        Not of the supervisor, which would say no for ever.
        """
        gauge = partial(Gauge, registry=self._registry)
        self._of_policy = (
            gauge(
                "authz_policy_folder_in_force",
                "1 if what the policy folder held at the last attempt is in force, 0 if not.",
                multiprocess_mode="livemin",
            ),
            gauge(
                "authz_policy_attempt_timestamp_seconds",
                "When what the policy folder holds was last tried.",
                multiprocess_mode="livemax",
            ),
            gauge(
                "authz_policy_applied_timestamp_seconds",
                "When what the policy folder holds was last taken; 0 before the first time.",
                multiprocess_mode="livemin",
            ),
            gauge(
                "authz_policy_look_timestamp_seconds",
                "When the policy folder was last looked at, by the worker that lags most.",
                multiprocess_mode="livemin",
            ),
        )

    def over_limit(self, limit: str) -> None:
        """Count a request refused for a *limit*: rate, keys, body, batch or depth."""
        self._over_limit.labels(limit).inc()

    def workers_serve(self, count: int) -> None:
        """Tell how many worker processes serve."""
        self._workers.set(count)

    def worker_replaced(self) -> None:
        """Count a worker process that has taken the place of one that died."""
        self._restarts.inc()

    def token_refused(self, cause: Cause) -> None:
        """Count a token that was refused."""
        self._refused.labels(cause.value).inc()

    def keys_refreshed(self, outcome: str) -> None:
        """Count a fetch of GOV.BR's keys; *outcome* is one of the few of the identity room."""
        self._refreshes.labels(outcome).inc()
        self._note_keys()

    def companies_called(self, outcome: str, seconds: float) -> None:
        """Count a call of GOV.BR's companies API; *outcome* as above."""
        self._calls.labels(outcome).inc()
        self._call_seconds.observe(seconds)

    def watch_keys(self, age: Callable[[], float | None]) -> None:
        """
        Tell the age of GOV.BR's keys at each scrape; not a number while there are none.

        Of several workers it is that of the oldest keys. *age* is asked after each refresh: what
        is kept is when the keys were fetched, since a scrape cannot ask other processes.
        """
        self._age = age
        self._keys = Gauge(
            _KEYS_AGE,
            "Seconds since GOV.BR's keys were last fetched; NaN while there are none.",
            registry=self._registry,
            multiprocess_mode="livemin",
        )
        self._note_keys()

    def _note_keys(self) -> None:
        if self._age is None or self._keys is None:
            return
        age = self._age()
        self._keys.set(-math.inf if age is None else time.time() - age)

    def exposition(self) -> tuple[bytes, str]:
        """Give what Prometheus scrapes, and its content type."""
        return generate_latest(self._exposed), CONTENT_TYPE_PLAIN_0_0_4


class _AtScrape(Collector):
    """What is counted, as it is to be shown at the moment of the scrape."""

    def __init__(self, counted: Collector) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Give every metric: keys by their age, and of policies those in force."""
        now = time.time()
        for metric in self._read():
            if metric.name == _KEYS_AGE:
                metric.samples = [
                    one._replace(value=math.nan if one.value == -math.inf else now - one.value)
                    for one in metric.samples
                ]
            elif metric.name == _POLICY:
                metric.samples = [one for one in metric.samples if one.value]
            yield metric

    def _read(self) -> list[Metric]:
        # The file that a new worker begins is empty for a moment, which the library cannot read.
        for _attempt in range(_ATTEMPTS):
            try:
                return list(self._counted.collect())
            except struct.error:
                time.sleep(0.01)
        return list(self._counted.collect())
