"""Whatever facts the constraints allow, some records give: all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import (
    Actor,
    CompanyAsked,
    ProcessAsked,
    Question,
)
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import (
    CompanyFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    SignInFacts,
    StandingFacts,
)
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, Login, ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.domain.sign_in import Level, SignIn
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.kinds import Choice, Fact, Flag, Link, Members
from authz_service.policy.vocabulary import BY_TYPE
from tests.fakes.clock import NOON
from tests.policy.facts import (
    ACME,
    ANA,
    BIA,
    FILIAL,
    GMBH,
    P001,
    RECORD,
    SIGN_IN,
    put,
)
from tests.policy.recorded import NOTHING, STATES, YESTERDAY, recorded

# The same for all facts at once: whatever is possible has records that give it.

BACKER = Cpf("00000000191")
WAYS = {
    "certificate": {"device": "x509_token", "cloud": "x509_neoid", "unspecified": "x509"},
    "bank": {"none": "bank"},
    "app": {"none": "app"},
    "password": {"none": "passwd"},
    "other": {"none": "?"},
}
HOLDS = {"yes": True, "no": False, "unknown": None}


def records_of(these: Facts) -> tuple[Question, Known]:
    """Give a question and records from which facts come that were found possible."""
    actor, resource, asked = these.actor, these.resource, these.question
    who: Actor
    if isinstance(actor, PersonFacts):
        who = Cpf.parse(actor.cpf)
    elif isinstance(actor, LoginFacts):
        who = Login.parse(actor.login)
    else:
        who = Thing(EntityName(actor.type, actor.id), actor.properties)
    question = Question(
        who,
        "open",
        RECORD,
        Evidence(asked.actor_evidence),
        None if asked.recipient is None else Cpf.parse(asked.recipient.cpf),
        asked.context,
        asked.properties,
        sign_in=SIGN_IN.handle,
    )
    known = Known(
        people=tuple(
            Person(Cpf(one.cpf), NOON if one.registered else None, NOON if one.confirmed else None)
            for one in (actor, asked.recipient)
            if isinstance(one, PersonFacts)
        ),
        sign_in=None if asked.sign_in is None else sign_in_of(who, asked.sign_in),
    )
    if isinstance(resource, ResourceFacts):
        thing = Thing(EntityName(resource.type, resource.id), resource.properties)
        return replace(question, resource=thing), known
    company = resource.company if isinstance(resource, ProcessFacts) else resource
    if company.cnpj is None:
        foreign = ForeignId.parse(company.id)
        about: CompanyId = foreign
        known = replace(known, foreign=registered(foreign, who, company))
    else:
        cnpj, matriz = Cnpj.parse(company.cnpj), Cnpj(company.cnpj[:8] + "000099")
        about = cnpj
        bond = Bond(cnpj, matriz, "proof", NOON, None if company.bond.in_force else YESTERDAY)
        of_backers = (NOTHING, NOTHING)
        if isinstance(resource, ProcessFacts):
            of_backers = (resource.delegation.backing, resource.delegation.matriz_backing)
        known = replace(
            known,
            bond=bond if company.bond.recorded else None,
            standings=(
                *standing_of(who, cnpj, company.standing),
                *standing_of(who, matriz, company.bond.standing),
                *standing_of(BACKER, cnpj, of_backers[0]),
                *standing_of(BACKER, matriz, of_backers[1]),
            ),
        )
    if isinstance(resource, ProcessFacts):
        process = ProcessAsked(ProcessName("it", resource.version), about)
        known = replace(known, **process_of(who, about, resource))
        return replace(question, resource=process), known
    return replace(question, resource=CompanyAsked(about)), known


def sign_in_of(who: Actor, told: SignInFacts) -> SignIn:
    """Give the sign-in of *who* that facts tell of."""
    assert isinstance(who, Cpf)
    second = ("mfa",) if told.second_factor else ()
    return replace(
        SIGN_IN,
        person=who,
        methods=(WAYS[told.method][told.certificate], *second),
        level=None if told.level == "none" else Level(told.level),
        certificate_company=None if told.cnpj is None else Cnpj.parse(told.cnpj),
        agent=told.agent,
        authenticated_at=None if told.minutes is None else NOON - timedelta(minutes=told.minutes),
    )


def registered(number: ForeignId, who: Actor, told: CompanyFacts) -> ForeignCompany | None:
    """Give the foreign company that facts tell of."""
    if told.validation == "unknown":
        return None
    validation = Validation(told.validation)
    at = NOON - timedelta(days=told.standing.days or 0)
    return replace(
        GMBH,
        id=number,
        validation=validation,
        validated_at=at if validation is Validation.VALIDATED else None,
        representatives=(who,) if isinstance(who, Login) and told.standing.role != "none" else (),
    )


def standing_of(who: Actor, company: Cnpj, told: StandingFacts) -> Iterator[Standing]:
    """Give the standing that facts tell of, if there is one."""
    if told.days is not None:
        assert isinstance(who, Cpf)
        yield Standing(
            company,
            who,
            Role(told.role),
            Evidence(told.evidence),
            NOON - timedelta(days=told.days),
            None if told.in_force else NOON,
            HOLDS[told.cadastrador],
        )


def process_of(who: Actor, company: CompanyId, told: ProcessFacts) -> dict[str, Any]:
    """Give process and delegation that facts tell of, as members of what is known."""
    if told.id is None or told.code is None:
        return {}
    state, version = ProcessState(told.state), told.version
    assert version is not None
    process = replace(
        P001, id=ProcessId.parse(told.id), code=told.code, state=state, version=version
    )
    if told.delegation.version is None:
        return {"process": process}
    assert isinstance(who, Cpf)
    assert isinstance(company, Cnpj)
    last, until = STATES[told.delegation.state]
    kinds = dict.fromkeys((EventKind.GRANTED, last))
    history = tuple(Event(kind, NOON, BACKER, "test", None, until) for kind in kinds)
    given_to = Delegation("d", company, who, process.id, told.delegation.version, history)
    return {"process": process, "delegation": given_to}


VALUES: dict[str, list[object]] = {
    "cpf": [ANA.digits, BIA.digits],
    "type": ["record", "user", "person"],
    "cnpj": [ACME.value, FILIAL.value],
    "code": ["P002"],
    "days": [-1, 0, 8],
    "minutes": [-1, 0, 8],
    "version": [0, 1, 8],
}


def values_of(name: str, fact: Fact) -> list[object]:
    """Give values for a fact: all of a closed one, of another some that it can have or not."""
    if isinstance(fact, Flag):
        return [True, False]
    if isinstance(fact, Choice):
        return [*sorted(fact.words)]
    if isinstance(fact, Members):
        return [{}, {"a": 1}]
    return [None, "", *VALUES.get(name, ["other", "it"])]


@st.composite
def possible_facts(draw: st.DrawFn) -> Facts:
    """Draw facts that break nothing: those of two questions, crossed and then changed at will."""
    first, second = (facts_of(*draw(recorded()), NOON) for _ in range(2))
    for _ in range(draw(st.integers(0, 12))):
        path, value = draw(st.sampled_from([*_changes(first, second)]))
        after = put(first, path, value)
        if isinstance(after.resource, ProcessFacts):
            # The question stands in two places.
            after = put(after, "resource.company.question", after.question)
        if not broken(after):
            first = after
    return first


def _changes(first: Any, second: Any, before: str = "") -> Iterator[tuple[str, object]]:
    """Give the changes that can be made to one fact of *first*, some of them as in *second*."""
    if not before:
        for name in ("actor", "resource"):
            yield from _changes(getattr(first, name), getattr(second, name), f"{name}.")
        return
    for name, fact in BY_TYPE[type(first)].facts.items():
        mine, its = getattr(first, name), getattr(second, name, None)
        if isinstance(fact, Link):
            if its is not None or fact.may_be_nil:
                yield f"{before}{name}", its
            if mine is not None:
                yield from _changes(mine, mine if its is None else its, f"{before}{name}.")
        else:
            yield from ((f"{before}{name}", value) for value in values_of(name, fact))


@given(possible_facts())
def test_whatever_is_possible_is_given_by_some_records(these: Facts) -> None:
    """The constraints are enough: facts that break none come from records that can be written."""
    again = facts_of(*records_of(these), NOON)
    assert (these.actor, these.resource) == (again.actor, again.resource)
