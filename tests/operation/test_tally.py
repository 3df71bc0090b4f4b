"""Numbers in mapped files: none is lost, whoever dies, and whoever is asked has them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric

from authz_service.metrics import Metrics
from authz_service.metrics.tally import SLOTS, Family, Tallies, Tally
from tests.operation.house import ROOT, environment
from tests.operation.test_metrics import ALLOWED, lines

COUNTER = Family("fish", "Fish by kind.", ("kind",))
PLAIN = Family("boats", "Boats.")
TIMES = Family("seconds", "Times.", bounds=(0.1, 1.0))
FAMILIES = (COUNTER, PLAIN, TIMES)


def samples(metrics: Iterable[Metric]) -> dict[tuple[str, tuple[str, ...]], float]:
    """Give the value of each sample by its name and the values of its labels."""
    return {
        (one.name, tuple(one.labels.values())): one.value
        for metric in metrics
        for one in metric.samples
    }


def test_what_has_no_labels_is_there_before_it_counts() -> None:
    """A rate needs the 0 before the first 1."""
    assert {
        ("boats_total", ()): 0,
        ("seconds_bucket", ("0.1",)): 0,
        ("seconds_bucket", ("1.0",)): 0,
        ("seconds_bucket", ("+Inf",)): 0,
        ("seconds_count", ()): 0,
        ("seconds_sum", ()): 0,
    } == samples(Tallies(FAMILIES, Tally(FAMILIES), None).collect())


def test_a_series_keeps_its_slots() -> None:
    """Asked for again it is the same, and no two share any."""
    own = Tally(FAMILIES)
    slots = [own.slot(COUNTER, (kind,)) for kind in ("cod", "eel", "cod")]
    times = own.slot(TIMES)
    assert slots[0] == slots[2] != slots[1]
    own.whole[slots[0]] += 3
    own.whole[slots[1]] += 2**40
    own.whole[times + 1] += 2
    own.real[times + 3] += 0.5
    found = samples(Tallies(FAMILIES, own, None).collect())
    assert (3, 2**40, 0, 2, 2, 2, 0.5) == tuple(
        found[name]
        for name in (
            ("fish_total", ("cod",)),
            ("fish_total", ("eel",)),
            ("seconds_bucket", ("0.1",)),
            ("seconds_bucket", ("1.0",)),
            ("seconds_bucket", ("+Inf",)),
            ("seconds_count", ()),
            ("seconds_sum", ()),
        )
    )


def test_places_are_added_up(tmp_path: Path) -> None:
    """Each place numbers its series as they come, and they are the same ones all the same."""
    first, second = Tally(FAMILIES, tmp_path, "1"), Tally(FAMILIES, tmp_path, "2")
    for own, kinds in ((first, ("cod", "eel")), (second, ("eel", "ray", "cod"))):
        for kind in kinds:
            own.whole[own.slot(COUNTER, (kind,))] += 1
    for own in (first, second):
        found = samples(Tallies(FAMILIES, own, tmp_path).collect())
        assert {"cod": 2, "eel": 2, "ray": 1} == {
            kind: found["fish_total", (kind,)] for kind in ("cod", "eel", "ray")
        }


def test_a_place_is_gone_on_with(tmp_path: Path) -> None:
    """Whoever takes it over adds to what is there, and the file stays as long as it was."""
    Tally(FAMILIES, tmp_path, "1").whole[Tally(FAMILIES, tmp_path, "1").slot(PLAIN)] += 4
    before = [(one.name, one.stat().st_size) for one in tmp_path.iterdir()]
    later = Tally(FAMILIES, tmp_path, "1")
    later.whole[later.slot(PLAIN)] += 1
    assert 5 == samples(Tallies(FAMILIES, later, tmp_path).collect())["boats_total", ()]
    assert before == [(one.name, one.stat().st_size) for one in tmp_path.iterdir()]


def test_more_series_than_there_is_room_for_are_one(tmp_path: Path) -> None:
    """The file does not grow, nothing goes uncounted, and other families have their room still."""
    own = Tally(FAMILIES, tmp_path, "1")
    count = SLOTS + 100
    for number in range(count):
        own.whole[own.slot(COUNTER, (f"kind {number}",))] += 1
    own.whole[own.slot(TIMES)] += 1
    found = samples(Tallies(FAMILIES, own, tmp_path).collect())
    fish = {labels: value for (name, labels), value in found.items() if name == "fish_total"}
    assert count == sum(fish.values())
    assert len(fish) < SLOTS
    assert fish["other",] > 100
    assert 1 == found["seconds_count", ()]


def test_long_names_fill_no_more_than_their_room(tmp_path: Path) -> None:
    """So do series with very long labels."""
    own = Tally(FAMILIES, tmp_path, "1")
    for number in range(200):
        own.whole[own.slot(COUNTER, (f"{number}" + "x" * 10_000,))] += 1
    found = samples(Tallies(FAMILIES, own, tmp_path).collect())
    assert 200 == sum(value for (name, _), value in found.items() if name == "fish_total")


def test_names_that_fill_their_room_leave_room_for_the_others_of_each(tmp_path: Path) -> None:
    """A family that comes late is counted as well, when no other name fits any more."""
    birds = Family("birds", "Seen.", ("kind",))
    families = (*FAMILIES, birds)
    own = Tally(families, tmp_path, "1")
    for length in (10_000, 1_000, 100, 10, 4):
        for number in range(100, 200):
            own.whole[own.slot(COUNTER, (f"{number}".ljust(length, "x"),))] += 1
    for kind in ("gull", "a tern that nobody has seen"):
        own.whole[own.slot(birds, (kind,))] += 1
    found = samples(Tallies(families, own, tmp_path).collect())
    assert 500 == sum(value for (name, _), value in found.items() if name == "fish_total")
    assert {("birds_total", ("other",)): 2} == {
        one: value for one, value in found.items() if one[0] == "birds_total"
    }


def test_a_file_that_is_being_made_is_nobodys_yet(tmp_path: Path) -> None:
    """It is empty for a moment, and a scrape at that moment has the others."""
    own = Tally(FAMILIES, tmp_path, "1")
    own.whole[own.slot(PLAIN)] += 1
    (tmp_path / "tally-2.bin").touch()
    assert 1 == samples(Tallies(FAMILIES, own, tmp_path).collect())["boats_total", ()]


def test_what_nobody_counts_any_more_is_not_shown(tmp_path: Path) -> None:
    """A family that another version had does not fail the scrape."""
    Tally(FAMILIES, tmp_path, "1")
    fewer = (PLAIN,)
    found = samples(Tallies(fewer, Tally(fewer, tmp_path, "2"), tmp_path).collect())
    assert {("boats_total", ()): 0} == found


COUNTING = """
import sys
from pathlib import Path
from authz_service.metrics import Metrics, Share
metrics = Metrics(Share(Path(sys.argv[1]), "1"))
print("begins", flush=True)
for number in range(10**9):
    metrics.answered(f"/route/{number // 1000}", 200, 0.001)
    if not number % 100:
        print(number, flush=True)
"""


def test_a_process_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Whatever it was doing: what it had counted before it said so is there, and its names are."""
    with subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(tmp_path)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "begins" == process.stdout.readline().strip()
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGKILL)
        said = [int(line) for line in process.stdout if line.endswith("\n")]
    own = Tally((), tmp_path, "other")
    families = (Family("authz_http_answers", "", ("route", "status")),)
    found = samples(Tallies(families, own, tmp_path).collect())
    assert said[-1] < sum(found.values()) <= said[-1] + 102


def _count(metrics: Metrics, count: int) -> None:
    for _ in range(count):
        metrics.heard([ALLOWED])


def test_threads_lose_no_count() -> None:
    """An addition is three steps, between which another thread may come."""
    metrics, each = Metrics(), 20_000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=_count, args=(metrics, each)) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(before)
    assert f"authz_decision_seconds_count {4 * each}.0" in lines(metrics)


@pytest.mark.parametrize("seconds", [0.0, 0.00025, 0.000251, 2.5, 2.6, 1e9])
def test_a_bound_belongs_to_its_bucket(seconds: float) -> None:
    """As Prometheus has it: less or equal."""
    metrics = Metrics()
    metrics.answered("/", 200, seconds)
    found = [line for line in lines(metrics) if line.startswith("authz_http_seconds_bucket")]
    told = {line.split('le="')[1].split('"')[0]: float(line.split()[-1]) for line in found}
    assert told == {le: float(seconds <= float(le)) for le in told}
    assert 14 == len(told)


def test_the_names_of_series_are_read_in_any_order() -> None:
    """Labels are texts of any kind."""
    own = Tally(FAMILIES)
    for kind in ('"', "\n", "é", " ", "\\"):
        own.whole[own.slot(COUNTER, (kind,))] += 1
    found = samples(Tallies(FAMILIES, own, None).collect())
    assert 5 == sum(value for (name, _), value in found.items() if name == "fish_total")
