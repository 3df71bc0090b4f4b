"""Which facts can be together: no more than records give, and each constraint counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from authz_service.domain.decision import (
    ProcessAsked,
    Question,
)
from authz_service.domain.facts import (
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    StandingFacts,
    SubjectFacts,
)
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Evidence, Person
from authz_service.domain.processes import ProcessName
from authz_service.policy.diagrams.possible import CONSTRAINTS, Constraint, broken
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
    changed,
    facts,
)
from tests.policy.recorded import EVA, IS_SOCIO, NOTHING, SEEN, SOCIO, delegation, recorded

SHIPPED = Path(__file__).parents[2] / "policies"


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
