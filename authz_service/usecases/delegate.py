"""
Delegate: what a company's representative, or a member, does with delegations.

Every act is a set of questions to the same policies that decide everything else; if one
of them is denied, nothing is done. The questions are in the decision log before anything
is written, and the act is in it before it is done. What is written is what was decided
on: if the store moves on in between, whoever moved it, the act is decided anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from authz_service.domain.decision import Question
from authz_service.domain.delegation import Change, Delegation, EventKind
from authz_service.domain.errors import Conflict, InvalidInput, NotFound, Stale
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessName, ProcessState, resolve
from authz_service.domain.time import civil_day
from authz_service.usecases.acting import (
    Acting,
    Validity,
    additions,
    event_of,
    removals,
    tag_of,
)
from authz_service.usecases.acts import ActLog
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.grounds import Ground, to_change, to_read
from authz_service.usecases.listing import Listed, Search, part_of
from authz_service.usecases.ports import Clock, Surrogates
from authz_service.usecases.stores import Catalogue, Delegations

_TRIES = 3
"""How often an act is decided before whoever interferes, with this or anything else, wins."""


@dataclass(frozen=True, slots=True)
class MembersSet:
    """
    A member's delegations in a company, after an act.

    Attributes:
        in_force: those that count, oldest first.
        tag: the tag of all of them, see ``tag_of``.
    """

    in_force: tuple[Delegation, ...]
    tag: str


@dataclass(frozen=True, slots=True)
class DelegationDesk:
    """
    Replaces, grants, lists, revokes and renounces delegations.

    Attributes:
        point: decides whether an act is allowed.
        delegations: where they are kept.
        catalogue: what the named processes mean.
        surrogates: the names of persons in the log.
        acts: where acts are written down.
        clock: the present instant.
    """

    point: DecisionPoint
    delegations: Delegations
    catalogue: Catalogue
    surrogates: Surrogates
    acts: ActLog
    clock: Clock

    def replace_set(
        self,
        acting: Acting,
        company: Cnpj,
        member: Cpf,
        processes: Sequence[ProcessName] | None,
        validity: Validity | None = None,
        expected: frozenset[str] | None = None,
    ) -> MembersSet:
        """
        Make *processes* the whole set that the company delegates to the member.

        What stays keeps its grantor, and whoever else replaced the set stands behind it
        from then on as a confirmer; what is missing is revoked; what is new is granted.

        Args:
            acting: who does it.
            company: in the name of which establishment.
            member: for whom.
            processes: the set, or None for all that take requests now (Selecionar Todos).
                What is listed later does not join by itself.
            validity: until when all of the set counts. None leaves the last day of what
                stays as it is, and what is new without an end.
            expected: tags, one of which the member's delegations must have, or None.

        Raises:
            ActRefused: a question was denied; nothing was done.
            InvalidInput: a process that does not exist, or a last day in the past.
            Stale: the member's delegations have none of the *expected* tags; nothing was done.
            Conflict: somebody changed something meanwhile, again and again.
        """

        def decide() -> tuple[Change, Ground]:
            now = self.clock()
            wanted = self._wanted(processes, validity, now)
            seen = tuple(self.delegations.of_company(company, member))
            current = {one.process: one for one in seen if one.in_force(now)}
            dropped = [process for process in current if process not in wanted]
            ground = Ground.of(
                self.point,
                acting,
                [
                    *(to_change("delegate", acting, company, one, member) for one in wanted),
                    *(to_change("revoke", acting, company, one, member) for one in dropped),
                ]
                # An empty set for a member without delegations still answers what there is.
                or [to_read(acting, company, member)],
            )
            # Only now: how it stands is nothing to tell whoever was refused. What was seen is
            # what is replaced, or the store refuses the change.
            if expected is not None and tag_of(seen) not in expected:
                raise Stale("the member's delegations are not those that the tag was given for")
            granted, events = additions(acting, company, member, wanted, seen, validity, now)
            events += removals(acting, wanted, seen, now)
            return Change(company, member, ground.revision, seen, granted, events), ground

        return self._set(self._do("delegation.replace", acting, decide))

    def grant(
        self,
        acting: Acting,
        company: Cnpj,
        member: Cpf,
        processes: Sequence[ProcessName],
        validity: Validity | None = None,
    ) -> MembersSet:
        """
        Delegate *processes* to the member, and leave all others as they are.

        What the member has already is confirmed, or gets the last day that is given, as when
        a set is replaced; see ``replace_set`` for the rest.

        Raises:
            ActRefused: a question was denied; nothing was done.
            InvalidInput: no process, one that does not exist, or a last day in the past.
            Conflict: somebody changed something meanwhile, again and again.
        """
        if not processes:
            raise InvalidInput("processes", "must name at least one process")

        def decide() -> tuple[Change, Ground]:
            now = self.clock()
            wanted = self._wanted(processes, validity, now)
            seen = tuple(self.delegations.of_company(company, member))
            questions = [to_change("delegate", acting, company, one, member) for one in wanted]
            ground = Ground.of(self.point, acting, questions)
            granted, events = additions(acting, company, member, wanted, seen, validity, now)
            return Change(company, member, ground.revision, seen, granted, events), ground

        return self._set(self._do("delegation.grant", acting, decide))

    def search(self, acting: Acting, search: Search, after: str | None, limit: int) -> Listed:
        """
        List delegations, the oldest first, at most *limit* of those that follow *after*.

        Raises:
            ActRefused: the person who acts may not read them.
            InvalidInput: the process does not exist.
            Conflict: the delegation at which the last part ended is there no more.
        """
        Ground.of(self.point, acting, [to_read(acting, search.company, search.member)])
        process = None
        if search.process is not None:
            process = _meant(search.process, self.catalogue.processes(), "process").id
        found = self.delegations.of_company(search.company, search.member)
        page = part_of(found, process, search.state, self.clock(), after, limit)
        return Listed(page, tag_of(found))

    def history(self, acting: Acting, delegation_id: str) -> Delegation:
        """
        Give one delegation and all that happened to it.

        Raises:
            NotFound: no delegation has this id.
            ActRefused: the person who acts may not read the member's delegations.
        """
        found = self._find(delegation_id)
        Ground.of(self.point, acting, [to_read(acting, found.company, found.member)])
        return self._find(delegation_id)

    def revoke(self, acting: Acting, delegation_id: str) -> Delegation:
        """
        End a delegation in the name of the company.

        Raises:
            NotFound: no delegation has this id.
            ActRefused: the policy does not let this person revoke it.
            Conflict: it is over already, which only who may revoke it is told; or somebody
                changed something meanwhile, again and again.
        """
        found = self._find(delegation_id)
        question = to_change("revoke", acting, found.company, found.process, found.member)
        return self._end(acting, found, question, EventKind.REVOKED)

    def renounce(self, acting: Acting, delegation_id: str) -> Delegation:
        """
        End a delegation by the member's own will.

        Raises:
            NotFound: no delegation of this member has this id.
            ActRefused: the policy does not let the member renounce it.
            Conflict: it is over already, or somebody changed something meanwhile, again and
                again.
        """
        found = self._find(delegation_id)
        if found.member != acting.actor:
            # As if it did not exist: whose it is, is nobody else's business.
            raise NotFound("there is no such delegation")
        # The member may know of it, and the policy lets nobody renounce what is over.
        _require_in_force(found, self.clock())
        question = to_change("renounce", acting, found.company, found.process, None)
        return self._end(acting, found, question, EventKind.RENOUNCED)

    def _end(
        self, acting: Acting, found: Delegation, question: Question, kind: EventKind
    ) -> Delegation:
        def decide() -> tuple[Change, Ground]:
            ground = Ground.of(self.point, acting, [question])
            # Only now: how it stands is nothing to tell whoever was refused.
            present, now = self._find(found.id), self.clock()
            _require_in_force(present, now)
            seen = tuple(self.delegations.of_company(found.company, found.member))
            event = event_of(kind, acting, now, present.last_day)
            events = ((found.id, event),)
            change = Change(found.company, found.member, ground.revision, seen, events=events)
            return change, ground

        change = self._do(f"delegation.{question.action}", acting, decide)
        return next(one for one in change.after if one.id == found.id)

    def _do(self, act: str, acting: Acting, decide: Callable[[], tuple[Change, Ground]]) -> Change:
        """
        Decide on a change and write it, anew if what it was decided on is no longer so.

        Raises:
            Conflict: it moved on every time.
        """
        tries = 0
        while True:
            tries += 1
            change, ground = decide()
            if change.empty:
                return change
            details = ground.details(acting, change, self.surrogates)
            told = partial(self.acts.did, act, acting.caller, details)
            try:
                self.delegations.apply(change, told, partial(ground.holds, self.point))
            except Conflict:
                if tries == _TRIES:
                    raise
            else:
                return change

    def _set(self, change: Change) -> MembersSet:
        after, now = change.after, self.clock()
        return MembersSet(tuple(one for one in after if one.in_force(now)), tag_of(after))

    def _find(self, delegation_id: str) -> Delegation:
        delegation = self.delegations.find(delegation_id)
        if delegation is None:
            raise NotFound("there is no such delegation")
        return delegation

    def _wanted(
        self, names: Sequence[ProcessName] | None, validity: Validity | None, now: datetime
    ) -> dict[ProcessId, ProcessDefinition]:
        if validity and validity.last_day and validity.last_day < civil_day(now):
            raise InvalidInput("until", "must not lie in the past")
        catalogue = self.catalogue.processes()
        if names is None:
            return {one.id: one for one in catalogue if one.state is ProcessState.OPEN}
        found = [
            _meant(name, catalogue, f"processes.{position}") for position, name in enumerate(names)
        ]
        return {one.id: one for one in found}


def _meant(
    name: ProcessName, catalogue: Sequence[ProcessDefinition], field: str
) -> ProcessDefinition:
    process = resolve(name, catalogue, field)
    if process is None:
        raise InvalidInput(field, "names no process of the catalogue")
    return process


def _require_in_force(delegation: Delegation, now: datetime) -> None:
    if not delegation.in_force(now):
        raise Conflict("the delegation is over already")
