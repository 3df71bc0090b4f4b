"""Measure everything, in about two minutes, and print the tables; ``make bench`` calls it."""

from __future__ import annotations

import os

from tests.bench import deciding, exploring, service

# The service bounds what oso may take for one rule; plain oso asks a thousand at once, and comes
# with a bound of 30 seconds.
os.environ["POLAR_TIMEOUT_MS"] = "30000"

shipped = deciding.shipped_policy()
generated = {size: deciding.generated_policy(size) for size in deciding.SIZES}
deciding.measure(shipped, rounds=5)
for size, rounds in deciding.SIZES.items():
    deciding.measure(generated[size], rounds)
exploring.measure([shipped, generated[100]])
service.measure()
