"""What the constraints allow of each small group of facts, some records give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from operator import attrgetter

import pytest

from authz_service.domain.decision import (
    Actor,
    CompanyAsked,
    ProcessAsked,
    Question,
)
from authz_service.domain.facts import (
    CompanyFacts,
    DelegationFacts,
    Facts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    SignInFacts,
    StandingFacts,
)
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf
from authz_service.domain.known import Known
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName
from authz_service.domain.sign_in import Level, certificate_of
from authz_service.policy.diagrams.possible import broken
from tests.fakes.clock import NOON
from tests.policy.facts import (
    ACME,
    ALICE,
    ANA,
    BIA,
    FILIAL,
    GMBH,
    P001,
    SIGN_IN,
    WEBER,
    changed,
    closed,
    facts,
)
from tests.policy.recorded import (
    ABROAD,
    EVA,
    IS_SOCIO,
    METHODS,
    NOTHING,
    PROCESSES,
    SAID_OF_PEOPLE,
    SEEN,
    STATES,
    YESTERDAY,
    delegation,
)

pytestmark = pytest.mark.uncovered
"""A million questions to a few lines, which `test_possible.py` covers."""

# Tightness: what is possible is given by some records.


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
