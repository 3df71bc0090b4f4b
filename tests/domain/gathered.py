"""Facts as tests read them: of the kind that a question about persons and companies gets."""

from __future__ import annotations

from datetime import datetime

from authz_service.domain.decision import Question
from authz_service.domain.facts import CompanyFacts, Facts, PersonFacts, ProcessFacts
from authz_service.usecases.ports import FactSource
from tests.fakes.clock import NOON


def gather(source: FactSource, *questions: Question, moment: datetime = NOON) -> tuple[Facts, ...]:
    """Give the facts of each question, none of which is about an ambiguous process."""
    found = source.gather(questions, moment).facts
    facts = tuple(one for one in found if isinstance(one, Facts))
    assert len(facts) == len(found)
    return facts


def person_of(facts: Facts) -> PersonFacts:
    """Give the actor, who is a person."""
    assert isinstance(facts.actor, PersonFacts)
    return facts.actor


def company_of(facts: Facts) -> CompanyFacts:
    """Give the company that is acted on, or in whose name the process is."""
    resource = facts.resource
    if isinstance(resource, ProcessFacts):
        return resource.company
    assert isinstance(resource, CompanyFacts)
    return resource
