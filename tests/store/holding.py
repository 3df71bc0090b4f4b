"""A store that answers out of memory wherever it can, for the tests that ask any store."""

from __future__ import annotations

from authz_service.store import SqlStore


class HeldStore(SqlStore):
    """
    A store of SQL whose facts, surrogates and clients are the held ones.

    Attributes:
        held: what answers.
    """

    def __init__(self, url: str, most: int = 1_000, stale_seconds: float | None = None) -> None:
        super().__init__(url)
        self.held = self.hold(most, stale_seconds)
        self.facts = self.held
        self.surrogates = self.held
        self.clients = self.held

    def close(self) -> None:
        """Close the connections, that of the pulse as well."""
        self.held.close()
        super().close()
