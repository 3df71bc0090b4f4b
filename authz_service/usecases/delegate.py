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

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, EventKind
from authz_service.domain.errors import ActRefused, Conflict, InvalidInput, NotFound, Refusal
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.processes import (
    ProcessDefinition,
    ProcessName,
    ProcessState,
    resolve,
)
from authz_service.domain.time import civil_day
from authz_service.usecases.acting import Acting, Validity, difference, event_of
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.ports import Clock, Surrogates
from authz_service.usecases.stores import Catalogue, Delegations

_TRIES = 3
"""How often an act is decided before whoever interferes, with this or anything else, wins."""


@dataclass(frozen=True, slots=True)
class _Ground:
    """What an act was decided on: the questions, and the facts at one state of the store."""

    revision: int
    questions: Sequence[Question]
    facts: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class DelegationDesk:
    """
    Replaces, lists, revokes and renounces delegations.

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
    ) -> list[Delegation]:
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

        Returns:
            the member's delegations that are in force afterwards.

        Raises:
            ActRefused: a question was denied; nothing was done.
            InvalidInput: a process that does not exist, or a last day in the past.
            Conflict: somebody changed something meanwhile, again and again.
        """

        def decide() -> tuple[Change, _Ground]:
            now = self.clock()
            if validity and validity.last_day and validity.last_day < civil_day(now):
                raise InvalidInput("until", "must not lie in the past")
            wanted = {process.id: process for process in self._wanted(processes)}
            seen = tuple(self.delegations.of_company(company, member))
            current = {one.process: one for one in seen if one.in_force(now)}
            dropped = [process for process in current if process not in wanted]
            ground = self._ask(
                acting,
                [
                    *(self._question("delegate", acting, company, one, member) for one in wanted),
                    *(self._question("revoke", acting, company, one, member) for one in dropped),
                ]
                # An empty set for a member without delegations still answers what there is.
                or [_reading(acting, company, member)],
            )
            granted, events = difference(acting, company, member, wanted, seen, validity, now)
            return Change(company, member, ground.revision, seen, granted, events), ground

        change = self._do("delegation.replace", acting, decide)
        now = self.clock()
        return [one for one in change.after if one.in_force(now)]

    def of_company(
        self, acting: Acting, company: Cnpj, member: Cpf | None = None
    ) -> list[Delegation]:
        """
        List the company's delegations, or those of one member, ended ones included.

        Raises:
            ActRefused: the person who acts may not read them.
        """
        self._ask(acting, [_reading(acting, company, member)])
        return self.delegations.of_company(company, member)

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
        question = self._question("revoke", acting, found.company, found.process, found.member)
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
        question = self._question("renounce", acting, found.company, found.process, None)
        return self._end(acting, found, question, EventKind.RENOUNCED)

    def _end(
        self, acting: Acting, found: Delegation, question: Question, kind: EventKind
    ) -> Delegation:
        def decide() -> tuple[Change, _Ground]:
            ground = self._ask(acting, [question])
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

    def _do(self, act: str, acting: Acting, decide: Callable[[], tuple[Change, _Ground]]) -> Change:
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
            told = partial(self.acts.did, act, acting.caller, self._details(acting, change, ground))
            try:
                self.delegations.apply(change, told, partial(self._unchanged, ground))
            except Conflict:
                if tries == _TRIES:
                    raise
            else:
                return change

    def _unchanged(self, ground: _Ground) -> bool:
        """Tell whether the facts that an act was decided on are still the same."""
        return self.point.facts.gather(ground.questions, self.clock()).facts == ground.facts

    def _find(self, delegation_id: str) -> Delegation:
        delegation = self.delegations.find(delegation_id)
        if delegation is None:
            raise NotFound("there is no such delegation")
        return delegation

    def _wanted(self, names: Sequence[ProcessName] | None) -> list[ProcessDefinition]:
        catalogue = self.catalogue.processes()
        if names is None:
            return [one for one in catalogue if one.state is ProcessState.OPEN]
        found = []
        for position, name in enumerate(names):
            field = f"processes.{position}"
            process = resolve(name, catalogue, field)
            if process is None:
                raise InvalidInput(field, "names no process of the catalogue")
            found.append(process)
        return found

    def _question(
        self, action: str, acting: Acting, company: Cnpj, process: ProcessId, member: Cpf | None
    ) -> Question:
        return Question(
            actor=acting.actor,
            action=action,
            resource=ProcessAsked(ProcessName(process.value), company),
            actor_evidence=acting.evidence,
            recipient=member,
            sign_in=acting.sign_in,
            proof=acting.proof,
        )

    def _ask(self, acting: Acting, questions: Sequence[Question]) -> _Ground:
        """Have all the questions allowed, and give what they were decided on."""
        answers = self.point.decide_all(questions, acting.caller)
        refusals = [
            Refusal(answer.process, answer.decision.reasons, answer.text.pt)
            for answer in answers
            if not answer.decision.allowed
        ]
        if refusals:
            raise ActRefused(refusals)
        # None is the facts of what cannot be; each question here names what is.
        facts = tuple(answer.facts for answer in answers if answer.facts is not None)
        return _Ground(answers[0].revision, questions, facts)

    def _details(self, acting: Acting, change: Change, ground: _Ground) -> Details:
        # As the decisions have it: a sign-in in force proves who acts, whoever said so.
        known = ground.facts[0]
        proven = known.question.sign_in
        names = self.surrogates.surrogates([acting.actor, change.member])
        return {
            "actor": names[acting.actor],
            "actor_evidence": known.question.actor_evidence,
            "sign_in": known.sign_in,
            "method": None if proven is None else proven.method,
            "member": names[change.member],
            "company": change.company.value,
            "granted": tuple(one.process.value for one in change.granted),
            "events": tuple(f"{event.kind.value}:{name}" for name, event in change.events),
        }


def _reading(acting: Acting, company: Cnpj, member: Cpf | None) -> Question:
    return Question(
        actor=acting.actor,
        action="read_delegations",
        resource=CompanyAsked(company),
        actor_evidence=acting.evidence,
        recipient=member,
        sign_in=acting.sign_in,
        proof=acting.proof,
    )


def _require_in_force(delegation: Delegation, now: datetime) -> None:
    if not delegation.in_force(now):
        raise Conflict("the delegation is over already")
