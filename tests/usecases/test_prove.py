"""Proving who acts: a token names the person, and the sign-in if it has made one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_service.domain.decision import Decision, Question
from authz_service.domain.errors import SignInUnavailable, StoreUnavailable, TokenRefused
from authz_service.domain.facts import Facts
from authz_service.domain.people import Evidence
from authz_service.domain.sign_in import Cause
from authz_service.usecases.acting import Acting
from tests.domain.document import COMPANY, MEMBER, P001, REPRESENTATIVE
from tests.fakes.govbr import listing
from tests.usecases.delegating import names, remember
from tests.usecases.house import House
from tests.usecases.signing_in import (
    ID_TEXT,
    ID_TOKEN,
    OTHER,
    PORTAL,
    SAID,
    SOCIO,
    TEXT,
    TOKEN,
    ingest,
    kept,
)


def test_a_token_that_was_brought_before_proves_person_and_sign_in(house: House) -> None:
    """Who acts is known with all that the sign-in proved, and nothing is written."""
    signed = ingest(house)
    before, records = kept(house), list(house.log.records)
    proof, handle = house.sign_in_desk.prove(TOKEN, PORTAL)
    assert (REPRESENTATIVE, signed.sign_in.handle) == (proof.person, handle)
    assert (before, records) == (kept(house), house.log.records)


def test_a_token_that_was_not_brought_before_proves_the_person_alone(house: House) -> None:
    """Nothing is asked of GOV.BR, and nobody is registered by acting."""
    house.companies.answers = listing(SOCIO)
    house.tokens.take(TEXT, SAID, ID_TEXT)
    before = kept(house)
    proof, handle = house.sign_in_desk.prove(TOKEN, PORTAL)
    assert (REPRESENTATIVE, SAID.methods, None) == (proof.person, proof.methods, handle)
    assert [(TEXT, None)] == house.tokens.asked
    assert (before, [], []) == (kept(house), house.log.records, house.companies.asked)
    assert [] == house.refused


@pytest.mark.parametrize("known", [False, True])
def test_a_power_of_attorney_proves_no_act_of_ones_own(house: House, known: bool) -> None:
    """It is refused and counted, whether it has made a sign-in or not."""
    house.tokens.take(TEXT, replace(SAID, agent=True))
    if known:
        house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    before = kept(house)
    with pytest.raises(TokenRefused) as caught:
        house.sign_in_desk.prove(TOKEN, PORTAL)
    assert (Cause.AGENT, [Cause.AGENT]) == (caught.value.cause, house.refused)
    assert before == kept(house)


def test_a_token_that_another_client_brought_proves_nothing(house: House) -> None:
    """It belongs to who brought it first, and the refusal is counted."""
    signed = ingest(house)
    with pytest.raises(TokenRefused) as caught:
        house.sign_in_desk.prove(TOKEN, OTHER)
    assert (Cause.OTHER_CLIENT, [Cause.OTHER_CLIENT]) == (caught.value.cause, house.refused)
    told = str(caught.value)
    assert [] == [one for one in (TEXT, signed.sign_in.handle, PORTAL.name) if one in told]


@pytest.mark.parametrize("cause", Cause)
def test_a_refused_token_proves_nothing_and_is_counted(house: House, cause: Cause) -> None:
    """Its cause is the verifier's."""
    house.tokens.refuse(TEXT, cause)
    with pytest.raises(TokenRefused) as caught:
        house.sign_in_desk.prove(TOKEN, PORTAL)
    assert (cause, [cause]) == (caught.value.cause, house.refused)
    assert [PORTAL] == house.refused_to


def test_without_keys_or_store_nobody_is_proven(house: House) -> None:
    """It is not the token's fault, so nothing is counted."""
    house.tokens.take(TEXT, SAID)
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        house.sign_in_desk.prove(TOKEN, PORTAL)
    house.tokens.down = True
    with pytest.raises(SignInUnavailable):
        house.sign_in_desk.prove(TOKEN, PORTAL)
    assert [] == house.refused


def test_who_is_proven_acts_on_delegations_as_verified(house: House) -> None:
    """The desk's questions bring the sign-in, so rules may ask how the person got in."""
    signed = ingest(house)
    proof, handle = house.sign_in_desk.prove(TOKEN, PORTAL)
    questions = remember(house, Decision(allowed=True, reasons=("represents",)))
    acting = Acting(proof.person, Evidence.GOVBR, PORTAL, sign_in=handle, proof=proof)
    house.desk.replace_set(acting, COMPANY, MEMBER, names((P001,)))
    assert {signed.sign_in.handle} == {one.sign_in for one in questions}
    asked = house.decisions[0].asked
    assert (signed.sign_in.id, Evidence.GOVBR) == (asked.sign_in, asked.actor_evidence)
    assert house.surrogate(REPRESENTATIVE) == asked.actor


def test_a_token_that_made_no_sign_in_tells_rules_what_it_proves(house: House) -> None:
    """Method and certificate are read from the token itself; there is no sign-in to name."""
    house.tokens.take(TEXT, SAID)
    seen = []

    def verdict(_question: Question, facts: Facts) -> Decision:
        seen.append(facts)
        return Decision(allowed=True, reasons=("represents",))

    house.policy.verdict = verdict
    proof, handle = house.sign_in_desk.prove(TOKEN, PORTAL)
    acting = Acting(proof.person, Evidence.GOVBR, PORTAL, sign_in=handle, proof=proof)
    house.desk.replace_set(acting, COMPANY, MEMBER, names((P001,)))

    read = seen[0].question.sign_in
    assert read is not None
    assert ("certificate", "device", COMPANY.value) == (read.method, read.certificate, read.cnpj)
    act = house.administrative[-1]
    known = [act.details[name] for name in ("actor_evidence", "sign_in", "method")]
    assert ["govbr", None, "certificate"] == known


def test_an_agent_known_by_the_other_token_proves_no_own_act(house: House) -> None:
    """The access token alone does not tell it, and the sign-in that it made does."""
    house.tokens.take(TEXT, replace(SAID, agent=True), ID_TEXT)
    house.sign_in_desk.ingest(TOKEN, ID_TOKEN, PORTAL)
    house.tokens.take(TEXT, SAID)
    with pytest.raises(TokenRefused) as caught:
        house.sign_in_desk.prove(TOKEN, PORTAL)
    assert Cause.AGENT == caught.value.cause
