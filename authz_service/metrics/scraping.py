"""What prometheus_client has counted, as it is to be shown at the moment of the scrape."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

POLICY = "authz_policy_info"
KEYS_AGE = "authz_govbr_keys_age_seconds"
_ATTEMPTS = 5


class AtScrape(Collector):
    """What is counted, as it is to be shown at the moment of the scrape."""

    def __init__(self, counted: Collector) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Give every metric: keys by their age, and of policies those in force."""
        now = time.time()
        for metric in self._read():
            if metric.name == KEYS_AGE:
                metric.samples = [
                    one._replace(value=math.nan if one.value == -math.inf else now - one.value)
                    for one in metric.samples
                ]
            elif metric.name == POLICY:
                metric.samples = [one for one in metric.samples if one.value]
            yield metric

    def _read(self) -> list[Metric]:
        # The file that a new worker begins is empty for a moment, which the library cannot read.
        for _attempt in range(_ATTEMPTS):
            try:
                return list(self._counted.collect())
            except struct.error:
                time.sleep(0.01)
        return list(self._counted.collect())
