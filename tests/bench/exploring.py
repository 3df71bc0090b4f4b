"""What it takes to learn every way through the rules: seconds, and how many ways there are."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from statistics import median

from authz_service.policy.bundle import build
from tests.bench.deciding import Policy
from tests.bench.rounds import progress, table

ROUNDS = 3


def measure(policies: Sequence[Policy]) -> None:
    """Explore each policy to the end, several times from the start, and print the table."""
    seconds: dict[str, list[float]] = {one.name: [] for one in policies}
    rows = {}
    for number in range(ROUNDS):
        for one in policies:
            progress(f"exploring, round {number + 1}/{ROUNDS}: {one.name}")
            policy = build(one.sources)
            gc.collect()
            began = time.perf_counter()
            found = policy.explore()
            seconds[one.name].append(time.perf_counter() - began)
            rows[one.name] = [
                f"{median(seconds[one.name]):.2f}",
                f"{sum(len(rule.leaves()) for rule in found.rules):,}",
                f"{policy.runs:,}",
                "to the end" if all(rule.complete for rule in found.rules) else "NOT to the end",
            ]
    table("Exploring", ["seconds", "ways", "asked oso", ""], rows)
