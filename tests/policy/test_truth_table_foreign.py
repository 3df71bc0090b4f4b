"""
The shipped policies on foreign companies and logins, written a second time and independently.

``expected`` is Passo 2 of Inmetro's "Cadastro Único" in plain Python, with the house's rules on
what the document leaves open: a login acts for foreign companies only, and only opens; of a
company that is not validated nothing else is said than that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from authz_service.domain.companies import Validation
from authz_service.domain.decision import Actor, CompanyAsked, ProcessAsked, Question, Resource
from authz_service.domain.identifiers import CompanyId, Login
from authz_service.domain.known import Known, facts_of
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.policy.bundle import build, collect
from authz_service.policy.compiled import CompiledPolicy
from tests.fakes.clock import NOON
from tests.policy.facts import (
    ACME,
    ALICE,
    ANA,
    GMBH,
    P001,
    RECORD,
    REGISTERED,
    SIGN_IN,
    SOCIO,
    WEBER,
)

SHIPPED = Path(__file__).parents[2] / "policies"
DUPONT = Login.parse("dupont")
ACTORS: dict[str, Actor] = {
    "representative": WEBER,
    "another login": DUPONT,
    "a login in capitals": Login.parse("Weber"),
    "a partner of a national company": ANA,
    "another's subject": ALICE,
}
ACTIONS = ("open", "delegate", "revoke", "renounce", "read_delegations", "approve")
COMPANIES = ("national", "unknown", *Validation)


@dataclass(frozen=True)
class Case:
    """One situation: who asks what of which company, and what stands in the records."""

    actor: str
    action: str
    company: str
    process: str
    represented: bool
    signed_in: bool


def everything() -> Iterator[Case]:
    """Every combination of actor, action, company, process, representatives and sign-in."""
    for combined in itertools.product(
        ACTORS,
        ACTIONS,
        COMPANIES,
        ("open", "closed", "unknown", "none"),
        (True, False),
        (True, False),
    ):
        yield Case(*combined)


def expected(case: Case) -> tuple[bool, tuple[str, ...]]:
    """Say what the document and the house say: the decision and its reasons."""
    login = "login" in case.actor or case.actor == "representative"
    forbidden = []
    if case.company not in ("national", "validated"):
        forbidden.append("company-not-validated")
    if case.company == "national" and login:
        forbidden.append("login-without-govbr")
    if case.action in ("open", "delegate") and case.process in ("closed", "unknown"):
        forbidden.append(f"process-{case.process}")
    if forbidden:
        return False, tuple(forbidden)
    if case.company == "national":
        return national(case)
    opens = case.action == "open" and case.process == "open"
    if case.actor == "representative" and case.represented and opens:
        return True, ("foreign-representative",)
    return NO


NO = (False, ("no-permit",))


def national(case: Case) -> tuple[bool, tuple[str, ...]]:
    """Say what a national company's own partner may, whom no login changes."""
    partner = case.actor == "a partner of a national company"
    of_a_process = case.action in ("open", "delegate", "revoke") and case.process != "none"
    whole = case.action == "read_delegations" and case.process == "none"
    if partner and (of_a_process or whole):
        return True, ("represents",)
    return NO


def asked(case: Case) -> tuple[Question, Known]:
    """Turn a situation into a question and the records that bear on it."""
    company: CompanyId = ACME if case.company == "national" else GMBH.id
    resource: Resource = CompanyAsked(company)
    process = None
    if case.process != "none":
        resource = ProcessAsked(ProcessName("P001"), company)
        if case.process != "unknown":
            process = replace(P001, state=ProcessState(case.process))
    foreign = None
    if case.company not in ("national", "unknown"):
        foreign = replace(
            GMBH,
            validation=Validation(case.company),
            validated_at=NOON if case.company == "validated" else None,
            representatives=(WEBER,) if case.represented else (),
        )
    question = Question(
        actor=ACTORS[case.actor],
        action=case.action,
        resource=resource,
        sign_in=SIGN_IN.handle if case.signed_in else None,
    )
    known = Known(
        people=REGISTERED,
        process=process,
        standings=(SOCIO,),
        sign_in=SIGN_IN,
        foreign=foreign,
    )
    return question, known


@pytest.fixture(scope="module", name="shipped")
def _shipped() -> CompiledPolicy:
    return build(collect(SHIPPED))


def test_the_shipped_policies_say_what_passo_2_says(shipped: CompiledPolicy) -> None:
    """No situation is decided otherwise, or for other reasons, than by document and house."""
    wrong = []
    for case in everything():
        question, known = asked(case)
        decision = shipped.evaluate(question, facts_of(question, known, NOON))
        if (decision.allowed, decision.reasons, decision.errors) != (*expected(case), ()):
            wrong.append((case, decision))

    assert [] == wrong


def test_the_table_is_not_lopsided() -> None:
    """A login is allowed in exactly one kind of situation, and every reason is given somewhere."""
    cases = [(case, *expected(case)) for case in everything()]

    by_logins = {
        (case.actor, case.action, case.company, case.process, case.represented)
        for case, allowed, _reasons in cases
        if allowed and case.actor != "a partner of a national company"
    }
    assert {("representative", "open", "validated", "open", True)} == by_logins
    assert {
        "company-not-validated",
        "login-without-govbr",
        "process-unknown",
        "process-closed",
        "foreign-representative",
        "represents",
        "no-permit",
    } == {reason for _case, _allowed, reasons in cases for reason in reasons}


@pytest.mark.parametrize("action", [*ACTIONS, "read"])
def test_the_shipped_policies_permit_nothing_that_other_services_own(
    shipped: CompiledPolicy, action: str
) -> None:
    """Whoever asks, what no rule is about is denied, however it describes itself."""
    thing = replace(RECORD, properties={"state": "open", "role": "socio", "in_force": True})

    for actor in ACTORS.values():
        question = Question(actor, action, thing)
        decision = shipped.evaluate(question, facts_of(question, Known(people=REGISTERED), NOON))
        assert NO == (decision.allowed, decision.reasons)


PARTICULARS = {
    "foreign": {"cnpj": GMBH.id.formatted, "processo": "P001 - Acreditação v.3"},
    "national": {"cnpj": ACME.formatted, "processo": "P001 - Acreditação v.3"},
    "entity": {"cnpj": "", "processo": ""},
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("about", PARTICULARS)
def test_what_a_denial_says_fits_what_was_asked(
    shipped: CompiledPolicy, about: str, action: str
) -> None:
    """Who has no CPF is not told of one, nor who owns a report of a company's GOV.BR."""
    text = shipped.text("no-permit", action, PARTICULARS[about])

    assert (about == "national") is ("CPF" in text.pt)
    assert (about == "national") is ("GOV.BR" in text.pt)
    assert (about == "foreign") is (GMBH.id.formatted in text.pt)
    assert (about == "entity") is ("empresa" not in text.pt)
    assert "  " not in text.pt


@pytest.mark.parametrize(
    "code", ["company-not-validated", "login-without-govbr", "foreign-representative"]
)
def test_what_a_decision_about_a_foreign_company_says_names_it(
    shipped: CompiledPolicy, code: str
) -> None:
    """Its number stands in the text, in the form for people, and the next step with it."""
    text = shipped.text(code, "open", PARTICULARS["foreign"])

    assert GMBH.id.formatted in text.pt
    assert text.pt.endswith(".")
