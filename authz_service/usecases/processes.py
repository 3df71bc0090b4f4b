"""Processes: the catalogue shown and kept one by one, each change on what was there by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from authz_service.domain.decision import Caller
from authz_service.domain.errors import Conflict, NotFound, Stale
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessState, ProcessVersion
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.catalogue import require_harmless, twins
from authz_service.usecases.stores import Catalogue, Page

Seen = Callable[[ProcessDefinition | None], bool]
"""Tells whether what is there, None for nothing, is what the one who changes it has seen."""

_ATTEMPTS = 5
_Change = Callable[[Mapping[ProcessId, ProcessDefinition]], ProcessDefinition]


@dataclass(frozen=True, slots=True)
class ProcessKnown:
    """
    A process with its past.

    Attributes:
        process: what it is now.
        versions: those that the catalogue has had of it, the oldest first.
    """

    process: ProcessDefinition
    versions: tuple[ProcessVersion, ...]


@dataclass(frozen=True, slots=True)
class ProcessDesk:
    """
    Shows and changes single processes of the catalogue.

    Attributes:
        catalogue: where they are kept.
        acts: where changes are written down.
    """

    catalogue: Catalogue
    acts: ActLog

    def page(
        self, code: str | None, state: ProcessState | None, after: str | None, limit: int
    ) -> Page[ProcessDefinition]:
        """
        Give processes by id.

        Args:
            code: only those of this code, of which there may be several.
            state: only those in this state.
            after: where the last page ended.
            limit: how many at most, 1 or more.
        """
        found = [
            one
            for one in sorted(self.catalogue.processes(), key=lambda one: one.id)
            if code in (None, one.code)
            and state in (None, one.state)
            and (after is None or one.id.value > after)
        ]
        return Page.of(found, limit, lambda one: one.id.value)

    def find(self, process: ProcessId) -> ProcessKnown:
        """
        Give a process with its past.

        Raises:
            NotFound: there is none of this id.
        """
        found = {one.id: one for one in self.catalogue.processes()}.get(process)
        if found is None:
            raise _none()
        return self._known(found)

    def put(
        self, process: ProcessDefinition, caller: Caller, seen: Seen
    ) -> tuple[ProcessKnown, bool]:
        """
        Add a process, or replace the one of its id; its version may be a lower one.

        Returns:
            the process, and whether it is new.

        Raises:
            InvalidInput: id, code or title hold a CPF, or the title signs that cannot be seen.
            Stale: what is there is not what was seen.
            Conflict: another process has the same code and title.
        """
        require_harmless(process)

        def change(known: Mapping[ProcessId, ProcessDefinition]) -> ProcessDefinition:
            _require_seen(known.get(process.id), seen)
            others = [one for one in known.values() if one.id != process.id]
            found = twins([*others, process])
            if found:
                raise Conflict(found[-1])
            return process

        before = self._change(process.id, change, "process.put", caller)
        return self._known(process), before is None

    def announce(
        self, process: ProcessId, version: int, caller: Caller, seen: Seen
    ) -> ProcessKnown:
        """
        Say that a process has a newer version; nothing is done if it is the one that is known.

        Raises:
            NotFound: there is no process of this id.
            Stale: what is there is not what was seen.
            Conflict: a newer version is known.
        """

        def change(known: Mapping[ProcessId, ProcessDefinition]) -> ProcessDefinition:
            before = known.get(process)
            if before is None:
                raise _none()
            _require_seen(before, seen)
            if version < before.version:
                raise Conflict(f"the process has version {before.version} already")
            return replace(before, version=version)

        self._change(process, change, "process.version", caller)
        return self.find(process)

    def _change(
        self, process: ProcessId, change: _Change, act: str, caller: Caller
    ) -> ProcessDefinition | None:
        """Change one process on what is there by then, and give what was there before."""
        attempt = 1
        while True:
            processes = self.catalogue.processes()
            known = {one.id: one for one in processes}
            before, after = known.get(process), change(known)
            if before == after:
                return before
            details: Details = {
                "process": after.id.value,
                "code": after.code,
                "title": after.title,
                "version": after.version,
                "state": after.state.value,
                "new": before is None,
            }
            told = partial(self.acts.did, act, caller, details)
            try:
                self.catalogue.save_processes([after], self.acts.clock(), told, processes)
            except Conflict:
                # Somebody changed the catalogue, most likely another process: look again.
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1
            else:
                return before

    def _known(self, process: ProcessDefinition) -> ProcessKnown:
        return ProcessKnown(process, tuple(self.catalogue.versions(process.id)))


def _none() -> NotFound:
    return NotFound("there is no process of this id")


def _require_seen(kept: ProcessDefinition | None, seen: Seen) -> None:
    if not seen(kept):
        raise Stale("the process is not what the caller has seen")
