"""Administrative acts go into the same log as decisions, before they are done."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from authz_service.domain.decision import ActRecord, Caller
from authz_service.usecases.ports import Clock, DecisionLog, Listener

OPERATOR = Caller("operator")
"""Who acts from the shell or edits the policy files: known to the operating system, not to us."""

Details = Mapping[str, str | int | bool | tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class ActLog:
    """
    Writes down who did what to the service itself, as the last thing before it takes effect.

    The store calls for it within its transaction, so an act that cannot be written down is
    not done. What remains is a commit that fails after the record was written, which is
    rare: then the log tells of an act that did not happen, the caller is told so, and the
    record's ``store_revision`` is never reached, or belongs to another act.

    Attributes:
        log: where the records go.
        listeners: who hears of them afterwards.
        clock: the present instant.
    """

    log: DecisionLog
    listeners: tuple[Listener, ...]
    clock: Clock

    def did(self, act: str, caller: Caller, details: Details, revision: int) -> None:
        """
        Write down one act.

        Args:
            act: what was done, such as ``client.add``.
            caller: who did it.
            details: particulars; persons in them by surrogate only.
            revision: the one that the act makes, or one that was read if it makes none.

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
