"""An intake without a database: it keeps what is brought, and judges as it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from authz_service.domain.delegation import Delegation
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Person, Standing
from authz_service.usecases.stores import Brought, Outcome, Progress


class ListIntake:
    """
    The port ``Intake``.

    Args:
        judged: the outcomes of rows about these persons; all others are new.

    Attributes:
        kept: what was brought and would have been written, in its order.
    """

    def __init__(self, judged: Mapping[Cpf, Outcome]) -> None:
        self._judged = judged
        self.kept: list[Person | Standing | Delegation] = []

    def bring(
        self,
        people: Sequence[Person],
        standings: Sequence[Standing],
        delegations: Sequence[Delegation],
        told: Callable[[Brought, int], None] | None,
        progress: Progress,
    ) -> Brought:
        """Judge all, and keep them unless nobody is told."""
        brought = Brought(
            tuple(self._judged.get(one.cpf, Outcome.NEW) for one in people),
            tuple(self._judged.get(one.person, Outcome.NEW) for one in standings),
            tuple(self._judged.get(one.member, Outcome.NEW) for one in delegations),
        )
        progress("taking over", 1, 1)
        if told is not None:
            self.kept += [*people, *standings, *delegations]
            told(brought, 1)
        return brought
