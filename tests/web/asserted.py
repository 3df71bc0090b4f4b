"""What tests of asserted persons, standing and bonds share."""

from __future__ import annotations

from authz_service.domain.decision import Decision, Question
from authz_service.domain.facts import CompanyFacts, Facts, PersonFacts, ProcessFacts
from tests.fakes.policies import allow_all
from tests.fakes.service import COMPANY, REPRESENTATIVE, Service

FILIAL = "52420282000260"
"""A filial of ``COMPANY``."""
NOW = "2026-11-20T15:00:00Z"
"""The moment at which the service's clock stands."""


def facts_about(service: Service, company: str = COMPANY) -> Facts:
    """Give what a policy reads when the representative asks to open P001."""
    seen: list[Facts] = []

    def verdict(question: Question, facts: Facts) -> Decision:
        seen.append(facts)
        return allow_all(question, facts)

    service.policy.verdict = verdict
    asked = {"cpf": REPRESENTATIVE, "cnpj": company, "processo": "P001", "acao": "iniciar"}
    service.post("/v1/orquestra/decisao", asked)
    return seen[-1]


def company_of(facts: Facts) -> CompanyFacts:
    """Give the company in whose name a process is asked about."""
    assert isinstance(facts.resource, ProcessFacts)
    return facts.resource.company


def actor_of(facts: Facts) -> PersonFacts:
    """Give the person who acts."""
    assert isinstance(facts.actor, PersonFacts)
    return facts.actor
