"""What an act on delegations asks the policy, and what it was decided on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Change
from authz_service.domain.errors import ActRefused, Refusal
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.processes import ProcessName
from authz_service.usecases.acting import Acting
from authz_service.usecases.acts import Details
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.ports import Surrogates


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What an act was decided on.

    Attributes:
        revision: the state of the store.
        questions: what was asked, all of it allowed.
        facts: what was known about each.
    """

    revision: int
    questions: Sequence[Question]
    facts: tuple[Facts, ...]

    @classmethod
    def of(cls, point: DecisionPoint, acting: Acting, questions: Sequence[Question]) -> Ground:
        """
        Have all the questions allowed, and give what they were decided on.

        Raises:
            ActRefused: one or more are denied.
        """
        answers = point.decide_all(questions, acting.caller)
        refusals = [
            Refusal(answer.process, answer.decision.reasons, answer.text.pt)
            for answer in answers
            if not answer.decision.allowed
        ]
        if refusals:
            raise ActRefused(refusals)
        # None is the facts of what cannot be; each question here names what is.
        facts = tuple(answer.facts for answer in answers if answer.facts is not None)
        return cls(answers[0].revision, questions, facts)

    def holds(self, point: DecisionPoint) -> bool:
        """Tell whether the facts are still the same."""
        return point.facts.gather(self.questions, point.clock()).facts == self.facts

    def details(self, acting: Acting, change: Change, surrogates: Surrogates) -> Details:
        """Give what the log keeps of an act that makes *change*."""
        # As the decisions have it: a sign-in in force proves who acts, whoever said so.
        known = self.facts[0]
        proven = known.question.sign_in
        names = surrogates.surrogates([acting.actor, change.member])
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


def to_change(
    action: str, acting: Acting, company: Cnpj, process: ProcessId, member: Cpf | None
) -> Question:
    """Ask whether the person may do *action* to a delegation of *process*."""
    return Question(
        actor=acting.actor,
        action=action,
        resource=ProcessAsked(ProcessName(process.value), company),
        actor_evidence=acting.evidence,
        recipient=member,
        sign_in=acting.sign_in,
        proof=acting.proof,
    )


def to_read(acting: Acting, company: Cnpj, member: Cpf | None) -> Question:
    """Ask whether the person may read the company's delegations, or those of one member."""
    return Question(
        actor=acting.actor,
        action="read_delegations",
        resource=CompanyAsked(company),
        actor_evidence=acting.evidence,
        recipient=member,
        sign_in=acting.sign_in,
        proof=acting.proof,
    )
