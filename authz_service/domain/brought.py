"""What a question brings beside what it asks, put into the facts of one that brings nothing."""

from __future__ import annotations

from dataclasses import replace

from authz_service.domain.decision import Question
from authz_service.domain.facts import CompanyFacts, Facts, ProcessFacts, QuestionFacts


def bringing(facts: Facts, question: Question) -> Facts:
    """
    Give the facts of *question* from those of one that is the same, but that brings nothing.

    That is a question without context and properties.
    """
    old = facts.question
    particulars = QuestionFacts(
        old.recipient, old.actor_evidence, question.context, question.properties, old.sign_in
    )
    resource = facts.resource
    if isinstance(resource, ProcessFacts):
        company = _about(resource.company, particulars)
        # Written out, since it is done for each question of a batch that brings something.
        process = ProcessFacts(
            resource.id,
            resource.code,
            resource.version,
            resource.state,
            company,
            resource.delegation,
            particulars,
        )
        return Facts(facts.actor, process, facts.process, facts.delegation, facts.sign_in)
    if isinstance(resource, CompanyFacts):
        return replace(facts, resource=_about(resource, particulars))
    return replace(facts, resource=replace(resource, question=particulars))


def _about(company: CompanyFacts, particulars: QuestionFacts) -> CompanyFacts:
    return CompanyFacts(
        company.id,
        company.cnpj,
        company.origin,
        company.validation,
        company.standing,
        company.bond,
        particulars,
    )
