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
from authz_service.domain.sign_in import Proof, SignIn

NONE = "none"
"""The name of absence in closed facts."""

UNKNOWN = "unknown"
"""The name of what GOV.BR or the catalogue did not tell."""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person: the actor, or the recipient of a delegation."""

    cpf: str = field(repr=False)
    registered: bool
    confirmed: bool


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """
    What somebody is in a company; role and evidence are ``none`` if nothing.

    ``days`` is the age of the observation, nil without one.
    """

    role: str
    evidence: str
    in_force: bool
    days: int | None = None
    cadastrador: str = UNKNOWN


_YES_NO = {True: "yes", False: "no", None: UNKNOWN}
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
class SignInFacts:
    """The sign-in that the actor acts in; words are ``none`` where no token told."""

    level: str
    method: str
    certificate: str
    cnpj: str | None
    second_factor: bool
    agent: bool
    minutes: int | None


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """The question's own particulars; ``context`` and ``properties`` are only asserted."""

    recipient: PersonFacts | None
    actor_evidence: str
    context: Bag
    properties: Bag
    sign_in: SignInFacts | None = None


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
        sign_in: the id of the kept sign-in in force that the actor acts in, or None; likewise.
    """

    actor: PersonFacts
    resource: ProcessFacts | CompanyFacts
    process: ProcessDefinition | None = None
    delegation: str | None = None
    sign_in: str | None = None

    @property
    def question(self) -> QuestionFacts:
        """The question's own particulars."""
        return self.resource.question


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
        sign_in: the sign-in whose handle the question brings, whoever's it is, or None.
    """

    people: tuple[Person, ...] = ()
    process: ProcessDefinition | None = None
    delegation: Delegation | None = None
    bond: Bond | None = None
    standings: tuple[Standing, ...] = ()
    sign_in: SignIn | None = None


def facts_of(question: Question, known: Known, moment: datetime) -> Facts:
    """Turn the records about *question* into what the policy may read at *moment*."""
    people = {person.cpf: person for person in known.people}
    actor = _person(question.actor, people)
    sign_in = _sign_in_of(question, known.sign_in, moment)
    # Who signed in by power of attorney is the agent; whose act it is, nobody has proved.
    proven = sign_in is not None and not sign_in.agent
    particulars = QuestionFacts(
        recipient=None if question.recipient is None else _person(question.recipient, people),
        actor_evidence=(Evidence.GOVBR if proven else question.actor_evidence).value,
        context=question.context,
        properties=question.properties,
        sign_in=None if sign_in is None else _sign_in(sign_in, moment),
    )
    asked = question.resource
    company = CompanyFacts(
        cnpj=asked.company.value,
        standing=_standing(known, [question.actor], asked.company, moment),
        bond=_bond(known, question.actor, moment),
        question=particulars,
    )
    sign_in_id = sign_in.id if isinstance(sign_in, SignIn) else None
    if isinstance(asked, CompanyAsked):
        return Facts(actor, company, sign_in=sign_in_id)
    return Facts(
        actor,
        _process(asked, known, company, moment),
        known.process,
        None if known.delegation is None else known.delegation.id,
        sign_in_id,
    )


def _sign_in_of(question: Question, kept: SignIn | None, moment: datetime) -> Proof | None:
    """
    Give what says something about the actor now: an own sign-in that is not over.

    The one that the handle means comes first, since it may know more than the token that was
    brought with the question: an id_token came with it.
    """
    meant = kept if kept is not None and kept.handle == question.sign_in else None
    for one in (meant, question.proof):
        if one is not None and one.person == question.actor and one.in_force(moment):
            return one
    return None


def _sign_in(sign_in: Proof, moment: datetime) -> SignInFacts:
    since, company = sign_in.authenticated_at, sign_in.certificate_company
    return SignInFacts(
        level=NONE if sign_in.level is None else sign_in.level.value,
        method=sign_in.method.value,
        certificate=NONE if sign_in.certificate is None else sign_in.certificate.value,
        cnpj=None if company is None else company.value,
        second_factor=sign_in.second_factor,
        agent=sign_in.agent,
        minutes=None if since is None else max(0, int((moment - since).total_seconds() // 60)),
    )


def _process(
    asked: ProcessAsked, known: Known, company: CompanyFacts, moment: datetime
) -> ProcessFacts:
    process, version = known.process, asked.name.version
    if process is None:
        identity, code, state = None, None, UNKNOWN
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

    Best is: it represents now, before all; then, it is verified, so that a rule that refuses
    asserted evidence still finds a verified backer beside an asserted one; then, it is fresh.
    """
    found = []
    for person in people:
        theirs = [one for one in known.standings if one.person == person and one.company == company]
        standing = prevailing(theirs)
        if standing is not None:
            found.append(standing)
    best = max(
        found,
        key=lambda one: (
            one.represents(moment),
            one.evidence is Evidence.GOVBR,
            one.observed_at,
        ),
        default=None,
    )
    if best is None:
        return _NO_STANDING
    return StandingFacts(
        role=best.role.value,
        evidence=best.evidence.value,
        in_force=best.in_force(moment),
        days=best.days(moment),
        cadastrador=_YES_NO[best.cadastrador],
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
