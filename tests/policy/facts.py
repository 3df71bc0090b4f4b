"""Facts for policy tests, made of domain values; a test changes what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import Bag, CompanyAsked, ProcessAsked, Question
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login, ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessName
from authz_service.domain.sign_in import Companies, Level, SignIn
from authz_service.policy.kinds import Choice
from authz_service.policy.vocabulary import BY_TYPE
from tests.fakes.clock import NOON

ACME = Cnpj.parse("52420282000180")
FILIAL = Cnpj.parse("52420282000260")
ANA = Cpf.parse("72268402517")
BIA = Cpf.parse("18762794604")
P001 = ProcessDefinition(ProcessId("p001"), "P001", "Acreditação Inicial de Organismos", version=3)
SOCIO = Standing(ACME, ANA, Role.SOCIO, Evidence.GOVBR, NOON - timedelta(days=1))
REGISTERED = tuple(Person(cpf, NOON, NOON) for cpf in (ANA, BIA))

OPEN = Question(ANA, "open", ProcessAsked(ProcessName("P001"), ACME))
READ = Question(ANA, "read_delegations", CompanyAsked(ACME))
KNOWN = Known(people=REGISTERED, process=P001, standings=(SOCIO,))
WEBER = Login.parse("weber")
GMBH = ForeignCompany(
    id=ForeignId.of_number(123),
    name="Weber Messtechnik GmbH",
    country="DE",
    representatives=(WEBER,),
    registered_at=NOON - timedelta(days=30),
    validation=Validation.VALIDATED,
    validated_at=NOON - timedelta(days=20),
)
ALICE = Thing(EntityName("user", "alice"))
RECORD = Thing(EntityName("record", "record-1"))
FROM_ABROAD = Question(WEBER, "open", ProcessAsked(ProcessName("P001"), GMBH.id))
READ_RECORD = Question(ALICE, "read", RECORD)
FOREIGN = Known(process=P001, foreign=GMBH)
SIGN_IN = SignIn(
    id="sign-in",
    handle="handle",
    digest="",
    client="orquestra",
    person=ANA,
    methods=("x509", "x509_token"),
    level=Level.GOLD,
    certificate_company=ACME,
    agent=False,
    authenticated_at=NOON - timedelta(minutes=5),
    began_at=NOON,
    ends_at=NOON + timedelta(hours=1),
    companies=Companies.OBSERVED,
)


def facts(question: Question = OPEN, known: Known = KNOWN) -> Facts:
    """Give the facts about *question* at noon."""
    return facts_of(question, known, NOON)


def signed_in(sign_in: SignIn = SIGN_IN, question: Question = OPEN) -> Facts:
    """Give the facts about *question*, asked with the handle of *sign_in*."""
    asked = replace(question, sign_in=sign_in.handle)
    return facts_of(asked, replace(KNOWN, sign_in=sign_in), NOON)


def asserting(context: Bag) -> Question:
    """Give the question with a context that the caller asserts."""
    return replace(OPEN, context=context)


def put(on: Any, path: str, value: object) -> Any:
    """Give *on*, facts of any class, with *value* at *path*."""
    name, _, rest = path.partition(".")
    return replace(on, **{name: put(getattr(on, name), rest, value) if rest else value})


def changed(on: Facts, changes: Mapping[str, object]) -> Facts:
    """Give *on* with all of the changes."""
    for path, value in changes.items():
        on = put(on, path, value)
    return on


def closed(at: type, name: str) -> list[str]:
    """Give the words of a closed fact, as the vocabulary has them."""
    fact = BY_TYPE[at].facts[name]
    assert isinstance(fact, Choice)
    return sorted(fact.words)
