"""
From records to facts: the only place that does so, whichever store the records come from.

``Known`` holds the records that bear on one question, as a store or a policy test finds
them; ``facts_of`` turns them into facts at one moment, and ``span_of`` tells how long these last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from authz_service.domain.companies import ForeignCompany, Origin, Validation
from authz_service.domain.decision import Actor, ProcessAsked, Question
from authz_service.domain.delegation import Delegation, DelegationState
from authz_service.domain.entities import Thing
from authz_service.domain.facts import (
    NONE,
    UNKNOWN,
    ActorFacts,
    BondFacts,
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
from authz_service.domain.identifiers import CompanyId, Cpf, ForeignId, Login
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing, prevailing
from authz_service.domain.processes import ProcessDefinition
from authz_service.domain.sign_in import Proof, SignIn
from authz_service.domain.time import BRASILIA, CLOCKS_APART

ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""From when and until when what no instant changes is the same."""

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_YES_NO = {True: "yes", False: "no", None: UNKNOWN}
_NO_STANDING = StandingFacts(role=NONE, evidence=NONE, in_force=False)
_NO_BOND = BondFacts(recorded=False, in_force=False, standing=_NO_STANDING)


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
        foreign: the foreign company that the question is about, or None.
    """

    people: tuple[Person, ...] = ()
    process: ProcessDefinition | None = None
    delegation: Delegation | None = None
    bond: Bond | None = None
    standings: tuple[Standing, ...] = ()
    sign_in: SignIn | None = None
    foreign: ForeignCompany | None = None


def facts_of(question: Question, known: Known, moment: datetime) -> Facts:
    """Turn the records about *question* into what the policy may read at *moment*."""
    people = {person.cpf: person for person in known.people}
    actor = _actor(question.actor, people)
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
    sign_in_id = sign_in.id if isinstance(sign_in, SignIn) else None
    asked = question.resource
    if isinstance(asked, Thing):
        thing = ResourceFacts(asked.name.type, asked.name.id, asked.properties, particulars)
        return Facts(actor, thing, sign_in=sign_in_id)
    company = _company(question.actor, asked.company, known, particulars, moment)
    if not isinstance(asked, ProcessAsked):
        return Facts(actor, company, sign_in=sign_in_id)
    return Facts(
        actor,
        _process(asked, known, company, moment),
        known.process,
        None if known.delegation is None else known.delegation.id,
        sign_in_id,
    )


def span_of(question: Question, known: Known, moment: datetime) -> tuple[datetime, datetime]:
    """
    Tell how long the facts of *moment* last, while the records stay as they are.

    Returns:
        since and until, in UTC: ``facts_of`` gives the same at every instant from the first on and
        before the second. Neither is more than it has to be, but may be less.
    """
    since, until = ALWAYS
    try:
        for turn in _turns(question, known, moment):
            if turn <= moment:
                since = max(since, turn)
            else:
                until = min(until, turn)
    except OverflowError:
        # An instant at an end of the calendar: nothing is promised.
        return moment, moment
    return since, until


def _turns(question: Question, known: Known, moment: datetime) -> Iterator[datetime]:
    """Give the last instant before and the first one after *moment* at which each datum turns."""
    for standing in known.standings:
        yield standing.observed_at - CLOCKS_APART
        yield from _counted(standing.observed_at, _DAY, moment)
        if standing.ends_at is not None:
            yield standing.ends_at
    if known.foreign is not None and known.foreign.validated_at is not None:
        yield from _counted(known.foreign.validated_at, _DAY, moment)
    for ending in (known.bond, known.delegation):
        last_day = None if ending is None else ending.last_day
        if last_day is not None and last_day != date.max:
            over = datetime.combine(last_day + _DAY, time.min, BRASILIA)
            yield over.astimezone(UTC)
    for one in (known.sign_in, question.proof):
        if one is not None:
            yield one.ends_at
            if one.authenticated_at is not None:
                yield from _counted(one.authenticated_at, _MINUTE, moment)


def _counted(since: datetime, step: timedelta, moment: datetime) -> Iterator[datetime]:
    """Give the instants between which the whole steps since an instant are the same number."""
    passed = (moment - since) // step
    if passed > 0:
        yield since + passed * step
    yield since + max(passed + 1, 1) * step


def _actor(actor: Actor, people: dict[Cpf, Person]) -> ActorFacts:
    if isinstance(actor, Cpf):
        return _person(actor, people)
    if isinstance(actor, Login):
        return LoginFacts(actor.value)
    return SubjectFacts(actor.name.type, actor.name.id, actor.properties)


def _company(
    actor: Actor, company: CompanyId, known: Known, particulars: QuestionFacts, moment: datetime
) -> CompanyFacts:
    if isinstance(company, ForeignId):
        foreign = known.foreign
        return CompanyFacts(
            id=company.value,
            cnpj=None,
            origin=Origin.FOREIGN.value,
            validation=UNKNOWN if foreign is None else foreign.validation.value,
            standing=_representation(actor, foreign, moment),
            bond=_NO_BOND,
            question=particulars,
        )
    people = [actor] if isinstance(actor, Cpf) else []
    return CompanyFacts(
        id=company.value,
        cnpj=company.value,
        origin=Origin.NATIONAL.value,
        validation=NONE,
        standing=_standing(known, people, company, moment),
        bond=_bond(known, people, moment),
        question=particulars,
    )


def _representation(
    actor: Actor, foreign: ForeignCompany | None, moment: datetime
) -> StandingFacts:
    """Tell whether Inmetro's team has named the login as a representative of the company."""
    if foreign is None or actor not in foreign.representatives:
        return _NO_STANDING
    since = foreign.validated_at
    return StandingFacts(
        role=Role.REPRESENTANTE_LEGAL.value,
        evidence=Evidence.INMETRO.value,
        in_force=foreign.validation is Validation.VALIDATED,
        days=None if since is None else max(0, (moment - since).days),
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
    known: Known, people: Iterable[Cpf], company: CompanyId, moment: datetime
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


def _bond(known: Known, people: Iterable[Cpf], moment: datetime) -> BondFacts:
    if known.bond is None:
        return _NO_BOND
    return BondFacts(
        recorded=True,
        in_force=known.bond.in_force(moment),
        standing=_standing(known, people, known.bond.matriz, moment),
    )


def _delegation(known: Known, company: CompanyId, moment: datetime) -> DelegationFacts:
    delegation, bond = known.delegation, known.bond
    backers = () if delegation is None else delegation.backers
    by_matriz = _NO_STANDING if bond is None else _standing(known, backers, bond.matriz, moment)
    return DelegationFacts(
        state=(DelegationState.NONE if delegation is None else delegation.state(moment)).value,
        version=None if delegation is None else delegation.version,
        backing=_standing(known, backers, company, moment),
        matriz_backing=by_matriz,
    )
