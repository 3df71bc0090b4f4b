"""The metrics count what happened, under labels that nobody outside can choose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_service.domain.decision import Asked, Decision, RuleError
from authz_service.domain.sign_in import Cause
from authz_service.metrics import Metrics
from tests.journal.test_lines import ACT, DECISION

ALLOWED = replace(
    DECISION, decision=Decision(allowed=True, reasons=("represents", "delegated")), latency_us=300
)


def lines(metrics: Metrics) -> list[str]:
    """Give the exposition's samples."""
    text = metrics.exposition()[0].decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_decisions_are_counted_by_action_decision_and_first_reason() -> None:
    """Each decision adds one to its own counter."""
    metrics = Metrics()
    metrics.heard([ALLOWED, ALLOWED, DECISION])

    assert {
        'authz_decisions_total{action="open",decision="allow",reason="represents"} 2.0',
        'authz_decisions_total{action="open",decision="deny",reason="policy-error"} 1.0',
    } <= set(lines(metrics))


@pytest.mark.parametrize("action", ["approve", "", "72268402517", "x" * 64])
def test_an_action_of_the_callers_choice_is_no_label(action: str) -> None:
    """Whatever a caller calls an action, it is counted as another one."""
    metrics = Metrics()
    metrics.heard([replace(ALLOWED, asked=Asked(action=action))])

    [sample] = [line for line in lines(metrics) if line.startswith("authz_decisions_total")]
    assert 'action="other"' in sample


def test_latency_has_buckets_from_a_quarter_of_a_millisecond_to_two_and_a_half_seconds() -> None:
    """A decision of 0.3 ms is above the first bucket and within the second."""
    metrics = Metrics()
    metrics.heard([ALLOWED])

    buckets = [line for line in lines(metrics) if line.startswith("authz_decision_seconds_bucket")]
    assert 'authz_decision_seconds_bucket{le="0.00025"} 0.0' == buckets[0]
    assert 'authz_decision_seconds_bucket{le="0.0005"} 1.0' == buckets[1]
    assert 'authz_decision_seconds_bucket{le="2.5"} 1.0' == buckets[-2]


def test_rules_that_erred_are_counted_by_their_place() -> None:
    """An operator sees which rule denies people for a mistake of its own."""
    metrics = Metrics()
    errors = (RuleError("a.polar:3", "x"), RuleError("b.polar:1", "y"))
    metrics.heard([replace(DECISION, decision=replace(DECISION.decision, errors=errors))])

    assert {
        'authz_rule_errors_total{rule="a.polar:3"} 1.0',
        'authz_rule_errors_total{rule="b.polar:1"} 1.0',
    } <= set(lines(metrics))


def test_acts_and_answers_are_counted() -> None:
    """Administrative acts and HTTP answers have counters of their own."""
    metrics = Metrics()
    metrics.heard([ACT])
    metrics.answered("/healthz", 200, 0.001)

    assert {
        'authz_acts_total{act="client.key"} 1.0',
        'authz_http_answers_total{route="/healthz",status="200"} 1.0',
        'authz_http_seconds_count{route="/healthz"} 1.0',
    } <= set(lines(metrics))


def test_one_policy_is_in_force() -> None:
    """The digest in force stands as info, and an earlier one no more."""
    metrics = Metrics()
    metrics.policy_in_force("a" * 64)
    metrics.policy_in_force("b" * 64)

    info = [line for line in lines(metrics) if line.startswith("authz_policy_info")]
    assert [f'authz_policy_info{{digest="{"b" * 64}"}} 1.0'] == info


def test_refused_tokens_are_counted_by_cause() -> None:
    """An operator sees which check refuses sign-ins."""
    metrics = Metrics()
    for cause in (Cause.EXPIRED, Cause.EXPIRED, Cause.UNKNOWN_KEY):
        metrics.token_refused(cause)

    assert {
        'authz_govbr_refused_tokens_total{cause="expired"} 2.0',
        'authz_govbr_refused_tokens_total{cause="unknown-key"} 1.0',
    } <= set(lines(metrics))


def test_what_govbr_is_asked_is_counted_by_outcome() -> None:
    """Fetches of keys and calls of the companies API have counters, the calls a latency too."""
    metrics = Metrics()
    metrics.keys_refreshed("timeout")
    metrics.companies_called("ok", 0.3)
    metrics.companies_called("status", 4.0)

    assert {
        'authz_govbr_key_refreshes_total{outcome="timeout"} 1.0',
        'authz_govbr_companies_calls_total{outcome="ok"} 1.0',
        'authz_govbr_companies_calls_total{outcome="status"} 1.0',
        'authz_govbr_companies_seconds_bucket{le="0.5"} 1.0',
        'authz_govbr_companies_seconds_bucket{le="5.0"} 2.0',
    } <= set(lines(metrics))


@pytest.mark.parametrize(("age", "shown"), [(None, "NaN"), (12.5, "12.5")])
def test_the_age_of_the_keys_is_told_at_each_scrape(age: float | None, shown: str) -> None:
    """It is read when it is asked for; without keys there is no age."""
    metrics = Metrics()
    metrics.watch_keys(lambda: age)

    assert f"authz_govbr_keys_age_seconds {shown}" in lines(metrics)


def test_the_exposition_has_the_type_that_prometheus_reads() -> None:
    """The content type is that of the text format."""
    assert Metrics().exposition()[1].startswith("text/plain; version=0.0.4")
