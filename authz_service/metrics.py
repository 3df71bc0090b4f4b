"""
Every Prometheus instrument, fed by listeners; the only room that knows prometheus_client.

No label takes a value that a caller chooses: actions and reasons are those that are
declared, routes are templates. No CPF, CNPJ or client stands in a label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from authz_service.domain.decision import ACTIONS, OTHER_ACTION, DecisionRecord, Record
from authz_service.domain.sign_in import Cause

_BUCKETS = (
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
)


class Metrics:
    """The instruments of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
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
            "authz_policy_info",
            "1 for the policy in force, by its digest.",
            ["digest"],
            registry=self._registry,
        )

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
        self._policy.clear()
        self._policy.labels(digest).set(1)

    def token_refused(self, cause: Cause) -> None:
        """Count a token that was refused."""
        self._refused.labels(cause.value).inc()

    def keys_refreshed(self, outcome: str) -> None:
        """Count a fetch of GOV.BR's keys; *outcome* is one of the few of the identity room."""
        self._refreshes.labels(outcome).inc()

    def companies_called(self, outcome: str, seconds: float) -> None:
        """Count a call of GOV.BR's companies API; *outcome* as above."""
        self._calls.labels(outcome).inc()
        self._call_seconds.observe(seconds)

    def watch_keys(self, age: Callable[[], float | None]) -> None:
        """Tell the age of GOV.BR's keys at each scrape; not a number while there are none."""

        def seconds() -> float:
            known = age()
            return math.nan if known is None else known

        Gauge(
            "authz_govbr_keys_age_seconds",
            "Seconds since GOV.BR's keys were last fetched; NaN while there are none.",
            registry=self._registry,
        ).set_function(seconds)

    def exposition(self) -> tuple[bytes, str]:
        """Give what Prometheus scrapes, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4
