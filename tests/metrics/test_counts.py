"""Decisions are counted by which object they are, and under what they say all the same."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.decision import ACTIONS, Asked, Decision, DecisionRecord, RuleError
from authz_service.metrics import counts
from authz_service.metrics.counts import Counts
from tests.journal.test_lines import ACT, DECISION


def record(action: str, decision: Decision, took: int = 7) -> DecisionRecord:
    """Give a record of a decision."""
    return DECISION._replace(asked=Asked(action=action), decision=decision, latency_us=took)


def decided(allowed: bool, reason: str) -> Decision:
    """Give a decision as an object of its own."""
    return Decision(allowed=allowed, reasons=(reason, "second"))


def counted(of: Counts, family: str = "authz_decisions_total") -> dict[tuple[str, ...], float]:
    """Give what was counted in a family, by its labels."""
    return {
        tuple(one.labels.values()): one.value
        for metric in of.tallies().collect()
        for one in metric.samples
        if one.name == family
    }


def expected(records: Sequence[DecisionRecord]) -> dict[tuple[str, ...], float]:
    """Count what is written in records, the plain way."""
    return dict(
        Counter(
            (
                one.asked.action if one.asked.action in ACTIONS else "other",
                "allow" if one.decision.allowed else "deny",
                one.decision.reasons[0],
            )
            for one in records
        )
    )


def test_equal_decisions_are_counted_as_one() -> None:
    """Which object says it makes no difference to what is counted."""
    own, one = Counts(None), decided(True, "represents")
    own.heard([record("open", one), record("open", decided(True, "represents"))])
    own.heard([record("open", one), record("open", replace(one))])
    assert {("open", "allow", "represents"): 4} == counted(own)


def test_one_decision_on_several_actions_is_counted_under_each() -> None:
    """A policy says the same of many, and a caller calls others what it likes."""
    own, one = Counts(None), decided(False, "no-permit")
    for _ in range(2):
        own.heard([record(action, one) for action in ("open", "delegate", "x", "y")])
    assert {
        ("open", "deny", "no-permit"): 2,
        ("delegate", "deny", "no-permit"): 2,
        ("other", "deny", "no-permit"): 4,
    } == counted(own)


_DECISIONS = [
    decided(allowed, reason) for allowed in (True, False) for reason in ("a", "b") for _ in range(2)
]


@given(
    st.lists(
        st.lists(
            st.builds(
                record,
                st.sampled_from(["open", "delegate", "read", "mine"]),
                st.sampled_from(_DECISIONS) | st.builds(decided, st.booleans(), st.just("c")),
                st.sampled_from([0, 9, 10, 11, 250, 2_500_000, 10**9]),
            ),
            min_size=1,
            max_size=5,
        ),
        max_size=6,
    )
)
def test_whatever_is_heard_is_counted_as_it_is_written(batches: list[list[DecisionRecord]]) -> None:
    """The same objects again, equal ones, new ones, in batches of any size."""
    own = Counts(None)
    for batch in batches:
        own.heard(batch)
    records = [one for batch in batches for one in batch]
    assert expected(records) == counted(own)
    assert len(records) == counted(own, "authz_decision_seconds_count")[()]
    took = sum(one.latency_us for one in records) / 1_000_000
    assert pytest.approx(took) == counted(own, "authz_decision_seconds_sum")[()]


@pytest.mark.parametrize("bound", counts._DECIDING)
def test_a_decision_of_a_bound_belongs_to_its_bucket(bound: float) -> None:
    """As Prometheus has it, less or equal, though it is counted in microseconds."""
    own, microseconds = Counts(None), round(bound * 1_000_000)
    own.heard([record("open", _DECISIONS[0], microseconds + more) for more in (-1, 0, 1)])
    assert 2 == counted(own, "authz_decision_seconds_bucket")[str(bound),]


def test_what_is_remembered_is_bounded_and_never_mistaken() -> None:
    """Many thousand short-lived decisions, whose numbers are given again, are what they say."""
    own = Counts(None)
    for number in range(10_000):
        own.heard([record("open", decided(bool(number % 2), f"r{number % 3}"))])
        assert len(own._decided) <= counts._KEPT
    assert {
        ("open", "allow" if number % 2 else "deny", f"r{number % 3}"): 10_000 // 6 + (number < 4)
        for number in range(6)
    } == counted(own)


def test_callers_texts_fill_no_memory() -> None:
    """Actions of their choice are one, and nothing is kept of any."""
    own = Counts(None)
    own.heard([record(f"action {number}", _DECISIONS[0]) for number in range(100)])
    assert {("other", "allow", "a"): 100} == counted(own)
    assert {} == own._decided


def test_a_decision_that_is_gone_is_not_taken_for_its_successor() -> None:
    """Its number may be given again, also in what is remembered: it is looked which it is."""
    own, first = Counts(None), decided(True, "first")
    own.heard([record("open", first)])
    second = decided(False, "second")
    own._decided[id(second)] = own._decided.pop(id(first))
    del first
    gc.collect()
    own.heard([record("open", second)])
    own.heard([record("open", second)])
    assert {("open", "allow", "first"): 1, ("open", "deny", "second"): 2} == counted(own)


def test_rules_that_erred_count_each_time() -> None:
    """Also those of a decision that is known, alone or several times in one batch."""
    own = Counts(None)
    erred = replace(decided(False, "x"), errors=(RuleError("a.polar:3", "x"),) * 2)
    for times in (1, 2, 1):
        own.heard([record("open", erred)] * times)
        own.heard([ACT] * times)
    assert {("a.polar:3",): 8} == counted(own, "authz_rule_errors_total")
    assert {(ACT.act,): 4} == counted(own, "authz_acts_total")
