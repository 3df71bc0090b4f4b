"""Administrative acts go into the same log as decisions, before the caller hears of success."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from authz_service.domain.decision import ActRecord, Caller
from authz_service.usecases.ports import Clock, DecisionLog, Listener

Details = Mapping[str, str | int | bool | tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class ActLog:
    """
    Writes down who did what to the service itself.

    Attributes:
        log: where the records go.
        listeners: who hears of them afterwards.
        clock: the present instant.
    """

    log: DecisionLog
    listeners: tuple[Listener, ...]
    clock: Clock

    def did(self, act: str, caller: Caller, details: Details, revision: int = 0) -> str:
        """
        Write down one act and give its id; *details* name persons by surrogate only.

        Raises:
            LogUnavailable: not written.
        """
        record = ActRecord(
            id=uuid.uuid4().hex,
            moment=self.clock(),
            caller=caller,
            act=act,
            details=details,
            store_revision=revision,
        )
        self.log.write([record])
        for listener in self.listeners:
            listener([record])
        return record.id
