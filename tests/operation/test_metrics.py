"""The metrics count what happened, under labels that nobody outside can choose."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import values

from authz_service.domain.decision import Asked, Decision, RuleError
from authz_service.domain.policies import Attempt, Origin, Outcome, PolicyStatus
from authz_service.domain.sign_in import Cause
from authz_service.metrics import Metrics, Share
from tests.fakes.clock import NOON
from tests.journal.test_lines import ACT, DECISION

ALLOWED = DECISION._replace(
    decision=Decision(allowed=True, reasons=("represents", "delegated")), latency_us=300
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
    metrics.heard([ALLOWED._replace(asked=Asked(action=action))])

    [sample] = [line for line in lines(metrics) if line.startswith("authz_decisions_total")]
    assert 'action="other"' in sample


def test_latency_has_buckets_from_ten_microseconds_to_two_and_a_half_seconds() -> None:
    """A decision of 0.3 ms is above what one on held facts takes, and within half a millisecond."""
    metrics = Metrics()
    metrics.heard([ALLOWED])

    buckets = [line for line in lines(metrics) if line.startswith("authz_decision_seconds_bucket")]
    assert 'authz_decision_seconds_bucket{le="1e-05"} 0.0' == buckets[0]
    assert 'authz_decision_seconds_bucket{le="0.00025"} 0.0' in buckets
    assert 'authz_decision_seconds_bucket{le="0.0005"} 1.0' in buckets
    assert 'authz_decision_seconds_bucket{le="2.5"} 1.0' == buckets[-2]


def test_rules_that_erred_are_counted_by_their_place() -> None:
    """An operator sees which rule denies people for a mistake of its own."""
    metrics = Metrics()
    errors = (RuleError("a.polar:3", "x"), RuleError("b.polar:1", "y"))
    metrics.heard([DECISION._replace(decision=replace(DECISION.decision, errors=errors))])

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


def test_the_seconds_of_each_route_are_its_own() -> None:
    """The sum of one stands in no place of another."""
    metrics = Metrics()
    routes = [f"/{number}" for number in range(5)]
    for _ in range(2):
        for number, route in enumerate(routes, 1):
            metrics.answered(route, 200, 0.25 * number)

    found = [
        line
        for line in lines(metrics)
        if line.startswith(
            ("authz_http_seconds_sum", "authz_http_seconds_count", "authz_http_answers_total")
        )
    ]
    assert sorted(
        told
        for number, route in enumerate(routes, 1)
        for told in (
            f'authz_http_seconds_sum{{route="{route}"}} {0.5 * number}',
            f'authz_http_seconds_count{{route="{route}"}} 2.0',
            f'authz_http_answers_total{{route="{route}",status="200"}} 2.0',
        )
    ) == sorted(found)


def test_one_policy_is_in_force() -> None:
    """The digest in force stands as info, and an earlier one no more."""
    metrics = Metrics()
    metrics.policy_in_force("a" * 64)
    metrics.policy_in_force("b" * 64)

    info = [line for line in lines(metrics) if line.startswith("authz_policy_info")]
    assert [f'authz_policy_info{{digest="{"b" * 64}"}} 1.0'] == info


def tried(metrics: Metrics, outcome: Outcome, moment: datetime, digest: str | None = "d") -> None:
    """Let an attempt at the policy folder be over."""
    metrics.policy_attempted(
        PolicyStatus(digest, moment, Origin.FOLDER, Attempt(moment, "c", outcome))
    )


def of_policy(metrics: Metrics) -> dict[str, float]:
    """Give what is told of the policy folder, by its name."""
    found = [line.rsplit(" ", 1) for line in lines(metrics) if line.startswith("authz_policy_")]
    return {name: float(value) for name, value in found if "_created" not in name}


def test_attempts_at_the_policy_are_counted_and_dated() -> None:
    """An edit that is not in force is a zero and an older date, not only a line in a log."""
    metrics = Metrics()
    metrics.policy_looked(NOON)
    metrics.watch_policy()
    tried(metrics, Outcome.APPLIED, NOON)
    tried(metrics, Outcome.REFUSED, NOON + timedelta(seconds=60))
    metrics.policy_looked(NOON + timedelta(seconds=90))

    noon = NOON.timestamp()
    assert {
        'authz_policy_info{digest="d"}': 1,
        'authz_policy_attempts_total{outcome="applied"}': 1,
        'authz_policy_attempts_total{outcome="refused"}': 1,
        'authz_policy_attempts_total{outcome="postponed"}': 0,
        "authz_policy_folder_in_force": 0,
        "authz_policy_attempt_timestamp_seconds": noon + 60,
        "authz_policy_look_timestamp_seconds": noon + 90,
        "authz_policy_applied_timestamp_seconds": noon,
    } == of_policy(metrics)


def test_without_a_policy_no_digest_is_shown() -> None:
    """A folder that was refused at the start leaves no policy; before an attempt nothing is."""
    metrics = Metrics()
    metrics.watch_policy()
    metrics.policy_attempted(PolicyStatus())
    tried(metrics, Outcome.REFUSED, NOON, None)

    found = of_policy(metrics)
    assert [] == [name for name in found if name.startswith("authz_policy_info")]
    assert (0, 0, 1) == (
        found["authz_policy_folder_in_force"],
        found["authz_policy_applied_timestamp_seconds"],
        found['authz_policy_attempts_total{outcome="refused"}'],
    )


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


def shown_age(metrics: Metrics) -> float:
    """Give the age of the keys as it is scraped."""
    [line] = [one for one in lines(metrics) if one.startswith("authz_govbr_keys_age_seconds ")]
    return float(line.split()[-1])


def test_the_age_of_the_keys_grows_until_they_are_fetched_anew() -> None:
    """It is that of the last good fetch, at the moment of the scrape; no keys have no age."""
    metrics, age = Metrics(), [None, 12.5, 500.0]
    metrics.watch_keys(lambda: age[0])
    assert math.isnan(shown_age(metrics))

    age.pop(0)
    metrics.keys_refreshed("ok")
    first = shown_age(metrics)
    assert 12.5 == pytest.approx(first, abs=1)
    time.sleep(0.05)
    assert shown_age(metrics) > first

    age.pop(0)
    metrics.keys_refreshed("timeout")
    assert 500.0 == pytest.approx(shown_age(metrics), abs=1)


def test_what_costs_next_to_nothing_is_counted_by_number() -> None:
    """Lost records, callers refused at the door, and facts that were held come many at a time."""
    metrics = Metrics()
    assert {"authz_decision_log_lost_records_total 0.0", "authz_shed_requests_total 0.0"} <= set(
        lines(metrics)
    )
    metrics.log_lost(3)
    metrics.shed(40)
    metrics.held(49, 1)
    metrics.held(1, 0)

    assert {
        "authz_decision_log_lost_records_total 3.0",
        "authz_shed_requests_total 40.0",
        'authz_held_facts_total{outcome="hit"} 50.0',
        'authz_held_facts_total{outcome="miss"} 1.0',
    } <= set(lines(metrics))


def test_a_batch_is_counted_at_once() -> None:
    """Each of its decisions, its acts, and the time of all."""
    metrics = Metrics()
    metrics.heard([ALLOWED] * 49 + [DECISION])
    metrics.heard([ACT])

    assert {
        'authz_decisions_total{action="open",decision="allow",reason="represents"} 49.0',
        'authz_decisions_total{action="open",decision="deny",reason="policy-error"} 1.0',
        'authz_acts_total{act="client.key"} 1.0',
        "authz_decision_seconds_count 50.0",
    } <= set(lines(metrics))
    [total] = [line for line in lines(metrics) if line.startswith("authz_decision_seconds_sum")]
    expected = (49 * ALLOWED.latency_us + DECISION.latency_us) / 1_000_000
    assert expected == pytest.approx(float(total.split()[-1]))


@pytest.mark.parametrize("seconds", [1.5, -1.5])
def test_a_clock_is_off_either_way(seconds: float) -> None:
    """Whether it is fast or slow, it is off by so much."""
    metrics = Metrics()
    metrics.clock_off(seconds)
    assert "authz_clock_offset_seconds 1.5" in lines(metrics)


def test_refusals_are_counted_by_limit() -> None:
    """Each limit has its counter from the start, so that the first refusal is seen as one."""
    metrics = Metrics()
    metrics.over_limit("rate")

    samples = [line for line in lines(metrics) if line.startswith("authz_refused_requests_total")]
    assert {
        'authz_refused_requests_total{limit="rate"} 1.0',
        *(
            f'authz_refused_requests_total{{limit="{limit}"}} 0.0'
            for limit in ("keys", "body", "batch", "depth")
        ),
    } == set(samples)


def test_a_service_without_workers_is_one() -> None:
    """One process that serves alone says so, and was never replaced."""
    assert {
        "authz_workers 1.0",
        "authz_workers_wanted 1.0",
        "authz_worker_restarts_total 0.0",
    } <= set(lines(Metrics()))


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that several processes share; afterwards this one counts alone again."""
    yield tmp_path
    Metrics()
    # The library keeps the files of every process that this one has been open for good.
    values.close_all_multiprocess_files()  # type: ignore[no-untyped-call]  # it has no types
    del os.environ["PROMETHEUS_MULTIPROC_DIR"]


def test_whichever_is_scraped_answers_for_all(folder: Path) -> None:
    """Totals and distributions are those of all workers, under the names that one alone has."""
    alone = Metrics()
    alone.heard([ALLOWED, DECISION, DECISION])
    alone.answered("/healthz", 200, 0.001)
    expected = {one for one in lines(alone) if one.split("{")[0] in COUNTED}
    first = Metrics(Share(folder, "1"))
    first.heard([ALLOWED, DECISION])
    second = Metrics(Share(folder, "2"))
    second.heard([DECISION])
    second.answered("/healthz", 200, 0.001)

    for metrics in (first, second):
        assert expected == {one for one in lines(metrics) if one.split("{")[0] in COUNTED}


COUNTED = (
    "authz_decisions_total",
    "authz_decision_seconds_bucket",
    "authz_decision_seconds_count",
    "authz_http_answers_total",
    "authz_http_seconds_bucket",
)


def test_the_names_and_texts_are_those_of_one_alone(folder: Path) -> None:
    """A dashboard does not have to know how many workers there are."""

    def headings(metrics: Metrics) -> set[str]:
        text = metrics.exposition()[0].decode()
        kept = [one for one in text.splitlines() if one.startswith("#")]
        return {one for one in kept if "_created" not in one}

    def used(metrics: Metrics) -> Metrics:
        metrics.heard([ALLOWED, DECISION])
        metrics.heard([ACT])
        metrics.answered("/healthz", 200, 0.001)
        metrics.watch_policy()
        tried(metrics, Outcome.APPLIED, NOON)
        metrics.token_refused(Cause.EXPIRED)
        metrics.watch_keys(lambda: 1.0)
        metrics.keys_refreshed("ok")
        metrics.companies_called("ok", 0.1)
        return metrics

    expected = headings(used(Metrics()))
    assert expected == headings(used(Metrics(Share(folder, "1"))))


def test_who_takes_a_place_over_goes_on_counting(folder: Path) -> None:
    """A worker that died leaves its totals to the one that replaces it, and no file more."""
    share = Share(folder, "1")
    Metrics(share).heard([ALLOWED, ALLOWED])
    share.died()
    second = Metrics(share)
    before = sorted(one.name for one in folder.iterdir())
    second.heard([ALLOWED])

    assert 'authz_decisions_total{action="open",decision="allow",reason="represents"} 3.0' in lines(
        second
    )
    assert before == sorted(one.name for one in folder.iterdir())


def test_a_policy_is_shown_with_its_workers(folder: Path) -> None:
    """Workers with different policies are seen, until all have the new one; the dead have none."""
    first = Metrics(Share(folder, "1"))
    first.policy_in_force("a" * 64)
    second = Metrics(Share(folder, "2"))
    second.policy_in_force("a" * 64)

    def shown() -> dict[str, float]:
        found = [line for line in lines(second) if line.startswith("authz_policy_info")]
        return {one.split('"')[1][0]: float(one.split()[-1]) for one in found}

    assert {"a": 2.0} == shown()
    second.policy_in_force("b" * 64)
    assert {"a": 1.0, "b": 1.0} == shown()
    Share(folder, "1").died()
    assert {"b": 1.0} == shown()


def test_an_edit_is_in_force_once_it_is_in_all_workers(folder: Path) -> None:
    """The worker that is worst off is shown; a supervisor, which decides nothing, is not asked."""
    Metrics(Share(folder, "supervisor"))
    workers = []
    for number in range(2):
        workers.append(Metrics(Share(folder, str(number + 1))))
        workers[-1].watch_policy()
        tried(workers[-1], Outcome.APPLIED, NOON + timedelta(seconds=number))
        workers[-1].policy_looked(NOON + timedelta(seconds=7 + number))
    assert 1 == of_policy(workers[0])["authz_policy_folder_in_force"]

    tried(workers[0], Outcome.REFUSED, NOON + timedelta(seconds=5))

    found = of_policy(workers[1])
    noon = NOON.timestamp()
    assert (0, noon + 5, noon, noon + 7) == (
        found["authz_policy_folder_in_force"],
        found["authz_policy_attempt_timestamp_seconds"],
        found["authz_policy_applied_timestamp_seconds"],
        found["authz_policy_look_timestamp_seconds"],
    )
    assert 2 == found['authz_policy_attempts_total{outcome="applied"}']


@pytest.mark.parametrize(("ages", "shown"), [((1.0, 400.0), 400.0), ((1.0, None), math.nan)])
def test_the_age_of_the_keys_is_that_of_the_worker_that_is_worst_off(
    folder: Path, ages: tuple[float | None, ...], shown: float
) -> None:
    """Every worker fetches for itself: one without new keys is not hidden by the others."""
    for place, age in enumerate(ages, 1):
        metrics = Metrics(Share(folder, str(place)))
        metrics.watch_keys(lambda age=age: age)  # type: ignore[misc]  # of this turn of the loop

    assert shown == pytest.approx(shown_age(metrics), abs=1, nan_ok=True)


def test_the_supervisor_says_how_many_serve(folder: Path) -> None:
    """Workers count what they do; how many there are, and were replaced, one process knows."""
    worker = Metrics(Share(folder, "1"))
    supervisor = Metrics(Share(folder, "supervisor"))
    supervisor.workers_wanted(3)
    supervisor.workers_serve(2)
    supervisor.worker_replaced()
    supervisor.worker_replaced()

    assert {
        "authz_workers 2.0",
        "authz_workers_wanted 3.0",
        "authz_worker_restarts_total 2.0",
    } <= set(lines(worker))


def test_the_clock_that_is_off_most_is_shown(folder: Path) -> None:
    """All workers of a machine have one clock, and databases may differ."""
    for place, seconds in enumerate((0.25, -4.0, 1.0), 1):
        Metrics(Share(folder, str(place))).clock_off(seconds)
    assert "authz_clock_offset_seconds 4.0" in lines(Metrics(Share(folder, "4")))


def test_a_worker_that_begins_does_not_fail_a_scrape(folder: Path) -> None:
    """A file that is made at that moment is empty, and read again."""
    metrics = Metrics(Share(folder, "1"))
    metrics.heard([ALLOWED])
    beginning = folder / "counter_2.db"
    beginning.touch()
    end = threading.Timer(0.02, beginning.unlink)
    end.start()
    found = lines(metrics)
    end.join()

    assert 'authz_decisions_total{action="open",decision="allow",reason="represents"} 1.0' in found


def test_the_exposition_has_the_type_that_prometheus_reads() -> None:
    """The content type is that of the text format."""
    assert Metrics().exposition()[1].startswith("text/plain; version=0.0.4")
