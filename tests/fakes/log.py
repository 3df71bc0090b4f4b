"""A decision log that keeps its records in a list, or refuses them."""

from __future__ import annotations

from collections.abc import Sequence

from authz_service.domain.decision import Record
from authz_service.domain.errors import LogUnavailable


class ListLog:
    """Keeps every record in ``records``; with ``broken`` set it refuses, as a full disk would."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.broken = False

    def write(self, records: Sequence[Record]) -> None:
        """Keep the records, all or none."""
        if self.broken:
            raise LogUnavailable("the decision log cannot be written")
        self.records.extend(records)
