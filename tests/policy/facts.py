"""Facts for policy tests, made of domain values; a test changes what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from authz_service.domain.decision import Bag, CompanyAsked, ProcessAsked, Question
from authz_service.domain.facts import Facts, Known, facts_of
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.people import Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessName
from tests.fakes.clock import NOON

ACME = Cnpj.parse("52420282000180")
ANA = Cpf.parse("72268402517")
BIA = Cpf.parse("18762794604")
P001 = ProcessDefinition(ProcessId("p001"), "P001", "Acreditação Inicial de Organismos", version=3)
SOCIO = Standing(ACME, ANA, Role.SOCIO, Evidence.GOVBR, NOON - timedelta(days=1))
REGISTERED = tuple(Person(cpf, NOON, NOON) for cpf in (ANA, BIA))

OPEN = Question(ANA, "open", ProcessAsked(ProcessName("P001"), ACME))
READ = Question(ANA, "read_delegations", CompanyAsked(ACME))
KNOWN = Known(people=REGISTERED, process=P001, standings=(SOCIO,))


def facts(question: Question = OPEN, known: Known = KNOWN) -> Facts:
    """Give the facts about *question* at noon."""
    return facts_of(question, known, NOON)


def asserting(context: Bag) -> Question:
    """Give the question with a context that the caller asserts."""
    return replace(OPEN, context=context)
