"""Gathers what is known about a batch of questions: one statement, one state, nothing held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.facts import Facts
from authz_service.domain.known import facts_of
from authz_service.domain.processes import Ambiguous
from authz_service.store.database import Database
from authz_service.store.held.reading import Names, Reading
from authz_service.usecases.ports import Snapshot


class SqlFacts:
    """
    The port ``FactSource`` on SQL, which reads everything anew each time.

    Args:
        database: where the facts are kept.
    """

    def __init__(self, database: Database) -> None:
        self._reading = Reading(database)

    @property
    def state(self) -> object:
        """None: each state is read anew."""
        return None

    def gather(
        self,
        questions: Sequence[Question],
        moment: datetime,
        *,
        looked: bool = False,  # noqa: ARG002 - what is read now is new in any case
        heeded: bool = True,  # noqa: ARG002 - it is left in
    ) -> Snapshot:
        """
        Read all facts out of one state.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        by_name = any(isinstance(one.resource, ProcessAsked) for one in questions)
        # The whole catalogue is read only for who names one of its processes.
        read = self._reading.read(questions, None if by_name else Names(()))
        facts: list[Facts | Ambiguous] = []
        for question in questions:
            known = read.about(question)
            facts.append(
                known if isinstance(known, Ambiguous) else facts_of(question, known, moment)
            )
        return Snapshot(read.revision, tuple(facts))
