"""A store's revision: as the store in memory has it, or as the test says it is."""

from __future__ import annotations

from authz_service.domain.errors import StoreBehind, StoreUnavailable
from authz_service.usecases.ports import Clock, FactSource


class ScriptedTruth:
    """
    The port ``Truth``: gives ``revision``, which a test may move on.

    ``unannounced`` is what only those learn who ask; ``looks`` holds what each look demanded;
    ``left`` how many more are answered, None for any.
    """

    def __init__(self, revision: int = 7) -> None:
        self.revision = revision
        self.unannounced = revision
        self.looks: list[int] = []
        self.left: int | None = None

    def look(self, at_least: int = 0, *, asking: bool = False) -> int:
        """Give the revision, if it is one of at least this; one that is *asking* may know more."""
        if asking:
            self.revision = max(self.revision, self.unannounced)
        self.looks.append(at_least)
        if self.left is not None:
            self.left -= 1
        if self.left is not None and self.left < 0:
            raise StoreUnavailable("the database did not answer")
        if self.revision < at_least:
            raise StoreBehind(f"the store is at {self.revision}")
        return self.revision


class GatheredTruth:
    """The port ``Truth`` on a store of which nothing is held: asks it for no facts."""

    def __init__(self, facts: FactSource, clock: Clock) -> None:
        self._facts, self._clock = facts, clock

    def look(
        self,
        at_least: int = 0,
        *,
        asking: bool = False,
    ) -> int:
        """Give the store's revision, if it is one of at least this."""
        revision = self._facts.gather((), self._clock()).revision
        if revision < at_least:
            raise StoreBehind(f"the store is at {revision}")
        return revision
