"""From a sign-in to facts: whose it is, whether it counts now, and what it proves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.facts import Facts, SignInFacts
from authz_service.domain.identifiers import Cnpj
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from authz_service.domain.sign_in import Companies, Level, SignIn
from tests.domain.document import COMPANY, MEMBER, OTHER_COMPANY, P001, PARTNER, REPRESENTATIVE
from tests.fakes.clock import NOON

TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)

HANDLE = "the-handle-of-this-sign-in"
SIGN_IN = SignIn(
    id="5" * 32,
    handle=HANDLE,
    digest="d1" * 32,
    client="portal",
    person=REPRESENTATIVE,
    methods=("x509", "x509_token", "mfa", "otp"),
    level=Level.GOLD,
    certificate_company=COMPANY,
    agent=False,
    authenticated_at=NOON - 90 * MINUTE,
    began_at=NOON - 5 * MINUTE,
    ends_at=NOON + TICK,
    companies=Companies.OBSERVED,
)
QUESTION = Question(
    REPRESENTATIVE,
    "delegate",
    ProcessAsked(ProcessName("P001"), COMPANY),
    recipient=MEMBER,
    sign_in=HANDLE,
)
AS_COMPANY = replace(QUESTION, action="read_delegations", resource=CompanyAsked(COMPANY))

PROVEN = SignInFacts(
    level="gold",
    method="certificate",
    certificate="device",
    cnpj="52420282000180",
    second_factor=True,
    agent=False,
    minutes=90,
)


def facts_with(sign_in: SignIn | None, question: Question = QUESTION) -> Facts:
    """Give the facts of a question when *sign_in* was found for it."""
    return facts_of(question, Known(process=P001, sign_in=sign_in), NOON)


def told(facts: Facts) -> tuple[SignInFacts | None, str | None, str]:
    """Give all that facts say of a sign-in: what it proved, its id, how the actor is known."""
    return facts.question.sign_in, facts.sign_in, facts.question.actor_evidence


@pytest.mark.parametrize("question", [QUESTION, AS_COMPANY], ids=["process", "company"])
@pytest.mark.parametrize("evidence", Evidence)
def test_an_own_sign_in_in_force_becomes_facts_of_the_question(
    question: Question, evidence: Evidence
) -> None:
    """It tells how the person got in, and proves that it is this person who acts."""
    facts = facts_with(SIGN_IN, replace(question, actor_evidence=evidence))
    assert (PROVEN, "5" * 32, "govbr") == told(facts)
    assert facts.question is facts.resource.question


@pytest.mark.parametrize(
    ("question", "sign_in"),
    [
        (QUESTION, None),
        (replace(QUESTION, sign_in=None), SIGN_IN),
        (replace(QUESTION, sign_in=""), SIGN_IN),
        (replace(QUESTION, sign_in=HANDLE.upper()), SIGN_IN),
        (replace(QUESTION, sign_in=SIGN_IN.id), SIGN_IN),
        (replace(QUESTION, sign_in=SIGN_IN.digest), SIGN_IN),
        (QUESTION, replace(SIGN_IN, handle="another-handle")),
        (QUESTION, replace(SIGN_IN, person=PARTNER)),
        (QUESTION, replace(SIGN_IN, person=MEMBER)),
        (QUESTION, replace(SIGN_IN, ends_at=NOON)),
        (QUESTION, replace(SIGN_IN, ends_at=NOON - TICK)),
    ],
    ids=[
        "unknown",
        "not brought",
        "brought as nothing",
        "in capitals",
        "named by its id",
        "named by its digest",
        "another one's handle",
        "another person's",
        "the recipient's",
        "over at this instant",
        "over before",
    ],
)
@pytest.mark.parametrize("evidence", Evidence)
@pytest.mark.parametrize("as_company", [False, True])
def test_any_other_sign_in_is_nil(
    question: Question, sign_in: SignIn | None, evidence: Evidence, as_company: bool
) -> None:
    """Only the actor's own, in force, by its very handle counts; else nothing is proved by it."""
    question = replace(question, actor_evidence=evidence)
    if as_company:
        question = replace(question, resource=CompanyAsked(COMPANY))
    assert (None, None, evidence.value) == told(facts_with(sign_in, question))


@pytest.mark.parametrize("evidence", Evidence)
def test_a_sign_in_by_power_of_attorney_proves_no_act_of_ones_own(evidence: Evidence) -> None:
    """It is a fact that rules can refuse, and how the actor is known stays what it was."""
    facts = facts_with(replace(SIGN_IN, agent=True), replace(QUESTION, actor_evidence=evidence))
    assert (replace(PROVEN, agent=True), "5" * 32, evidence.value) == told(facts)


def test_what_no_token_told_is_named_as_nothing() -> None:
    """Absence has a name in each closed fact, and is nil in the open ones."""
    silent = replace(
        SIGN_IN, methods=(), level=None, certificate_company=None, authenticated_at=None
    )
    nothing = SignInFacts(
        level="none",
        method="other",
        certificate="none",
        cnpj=None,
        second_factor=False,
        agent=False,
        minutes=None,
    )
    assert (nothing, "5" * 32, "govbr") == told(facts_with(silent))


@pytest.mark.parametrize("level", Level)
def test_the_level_is_the_accounts(level: Level) -> None:
    """Its word is the token's, whatever the method was."""
    found = facts_with(replace(SIGN_IN, level=level)).question.sign_in
    assert replace(PROVEN, level=level.value) == found


@pytest.mark.parametrize("company", [COMPANY, OTHER_COMPANY])
def test_the_company_of_the_certificate_is_told_as_it_is(company: Cnpj) -> None:
    """Whether it is the company asked about is for a rule to say."""
    found = facts_with(replace(SIGN_IN, certificate_company=company)).question.sign_in
    assert replace(PROVEN, cnpj=company.value) == found


@pytest.mark.parametrize(
    ("methods", "method", "certificate", "second_factor"),
    [
        (("passwd", "captcha"), "password", "none", False),
        (("passwd", "mfa", "otp_offline"), "password", "none", True),
        (("x509", "x509_birdid"), "certificate", "cloud", False),
        (("x509",), "certificate", "unspecified", False),
        (("bank", "bank001"), "bank", "none", False),
        (("app", "app_qrcode"), "app", "none", False),
        (("telepathy",), "other", "none", False),
    ],
    ids=str,
)
def test_the_methods_become_words_that_rules_compare(
    methods: tuple[str, ...], method: str, certificate: str, second_factor: bool
) -> None:
    """Each of the three is a fact of a small domain."""
    expected = replace(PROVEN, method=method, certificate=certificate, second_factor=second_factor)
    assert expected == facts_with(replace(SIGN_IN, methods=methods)).question.sign_in


@pytest.mark.parametrize(
    ("authenticated_at", "expected"),
    [
        (NOON, 0),
        (NOON - MINUTE + TICK, 0),
        (NOON - MINUTE, 1),
        (NOON - 2 * MINUTE + TICK, 1),
        (NOON - timedelta(days=2), 2880),
        (NOON + TICK, 0),
        (NOON + timedelta(hours=3), 0),
        (datetime.fromisoformat("2026-11-20T11:30:00-03:00"), 30),
    ],
)
def test_the_minutes_count_from_when_the_person_really_authenticated(
    authenticated_at: datetime, expected: int
) -> None:
    """Whole minutes rounded down, and none where GOV.BR's clock is ahead."""
    found = facts_with(replace(SIGN_IN, authenticated_at=authenticated_at)).question.sign_in
    assert replace(PROVEN, minutes=expected) == found


def test_nothing_secret_is_printed_with_the_facts() -> None:
    """Facts, question and what is known may end in a traceback: no handle, digest or CPF does."""
    known = Known(process=P001, sign_in=SIGN_IN)
    printed = repr(facts_of(QUESTION, known, NOON)) + repr(known) + repr(QUESTION)
    secrets = (HANDLE, SIGN_IN.digest, REPRESENTATIVE.digits, MEMBER.digits)
    assert [] == [one for one in secrets if one in printed]
