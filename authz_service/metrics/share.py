"""One process's part in the metrics of several."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead


@dataclass(frozen=True, slots=True)
class Share:
    """
    One process's part in the metrics of several.

    Attributes:
        folder: where all of them write, and which each scrape reads.
        place: names the process among those that run now, without ``_``; whoever takes the place
            of one that has died goes on with its totals.
    """

    folder: Path
    place: str

    def died(self) -> None:
        """Take back what the process of this place said of itself; its totals stay."""
        mark_process_dead(self.place, self.folder)  # type: ignore[no-untyped-call]  # the library leaves its types out here
