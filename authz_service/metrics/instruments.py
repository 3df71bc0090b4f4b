"""The instruments: what is counted and measured, under which names and labels."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from authz_service.domain.policies import Outcome, PolicyStatus
from authz_service.domain.sign_in import Cause
from authz_service.metrics.counts import BUCKETS, Counts
from authz_service.metrics.scraping import KEYS_AGE, POLICY, AtScrape
from authz_service.metrics.share import Share

_LIMITS = ("rate", "keys", "body", "batch", "depth")


class Metrics(Counts):
    """
    The instruments of one process; prometheus_client keeps their kind in a global, so of one only.

    Args:
        share: its part, where several processes count together.
    """

    def __init__(self, share: Share | None = None) -> None:
        super().__init__(share)
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
        self._exposed.register(self.tallies())
        self._exposed.register(AtScrape(exposed))
        self._make_instruments()
        self._make_instruments_of_govbr()
        if share is None:
            self._workers.set(1)
            self._wanted.set(1)

    def _make_instruments(self) -> None:
        self._policy = Gauge(
            POLICY,
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
        self._wanted = Gauge(
            "authz_workers_wanted",
            "Worker processes that should serve.",
            registry=self._registry,
            multiprocess_mode="max",
        )
        self._clock = Gauge(
            "authz_clock_offset_seconds",
            "By how much this machine's clock differs from the database's, either way.",
            registry=self._registry,
            multiprocess_mode="livemax",
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
            buckets=(*BUCKETS, 5.0),
            registry=self._registry,
        )

    def clock_off(self, seconds: float) -> None:
        """Tell by how much this machine's clock differs from the database's, either way."""
        self._clock.set(abs(seconds))

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

    def workers_wanted(self, count: int) -> None:
        """Tell how many worker processes there should be."""
        self._wanted.set(count)

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
            KEYS_AGE,
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
