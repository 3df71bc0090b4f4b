"""Explaining: what the decision point would say, with its grounds, and without a trace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.decision import (
    NO_PERMIT,
    UNKNOWN_TYPE,
    CompanyAsked,
    Decision,
    Impossible,
    ProcessAsked,
    Question,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import AmbiguousProcess, PolicyUnavailable, StoreUnavailable
from authz_service.domain.facts import CompanyFacts, Facts, ResourceFacts, StandingFacts
from authz_service.domain.people import Role
from authz_service.domain.processes import ProcessName
from authz_service.usecases.explain import Explanation
from tests.domain.document import COMPANY, P001, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.usecases.house import CALLER, House

LABORATORY = EntityName("laboratory", "L-17")
QUESTION = Question(REPRESENTATIVE, "read_delegations", CompanyAsked(COMPANY))


def by_standing(_question: Question, facts: Facts) -> Decision:
    """Allow while the actor's standing in the company is in force."""
    assert isinstance(facts.resource, CompanyFacts)
    allowed = facts.resource.standing.in_force
    return Decision(allowed=allowed, reasons=("represents" if allowed else NO_PERMIT,))


def explain(house: House, question: Question = QUESTION) -> Explanation:
    """Explain a question that can be asked."""
    found = house.explainer.explain(question)
    assert isinstance(found, Explanation)
    return found


def test_an_explanation_is_the_decision_with_its_grounds(house: House) -> None:
    """Decision, facts, policy and state of the store belong together."""
    house.policy.verdict = by_standing
    house.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, NOON + timedelta(1), CALLER)
    explained = explain(house)
    snapshot = house.store.facts.gather([QUESTION], NOON)
    assert Decision(allowed=True, reasons=("represents",)) == explained.decision
    assert isinstance(explained.facts.resource, CompanyFacts)
    expected = StandingFacts("socio", "asserted", in_force=True, days=0)
    assert expected == explained.facts.resource.standing
    assert snapshot.facts == (explained.facts,)
    assert (house.policy.digest, snapshot.revision) == (
        explained.policy_digest,
        explained.store_revision,
    )


def test_an_explanation_is_of_this_moment(house: House) -> None:
    """What has ended is explained as ended, as it would be decided."""
    house.policy.verdict = by_standing
    house.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, NOON + timedelta(1), CALLER)
    house.clock.advance(timedelta(days=1))
    explained = explain(house)
    assert house.point.decide(QUESTION, CALLER).decision == explained.decision
    assert not explained.decision.allowed


def test_explaining_leaves_no_trace(house: House) -> None:
    """It is no decision: nothing is written, nobody hears of it, and nobody gets a surrogate."""
    before = house.store.facts.gather([], NOON).revision
    house.explainer.explain(QUESTION)
    assert ([], []) == (house.log.records, house.told)
    assert {} == house.store._tables.surrogates
    assert before == house.store.facts.gather([], NOON).revision


def test_a_process_is_explained_by_its_label(house: House) -> None:
    """The process that was meant is among the facts."""
    question = replace(QUESTION, resource=ProcessAsked(ProcessName("P001"), COMPANY))
    assert P001 == explain(house, question).facts.process


def test_what_is_stored_of_an_entity_is_explained_too(house: House) -> None:
    """The policy is asked about the entity as it is described, and so is the explanation."""
    house.entities.stored[LABORATORY] = {"state": "active", "age": 3}
    question = replace(QUESTION, resource=Thing(LABORATORY, {"state": "closed"}))
    explained = explain(house, question)
    described = Thing(LABORATORY, {"state": "closed", "age": 3})
    assert replace(question, resource=described) == explained.question
    assert isinstance(explained.facts.resource, ResourceFacts)
    assert described.properties == explained.facts.resource.properties


def test_an_entity_of_an_unknown_type_cannot_be_explained(house: House) -> None:
    """There is nothing to decide: the answer says so, without policy or store."""
    house.store.broken, house.policies.policy = True, None
    question = replace(QUESTION, resource=Thing(LABORATORY))
    assert Impossible("read_delegations", UNKNOWN_TYPE) == house.explainer.explain(question)


def test_an_ambiguous_process_is_not_explained(house: House) -> None:
    """The caller has to say which one is meant."""
    with pytest.raises(AmbiguousProcess):
        house.explainer.explain(
            replace(QUESTION, resource=ProcessAsked(ProcessName("P061"), COMPANY))
        )


def test_without_policy_or_store_nothing_is_explained(house: House) -> None:
    """The same errors as when deciding."""
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        house.explainer.explain(QUESTION)
    house.policies.policy = None
    with pytest.raises(PolicyUnavailable):
        house.explainer.explain(QUESTION)
