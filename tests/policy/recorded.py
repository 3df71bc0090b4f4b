"""Records about one question, drawn at random as stores may hold them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from authz_service.domain.companies import Validation
from authz_service.domain.decision import (
    Actor,
    CompanyAsked,
    ProcessAsked,
    Question,
    Resource,
)
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import StandingFacts
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf
from authz_service.domain.known import Known
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.domain.sign_in import Level, SignIn, certificate_of
from tests.fakes.clock import NOON
from tests.policy.facts import (
    ACME,
    ALICE,
    ANA,
    BIA,
    FILIAL,
    GMBH,
    P001,
    RECORD,
    SIGN_IN,
    WEBER,
)

EVA = Cpf.parse("11144477735")
SEEN = NOON - timedelta(days=3)
YESTERDAY = date(2026, 11, 19)
SAID_OF_PEOPLE = (Evidence.GOVBR, Evidence.ASSERTED)
METHODS = tuple(
    (*way, *second)
    for way in ((), ("x509_token",), ("x509_neoid",), ("x509",), ("bank",), ("app",), ("passwd",))
    for second in ((), ("mfa",))
)
ABROAD = (
    None,
    GMBH,
    replace(GMBH, validated_at=SEEN),
    replace(GMBH, representatives=()),
    *(
        replace(GMBH, validation=one, validated_at=None, representatives=representatives)
        for one in (Validation.PENDING, Validation.WITHDRAWN)
        for representatives in ((), (WEBER,))
    ),
)
PROCESSES = (None, P001, replace(P001, state=ProcessState.CLOSED))
STATES = {
    "in_force": (EventKind.GRANTED, None),
    "expired": (EventKind.GRANTED, YESTERDAY),
    "revoked": (EventKind.REVOKED, None),
    "renounced": (EventKind.RENOUNCED, None),
}


SOCIO = Standing(FILIAL, ANA, Role.SOCIO, Evidence.GOVBR, SEEN, None, True)
NOTHING = StandingFacts("none", "none", in_force=False)
IS_SOCIO = StandingFacts("socio", "govbr", in_force=True, days=3)


def delegation(company: Cnpj, state: str = "in_force", *confirmers: Cpf) -> Delegation:
    """Give a delegation of P001 to Ana by Eva, in a state."""
    last, until = STATES[state]
    acts = [(EventKind.GRANTED, EVA), *((EventKind.CONFIRMED, one) for one in confirmers)]
    acts += [] if last is EventKind.GRANTED else [(last, ANA)]
    history = tuple(Event(kind, NOON, actor, "test", None, until) for kind, actor in acts)
    return Delegation("d", company, ANA, P001.id, 3, history)


def proofs(person: Cpf) -> st.SearchStrategy[SignIn]:
    """Draw a sign-in of *person*, over or not, as the verifier of tokens makes them."""
    minutes = st.sampled_from([None, timedelta(-1), timedelta(0), timedelta(minutes=7)])
    return st.builds(
        lambda methods, level, company, agent, ago, ends_at: replace(
            SIGN_IN,
            person=person,
            methods=methods,
            level=level,
            certificate_company=None if certificate_of(methods) is None else company,
            agent=agent,
            authenticated_at=None if ago is None else NOON - ago,
            ends_at=ends_at,
        ),
        st.sampled_from(METHODS),
        st.sampled_from([None, *Level]),
        st.sampled_from([None, ACME]),
        st.booleans(),
        minutes,
        st.sampled_from([NOON, NOON + timedelta(hours=1)]),
    )


def standings(person: Cpf) -> st.SearchStrategy[Standing]:
    """Draw what *person* is in matriz or filial, as GOV.BR says or a caller."""
    return st.builds(
        Standing,
        st.sampled_from([ACME, FILIAL]),
        st.just(person),
        st.sampled_from(Role),
        st.sampled_from(SAID_OF_PEOPLE),
        st.sampled_from([NOON, SEEN, NOON + timedelta(hours=1)]),
        st.sampled_from([None, NOON]),
        st.sampled_from([None, True, False]),
    )


BAGS = st.dictionaries(st.sampled_from(["a", "b"]), st.none() | st.booleans() | st.integers())
TIMES = st.sampled_from([(None, None), (NOON, None), (NOON, NOON)])


@st.composite
def recorded(draw: st.DrawFn) -> tuple[Question, Known]:
    """Draw a question of any kind with records that bear on it, as a store finds them."""
    entity = Thing(EntityName("user", draw(st.sampled_from(["é", " ", "a\nb"]))), draw(BAGS))
    actors: list[Actor] = [ANA, ANA, WEBER, ALICE, entity]
    companies: list[CompanyId] = [ACME, FILIAL, GMBH.id]
    actor, company = draw(st.sampled_from(actors)), draw(st.sampled_from(companies))
    name = ProcessName("P001", draw(st.sampled_from([None, 1, 3, 999_999])))
    asked: list[Resource] = [ProcessAsked(name, company), CompanyAsked(company), RECORD, entity]
    resource = draw(st.sampled_from(asked))
    process = draw(st.sampled_from(PROCESSES)) if isinstance(resource, ProcessAsked) else None
    question = Question(
        actor,
        "open",
        resource,
        actor_evidence=draw(st.sampled_from(SAID_OF_PEOPLE)) if actor == ANA else Evidence.ASSERTED,
        recipient=draw(st.sampled_from([None, ANA, BIA])),
        context=draw(BAGS),
        properties=draw(BAGS),
        sign_in=draw(st.sampled_from([None, SIGN_IN.handle])),
        proof=draw(st.none() | proofs(ANA)),
    )
    people = [Person(one, *draw(TIMES)) for one in (ANA, BIA)]
    given_to = None
    if process and actor == ANA and isinstance(company, Cnpj) and draw(st.booleans()):
        confirmers = draw(st.sampled_from([(), (BIA,), (ANA, BIA)]))
        given_to = delegation(company, draw(st.sampled_from([*STATES])), *confirmers)
    bond = Bond(FILIAL, ACME, "proof", NOON, draw(st.sampled_from([None, YESTERDAY])))
    return question, Known(
        people=tuple(people[: draw(st.integers(0, 2))]),
        process=process,
        delegation=given_to,
        bond=bond if company == FILIAL and draw(st.booleans()) else None,
        standings=tuple(
            draw(st.lists(st.one_of(*map(standings, (ANA, BIA, EVA))), max_size=5)),
        ),
        sign_in=draw(st.none() | proofs(draw(st.sampled_from([ANA, BIA])))),
        foreign=draw(st.sampled_from(ABROAD)) if company == GMBH.id else None,
    )
