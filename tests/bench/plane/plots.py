"""The pictures of ``docs/performance``, made of the results alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.plane.figures import middle, middle_rate
from tests.bench.plane.report import Results, runs
from tests.bench.plane.stages import AGAIN, FLOOR, WHOLE

# The same results give the same files.
mpl.rcParams["svg.hashsalt"] = "bench"
mpl.rcParams["font.size"] = 8


def draw(results: Results, folder: Path) -> Mapping[str, str]:
    """Draw what was measured, one SVG for each part, and give their names by part."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, picture in _PICTURES.items():
        if results.get(name):
            figure = picture(results[name])
            figure.tight_layout()
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            found[name] = f"{name}.svg"
    return found


Rows = list[dict[str, Any]]


def _closed(rows: Rows) -> Figure:
    mixes = list(dict.fromkeys(row["mix"] for row in rows))
    figure = Figure(figsize=(8, 2.6 * len(mixes)))
    for place, mix in enumerate(mixes):
        axes = figure.add_subplot(len(mixes), 1, place + 1)
        # Nobody decides fifty questions at the speed of a constant: the floor would hide the rest.
        mine = [
            row for row in rows if row["mix"] == mix and (row["decisions"] == 1 or not _bare(row))
        ]
        counts = list(dict.fromkeys(row["connections"] for row in mine))
        names = list(dict.fromkeys(row["contestant"] for row in mine))
        for number, count in enumerate(counts):
            rates = [
                middle_rate(runs(row))
                for name in names
                for row in mine
                if (row["contestant"], row["connections"]) == (name, count)
            ]
            height = 0.8 / len(counts)
            bars = axes.barh([one + number * height for one in range(len(names))], rates, height)
            bars.set_label(f"{count} connections")
        axes.set_yticks([one + 0.4 for one in range(len(names))], names)
        axes.invert_yaxis()
        axes.set_title(f"{mix}: requests a second")
        axes.legend()
    return figure


def _bare(row: Mapping[str, Any]) -> bool:
    return str(row["contestant"]).startswith("floor")


def _open(rows: Rows) -> Figure:
    figure = Figure(figsize=(8, 4))
    axes = figure.add_subplot()
    for name in dict.fromkeys(row["contestant"] for row in rows):
        mine = [row for row in rows if row["contestant"] == name]
        times = [middle(runs(row)).p99 for row in mine]
        axes.plot([row["rate"] for row in mine], times, marker="o", label=name)
    rates = sorted({row["rate"] for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(rates, [f"{rate:,}" for rate in rates])
    axes.minorticks_off()
    axes.set_yscale("log")
    axes.set_xlabel("requests due in a second")
    axes.set_ylabel("p99 ms from when it was due")
    axes.legend()
    return figure


def _stages(rows: Rows) -> Figure:
    figure = Figure(figsize=(8, 1.2 + 0.5 * len(rows)))
    axes: Axes = figure.add_subplot()
    stages = dict.fromkeys(
        stage for row in rows for stage in row["microseconds"] if stage not in (FLOOR, WHOLE, AGAIN)
    )
    begun = [0.0] * len(rows)
    colours = iter(mpl.colormaps["tab20"](range(20)))
    for stage in stages:
        each = [max(row["microseconds"].get(stage, 0.0), 0.0) / row["decisions"] for row in rows]
        axes.barh(range(len(rows)), each, left=begun, label=stage, color=next(colours))
        begun = [one + more for one, more in zip(begun, each, strict=True)]
    axes.set_yticks(range(len(rows)), [f"{row['database']}, {row['mix']}" for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("microseconds of one decision, in process")
    axes.legend(fontsize=6)
    return figure


def _scale(rows: Rows) -> Figure:
    figure = Figure(figsize=(8, 3))
    axes = figure.add_subplot()
    sizes = sorted({row["delegations"] for row in rows})
    for database in dict.fromkeys(row["database"] for row in rows):
        mine = [row for row in rows if row["database"] == database]
        for state in ("cold", "warm"):
            costs = [row[f"{state}_us"] for row in mine]
            axes.plot(sizes, costs, marker="o", label=f"{database}, {state}")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_yscale("log")
    axes.set_xlabel("delegations in the store")
    axes.set_ylabel("microseconds of one decision, in process")
    axes.legend()
    return figure


def _starting(rows: Rows) -> Figure:
    figure = Figure(figsize=(8, 0.8 + 0.3 * len(rows)))
    axes = figure.add_subplot()
    axes.barh([row["contestant"] for row in rows], [median(row["seconds"]) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("seconds to the first answer")
    return figure


_PICTURES: Mapping[str, Callable[[Rows], Figure]] = {
    "closed": _closed,
    "open": _open,
    "stages": _stages,
    "scale": _scale,
    "starting": _starting,
}
