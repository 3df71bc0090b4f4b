"""What the contract tests write into a store, and how they ask for it."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime, timedelta, timezone

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.facts import CompanyFacts, Facts, PersonFacts, ProcessFacts, StandingFacts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessName
from tests.domain.document import (
    COMPANY,
    MEMBER,
    P001,
    REPRESENTATIVE,
)
from tests.domain.gathered import gather, person_of
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import Store

TICK = timedelta(microseconds=1)
EXACT = datetime(2026, 7, 31, 23, 59, 59, 999_999, tzinfo=UTC)
IN_BRASILIA = datetime(2026, 7, 31, 20, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-3)))
ALPHANUMERIC = Cnpj("12ABC34501DE35")
NOBODY_THERE = StandingFacts(role="none", evidence="none", in_force=False)
KEY = ClientKey("0a1b2c3d4e5f", "a" * 64, EXACT)
FULL_KEY = ClientKey(
    "ffffffffffff",
    "b" * 64,
    EXACT + TICK,
    expires_at=IN_BRASILIA + timedelta(days=1),
    revoked_at=EXACT + 2 * TICK,
    networks=(ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("2001:db8::/32")),
)
CLIENT = Client("orquestra", frozenset({"decide", "delegations"}), (KEY, FULL_KEY))


def an_event(
    kind: EventKind = EventKind.GRANTED,
    actor: Cpf = REPRESENTATIVE,
    at: datetime = NOON,
    last_day: date | None = None,
) -> Event:
    """Give what happened to a delegation."""
    return Event(kind, at, actor, "orquestra", None, last_day)


def a_delegation(
    name: str,
    process: ProcessDefinition = P001,
    company: Cnpj = COMPANY,
    member: Cpf = MEMBER,
    *later: Event,
) -> Delegation:
    """Give a delegation with its grant, and what happened *later*."""
    return Delegation(name, company, member, process.id, process.version, (an_event(), *later))


def state_of(store: Store) -> int:
    """Give the state that a store is in."""
    return store.facts.gather([], NOON).revision


def grant(store: Store, *granted: Delegation) -> int:
    """Write delegations of one member, whatever there is already."""
    company, member = granted[0].company, granted[0].member
    seen = tuple(store.delegations.of_company(company, member))
    return store.delegations.apply(Change(company, member, state_of(store), seen, granted), untold)


def happen(store: Store, delegation: str, event: Event) -> int:
    """Let something happen to a delegation."""
    found = store.delegations.find(delegation)
    assert found is not None
    seen = tuple(store.delegations.of_company(found.company, found.member))
    change = Change(
        found.company, found.member, state_of(store), seen, events=((delegation, event),)
    )
    return store.delegations.apply(change, untold)


def a_standing(
    person: Cpf = REPRESENTATIVE,
    company: Cnpj = COMPANY,
    role: Role = Role.SOCIO,
    evidence: Evidence = Evidence.ASSERTED,
    ends_at: datetime | None = None,
) -> Standing:
    """Give an asserted standing."""
    return Standing(company, person, role, evidence, NOON, ends_at)


def about(
    company: Cnpj = COMPANY,
    actor: Cpf = REPRESENTATIVE,
    process: str | None = None,
    recipient: Cpf | None = None,
) -> Question:
    """Give a question about a company, or about a process for it."""
    resource = (
        CompanyAsked(company) if process is None else ProcessAsked(ProcessName(process), company)
    )
    return Question(actor, "open", resource, recipient=recipient)


def gathered(store: Store, question: Question, moment: datetime = NOON) -> Facts:
    """Give the facts of one question."""
    [facts] = gather(store.facts, question, moment=moment)
    return facts


def person_facts(store: Store, cpf: Cpf) -> PersonFacts:
    """Give what is known of a person."""
    return person_of(gathered(store, about(actor=cpf)))


def company_facts(
    store: Store, company: Cnpj = COMPANY, actor: Cpf = REPRESENTATIVE, moment: datetime = NOON
) -> CompanyFacts:
    """Give what is known of a company, with what *actor* is in it."""
    resource = gathered(store, about(company, actor), moment).resource
    assert isinstance(resource, CompanyFacts)
    return resource


def process_facts(
    store: Store,
    process: str = "P001",
    company: Cnpj = COMPANY,
    actor: Cpf = MEMBER,
    moment: datetime = NOON,
) -> ProcessFacts:
    """Give what is known of a process for a company, as *actor* asks."""
    resource = gathered(store, about(company, actor, process), moment).resource
    assert isinstance(resource, ProcessFacts)
    return resource
