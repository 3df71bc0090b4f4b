"""
What is known about a question, in the shape that policies read.

``Known`` holds the records that bear on one question, as a store finds them; ``facts_of``
turns them into facts at one moment. It is the only place that does so, whichever store
the records come from and also in policy tests. Time becomes facts (``in_force``),
relations become facts of the question (``process.delegation``), absence has a name
(``none``): most facts have small closed domains, and a rule reads like a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from authz_service.domain.decision import Bag, CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Delegation, DelegationState
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Bond, Evidence, Person, Standing, prevailing
from authz_service.domain.processes import ProcessDefinition

NONE = "none"
"""The name of absence in closed facts."""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person: the actor, or the recipient of a delegation."""

    cpf: str = field(repr=False)
    registered: bool
    confirmed: bool


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """What somebody is in a company; role and evidence are ``none`` if nothing."""

    role: str
    evidence: str
    in_force: bool


_NO_STANDING = StandingFacts(role=NONE, evidence=NONE, in_force=False)


@dataclass(frozen=True, slots=True)
class BondFacts:
    """Whether a matriz is on record for the filial, and what the actor is in that matriz."""

    recorded: bool
    in_force: bool
    standing: StandingFacts


@dataclass(frozen=True, slots=True)
class DelegationFacts:
    """
    What the company delegated to the actor for the process.

    ``backing`` is the best standing in the company among grantor and confirmers,
    ``matriz_backing`` the same in the matriz of a recorded bond.
    """

    state: str
    version: int | None
    backing: StandingFacts
    matriz_backing: StandingFacts


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """The question's own particulars; ``context`` and ``properties`` are only asserted."""

    recipient: PersonFacts | None
    actor_evidence: str
    context: Bag
    properties: Bag


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """A company, with what the actor is in it."""

    cnpj: str
    standing: StandingFacts
    bond: BondFacts
    question: QuestionFacts


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """A process, in the name of one company."""

    id: str | None
    code: str | None
    version: int | None
    state: str
    company: CompanyFacts
    delegation: DelegationFacts
    question: QuestionFacts


@dataclass(frozen=True, slots=True)
class Facts:
    """
    All that a policy may know about one question.

    Attributes:
        actor: who acts.
        resource: what is acted on, with everything that hangs on it.
        process: the process that the question turned out to mean, or None.
        delegation: the id of the delegation that bears on the question, or None; for the
            record, no rule reads it.
    """

    actor: PersonFacts
    resource: ProcessFacts | CompanyFacts
    process: ProcessDefinition | None = None
    delegation: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """
    The records that bear on one question.

    Attributes:
        people: actor and recipient, those that are known.
        process: the process that the question means, or None.
        delegation: the actor's latest delegation for company and process, or None.
        bond: the company's recorded bond to a matriz, or None.
        standings: the standings of actor and backers in the company and in the matriz.
    """

    people: tuple[Person, ...] = ()
    process: ProcessDefinition | None = None
    delegation: Delegation | None = None
    bond: Bond | None = None
    standings: tuple[Standing, ...] = ()


def facts_of(question: Question, known: Known, moment: datetime) -> Facts:
    """Turn the records about *question* into what the policy may read at *moment*."""
    people = {person.cpf: person for person in known.people}
    actor = _person(question.actor, people)
    particulars = QuestionFacts(
        recipient=None if question.recipient is None else _person(question.recipient, people),
        actor_evidence=question.actor_evidence.value,
        context=question.context,
        properties=question.properties,
    )
    asked = question.resource
    company = CompanyFacts(
        cnpj=asked.company.value,
        standing=_standing(known, [question.actor], asked.company, moment),
        bond=_bond(known, question.actor, moment),
        question=particulars,
    )
    if isinstance(asked, CompanyAsked):
        return Facts(actor, company)
    return Facts(
        actor,
        _process(asked, known, company, moment),
        known.process,
        None if known.delegation is None else known.delegation.id,
    )


def _process(
    asked: ProcessAsked, known: Known, company: CompanyFacts, moment: datetime
) -> ProcessFacts:
    process, version = known.process, asked.name.version
    if process is None:
        identity, code, state = None, None, "unknown"
    else:
        identity, code, state = process.id.value, process.code, process.state.value
        version = process.version if version is None else version
    return ProcessFacts(
        id=identity,
        code=code,
        version=version,
        state=state,
        company=company,
        delegation=_delegation(known, asked.company, moment),
        question=company.question,
    )


def _person(cpf: Cpf, people: dict[Cpf, Person]) -> PersonFacts:
    person = people.get(cpf, Person(cpf))
    return PersonFacts(
        cpf=cpf.digits,
        registered=person.registered_at is not None,
        confirmed=person.confirmed_at is not None,
    )


def _standing(
    known: Known, people: Iterable[Cpf], company: Cnpj, moment: datetime
) -> StandingFacts:
    """
    Give the best prevailing standing in *company* among *people*.

    Best is: it represents now, before all; then, it is verified. So a rule that refuses
    asserted evidence still finds a verified backer beside an asserted one.
    """
    found = []
    for person in people:
        theirs = [one for one in known.standings if one.person == person and one.company == company]
        standing = prevailing(theirs)
        if standing is not None:
            found.append(standing)
    best = max(
        found,
        key=lambda one: (one.represents(moment), one.evidence is Evidence.GOVBR),
        default=None,
    )
    if best is None:
        return _NO_STANDING
    return StandingFacts(
        role=best.role.value, evidence=best.evidence.value, in_force=best.in_force(moment)
    )


def _bond(known: Known, actor: Cpf, moment: datetime) -> BondFacts:
    if known.bond is None:
        return BondFacts(recorded=False, in_force=False, standing=_NO_STANDING)
    return BondFacts(
        recorded=True,
        in_force=known.bond.in_force(moment),
        standing=_standing(known, [actor], known.bond.matriz, moment),
    )


def _delegation(known: Known, company: Cnpj, moment: datetime) -> DelegationFacts:
    delegation, bond = known.delegation, known.bond
    backers = () if delegation is None else delegation.backers
    by_matriz = _NO_STANDING if bond is None else _standing(known, backers, bond.matriz, moment)
    return DelegationFacts(
        state=(DelegationState.NONE if delegation is None else delegation.state(moment)).value,
        version=None if delegation is None else delegation.version,
        backing=_standing(known, backers, company, moment),
        matriz_backing=by_matriz,
    )
