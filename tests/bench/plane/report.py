"""The tables of ``docs/performance.md``, made of the results alone, so they can be made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.plane.figures import Run, middle, middle_rate, ratio
from tests.bench.plane.stages import AGAIN, FLOOR, REST, STAGES, WHOLE

Results = Mapping[str, Any]
BEGIN = "<!-- What stands from here on is written by `python -m tests.bench http`. -->"
END = "<!-- Written up to here. -->"
PEER = "Cerbos"


def runs(row: Mapping[str, Any]) -> list[Run]:
    """Give the runs of a row of results, one for each round."""
    return [Run(**one.get("run", one)) for one in row["rounds"]]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give the lines of a table in Markdown; all columns but the first hold figures."""
    yield _line(columns)
    yield _line(["---", *["---:"] * (len(columns) - 1)])
    for row in rows:
        yield _line(row)
    yield ""


def _line(cells: Sequence[str]) -> str:
    return "|" + "|".join(f" {cell} ".replace("  ", " ") for cell in cells) + "|"


def into(document: str, written: str) -> str:
    """
    Put what is *written* between the marks of a document.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no marks to write between")
    return f"{before}{BEGIN}\n\n{written.strip()}\n\n{END}{after}"


def markdown(results: Results, plots: Mapping[str, str]) -> str:
    """
    Give all tables; of parts that were not measured, none.

    Args:
        results: what was measured.
        plots: the address of each picture by its name.
    """
    lines = [*_about(results)]
    for name, part in _PARTS.items():
        if results.get(name):
            lines += part(results)
            if name in plots:
                lines += [f"![{name}]({plots[name]})", ""]
    return "\n".join(lines)


def _about(results: Results) -> Iterator[str]:
    effort = results["effort"]
    yield (
        f"{results['when']}; {results['machine']}. {effort['rounds']} rounds that take turns, "
        f"{effort['seconds']:g} seconds a run, medians; × is the ratio to {PEER} in the same round."
    )
    yield ""
    for one in results["left_out"]:
        yield f"Left out: {one}."
        yield ""


def _closed(results: Results) -> Iterator[str]:
    rows = results["closed"]
    loads = {row["mix"]: row["decisions"] for row in rows}
    for mix, decisions in loads.items():
        mine = [row for row in rows if row["mix"] == mix]
        counts = list(dict.fromkeys(row["connections"] for row in mine))
        unit = "requests a second" if decisions == 1 else f"requests of {decisions} a second"
        busy = counts[-2:]
        columns = [
            f"{mix}, {unit}",
            *(f"{count} conn." for count in counts),
            *(f"p50 ms at {count}" for count in busy),
            *(f"p99 ms at {count}" for count in busy),
            f"of the floor at {counts[-1]}",
        ]
        yield from table(columns, [_row(mine, name, counts, busy) for name in _names(mine)])


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["contestant"] for row in rows))


def _row(
    rows: Sequence[Mapping[str, Any]], name: str, counts: Sequence[int], busy: Sequence[int]
) -> list[str]:
    by_count = {row["connections"]: row for row in rows if row["contestant"] == name}
    peers = {row["connections"]: row for row in rows if row["contestant"] == PEER}
    cells = [name]
    for count in counts:
        mine = runs(by_count[count])
        said = f"{middle_rate(mine):,.0f}"
        if count in peers and name != PEER:
            said += f" ({_times(ratio(mine, runs(peers[count])))})"
        cells.append(said)
    cells += [f"{middle(runs(by_count[count])).p50:,.2f}" for count in busy]
    cells += [f"{middle(runs(by_count[count])).p99:,.2f}" for count in busy]
    bare = [
        row
        for row in rows
        if row["contestant"] == by_count[counts[-1]].get("floor")
        and row["connections"] == counts[-1]
    ]
    part = ratio(runs(by_count[counts[-1]]), runs(bare[0])) if bare else None
    return [*cells, "" if part is None else f"{part:.2f}"]


def _times(many: float | None) -> str:
    return "" if many is None else f"{many:.2f} ×" if many < 1 else f"{many:.1f} ×"


def _open(results: Results) -> Iterator[str]:
    rows = results["open"]
    rates = list(dict.fromkeys(row["rate"] for row in rows))
    rates.sort()
    found = []
    for name in _names(rows):
        mine = {row["rate"]: row for row in rows if row["contestant"] == name}
        cells = [_offered(mine.get(rate), rate) for rate in rates]
        late = max(median(one["late"] for one in row["rounds"]) for row in mine.values())
        found.append([name, *cells, f"{late:.2f}"])
    yield (
        "Open loop: requests at a constant rate, whatever was answered by then, single "
        "evaluations, 64 connections; p50 / p99 in milliseconds from the instant at which a "
        "request was due. Where fewer than 99 % were answered in time: how many were. The last "
        "column is what the load itself adds to p99 at worst, since it runs on the same cores."
    )
    yield ""
    columns = ["open loop", *(f"{rate:,} a second" for rate in rates), "load late, p99 ms"]
    yield from table(columns, found)


def _offered(row: Mapping[str, Any] | None, rate: float) -> str:
    if row is None:
        return "–"
    run = middle(runs(row))
    share = min(middle_rate(runs(row)) / rate, 1.0)
    if share < _IN_TIME:
        return f"{share:.0%} answered"
    return f"{run.p50:,.2f} / {run.p99:,.2f}"


_IN_TIME = 0.99


def _stages(results: Results) -> Iterator[str]:
    rows = results["stages"]
    order = [FLOOR, *STAGES.values(), REST, WHOLE, AGAIN]
    known = {stage for row in rows for stage in row["microseconds"]}
    order += sorted(known - set(order))
    heads = [
        f"{row['database']}, " + ("single" if row["decisions"] == 1 else row["mix"]) for row in rows
    ]
    yield "Microseconds of each stage of a request, in process; a batch has 50 decisions."
    yield ""
    yield from table(
        ["stage", *heads],
        [
            [stage, *(_micro(row["microseconds"].get(stage)) for row in rows)]
            for stage in order
            if stage in known
        ],
    )


def _micro(found: float | None) -> str:
    if found is None:
        return ""
    return f"{found:,.1f}" if found < 100 else f"{found:,.0f}"


def _scale(results: Results) -> Iterator[str]:
    found = []
    smallest: dict[str, Mapping[str, Any]] = {}
    for row in results["scale"]:
        first = smallest.setdefault(row["database"], row)
        cells = [
            f"{row['database']}, {row['delegations']:,}",
            _micro(row["cold_us"]),
            _micro(row["warm_us"]),
            _times(row["warm_us"] / first["warm_us"]),
            f"{_micro(row['many_us'])} ({row['many']:,})",
        ]
        if "server" in row:
            cold = Run(**row["cold"])
            part = ratio(runs(row), runs(first))
            cells += [
                f"{cold.rate:,.0f}",
                f"{cold.p99:,.1f}",
                f"{middle_rate(runs(row)):,.0f}",
                _times(part),
                f"{middle(runs(row)).p99:,.2f}",
            ]
        found.append(cells)
    columns = ["delegations", "cold µs", "warm µs", "to the smallest", "many held, µs"]
    if any("server" in row for row in results["scale"]):
        columns += ["cold, a second", "p99 ms", "warm, a second", "to the smallest", "p99 ms"]
    yield (
        "Stores of every size, asked the same number of questions about 100 companies: one "
        "decision in process, and single evaluations over HTTP on 8 connections. Cold: the first "
        "time that the service hears a question. Many held: warm, with so many different ones."
    )
    yield ""
    yield from table(columns, [[*row, *[""] * (len(columns) - len(row))] for row in found])


def _starting(results: Results) -> Iterator[str]:
    loaded = {
        row["contestant"]: row["rounds"]
        for row in results.get("memory", ())
        if row["decisions"] > 1
    }
    rows = []
    for row in results["starting"]:
        after = loaded.get(row["contestant"])
        rows.append(
            [
                row["contestant"],
                f"{median(row['seconds']):.2f}",
                _megabytes(row["memory"]),
                "" if after is None else _megabytes(after),
            ]
        )
    yield (
        "From the start of the process to the first answer, and megabytes resident in each "
        "process, the first one first: a supervisor stands before its workers."
    )
    yield ""
    yield from table(["start", "seconds", "MB at the first answer", "MB after batches"], rows)


def _megabytes(rounds: Sequence[Sequence[int]]) -> str:
    most = max(len(one) for one in rounds)
    whole = [one for one in rounds if len(one) == most]
    return " + ".join(f"{median(one[place] for one in whole) / 1e6:,.0f}" for place in range(most))


_PARTS = {
    "closed": _closed,
    "open": _open,
    "stages": _stages,
    "scale": _scale,
    "starting": _starting,
}


def write(results: Results, document: Path, plots: Mapping[str, str]) -> None:
    """Write the tables into the document, between its marks."""
    document.write_text(into(document.read_text(), markdown(results, plots)))
