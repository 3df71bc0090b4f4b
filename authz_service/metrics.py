"""
Every Prometheus instrument, fed by listeners; the only room that knows prometheus_client.

No label takes a value that a caller chooses: actions and reasons are those that are
declared, routes are templates. No CPF, CNPJ or client stands in a label.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from authz_service.domain.decision import ACTIONS, OTHER_ACTION, DecisionRecord, Record

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

    def exposition(self) -> tuple[bytes, str]:
        """Give what Prometheus scrapes, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4
