"""From records to facts: what policies may read about a question at one moment."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Delegation, DelegationState, Event, EventKind
from authz_service.domain.facts import (
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    Facts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    StandingFacts,
)
from authz_service.domain.identifiers import ERASED
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    P018,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON

TICK = timedelta(microseconds=1)
TODAY = date(2026, 11, 20)

ASKED = ProcessAsked(ProcessName("P001"), COMPANY)
QUESTION = Question(MEMBER, "open", ASKED)
AS_COMPANY = replace(QUESTION, action="read_delegations", resource=CompanyAsked(COMPANY))

NOTHING = StandingFacts(role="none", evidence="none", in_force=False)
VERIFIED = StandingFacts(role="socio", evidence="govbr", in_force=True, days=0)
ASSERTED = StandingFacts(role="socio", evidence="asserted", in_force=True, days=0)

SOCIO = Standing(COMPANY, REPRESENTATIVE, Role.SOCIO, Evidence.GOVBR, NOON)
SAID = replace(SOCIO, evidence=Evidence.ASSERTED)
BOND = Bond(FILIAL, COMPANY, "0052600.001234/2026-11", NOON, TODAY)


def delegation(*backers: Event, last_day: date | None = None) -> Delegation:
    """Give a delegation of P001 in version 2 that was granted by the representative."""
    grant = Event(EventKind.GRANTED, NOON, REPRESENTATIVE, "orquestra", last_day=last_day)
    return Delegation("d1", COMPANY, MEMBER, P001.id, 2, (grant, *backers))


CONFIRMED = Event(EventKind.CONFIRMED, NOON, PARTNER, "orquestra")


def process_facts(question: Question, known: Known, moment: datetime = NOON) -> ProcessFacts:
    """Give the facts of a question about a process."""
    resource = facts_of(question, known, moment).resource
    assert isinstance(resource, ProcessFacts)
    return resource


def test_everything_known_becomes_a_fact() -> None:
    """The whole of what a policy reads, for a question about which all is on record."""
    question = replace(
        QUESTION,
        action="delegate",
        actor=REPRESENTATIVE,
        actor_evidence=Evidence.GOVBR,
        recipient=MEMBER,
        context={"channel": "portal"},
        properties={"urgent": True},
        resource=ProcessAsked(ProcessName("P001", 2), FILIAL),
    )
    known = Known(
        people=(Person(MEMBER, NOON, NOON), Person(REPRESENTATIVE, NOON)),
        process=replace(P001, state=ProcessState.CLOSED),
        delegation=replace(delegation(last_day=TODAY), company=FILIAL, member=REPRESENTATIVE),
        bond=BOND,
        standings=(SOCIO, replace(SAID, company=FILIAL)),
    )
    particulars = QuestionFacts(
        recipient=PersonFacts("18762794604", registered=True, confirmed=True),
        actor_evidence="govbr",
        context={"channel": "portal"},
        properties={"urgent": True},
    )
    expected = Facts(
        actor=PersonFacts("72268402517", registered=True, confirmed=False),
        resource=ProcessFacts(
            id="p001",
            code="P001",
            version=2,
            state="closed",
            company=CompanyFacts(
                id="52420282000260",
                cnpj="52420282000260",
                origin="national",
                validation="none",
                standing=ASSERTED,
                bond=BondFacts(recorded=True, in_force=True, standing=VERIFIED),
                question=particulars,
            ),
            delegation=DelegationFacts(
                state="in_force", version=2, backing=ASSERTED, matriz_backing=VERIFIED
            ),
            question=particulars,
        ),
        process=known.process,
        delegation="d1",
    )
    assert expected == facts_of(question, known, NOON)


def test_nothing_known_is_named_as_nothing() -> None:
    """Absence has a name in each closed fact, so that a rule can speak of it."""
    particulars = QuestionFacts(None, "asserted", {}, {})
    expected = Facts(
        actor=PersonFacts("18762794604", registered=False, confirmed=False),
        resource=ProcessFacts(
            id=None,
            code=None,
            version=None,
            state="unknown",
            company=CompanyFacts(
                id="52420282000180",
                cnpj="52420282000180",
                origin="national",
                validation="none",
                standing=NOTHING,
                bond=BondFacts(recorded=False, in_force=False, standing=NOTHING),
                question=particulars,
            ),
            delegation=DelegationFacts("none", None, NOTHING, NOTHING),
            question=particulars,
        ),
        process=None,
    )
    assert expected == facts_of(QUESTION, Known(), NOON)


def test_a_question_about_a_company_has_the_company_as_its_resource() -> None:
    """Reading delegations is about the company as a whole, whatever else was found."""
    known = Known(standings=(replace(SAID, person=MEMBER),), process=P001)
    facts = facts_of(AS_COMPANY, known, NOON)
    particulars = QuestionFacts(None, "asserted", {}, {})
    nothing = BondFacts(recorded=False, in_force=False, standing=NOTHING)
    assert facts.resource == CompanyFacts(
        id="52420282000180",
        cnpj="52420282000180",
        origin="national",
        validation="none",
        standing=ASSERTED,
        bond=nothing,
        question=particulars,
    )
    assert facts.process is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, P001.version), (1, 1), (P001.version, P001.version), (99, 99)],
)
def test_the_version_is_the_one_asked_about_else_the_newest(
    asked: int | None, expected: int
) -> None:
    """A named version is taken as it is, also one that the catalogue has not heard of."""
    question = replace(QUESTION, resource=ProcessAsked(ProcessName("P001", asked), COMPANY))
    assert expected == process_facts(question, Known(process=P001)).version


@pytest.mark.parametrize("asked", [None, 3])
def test_an_unknown_process_keeps_the_version_that_was_asked_about(asked: int | None) -> None:
    """Nothing is known of the process, and the question stays what it was."""
    question = replace(QUESTION, resource=ProcessAsked(ProcessName("P999", asked), COMPANY))
    facts = process_facts(question, Known())
    assert (None, None, asked, "unknown") == (facts.id, facts.code, facts.version, facts.state)


@pytest.mark.parametrize("state", ProcessState)
def test_a_known_process_says_whether_it_takes_requests(state: ProcessState) -> None:
    """The state is the catalogue's."""
    known = Known(process=replace(P018, state=state))
    assert state.value == process_facts(QUESTION, known).state


@pytest.mark.parametrize(
    ("person", "registered", "confirmed"),
    [
        (None, False, False),
        (Person(MEMBER), False, False),
        (Person(MEMBER, NOON), True, False),
        (Person(MEMBER, NOON, NOON), True, True),
    ],
)
@pytest.mark.parametrize("as_recipient", [False, True])
def test_actor_and_recipient_are_known_as_far_as_they_are_on_record(
    person: Person | None, registered: bool, confirmed: bool, as_recipient: bool
) -> None:
    """Somebody who was never heard of is a person all the same, registered nowhere."""
    others = (Person(STRANGER, NOON, NOON), Person(PARTNER, NOON, NOON))
    known = Known(people=others if person is None else (*others, person))
    question = QUESTION
    if as_recipient:
        question = replace(QUESTION, actor=REPRESENTATIVE, recipient=MEMBER)
    facts = facts_of(question, known, NOON)
    found = facts.resource.question.recipient if as_recipient else facts.actor
    assert PersonFacts(MEMBER.digits, registered, confirmed) == found


# Standing of the actor


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ((), NOTHING),
        ((replace(SOCIO, person=MEMBER),), VERIFIED),
        ((SOCIO,), NOTHING),
        ((replace(SOCIO, person=MEMBER, company=OTHER_COMPANY),), NOTHING),
        ((replace(SOCIO, person=MEMBER, company=FILIAL),), NOTHING),
        (
            (replace(SOCIO, person=MEMBER, ends_at=NOON),),
            replace(VERIFIED, in_force=False),
        ),
        ((replace(SOCIO, person=MEMBER, ends_at=NOON + TICK),), VERIFIED),
        (
            (replace(SAID, person=MEMBER), replace(SOCIO, person=MEMBER, role=Role.CONTADOR)),
            replace(VERIFIED, role="contador"),
        ),
        (
            (replace(SAID, person=MEMBER), replace(SOCIO, person=MEMBER, ends_at=NOON)),
            replace(VERIFIED, in_force=False),
        ),
    ],
    ids=[
        "none",
        "own",
        "somebody else's",
        "in another company",
        "in another establishment of the same company",
        "over at this instant",
        "over an instant later",
        "asserted sócio whom GOV.BR knows as the accountant",
        "asserted, where GOV.BR's own is over",
    ],
)
def test_the_actor_stands_for_the_company_asked_about_only(
    standings: tuple[Standing, ...], expected: StandingFacts
) -> None:
    """One person's prevailing standing in one establishment, at one moment."""
    facts = facts_of(AS_COMPANY, Known(standings=standings), NOON).resource
    assert isinstance(facts, CompanyFacts)
    assert expected == facts.standing


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("evidence", Evidence)
@pytest.mark.parametrize("over", [False, True])
def test_role_evidence_and_time_are_three_facts(role: Role, evidence: Evidence, over: bool) -> None:
    """They are told apart, so that a rule can ask for each by itself."""
    ends_at = NOON if over else None
    standing = replace(SOCIO, person=MEMBER, role=role, evidence=evidence, ends_at=ends_at)
    facts = process_facts(QUESTION, Known(standings=(standing,)))
    assert StandingFacts(role.value, evidence.value, not over, 0) == facts.company.standing


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), 0),
        (timedelta(days=1) - TICK, 0),
        (timedelta(days=1), 1),
        (timedelta(days=30, hours=23), 30),
        (-TICK, 0),
        (timedelta(minutes=-5), 0),
    ],
)
def test_a_standing_tells_the_age_of_its_observation(age: timedelta, expected: int) -> None:
    """Whole days, never negative, so that policies can limit how old a word may be."""
    standing = replace(SOCIO, person=MEMBER, observed_at=NOON - age)
    facts = process_facts(QUESTION, Known(standings=(standing,)))
    assert replace(VERIFIED, days=expected) == facts.company.standing


def test_where_there_is_no_standing_nothing_has_an_age() -> None:
    """Nil is not zero: what was never seen is not fresh."""
    facts = process_facts(QUESTION, Known())
    assert (None, "unknown") == (facts.company.standing.days, facts.company.standing.cadastrador)


@pytest.mark.parametrize(
    ("cadastrador", "expected"), [(True, "yes"), (False, "no"), (None, "unknown")]
)
def test_a_standing_tells_whether_the_person_is_a_cadastrador(
    cadastrador: bool | None, expected: str
) -> None:
    """What GOV.BR did not tell is a word of its own, and not a no."""
    standing = replace(SOCIO, person=MEMBER, cadastrador=cadastrador)
    facts = process_facts(QUESTION, Known(standings=(standing,)))
    assert replace(VERIFIED, cadastrador=expected) == facts.company.standing


# Bonds


@pytest.mark.parametrize(
    ("moment", "in_force"),
    [
        ("2026-11-21T02:59:59.999999+00:00", True),
        ("2026-11-21T03:00:00+00:00", False),
    ],
)
def test_a_bond_shows_whether_it_counts_now(moment: str, in_force: bool) -> None:
    """A recorded bond that is over stays recorded, and does not count."""
    question = replace(QUESTION, resource=ProcessAsked(ProcessName("P001"), FILIAL))
    facts = process_facts(question, Known(bond=BOND), datetime.fromisoformat(moment))
    assert BondFacts(recorded=True, in_force=in_force, standing=NOTHING) == facts.company.bond


def test_the_actors_standing_in_the_matriz_is_a_fact_of_the_bond() -> None:
    """It is kept apart from the standing in the filial, which stands for itself."""
    question = replace(
        QUESTION, actor=REPRESENTATIVE, resource=ProcessAsked(ProcessName("P001"), FILIAL)
    )
    facts = process_facts(question, Known(bond=BOND, standings=(SOCIO,)))
    assert NOTHING == facts.company.standing
    assert VERIFIED == facts.company.bond.standing


def test_without_a_bond_the_matriz_is_nothing_to_the_filial() -> None:
    """Sharing the first eight characters is no bond."""
    question = replace(
        QUESTION, actor=REPRESENTATIVE, resource=ProcessAsked(ProcessName("P001"), FILIAL)
    )
    known = Known(standings=(SOCIO,), delegation=replace(delegation(), company=FILIAL))
    facts = process_facts(question, known)
    assert BondFacts(recorded=False, in_force=False, standing=NOTHING) == facts.company.bond
    assert NOTHING == facts.delegation.backing == facts.delegation.matriz_backing


# Delegations


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, "none"),
        (delegation(), "in_force"),
        (delegation(last_day=TODAY), "in_force"),
        (delegation(last_day=TODAY - timedelta(days=1)), "expired"),
        (delegation(Event(EventKind.REVOKED, NOON, PARTNER, "x")), "revoked"),
        (delegation(Event(EventKind.RENOUNCED, NOON, MEMBER, "x")), "renounced"),
        (delegation(Event(EventKind.EXPIRED, NOON, PARTNER, "x")), "expired"),
    ],
)
def test_a_delegation_shows_its_state_and_version(known: Delegation | None, expected: str) -> None:
    """State and version are told also where it is over, and absence is a state."""
    facts = process_facts(QUESTION, Known(delegation=known)).delegation
    assert expected == facts.state
    assert (None if known is None else 2) == facts.version


def test_every_state_of_a_delegation_has_its_name_in_the_facts() -> None:
    """The closed domain of the fact is the enumeration, ``none`` included."""
    assert {"none", "in_force", "expired", "revoked", "renounced"} == set(DelegationState)


GONE = replace(SOCIO, ends_at=NOON)


@pytest.mark.parametrize(
    ("grantor", "confirmer", "expected"),
    [
        ([], [], NOTHING),
        ([SOCIO], [], VERIFIED),
        ([], [SOCIO], VERIFIED),
        ([SAID], [SOCIO], VERIFIED),
        ([SOCIO], [SAID], VERIFIED),
        ([GONE], [SAID], ASSERTED),
        ([SAID], [GONE], ASSERTED),
        ([GONE], [GONE], replace(VERIFIED, in_force=False)),
        ([GONE], [replace(SAID, ends_at=NOON)], replace(VERIFIED, in_force=False)),
        ([replace(SOCIO, role=Role.CONTADOR)], [SAID], ASSERTED),
        ([SAID], [replace(SOCIO, role=Role.COLABORADOR)], ASSERTED),
        (
            [replace(SOCIO, role=Role.CONTADOR)],
            [replace(SAID, role=Role.COLABORADOR)],
            replace(VERIFIED, role="contador"),
        ),
        (
            [replace(SAID, role=Role.COLABORADOR)],
            [replace(SOCIO, role=Role.CONTADOR)],
            replace(VERIFIED, role="contador"),
        ),
        (
            [SAID, replace(SOCIO, role=Role.CONTADOR)],
            [replace(SAID, role=Role.COLABORADOR)],
            replace(VERIFIED, role="contador"),
        ),
        ([replace(SOCIO, company=OTHER_COMPANY)], [], NOTHING),
        (
            [replace(SAID, role=Role.REPRESENTANTE_LEGAL)],
            [],
            replace(ASSERTED, role="representante_legal"),
        ),
    ],
    ids=[
        "nobody of standing",
        "the grantor",
        "the confirmer",
        "verified before asserted",
        "verified before asserted, the other way",
        "standing now before a verified one that is over",
        "standing now before a verified one that is over, the other way",
        "both over",
        "both over, verified before asserted",
        "one who represents before a verified one who does not",
        "one who represents before a verified one who does not, the other way",
        "neither represents, verified before asserted",
        "neither represents, verified before asserted, the other way",
        "each person's own prevailing standing first",
        "standing in another company",
        "the role as it is",
    ],
)
@pytest.mark.parametrize("in_matriz", [False, True])
def test_the_best_backer_stands_for_a_delegation(
    grantor: Sequence[Standing],
    confirmer: Sequence[Standing],
    expected: StandingFacts,
    in_matriz: bool,
) -> None:
    """
    Best is who represents now, then who is verified: one such backer is enough.

    The same holds in the matriz of a recorded bond, and each of the two is told by itself.
    """
    standings = [*grantor, *(replace(one, person=PARTNER) for one in confirmer)]
    question, known = QUESTION, Known(delegation=delegation(CONFIRMED))
    if in_matriz:
        question = replace(QUESTION, resource=ProcessAsked(ProcessName("P001"), FILIAL))
        known = replace(known, bond=BOND)
    for order in itertools.permutations(standings):
        facts = process_facts(question, replace(known, standings=order)).delegation
        one, other = facts.backing, facts.matriz_backing
        assert (expected, NOTHING) == ((other, one) if in_matriz else (one, other))


def aged(standing: Standing, days: int) -> Standing:
    """Give the same standing, observed *days* before noon."""
    return replace(standing, observed_at=NOON - timedelta(days=days))


@pytest.mark.parametrize(
    ("grantor", "confirmer", "expected"),
    [
        (aged(SOCIO, 90), aged(SOCIO, 3), replace(VERIFIED, days=3)),
        (aged(SOCIO, 3), aged(SOCIO, 90), replace(VERIFIED, days=3)),
        (aged(SAID, 90), aged(SAID, 3), replace(ASSERTED, days=3)),
        (aged(SOCIO, 90), SAID, replace(VERIFIED, days=90)),
        (aged(SAID, 90), replace(SOCIO, role=Role.CONTADOR), replace(ASSERTED, days=90)),
        (aged(SAID, 90), GONE, replace(ASSERTED, days=90)),
        (
            replace(aged(SOCIO, 90), role=Role.CONTADOR),
            replace(SOCIO, role=Role.COLABORADOR),
            replace(VERIFIED, role="colaborador"),
        ),
    ],
    ids=[
        "the confirmer's is fresher",
        "the grantor's is fresher",
        "both asserted",
        "verified before fresh",
        "representing before fresh",
        "representing before fresh and verified",
        "neither represents",
    ],
)
def test_among_backers_that_are_equally_good_the_freshest_stands(
    grantor: Standing, confirmer: Standing, expected: StandingFacts
) -> None:
    """A limit on the age of an observation is held to the best that there is."""
    standings = (grantor, replace(confirmer, person=PARTNER))
    for order in (standings, standings[::-1]):
        known = Known(delegation=delegation(CONFIRMED), standings=order)
        assert expected == process_facts(QUESTION, known).delegation.backing


def test_who_was_erased_backs_nothing() -> None:
    """A delegation whose grantor was forgotten is backed by the confirmers that are left."""
    forgotten = Event(EventKind.GRANTED, NOON, ERASED, "orquestra")
    orphan = Delegation("d1", COMPANY, MEMBER, P001.id, 2, (forgotten,))
    known = Known(delegation=orphan, standings=(SOCIO,))
    assert NOTHING == process_facts(QUESTION, known).delegation.backing
    confirmed = replace(orphan, history=(forgotten, CONFIRMED))
    known = Known(delegation=confirmed, standings=(replace(SOCIO, person=PARTNER),))
    assert VERIFIED == process_facts(QUESTION, known).delegation.backing


def test_the_members_own_standing_backs_nothing() -> None:
    """Only grantor and confirmers stand behind a delegation, not who was given it."""
    own = replace(SOCIO, person=MEMBER)
    bystander = replace(SOCIO, person=STRANGER)
    known = Known(delegation=delegation(), standings=(own, bystander))
    assert NOTHING == process_facts(QUESTION, known).delegation.backing


def test_no_cpf_is_printed_with_the_facts() -> None:
    """Facts may end in a log or a traceback, so their ``repr`` hides the digits."""
    question = replace(QUESTION, recipient=PARTNER)
    known = Known(people=(Person(MEMBER, NOON),), delegation=delegation(), standings=(SOCIO,))
    printed = repr(facts_of(question, known, NOON)) + repr(question) + repr(known)
    found = [cpf.digits for cpf in (MEMBER, PARTNER, REPRESENTATIVE) if cpf.digits in printed]
    assert [] == found
