"""The tables and pictures that the benchmark writes, from results that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bench.plane import report

ABOUT = {
    "when": "1 May 2026",
    "machine": "2 cores",
    "effort": {"rounds": 2, "seconds": 3},
    "left_out": ["wrk is not installed"],
}


def taken(*rates: int) -> list[dict[str, Any]]:
    """Give rounds of one second."""
    return [
        {"answers": rate, "seconds": 1.0, "p50": 0.5, "p99": 2.0, "longest": 9.0, "failures": 0}
        for rate in rates
    ]


def closed(name: str, connections: int, *rates: int, floor: str = "") -> dict[str, Any]:
    """Give a row of closed-loop results of single questions."""
    return {
        "contestant": name,
        "floor": floor,
        "mix": "single",
        "decisions": 1,
        "connections": connections,
        "rounds": taken(*rates),
    }


RESULTS = {
    **ABOUT,
    "closed": [
        closed("Cerbos", 8, 1000, 500),
        closed("bare", 8, 20_000, 10_000),
        closed("ours", 8, 6000, 3000, floor="bare"),
    ],
    "open": [
        {
            **closed("ours", 0),
            "rate": rate,
            "rounds": [{"rate": rate, "late": 0.25, "run": one} for one in taken(*answers)],
        }
        for rate, answers in ((500, (500, 500)), (9000, (4500, 4500)))
    ],
}

WRITTEN = """\
1 May 2026; 2 cores. 2 rounds that take turns, 3 seconds a run, medians; × is the ratio to Cerbos \
in the same round.

Left out: wrk is not installed.

| single, requests a second | 8 conn. | p50 ms at 8 | p99 ms at 8 | of the floor at 8 |
| --- | ---: | ---: | ---: | ---: |
| Cerbos | 750 | 0.50 | 2.00 | |
| bare | 15,000 (20.0 ×) | 0.50 | 2.00 | |
| ours | 4,500 (6.0 ×) | 0.50 | 2.00 | 0.30 |

![closed](performance/closed.svg)
"""


def test_the_tables_are_made_of_the_results() -> None:
    """Medians, ratios of the same rounds, the share of the floor, and the picture below."""
    told = report.markdown({**RESULTS, "open": []}, {"closed": "performance/closed.svg"})

    assert WRITTEN == told


def test_who_falls_behind_is_said_to() -> None:
    """Where far fewer were answered than were due, no times are shown."""
    told = report.markdown({**RESULTS, "closed": []}, {})

    assert "| ours | 0.50 / 2.00 | 50% answered | 0.25 |" in told.splitlines()


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    """What people wrote around the tables stays, however often they are written anew."""
    document = f"# Before\n{report.BEGIN}\nold\n{report.END}\nafter\n"

    once = report.into(document, "new\n")

    assert f"# Before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n" == once
    assert once == report.into(once, "new")


def test_a_document_without_marks_is_left_alone() -> None:
    """Nothing is written anywhere else than where it belongs."""
    with pytest.raises(ValueError, match="no marks"):
        report.into("# Nothing", "new")


def test_the_document_has_the_marks() -> None:
    """`make bench` finds where to write."""
    document = Path(__file__).parents[2] / "docs" / "performance.md"

    assert "new" in report.into(document.read_text(), "new")


def test_the_same_results_give_the_same_pictures(tmp_path: Path) -> None:
    """A picture changes in version control only if a figure has."""
    pytest.importorskip("matplotlib", reason="only the benchmark's requirements have it")
    from tests.bench.plane import plots  # noqa: PLC0415 - it cannot be imported without it

    found = [plots.draw(RESULTS, tmp_path / str(one)) for one in (1, 2)]

    assert [{"closed": "closed.svg", "open": "open.svg"}] * 2 == found
    first, second = (sorted((tmp_path / str(one)).iterdir()) for one in (1, 2))
    assert [one.read_bytes() for one in first] == [one.read_bytes() for one in second]
