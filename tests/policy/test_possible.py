"""Which facts can be together: no more than records give, and hardly less."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import (
    Actor,
    CompanyAsked,
    ProcessAsked,
    Question,
    Resource,
)
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import (
    CompanyFacts,
    DelegationFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    ResourceFacts,
    SignInFacts,
    StandingFacts,
    SubjectFacts,
)
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, Login, ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.domain.sign_in import Level, SignIn, certificate_of
from authz_service.policy.diagrams.possible import CONSTRAINTS, Constraint, broken
from authz_service.policy.kinds import Choice, Fact, Flag, Link, Members
from authz_service.policy.suites.suite import read
from authz_service.policy.vocabulary import BY_TYPE
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
    facts,
)

SHIPPED = Path(__file__).parents[2] / "policies"
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


def delegation(company: Cnpj, state: str = "in_force", *confirmers: Cpf) -> Delegation:
    """Give a delegation of P001 to Ana by Eva, in a state."""
    last, until = STATES[state]
    acts = [(EventKind.GRANTED, EVA), *((EventKind.CONFIRMED, one) for one in confirmers)]
    acts += [] if last is EventKind.GRANTED else [(last, ANA)]
    history = tuple(Event(kind, NOON, actor, "test", None, until) for kind, actor in acts)
    return Delegation("d", company, ANA, P001.id, 3, history)


# Soundness: whatever records give is possible.


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


@given(recorded())
def test_what_records_give_is_possible(situation: tuple[Question, Known]) -> None:
    """No question about whatever is on record breaks a constraint."""
    assert [] == broken(facts_of(*situation, NOON))


@pytest.mark.parametrize("file", sorted(one.name for one in SHIPPED.glob("*_test.toml")))
def test_what_the_shipped_tests_ask_is_possible(file: str) -> None:
    """Nor does any question of the tests beside the shipped policies."""
    asked = read(file, (SHIPPED / file).read_bytes())
    given_facts = [facts_of(one.question, one.known, one.moment) for one in asked]
    assert given_facts
    assert [] == [one for it in given_facts for one in broken(it)]


# Each constraint rules something out that no other does.


def put(on: Any, path: str, value: object) -> Any:
    """Give *on*, facts of any class, with *value* at *path*."""
    name, _, rest = path.partition(".")
    return replace(on, **{name: put(getattr(on, name), rest, value) if rest else value})


def changed(on: Facts, changes: Mapping[str, object]) -> Facts:
    """Give *on* with all of the changes."""
    for path, value in changes.items():
        on = put(on, path, value)
    return on


SOCIO = Standing(FILIAL, ANA, Role.SOCIO, Evidence.GOVBR, SEEN, None, True)
STANDINGS = tuple(
    replace(SOCIO, company=where, person=who) for where in (ACME, FILIAL) for who in (ANA, EVA)
)
PERSON = facts(
    Question(
        ANA,
        "delegate",
        ProcessAsked(ProcessName("P001"), FILIAL),
        actor_evidence=Evidence.GOVBR,
        recipient=BIA,
        sign_in=SIGN_IN.handle,
    ),
    Known(
        people=(Person(ANA, NOON, NOON), Person(BIA, NOON)),
        process=P001,
        delegation=delegation(FILIAL),
        bond=Bond(FILIAL, ACME, "proof", NOON),
        standings=STANDINGS,
        sign_in=replace(SIGN_IN, agent=True),
    ),
)
LOGIN_AT_HOME, LOGIN, PERSON_ABROAD = (
    facts(
        Question(actor, "open", ProcessAsked(ProcessName("P001"), company)),
        Known(process=P001, foreign=replace(GMBH, validated_at=SEEN), bond=bond),
    )
    for actor, company, bond in (
        (WEBER, FILIAL, Bond(FILIAL, ACME, "proof", NOON)),
        (WEBER, GMBH.id, None),
        (ANA, GMBH.id, None),
    )
)
SUBJECT = facts(Question(ALICE, "open", RECORD), Known())

COMPANY = "resource.company"
HERE = f"{COMPANY}.standing"
MATRIZ = f"{COMPANY}.bond.standing"
DELEGATED = "resource.delegation"
NOTHING = StandingFacts("none", "none", in_force=False)
IS_SOCIO = StandingFacts("socio", "govbr", in_force=True, days=3)
NAMED = StandingFacts("representante_legal", "inmetro", in_force=True, days=3)
NAMED_BEFORE = replace(NAMED, in_force=False, days=None)


def of_question(changes: Mapping[str, object]) -> dict[str, object]:
    """Give the changes to the question of a process, in both places where it stands."""
    places = ("resource.question", f"{COMPANY}.question")
    return {f"{place}.{path}": value for place in places for path, value in changes.items()}


BY_APP = of_question({"sign_in.method": "app", "sign_in.certificate": "none", "sign_in.cnpj": None})
SELF = of_question({"recipient": replace(PERSON.actor)})
NEVER = {f"{DELEGATED}.state": "none", f"{DELEGATED}.version": None}
NO_BACKING = {f"{DELEGATED}.{one}": NOTHING for one in ("backing", "matriz_backing")}
NO_BOND = {
    f"{COMPANY}.bond.recorded": False,
    f"{COMPANY}.bond.in_force": False,
    MATRIZ: NOTHING,
    f"{DELEGATED}.matriz_backing": NOTHING,
}
UNKNOWN_PROCESS = {
    **{f"resource.{one}": value for one, value in (("id", None), ("code", None))},
    "resource.state": "unknown",
}
FOREIGN_COMPANY = {
    f"{COMPANY}.{one}": getattr(LOGIN.resource.company, one)  # type: ignore[union-attr]  # a process
    for one in ("id", "cnpj", "origin", "validation")
}

BREAKING: tuple[tuple[str, Facts, Mapping[str, object]], ...] = (
    ("`cpf` has its form.", PERSON, {"actor.cpf": None}),
    ("`login` has its form.", LOGIN, {"actor.login": None}),
    ("`type` has its form.", SUBJECT, {"actor.type": "person"}),
    ("`id` has its form.", SUBJECT, {"actor.id": ""}),
    ("`type` has its form.", SUBJECT, {"resource.type": None}),
    ("`id` has its form.", SUBJECT, {"resource.id": None}),
    ("`days` is a whole number of at least 0, or nil.", PERSON, {f"{HERE}.days": -1}),
    ("`days` is a whole number of at least 0, or nil.", PERSON, {f"{HERE}.days": True}),
    ("`version` is a whole number of at least 1, or nil.", PERSON, {f"{DELEGATED}.version": 0}),
    ("`version` is a whole number of at least 1, or nil.", PERSON, {"resource.version": 2.0}),
    (
        "`minutes` is a whole number of at least 0, or nil.",
        PERSON,
        of_question({"sign_in.minutes": -1}),
    ),
    ("`cnpj` has its form, or is nil.", PERSON, of_question({"sign_in.cnpj": "52420282"})),
    (
        "`cnpj` has its form, or is nil.",
        PERSON,
        {f"{COMPANY}.{one}": "1" for one in ("id", "cnpj")},
    ),
    ("`id` has its form, or is nil.", PERSON, {"resource.id": "P 1"}),
    ("`code` has its form, or is nil.", PERSON, {"resource.code": "p 1"}),
    ("Only who has registered is confirmed.", PERSON, {"actor.registered": False}),
    ("Every role is known by some evidence.", PERSON, {f"{HERE}.role": "none"}),
    (
        "What is not, is not in force.",
        LOGIN_AT_HOME,
        {f"{HERE}.in_force": True},
    ),
    ("Who is nothing holds nothing.", LOGIN_AT_HOME, {f"{HERE}.cadastrador": "yes"}),
    ("GOV.BR knows no logins.", LOGIN, {f"{HERE}.cadastrador": "no"}),
    ("Logins represent a company.", LOGIN, {f"{HERE}.role": "socio"}),
    (
        "What was observed or asserted of a person has an age, and nothing has none.",
        PERSON,
        {f"{HERE}.days": None},
    ),
    (
        "A login's standing is in force and has an age once the company is validated.",
        LOGIN,
        {f"{HERE}.days": None},
    ),
    (
        "Only a recorded bond is in force.",
        PERSON,
        {**NO_BOND, f"{COMPANY}.bond.in_force": True},
    ),
    ("Without a bond there is no matriz.", PERSON, {**NO_BOND, MATRIZ: IS_SOCIO}),
    ("A matriz is a national company.", PERSON, {MATRIZ: NAMED}),
    ("In a matriz only persons are something.", LOGIN_AT_HOME, {MATRIZ: IS_SOCIO}),
    ("What was delegated had a version then.", PERSON, {f"{DELEGATED}.version": None}),
    (
        "Nobody backs what never was.",
        PERSON,
        {**NEVER, **NO_BACKING, f"{DELEGATED}.backing": IS_SOCIO},
    ),
    (
        "Nobody backs what never was.",
        PERSON,
        {**NEVER, **NO_BACKING, f"{DELEGATED}.matriz_backing": IS_SOCIO},
    ),
    ("Only national companies delegate.", PERSON, {f"{DELEGATED}.backing": NAMED}),
    ("A matriz is a national company.", PERSON, {f"{DELEGATED}.matriz_backing": NAMED}),
    (
        "A company's certificate is a certificate.",
        PERSON,
        of_question({"sign_in.method": "app", "sign_in.certificate": "none"}),
    ),
    (
        "A certificate is the strongest way in, so it is the method wherever there is one.",
        PERSON,
        of_question({"sign_in.method": "bank"}),
    ),
    (
        "A sign-in of the person's own proves who acts.",
        PERSON,
        of_question({"actor_evidence": "asserted", "sign_in.agent": False}),
    ),
    (
        "Only persons sign in at GOV.BR.",
        LOGIN,
        of_question({"sign_in": PERSON.question.sign_in}),
    ),
    ("GOV.BR proves persons only.", LOGIN, of_question({"actor_evidence": "govbr"})),
    ("Only a foreign company has no CNPJ.", PERSON, {f"{COMPANY}.cnpj": None}),
    ("A CNPJ names its company.", PERSON, {f"{COMPANY}.cnpj": ACME.value}),
    (
        "A foreign company, and no other, has a number of this service's.",
        LOGIN,
        {f"{COMPANY}.id": ACME.value},
    ),
    ("Foreign companies are validated.", PERSON, {f"{COMPANY}.validation": "pending"}),
    ("A filial has a CNPJ.", LOGIN, {f"{COMPANY}.bond.recorded": True}),
    (
        "Inmetro's team says who represents foreign companies, and those only.",
        PERSON,
        {HERE: NAMED_BEFORE},
    ),
    (
        "Inmetro's team says who represents foreign companies, and those only.",
        LOGIN,
        {HERE: IS_SOCIO},
    ),
    (
        "Nobody represents a foreign company that is not registered.",
        LOGIN,
        {f"{COMPANY}.validation": "unknown", HERE: NAMED_BEFORE},
    ),
    (
        "A login's standing is in force as long as the company is validated.",
        LOGIN,
        {f"{COMPANY}.validation": "withdrawn"},
    ),
    ("Only logins act abroad.", PERSON_ABROAD, {HERE: NAMED}),
    ("Only persons have a role in a national company.", LOGIN_AT_HOME, {HERE: IS_SOCIO}),
    ("What is in the catalogue has an id.", PERSON, {"resource.id": None}),
    ("What is in the catalogue has a code.", PERSON, {"resource.code": None}),
    ("What is in the catalogue has a newest version.", PERSON, {"resource.version": None}),
    ("What is unknown is not delegated.", PERSON, UNKNOWN_PROCESS),
    (
        "None abroad delegates.",
        PERSON,
        {**FOREIGN_COMPANY, HERE: NOTHING, **NO_BOND},
    ),
    (
        "Without a bond there is no matriz whose people could back a delegation.",
        PERSON,
        {**NO_BOND, f"{DELEGATED}.matriz_backing": IS_SOCIO},
    ),
    (
        "Only persons are delegated to.",
        LOGIN_AT_HOME,
        {f"{DELEGATED}.state": "revoked", f"{DELEGATED}.version": 3},
    ),
    (
        "Actor and recipient may be one person, registered or not.",
        PERSON,
        {**SELF, "actor.confirmed": False, **of_question({"recipient.registered": False})}
        | of_question({"recipient.confirmed": False}),
    ),
    (
        "Actor and recipient may be one person, confirmed or not.",
        PERSON,
        {**SELF, **of_question({"recipient.confirmed": False})},
    ),
    *(
        (
            f"Process and company are of one question, so of one `{path}`.",
            PERSON,
            {**before, f"{COMPANY}.question.{path}": value},
        )
        for path, before, value in (
            ("recipient", {}, None),
            ("recipient.cpf", {}, EVA.digits),
            ("recipient.registered", {}, False),
            ("recipient.confirmed", {}, True),
            ("actor_evidence", {}, "asserted"),
            ("sign_in", {}, None),
            ("sign_in.level", {}, "none"),
            ("sign_in.method", BY_APP, "bank"),
            ("sign_in.certificate", {}, "cloud"),
            ("sign_in.cnpj", {}, None),
            ("sign_in.second_factor", {}, True),
            ("sign_in.agent", {}, False),
            ("sign_in.minutes", {}, None),
            ("context", {}, {"a": True}),
            ("properties", {}, {"a": None}),
        )
    ),
)


def named(one: Constraint) -> str:
    """Give what tells a constraint from the others."""
    return f"{one.at.__name__} ({', '.join(one.reads)}): {one.why}"


@pytest.mark.parametrize(
    ("why", "base", "changes"),
    BREAKING,
    ids=[f"{number}: {why}" for number, (why, *_) in enumerate(BREAKING)],
)
def test_what_is_in_nobodys_life_breaks_one_constraint(
    why: str, base: Facts, changes: Mapping[str, object]
) -> None:
    """What breaks a constraint breaks no other: none follows from the rest."""
    assert [] == broken(base)
    assert [why] == [one.why for one in broken(changed(base, changes))]


def test_every_constraint_can_be_broken() -> None:
    """None of them holds of everything; the table above has each."""
    found = {named(one) for _, base, changes in BREAKING for one in broken(changed(base, changes))}
    assert {named(one) for one in CONSTRAINTS} == found


def test_constraints_can_be_told_apart() -> None:
    """No two say the same of the same facts."""
    assert len(CONSTRAINTS) == len({named(one) for one in CONSTRAINTS})


@pytest.mark.parametrize("one", CONSTRAINTS, ids=[named(one) for one in CONSTRAINTS])
def test_a_constraint_reads_few_facts_that_there_are(one: Constraint) -> None:
    """At most four, each of the vocabulary."""
    assert 1 <= len(one.reads) <= 4
    for path in one.reads:
        names, at = path.split("."), one.at
        if at is Facts:
            root = names.pop(0)
            at = one.actors[0] if root == "actor" else ResourceFacts
        *links, last = names
        for name in links:
            at = BY_TYPE[at].facts[name].entity  # type: ignore[union-attr]  # or it is no link
        assert last in BY_TYPE[at].facts


@pytest.mark.parametrize("actors", [(), (LoginFacts, SubjectFacts)], ids=["any", "no person"])
@pytest.mark.parametrize("resources", [(), (ResourceFacts,)], ids=["any", "another's"])
def test_a_constraint_concerns_its_actors_and_resources_alone(
    actors: tuple[type, ...], resources: tuple[type, ...]
) -> None:
    """One about logins or records says nothing about persons and processes."""
    one = replace(CONSTRAINTS[0], actors=actors, resources=resources)
    assert one.concerns(LoginFacts, ResourceFacts)
    assert (actors == ()) is one.concerns(PersonFacts, ResourceFacts)
    assert (resources == ()) is one.concerns(LoginFacts, ProcessFacts)


# Tightness: what is possible is given by some records.


def closed(at: type, name: str) -> list[str]:
    """Give the words of a closed fact, as the vocabulary has them."""
    fact = BY_TYPE[at].facts[name]
    assert isinstance(fact, Choice)
    return sorted(fact.words)


def allowed(base: Facts, options: Mapping[str, Iterable[object]]) -> set[tuple[object, ...]]:
    """Give the combinations of values at some paths that break nothing in *base*."""
    return {
        values
        for values in product(*options.values())
        if not broken(changed(base, dict(zip(options, values, strict=True))))
    }


def read_from(these: Iterable[Facts], paths: Iterable[str]) -> set[tuple[object, ...]]:
    """Give the combinations of values at some paths that stand in facts of questions."""
    gets = [attrgetter(path) for path in paths]
    return {tuple(get(one) for get in gets) for one in these}


EVERY_STANDING = tuple(
    StandingFacts(*values)
    for values in product(
        closed(StandingFacts, "role"),
        closed(StandingFacts, "evidence"),
        (True, False),
        (None, 3),
        closed(StandingFacts, "cadastrador"),
    )
)


def every_record(company: Cnpj, person: Cpf) -> Iterator[tuple[Standing, ...]]:
    """Give nothing, and each standing that a person can have in *company*, as records."""
    yield ()
    for role, evidence, ends_at, holder in product(
        Role, SAID_OF_PEOPLE, (None, NOON), (None, True, False)
    ):
        yield (Standing(company, person, role, evidence, SEEN, ends_at, holder),)


ACTORS: tuple[Actor, ...] = (ANA, WEBER, ALICE)
AS_COMPANY = Question(ANA, "read", CompanyAsked(FILIAL))
AS_PROCESS = Question(ANA, "open", ProcessAsked(ProcessName("P001"), FILIAL))
BOUND = Bond(FILIAL, ACME, "proof", NOON)
FOREIGN_RECORDS = [
    None if one is None else replace(one, validated_at=one.validated_at and SEEN) for one in ABROAD
]
by_actor = pytest.mark.parametrize("actor", ACTORS, ids=["person", "login", "subject"])


@by_actor
def test_every_possible_company_is_somebodys(actor: Actor) -> None:
    """Number, CNPJ, origin, validation and what the actor is in it: all of them."""
    base = facts(replace(AS_COMPANY, actor=actor), Known())
    of_company = {
        "resource.id": (FILIAL.value, GMBH.id.value),
        "resource.cnpj": (None, FILIAL.value),
        "resource.origin": closed(CompanyFacts, "origin"),
        "resource.validation": closed(CompanyFacts, "validation"),
    }
    found = allowed(base, of_company)
    possible_ones = set()
    for one in found:
        options: dict[str, Iterable[object]] = {"resource.standing": EVERY_STANDING}
        in_one = {path: [value] for path, value in zip(of_company, one, strict=True)}
        possible_ones |= allowed(base, in_one | options)
    here = [
        facts(replace(AS_COMPANY, actor=actor), Known(standings=one))
        for one in every_record(FILIAL, ANA)
    ]
    abroad = [
        facts(Question(actor, "read", CompanyAsked(GMBH.id)), Known(foreign=one))
        for one in FOREIGN_RECORDS
    ]
    assert possible_ones == read_from(here + abroad, [*of_company, "resource.standing"])


@by_actor
def test_every_possible_bond_is_somebodys(actor: Actor) -> None:
    """Recorded, in force, and what the actor is in the matriz: all of them."""
    question = replace(AS_COMPANY, actor=actor)
    options = {
        "resource.bond.recorded": (True, False),
        "resource.bond.in_force": (True, False),
        "resource.bond.standing": EVERY_STANDING,
    }
    found = [
        facts(question, Known(bond=bond, standings=standings))
        for bond in (None, BOUND, replace(BOUND, last_day=YESTERDAY))
        for standings in every_record(ACME, ANA)
    ]
    assert allowed(facts(question, Known()), options) == read_from(found, options)


@pytest.mark.parametrize(("backing", "place"), [("backing", FILIAL), ("matriz_backing", ACME)])
def test_every_possible_delegation_is_somebodys(backing: str, place: Cnpj) -> None:
    """State, version, and who backs it here or in the matriz: all of them."""
    options = {
        "resource.delegation.state": closed(DelegationFacts, "state"),
        "resource.delegation.version": (None, 3),
        f"resource.delegation.{backing}": EVERY_STANDING,
    }
    found = [
        facts(
            AS_PROCESS,
            Known(
                process=P001,
                delegation=None if state is None else delegation(FILIAL, state),
                bond=BOUND,
                standings=standings,
            ),
        )
        for state in (None, *STATES)
        for standings in every_record(place, EVA)
    ]
    base = facts(AS_PROCESS, Known(process=P001, bond=BOUND))
    assert allowed(base, options) == read_from(found, options)


@by_actor
@pytest.mark.parametrize("company", [FILIAL, GMBH.id], ids=["national", "foreign"])
def test_every_possible_process_is_somebodys(actor: Actor, company: CompanyId) -> None:
    """Id, code, version, state, and its delegation with both backings: all of them."""
    question = Question(actor, "open", ProcessAsked(ProcessName("P001"), company))
    some = (NOTHING, IS_SOCIO)
    options = {
        "resource.id": (None, "p001"),
        "resource.code": (None, "P001"),
        "resource.version": (None, 3),
        "resource.state": closed(ProcessFacts, "state"),
        "resource.company.bond.recorded": (True, False),
        "resource.delegation.state": ("none", "revoked"),
        "resource.delegation.version": (None, 3),
        "resource.delegation.backing": some,
        "resource.delegation.matriz_backing": some,
    }
    socio = Standing(FILIAL, EVA, Role.SOCIO, Evidence.GOVBR, SEEN)
    national = company == FILIAL
    found = []
    for version, process, bond, delegated, standings in product(
        (None, 3),
        PROCESSES,
        (None, replace(BOUND, last_day=YESTERDAY)) if national else (None,),
        (None, delegation(FILIAL, "revoked")) if national and actor == ANA else (None,),
        ((), (socio,), (replace(socio, company=ACME),), (socio, replace(socio, company=ACME))),
    ):
        asked = replace(question, resource=ProcessAsked(ProcessName("P001", version), company))
        delegated_of_known = None if process is None else delegated
        found.append(
            facts(
                asked,
                Known(
                    process=process, delegation=delegated_of_known, bond=bond, standings=standings
                ),
            )
        )
    assert allowed(facts(question, Known()), options) == read_from(found, options)


@by_actor
def test_every_possible_sign_in_is_somebodys(actor: Actor) -> None:
    """Level, way in, certificate, second factor, agent, and what they prove: all of them."""
    question = replace(AS_COMPANY, actor=actor, sign_in=SIGN_IN.handle)
    inner = [
        SignInFacts(*values)
        for values in product(
            closed(SignInFacts, "level"),
            closed(SignInFacts, "method"),
            closed(SignInFacts, "certificate"),
            (None, ACME.value),
            (True, False),
            (True, False),
            (None, 5),
        )
    ]
    options: dict[str, Iterable[object]] = {
        "resource.question.sign_in": [None, *inner],
        "resource.question.actor_evidence": closed(QuestionFacts, "actor_evidence"),
    }
    at = SIGN_IN.authenticated_at
    found = []
    for methods, level, company, agent, when in product(
        METHODS, (None, *Level), (None, ACME), (True, False), (None, at)
    ):
        if company is not None and certificate_of(methods) is None:
            continue  # the verifier of tokens leaves such a claim out
        kept = replace(
            SIGN_IN,
            methods=methods,
            level=level,
            certificate_company=company,
            agent=agent,
            authenticated_at=when,
        )
        found += [facts(asked, Known(sign_in=kept)) for asked in evidence_of(question)]
    found += [facts(asked, Known()) for asked in evidence_of(question)]
    assert allowed(facts(question, Known()), options) == read_from(found, options)


def evidence_of(question: Question) -> list[Question]:
    """
    Give the question by each evidence that its actor may come with.

    GOV.BR's may come without a sign-in: a token that ended within the verifier's leeway is
    taken, but is over. It may come with an agent's where the sign-in turned out to be one
    after the person was let in; and a policy test may say both.
    """
    those = SAID_OF_PEOPLE if isinstance(question.actor, Cpf) else (Evidence.ASSERTED,)
    return [replace(question, actor_evidence=one) for one in those]


def test_every_possible_pair_of_persons_is_somebodys() -> None:
    """Actor and recipient, registered and confirmed or not, one person or two: all of them."""
    persons = [
        None,
        *(
            PersonFacts(cpf.digits, registered, confirmed)
            for cpf in (ANA, BIA)
            for registered in (True, False)
            for confirmed in (True, False)
        ),
    ]
    options: dict[str, Iterable[object]] = {
        "actor": persons[1:5],
        "resource.question.recipient": persons,
    }
    times = ((None, None), (NOON, None), (NOON, NOON))
    found = [
        facts(
            replace(AS_COMPANY, recipient=recipient),
            Known(people=(Person(ANA, *ana), Person(BIA, *bia))),
        )
        for recipient in (None, ANA, BIA)
        for ana in times
        for bia in times
    ]
    assert allowed(facts(AS_COMPANY, Known()), options) == read_from(found, options)


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
