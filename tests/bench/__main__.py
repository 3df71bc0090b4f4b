"""
Measure everything and print or write the tables; ``make bench`` calls it.

``decisions`` takes about two minutes and prints, ``log`` searches a log of a million records and
prints; ``http`` measures the data plane, takes about fifty minutes, and writes into
``docs/performance.md``. Without a name, all of them.
"""

from __future__ import annotations

import argparse
import os

from tests.bench import auditing, deciding, exploring, service
from tests.bench.plane import measuring


def decisions() -> None:
    """Measure the decision alone and the parts of the service around it."""
    # The service bounds what oso may take for one rule; plain oso asks a thousand at once, and
    # comes with a bound of 30 seconds.
    os.environ["POLAR_TIMEOUT_MS"] = "30000"
    shipped = deciding.shipped_policy()
    generated = {size: deciding.generated_policy(size) for size in deciding.SIZES}
    deciding.measure(shipped, rounds=5)
    for size, rounds in deciding.SIZES.items():
        deciding.measure(generated[size], rounds)
    exploring.measure([shipped, generated[100]])
    service.measure()


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parts = parser.add_subparsers(dest="part")
    parts.add_parser("decisions", help="the decision beside oso, Cedar and casbin")
    parts.add_parser("log", help="searching the decision log")
    measuring.add_to(parts.add_parser("http", help="the data plane over HTTP, beside Cerbos"))
    chosen = parser.parse_args()
    if chosen.part in (None, "decisions"):
        decisions()
    if chosen.part in (None, "log"):
        auditing.measure()
    if chosen.part == "http":
        measuring.measure(short=chosen.short, only=chosen.only)
    elif chosen.part is None:
        measuring.measure(short=False, only=None)


if __name__ == "__main__":
    main()
